"""What is kept of rooms that ended: the signed end, so that members who were away are told so.

There are at most as many as there may be rooms. Beyond that, the part of the network with the most
gives way by its oldest. So a stranger who opens and ends rooms makes the relay forget the ends of
that stranger's own rooms, and those of other people stay for their day.
"""

from __future__ import annotations

from alcove_protocol import limits
from alcove_protocol.statements import Signed

from alcove_server.store.budget import Budget, Holding, tombstone_size


class EndedRooms:
    """Those of one store, at most `most`. `budget` is that of all rooms."""

    def __init__(self, budget: Budget, most: int) -> None:
        self._budget = budget
        self._most = most
        self._known: dict[bytes, tuple[Signed, float, bytes, Holding | None]] = {}
        self._of: dict[Holding | None, dict[bytes, None]] = {}  # the oldest first

    def __len__(self) -> int:
        return len(self._known)

    def find(self, room: bytes, now: float) -> tuple[Signed, bytes] | None:
        """The end of a room, and the generation of its log. None when there is none any more."""
        found = self._known.get(room)
        if found is not None and found[1] <= now:
            self.forget(room)
            return None
        return found and (found[0], found[2])

    def add(
        self, room: bytes, statement: Signed, generation: bytes, now: float, of: Holding | None
    ) -> float:
        """A room ended that counted for this holding. Return the time until which that is kept."""
        end = now + limits.TOMBSTONE
        self._known[room] = (statement, end, generation, of)
        self._of.setdefault(of, {})[room] = None
        if of is not None:
            of.remember(1)
        self._budget.restore(tombstone_size(statement))  # less than the room gave back
        if len(self._known) > self._most:
            largest = max(self._of, key=lambda one: len(self._of[one]) / (one.weight if one else 1))
            self.forget(next(iter(self._of[largest])))
        return end

    def forget(self, room: bytes) -> None:
        """Its time is over, or the room is there again. Does nothing when nothing is kept."""
        found = self._known.pop(room, None)
        if found is None:
            return
        statement, _, _, of = found
        del self._of[of][room]
        if not self._of[of]:
            del self._of[of]
        if of is not None:
            of.remember(-1)
        self._budget.give(tombstone_size(statement))
