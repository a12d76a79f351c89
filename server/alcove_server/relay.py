"""The relay: all wiring in one place. No sockets here; `app` puts them in front.

    store     what is remembered                      `store.interface`
    hubs      one for each room with connections here `hub`
    clock     seconds, for deadlines; `wall` Unix time, for the challenge; `random` for nonces
    runner    how coroutines run                      `runner`

`tick` is to be called about once a second: it closes who does not authenticate and sweeps the
store. `connect` makes a connection for a transport that stands. `embedded` is the same without any.
"""

from asyncio import Event
from collections import OrderedDict
from collections.abc import Callable
from time import time

from alcove_protocol import limits
from alcove_protocol.errors import Refusal

from alcove_server.net.admission import Place
from alcove_server.ports import error_log
from alcove_server.ports.outlet import Close, Outlet
from alcove_server.ports.runner import Runner
from alcove_server.requests.proof import Upgrade
from alcove_server.rooms.fanout import Turns
from alcove_server.rooms.replay_budget import ReplayBudget
from alcove_server.rooms.room import Room, bye, draining
from alcove_server.rooms.roster_history import follow
from alcove_server.rooms.roster_verifier import RosterVerifier
from alcove_server.session.connection import Connection
from alcove_server.session.states import State
from alcove_server.settings import Settings
from alcove_server.store.interface import RoomHead, Store

_RETURNING = 1000
"""Clients a second that a node takes back without others noticing: their signatures are 0.1 s."""
_SWEPT_AT_ONCE = 200
"""Rooms looked at in one tick: a bound on how long the loop is held."""
RESEAT_SECONDS = 60.0
"""How long a connection may take that brings a room back. Whose room it is makes no difference, so
it keeps no place for longer than a slow phone needs for the largest frame."""


