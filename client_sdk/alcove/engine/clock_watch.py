"""Tells the person when this device's clock is not the relay's, at the door and in the room."""

from typing import Final

from alcove import events
from alcove.relay.ports import Ports

TELL_AFTER: Final = 60.0
"""Seconds that a difference lasts before it is told. A device that wakes up counts less time than
has passed, until it is connected again."""
TEXT: Final = (
    "This device's clock and the relay's differ by more than half an hour. If yours is wrong, set "
    "it right. Until then this device lets nobody in, and might not be let in again itself."
)


class ClockWatch:
    """Says it once for each time that the clock goes wrong."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._since: float | None = None
        self._told = False

    def greeted(self) -> None:
        """The relay has just told its time, so nothing else can explain a difference."""
        if self._ports.clock_is_off:
            self._tell()

    def tick(self) -> None:
        now = self._ports.clock()
        if not self._ports.clock_is_off:
            self._since, self._told = None, False
        elif not self._ports.link.live:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since > TELL_AFTER:
            self._tell()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._ports.emit(events.Problem("clock_wrong", TEXT))
