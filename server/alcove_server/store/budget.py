"""The store's own limits: a named number and its reason. Sizes are bytes, times are seconds."""

from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal

BLOB_OVERHEAD: Final = 256
"""Bytes that a blob costs beside its content: objects and index entries."""
RECORD_OVERHEAD: Final = 256
"""Bytes that the record of a publish id costs. It outlives its blob by an hour."""
CHAIN_FACTOR: Final = 8
"""Bytes that a byte of the chain costs in all: itself, and the list that the node makes of it, in
which a member takes some 400 bytes and in the chain 43."""
ITEM_OVERHEAD: Final = 512
"""Bytes that a lobby item, a door or a Welcome costs beside its content."""
ROOM_OVERHEAD: Final = 4 * limits.KIB
"""Bytes that an empty room costs."""
PUBLISH_IDS: Final = 128
"""Publish ids remembered for one relay key. A client has few unanswered publishes at a time, so
the newest ids are enough. Each key has a list of its own, so no member can push out the ids of
another."""
REQUESTS: Final = 4
"""Open requests of one member. A fifth request replaces the oldest and is not refused, because an
Update for an earlier epoch is worthless."""
VAULTS: Final = limits.FACILITATORS
"""Vaults of one facilitator, each for another member. One more takes the place of the oldest."""
CLOSED_DOORS: Final = 256
"""Closed doors that are kept, without their cards, so that a newcomer is told why they closed."""
SHARE: Final = 16
"""A room may take at most one part in so many of the bytes that are left for all rooms. An attacker
who fills rooms to crowd others out only approaches the bound: twenty full rooms leave three tenths
for the others."""
SMALL: Final = 2 * limits.MIB
"""Bytes that a room may take whatever `SHARE` says, while any are left: one commit of the largest
size, or an hour of conversation."""
MEMBERS_PART: Final = 3 / 4
"""The part of a room's bytes, and of all bytes, that messages, knocks and requests may take. The
rest is for commits, heartbeats and leaves: a member that fills a room must not keep its
facilitators from removing that member, nor let the room be abandoned for want of a heartbeat."""
BLOB_FRAME: Final = 138
"""The most bytes that a frame adds to a blob and its entry. Pages count it: of blobs of one
byte, a page would otherwise be a hundred times as large on the wire."""
PAGE_BLOBS: Final = 500
"""Blobs in a page, however small they are: about 1 ms to frame and send."""
SETTLED: Final = 1024
"""Settled items that are kept for facilitators who resume."""


@dataclass(frozen=True, slots=True)
class StoreBounds:
    """The bounds that an operator may choose."""

    rooms: int = 10_000
    room_bytes: int = 64 * limits.MIB
    store_bytes: int = 512 * limits.MIB


def room_share(most: int, left: int) -> int:
    """Return the bytes that one room may take now: `most` are for a room, `left` for all rooms."""
    return min(most, max(SMALL, left // SHARE))


class Budget:
    """Counts bytes in use, up to `most`. A parent counts the bytes of its parts too."""

    def __init__(self, most: int, parent: "Budget | None" = None) -> None:
        self.used = 0
        self._most = most
        self._parent = parent

    def check(self, size: int, part: float = 1) -> None:
        """Raise `Refusal` (`busy`) where `take` of the size would."""
        after, parent, most = self.used + size, self._parent, self._most
        if parent is not None:
            most = room_share(most, parent._most - parent.used)
            parent.check(size, part)
        if after > most * part:
            raise Refusal("busy")

    def take(self, size: int, part: float = 1) -> None:
        """Count `size` bytes as used, of which no more than `part` of all may be in use then.
        Raises `Refusal` (`busy`), and then counts nothing."""
        self.check(size, part)
        self._add(size)

    def give(self, size: int) -> None:
        """Count `size` bytes as free again."""
        self._add(-size)

    def restore(self, size: int) -> None:
        """Take back bytes that were just given back, or count what may not fail and is small beside
        what it takes the place of. Does not fail."""
        self._add(size)

    def _add(self, size: int) -> None:
        self.used += size
        if self._parent is not None:
            self._parent._add(size)
