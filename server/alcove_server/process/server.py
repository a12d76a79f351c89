"""uvicorn, which serves the HTTP pages and stops in order, behind the relay's own accepting."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import uvicorn

from alcove_server.process.signals import STOPPING
from alcove_server.relay import Relay


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

    async def shutdown(self, sockets: object = None) -> None:
        """Drain. The ports answer until the last client is gone, so that a load balancer sees that
        this node is not ready. A client that comes meanwhile gets 503."""
        self._relay.drain()
        await super().shutdown()
        for one in self._accepting:
            one.close()
        for one in self._accepting:
            await one.wait_closed()
