"""Unfinished messages: each is bounded in time, and all of a node together in bytes.

Theory of operation. A client that has sent a part of a message is held here, with the time of the
message's first byte, until its last byte came. A message that is whole when it is read never gets
here. When all parts together are too large, the sender of the largest part is closed; among equals,
the one that began first. So a part of no more than an even share is safe, and an attacker that
holds many parts loses all its connections.
"""

from collections.abc import Callable
from typing import Final, Protocol

from alcove_protocol import limits

from alcove_server.ports.outlet import Close

MESSAGE_SECONDS: Final = 60.0
"""From a message's first byte to its last. The largest one takes this long at 350 kbit/s, a poor
phone link. The client's own pings wait behind it, and have timed out by then."""
LEAST_BYTES: Final = 4 * limits.FRAME
"""Bytes of all parts on the smallest node: room for a few messages of the largest size."""


class UnfinishedSender(Protocol):
    """A connection that has sent a part of a message."""

    def give_up(self, code: int, reason: str) -> None:
        """Close: the relay waits no longer for the rest of the message."""


class Unfinished:
    """`most` bounds the bytes of all parts, and `seconds` the time of each."""

    def __init__(self, clock: Callable[[], float], seconds: float, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._since: dict[UnfinishedSender, float] = {}  # the message begun first comes first
        self._sizes: dict[UnfinishedSender, int] = {}  # in the same order
        self.total = 0

    def __len__(self) -> int:
        """How many messages are under way."""
        return len(self._since)

    def hold(self, sender: UnfinishedSender, size: int) -> None:
        """`size` bytes have come of the message that this sender has under way."""
        if sender not in self._since:
            self._since[sender] = self._clock()
        self.total += size - self._sizes.get(sender, 0)
        self._sizes[sender] = size
        while self.total > self._most:
            # A search through all parts, but each one costs an attacker a connection.
            largest = max(self._sizes, key=self._sizes.__getitem__)
            self.discard(largest)
            largest.give_up(Close.TRY_AGAIN, "busy")

    def discard(self, sender: UnfinishedSender) -> None:
        """The message came to its end, or the relay waits for it no longer."""
        if self._since.pop(sender, None) is not None:
            self.total -= self._sizes.pop(sender)

    def tick(self) -> None:
        """Close the senders whose messages take too long."""
        end = self._clock() - self._seconds
        while self._since:
            sender, since = next(iter(self._since.items()))
            if since > end:
                return
            self.discard(sender)
            sender.give_up(Close.REFUSED, "idle")
