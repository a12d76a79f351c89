"""One client's connection, without I/O: frames in by `receive`, frames out to an `Outlet`.

Theory of operation. A connection belongs to one room and plays one role, which it proves once:

                     auth: member                     leave, end, removed
    CHALLENGED ─────────────────────▶ MEMBER ────────────────────────────┐
        │  │ auth: door                 ▲ admitted                       ▼
        │  └──────────▶ AT_DOOR ────────┘                              CLOSED
        │ auth: reseat                                                   ▲
        └─────────────▶ RESEATING ──────(goodbye)────────────────────────┤
    any state: a malformed frame, too large a frame, a refused auth, ────┘
    10 s of silence before auth, a newer connection of the same key

`_HANDLERS` is the whole table: a state and a kind of frame give who handles it; what is not in it
is refused (`not_authenticated` before authentication, `not_allowed` after). Each request gets
exactly one answer with its number. Requests of one connection are handled one after the other, in
order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from alcove_protocol import limits
from alcove_protocol.errors import REFUSALS, Malformed, Refusal
from alcove_protocol.frames import (
    Authenticate,
    Bye,
    Challenge,
    EndRoom,
    Frame,
    Knock,
    Leave,
    LobbyRequest,
    OpenRoom,
    Publish,
    PutDoor,
    ReadCard,
    Refused,
    RefuseKnock,
    Request,
    Reseat,
    Resume,
    Settle,
    Withdraw,
)
from alcove_protocol.labels import VERSION

from alcove_server.ports import error_log
from alcove_server.ports.outlet import Close, Outlet, framed
from alcove_server.ports.token_bucket import TokenBucket
from alcove_server.requests import entry as doorstep
from alcove_server.requests import member
from alcove_server.requests import newcomer as at_door
from alcove_server.requests import restore as reseater
from alcove_server.requests.proof import Upgrade
from alcove_server.rooms.fanout import AWAY
from alcove_server.rooms.room import bye
from alcove_server.session.states import ROLES, State
from alcove_server.store.interface import RosterMoved, Stale
from alcove_server.wire import fast
from alcove_server.wire.fast import Post

if TYPE_CHECKING:
    from alcove_server.net.admission import Place
    from alcove_server.relay import Relay
    from alcove_server.rooms.room import Replay, Room

_FRAME: Final = limits.FRAME
_FRAME_BEFORE_AUTH: Final = limits.FRAME_BEFORE_AUTH
_JUDGED_AGAIN: Final = 8
"""How often a request is judged again when the roster moved under it: each time another one won, so
a room makes progress, and a request that loses this often may try again itself."""


_Handler = Callable[..., Awaitable[None]]

_HANDLERS: Final[dict[State, dict[type[Post | Request], _Handler]]] = {
    State.CHALLENGED: {
        OpenRoom: doorstep.open_room,
        Authenticate: doorstep.authenticate,
    },
    State.AT_DOOR: {
        ReadCard: at_door.read_card,
        Knock: at_door.knock,
        Withdraw: at_door.withdraw,
    },
    State.MEMBER: {
        Resume: member.resume,
        Post: member.publish,
        Publish: member.publish,
        PutDoor: member.put_door,
        RefuseKnock: member.refuse_knock,
        LobbyRequest: member.request,
        Settle: member.settle,
        Leave: member.leave,
        EndRoom: member.end_room,
    },
    State.RESEATING: {Reseat: reseater.reseat},
    State.CLOSED: {},
}


RATE: Final = 20.0
BURST: Final = 120.0
"""Requests a second, and at once, of one connection; `_cost` says how many a large one counts."""
STRIKES: Final = 100
"""Requests refused as `rate_limited` before the connection is closed."""
SEATS: Final = 50.0
"""Members on the list for which an entry counts one request more: 50 us of work."""
EARLY: Final = 8
"""Requests before authentication: one to open a room, one to authenticate, and some slack."""


_RESUME: Final = 30.0
"""What a `resume` counts beside. It may bring the whole log, 0.2 s of work; a client resumes once a
connection, and where it is when it heard no beat for a while."""


def _cost(size: int, fragments: int) -> float:
    """What a message counts in the bucket: its bytes and fragments are work too."""
    return 1 + size / (32 * limits.KIB) + (fragments - 1) / 16


class Connection:
    """One connection. `key`, `room` and `hub` are set when it authenticates, `door` at a door.

    `heard` and `heard_lobby` are the numbers up to which its own resume has told it the streams.
    `told` and `own` belong to the `fanout` of its room.
    """

    # Most connections are idle most of the time, and each costs memory: hence the slots, and no
    # container that is large when empty.
    __slots__ = (
        "__weakref__",
        "_bucket",
        "_early",
        "_handlers",
        "_requests",
        "_strikes",
        "_working",
        "door",
        "heard",
        "heard_lobby",
        "hub",
        "key",
        "nonce",
        "outlet",
        "own",
        "place",
        "relay",
        "replay",
        "room",
        "since",
        "state",
        "told",
        "unanswered",
        "upgrade",
    )

    def __init__(self, relay: Relay, upgrade: Upgrade, outlet: Outlet, place: Place | None) -> None:
        self.relay = relay
        self.upgrade: Upgrade | None = upgrade
        self.outlet = outlet
        self.place = place
        self.state = State.CHALLENGED
        self._handlers = _HANDLERS[State.CHALLENGED]
        self.nonce = relay.random(32)
        self.since = relay.clock()
        self.key = b""
        self.room = b""
        self.door: bytes | None = None
        self.hub: Room | None = None
        self.heard = 0
        self.heard_lobby = 0
        self.told = AWAY
        self.own: list[tuple[int, bytes]] | None = None
        self.replay: Replay | None = None
        self.unanswered: dict[bytes, int] = {}
        self._requests: list[Post | Request] = []
        self._working = False
        self._strikes = 0
        self._early = 0
        self._bucket = TokenBucket(RATE * relay.settings.rates, BURST, self.since)

    @property
    def role(self) -> str:
        """A value of `ConnectionRole`, or empty."""
        return ROLES[self.state]

    @property
    def congested(self) -> bool:
        """Whether requests wait: a transport should stop reading for as long."""
        return len(self._requests) > 0

    def begin(self) -> None:
        """Send the challenge."""
        self.send(Challenge(VERSION, self.nonce, int(self.relay.wall())))

    # --- in ---------------------------------------------------------------------------------

    def receive(self, data: bytes, fragments: int = 1) -> None:
        """One binary message of the client, which came in so many fragments."""
        if self.state is State.CLOSED:
            return
        # Nothing that a newcomer at a door sends is larger than what may come before.
        large = self.state is State.MEMBER or self.state is State.RESEATING
        limit = _FRAME if large else _FRAME_BEFORE_AUTH
        try:
            request = fast.decode(data, limit)
        except Malformed as fault:
            self.reject(fault)
            return
        if not self._may_ask(request, len(data), fragments):
            self._strike(request.n)
        elif self._working:
            self._requests.append(request)
        elif not self._done_at_once(request):
            self.relay.runner.start(self._work(request))

    def _done_at_once(self, request: Post | Request) -> bool:
        return (
            self.state is State.MEMBER
            and isinstance(request, Post)
            and member.publish_now(self, request)
        )

    def _may_ask(self, request: Post | Request, size: int, fragments: int) -> bool:
        if self.state is State.CHALLENGED:
            self._early += 1
            return self._early <= EARLY
        cost = _cost(size, fragments)
        if not isinstance(request, Post):
            cost += self._surcharge(request)
        return self._bucket.take(self.relay.clock(), cost)

    def _surcharge(self, request: Request) -> float:
        """What a request costs the relay beyond its bytes."""
        if isinstance(request, Resume):
            return _RESUME
        if isinstance(request, Publish):  # the list is copied and hashed whole
            return len(self.hub.history.roster.seats) / SEATS if self.hub is not None else 0.0
        return 0.0

    def _strike(self, n: int) -> None:
        """Too much at once: refuse, and close when it goes on."""
        self._strikes += 1
        if self._strikes > STRIKES or self.state is State.CHALLENGED:
            self.finish(Close.REFUSED, bye("rate_limited"))
        else:
            self.refuse(n, Refusal("rate_limited"))

    def reject(self, fault: Malformed, n: int = 0) -> None:
        """Bytes that no client can mean: say which fault, then close."""
        too_large = fault.code == "too_large"
        code = "too_large" if too_large else "malformed"
        self.send(Refused(n, code, f"{REFUSALS[code]} ({fault.code})"))
        self.finish(Close.TOO_LARGE if too_large else Close.REFUSED)

    def receive_text(self) -> None:
        """A text message of the client, which the protocol does not have."""
        self.send(Refused(0, "malformed", REFUSALS["malformed"]))
        self.finish(Close.TEXT_FRAME)

    def drained(self) -> None:
        """The outlet sent all it had: a replay may go on."""
        if self.replay is not None and self.state is State.MEMBER:
            self.relay.runner.start(self._guarded(member.continue_replay(self), 0))

    def lost(self) -> None:
        """The transport is gone."""
        self._close()

    async def _work(self, request: Post | Request) -> None:
        self._working = True
        while True:
            try:
                await self._handle(request)
            except Exception as error:
                self._answer_fault(error, request.n)
            if not self._requests:
                break
            request = self._requests.pop(0)
        self._working = False

    async def _guarded(self, work: Awaitable[None], n: int) -> None:
        """Do the work; turn what it raises into an answer."""
        try:
            await work
        except Exception as error:
            self._answer_fault(error, n)

    def _answer_fault(self, error: Exception, n: int) -> None:
        if isinstance(error, Stale):
            self.send(Refused(n, error.code, error.text, error.base.encode()))
        elif isinstance(error, Refusal):
            self.refuse(n, error)
        elif isinstance(error, Malformed):
            self.reject(error, n)
        else:
            error_log.report(error)
            # Nothing was acknowledged, and the client will try again.
            self.refuse(n, Refusal("unavailable"))

    async def _handle(self, request: Post | Request) -> None:
        handler = self._handlers.get(type(request))
        if handler is None:
            if self.state is State.CLOSED:
                return
            before = self.state is State.CHALLENGED
            raise Refusal("not_authenticated" if before else "not_allowed")
        for _ in range(_JUDGED_AGAIN):
            try:
                await handler(self, request)
            except RosterMoved:
                await self.relay.ring(self.room)
                continue
            return
        raise Refusal("busy")

    # --- out --------------------------------------------------------------------------------

    def send(self, frame: Frame) -> None:
        """Send one frame to this client alone."""
        self.send_framed(framed(frame.to_bytes()))

    def send_framed(self, frames: bytes) -> None:
        """The same for a frame as it stands on the wire."""
        if self.state is State.CLOSED:
            return
        if self.hub is not None:
            self.hub.settle(self)
        self.outlet.write(frames)

    def refuse(self, n: int, refusal: Refusal) -> None:
        """Answer a request with no."""
        self.send(Refused(n, refusal.code, refusal.text))

    # --- changes of state -------------------------------------------------------------------

    @property
    def seated(self) -> Room:
        """The hub of who authenticated as a member or at a door."""
        assert self.hub is not None  # the state says so
        return self.hub

    def enter(self, state: State, room: bytes, key: bytes, hub: Room | None) -> None:
        """The client proved who it is."""
        if self.state is State.CLOSED:  # it went while the ledger was read
            return
        self._become(state)
        self.room, self.key = room, key
        self.upgrade, self.nonce = None, b""  # proved once, and not needed again
        self.relay.authenticated(self)
        if hub is not None:
            self.hub = self.relay.hubs.setdefault(room, hub)
            self.room = self.hub.room
            self.hub.join(self)

    def _become(self, state: State) -> None:
        self.state = state
        self._handlers = _HANDLERS[state]

    def promote(self) -> None:
        """Who waited at a door sits on the list now."""
        if self.state is State.AT_DOOR:
            self._become(State.MEMBER)

    def give_way(self) -> None:
        """Others need the place, and this one has not shown who it is."""
        self.finish(Close.TRY_AGAIN, bye("busy"))

    def finish(self, code: int, reason: Bye | None = None) -> None:
        """Close, with a last word."""
        if self.state is State.CLOSED:
            return
        if reason is not None:
            self.send(reason)
        self._close()
        self.outlet.close(code)

    def _close(self) -> None:
        if self.state is State.CLOSED:
            return
        self._become(State.CLOSED)
        self.replay = None
        self._requests.clear()
        self.relay.left(self)
