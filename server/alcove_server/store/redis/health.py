"""What a node reads of its server every second: whether it is the primary still, and its memory.

A connection can survive that its server becomes a replica and a primary again, with other data. The
replication id tells: a server that was promoted has a new one, which is the *reign*. The role and
the id are read together, in one reply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

QUESTION: Final = (b"INFO", b"replication", b"memory")
NO_REIGN: Final = bytes(20)
"""What a command names that was made before the server was known."""


@dataclass(frozen=True, slots=True)
class Health:
    """`used` are bytes of memory."""

    is_primary: bool
    reign: bytes
    used: int


def health_of(info: bytes) -> Health:
    """Read a reply of `INFO`. Raises `ValueError` when it is none."""
    lines = [line.partition(b":") for line in info.splitlines()]
    said = {name: value for name, _, value in lines}
    try:
        return Health(
            said[b"role"] == b"master",
            bytes.fromhex(said[b"master_replid"].decode("ascii")),
            int(said[b"used_memory"]),
        )
    except KeyError as missing:
        raise ValueError(f"INFO lacks {missing}") from None
