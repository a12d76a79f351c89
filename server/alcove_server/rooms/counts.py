"""What a room counts for its keys, which outlasts the room's last client at this node.

A key that comes and goes, alone at its node, would else begin anew each time: it would have no
bound. What is counted is kept for as long as it can count.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from alcove_protocol import limits

from alcove_server.rooms.commit_turns import CommitTurns
from alcove_server.rooms.slow_turns import SlowTurns

KEPT: Final = 100_000
"""Keys that are counted in all rooms without clients here: about 20 MB. Beyond that the rooms are
forgotten first whose clients went first."""
ROOM_KEYS: Final = 8
"""A room itself takes as much as so many keys."""
KEPT_SECONDS: Final = float(limits.SLOW_MAX + limits.TURN)
"""The longest that a turn of slow mode counts. Everything else counts for a few minutes."""


class Counts:
    """One room's. `rates` is the relay's setting, `clock` gives seconds."""

    def __init__(self, rates: float, clock: Callable[[], float]) -> None:
        self.commit_turns = CommitTurns(rates, clock)
        self.slow_turns = SlowTurns(clock)
        self.entered_at: float | None = None
        """When an external commit of the standby's link was last taken, in seconds."""
        self.returned_at: dict[bytes, float] = {}
        """The same of each facilitator's own."""

    @property
    def keys(self) -> int:
        """What this takes, as a number of keys. 0 when nothing is counted."""
        entered = self.entered_at is not None
        found = len(self.commit_turns) + len(self.slow_turns) + len(self.returned_at) + entered
        return found and found + ROOM_KEYS


class KeptCounts:
    """Those of the rooms without clients at this node. `clock` gives seconds."""

    def __init__(self, rates: float, clock: Callable[[], float]) -> None:
        self._rates = rates
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[Counts, int, float]] = OrderedDict()
        self._keys = 0

    def take(self, room: bytes) -> Counts:
        """What is counted in a room that has clients here from now on."""
        return self._forget(room) or Counts(self._rates, self._clock)

    def keep(self, room: bytes, counts: Counts) -> None:
        """The room has no client here any more."""
        self._forget(room)
        keys = counts.keys
        if not keys:
            return
        self._kept[room] = (counts, keys, self._clock() + KEPT_SECONDS)
        self._keys += keys
        while self._keys > KEPT:
            self._forget(next(iter(self._kept)))

    def expire(self) -> None:
        """Drop what was kept long enough."""
        now = self._clock()
        while self._kept:
            room, (_, _, end) = next(iter(self._kept.items()))
            if end > now:
                return
            self._forget(room)

    def _forget(self, room: bytes) -> Counts | None:
        kept = self._kept.pop(room, None)
        if kept is None:
            return None
        self._keys -= kept[1]
        return kept[0]
