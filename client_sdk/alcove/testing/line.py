"""One client's way to a relay in the same process, which a test can cut.

It does what `alcove.relay.transport` does over a socket: it connects, carries messages in order,
and connects again. The wait before that is on the world's clock.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

from alcove_server.testing.embedded import EmbeddedLink, EmbeddedRelay

from alcove.engine.engine import Engine
from alcove.errors import ConnectionFailed
from alcove.relay.transport import ENTRY_ATTEMPTS

BACK_AFTER: Final = 1.0
"""Seconds of the world's clock until a connection that ended is made again."""


class LineWorld(Protocol):
    """The world, as far as a line sees it."""

    relay: EmbeddedRelay | None

    @property
    def clock(self) -> Callable[[], float]: ...
    def _note_move(self) -> None: ...


class MemoryLine:
    """Keeps an engine connected to the world's relay."""

    def __init__(
        self, world: LineWorld, engine: Engine, origin: str, changed: Callable[[], None]
    ) -> None:
        self._world = world
        self._engine = engine
        self._host = urlsplit(origin).netloc
        self._changed = changed
        self._wake = asyncio.Event()
        self._back_at = 0.0
        self.cut = False

    def wake(self) -> None:
        """As `RelayLine.wake`."""
        self._wake.set()

    def tick(self) -> None:
        """Time has passed."""
        self._engine.tick()
        self._changed()
        self._wake.set()

    def back(self) -> None:
        """Come back without waiting."""
        self.cut, self._back_at = False, 0.0
        self._wake.set()

    async def run(self) -> None:
        """As `RelayLine.run`."""
        tries = 0
        while self._engine.wants_connection:
            relay = self._world.relay
            if self.cut or relay is None or self._world.clock() < self._back_at:
                if not self._engine.entered and (self.cut or relay is None):
                    raise ConnectionFailed("unreachable", "The relay cannot be reached.")
                await self._woken()
                continue
            await self._one_connection(relay)
            tries += 1
            if (
                tries >= ENTRY_ATTEMPTS
                and not self._engine.entered
                and self._engine.wants_connection
            ):
                raise ConnectionFailed("dropped", "The relay closes the connection.")
            asked, self._engine.come_back_after = self._engine.come_back_after, 0.0
            if not self.cut:
                self._back_at = self._world.clock() + asked + BACK_AFTER

    async def _one_connection(self, relay: EmbeddedRelay) -> None:
        link = relay.connect(host=self._host, on_output=self._wake.set)
        try:
            self._engine.connected(self._host)
            while not self.cut and self._world.relay is relay:
                if self._carry(link):
                    continue  # the relay's last frames come before its close
                if link.closed is not None or self._done():
                    break
                await self._woken()
        finally:
            link.close()
            self._engine.disconnected()
            self._changed()

    def _done(self) -> bool:
        return self._engine.link.hang_up or not self._engine.wants_connection

    def _carry(self, link: EmbeddedLink) -> bool:
        """Carry what lies at both ends. Return whether there was anything."""
        outgoing, incoming = self._engine.link.outgoing, link.outgoing()
        if not outgoing and not incoming:
            return False
        while outgoing:
            link.receive(outgoing.popleft())
        for data in incoming:
            self._engine.received(data)
            self._changed()
        self._world._note_move()
        return True

    async def _woken(self) -> None:
        await self._wake.wait()
        self._wake.clear()
