"""Doors in memory. A closed door keeps no card: only the code that tells a newcomer why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from math import inf

from alcove_protocol import limits
from alcove_protocol.errors import Refusal

from alcove_server.store.budget import CLOSED_DOORS, ITEM_OVERHEAD, Budget
from alcove_server.store.interface import StoredDoor


def _size(door: StoredDoor) -> int:
    return len(door.card) + ITEM_OVERHEAD


class MemoryDoors:
    """The doors of one room."""

    def __init__(self, budget: Budget) -> None:
        self.due = inf
        self._budget = budget
        self._doors: dict[bytes, StoredDoor] = {}

    def find(self, now: float, id: bytes) -> StoredDoor | None:
        """Return a door as it is now. A door past its time is closed as `door_expired`."""
        door = self._doors.get(id)
        if door is not None and door.closed is None and door.expires_at <= now:
            return replace(door, card=b"", closed="door_expired")
        return door

    def put(self, now: float, door: StoredDoor) -> None:
        """As `Store.put_door`: `door.expires_at` counts from now."""
        known = self.find(now, door.id)
        if known is None:
            self._make(now, replace(door, expires_at=now + door.expires_at))
            return
        if known.closed is not None:
            raise Refusal(known.closed)
        if (door.card_number, door.card) == (known.card_number, known.card):
            return
        if door.key != known.key or door.card_number <= known.card_number:
            raise Refusal("bad_statement")
        self._replace(replace(known, card_number=door.card_number, card=door.card))

    def _make(self, now: float, door: StoredDoor) -> None:
        crowding = self._crowding(door.by)
        self._budget.take(_size(door))
        if crowding is not None:
            self.close(now, crowding, "door_expired")
        self._doors[door.id] = door
        self.due = min(self.due, door.expires_at)

    def _crowding(self, by: bytes) -> bytes | None:
        """The door that gives way to one more by this facilitator, or None while there is space.
        The group's list is not known here: doors that it does not have would fill the room for all
        others. Raises `Refusal` (`too_many_doors`)."""
        doors = [door for door in self._doors.values() if door.closed is None]
        if len(doors) < limits.DOORS:
            return None
        counts = Counter(door.by for door in doors)
        most, number = counts.most_common(1)[0]
        if number <= counts[by] + 1:
            raise Refusal("too_many_doors")
        return next(door.id for door in doors if door.by == most)

    def _replace(self, door: StoredDoor) -> None:
        """Raises `Refusal` (`busy`)."""
        self._budget.take(_size(door) - _size(self._doors[door.id]))
        self._doors[door.id] = door

    def close(self, now: float, id: bytes, code: str) -> None:
        """Close a door and forget its card. Raises `Refusal` (`unknown_door`)."""
        door = self.find(now, id)
        if door is None:
            raise Refusal("unknown_door")
        self._replace(replace(door, card=b"", closed=code))
        closed = [known.id for known in self._doors.values() if known.closed is not None]
        for oldest in closed[: max(0, len(closed) - CLOSED_DOORS)]:
            self._forget(oldest)

    def check_uses(self, now: float, spent: Iterable[bytes]) -> None:
        """Raise `Refusal` (`door_used`) when a door has too few uses left for these admissions.

        A revoked or expired door admits newcomers who still wait there, without counting uses:
        they all knocked before it closed (docs/protocol.md section 7).
        """
        wanted: dict[bytes, int] = {}
        for id in spent:
            wanted[id] = wanted.get(id, 0) + 1
        for id, uses in wanted.items():
            door = self.find(now, id)
            if door is None or door.closed in ("door_revoked", "door_expired"):
                continue
            if door.uses_left < uses:
                raise Refusal("door_used")

    def use(self, now: float, id: bytes) -> None:
        """Consume a use. The last use closes the door."""
        door = self.find(now, id)
        if door is None or door.closed is not None:
            return
        self._replace(replace(door, uses_left=door.uses_left - 1))
        if door.uses_left == 1:
            self.close(now, id, "door_used")

    def expire(self, now: float) -> None:
        """Close expired doors, and forget closed doors a day after their time."""
        for door in list(self._doors.values()):
            if door.expires_at > now:
                continue
            if door.closed is None:
                self.close(now, door.id, "door_expired")
            elif door.expires_at + limits.TOMBSTONE <= now:
                self._forget(door.id)
        self.due = min((self._end(door) for door in self._doors.values()), default=inf)

    def _end(self, door: StoredDoor) -> float:
        return door.expires_at + (limits.TOMBSTONE if door.closed is not None else 0)

    def _forget(self, id: bytes) -> None:
        self._budget.give(_size(self._doors.pop(id)))
