"""The relay of one node: its wiring, its clients and its deadlines, without sockets.

`connect` makes a session for a transport that stands. `tick` is to be called about once a second:
it closes clients that do not authenticate in time, and has the store drop what has expired.
`testing.embedded` is the same in process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import time
from typing import Final

from alcove_protocol import limits

from alcove_server.client.client import Client
from alcove_server.client.states import ClientState
from alcove_server.ports.outlet import Close, Outlet
from alcove_server.ports.place import Place
from alcove_server.ports.runner import Runner
from alcove_server.ports.services import Services
from alcove_server.requests.proof import Upgrade
from alcove_server.rooms.registry import Rooms
from alcove_server.rooms.room import GOODBYE_STEPS
from alcove_server.session.session import Session
from alcove_server.settings import Settings
from alcove_server.store.interface import Store
from alcove_server.wire.says import bye, draining

_RETURNING = 1000
"""Clients a second that a node takes back without others noticing: their signatures are 0.1 s. Not
`Final`, because mypyc would inline it, and tests set a lower one."""
_EXPIRED_ROOMS: Final = 200
"""Rooms in which what has expired is dropped in one turn: a bound on how long the loop is held."""
_EXPIRIES: Final = 500
"""Turns of a tick in which something is dropped: enough for all blobs of a full store."""
_SETTLED: Final = 10
"""How often a node that stops asks its store whether all is answered. A publish that is told by way
of a look takes the store's answer to the publish, to the head and to the page."""
RESTORE_SECONDS: Final = 60.0
"""Restore deadline for every room: enough for a slow phone's largest frame. Any client can make a
room to restore, so the key that it proves earns it no more time."""


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
        settings = settings if settings is not None else Settings()
        self.services = Services(store, clock, random, runner, settings, wall)
        self.rooms = Rooms(self.services)
        # Bound once, because each session holds them.
        self._on_authenticated = self._authenticated
        self._on_closed = self._closed
        self.draining = False
        self._clients: dict[Client, None] = {}  # in the order in which they came
        self._challenged: OrderedDict[Client, None] = OrderedDict()
        self._restoring: OrderedDict[Client, float] = OrderedDict()  # with the time each must end

    def __len__(self) -> int:
        """The number of clients."""
        return len(self._clients)

    def connect(
        self, *, host: str, offered: str, outlet: Outlet, place: Place | None = None
    ) -> Session:
        """A session for an outlet that stands; the client has been sent the challenge. `host` is
        the request's Host header, `offered` its `Sec-WebSocket-Protocol`, both as they came.
        `place` is the connection's place at the entrance; None is a place without limits."""
        upgrade = Upgrade(frozenset({host, *self.services.settings.hosts}), offered)
        session = Session(
            self.services,
            self.rooms,
            upgrade,
            outlet,
            place,
            self._on_authenticated,
            self._on_closed,
        )
        self._clients[session.client] = None
        self._challenged[session.client] = None
        session.begin()
        return session

    def _authenticated(self, client: Client) -> None:
        self._challenged.pop(client, None)
        if client.state is ClientState.RESTORING:  # its room is one that any client can make
            self._restoring[client] = self.services.clock() + RESTORE_SECONDS
        elif client.place is not None:
            client.place.proved()

    def _closed(self, client: Client) -> None:
        self._clients.pop(client, None)
        self._challenged.pop(client, None)
        self._restoring.pop(client, None)
        self.rooms.restores.gone(client)

    # --- time -------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Close clients that are too late, and drop what has expired."""
        await self._close_late()
        await self._expire()
        await self.rooms.tick()

    async def _expire(self) -> None:
        """Drop what has expired: a part in each turn, so that thousands of blobs that end together
        are gone within the tick."""
        for _ in range(_EXPIRIES):
            if not await self.services.store.expire(_EXPIRED_ROOMS):
                return
            await self.services.runner.breathe()

    async def _close_late(self) -> None:
        now = self.services.clock()
        late = now - self.services.settings.auth_seconds
        while self._challenged:
            client = next(iter(self._challenged))
            if client.since > late:
                break
            del self._challenged[client]
            self._too_late(client)
            await self._pause()
        while self._restoring:
            client, end = next(iter(self._restoring.items()))
            if end > now:
                break
            del self._restoring[client]
            if client in self.rooms.restores.clients:  # it is the relay that is late
                self._restoring[client] = now + RESTORE_SECONDS
                continue
            self._too_late(client)
            await self._pause()

    def _too_late(self, client: Client) -> None:
        self.services.tally.count("idle")
        client.finish(Close.REFUSED, bye("idle"))

    async def _pause(self) -> None:
        """Let others have their turn when this one has done enough: thousands may be late."""
        await self.services.pause(GOODBYE_STEPS)

    async def settle(self) -> None:
        """Before `drain`: take no new clients, and wait until what the store was given is
        answered, so that clients are told what became of it."""
        self.draining = True
        for _ in range(_SETTLED):
            await self.services.store.settled()
            await self.services.runner.breathe()
            if not any([client.answers.expecting for client in self._clients]):
                return

    def drain(self) -> None:
        """Tell all clients to come back elsewhere, or soon: the more there are, the more spread
        out. Thousands are told in several turns. New connections are for the listener to refuse."""
        self.draining = True
        self.services.runner.start(self._dismiss(list(self._clients)))

    async def _dismiss(self, leaving: Sequence[Client]) -> None:
        spread = min(limits.RETURN_DELAY, len(leaving) // _RETURNING)
        for number, client in enumerate(leaving):
            client.finish(Close.RESTARTING, draining(number % (spread + 1)))
            await self._pause()
