"""uvicorn, which serves the HTTP pages and stops in order, behind the relay's own accepting."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

import uvicorn

from alcove_server.process.signals import STOPPING
from alcove_server.relay import Relay

SETTLE_SECONDS: Final = 10.0
"""Seconds that a store may take to answer what it was given before the node stopped."""
_ASK_AGAIN: Final = 0.1
"""Seconds between two looks at whether a second signal came."""


class Accepting(Protocol):
    """What accepts connections on one port."""

    def close(self) -> None:
        """Accept no more."""

    async def wait_closed(self) -> None:
        """Wait until nothing is under way."""


class Server(uvicorn.Server):
    """Reports when it is ready, and drains the relay when it is told to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        relay: Relay,
        accept: Callable[[uvicorn.Server], Sequence[Accepting]],
    ) -> None:
        """`accept` begins to accept on every port."""
        super().__init__(config)
        self.ready = asyncio.Event()
        self._relay = relay
        self._accept = accept
        self._accepting: Sequence[Accepting] = ()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """A signal that says stop ends the server in order, and that is a success. uvicorn alone
        would die of the signal after it stopped."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in STOPPING}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    async def startup(self, sockets: object = None) -> None:
        await super().startup([])  # uvicorn itself listens nowhere
        self._accepting = self._accept(self)
        self.ready.set()

    async def _settle(self) -> None:
        settling = asyncio.create_task(self._relay.settle())
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLE_SECONDS
        # A second SIGINT is a flag of uvicorn's, which has to be asked.
        while not settling.done() and not self.force_exit and loop.time() < end:
            await asyncio.wait([settling], timeout=_ASK_AGAIN)
        settling.cancel()

    async def shutdown(self, sockets: object = None) -> None:
        """Wait until clients have their answers, and drain. The ports answer until the last client
        is gone, so that a load balancer sees that this node is not ready. A client that comes
        meanwhile gets 503."""
        await self._settle()
        self._relay.drain()
        await super().shutdown()
        for one in self._accepting:
            one.close()
        for one in self._accepting:
            await one.wait_closed()
