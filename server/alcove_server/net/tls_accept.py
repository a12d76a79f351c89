"""TLS connections from their accept to the end of their handshake.

    accept ─▶ rate ─▶ place ─▶ handshake, in 10 s ─▶ `FrontDoor`
               │        └─▶ none: handshake, in 2 s ─▶ `FrontDoor`, which says 429 or 503
               └─▶ too many handshakes, or too many without a place: closed unheard

A connection has its place from the accept on, so half a handshake counts as a whole connection, and
gives way to others as all unproved connections do. `TlsLink` shakes hands.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial

from alcove_server.net.accept import Accept
from alcove_server.net.admission import Admission, Admitted
from alcove_server.net.entrance import Entrance
from alcove_server.net.front_door import TURNED_AWAY_SECONDS
from alcove_server.net.inbox import EVERYONE
from alcove_server.net.request_head import BadRequest
from alcove_server.net.terms import Terms
from alcove_server.net.tls import Tls
from alcove_server.net.tls_link import READ_SIZE, TlsLink
from alcove_server.ports import error_log
from alcove_server.ports.place import NetworkPart

Enter = Callable[[str], Admitted]
"""As `Admission.enter`."""


class _Arrival:
    """What admission decided at the accept, until the protocol asks for it."""

    def __init__(self, admission: Admission, address: str) -> None:
        self.place: Admitted | None = None
        self.refusal: BadRequest | None = None
        try:
            self.place = admission.enter(address)
        except BadRequest as bad:
            self.refusal = bad

    @property
    def group(self) -> NetworkPart:
        return self.place.allowance if self.place is not None else EVERYONE

    def enter(self, address: str) -> Admitted:
        """As `Admission.enter`: the handshake is done, and the place is the caller's."""
        if self.refusal is not None:
            raise self.refusal
        assert self.place is not None  # called once, by the one protocol of this connection
        place, self.place = self.place, None
        return place

    def drop(self) -> None:
        """The connection is over: free the place, unless `enter` gave it away."""
        if self.place is not None:
            self.place.free()


class TlsAccept:
    """Accepts on a listening socket and shakes hands, until `close`. `make(enter)` makes the
    protocol of a connection. `seconds` is the time of a handshake, `backlog` the number of
    connections that the listener's queue holds. To be made inside a running event loop, in which it
    closes only its own connections."""

    def __init__(
        self,
        listener: socket.socket,
        entrance: Entrance,
        admission: Admission,
        tls: Tls,
        terms: Terms,
        make: Callable[[Enter], asyncio.Protocol],
        seconds: float,
        backlog: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._entrance = entrance
        self._admission = admission
        self._tls = tls
        self._terms = terms
        self._make = make
        self._seconds = seconds
        self._buffer = bytearray(READ_SIZE)
        self._under_way: dict[TlsLink, asyncio.Task[None]] = {}
        self._accept = Accept(listener, self._begin, backlog)

    def close(self) -> None:
        """Accept no more, and drop the handshakes under way."""
        self._accept.close()
        for link in self._under_way:
            link.abort()

    async def wait_closed(self) -> None:
        """Wait until nothing is under way, and close the listener."""
        await self._accept.wait_closed()
        while self._under_way:
            await asyncio.wait(self._under_way.values())
            await asyncio.sleep(0)  # an aborted connection ends in the next turn

    def _begin(self, connection: socket.socket, address: str) -> None:
        # A handshake costs the relay about a millisecond and its client nothing, so its rate is
        # bounded before anything is answered.
        if not self._admission.may_shake_hands(address):
            self._close_unheard(connection)
            return
        arrival = _Arrival(self._admission, address)
        lingering = self._entrance.lingering
        if arrival.refusal is not None and not lingering.add(arrival):
            self._close_unheard(connection)  # as the front door does with too many of them
            return

        link = TlsLink(
            self._tls.context,
            self._buffer,
            self._terms,
            arrival.group,
            lambda: self._make(arrival.enter),
            TURNED_AWAY_SECONDS if arrival.refusal else self._seconds,
            partial(self._over, arrival),
        )
        if arrival.place is not None:
            arrival.place.give_way = link.abort
        self._under_way[link] = self._loop.create_task(self._connect(connection, link, arrival))

    def _close_unheard(self, connection: socket.socket) -> None:
        self._entrance.tally.count("tls closed")
        connection.close()

    def _over(self, arrival: _Arrival, link: TlsLink) -> None:
        self._under_way.pop(link, None)
        self._entrance.lingering.discard(arrival)
        arrival.drop()

    async def _connect(self, connection: socket.socket, link: TlsLink, arrival: _Arrival) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: link, connection)
        except Exception as error:
            self._over(arrival, link)
            if not isinstance(error, OSError):  # one of these says that the client is gone
                error_log.report(error)
