"""The store's own limits: a named number and its reason. Sizes are bytes, times are seconds."""

from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal

BLOB_OVERHEAD: Final = 512
"""What a blob costs beside its bytes: objects, the id's record, its place in the indexes."""
ITEM_OVERHEAD: Final = 512
"""The same for a lobby item, a door or a Welcome."""
ROOM_OVERHEAD: Final = 4 * limits.KIB
"""An empty room."""
PUBLISH_IDS: Final = 128
"""Ids remembered for one relay key. A client has few unanswered publishes at a time, so the
newest are enough; and because the number is per key, nobody can push out another's."""
REQUESTS: Final = 4
"""Open requests of one member. An Update of an epoch that is over is worth nothing, so a fifth
takes the place of the oldest instead of being refused."""
CLOSED_DOORS: Final = 256
"""Doors that are remembered, without their card, to tell a newcomer why they are closed."""
SHARE: Final = 16
"""A room may take as much as this part of what all have left: who fills rooms to crowd others out
only ever gets closer to it, and twenty full rooms leave three tenths for the rest."""
SMALL: Final = 2 * limits.MIB
"""A room may be as large as this for as long as there is anything left: one commit of the largest
size, or an hour's talk."""
BLOB_FRAME: Final = 100
"""The most that a frame adds to a blob and to the roster entry that goes with it. A page that did
not count it would be a hundred times as large on the wire when blobs are a byte each."""
PAGE_BLOBS: Final = 500
"""Blobs in a page, however small they are: about 1 ms to frame and send."""
SETTLED: Final = 1024
"""Settled items that are remembered for facilitators who resume."""


@dataclass(frozen=True, slots=True)
class StoreBounds:
    """What an operator may choose."""

    rooms: int = 10_000
    room_bytes: int = 64 * limits.MIB
    store_bytes: int = 512 * limits.MIB


class Budget:
    """Bytes in use, never more than `most`; what a part uses its parent uses too."""

    def __init__(self, most: int, parent: "Budget | None" = None) -> None:
        self.used = 0
        self._most = most
        self._parent = parent

    def check(self, size: int) -> None:
        """Raises `Refusal` (`busy`) when `take` of the size would."""
        after, parent = self.used + size, self._parent
        if after > self._most:
            raise Refusal("busy")
        if parent is not None:
            if after > SMALL and after > (parent._most - parent.used) // SHARE:
                raise Refusal("busy")
            parent.check(size)

    def take(self, size: int) -> None:
        """Raises `Refusal` (`busy`), and then nothing was taken."""
        self.check(size)
        self._add(size)

    def give(self, size: int) -> None:
        """Give back what was taken."""
        self._add(-size)

    def restore(self, size: int) -> None:
        """Take again what was given back a moment ago. Does not fail."""
        self._add(size)

    def _add(self, size: int) -> None:
        self.used += size
        if self._parent is not None:
            self._parent._add(size)
