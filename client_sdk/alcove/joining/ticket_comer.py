"""The way back by a ticket: the same person, after a crash or a reload.

    FETCHING ──what was parked──▶ READING ──chain verified──▶ ASKING ──Welcome──▶ (a member)
                                                               │
                            no other facilitator: members answer, an external commit

The client proves the key that was parked, so the relay takes it for the member that it was. It has
no group. It asks the facilitators to be let in again, as a held member does, and takes no Welcome
into a group that is older than what was parked. A facilitator asks the members too, as a standby
does. While no other facilitator is there they answer, and it replaces its own leaf.
"""

from collections.abc import Callable, Set
from enum import Enum, auto
from hashlib import sha256
from typing import Final, NamedTuple

from alcove_protocol import frames, limits
from alcove_protocol.frames import ConnectionRole, RelayAnswer
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.roster import Roster
from alcove_protocol.sealed import RequestBody, RequestKind
from alcove_protocol.statements import Opening, Signed
from alcove_protocol.ticket import Ticket

from alcove import events
from alcove.errors import PASSING, AlcoveError, NotNow, NotTrusted, Refused
from alcove.group.admission import Offer, enter
from alcove.group.extensions import FacilitatorKeys
from alcove.group.facilitator_seals import return_psk
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.parked import ParkedBody, open_parked
from alcove.group.sealing import Psk, open_welcome, request_psk, seal_request
from alcove.group.standby_entry import Candidate, Entry, make_return, read_answer
from alcove.joining.candidates import Candidates
from alcove.joining.card_words import CardWordsReader
from alcove.joining.chain_reader import ChainReader
from alcove.joining.standby_asks import AskKeys, StandbyAsks
from alcove.relay.connected_time import ConnectedTime
from alcove.relay.link import Proof
from alcove.relay.ports import Ports

ASK_AGAIN: Final = 30.0
"""Seconds after which facilitators are asked again that did not answer."""
LOOK_AGAIN: Final = 5.0
"""Seconds after which the relay is asked again that has no place."""
MEMBERS_AGAIN: Final = 10.0
"""Seconds after which a facilitator asks the members again."""
PATIENCE: Final = 180.0
"""Seconds in which a facilitator has to answer, or a member once the relay says that none is there.
While the log is unsettled, without a connection, or while the program stands still they do not
pass. Then the person knocks, as with any lost connection."""
ASKING: Final = (
    "Your program asks a facilitator's client to let you back in. You need to do nothing."
)
NOBODY: Final = (
    "Nobody's client let you back in by the ticket. Knock again with your invite, under the same "
    "name."
)
ALONE: Final = (
    "No other facilitator is here, so your program asks the members to let it back in. This works "
    "while one of them is connected; you need to do nothing."
)
_OLDER: Final = "The relay showed an older state of the room than you had seen. Do not go on."


class TicketStage(Enum):
    FETCHING = auto()
    READING = auto()
    ASKING = auto()
    ENTERING = auto()


class _Known(NamedTuple):
    """The newest that this program knows of the room: an epoch with its secret `request`, and the
    entry of the commit that began it, or one behind that."""

    epoch: int
    request: bytes
    counter: int
    head: bytes


