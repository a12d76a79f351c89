"""How much of logs is told in one turn of the loop, to all clients that resume together.

A log may have hundreds of pages, and hundreds of members may ask for it at the same moment. Each of
them lets others have their turn after a page, but all together they would leave no turn to others.
So the relay tells a bounded number of blobs in a turn, and further clients wait in line.
"""

from typing import Final

from alcove_server.ports.line import FairLine
from alcove_server.ports.place import NetworkPart
from alcove_server.ports.runner import Runner

AT_ONCE: Final = 1000
"""Blobs in one turn: about 2 ms."""
_BLOB_BYTES: Final = 4 * 1024
"""Bytes of a page that count as one blob more: 4 MB in one turn."""
_PAGE_READ: Final = 10
"""Blobs that reading a page counts as, beside the page's own blobs."""


class ReplayBudget:
    """The budget of one node."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._left = AT_ONCE
        self._line = FairLine()
        self._renewing = False

    async def wait_for_turn(self, part: NetworkPart | None = None) -> None:
        """Wait until another page may be read, for a client of this part of the network."""
        if self._left > 0 and not len(self._line):
            return
        await self._line.enter(part)
        try:
            while self._left <= 0:
                await self._runner.breathe()
        finally:
            self._line.leave()

    def read(self, count: int, size: int) -> None:
        """Count a page of `count` blobs with `size` bytes, which is told in this turn."""
        self._left -= count + _PAGE_READ + size // _BLOB_BYTES
        if not self._renewing:
            self._renewing = True
            self._runner.later(self._renew)

    def _renew(self) -> None:
        self._left, self._renewing = AT_ONCE, False
