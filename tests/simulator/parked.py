"""What members parked at the relay for the holders of their tickets (docs/protocol.md 10)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

TICKET: Final = 600.0
"""Seconds for which the relay keeps what is parked."""
HANDED_OUT: Final = 60.0
"""Seconds for which it is handed out again."""
CLOCKS: Final = 1.5
"""Seconds between what the relay looks up and its answer to the client, in a room without faults:
what is at its end may be told either way."""


@dataclass(slots=True)
class Parking:
    """One slot: whose it is, when its bytes were parked first, and until when it is good."""

    key: bytes
    at: float
    until: float


class Parked:
    """All slots, by name. One of each key is kept."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._slots: dict[bytes, Parking] = {}
        self.handed: dict[bytes, Parking] = {}
        """What was handed out, also when it is over."""

    def park(self, key: bytes, slot: bytes) -> None:
        self.drop(key)
        now, before = self._now(), self.handed.get(slot)
        # What was handed out is parked again with the same bytes: of the same epoch as before.
        at = before.at if before is not None and before.key == key else now
        self._slots[slot] = Parking(key, at, now + TICKET)

    def drop(self, key: bytes) -> None:
        """What this key parked is over: the member left, or is let go."""
        self._slots = {slot: one for slot, one in self._slots.items() if one.key != key}

    def keep(self, keys: Collection[bytes]) -> None:
        """These keys are on the list, and no others."""
        self._slots = {slot: one for slot, one in self._slots.items() if one.key in keys}

    def forget(self) -> None:
        """All is over: another log begins."""
        self._slots.clear()

    def hand_out(self, slot: bytes) -> bytes:
        """The relay gives it to the holder of a ticket. Return whose it was, or nothing."""
        found = self._slots.get(slot)
        if found is None or self._now() > found.until + CLOCKS:
            return b""
        self.handed[slot] = found
        found.until = min(found.until, self._now() + HANDED_OUT)
        return found.key

    def is_good(self, slot: bytes) -> bool:
        """Whether a ticket of this slot lets its holder come back."""
        found = self._slots.get(slot)
        return found is not None and self._now() < found.until - CLOCKS
