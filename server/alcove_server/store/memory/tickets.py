"""What members parked for the holders of their tickets, in memory. One slot for each key."""

from dataclasses import dataclass
from math import inf

from alcove_protocol import limits
from alcove_protocol.errors import Refusal

from alcove_server.store.budget import ITEM_OVERHEAD, MEMBERS_PART, Budget
from alcove_server.store.interface import Parked, Parking


@dataclass(slots=True)
class _Slot:
    key: bytes
    parking: Parking
    ends: float
    wrong: int = 0


class MemoryTickets:
    """The tickets of one room."""

    def __init__(self, budget: Budget) -> None:
        self.due = inf
        self._budget = budget
        self._slots: dict[bytes, _Slot] = {}
        self._slot_of: dict[bytes, bytes] = {}

    def park(self, now: float, key: bytes, parking: Parking) -> None:
        """As `Store.park`."""
        known = self._slots.get(parking.slot)
        if known is not None and known.key != key:
            raise Refusal("bad_statement")
        former = self._slots.get(self._slot_of.get(key, b""))
        freed = 0 if former is None else _size(former.parking)
        self._budget.check(_size(parking) - freed, MEMBERS_PART)
        self.drop(key)
        self._budget.restore(_size(parking))  # it was checked, and takes the place of the former
        ends = now + limits.TICKET
        self._slots[parking.slot] = _Slot(key, parking, ends)
        self._slot_of[key] = parking.slot
        self.due = min(self.due, ends)

    def find(self, now: float, slot: bytes, token_hash: bytes) -> Parked | None:
        """As `Store.parked`."""
        found = self._slots.get(slot)
        if found is None or found.ends <= now:
            return None
        if found.parking.token_hash == token_hash:
            return Parked(found.key, found.parking.blob)
        found.wrong += 1
        if found.wrong >= limits.TICKET_TRIES:
            self.drop(found.key)
        return None

    def fetched(self, now: float, slot: bytes) -> None:
        """As `Store.fetched`."""
        found = self._slots.get(slot)
        if found is not None:
            found.ends = min(found.ends, now + limits.TICKET_FETCHED)
            self.due = min(self.due, found.ends)

    def drop(self, key: bytes) -> None:
        """As `Store.unpark`."""
        slot = self._slot_of.pop(key, None)
        if slot is not None:
            self._budget.give(_size(self._slots.pop(slot).parking))

    def expire(self, now: float) -> None:
        for key in [one.key for one in self._slots.values() if one.ends <= now]:
            self.drop(key)
        self.due = min((one.ends for one in self._slots.values()), default=inf)


def _size(parking: Parking) -> int:
    return len(parking.blob) + ITEM_OVERHEAD
