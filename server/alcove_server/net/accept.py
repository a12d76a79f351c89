"""Accepting connections on a listening socket.

The event loop's own servers do this too, but neither of them well when descriptors are used up:
uvloop closes the connections that come, and says nothing. Here the relay says so once, and clients
wait in the listener's queue until there is a descriptor for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable
from typing import Final

from alcove_server.ports import error_log

log = logging.getLogger(__name__)

_GONE: Final = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EPERM})
"""The next client in the queue was gone, or a firewall forbids it. Others may be behind it."""
_OPEN_FILES: Final = "; lower --connections, or raise the limit of open files (LimitNOFILE=)"
_HINTS: Final[dict[int | None, str]] = {errno.EMFILE: _OPEN_FILES, errno.ENFILE: _OPEN_FILES}
_PAUSE: Final = 1.0
"""Seconds without accepting when descriptors or memory are used up. Trying again at once would only
hold the loop, while connections that end give some back."""
_IN_A_TURN: Final = 8
"""Connections, each of which costs a quarter of a millisecond with its upgrade."""
_TOLD_AGAIN: Final = 600.0
"""Seconds after which the log says it again: a flood must not fill it."""


class Accept:
    """Accepts until `close`, and gives each connection with its address to `begin`. `backlog` is
    the number of connections that the listener's queue holds. To be made inside a running event
    loop."""

    def __init__(
        self, listener: socket.socket, begin: Callable[[socket.socket, str], None], backlog: int
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._begin = begin
        self._told: float | None = None
        self._again: asyncio.TimerHandle | None = None
        listener.listen(backlog)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Accept no more."""
        self._loop.remove_reader(self._listener)
        if self._again is not None:
            self._again.cancel()
            self._again = None

    async def wait_closed(self) -> None:
        """Close the listener."""
        self._listener.close()

    def _accept(self) -> None:
        """Accept a few connections in a turn of the loop: a crowd must not delay the clients."""
        for _ in range(_IN_A_TURN):
            try:
                link, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno not in _GONE:
                    self._wait_after(error)
                return
            try:
                link.setblocking(False)
                self._begin(link, peer[0] if peer else "")
            except Exception as error:  # this connection's loss, not that of all later ones
                error_log.report(error)
                link.close()

    def _wait_after(self, error: OSError) -> None:
        now = self._loop.time()
        if self._told is None or now - self._told >= _TOLD_AGAIN:
            self._told = now
            log.warning("new connections wait: %s%s", error.strerror, _HINTS.get(error.errno, ""))
        self._loop.remove_reader(self._listener)
        self._again = self._loop.call_later(_PAUSE, self._go_on)

    def _go_on(self) -> None:
        self._again = None
        self._loop.add_reader(self._listener, self._accept)


class PlainAccept:
    """Accepts, and gives each connection a protocol that `make` makes, without TLS."""

    def __init__(
        self, listener: socket.socket, make: Callable[[], asyncio.Protocol], backlog: int
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._make = make
        self._under_way: set[asyncio.Task[None]] = set()
        self._accept = Accept(listener, self._begin, backlog)

    def close(self) -> None:
        """Accept no more."""
        self._accept.close()

    async def wait_closed(self) -> None:
        """Close the listener, and wait until nothing is under way."""
        await self._accept.wait_closed()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begin(self, link: socket.socket, address: str) -> None:
        task = self._loop.create_task(self._connect(link))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _connect(self, link: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client is gone
            await self._loop.connect_accepted_socket(self._make, link)
