"""Which part of the network has the most of a few things, such as the places at a door.

A part counts for as many as it stands for. All networks of one provider are as large as they are
together, for as many as the provider stands for, where that is more. So whoever rents them is no
crowd of strangers, and a newcomer from one of them has no better place than others have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Generic, TypeVar

from alcove_server.ports.place import NetworkPart

N = TypeVar("N", bound=NetworkPart)


class Crowd(Generic[N]):
    """The parts of the network from which some things came, once for each. None is a part without
    limits."""

    def __init__(self, parts: Iterable[N | None]) -> None:
        self._counts = Counter(parts)
        self._wholes: Counter[NetworkPart] = Counter()
        for part, count in self._counts.items():
            if part is not None and part.whole is not None:
                self._wholes[part.whole] += count

    def size(self, part: N | None, more: int = 0) -> float:
        """How large a part is with so many more."""
        own = self._counts[part] + more
        if part is None:
            return own
        whole = part.whole
        if whole is None:
            return own / part.weight
        return max(own / part.weight, (self._wholes[whole] + more) / whole.weight)

    @property
    def largest(self) -> frozenset[N | None]:
        """The largest parts, and of one provider the largest networks."""
        sizes = {part: (self.size(part), count) for part, count in self._counts.items()}
        most = max(sizes.values(), default=None)
        return frozenset(part for part, size in sizes.items() if size == most)
