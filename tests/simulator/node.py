"""The relay's side of a world: one process and its store, which die apart or together."""

import asyncio
import contextlib
from collections.abc import Callable
from random import Random
from typing import cast

from alcove_server.ports.runner import OnLoop
from alcove_server.settings import Settings
from alcove_server.store.interface import Store
from alcove_server.store.memory.store import MemoryStore
from alcove_server.testing.embedded import EmbeddedLink, EmbeddedRelay, embedded

from tests.simulator.model import Truth
from tests.simulator.network import HOST
from tests.simulator.person import UNIX
from tests.simulator.store import Moods, MoodyStore, Process


class Node:
    """Starts, dies, and comes back, with its memory or without."""

    def __init__(self, truth: Truth, random: Random, *, limited: bool) -> None:
        self._clock = asyncio.get_running_loop().time
        self._truth = truth
        self._random = random
        self._settings = Settings(rates=1 if limited else 0)
        self.moods = Moods()
        self.clock_error = 0.0
        """Seconds by which its wall clock is wrong."""
        self._store = self._new_store()
        self._process = Process(self._store)
        self._relay: EmbeddedRelay | None = None

    @property
    def up(self) -> bool:
        return self._relay is not None

    def _new_store(self) -> MoodyStore:
        return MoodyStore(MemoryStore(self._clock), self._truth, self.moods)

    def _wall(self) -> float:
        return UNIX + self._clock() + self.clock_error

    def start(self) -> None:
        """A new process on the store. Nothing happens while there is one."""
        if self._relay is None:
            self._process = Process(self._store)
            self._relay = embedded(
                self._clock,
                self._random.randbytes,
                settings=self._settings,
                store=cast(Store, self._process),  # `__getattr__` has all of a `Store`
                wall=self._wall,
                runner=OnLoop(),
            )

    def stop(self, *, memory: bool) -> None:
        """The process dies. Without `memory` the store dies with it."""
        self._relay = None
        self._process.dead = True
        if not memory:
            self._store.dead = True
            self._store = self._new_store()
            self._truth.losses.append(self._clock())
            self._truth.parked.forget()

    def drain(self) -> None:
        if self._relay is not None:
            self._relay.drain()

    def reach(self, on_output: Callable[[], None]) -> EmbeddedLink | None:
        """A connection to it, or None while it is down."""
        return self._relay.connect(host=HOST, on_output=on_output) if self._relay else None

    async def tick(self) -> None:
        """Once a second, as its process does."""
        while True:
            await asyncio.sleep(1.0)
            if self._relay is not None:
                with contextlib.suppress(OSError):  # a planned one; the process goes on, too
                    await self._relay.relay.tick()
