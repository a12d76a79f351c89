"""The log of what the relay refused: one line in a while, with counts by code and nothing else."""

import logging
from collections.abc import Callable
from typing import Final

from alcove_server.ports.tally import Tally

log = logging.getLogger(__name__)

PERIOD: Final = 60.0
"""Seconds between two lines at least. A flood makes their numbers larger, and not more lines."""


class RefusalLog:
    """Logs a tally, unless nothing was refused. `clock` gives seconds."""

    def __init__(self, tally: Tally, clock: Callable[[], float]) -> None:
        self._tally = tally
        self._clock = clock
        self._since = clock()

    def tick(self) -> None:
        """To be called about once a second."""
        if self._clock() - self._since >= PERIOD:
            self.write()

    def write(self) -> None:
        """Log now, as an operator asks with SIGUSR1."""
        now = self._clock()
        seconds, self._since = round(now - self._since), now
        counts = self._tally.take()
        if counts:
            told = ", ".join(f"{code} {counts[code]}" for code in sorted(counts))
            log.info("refused in %d s: %s", seconds, told)
