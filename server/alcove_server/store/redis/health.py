"""What a node reads of its server every second: whether it is the primary still, its memory, and
its time.

A connection can survive that its server becomes a replica and a primary again, with other data. The
replication id tells: a server that was promoted has a new one, which is the *reign*. The role and
the id are read together, in one reply.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf
from typing import Final

QUESTION: Final = (b"INFO", b"server", b"replication", b"memory")
_REPLIES: Final = 8
LATE_PUSHES: Final = (7, 2)
"""From this version on a script's reply comes before what the script pushed to its own connection.
Valkey names a version of Redis, too."""
NO_REIGN: Final = bytes(20)
"""What a command names that was made before the server was known."""


@dataclass(frozen=True, slots=True)
class Health:
    """`used` are bytes of memory, `time` the server's seconds since 1970."""

    is_primary: bool
    reign: bytes
    used: int
    time: float
    late_pushes: bool = False
    """Whether a push to the connection of its script comes behind the script's reply."""


class ServerTime:
    """The server's time between two looks at it. A reply that comes late, as after the node stood
    still, tells too early a time. So the latest of the last replies counts."""

    def __init__(self) -> None:
        self._ahead: deque[float] = deque(maxlen=_REPLIES)
        self._most = -inf

    def heard(self, said: float, now: float) -> None:
        """The server said its time. It came at `now` of the node's clock."""
        self._ahead.append(said - now)
        self._most = max(self._ahead)

    def at(self, now: float) -> float:
        """The server's time at `now`, or a little earlier."""
        return now + self._most


def health_of(info: bytes) -> Health:
    """Read a reply of `INFO`. Raises `ValueError` when it is none."""
    lines = [line.partition(b":") for line in info.splitlines()]
    said = {name: value for name, _, value in lines}
    try:
        return Health(
            said[b"role"] == b"master",
            bytes.fromhex(said[b"master_replid"].decode("ascii")),
            int(said[b"used_memory"]),
            int(said[b"server_time_usec"]) / 1e6,
            tuple(map(int, said[b"redis_version"].split(b".")[:2])) >= LATE_PUSHES,
        )
    except KeyError as missing:
        raise ValueError(f"INFO lacks {missing}") from None
