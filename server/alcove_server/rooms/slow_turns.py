"""Slow mode: what one key sends within `TURN` seconds of its first blob is one turn, then it waits.

The relay cannot tell a text from a retraction, so every message of a participant counts. Turns are
kept in this process alone, also while nobody of the room is here (`counts`). It hears every message
of its rooms, also those that another relay of the same store took, and counts them. So a client
that comes back by another relay has no other turn there, unless nobody of the room was at that
relay when it spoke.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import SlowDown
from alcove_protocol.roster import Roster

GONE_KEPT: Final = 64
"""Keys that are not on the list any more, and whose last turn is remembered."""


class SlowTurns:
    """One room's. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began: dict[bytes, float] = {}

    def __len__(self) -> int:
        """The keys that had a turn."""
        return len(self._began)

    def counts(self, roster: Roster, key: bytes) -> bool:
        """Whether this key takes turns: facilitators do not."""
        return bool(roster.slow) and not roster.is_facilitator(key)

    def take(self, roster: Roster, key: bytes) -> bool:
        """Send within a turn. Return whether it began a new one. Raises `SlowDown`."""
        if not self.counts(roster, key):
            return False
        now, began = self._clock(), self._began.get(key)
        if began is not None and now < began + limits.TURN:
            return False
        if began is not None and now < began + limits.TURN + roster.slow:
            raise SlowDown(ceil(began + limits.TURN + roster.slow - now))
        self._begin(roster, key, now)
        return True

    def _begin(self, roster: Roster, key: bytes, at: float) -> None:
        self._began.pop(key, None)
        self._began[key] = at
        self._forget(roster)

    def told(self, roster: Roster, key: bytes, age: float) -> None:
        """A message of this key was taken `age` seconds ago, here or by another relay."""
        if not self.counts(roster, key):
            return
        at, began = self._clock() - age, self._began.get(key)
        if began is None or at >= began + limits.TURN + roster.slow:
            self._begin(roster, key, at)

    def _forget(self, roster: Roster) -> None:
        """Drop the turns of keys that are gone, but for the latest. A member that steps outside, or
        loses the connection, comes back with the same key and no new turn."""
        gone = [key for key in self._began if key not in roster.seats]
        for key in gone[: max(0, len(gone) - GONE_KEPT)]:
            del self._began[key]

    def give_back(self, key: bytes) -> None:
        """The store did not take what began the turn."""
        self._began.pop(key, None)
