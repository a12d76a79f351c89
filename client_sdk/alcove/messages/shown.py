"""Messages that the person has been shown, until they expire or their author takes them back."""

from typing import Final

from alcove import events
from alcove.messages.fair_memory import FairMemory
from alcove.relay.ports import Ports

SHOWN: Final = 10_000
"""Messages that are remembered until they expire. Beyond that the oldest of the member with the
most go early: nobody takes another's words off the screen by their own."""


class ShownMessages:
    """Ids, authors and deadlines, and no texts. Authors are MLS signature keys."""

    def __init__(self, ports: Ports) -> None:
        self._emit = ports.emit
        self._clock = ports.clock
        self._deadlines: FairMemory[float] = FairMemory(SHOWN)

    def __contains__(self, message: bytes) -> bool:
        return message in self._deadlines

    def remember(self, message: bytes, author: bytes, ttl: float) -> None:
        """The message is shown, and expires after `ttl` seconds. No other has its id."""
        gone = self._deadlines.put(author, message, self._clock() + ttl)
        if gone is not None:
            self._emit(events.Expired(gone.hex()))

    def is_of(self, message: bytes, author: bytes) -> bool:
        """Whether this author's message is shown, and has not expired."""
        return self._deadlines.owner(message) == author

    def retract(self, message: bytes, author: bytes) -> None:
        """The author takes the message back. Nothing happens to another one's."""
        if self.is_of(message, author):
            self._deadlines.pop(message)
            self._emit(events.Retracted(message.hex()))

    def tick(self) -> None:
        """Tell which messages have expired."""
        now = self._clock()
        for message in [m for m, deadline in self._deadlines if deadline <= now]:
            self._deadlines.pop(message)
            self._emit(events.Expired(message.hex()))

    def forget(self) -> None:
        """At close: forget them all, without a word."""
        self._deadlines.clear()
