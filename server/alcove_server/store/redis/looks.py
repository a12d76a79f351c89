"""When each watched room is to be looked at next, so that an idle room costs one look a minute."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

SELDOM: Final = 60.0
"""The most seconds between two looks at a room. What ends by a look ends at least 15 minutes after
it began, so a look that says when the next thing ends is in time. The bound serves when the clock
of Redis was moved, and for a door that lives less than a minute."""


class Looks:
    """Rooms by the time of their next look."""

    def __init__(self) -> None:
        self._due: dict[bytes, float] = {}
        self._queue: list[tuple[float, bytes]] = []

    def at(self, room: bytes, due: float) -> None:
        """Look at a room then, and not at another time."""
        if self._due.get(room) != due:
            self._due[room] = due
            heappush(self._queue, (due, room))

    def forget(self, room: bytes) -> None:
        """Do not look at a room any more."""
        self._due.pop(room, None)

    def take(self, now: float, most: int) -> list[bytes]:
        """Return at most so many rooms that are due, the longest due first. They are to be given
        back by `at`."""
        found: list[bytes] = []
        while self._queue and self._queue[0][0] <= now and len(found) < most:
            due, room = heappop(self._queue)
            if self._due.get(room) == due:  # else it was moved or forgotten
                found.append(room)
                del self._due[room]
        return found
