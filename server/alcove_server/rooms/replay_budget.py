"""How much of logs is told in one turn of the loop, to all who resume together.

A log may have hundreds of pages, and hundreds of members may ask for it in one moment: each alone
would let others have their turn after a page, and all together would leave them none. So whoever
comes when a turn's blobs are told waits in line for the next turn.
"""

from asyncio import Lock
from typing import Final

from alcove_server.ports.runner import Runner

AT_ONCE: Final = 1000
"""Blobs in one turn: about 2 ms."""
_READ: Final = 10
"""What reading a page counts beside its blobs."""


class ReplayBudget:
    """One node's."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._left = AT_ONCE
        self._line = Lock()
        self._told = False

    async def turn(self) -> None:
        """Wait until another page may be read."""
        if self._left > 0 and not self._line.locked():
            return
        async with self._line:
            while self._left <= 0:
                await self._runner.breathe()

    def read(self, count: int) -> None:
        """A page of so many blobs was read and is told in this turn."""
        self._left -= count + _READ
        if not self._told:
            self._told = True
            self._runner.later(self._next_turn)

    def _next_turn(self) -> None:
        self._left, self._told = AT_ONCE, False
