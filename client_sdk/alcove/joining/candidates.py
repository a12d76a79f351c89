"""Answers of members to one that asks to be let in without a facilitator, and the choice of one."""

from collections.abc import Callable, Container
from typing import Final

from alcove.group.standby_entry import Candidate

OTHERS_FIRST: Final = 2.0
"""Seconds after the first answer in which other members' answers may come: the newest counts."""
HELD_LAST: Final = 10.0
"""Seconds after which the answer of a held member is used, when there is no other."""
ANSWERS: Final = 16
"""Answers that are kept."""


class Candidates:
    """Those that came since the last choice. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._found: dict[bytes, Candidate] = {}
        self._decide_at: float | None = None

    def add(self, candidate: Candidate) -> None:
        """An answer came that may be true."""
        if len(self._found) < ANSWERS or candidate.by in self._found:
            self._found[candidate.by] = candidate
        due = self._clock() + (HELD_LAST if candidate.answer.held else OTHERS_FIRST)
        self._decide_at = due if self._decide_at is None else min(due, self._decide_at)

    @property
    def due(self) -> bool:
        """Whether it is time to choose."""
        return self._decide_at is not None and self._clock() >= self._decide_at

    def best(self, doubted: Container[bytes]) -> Candidate | None:
        """Of a member that follows, that led nowhere before in no case, and of the latest epoch.
        The others are forgotten. None when there is none."""
        self._decide_at = None
        found, self._found = list(self._found.values()), {}
        return max(
            found,
            key=lambda one: (one.by not in doubted, not one.answer.held, one.epoch),
            default=None,
        )
