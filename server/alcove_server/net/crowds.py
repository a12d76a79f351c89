"""Which part of the network has the most connections, for each part that it stands for.

When all places are taken, that part gives way to a newcomer of one that has fewer. Each connection
that comes or goes moves its part by one level at most, so the largest is known at any time.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Counted(Protocol):
    """A part of the network."""

    @property
    def weight(self) -> int:
        """For how many parts it stands."""

    @property
    def connections(self) -> int:
        """How many connections it has."""


P = TypeVar("P", bound=Counted)


def level(part: Counted, more: int = 0) -> int:
    """Connections for each part that it stands for, with so many more, rounded up."""
    return -(-(part.connections + more) // part.weight)


class Crowds(Generic[P]):
    """Parts of the network by their level. One without connections is not kept."""

    def __init__(self) -> None:
        self._levels: dict[int, dict[P, None]] = {}
        self._at: dict[P, int] = {}
        self._highest = 0

    def moved(self, part: P) -> None:
        """A connection of this part came or went."""
        after, before = level(part), self._at.get(part, 0)
        if after == before:
            return
        if before:
            there = self._levels[before]
            del there[part]
            if not there:
                del self._levels[before]
        if after:
            self._levels.setdefault(after, {})[part] = None
            self._at[part] = after
        else:
            del self._at[part]
        self._highest = max(self._highest, after)
        while self._highest and self._highest not in self._levels:
            self._highest -= 1

    @property
    def largest(self) -> P | None:
        """Of several, the one that came there first. None when there is none."""
        there = self._levels.get(self._highest)
        return next(iter(there)) if there else None
