"""Knocks behind another one of their name: it may be one person, whose first program died there.

They wait in the order in which they came. When the first one is gone, the next is looked at before
any knock that comes later: one that is refused and knocks again comes behind those that waited.
They are not looked at in between, since strangers send as many as the relay lets wait.
"""

from collections.abc import Callable

from alcove_protocol import limits
from alcove_protocol.frames import LobbyItem

from alcove.joining.names import looks_like_any


class AnotherWaits(Exception):
    """One that waits at the door may come in under a name like this knock's."""


class Behind:
    """Those of one facilitator, the oldest first."""

    def __init__(self) -> None:
        self._knocks: dict[bytes, tuple[str, LobbyItem]] = {}

    def put(self, name: str, item: LobbyItem) -> None:
        """A knock under this name waits. More than the relay may let wait are left to it."""
        if len(self._knocks) < limits.KNOCKS:
            self._knocks[item.id] = (name, item)

    def gone(self, id: bytes) -> None:
        """The relay holds this knock no more."""
        self._knocks.pop(id, None)

    def take(self, name: str) -> list[LobbyItem]:
        """Those that waited for a knock under this name to go."""
        return self._take(lambda other: looks_like_any(other, (name,)))

    def take_all(self) -> list[LobbyItem]:
        """All of them: something changed by which each may be refused at once."""
        return self._take(lambda other: True)

    def _take(self, chosen: Callable[[str], bool]) -> list[LobbyItem]:
        taken = [item for name, item in self._knocks.values() if chosen(name)]
        for item in taken:
            del self._knocks[item.id]
        return taken