class Relay:
    """One node."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        runner: Runner,
        settings: Settings | None = None,
        wall: Callable[[], float] = time,
    ) -> None:
        self.store = store
        self.clock = clock
        self.random = random
        self.runner = runner
        self.settings = settings if settings is not None else Settings()
        self.wall = wall
        self.hubs: dict[bytes, Room] = {}
        self.turns = Turns(runner.later)
        self.chains = RosterVerifier(clock)
        self.paging = ReplayBudget(runner)
        self.draining = False
        self.reseats = 0
        self._making: dict[bytes, Event] = {}
        self._again: set[bytes] = set()
        self._connections: set[Connection] = set()
        self._challenged: OrderedDict[Connection, None] = OrderedDict()
        self._reseating: OrderedDict[Connection, float] = OrderedDict()  # when each is to be done

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def connect(
        self, *, host: str, offered: str, outlet: Outlet, place: Place | None = None
    ) -> Connection:
        """A connection for an outlet that stands; it has been sent the challenge. `host` is the
        request's Host header, `offered` its `Sec-WebSocket-Protocol`, both as they came.
        `place` is the one it has at the gate; None is one without limits."""
        hosts = frozenset({host, *self.settings.hosts})
        connection = Connection(self, Upgrade(hosts, offered), outlet, place)
        self._connections.add(connection)
        self._challenged[connection] = None
        connection.begin()
        return connection

    def authenticated(self, connection: Connection) -> None:
        """It has shown who it is."""
        self._challenged.pop(connection, None)
        if connection.state is State.RESEATING:  # of a room that anybody can make
            self._reseating[connection] = self.clock() + RESEAT_SECONDS
        elif connection.place is not None:
            connection.place.proved()

    def left(self, connection: Connection) -> None:
        """It is closed."""
        self._connections.discard(connection)
        self._challenged.pop(connection, None)
        self._reseating.pop(connection, None)
        hub = connection.hub
        if hub is None:
            return
        hub.leave(connection)
        if self.hubs.get(connection.room) is hub:
            self.release(connection.room)

    # --- rooms ------------------------------------------------------------------------------

    async def hub(self, room: bytes) -> Room:
        """The room's hub, its ledger as the store has it now. Raises `Refusal` (`unknown_room`,
        `ended`)."""
        head = await self.store.head(room)
        if head is None:
            raise Refusal("unknown_room")
        if head.ended is not None:
            raise Refusal("ended")
        known = self.hubs.get(room)
        if known is not None and known.generation == head.generation:
            if known.history.roster.head != head.roster:
                await known.catch_up()
            return known
        return await self._make_hub(room, head)

    async def _make_hub(self, room: bytes, head: RoomHead) -> Room:
        """A hub for a room that had none here, or that was seated again. Its connections come to
        it only by authenticating; those of an older one are told to come again."""
        making = self._making.get(room)
        if making is not None:  # a chain may be long, and one verification is enough for all
            await making.wait()
            return await self.hub(room)
        made = self._making[room] = Event()
        try:
            return await self._replay(room, head)
        finally:
            del self._making[room]
            made.set()

    async def _replay(self, room: bytes, head: RoomHead) -> Room:
        history = self.chains.known(room, head.roster)
        if history is None:
            chain = await self.store.chain(room, 0)
            history = await self.chains.verify(chain, room, self.runner.breathe)
        while history.roster.head != head.roster:  # it moved between the two reads
            for signed in await self.store.chain(room, history.roster.counter + 1):
                history = follow(history, signed)[0]
            again = await self.store.head(room)
            if again is None or again.generation != head.generation:
                raise Refusal("unknown_room")
            head = again
        now = await self.store.head(room)
        if now is None or now.ended is not None:
            raise Refusal("unknown_room" if now is None else "ended")
        if now.generation != head.generation:
            return await self._replay(room, now)  # it was seated again meanwhile
        older = self.hubs.get(room)
        if older is not None and older.generation == head.generation:
            return older  # somebody else made it meanwhile
        hub = self.hubs[room] = Room(self.store, self.turns, history, head)
        if older is not None:
            older.close_all(Close.RESTARTING, bye("draining"))
        return hub

    def release(self, room: bytes) -> None:
        """Forget a hub that nobody is connected to."""
        hub = self.hubs.get(room)
        if hub is not None and not hub.connections:
            del self.hubs[room]
            if hub.over:  # and nothing of it stays
                self.chains.forget(room)
            else:
                self.chains.keep(hub.history)

    async def ring(self, room: bytes) -> None:
        """Something changed in a room: tell who is connected here."""
        hub = self.hubs.get(room)
        if hub is not None:
            await hub.catch_up()

    async def ring_or_later(self, room: bytes) -> None:
        """As `ring`, once what changed is done and answered: should it fail, the next tick does it
        again."""
        try:
            await self.ring(room)
        except Exception as error:
            error_log.report(error)
            self._again.add(room)

    # --- time -------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Close who has not authenticated in time, and sweep the store."""
        late = self.clock() - self.settings.auth_seconds
        while self._challenged:
            connection = next(iter(self._challenged))
            if connection.since > late:
                break
            del self._challenged[connection]
            connection.finish(Close.REFUSED, bye("idle"))
        while self._reseating:
            connection, end = next(iter(self._reseating.items()))
            if end > self.clock():
                break
            del self._reseating[connection]
            connection.finish(Close.REFUSED, bye("idle"))
        self.chains.expire()
        self._again |= await self.store.sweep(_SWEPT_AT_ONCE)
        rooms, self._again = self._again, set()
        for room in rooms:
            self.chains.forget(room)  # it may be gone
            await self.ring_or_later(room)

    def drain(self) -> None:
        """Tell everybody to come again elsewhere, or soon: the more there are, the more spread out.
        New connections are for who listens to refuse."""
        self.draining = True
        leaving = list(self._connections)
        spread = min(limits.RETURN_DELAY, len(leaving) // _RETURNING)
        for number, connection in enumerate(leaving):
            connection.finish(Close.RESTARTING, draining(number % (spread + 1)))
