"""One client of one room, without I/O: bytes in and out, events out, an injected clock.

    RoomOpening ──resumed, door put──▶ MemberClient      (opens the room)
    Newcomer ──Welcome──▶ MemberClient                   (joins it)
    any of them ──▶ closed                               (`Closed` comes last; keys are wiped)

Inputs are `connected`, `received`, `disconnected`, `tick` and the `commands`. Outputs are
`drain_events`, `wants_connection`, `link.outgoing` and `link.hang_up`. The asyncio shell is
`room.py`. A test drives the same object on a fake clock.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, assert_never

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import ConnectionRole, RelayAnswer, RelayNotice
from alcove_protocol.invite import Invite, InviteRole
from alcove_protocol.position import Position

from alcove import events
from alcove.engine.clock_watch import ClockWatch
from alcove.engine.coming_back import ComingBack
from alcove.engine.commands import Commands
from alcove.engine.endings import Endings
from alcove.engine.entering_room import EnteringRoom
from alcove.engine.forgotten import ForgottenRoom
from alcove.engine.outside import SteppingOutside
from alcove.engine.silence import Silence
from alcove.engine.standstill import Standstill
from alcove.errors import PASSING, Refused
from alcove.events import CloseReason, ConnectionState
from alcove.facilitation.opening import RoomOpening, RoomPlan
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.outcomes import PutOut
from alcove.joining.door_words import REFUSAL_SENTENCES
from alcove.joining.newcomer import Newcomer
from alcove.joining.standby_comer import StandbyComer
from alcove.joining.ticket_comer import TicketComer
from alcove.joining.tries import Unanswered
from alcove.mls.secret import Random
from alcove.relay.connected_time import STOPPED
from alcove.relay.link import Link, LinkState
from alcove.relay.ports import Ports

WAIT_CODES: Final = PASSING | {"draining", "replaced", "slow_consumer", "idle"}
"""Refusals after which the client only connects again."""


class Engine(ForgottenRoom, EnteringRoom):
    """Give it `begin_opening` or `begin_joining`, then a connection."""

    def __init__(
        self,
        identity: Identity,
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Random,
        language: str = "",
        *,
        stopped_after: float = STOPPED,
    ) -> None:
        """`language` is the reader's (BCP 47), for texts that the room has in several."""
        super().__init__(identity, language)
        self.link = Link(self, clock)
        self.ports = Ports(clock, wall, random, self.emit, self.link)
        self._outside = SteppingOutside(self, self.ports)
        self.commands = Commands(self, self.link, self._outside)
        self._endings = Endings(self, clock, self._doubted)
        self._standstill = Standstill(clock, stopped_after)
        self._silence = Silence(self.link, self.emit)
        self._stopped = False
        self._connected_before = self._moves = False
        self._clock_watch = ClockWatch(self.ports)
        self._coming_back = ComingBack(self.ports, partial(self.close, CloseReason.LOST))
        self._going = False

    @property
    def wants_connection(self) -> bool:
        return self.closed is None

    # --- the socket ----------------------------------------------------------------------------

    def connected(self, host: str) -> None:
        """A socket is open. `host` is the Host header of its request."""
        self._standstill.is_over()  # it does not matter to a connection that begins after it
        self._stopped = False
        self.link.connected(host)

    def _note_running(self) -> None:
        """Drop the connection when this program stood still: the next one resumes where it was."""
        if self._standstill.is_over() and self.link.state is not LinkState.OFF:
            self._stopped = self.link.hang_up = True

    def received(self, data: bytes) -> None:
        self._note_running()
        if self.closed is None and not self._stopped:
            try:
                self.link.receive(data)
            except Malformed:
                self.link.hang_up = True

    def disconnected(self) -> None:
        if self.link.state is LinkState.OFF:
            return
        was_up = self.link.state in (LinkState.DOOR, LinkState.MEMBER)
        if self.member is not None:
            self.member.disconnected()
        self.link.disconnected()
        self._silence.connection_lost()
        self._endings.connection_lost()
        if self.closed is None and was_up:
            self.emit(events.ConnectionChanged(ConnectionState.RECONNECTING, moving=self._moves))
        self._moves = False
        if self._away_since is None:
            self._away_since = self.ports.clock()
        if self.member is not None:
            self.member.publisher.tell_queued()

    def tick(self) -> None:
        """To be called at least once a second."""
        if self.closed is not None:
            return
        self._note_running()
        self.link.tick()
        self._silence.tick()
        if self.entered:
            self._clock_watch.tick()
        self._begin_anew_when_misled()
        if self.member is not None:
            self._coming_back.tick(self.member)
        for shown in self.still_shown:
            shown.tick()
        if self.closed is not None:
            return
        if self.member is not None:
            self._outside.tick()
            if self._silence.told:
                self.member.conversation.slow.unsure()
            self.member.tick()
            if self.closed is None:
                self.member.pump()
        elif self.newcomer is not None:
            self.newcomer.tick()
        away = self._away_since
        if away is not None and self.ports.clock() - away > limits.REJOIN_WINDOW:
            text = "You were away for more than a day. Ask for a new invite to come back."
            self.close(CloseReason.LOST, "lost", text)

    # --- what the link tells -------------------------------------------------------------------

    def on_greeted(self, challenge: frames.Challenge) -> None:
        if self.entered:
            self._clock_watch.greeted()
        elif self.ports.clock_is_off:
            self.fail(Refused("clock_wrong", REFUSAL_SENTENCES["clock_wrong"]))
            return
        entry = self.member.bringing.opening if self._restoring and self.member else None
        self._restoring = entry is not None
        if entry is not None:
            self.link.authenticate(self._proof(ConnectionRole.RESEAT), entry)
        elif self.opening is not None and not self.opening.made:
            self.opening.make(lambda: self.link.authenticate(self._proof()))
        elif self.member is None and self.newcomer is not None:
            if isinstance(self.newcomer, TicketComer) and not self.newcomer.fetched:
                self.newcomer.fetch()
            else:
                self.link.authenticate(self.newcomer.proof())
        else:
            self.link.authenticate(self._proof(self._coming_back.role))

    def on_authenticated(self, answer: frames.Authenticated) -> None:
        if not self._asked_for(answer.role):
            self.link.hang_up = True  # on such a connection nothing would ever go out
            return
        if answer.role == ConnectionRole.RESEAT:
            self._restore_room()  # any key may; whether the relay knows this one shows afterwards
            return
        self._away_since = self._unknown_since = self._forgotten_since = None
        if answer.role == ConnectionRole.AWAY and self.member is not None:
            self._coming_back.ask(self.member)
            return
        self._coming_back.over()
        self._loss.over(facilitates=False)
        # A standby comes into the room over a new connection. Its first `resume` is told as that
        # by `Joined` alone, so nothing else would say that the line is there again.
        if not self._connected_before or self.member is None or not self.member.ever_resumed:
            self.emit(events.ConnectionChanged(ConnectionState.CONNECTED))
        self._connected_before = True
        self._endings.entered()
        if self.member is not None:
            self.link.admitted()  # by the role of a standby too: it follows the log
            self.member.authenticated()
        elif self.newcomer is not None:
            self.newcomer.authenticated(answer)

    def _restore_room(self) -> None:
        def answered(answer: RelayAnswer | None) -> None:
            self._restoring = False
            self.link.hang_up = True  # and connect again, as a member

        if self.member is not None:
            self.member.bringing.bring(answered)

    def on_not_authenticated(self, code: str, generation: bytes | None) -> None:
        """The relay refused. The meaning depends on what this client was to it before."""
        if code in ("ended", "removed") and self.entered:
            self._endings.claim(code, generation)
            return
        if self._awaits_door(code, generation) or code in WAIT_CODES:
            return  # the relay closes, and its `bye` says when to come again
        if (
            code == "too_many_knocks"
            and isinstance(self.newcomer, Newcomer)
            and self.member is None
        ):
            self.newcomer.door_full()  # and the relay closes: others stand there at the moment
            return
        self.link.hang_up = True
        if self.closed is not None:
            return
        waiting = self.newcomer is not None and self.newcomer.card is not None
        known = self.entered and (self.member is not None or waiting)
        if code == "unknown_room" and (known or self._on_the_way):
            self._forgotten()
        elif code == "not_member" and self._lost_memory(generation):
            # It may have been let go, outside or for its lost connection, and know nothing of it:
            # then there is a way back without a person's decision.
            late = self._unknown_for_long(generation)
            if not (late and (self._steps_outside() or self._coming_back.begin())):
                self._wait_to_be_known(generation)
        elif code == "not_member" and self.member is not None and self._steps_outside():
            pass  # the commit that let them go came while they were not connected
        elif code == "not_member" and self.member is not None and self._coming_back.begin():
            pass  # its connection may have been lost for so long that it was let go
        elif code == "not_member" and self._let_go_on_the_way():
            pass  # it was let go after it had read that it is a member
        elif not known:
            self.fail(self.refused(code))
        elif code == "room_exists":
            self._restoring = False
        else:
            refused = self.refused(code)
            if self.member is None and code.startswith("door_"):
                self.fail(refused)
            else:
                self.close(CloseReason.LOST, code, refused.text)

    def _doubted(self) -> None:
        """An ending was told in a log that this client does not know. In its own chain it is a
        member of a room that goes on."""
        self.link.hang_up = True
        self._bring_room(first=True)

    def on_notice(self, notice: RelayNotice) -> None:
        try:
            self._notice(notice)
        except Malformed:
            self.link.hang_up = True

    def _notice(self, notice: RelayNotice) -> None:
        member, newcomer = self.member, self.newcomer
        match notice:
            case frames.Bye():
                self.link.hang_up = True
                self.come_back_after = max(self.come_back_after, float(notice.delay or 0))
                self._endings.bye(notice)
            case frames.WelcomeIs():
                if member is not None:
                    self._coming_back.welcomed(member, notice)
                elif isinstance(newcomer, Newcomer | TicketComer):
                    newcomer.welcomed(notice)
            case frames.KnockRefused():
                if member is None and isinstance(newcomer, Newcomer):
                    newcomer.knock_refused(notice)
            case frames.BlobIs():
                if member is not None:
                    member.blob(notice)
            case frames.LobbyItem():
                if member is not None and member.facilitator is not None:
                    member.facilitator.lobby.receive(notice)
                elif member is None and isinstance(newcomer, Newcomer):
                    newcomer.voice.receive(notice)
            case frames.Asked():
                if member is not None:
                    member.standby_answers.asked(notice)
            case frames.Answered():
                if member is not None and member.entering is not None:
                    member.entering.answered(notice)
                elif member is None and isinstance(newcomer, StandbyComer | TicketComer):
                    newcomer.answered(notice)
            case frames.DeskIs() if member is not None:
                member.desk_frame(notice)
            case frames.DeskIs() | frames.Challenge():
                pass  # of a second challenge the first was answered
            case _:
                assert_never(notice)

    # --- beginning -----------------------------------------------------------------------------

    def begin_opening(self, plan: RoomPlan) -> None:
        """Open the room. Connect next."""
        opening = RoomOpening(self.identity, plan, self.ports, self.fail)
        self.opening = opening
        membership = opening.found_group(self.ports.wall())
        self.agreements.begin(opening.agreement, plan.card.title)

        def put_first_door() -> None:
            opening.open_first_door(facilitator, self._note_entered)

        member = self._become_member(membership, opening.statement, membership.base, put_first_door)
        facilitator = member.become_facilitator(opening.handover())

    def begin_joining(self, invite: Invite, *, accept: bool) -> None:
        """Be a newcomer at this invite's door, or come by a standby's link. Connect next."""
        if invite.role is InviteRole.STANDBY:
            self.newcomer = self.by_standby(invite, self.identity, accept=accept)
        else:
            self._be_newcomer(invite, accept=accept, before=None)

    def _welcomed(self, membership: Membership, at: Position, unanswered: Unanswered) -> None:
        """A newcomer's Welcome was opened and checked."""
        assert isinstance(self.newcomer, Newcomer)
        assert self.newcomer.card is not None  # the Welcome was compared with it
        self.identity = self.newcomer.identity

        def tell_joined() -> None:
            # The stream has begun: from here on, a message is sent at once.
            members = tuple(person.name for person in membership.people())
            self.emit(events.Joined(self.identity.name, you=True, members=members))

        member = self._become_member(membership, self.newcomer.card.opening, at, tell_joined)
        member.conversation.slow.go_on(self._outside.turn)
        member.asked_before(unanswered)
        self.link.admitted()
        member.authenticated()

    def _stranded(self) -> None:
        """The group has gone on without this client. It lets its old leaf go, so that the person's
        name is free, and says what helps."""
        if not self._going:
            self._going = True
            text = "The room went on without you; knock again with your invite."
            self.commands.leave(lambda: None, CloseReason.LOST, "knock_again", text)

    def _put_out(self, outcome: PutOut) -> None:
        if outcome.by_wish and self._steps_outside():
            return
        if outcome.absent and self._coming_back.begin():
            self.require_member().let_go()
            return
        if outcome.replaced:
            self.close(CloseReason.LOST, "not_member", self.replaced_text())
            return
        reason = CloseReason.LEFT if outcome.by_wish else CloseReason.REMOVED
        code, text = ("", "") if outcome.by_wish else ("removed", self.removed_text())
        self.close(reason, code, text)
