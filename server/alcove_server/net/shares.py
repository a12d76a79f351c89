"""Bytes that are held for connections, by connection and by part of the network, under one bound.

When all together are too many, the largest part of the network gives way, and in it the largest
connection; among equals, the first. All networks of one provider are compared with others together,
and then with each other. So a client is safe with what others can hold too, however many
connections an attacker has, and an attacker pays with its own connections.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from alcove_protocol import limits

from alcove_server.ports.place import NetworkPart

H = TypeVar("H")

LEAST_UNSENT: Final = 16 * limits.MIB
"""Bytes that may wait to be sent to all clients of the smallest node."""


class Shares(Generic[H]):
    """At most `most` bytes for all holders."""

    def __init__(self, most: int) -> None:
        self.most: Final = most
        self.total = 0
        self._sizes: dict[H, int] = {}
        self._groups: dict[NetworkPart, dict[H, None]] = {}
        self._of_group: dict[NetworkPart, int] = {}

    def __len__(self) -> int:
        """For how many connections bytes are held."""
        return len(self._sizes)

    @property
    def too_many(self) -> bool:
        """Whether all together are above the bound."""
        return self.total > self.most

    def set(self, holder: H, group: NetworkPart, size: int) -> None:
        """So many bytes are held for this connection now."""
        before = self._sizes.get(holder)
        if before is None:
            before = 0
            self._groups.setdefault(group, {})[holder] = None
        self._sizes[holder] = size
        self.total += size - before
        self._of_group[group] = self._of_group.get(group, 0) + size - before

    def discard(self, holder: H, group: NetworkPart) -> None:
        """Nothing is held for it any more."""
        size = self._sizes.pop(holder, None)
        if size is None:
            return
        self.total -= size
        holders = self._groups[group]
        del holders[holder]
        if holders:
            self._of_group[group] -= size
        else:
            del self._groups[group], self._of_group[group]

    def largest(self) -> tuple[H, NetworkPart]:
        """The largest connection of the largest part of the network. To be asked while something
        is held."""
        # A search through all, but only above the bound, where each costs an attacker a connection.
        wholes: dict[NetworkPart, int] = {}
        for part, size in self._of_group.items():
            whole = part.whole or part
            wholes[whole] = wholes.get(whole, 0) + size
        largest = max(wholes, key=lambda whole: wholes[whole] / whole.weight)
        within = [part for part in self._of_group if (part.whole or part) is largest]
        group = max(within, key=self._of_group.__getitem__)
        return max(self._groups[group], key=self._sizes.__getitem__), group
