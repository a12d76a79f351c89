"""Fetches of tickets that wait until the client of the ticket is known to be gone.

A ticket is for a client that is no more. While that client is connected, at whichever node, what it
parked is nobody else's. So the relay pings the connection of the ticket's key. A fetch is answered
when that connection is closed, or stays silent for `limits.PING` seconds, and no newer one of that
key took its place. Another node pings its connection of that key when it is asked, and says so when
a sign of life comes, or the client comes meanwhile. Until then the room is watched (`waits_in`), or
that word would not be heard. Nothing here waits: `tick` looks again, about once a second.

A connection has one fetch at a time, so the connections of all nodes bound what waits, and each
part of the network has its share of these. A tick looks at some in each turn of the loop.
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

ASKED: Final = b"?"
ALIVE: Final = b"!"
"""What nodes pass on of a key: that it is asked for, and that its client is alive. A frame of the
private line begins with another byte."""
_AT_ONCE: Final = 32
_LOOKS: Final = 8.0
_ANSWER: Final = 6.0
"""Steps (`ports.turn`) of looking at so many that wait, and of an answer from the store."""


@dataclass(slots=True)
class _Ping:
    """Whether the client that has this key in this room is alive. `old` was its connection here."""

    room: bytes
    key: bytes
    old: Client | None
    until: float


@dataclass(slots=True)
class _Fetch:
    """Request `n` of a client, which waits for what became of the ticket's client."""

    client: Client
    n: int
    slot: bytes
    token_hash: bytes
    ping: _Ping


class Fetches:
    """Those of one node. `at` gives its client of a room and key."""

    def __init__(self, services: Services, at: Callable[[bytes, bytes], Client | None]) -> None:
        self._services = services
        self._at = at
        self._fetches: dict[Client, _Fetch] = {}
        self._in_rooms: dict[bytes, dict[bytes, dict[Client, _Fetch]]] = {}
        """The same by room and key."""
        self._pings: dict[tuple[bytes, bytes], _Ping] = {}
        """For other nodes, by room and key."""

    def begin(
        self, client: Client, n: int, room: bytes, key: bytes, slot: bytes, token_hash: bytes
    ) -> None:
        """Answer request `n` of this client, now or within some seconds: with what `key` has parked
        in the slot then, or with a `Refusal` (`ticket_in_use`, `unknown_ticket`). Raises `Refusal`
        (`busy`)."""
        if client in self._fetches:
            raise Refusal("busy")
        fetch = _Fetch(client, n, slot, token_hash, self._ping(room, key))
        if self._services.store.shared:
            self._services.store.pass_on(room, key, ASKED)
        if self._waits(fetch, self._services.clock()):
            self._fetches[client] = fetch
            self._in_rooms.setdefault(room, {}).setdefault(key, {})[client] = fetch

    def waits_in(self, room: bytes) -> bool:
        """Whether a fetch waits for what other nodes say of this room."""
        return room in self._in_rooms

    def passed(self, room: bytes, key: bytes, message: bytes) -> bool:
        """Take what another node passed on, if it is about a fetch."""
        if message == ASKED:
            ping = self._ping(room, key)
            if self._asks(ping, self._services.clock()):
                self._pings[room, key] = ping
        elif message == ALIVE:
            for fetch in list(self._in_rooms.get(room, {}).get(key, {}).values()):
                self._drop(fetch)
                self._refuse(fetch)
        else:
            return False
        return True

    async def tick(self) -> None:
        """Look which clients are gone, and which are not."""
        for number, (at, ping) in enumerate(list(self._pings.items()), 1):
            if not self._asks(ping, self._services.clock()) and self._pings.get(at) is ping:
                del self._pings[at]
            await self._pause_after(number)
        for number, fetch in enumerate(list(self._fetches.values()), 1):
            unanswered = self._fetches.get(fetch.client) is fetch
            if unanswered and not self._waits(fetch, self._services.clock()):
                self._drop(fetch)
            await self._pause_after(number)

    async def _pause_after(self, number: int) -> None:
        if not number % _AT_ONCE:
            await self._services.pause(_LOOKS)

    def _drop(self, fetch: _Fetch) -> None:
        client, room, key = fetch.client, fetch.ping.room, fetch.ping.key
        del self._fetches[client]
        keys = self._in_rooms[room]
        del keys[key][client]
        if not keys[key]:
            del keys[key]
        if not keys:
            del self._in_rooms[room]

    def _ping(self, room: bytes, key: bytes) -> _Ping:
        """Ask the client here with this key, if there is one, for a sign of life."""
        old = self._at(room, key)
        if old is not None:
            old.outlet.probe()
        return _Ping(room, key, old, self._services.clock() + limits.PING)

    def _asks(self, ping: _Ping, now: float) -> bool:
        """Whether another node has yet to be told. Tells it of a client that is alive."""
        if self._is_alive(ping):
            self._services.store.pass_on(ping.room, ping.key, ALIVE)
            return False
        return now < ping.until

    def _waits(self, fetch: _Fetch, now: float) -> bool:
        """Whether a fetch has to wait for longer. Answers one that has not."""
        if _is_closed(fetch.client):
            return False
        ping = fetch.ping
        if self._is_alive(ping):
            self._refuse(fetch)
            return False
        here = ping.old is not None and not _is_closed(ping.old)
        if now < ping.until and (here or self._services.store.shared):
            return True
        self._services.turn.spend(_ANSWER)
        self._services.runner.start(self._answer(fetch))
        return False

    def _is_alive(self, ping: _Ping) -> bool:
        """Whether the client with this key gave a sign of life since `old` was pinged. A newer
        connection is one: it proved the key. So a person whose network changes in these seconds is
        not taken for gone."""
        client, old = self._at(ping.room, ping.key), ping.old
        if client is not None and client is not old:
            return True
        return old is not None and not _is_closed(old) and not old.outlet.silent

    def _refuse(self, fetch: _Fetch) -> None:
        self._services.tally.count("ticket_in_use")
        fetch.client.refuse(fetch.n, Refusal("ticket_in_use"))

    async def _answer(self, fetch: _Fetch) -> None:
        client, room, services = fetch.client, fetch.ping.room, self._services
        try:
            # Again, for the member may have been removed in the seconds that it waited.
            found = await services.store.parked(room, fetch.slot, fetch.token_hash)
            if found is None:
                raise Refusal("unknown_ticket")
            await services.store.fetched(room, fetch.slot)
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
