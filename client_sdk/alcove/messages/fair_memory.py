"""A bounded memory of what several members said, in which none pushes out another's.

One item too many takes the place of the oldest of the member with the most. So a member that floods
the room loses their own, and never another one's who has said less.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairMemory(Generic[T]):
    """At most so many items, each under a key that is its own. Owners are MLS signature keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._owners: dict[bytes, bytes] = {}
        self._items: dict[bytes, OrderedDict[bytes, T]] = {}

    def __contains__(self, key: bytes) -> bool:
        return key in self._owners

    def put(self, owner: bytes, key: bytes, item: T) -> bytes | None:
        """Remember an item under a new key. Return the key of what had to go for it."""
        self._owners[key] = owner
        self._items.setdefault(owner, OrderedDict())[key] = item
        if len(self._owners) <= self._most:
            return None
        largest = max(self._items.values(), key=len)
        gone = next(iter(largest))
        self.pop(gone)
        return gone

    def owner(self, key: bytes) -> bytes | None:
        return self._owners.get(key)

    def get(self, key: bytes) -> T | None:
        owner = self._owners.get(key)
        return None if owner is None else self._items[owner][key]

    def pop(self, key: bytes) -> None:
        """Forget an item that is here."""
        owner = self._owners.pop(key)
        del self._items[owner][key]
        if not self._items[owner]:
            del self._items[owner]

    def __iter__(self) -> Iterator[tuple[bytes, T]]:
        """Every key with its item, the oldest of each owner first."""
        for items in self._items.values():
            yield from items.items()

    def clear(self) -> None:
        self._owners.clear()
        self._items.clear()
