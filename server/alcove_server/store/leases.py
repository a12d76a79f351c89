"""What clients put into a store that does not tell when it drops it, counted for a time.

A store in this process gives back what a room held when the room ends, and knows what each of them
holds. A store on other servers does not: rooms outlive a node there, and end without it. So each
node counts what came through it, for the part of the network that put it, for as long as it may lie
there. What is dropped earlier counts on until then. Nothing of this leaves the process.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from alcove_protocol import limits

_DAY: Final = 24 * 3600.0
_SHORT: Final = 600.0
"""What lies there for up to so many seconds is counted in steps of 2 s, for up to a day in steps of
a minute, and else of an hour: what ends in the same step is one number. So one part of the network
has some 2,500 of them at most."""
CHAIN_SECONDS: Final = float(limits.DOOR_TTL_MAX)
"""For how long an entry of a chain counts. It lies as long as its room, which may be longer."""
ROOM_SECONDS: Final = _DAY
"""For how long counts that a room was opened, or brought back."""


def end_of(now: float, seconds: float) -> float:
    """The time until which that counts which lies there for so long: a little later at most."""
    step = 2.0 if seconds <= _SHORT else 60.0 if seconds <= _DAY else 3600.0
    return (now + seconds) // step * step + step


class Leases:
    """Bytes by the time at which they count no longer. `clock` gives seconds."""

    __slots__ = ("_ends", "_sizes", "clock", "total")

    def __init__(self, clock: Callable[[], float]) -> None:
        self.total = 0
        self.clock: Final = clock
        self._sizes: dict[float, int] = {}
        self._ends: list[float] = []  # the keys of `_sizes`, as a heap

    def add(self, size: int, end: float) -> None:
        """Count so many bytes until a time, which `end_of` gave."""
        known = self._sizes.get(end)
        if known is None:
            heappush(self._ends, end)
        self._sizes[end] = (known or 0) + size
        self.total += size

    def give_back(self, size: int, end: float) -> None:
        """They were not taken after all."""
        if end in self._sizes:  # else their time is over
            self._sizes[end] -= size
            self.total -= size

    def settle(self) -> None:
        """Forget what counts no longer."""
        now = self.clock()
        while self._ends and self._ends[0] <= now:
            self.total -= self._sizes.pop(heappop(self._ends))
