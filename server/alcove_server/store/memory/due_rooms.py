"""Rooms in memory, by the time at which something in them ends next."""

from heapq import heappop, heappush
from math import inf


class DueRooms:
    """A queue of rooms, also ended ones. Each has one time in it."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, bytes]] = []  # some are outdated
        self._times: dict[bytes, float] = {}

    def put(self, room: bytes, at: float) -> None:
        """Queue a room for a time. Only a time before the known one makes a new entry, so the queue
        holds few outdated ones."""
        if at < self._times.get(room, inf):
            self._times[room] = at
            heappush(self._queue, (at, room))

    def forget(self, room: bytes) -> None:
        """A room is over, or begins anew."""
        self._times.pop(room, None)

    def take(self, now: float, most: int) -> list[bytes]:
        """Take the rooms that are due, the longest first. At most so many entries are looked at."""
        found = []
        for _ in range(most):
            if not self.any_due(now):
                break
            at, room = heappop(self._queue)
            if self._times.get(room) == at:
                del self._times[room]
                found.append(room)
        return found

    def any_due(self, now: float) -> bool:
        """Whether a room is due. It may be an outdated entry."""
        return len(self._queue) > 0 and self._queue[0][0] <= now
