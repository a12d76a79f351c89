"""One client of one room, without I/O: bytes in and out, events out, an injected clock.

    Opening ──resumed, door put──▶ Inside        (whoever opens the room)
    Newcomer ──Welcome──▶ Inside                 (whoever joins)
    any of them ──▶ closed                       (`Closed` is the last event; keys are wiped)

`connected`, `received`, `disconnected` and `tick` are its inputs beside the commands; `outgoing`,
`take_events`, `wants_connection` and `link.hang_up` its outputs. The asyncio shell is `room.py`; a
test drives the same object on a fake clock.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import ConnectionRole
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.statements import EndStatement, LeaveStatement, Opening, Signed, verify

from alcove import events
from alcove.engine.member import Inside
from alcove.errors import AlcoveError, NotNow, Refused
from alcove.events import CloseReason, ConnectionState
from alcove.facilitation.facilitator import Facilitator
from alcove.facilitation.opening import OpeningRoom, RoomPlan
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.joining.newcomer import Newcomer
from alcove.relay.link import Link, LinkState, Proof

EVENTS: Final = 10_000
"""Events that wait for a reader. One who never reads loses the oldest and is told of a gap."""
WAIT_CODES: Final = frozenset(
    {"busy", "draining", "rate_limited", "unavailable", "replaced", "slow_consumer", "idle"}
)


class Engine:
    """Give it `begin_opening` or `begin_joining`, then a connection."""

    def __init__(
        self,
        identity: Identity,
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self.identity = identity
        self.clock = clock
        self.wall = wall
        self.random = random
        self.link = Link(self, clock)
        self.opening: OpeningRoom | None = None
        self.newcomer: Newcomer | None = None
        self.inside: Inside | None = None
        self.entered: bool = False
        """True once the room exists (opening) or the card was verified (joining)."""
        self.error: AlcoveError | None = None
        """Why the room could not be entered, or was closed for an error."""
        self.closed: events.Closed | None = None
        self._events: deque[events.Event] = deque()
        self._lost_events = False
        self._connected_before = False
        self._reseat = False
        self.come_back_after = 0.0
        """Seconds that a restarting relay asks to be left alone, so that not all come at once."""
        self._claimed: str | None = None
        """What the relay says has happened, and has still to show a facilitator's signature for."""
        self._away_since: float | None = None

    # --- outputs -------------------------------------------------------------------------------

    def emit(self, event: events.Event) -> None:
        if self.closed is not None:
            return
        if len(self._events) >= EVENTS:
            self._events.popleft()
            self._lost_events = True
        self._events.append(event)

    def take_events(self) -> list[events.Event]:
        """What has happened since the last call."""
        taken, self._events = list(self._events), deque()
        if self._lost_events:
            self._lost_events = False
            taken.insert(0, events.Gap(None))
        return taken

    @property
    def begun(self) -> bool:
        """Whether it is decided what to connect for."""
        return self.opening is not None or self.newcomer is not None

    @property
    def wants_connection(self) -> bool:
        return self.closed is None

    # --- the socket ----------------------------------------------------------------------------

    def connected(self, host: str) -> None:
        """A socket is open; `host` is the Host header of its request."""
        self.link.connected(host)

    def received(self, data: bytes) -> None:
        if self.closed is None:
            try:
                self.link.receive(data)
            except Malformed:
                self.link.hang_up = True

    def disconnected(self) -> None:
        if self.link.state is LinkState.OFF:
            return
        was_up = self.link.state in (LinkState.DOOR, LinkState.MEMBER)
        if self.inside is not None:
            self.inside.disconnected()
        self.link.disconnected()
        if self._claimed is not None:
            self._unproved(self._claimed)
        if self.closed is None and was_up:
            self.emit(events.ConnectionChanged(ConnectionState.RECONNECTING))
        if self._away_since is None:
            self._away_since = self.clock()
        if self.inside is not None:
            self.inside.publisher.tell_queued()

    def tick(self) -> None:
        """At least once a second."""
        if self.closed is not None:
            return
        self.link.tick()
        if self.inside is not None:
            self.inside.tick()
            if self.closed is None:
                self.inside.pump()
        away = self._away_since
        if away is not None and self.clock() - away > limits.REJOIN_WINDOW:
            self.close(CloseReason.LOST, "lost", "The room could not be reached for too long.")

    # --- what the link tells -------------------------------------------------------------------

    def on_greeted(self, challenge: frames.Challenge) -> None:
        if not self.entered and abs(challenge.time - self.wall()) > limits.CLOCK_SKEW:
            text = "This device's clock is wrong; set it right and try again."
            self.fail(Refused("clock_wrong", text))
            return
        if self._reseat and self.opening is not None:
            self.link.authenticate(self._proof(ConnectionRole.RESEAT), self.opening.signed)
        elif self.opening is not None and not self.opening.made:
            self.opening.make(lambda: self.link.authenticate(self._proof()))
        elif self.inside is None and self.newcomer is not None:
            self.link.authenticate(self.newcomer.proof())
        else:
            self.link.authenticate(self._proof())

    def _proof(self, role: str = ConnectionRole.MEMBER) -> Proof:
        return Proof(self._room(), role, self.identity.relay)

    def _room(self) -> bytes:
        if self.opening is not None:
            return self.opening.room
        assert self.newcomer is not None  # one of the two was begun
        return self.newcomer.invite.room

    def on_authenticated(self, answer: frames.Authenticated) -> None:
        self._away_since = None
        if answer.role == ConnectionRole.RESEAT:
            self._send_reseat()
            return
        if not self._connected_before or self.inside is None:
            self.emit(events.ConnectionChanged(ConnectionState.CONNECTED))
        self._connected_before = True
        if self.inside is not None:
            self.inside.authenticated()
        elif self.newcomer is not None:
            self.newcomer.authenticated(answer)

    def _send_reseat(self) -> None:
        inside = self.inside
        if inside is None or inside.facilitator is None:
            return

        def answered(answer: frames.Request | None) -> None:
            self._reseat = False
            if isinstance(answer, frames.Refused) and answer.code == "roster_conflict":
                self.emit(events.Problem(answer.code, Refused.by_relay(answer.code).text))
            self.link.hang_up = True  # and connect again, as a member

        inside.facilitator.reseat(answered)

    def on_not_authenticated(self, code: str) -> None:
        """The relay refused. What that means depends on what one was to it."""
        if code in ("ended", "removed") and self.entered:
            self._claimed = code  # the proof, a facilitator's signature, is on its way
            return
        self.link.hang_up = True
        if self.closed is not None or code in WAIT_CODES:
            return
        waiting = self.newcomer is not None and self.newcomer.card is not None
        settled = self.entered and (self.inside is not None or waiting)
        if code == "unknown_room" and settled:
            # It means "wait", never "ended": a facilitator brings the room back.
            if self.inside is not None and self.inside.facilitator is not None:
                self._reseat = self.inside.facilitator.can_reseat
            self._wait_for_room()
        elif not settled:
            self.fail(Refused.by_relay(code))
        elif code == "room_exists":
            self._reseat = False
        else:
            self.close(CloseReason.LOST, code, Refused.by_relay(code).text)

    def _wait_for_room(self) -> None:
        if self._away_since is None:
            self._away_since = self.clock()
        if self.clock() - self._away_since > limits.ABANDONED_AFTER:
            text = "The room is gone; no facilitator brought it back."
            self.close(CloseReason.LOST, "lost", text)

    def on_frame(self, frame: frames.Frame) -> None:
        try:
            self._on_frame(frame)
        except Malformed:
            self.link.hang_up = True

    def _on_frame(self, frame: frames.Frame) -> None:
        inside, newcomer = self.inside, self.newcomer
        if isinstance(frame, frames.Bye):
            self._bye(frame)
        elif isinstance(frame, frames.WelcomeIs):
            if inside is not None:
                inside.welcomed(frame)
            elif newcomer is not None:
                newcomer.welcomed(frame)
        elif isinstance(frame, frames.KnockRefused) and inside is None and newcomer is not None:
            newcomer.knock_refused(frame)
        elif isinstance(frame, frames.BlobIs) and inside is not None:
            inside.blob(frame)
        elif isinstance(frame, frames.LobbyItem) and inside is not None and inside.facilitator:
            inside.facilitator.lobby.receive(frame)

    def _bye(self, frame: frames.Bye) -> None:
        self.link.hang_up = True
        self.come_back_after = float(frame.delay or 0)
        if frame.code == "removed":
            self._removed(frame)
        elif frame.code == "ended":
            self._ended(frame)
        elif frame.code == "replaced":
            self.fail(Refused.by_relay(frame.code))

    def _removed(self, frame: frames.Bye) -> None:
        """Only an entry that a facilitator signed makes it "removed"; without one it is "lost"."""
        signed = Signed(frame.statement or b"", frame.signature or b"")
        if self.inside is not None and self.inside.membership.puts_me_out(signed):
            self.close(CloseReason.REMOVED, frame.code, Refused.by_relay(frame.code).text)
        else:
            self._unproved(frame.code)

    def _unproved(self, code: str) -> None:
        if self.inside is None:
            self.fail(Refused.by_relay(code))
        else:
            what = "the room was ended" if code == "ended" else "you were removed"
            text = f"The relay says that {what}, but no facilitator signed that."
            self.close(CloseReason.LOST, "lost", text)

    def _ended(self, frame: frames.Bye) -> None:
        """Only a facilitator's signature makes it "ended"; without one it is "lost"."""
        statement = Signed(frame.statement or b"", frame.signature or b"")
        keys = set()
        if self.inside is not None:
            keys = set(self.inside.membership.roster.facilitators())
        elif self.newcomer is not None and self.newcomer.card is not None:
            keys = {self.newcomer.card.opening.relay_key}
        for key in keys:
            try:
                ended = verify(EndStatement, Label.END, statement, key).statement
            except Malformed:
                continue
            if ended.room == self._room():
                self.close(CloseReason.ENDED)
                return
        self._unproved(frame.code)

    # --- beginning -----------------------------------------------------------------------------

    def begin_opening(self, plan: RoomPlan) -> None:
        """Be the one who opens the room. Connect next."""
        opening = OpeningRoom(self.identity, plan, self.link, self.emit, self.fail, self.random)
        self.opening = opening
        membership = opening.found_group(self.wall())
        inside = self.become_member(membership, opening.statement, membership.base)
        facilitator = Facilitator(
            self.identity,
            membership,
            self.link,
            inside.presence,
            self.emit,
            self.clock,
            self.wall,
            self.random,
            opening=opening.signed,
            card=plan.card,
            origin=plan.origin,
            lobby_key=opening.lobby_key,
            terms=plan.terms,
            on_taken=inside.taken,
        )
        facilitator.committer.ready = lambda: inside.ready
        inside.facilitator = facilitator
        inside.on_first_resume = lambda: opening.open_first_door(facilitator, self._entered)

    def begin_joining(self, invite: Invite, *, accept: bool) -> None:
        """Be a newcomer at this invite's door. Connect next."""
        self.newcomer = Newcomer(
            invite,
            self.identity,
            self.link,
            self.emit,
            self.wall,
            self.random,
            accept=accept,
        )
        self.newcomer.fail = self.fail
        self.newcomer.on_card = self._entered
        self.newcomer.on_member = self.welcomed

    def _entered(self) -> None:
        self.entered = True

    # --- becoming a member ---------------------------------------------------------------------

    def become_member(self, membership: Membership, opening: Opening, at: Position) -> Inside:
        """From here on this client is in the room."""
        self.inside = Inside(
            self.identity,
            membership,
            opening,
            at,
            self.link,
            self.emit,
            self.clock,
            self.wall,
            self.random,
        )
        self.inside.put_out = self._put_out
        return self.inside

    def welcomed(self, membership: Membership, at: Position) -> None:
        """A newcomer's Welcome was opened and checked."""
        assert self.newcomer is not None
        assert self.newcomer.card is not None  # it was needed to open the Welcome
        self.identity = self.newcomer.identity
        inside = self.become_member(membership, self.newcomer.card.opening, at)
        self.link.state = LinkState.MEMBER

        def in_the_room() -> None:
            # Told once the stream has begun: from here on, what is sent is sent at once.
            members = tuple(person.name for person in membership.people())
            self.emit(events.Joined(self.identity.name, you=True, members=members))

        inside.on_first_resume = in_the_room
        inside.authenticated()

    def _put_out(self, by_wish: bool) -> None:
        reason = CloseReason.LEFT if by_wish else CloseReason.REMOVED
        self.close(reason, "" if by_wish else "removed", "")

    # --- commands for everybody ----------------------------------------------------------------

    def member(self) -> Inside:
        """Raises `NotNow` (`not_in_room`)."""
        if self.closed is not None:
            raise NotNow("closed", "The room is closed.")
        if self.inside is None:
            raise NotNow("not_in_room", "You are not in the room yet.")
        return self.inside

    def leave(self, done: Callable[[], None]) -> None:
        """Go, and forget everything. Without a connection only the latter is possible."""
        inside = self.inside
        if inside is None or not self.link.live:
            if inside is None and self.newcomer is not None:
                self.newcomer.withdraw()
            self.close(CloseReason.LEFT)
            done()
            return
        if inside.facilitator is not None and inside.ready:
            inside.beat(leaving=True)
        statement = LeaveStatement(self._room(), self.identity.relay.public)
        signed = self.identity.relay.sign(Label.LEAVE, statement)

        def answered(answer: frames.Request | None) -> None:
            self.close(CloseReason.LEFT)
            done()

        self.link.request(lambda n: frames.Leave(n, signed.body, signed.signature), answered)

    # --- the end -------------------------------------------------------------------------------

    def fail(self, error: AlcoveError) -> None:
        """The room cannot be entered, or not be kept."""
        self.error = error
        outside = self.inside is None or not self.entered
        refused = isinstance(error, Refused) and outside
        reason = CloseReason.REFUSED if refused else CloseReason.ERROR
        self.close(reason, error.code, error.text)

    def close(self, reason: CloseReason, code: str = "", text: str = "") -> None:
        """Wipe every key, tell why, and be done. Only the first call counts."""
        if self.closed is not None:
            return
        if self.inside is not None:
            for item in self.inside.conversation.outbox.waiting():
                if item.shown:
                    said = "The room was closed before this was sent."
                    self.emit(events.Failed(item.id.hex(), "closed", said, item.ref))
        closed = events.Closed(reason, code, text)
        self.emit(closed)
        self.closed = closed
        error = self.error or NotNow("closed", "The room is closed.")
        if self.inside is not None:
            if self.inside.facilitator is not None:
                self.inside.facilitator.close(error)
            self.inside.wipe()
        if self.newcomer is not None:
            self.newcomer.wipe()
        self.identity.wipe()
