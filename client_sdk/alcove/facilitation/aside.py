"""Knocks and requests that wait until the facilitator's own clock is right again.

A KeyPackage has a lifetime, so who judges one needs a clock. A facilitator whose clock is not the
relay's would blame every newcomer's.
"""

from collections.abc import Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.frames import LobbyItem

from alcove.errors import NotNow
from alcove.relay.ports import Ports

MOST: Final = 2 * limits.KNOCKS
"""Items that are kept. Those of the oldest are asked again by their senders."""


class Aside:
    """The items that wait, in their order."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._items: dict[bytes, LobbyItem] = {}

    def takes(self, item: LobbyItem) -> bool:
        """Whether the item has to wait. It is kept then."""
        if not self._ports.clock_is_off:
            return False
        self._items[item.id] = item
        if len(self._items) > MOST:
            del self._items[next(iter(self._items))]
        return True

    def gone(self, id: bytes) -> None:
        """Nobody waits for an answer to this item any more."""
        self._items.pop(id, None)

    def forget(self) -> None:
        self._items.clear()

    def judge(self, by: Callable[[LobbyItem], None]) -> None:
        """Hand out all that waits, if the clock is right."""
        if self._items and not self._ports.clock_is_off:
            items, self._items = list(self._items.values()), {}
            for item in items:
                by(item)

    def check(self) -> None:
        """Raises `NotNow` (`clock_wrong`)."""
        if self._ports.clock_is_off:
            text = "This device's clock is not the relay's; set it right, then let people in."
            raise NotNow("clock_wrong", text)
