"""From where the knocks came that wait in the lobbies of one node's rooms.

A lobby holds `limits.KNOCKS` knocks and `limits.KNOCKS_PER_DOOR` of one door, each for a quarter of
an hour. So a single part of the network that holds a link could close its door, and with a few
links every door of the room. When there is no place, the part of the network with the most knocks
gives way to one with fewer, by its newest knock: those of the same part that knocked before the
crowd keep their places. Nothing here is needed for a knock to be answered. A knock from before a
restart of the relay comes from nowhere known, and keeps its place.
"""

from __future__ import annotations

from collections.abc import Set

from alcove_protocol import limits

from alcove_server.ports.crowd import Crowd
from alcove_server.ports.place import Quota

_Knocks = dict[bytes, tuple[bytes, Quota]]
"""Door and part of the network by the newcomer's key. The oldest knock comes first."""


class WaitingKnocks:
    """Those of one node, by room and by the newcomer's key."""

    def __init__(self) -> None:
        self._rooms: dict[bytes, _Knocks] = {}

    def add(self, room: bytes, key: bytes, door: bytes, part: Quota | None) -> None:
        """A knock waits. `part` is its newcomer's part of the network."""
        if part is not None:
            self._rooms.setdefault(room, {}).setdefault(key, (door, part))

    def discard(self, room: bytes, key: bytes) -> None:
        """It waits no longer."""
        waiting = self._rooms.get(room, {})
        waiting.pop(key, None)
        if not waiting:
            self.forget(room)

    def keys(self, room: bytes) -> Set[bytes]:
        """Of the newcomers whose knock waits in this room."""
        return self._rooms.get(room, {}).keys()

    def forget(self, room: bytes) -> None:
        """The room has no clients here any more."""
        self._rooms.pop(room, None)

    def giving_way(self, room: bytes, door: bytes, part: Quota | None) -> bytes | None:
        """The key of the knock that gives way to one more at this door, of this part of the
        network. None when no part has more knocks than this one would have."""
        waiting = self._rooms.get(room, {})
        if part is None:
            return None
        here = {key: (at, of) for key, (at, of) in waiting.items() if at == door}
        key = _newest_of_the_largest(here, part)
        if key is None and len(here) < limits.KNOCKS_PER_DOOR:
            key = _newest_of_the_largest(waiting, part)
        return key


def _newest_of_the_largest(waiting: _Knocks, part: Quota) -> bytes | None:
    crowd = Crowd(of for _, of in waiting.values())
    largest = {one for one in crowd.largest if crowd.size(one) > crowd.size(part, 1)}
    return next((key for key, (_, of) in reversed(waiting.items()) if of in largest), None)
