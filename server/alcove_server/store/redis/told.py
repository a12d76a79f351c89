"""What this node told of each room: the fence against a primary that has less.

A number that was told and is lost would silently become another blob. So a node that comes back to
a server of another reign says what it told, and the script `fence` forgets a room that lacks it.
No claim of a client does that, or any member could delete its room.
"""

from __future__ import annotations

from typing import Final

from alcove_server.store.redis.health import NO_REIGN


class Told:
    """For each channel the highest number that was told, with its generation and the reign under
    which it was given."""

    def __init__(self) -> None:
        self._told: Final[dict[bytes, tuple[bytes, int, bytes]]] = {}

    def note(self, channel: bytes, generation: bytes, number: int, reign: bytes) -> None:
        """A number is told."""
        known = self._told.get(channel)
        if known is None or known[0] != generation or known[1] < number:
            self._told[channel] = (generation, number, reign)

    def forget(self, channel: bytes) -> None:
        """Nothing of this room is on this node any more."""
        self._told.pop(channel, None)

    def under_another(self, reign: bytes) -> list[tuple[bytes, bytes, int, bytes]]:
        """What was told under another reign than this one: channel, generation, number, reign."""
        return [(channel, *told) for channel, told in self._told.items() if told[2] != reign]

    def compared(self, channel: bytes, generation: bytes, number: int, reign: bytes) -> None:
        """The server of this reign has what was told, or forgot the room for it."""
        known = self._told.get(channel)
        if known is not None and known[:2] == (generation, number) and reign != NO_REIGN:
            self._told[channel] = (generation, number, reign)
