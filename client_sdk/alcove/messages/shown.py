"""Messages that the person has been shown, until they expire or their author takes them back."""

from collections import OrderedDict
from typing import Final

from alcove import events
from alcove.relay.ports import Ports

SHOWN: Final = 10_000
"""Messages that are remembered until they expire. Beyond that the oldest go early."""


class ShownMessages:
    """Ids, authors and deadlines, and no texts. Authors are MLS signature keys."""

    def __init__(self, ports: Ports) -> None:
        self._emit = ports.emit
        self._clock = ports.clock
        self._shown: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()

    def remember(self, message: bytes, author: bytes, ttl: float) -> None:
        """The message is shown, and expires after `ttl` seconds."""
        self._shown[message] = (self._clock() + ttl, author)
        if len(self._shown) > SHOWN:
            oldest, _ = self._shown.popitem(last=False)
            self._emit(events.Expired(oldest.hex()))

    def is_of(self, message: bytes, author: bytes) -> bool:
        """Whether this author's message is shown, and has not expired."""
        known = self._shown.get(message)
        return known is not None and known[1] == author

    def retract(self, message: bytes, author: bytes) -> None:
        """The author takes the message back. Nothing happens to another one's."""
        if self.is_of(message, author):
            del self._shown[message]
            self._emit(events.Retracted(message.hex()))

    def tick(self) -> None:
        """Tell which messages have expired."""
        now = self._clock()
        for message in [m for m, (deadline, _) in self._shown.items() if deadline <= now]:
            del self._shown[message]
            self._emit(events.Expired(message.hex()))

    def forget(self) -> None:
        """At close: forget them all, without a word."""
        self._shown.clear()
