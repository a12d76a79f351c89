"""Fetches of tickets that wait until the client of the ticket is known to be gone.

A ticket is for a client that is no more. While that client is connected, at whichever node, what it
parked is nobody else's. So the relay pings the connection of the ticket's key. A fetch is answered
when that connection is closed, or stays silent for `limits.PING` seconds, and no newer one of that
key took its place. Another node pings its connection of that key when it is asked, and says so when
a sign of life comes, or the client comes meanwhile. Nothing here waits: `tick` looks again, about
once a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Fetched

from alcove_server.client.client import Client
from alcove_server.client.states import ClientState
from alcove_server.ports import error_log
from alcove_server.ports.services import Services
from alcove_server.store.interface import Parked

ASKED: Final = b"?"
ALIVE: Final = b"!"
"""What nodes pass on of a key: that it is asked for, and that its client is alive. A frame of the
private line begins with another byte."""
_WAITING: Final = 1000
"""Fetches that wait at a time, and as many pings for other nodes."""


@dataclass(slots=True)
class _Fetch:
    client: Client
    n: int
    room: bytes
    slot: bytes
    token_hash: bytes
    parked: Parked
    old: Client | None
    until: float


@dataclass(slots=True)
class _Ping:
    """Of another node: whether the client that has the key that is asked for is alive. `old` was
    here when it was asked."""

    room: bytes
    key: bytes
    old: Client | None
    until: float


class Fetches:
    """Those of one node. `at` gives its client of a room and key."""

    def __init__(self, services: Services, at: Callable[[bytes, bytes], Client | None]) -> None:
        self._services = services
        self._at = at
        self._fetches: list[_Fetch] = []
        self._pings: list[_Ping] = []

    def begin(
        self,
        client: Client,
        n: int,
        room: bytes,
        slot: bytes,
        token_hash: bytes,
        parked: Parked,
    ) -> None:
        """Answer request `n` of this client, now or within some seconds: with what is parked then,
        or with a `Refusal` (`ticket_in_use`, `unknown_ticket`). Raises `Refusal` (`busy`)."""
        if len(self._fetches) >= _WAITING:
            raise Refusal("busy")
        old, store = self._at(room, parked.key), self._services.store
        if old is not None:
            old.outlet.probe()
        if store.shared:
            store.pass_on(room, parked.key, ASKED)
        until = self._services.clock() + limits.PING
        self._fetches.append(_Fetch(client, n, room, slot, token_hash, parked, old, until))
        self.tick()

    def passed(self, room: bytes, key: bytes, message: bytes) -> bool:
        """Take what another node passed on, if it is about a fetch."""
        if message == ASKED:
            if len(self._pings) < _WAITING:
                old = self._at(room, key)
                if old is not None:
                    old.outlet.probe()
                self._pings.append(_Ping(room, key, old, self._services.clock() + limits.PING))
                self.tick()
        elif message == ALIVE:
            for fetch in [one for one in self._fetches if one.room == room]:
                if fetch.parked.key == key:
                    self._refuse(fetch)
        else:
            return False
        return True

    def tick(self) -> None:
        """Look which clients are gone, and which are not."""
        now, store = self._services.clock(), self._services.store
        for ping in list(self._pings):
            alive = self._is_alive(ping.room, ping.key, ping.old)
            if alive:
                store.pass_on(ping.room, ping.key, ALIVE)
            if alive or now >= ping.until:
                self._pings.remove(ping)
        for fetch in list(self._fetches):
            here = fetch.old is not None and not _is_closed(fetch.old)
            if _is_closed(fetch.client):
                self._fetches.remove(fetch)
            elif self._is_alive(fetch.room, fetch.parked.key, fetch.old):
                self._refuse(fetch)
            elif now >= fetch.until or not (here or store.shared):
                self._fetches.remove(fetch)
                self._services.runner.start(self._answer(fetch))

    def _is_alive(self, room: bytes, key: bytes, old: Client | None) -> bool:
        """Whether the client with this key gave a sign of life since `old` was pinged. A newer
        connection is one: it proved the key. So a person whose network changes in these seconds is
        not taken for gone."""
        client = self._at(room, key)
        if client is not None and client is not old:
            return True
        return old is not None and not _is_closed(old) and not old.outlet.silent

    def _refuse(self, fetch: _Fetch) -> None:
        self._fetches.remove(fetch)
        self._services.tally.count("ticket_in_use")
        fetch.client.refuse(fetch.n, Refusal("ticket_in_use"))

    async def _answer(self, fetch: _Fetch) -> None:
        client, services = fetch.client, self._services
        try:
            # Again, for the member may have been removed in the seconds that it waited.
            found = await services.store.parked(fetch.room, fetch.slot, fetch.token_hash)
            if found is None:
                raise Refusal("unknown_ticket")
            await services.store.fetched(fetch.room, fetch.slot)
        except Refusal as refusal:
            services.tally.count(refusal.code)
            client.refuse(fetch.n, refusal)
        except Exception as error:
            error_log.report(error)
            client.refuse(fetch.n, Refusal("unavailable"))
        else:
            client.send(Fetched(fetch.n, found.blob))


def _is_closed(client: Client) -> bool:
    return client.state is ClientState.CLOSED
