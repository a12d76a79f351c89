"""The names of those that were let go as absent, for when a facilitator removes them after all.

The group has forgotten them by then, and the list has relay keys alone.
"""

from collections.abc import Iterable
from typing import Final

from alcove.group.extensions import leaf_extension, name_of
from alcove.group.outcomes import Merged, Person

KEPT: Final = 256
"""Names at a time. One more takes the place of the first."""


class LetGo:
    """What one client saw."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def merged(self, outcome: Merged) -> None:
        """A commit was followed, or made."""
        for leaf in outcome.absent:
            self._names[leaf_extension(leaf).relay_key] = name_of(leaf)
        self.came(outcome.people)
        while len(self._names) > KEPT:
            del self._names[next(iter(self._names))]

    def removed(self, keys: Iterable[bytes], people: Iterable[Person]) -> tuple[str, ...]:
        """The names of those among these keys that the list keeps out from now on. A name that
        somebody has meanwhile is not told: it would be read as theirs."""
        names = [self._names.pop(key) for key in sorted(keys) if key in self._names]
        here = {person.name for person in people}
        return tuple(name for name in names if name not in here)

    def came(self, people: Iterable[Person]) -> None:
        """These are members now. How they came in again may have been missed, as by one that was
        held: who is removed as a member is told by the commit."""
        here = {person.name for person in people}
        self._names = {key: name for key, name in self._names.items() if name not in here}
