"""TLS connections from their accept to the end of their handshake.

    accept ─▶ rate ─▶ place ─▶ handshake, in 10 s ─▶ `FrontDoor`
               │        └─▶ none: handshake, in 2 s ─▶ `FrontDoor`, which says 429 or 503
               └─▶ too many handshakes, or too many without a place: closed unheard

asyncio's own TLS servers announce a connection only when its handshake is done, so half a handshake
would count nowhere. Here a connection has its place from the accept on, and gives way to others as
all unproved connections do.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from alcove_server.net.accept import Accept
from alcove_server.net.admission import Admission, Admitted
from alcove_server.net.entrance import Entrance
from alcove_server.net.front_door import TURNED_AWAY_SECONDS
from alcove_server.net.request_head import BadRequest
from alcove_server.net.tls import Tls
from alcove_server.net.websocket import CLOSE_SECONDS

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
        make: Callable[[Enter], asyncio.Protocol],
        seconds: float,
        backlog: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._entrance = entrance
        self._admission = admission
        self._tls = tls
        self._make = make
        self._seconds = seconds
        self._under_way: set[asyncio.Task[None]] = set()
        self._accept = Accept(listener, self._begin, backlog)

    def close(self) -> None:
        """Accept no more, and drop the handshakes under way."""
        self._accept.close()
        for task in self._under_way:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nothing is under way, and close the listener."""
        await self._accept.wait_closed()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begin(self, link: socket.socket, address: str) -> None:
        # A handshake costs the relay about a millisecond and its client nothing, so its rate is
        # bounded before anything is answered.
        if not self._admission.may_shake_hands(address):
            self._close_unheard(link)
            return
        arrival = _Arrival(self._admission, address)
        lingering = self._entrance.lingering
        if arrival.refusal is not None and not lingering.add(arrival):
            self._close_unheard(link)  # as the front door does with too many of them
            return
        task = self._loop.create_task(self._shake_hands(link, arrival))
        if arrival.place is not None:

            def give_way() -> None:
                task.cancel()

            arrival.place.give_way = give_way

        def done(task: asyncio.Task[None]) -> None:
            # Not at the end of the task itself, which may be cancelled before it begins.
            self._under_way.discard(task)
            lingering.discard(arrival)
            arrival.drop()

        self._under_way.add(task)
        task.add_done_callback(done)

    def _close_unheard(self, link: socket.socket) -> None:
        self._entrance.tally.count("tls closed")
        link.close()

    async def _shake_hands(self, link: socket.socket, arrival: _Arrival) -> None:
        # No TLS, an older version, an untrusted certificate, too slow: the client's mistakes.
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(
                lambda: self._make(arrival.enter),
                link,
                ssl=self._tls.context,
                ssl_handshake_timeout=TURNED_AWAY_SECONDS if arrival.refusal else self._seconds,
                ssl_shutdown_timeout=CLOSE_SECONDS,
            )
