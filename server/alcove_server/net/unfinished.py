"""Unfinished messages: each is bounded in time, and all of a node together in bytes.

Theory of operation. A client that has sent a part of a message is held here, with the time of the
message's first byte, until its last byte came. A message that is whole when it is read never gets
here. When all parts together are too large, `Shares` says which connection gives way: the largest
of the part of the network that holds the most. So a large commit of one client is safe from a few
prefixes that hold many parts, and an attacker loses all its connections.
"""

from collections.abc import Callable
from typing import Final, Protocol

from alcove_protocol import limits

from alcove_server.net.inbox import EVERYONE
from alcove_server.net.shares import Shares
from alcove_server.ports.outlet import Close
from alcove_server.ports.place import NetworkPart

MESSAGE_SECONDS: Final = 60.0
"""From a message's first byte to its last. The largest one takes this long at 350 kbit/s, a poor
phone link. The client's own pings wait behind it, and have timed out by then."""
LEAST_BYTES: Final = 4 * limits.FRAME
"""Bytes of all parts on the smallest node: room for a few messages of the largest size."""
_LATE_AT_ONCE: Final = 50
"""Senders that are closed before others have a turn: about 5 ms."""


class UnfinishedSender(Protocol):
    """A connection that has sent a part of a message."""

    def give_up(self, code: int, reason: str) -> None:
        """Close: the relay waits no longer for the rest of the message."""


class Unfinished:
    """`most` bounds the bytes of all parts, and `seconds` the time of each."""

    def __init__(self, clock: Callable[[], float], seconds: float, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since: dict[
            UnfinishedSender, tuple[float, NetworkPart]
        ] = {}  # begun first comes first
        self._shares: Shares[UnfinishedSender] = Shares(most)

    def __len__(self) -> int:
        """How many messages are under way."""
        return len(self._since)

    @property
    def total(self) -> int:
        """Bytes of all parts."""
        return self._shares.total

    def hold(self, sender: UnfinishedSender, size: int, group: NetworkPart = EVERYONE) -> None:
        """`size` bytes have come of the message that this sender has under way."""
        if sender not in self._since:
            self._since[sender] = self._clock(), group
        self._shares.set(sender, group, size)
        while self._shares.too_many:
            largest, _ = self._shares.largest()
            self.discard(largest)
            largest.give_up(Close.TRY_AGAIN, "busy")

    def discard(self, sender: UnfinishedSender) -> None:
        """The message came to its end, or the relay waits for it no longer."""
        known = self._since.pop(sender, None)
        if known is not None:
            self._shares.discard(sender, known[1])

    def tick(self) -> bool:
        """Close some of the senders whose messages take too long. Return whether there are more."""
        end = self._clock() - self._seconds
        for _ in range(_LATE_AT_ONCE):
            if not self._since:
                return False
            sender, (since, _group) = next(iter(self._since.items()))
            if since > end:
                return False
            self.discard(sender)
            sender.give_up(Close.REFUSED, "idle")
        return True
