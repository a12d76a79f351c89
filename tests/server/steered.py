"""Time that passes when a test says so, for a relay on real sockets.

The relay's clock, its deadlines and its periodic work follow it, so no verdict depends on the speed
of the machine. A deadline passes when a test advances to it, and never because the test is slow.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count
from typing import Final

TURNS: Final = 5
"""Turns of the event loop after each call: periodic work runs in tasks that wait for the call."""


class _Call:
    """A call that waits for its time."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class SteeredTime:
    """The clock (seconds, by calling it) and the `Loop` of one relay. To be made inside a running
    event loop, on which all that does not wait still runs."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self._loop = asyncio.get_running_loop()
        self._calls: list[tuple[float, int, _Call]] = []
        self._order = count()

    def __call__(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], object], /) -> object:
        return self._loop.call_soon(callback)

    def call_later(self, delay: float, callback: Callable[[], object], /) -> _Call:
        call = _Call(callback)
        heapq.heappush(self._calls, (self.now + delay, next(self._order), call))
        return call

    async def advance(self, seconds: float) -> None:
        """Let so much time pass. Each call that falls due is made at its time, in order."""
        end = self.now + seconds
        while self._calls and self._calls[0][0] <= end:
            self.now, _, call = heapq.heappop(self._calls)
            if call.callback is not None:
                call.callback()
                await self._turns()
        self.now = end
        await self._turns()

    async def _turns(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
