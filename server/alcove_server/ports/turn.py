"""How much work for clients is done in one turn of the loop.

One step is about 15 microseconds of interpreted Python: one small message that came alone. Work is
counted where it is done, mostly after it was done, because its cost is known only then. What has
not begun when nothing is left waits for the next turn (`net.inbox`). So a turn takes what the
budget says, and one piece of work more.

Steps and not time: what is counted does not depend on the machine, so a test can hold it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

AT_ONCE: Final = 256.0
"""Steps of one turn: about 4 ms interpreted, and half of that compiled."""
_RENEWED_AT: Final = AT_ONCE / 2
"""Steps that are left when the next turn is to renew them. To ask for a renewal after each message
would cost as much as the count itself."""
BYTES: Final = 32 * 1024
"""Bytes written to one client that count as one step: copying them twice, and the system call."""


class Turn:
    """The budget of one node. `later` calls a function in the next turn."""

    __slots__ = ("_later", "_renewing", "_then", "left")

    def __init__(self, later: Callable[[Callable[[], None]], None]) -> None:
        self.left = AT_ONCE
        self._later = later
        self._renewing = False
        self._then: Callable[[], None] | None = None

    def when_renewed(self, act: Callable[[], None]) -> None:
        """Act at the beginning of each turn that was asked for."""
        self._then = act

    def spend(self, steps: float) -> None:
        """Count steps that were done, or are about to be."""
        self.left -= steps
        if self.left < _RENEWED_AT:
            self.ask()

    def ask(self) -> None:
        """Renew the budget in the next turn."""
        if not self._renewing:
            self._renewing = True
            self._later(self._renew)

    def _renew(self) -> None:
        self._renewing = False
        self.left = AT_ONCE
        if self._then is not None:
            self._then()
