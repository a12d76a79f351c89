"""One act for every connection once in a period, for a few of them at each tick.

Each connection has a slot, and each tick serves the next slot. So 10,000 idle connections need no
timer each, and their pings are spread over the period. `Stalled` holds the few connections that
have a deadline of their own.
"""

from collections.abc import Callable
from itertools import count
from typing import Final, Protocol

_LATE_AT_ONCE: Final = 50
"""Connections that are closed before others have a turn: about 5 ms."""


class Turned(Protocol):
    """What has a turn once in a period."""

    def turn(self) -> None:
        """Its turn has come."""


class Late(Protocol):
    """What may stall."""

    def too_late(self) -> None:
        """It stalled for too long."""


class Stalled:
    """Connections whose client takes nothing, the longest first. So a tick looks only at those that
    are too late."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since: dict[Late, float] = {}

    def add(self, late: Late) -> None:
        """It stalls from now on."""
        self._since[late] = self._clock()

    def discard(self, late: Late) -> None:
        """It goes on, or is gone."""
        self._since.pop(late, None)

    def tick(self) -> bool:
        """Tell some of those that are too late, once each. Return whether there are more."""
        end = self._clock() - self._seconds
        for _ in range(_LATE_AT_ONCE):
            if not self._since:
                return False
            late, since = next(iter(self._since.items()))
            if since > end:
                return False
            del self._since[late]
            late.too_late()
        return True


class Keepalive:
    """`slots` ticks make one period."""

    def __init__(self, slots: int) -> None:
        self._slots: list[set[Turned]] = [set() for _ in range(slots)]
        self._next = count()
        self._at = 0

    def add(self, turned: Turned) -> int:
        """Give it turns; return its slot, which `discard` needs."""
        slot = next(self._next) % len(self._slots)
        self._slots[slot].add(turned)
        return slot

    def discard(self, slot: int, turned: Turned) -> None:
        """Give it no more turns."""
        self._slots[slot].discard(turned)

    def tick(self) -> None:
        """Serve the next slot."""
        self._at = (self._at + 1) % len(self._slots)
        for turned in list(self._slots[self._at]):
            turned.turn()
