"""What clients put into a store that does not tell when it drops it, counted for a time.

A store in this process gives back what a room held when the room ends, and knows what each of them
holds. A store on other servers does not: rooms outlive a node there, and end without it. So each
node counts what came through it, for the part of the network that put it, for as long as it may lie
there. What is dropped earlier counts on until then. Nothing of this leaves the process.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import ceil
from typing import Final

from alcove_protocol import limits

_DAY: Final = 24 * 3600.0
_FINE: Final = 60.0
_COARSE: Final = 3600.0
"""Seconds of a count: what ends in the same minute is one number, and beyond a day in the same
hour. So one part of the network has some 2,200 of them at most."""
CHAIN_SECONDS: Final = float(limits.DOOR_TTL_MAX)
"""For how long an entry of a chain counts. It lies as long as its room, which may be longer."""
ROOM_SECONDS: Final = _DAY
"""For how long counts that a room was opened, or brought back."""


class Leases:
    """Bytes by the time at which they count no longer. `clock` gives seconds."""

    __slots__ = ("_clock", "_ends", "_sizes", "total")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.total = 0
        self._clock = clock
        self._sizes: dict[float, int] = {}
        self._ends: list[float] = []  # the keys of `_sizes`, as a heap

    def add(self, size: int, seconds: float) -> float:
        """Count so many bytes for so long. Return what `give_back` needs."""
        step = _FINE if seconds <= _DAY else _COARSE
        end = ceil((self._clock() + seconds) / step) * step
        if end not in self._sizes:
            self._sizes[end] = 0
            heappush(self._ends, end)
        self._sizes[end] += size
        self.total += size
        return end

    def give_back(self, size: int, end: float) -> None:
        """They were not taken after all."""
        if end in self._sizes:  # else their time is over
            self._sizes[end] -= size
            self.total -= size

    def settle(self) -> None:
        """Forget what counts no longer."""
        now = self._clock()
        while self._ends and self._ends[0] <= now:
            self.total -= self._sizes.pop(heappop(self._ends))
