"""The parts of a member's client, wired here and nowhere else.

    Stream ── positions, holes, log hash          Conversation ── messages in and out
    Membership ── group, state, roster            Presence ── does a facilitator hold the room
    Publisher ── the outbox's next message        KeyUpdates ── fresh keys for the own leaf
    Following ── in step, or held                 Rejoining ── back into the group
    Doubts ── ask the relay again                 Facilitator ── only when this member is one:
    Bringing ── a log that was brought back       commits, lobby, doors

`ready` is the one condition under which anything is published: connected, resumed, in step with the
relay's last commit, and not held.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

from alcove_protocol import frames
from alcove_protocol.frames import BlobClass
from alcove_protocol.invite import SECRET_SIZE
from alcove_protocol.position import Position
from alcove_protocol.statements import Opening, Signed
from alcove_protocol.ticket import Ticket

from alcove import events
from alcove.desk.life import SignsOfLife
from alcove.desk.line import DeskLine
from alcove.engine.act_log import ActLog
from alcove.engine.agreement import AgreementQuestion
from alcove.engine.agreement_change import AgreementChange
from alcove.engine.bringing import Bringing
from alcove.engine.doubts import Doubts
from alcove.engine.following import Following
from alcove.engine.key_updates import KeyUpdates
from alcove.engine.let_go import LetGo
from alcove.engine.new_log import NewLog
from alcove.engine.publisher import Publisher
from alcove.engine.rejoining import Rejoining
from alcove.engine.requests import LobbyRequests
from alcove.engine.room_rules import RoomRules
from alcove.engine.roster_alarm import RosterAlarm
from alcove.engine.standby_answers import StandbyAnswers
from alcove.engine.standby_entering import StandbyEntering
from alcove.engine.stepping_down import SteppingDown
from alcove.engine.telling import Telling
from alcove.engine.ticket_keeper import TicketKeeper
from alcove.engine.whereabouts import WhereaboutsWatch
from alcove.facilitation.committer import Committer
from alcove.facilitation.doors import RoomCard
from alcove.facilitation.facilitator import Facilitator, Handover
from alcove.facilitation.outside import SeenGoing
from alcove.facilitation.role_intents import demoted
from alcove.facilitation.seen_lost import SeenLost
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.messages.agreements import Agreements
from alcove.messages.alarms import Alarms
from alcove.messages.conversation import Conversation
from alcove.messages.payload import ToldAgreement
from alcove.messages.presence import Presence
from alcove.messages.stream import Advance, Stream
from alcove.relay.ports import Ports


class MemberParts(ABC):
    """What a member's client consists of. `stranded`: see `Rejoining`. `handover` gives what an
    appointed facilitator needs."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        opening: Opening,
        cursor: Position,
        ports: Ports,
        agreements: Agreements,
        stranded: Callable[[], None],
        handover: Callable[[], Handover],
    ) -> None:
        self._identity = identity
        self.membership = membership
        self._ports = ports
        self._link = ports.link
        self._emit = ports.emit
        self._clock = ports.clock
        self._resumed = False
        self._handover = handover
        self.facilitator: Facilitator | None = None
        self._following = Following(ports.clock)
        self.stream = Stream(opening.previous, cursor)
        self._telling = Telling(ports)
        self._names_let_go = LetGo()
        self.act_log = ActLog(ports, self._asked_down)
        self._rules = RoomRules(membership, ports)
        self.entering: StandbyEntering | None = None
        self.tickets: TicketKeeper | None = None
        self.seen_going = SeenGoing(membership, ports.clock)
        self.seen_lost = SeenLost(membership, ports.clock)
        self._roster_alarm = RosterAlarm(membership, ports)
        self._agreements = agreements
        self._wire_messages()
        self._wire_requests(opening, stranded)
        self._wire_agreement()
        self._wire_new_log()

    def _asked_down(self, key: bytes) -> bool:
        """Whether it is known of this member that they asked to be a participant."""
        if key == self.membership.own.key:
            return self.stepping_down.asks
        return self.facilitator is not None and self.facilitator.roles.wished(key)

    def _spoke(self, author: bytes, read: Position, age: int) -> None:
        """A member's message proves that it had read so far: a sign of life, if that is new."""
        if self.presence.attendance.is_new(read):
            self.life.spoke(author, age)

    def _wire_messages(self) -> None:
        """What is said, and whether it may be."""
        membership, ports = self.membership, self._ports
        self._alarms = Alarms(ports)
        self.presence = Presence(membership, self.stream, ports, self._alarms, on_missed=self._gap)
        self.desk = DeskLine(self._identity, membership, ports)
        self.life = SignsOfLife(membership, ports)
        self.whereabouts = WhereaboutsWatch(membership, self.presence, self.life, ports)
        self.conversation = Conversation(
            membership,
            self.stream,
            ports,
            self._alarms,
            watch=self.presence,
            on_agreement=self._agreement_told,
            on_own=lambda id, sent: self.agreement_change.own(id, sent),
            on_fold=self.act_log.folded,
            on_life=self._spoke,
        )
        self.publisher = Publisher(
            membership,
            self.stream,
            self._following,
            self.conversation,
            self.presence,
            ports,
            published=self._published,
            # A person to be removed reads on until the relay takes the commit.
            ready=lambda: self.ready and not (self.facilitator and self.facilitator.removing),
        )
        self._doubts = Doubts(
            membership,
            self.stream,
            self._following,
            self.presence,
            ports,
            denied=self._was_denied,
            gap=self._gap,
        )

    def _wire_requests(self, opening: Opening, stranded: Callable[[], None]) -> None:
        """What this member asks of the facilitators."""
        identity, membership, ports = self._identity, self.membership, self._ports
        self.requests = LobbyRequests(identity, membership, opening.previous, ports)
        self._rejoining = Rejoining(identity, membership, opening, self.requests, ports, stranded)
        self._key_updates = KeyUpdates(identity, membership, self.requests, ports)
        self.stepping_down = SteppingDown(identity, membership, self.requests, ports)
        self.standby_answers = StandbyAnswers(
            membership, self.presence, self._following, ports, self._room_card
        )

    def _wire_agreement(self) -> None:
        """The person's answer to the agreement, and a facilitator's change of it."""
        membership, agreements, ports = self.membership, self._agreements, self._ports
        self._agreement = AgreementQuestion(membership, agreements, ports)
        self.agreement_change = AgreementChange(
            membership,
            agreements,
            self.conversation,
            ports,
            facilitator=lambda: self.facilitator,
        )

    def _wire_new_log(self) -> None:
        """What becomes of a log that was brought back."""
        membership, ports = self.membership, self._ports
        self.bringing = Bringing(
            self._identity, membership, ports, self._packed_doors, self._may_be_abandoned
        )
        self._new_log = NewLog(
            self._identity,
            membership,
            self.stream,
            self._following,
            self.bringing,
            ports,
            published=self._published,
            gap=self._gap,
        )

    @abstractmethod
    def become_facilitator(self, handover: Handover) -> Facilitator:
        """From here on this member's client facilitates."""

    def _take_part(self) -> None:
        """Facilitate from an appointment on, and no more after a demotion: then every key that only
        facilitators have is wiped."""
        facilitates = self.membership.own.facilitator
        unproved = self.entering is not None and self.entering.unproved
        if facilitates and self.facilitator is None and not unproved:
            handover = self._handover()
            entering, self.entering = self.entering, None
            if entering is not None:  # this commit listed it, with the lobby key of its own
                handover = replace(handover, lobby_key=entering.lobby_key)
                self.presence.others_are_away()
            self.become_facilitator(handover)
        elif not facilitates and self.facilitator is not None:
            former, self.facilitator = self.facilitator, None
            former.close(demoted())
        self.stepping_down.tick()

    def take_part(self) -> None:
        """In the group by a ticket: facilitate, if this member does."""
        self._take_part()

    def keep_ticket(self) -> TicketKeeper:
        """Keep a ticket of this client at the relay from now on."""
        if self.tickets is None:
            room, origin = self.membership.group.group_id, self._handover().origin
            self.tickets = TicketKeeper(
                self._identity,
                self.membership,
                self._ports,
                Ticket(room, origin, self._ports.random(SECRET_SIZE)),
                opening=self._entry_zero,
                title=lambda: self._agreements.title,
                facilitator=lambda: self.facilitator,
            )
        return self.tickets

    def _park_first(self) -> None:
        """A commit goes to the relay next. The members that it lets in may be the only ones that
        are left, should this program die behind it."""
        if self.tickets is not None:
            self.tickets.before_commit()

    def _entry_zero(self) -> Signed | None:
        """Roster entry 0, once the chain was read."""
        chain = self.bringing.chain.whole()
        return chain[0] if chain is not None else None

    @property
    def committer(self) -> Committer | None:
        """What commits: of a facilitator, or of one that came by the standby to become one."""
        part = self.facilitator or self.entering
        return part.committer if part is not None else None

    def _room_card(self) -> RoomCard:
        """What this member can tell of the room's texts. Without ground rules when it has not those
        of now: who comes in by that gives them anew."""
        agreement, card = self._agreements.of(self.membership.state), self._handover().card
        if agreement is None:
            return replace(card, texts=())
        return replace(card, agreement_version=agreement.version, texts=agreement.texts)

    @property
    def ready(self) -> bool:
        following = self._following
        return self._link.live and self._resumed and following.in_step and not following.held

    @property
    def _may_commit(self) -> bool:
        return self.ready and self._new_log.may_commit

    def desk_frame(self, frame: frames.DeskIs) -> None:
        """A frame of the private line came. It is for facilitators."""
        came = self.desk.receive(frame) if self.facilitator is not None else None
        if came is not None:
            self.life.sign(*came)

    def _may_release(self) -> bool:
        """A held facilitator goes on in the old epoch when for 90 s no beat of the new one came.
        Otherwise a commit that no member can follow would end the room."""
        may = self.facilitator is not None and self._resumed
        return may and self._following.held and self._following.others_silent

    def knows(self, generation: bytes | None) -> bool:
        """Whether this client was in step in this log, or is not told which one it is. In another
        one no ending is final yet."""
        return generation in (None, self._new_log.known)

    def _may_be_abandoned(self) -> bool:
        """A facilitator that comes back brings the room in any case."""
        return self.facilitator is None and self.presence.abandoned

    def _agreement_told(self, author: bytes, told: ToldAgreement) -> None:
        """A facilitator told the texts of an agreement."""
        membership, room = self.membership, self.membership.group.group_id
        if self._agreements.told(author, told.version, told.texts, membership.state, room):
            self._agreement.ask()
            self.agreement_change.heard()

    def look_at_rules(self) -> None:
        """Show the room's agreement, if it is not the one that the person accepted."""
        self._agreement.ask()

    def accept_agreement(self, version: int | None = None) -> None:
        """The person accepts the room's agreement. Their leaf says so soon.

        Raises `NotNow`: see `AgreementQuestion.accept`.
        """
        self._agreement.accept(version)
        if self.facilitator is not None:
            self.facilitator.refresh_keys()
        else:
            self._key_updates.hasten()

    def renew_soon(self) -> None:
        """Give the own leaf fresh keys by an Update soon: what was asked for it is void then."""
        self._key_updates.hasten()

    def _packed_doors(self, anew: bool) -> bytes:
        doors = self.facilitator.doors if self.facilitator is not None else None
        return b"" if doors is None else doors.packed(self.membership if anew else None)

    def _was_denied(self) -> bool:
        committer = self.facilitator.committer if self.facilitator is not None else None
        doubtful = committer is not None and committer.doubtful
        return doubtful or self.conversation.outbox.doubtful(self.membership.group.epoch)

    def _published(self, position: Position, blob_class: BlobClass, blob: bytes) -> Advance:
        """This client's own blob is at this position. Missing numbers before it were withheld."""
        step = self._doubts.published(position, blob_class, blob)
        if step is Advance.AFTER_HOLE:
            self._gap()
        return step

    def _gap(self) -> None:
        self._emit(events.Gap(None))
        self.conversation.forgive_holes()

    def wipe(self) -> None:
        """Forget every key and every word."""
        self.membership.wipe()
        self.conversation.forget()
        self._rejoining.wipe()
