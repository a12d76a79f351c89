"""TLS connections from their accept to the end of their handshake.

    accept ─▶ rate ─▶ place ─▶ handshake, in 10 s ─▶ `FrontDoor`
               │        └─▶ none: handshake, in 2 s ─▶ `FrontDoor`, which says 429 or 503
               └─▶ too many handshakes: closed unheard

asyncio's own TLS servers announce a connection only when its handshake is done, so half a handshake
would count nowhere. Here a connection has its place from the accept on, and gives way to others as
all unproved connections do.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from typing import Final

from alcove_server.net.admission import Admission, Admitted
from alcove_server.net.front_door import TURNED_AWAY_SECONDS
from alcove_server.net.request_head import BadRequest
from alcove_server.net.tls import Tls
from alcove_server.net.websocket import CLOSE_SECONDS
from alcove_server.ports import error_log

_USED_UP: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE: Final = 1.0
"""Seconds without accepting when descriptors or memory are used up. Trying again at once would only
hold the loop, while connections that end give some back."""

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
        admission: Admission,
        tls: Tls,
        make: Callable[[Enter], asyncio.Protocol],
        seconds: float,
        backlog: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._admission = admission
        self._tls = tls
        self._make = make
        self._seconds = seconds
        self._under_way: set[asyncio.Task[None]] = set()
        listener.listen(backlog)
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Accept no more, and drop the handshakes under way."""
        self._accepting.cancel()
        for task in self._under_way:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.gather(self._accepting, *self._under_way, return_exceptions=True)

    async def _accept(self) -> None:
        """Accept one connection in a turn of the loop: a crowd must not delay the clients."""
        while True:
            try:
                link, peer = await self._loop.sock_accept(self._listener)
            except OSError as error:
                await asyncio.sleep(_PAUSE if error.errno in _USED_UP else 0)
            else:
                try:
                    self._begin(link, peer[0])
                except Exception as error:  # this connection's loss, not that of all later ones
                    error_log.report(error)
                    link.close()

    def _begin(self, link: socket.socket, address: str) -> None:
        # A handshake costs the relay about a millisecond and its client nothing, so its rate is
        # bounded before anything is answered.
        if not self._admission.may_shake_hands(address):
            link.close()
            return
        arrival = _Arrival(self._admission, address)
        task = self._loop.create_task(self._shake_hands(link, arrival))
        if arrival.place is not None:

            def give_way() -> None:
                task.cancel()

            arrival.place.give_way = give_way

        def done(task: asyncio.Task[None]) -> None:
            # Not at the end of the task itself, which may be cancelled before it begins.
            self._under_way.discard(task)
            arrival.drop()

        self._under_way.add(task)
        task.add_done_callback(done)

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