class TicketComer:
    """A client that came by a ticket, before it is in the room.

    `on_person` is called once the person's keys are here, `on_known` once the room's history was
    verified, `on_member` with the group and the position of the commit that let it in,
    `on_returned` with its own external commit that the relay took and where it stands, and `fail`
    when the way has ended.
    """

    card = None
    knocked = False

    def __init__(
        self,
        ticket: Ticket,
        ports: Ports,
        *,
        on_person: Callable[[Identity], None],
        on_known: Callable[[], None],
        on_member: Callable[[Membership, Position], None],
        on_returned: Callable[[Entry, Position], None],
        fail: Callable[[AlcoveError], None],
    ) -> None:
        self.ticket = ticket
        self.stage = TicketStage.FETCHING
        self._ports = ports
        self._clock = ports.clock
        self._link = ports.link
        self._emit = ports.emit
        self._on_person = on_person
        self._on_known = on_known
        self._on_member = on_member
        self._on_returned = on_returned
        self._fail = fail
        self._body: ParkedBody | None = None
        self._parked = b""
        self._newest: _Known | None = None
        self._identity: Identity | None = None
        self._offer: Offer | None = None
        self._again_at: float | None = None
        self._patience = ConnectedTime(ports)
        self.asks: StandbyAsks | None = None
        self.used: Candidate | None = None
        """The answer that the external commit was made of."""
        self._keys: AskKeys | None = None
        self.candidates = Candidates(ports.clock)
        self.cards = CardWordsReader(ports.link)
        self._members_at: float | None = None
        self._asked_at: float | None = None
        self._pending: tuple[Entry, bytes] | None = None
        self._in_flight = False
        self._told_alone = False
        self._parks = True
        """Whether the relay may lack what was parked: it drops it soon after the fetch."""
        self.away = False
        """Whether it asks as one that was let go for a lost connection, while it was on its way."""
        self._entered = self._lost = self._is_older = False
        """Whether this client was authenticated before; whether the relay may have lost its memory
        since then, and whether what was brought back lacks what was parked."""
        self._waited_here = False
        """Whether it waits for a newer history, or did over this connection: a relay that shows an
        older one and a newer one by turns gains no time."""
        self.chain = ChainReader(
            ticket.room,
            ports,
            on_known=self._known,
            on_late=self._later,
            on_wrong=self._wrong,
        )

    # --- what was parked -----------------------------------------------------------------------

    @property
    def fetched(self) -> bool:
        """Whether the person's keys are here."""
        return self._body is not None

    @property
    def body(self) -> ParkedBody:
        """What was parked. Only once `on_person` was called."""
        assert self._body is not None
        return self._body

    @property
    def identity(self) -> Identity:
        """The person. Only once `on_person` was called."""
        assert self._identity is not None
        return self._identity

    @property
    def opening(self) -> tuple[Opening, Signed]:
        """Entry 0, verified. Only once `on_known` was called."""
        return self.chain.opening

    def fetch(self) -> None:
        """Before authentication: ask the relay for what was parked."""
        ticket = self.ticket
        self._link.request(
            lambda n: frames.Fetch(n, ticket.room, ticket.slot(), ticket.token()), self._came
        )

    def _came(self, answer: RelayAnswer | None) -> None:
        if answer is None:
            return  # the connection dropped, and the next one asks again
        if not isinstance(answer, frames.Fetched):
            code = answer.code if isinstance(answer, frames.RequestRefused) else "malformed"
            if code in PASSING:
                self._link.hang_up = True
            else:
                self._fail(Refused.by_relay(code))
            return
        try:
            body = open_parked(self.ticket, answer.blob)
            identity = body.identity()
        except AlcoveError as error:
            self._fail(error)
            return
        self._body, self._identity, self.stage = body, identity, TicketStage.READING
        self._parked = answer.blob
        self._newest = _Known(body.epoch, body.request, body.counter, body.head)
        self._on_person(identity)

    def proof(self) -> Proof:
        role = ConnectionRole.AWAY if self.away else ConnectionRole.MEMBER
        return Proof(self.ticket.room, role, self.identity.relay)

    def let_go(self) -> bool:
        """The relay lists this member no more. It may have been let go for its lost connection:
        then it asks all the same, with the keys of the leaf that went. False before it has read the
        room's history, which such a connection does not tell, and when it asks so already: then the
        relay knows of no way back."""
        if self.away or self.stage is not TicketStage.ASKING or self.chain.roster is None:
            return False
        self.away = True
        self._patience.begin(PATIENCE)
        return True

    def authenticated(self, answer: frames.Authenticated) -> None:
        """The relay takes this client for the member. Read the room's history first. Over another
        connection it may be a relay that lost its memory: others brought the room meanwhile."""
        roster = self.chain.roster
        if answer.role == ConnectionRole.AWAY and roster is not None:
            self._ask(roster)
            return
        self._parks, self._lost, self._entered = True, self._lost or self._entered, True
        self._again_at = None
        self._waited_here = self._is_older
        self.chain.read()

    def forgotten(self) -> None:
        """The relay lost its memory. Once a member brought the room back, begin anew: what was
        parked is gone with it, and so are the asks."""
        self._lost, self._told_alone = True, False
        self._drop_pending()
        self.chain.begin_anew()
        self.candidates.forget()
        self.stage = TicketStage.READING
        self._asked_at = self._members_at = self._again_at = None
        self._patience.end()

    def _wrong(self, first: bool) -> None:
        """The relay's history does not follow. At first there is nothing to begin anew with."""
        if not first:
            self._later()
            return
        text = "The relay's history of this room is not signed as it must be; do not go on."
        self._fail(NotTrusted("bad_roster", text))

    def _known(self, roster: Roster) -> None:
        if self.chain.head(self._known_at.counter) != self._known_at.head:
            self._older()
            return
        self._is_older = False
        if self._parks:
            self._park_again()
        if self._pending is not None:
            if not self._in_flight:  # two answers to one commit would end it twice
                self._publish(*self._pending)  # if it was taken, the relay says where it stands
            return
        self._follow_own_commit()
        if self.stage is TicketStage.READING:
            self.stage = TicketStage.ASKING
            self._patience.begin(PATIENCE)
            self._on_known()
            self.cards.read(self.ticket, self.body, self.identity.signature.public)
            self._emit(events.Problem("ticket_asks", ASKING))
        self.stage = TicketStage.ASKING
        self._ask(roster)
        if roster.is_facilitator(self.identity.relay.public):
            self._ask_members(roster)

    def _older(self) -> None:
        """The history lacks what was parked. After a loss the member that brought it back may have
        missed that, and one that did not may bring it while the log is unsettled."""
        if not self._lost:
            self._fail(NotTrusted("bad_roster", _OLDER))
            return
        if not (self._patience.runs and self._waited_here):
            self._patience.begin(limits.UNSETTLED + PATIENCE)
        self._is_older = self._waited_here = True
        self.chain.begin_anew()
        self._later()

    @property
    def _known_at(self) -> _Known:
        assert self._newest is not None
        return self._newest

    def _follow_own_commit(self) -> None:
        """Its last commit was on its way when the program died. If the chain has it, ask under the
        epoch that it made: the members that it let in know none before."""
        body = self.body
        if body.next_commit is None or body.next_request is None:
            return
        counter = self.chain.counter_of(body.next_commit)
        if counter is not None and counter > self._known_at.counter:
            head = self.chain.head(counter)
            self._newest = _Known(body.epoch + 1, body.next_request, counter, head)
            self._forget_asks()  # they are of the epoch before

    def secrets(self) -> tuple[tuple[int, bytes], ...]:
        """The epochs whose secret `request` is known, the newest first."""
        parked = (self.body.epoch, self.body.request)
        newest = (self._known_at.epoch, self._known_at.request)
        return (parked,) if newest == parked else (newest, parked)

    def _park_again(self) -> None:
        """Park the same bytes again: the relay drops them 60 s after the fetch, and a program that
        dies again on the way needs them. They lead into the group that was parked, also when an
        answer here is false. The next ticket takes their place."""
        slot, hashed = self.ticket.slot(), sha256(self.ticket.token()).digest()
        self._parks = False

        def answered(answer: RelayAnswer | None) -> None:
            self._parks = self._parks or not isinstance(answer, frames.Done)

        self._link.request(lambda n: frames.Park(n, slot, hashed, self._parked), answered)

    # --- asking --------------------------------------------------------------------------------

    @property
    def _psk(self) -> Psk:
        return request_psk(self._known_at.request, self._known_at.epoch)

    def _ask(self, roster: Roster) -> None:
        """Ask the facilitators, as a member that cannot follow."""
        ports, identity, room = self._ports, self.identity, self.ticket.room
        if self._offer is None:
            accepted = self.body.agreement
            self._offer = Offer.make(identity, accepted, ports.wall(), ports.random, reloaded=True)
        request = RequestBody(
            room,
            self._known_at.epoch,
            self._known_at.counter,
            self.body.leaf,
            RequestKind.REJOIN,
            self._offer.bundle.key_package.encode(),
            self._offer.reply.public,
        )
        signer = identity.mls_signer()
        signed = signer.sign(Label.REQUEST, request)
        signer.wipe()
        lobby, own = roster.lobby or self.body.lobby, identity.relay.public
        sealed = seal_request(room, lobby, own, signed, self._psk, ports.random)
        id = ports.random(frames.ID_SIZE)
        self._again_at = self._clock() + ASK_AGAIN
        self._link.request(lambda n: frames.LobbyRequest(n, id, sealed), self._waits_for_log)

    def _waits_for_log(self, answer: RelayAnswer | None) -> None:
        """After a loss no client lets it in before the log is settled. That takes ten minutes at
        most."""
        if isinstance(answer, frames.RequestRefused) and answer.code == "unsettled":
            self._patience.unsettled(PATIENCE)

    def _later(self) -> None:
        self._again_at = self._clock() + LOOK_AGAIN
        if self.stage is TicketStage.ENTERING:
            self.stage = TicketStage.ASKING

    def welcomed(self, frame: frames.WelcomeIs) -> None:
        """A Welcome came. One that does not answer this client is ignored."""
        if self._offer is None:
            return
        opening, offer = self.opening[0], self._offer
        try:
            welcome = open_welcome(self.ticket.room, offer.reply, frame.welcome, self._psk)
            now = self._ports.wall()
            membership = enter(welcome, offer.bundle, self.identity, opening, None, frame, now=now)
        except NotTrusted:
            return
        counter, read = membership.roster.counter, self.chain.head(membership.roster.counter)
        at = self._known_at
        newer = membership.group.epoch > at.epoch and counter > at.counter
        if not newer or read not in (b"", membership.roster.head):
            membership.wipe()
            self._fail(NotTrusted("bad_roster", _OLDER))
            return
        self._link.admitted()
        self._on_member(membership, Position.decode(frame.position))

    # --- a facilitator alone -------------------------------------------------------------------

    def _ask_members(self, roster: Roster) -> None:
        """Ask the members, in case that no other facilitator is there: the relay says so."""
        if self._keys is None:
            own = self.identity
            by_leaf = return_psk(own.desk.public, own.signature.public)
            self._keys = AskKeys(own.mls_signer(), self._psk, self._known_at.epoch, by_leaf)
        if self.asks is None:
            self.asks = StandbyAsks(self.ticket.room, self._keys, self._ports)
        self._members_at = self._clock() + MEMBERS_AGAIN

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Done):
                if self._asked_at is None:
                    self._asked_at = self._clock()
                if not self._told_alone:
                    self._told_alone = True
                    # No facilitator is there to knock at. A member that was cut off waits 90 s.
                    self._patience.begin(PATIENCE)
                    self._emit(events.Problem("ticket_asks", ALONE))
            else:
                self._asked_at = None
                self._waits_for_log(answer)

        self.asks.ask(self.identity.relay, roster.counter, answered)

    def answered(self, notice: frames.Answered) -> None:
        """A member answers. What does not open, or is not of this room, is ignored. So is an older
        group than what was parked."""
        if self.asks is None or self.stage is not TicketStage.ASKING:
            return
        try:
            content = self.asks.open(notice)
            if content is None:
                return
            own = FacilitatorKeys(self.identity.signature.public, self.identity.relay.public)
            candidate = read_answer(content, notice.key, self.opening[0], own)
        except NotTrusted:
            return
        if candidate.epoch >= self._known_at.epoch:
            self.candidates.add(candidate)

    def _enter(self, roster: Roster) -> None:
        """Replace the own leaf, in the group of the best answer."""
        best = self.candidates.best()
        if best is None:
            return
        accepted, now = self.body.agreement, self._ports.wall()
        try:
            entry = make_return(
                best, self.identity, accepted, roster, now=now, random=self._ports.random
            )
        except NotTrusted:
            self.candidates.led_nowhere(best.by)
            return
        self.used, self.stage = best, TicketStage.ENTERING
        self._publish(entry, self._ports.random(frames.ID_SIZE))

    def _publish(self, entry: Entry, id: bytes) -> None:
        """Give the relay the external commit, with the same bytes and id until it answers."""
        self._pending, self._in_flight = (entry, id), True

        def answered(answer: RelayAnswer | None) -> None:
            self._in_flight = False
            if isinstance(answer, frames.Published):
                self._pending = None
                self._on_returned(entry, Position.decode(answer.position))
            elif answer is not None:
                self._pending = None
                entry.staged.drop()
                stale = isinstance(answer, frames.RequestRefused) and answer.code == "stale"
                if stale and self.used is not None:
                    self.candidates.led_nowhere(self.used.by)  # it named another base
                self._later()

        self._link.request(lambda n: entry.publish(n, id), answered)

    def misled(self, followed: Set[bytes]) -> None:
        """The answer was false: too few members followed, those with these relay keys. Ask again,
        and believe other members first. The time stood meanwhile, and begins anew with that."""
        assert self.used is not None
        self.candidates.misled(self.used.by, followed)
        self.used, self.stage, self.asks = None, TicketStage.READING, None
        self._asked_at = self._members_at = None

    # --- time, and the end ---------------------------------------------------------------------

    def tick(self) -> None:
        """Look what is due: to ask again, or to give up."""
        now = self._clock()
        if self._patience.is_over():
            self._patience.end()
            older = NotTrusted("bad_roster", _OLDER)
            self._fail(older if self._is_older else NotNow("knock_again", NOBODY))
            return
        roster, asked = self.chain.roster, self._asked_at
        alone = asked is not None and now - asked >= limits.ALONE
        if self.stage is TicketStage.ASKING and alone and self.candidates.due and roster:
            self._enter(roster)
        elif self._members_at is not None and now >= self._members_at and self._link.live:
            self._members_at = None
            self.chain.read()
        elif self._again_at is not None and now >= self._again_at and self._link.live:
            self._again_at = None
            self.chain.read()
        elif self._again_at is not None and now >= self._again_at and self._link.may_ask and roster:
            self._ask(roster)  # as one that was let go, which is told nothing of the list

    def accept(self, version: int | None = None, answer: str = "", word: bytes = b"") -> None:
        """Raises `NotNow` (`no_agreement`): what changed is asked in the room."""
        raise NotNow("no_agreement", "You are asked in the room, if the ground rules changed.")

    def withdraw(self) -> None:
        """Forget everything. The relay forgets what was parked by itself."""
        self.wipe()

    def _drop_pending(self) -> None:
        if self._pending is not None:
            self._pending[0].staged.drop()
        self._pending = None

    def wipe(self) -> None:
        """Forget the keys of the way back. The person's own are the engine's to wipe."""
        if self._offer is not None:
            self._offer.wipe()
        self._drop_pending()
        self._forget_asks()
        self._patience.end()
        self._again_at = self._members_at = None

    def _forget_asks(self) -> None:
        if self.asks is not None:
            self.asks.wipe()
        if self._keys is not None:
            self._keys.signature.wipe()
        self.asks = self._keys = None
