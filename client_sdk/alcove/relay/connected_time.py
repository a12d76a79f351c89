"""How long an answer may take that only a connection brings."""

from typing import Final

from alcove.relay.ports import Ports

STOPPED: Final = 10.0
"""Seconds without a sign of life after which this program stood still, or its device slept. What
has come meanwhile may be over, and nothing here tells when it came. The relay does, on a new
connection."""


class ConnectedTime:
    """A time that passes while this program runs and is connected. Without a connection, and on a
    device that sleeps, no answer could come, so no such second counts."""

    def __init__(self, ports: Ports) -> None:
        self._clock = ports.clock
        self._link = ports.link
        self._left: float | None = None
        self._looked_at = ports.clock()
        self._connected = False

    @property
    def runs(self) -> bool:
        """Whether it was begun, and not ended since."""
        return self._left is not None

    def begin(self, seconds: float) -> None:
        """Let so many pass from now on."""
        self._left = seconds

    def end(self) -> None:
        """No answer is waited for."""
        self._left = None

    def is_over(self) -> bool:
        """Whether all have passed. To be called each second, also without a connection."""
        now, connected = self._clock(), self._link.authenticated
        passed, self._looked_at = now - self._looked_at, now
        # A second in which the connection came or went counts, so that one that comes and goes for
        # ever ends, too.
        without, self._connected = not (connected or self._connected), connected
        if self._left is None or without or passed > STOPPED:
            return False
        self._left -= passed
        return self._left <= 0
