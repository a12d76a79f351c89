"""From where the knocks came that wait in the lobbies of one node's rooms.

A lobby holds `limits.KNOCKS` knocks, each for a quarter of an hour. So a single part of the network
that holds a link could fill it and close every door of the room. When a lobby is full, the part of
the network with the most knocks gives way to one with fewer, by its newest knock: those of the same
part that knocked before the crowd keep their places. Nothing here is needed for a knock to be
answered. A knock from before a restart of the relay comes from nowhere known, and keeps its place.
"""

from __future__ import annotations

from collections import Counter

from alcove_server.ports.place import Quota


class WaitingKnocks:
    """Those of one node, by room and by the newcomer's key."""

    def __init__(self) -> None:
        self._rooms: dict[bytes, dict[bytes, Quota]] = {}  # the oldest knock first

    def add(self, room: bytes, key: bytes, part: Quota | None) -> None:
        """A knock waits. `part` is its newcomer's part of the network."""
        if part is not None:
            self._rooms.setdefault(room, {}).setdefault(key, part)

    def discard(self, room: bytes, key: bytes) -> None:
        """It waits no longer."""
        waiting = self._rooms.get(room, {})
        waiting.pop(key, None)
        if not waiting:
            self.forget(room)

    def forget(self, room: bytes) -> None:
        """The room has no clients here any more."""
        self._rooms.pop(room, None)

    def giving_way(self, room: bytes, part: Quota | None) -> bytes | None:
        """The key of the knock that gives way to one more of this part of the network. None when no
        part has more knocks than this one would have."""
        waiting = self._rooms.get(room)
        if not waiting or part is None:
            return None
        counts = Counter(waiting.values())
        largest = max(counts, key=lambda one: counts[one] / one.weight)
        if counts[largest] / largest.weight <= (counts[part] + 1) / part.weight:
            return None
        return next(key for key, one in reversed(waiting.items()) if one is largest)
