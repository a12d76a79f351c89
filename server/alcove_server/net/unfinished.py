"""Messages of which only a part has come: each is bounded in time, all of a node together in bytes.

Theory of operation. Whoever leaves the relay with a part of a message is noted here, with the time
of that message's first byte, until its last one came. What is whole when it is read never gets
here. When all parts together are too much, the largest goes, and of equals the one begun first: so
a part of no more than an even share is safe, whatever others send, and what many hold costs them
all their connections.
"""

from collections.abc import Callable
from typing import Final, Protocol

from alcove_protocol import limits

from alcove_server.ports.outlet import Close

MESSAGE_SECONDS: Final = 60.0
"""From a message's first byte to its last: the largest takes as long at 350 kbit/s, a poor phone
link, and other clients' pings, which wait behind it, have timed out by then."""
LEAST_BYTES: Final = 4 * limits.FRAME
"""What parts may take on the smallest of nodes, so that a few largest messages can be under way."""


class Sender(Protocol):
    """Who has sent a part of a message."""

    def give_up(self, code: int, reason: str) -> None:
        """The rest of its message is waited for no more."""


class Unfinished:
    """`most` bounds the bytes of all parts; `seconds` the time of each."""

    def __init__(self, clock: Callable[[], float], seconds: float, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._since: dict[Sender, float] = {}  # the message begun first comes first
        self._sizes: dict[Sender, int] = {}  # in the same order
        self.total = 0

    def __len__(self) -> int:
        """How many messages are under way."""
        return len(self._since)

    def hold(self, sender: Sender, size: int) -> None:
        """So much has come of the message that a sender has under way."""
        if sender not in self._since:
            self._since[sender] = self._clock()
        self.total += size - self._sizes.get(sender, 0)
        self._sizes[sender] = size
        while self.total > self._most:
            # Looked for among all, but each time costs somebody a connection.
            largest = max(self._sizes, key=self._sizes.__getitem__)
            self.discard(largest)
            largest.give_up(Close.TRY_AGAIN, "busy")

    def discard(self, sender: Sender) -> None:
        """Its message came to its end, or nobody waits for that any more."""
        if self._since.pop(sender, None) is not None:
            self.total -= self._sizes.pop(sender)

    def tick(self) -> None:
        """Let go of those whose messages take too long."""
        end = self._clock() - self._seconds
        while self._since:
            sender, since = next(iter(self._since.items()))
            if since > end:
                return
            self.discard(sender)
            sender.give_up(Close.REFUSED, "idle")
