"""Messages that the person has been shown, until they expire or their author takes them back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol.position import Position

from alcove import events
from alcove.messages.fair_memory import FairMemory
from alcove.relay.ports import Ports

SHOWN: Final = 10_000
"""Messages that are remembered until they expire. Beyond that the oldest of the member with the
most go early: nobody takes another's words off the screen by their own."""


@dataclass(slots=True)
class ShownItem:
    """When a message expires, where it stands in the log, and whether a facilitator folded it."""

    deadline: float
    at: Position
    folded: bool


class ShownMessages:
    """Ids, authors, deadlines and places, and no texts. Authors are MLS signature keys."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._emit = ports.emit
        self._clock = ports.clock
        self._shown: FairMemory[ShownItem] = FairMemory(SHOWN)
        self.hold: bytes | None = None
        """Of messages that moved: from which place on the room was held when they did."""
        self.taking_back: dict[bytes, bool] = {}
        """Of messages that moved: those that their author took back, which was not sent yet, and
        whether the relay may have it. Some have expired since."""

    def __contains__(self, message: bytes) -> bool:
        return message in self._shown

    def remember(
        self, message: bytes, author: bytes, ttl: float, at: Position, *, folded: bool = False
    ) -> None:
        """The message is shown, and expires after `ttl` seconds. No other has its id."""
        item = ShownItem(self._clock() + ttl, at, folded)
        gone = self._shown.put(author, message, item)
        if gone is not None:
            self._emit(events.Expired(gone.hex()))

    def is_of(self, message: bytes, author: bytes) -> bool:
        """Whether this author's message is shown, and has not expired."""
        return self._shown.owner(message) == author

    def author(self, message: bytes) -> bytes | None:
        """The MLS key of the author of a message that is shown."""
        return self._shown.owner(message)

    def place(self, message: bytes) -> Position | None:
        """Where a message that is shown stands in the log."""
        item = self._shown.get(message)
        return None if item is None else item.at

    def unfolded(self, author: bytes) -> tuple[bytes, ...]:
        """This author's messages that are not folded."""
        return tuple(m for m, item in self._shown if not item.folded and self.is_of(m, author))

    def fold(self, which: Callable[[bytes, ShownItem], bool]) -> tuple[bytes, ...]:
        """Fold these messages. Return those that were not folded before."""
        found = [(m, item) for m, item in self._shown if not item.folded and which(m, item)]
        for _, item in found:
            item.folded = True
        return tuple(message for message, _ in found)

    def retract(self, message: bytes, author: bytes) -> None:
        """The author takes the message back. Nothing happens to another one's."""
        if self.is_of(message, author):
            self._shown.pop(message)
            self._emit(events.Retracted(message.hex()))

    def tick(self) -> None:
        """Tell which messages have expired."""
        now = self._clock()
        for message in [m for m, item in self._shown if item.deadline <= now]:
            self._shown.pop(message)
            self._emit(events.Expired(message.hex()))

    def moved(self, hold: bytes | None) -> "ShownMessages":
        """All of them in other hands: the person still sees them when the client is out of the
        room, and they expire all the same. `hold` is the state's."""
        moved = ShownMessages(self._ports)
        moved._shown, self._shown = self._shown, moved._shown
        moved.hold = hold
        return moved

    def take(self, other: "ShownMessages") -> None:
        """The person came back into the room, and still sees these: what is folded or taken back
        from now on may be one of them."""
        for message, item in list(other._shown):
            gone = self._shown.put(other._shown.owner(message) or b"", message, item)
            if gone is not None:
                self._emit(events.Expired(gone.hex()))
        other._shown.clear()

    def forget(self) -> None:
        """At close: forget them all, without a word."""
        self._shown.clear()
