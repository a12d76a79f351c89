"""How long an answer may take that only a connection brings."""

from typing import Final

from alcove_protocol import limits

from alcove.relay.ports import Ports

STOPPED: Final = 10.0
"""Seconds without a sign of life after which this program stood still, or its device slept. What
has come meanwhile may be over, and nothing here tells when it came. The relay does, on a new
connection."""
UNSETTLED_MOST: Final = float(limits.UNSETTLED + limits.UNSETTLED_LEAST)
"""Seconds in which a relay's log may be unsettled, and some."""


class ConnectedClock:
    """Seconds in which this program ran and was connected. Without a connection, and on a device
    that sleeps, no answer could come, so no such second counts."""

    def __init__(self, ports: Ports) -> None:
        self._clock = ports.clock
        self._link = ports.link
        self._looked_at = ports.clock()
        self._connected = False
        self._entries = self._link.entries
        self.seconds = 0.0
        """At the last `tick`, since the clock was made."""

    def tick(self) -> None:
        """To be called each second, also without a connection."""
        now, connected = self._clock(), self._link.authenticated
        passed, self._looked_at = now - self._looked_at, now
        # A second in which the connection came or went counts, or both: so one that comes and goes
        # for ever ends, too.
        came, self._entries = self._link.entries != self._entries, self._link.entries
        without, self._connected = not (came or connected or self._connected), connected
        if not (without or passed > STOPPED):
            self.seconds += passed


class UnsettledLog:
    """For how long the relay has said that its log is unsettled, since it said so first."""

    def __init__(self, clock: ConnectedClock) -> None:
        self._clock = clock
        self._since: float | None = None

    def believed(self) -> bool:
        """Whether its word is to be believed that came now: a log is settled after ten minutes."""
        if self._since is None:
            self._since = self._clock.seconds
        return self._clock.seconds - self._since <= UNSETTLED_MOST

    def forget(self) -> None:
        """What it says from now on is of another loss."""
        self._since = None


class ConnectedTime:
    """So many seconds of a `ConnectedClock`."""

    def __init__(self, ports: Ports) -> None:
        self._clock = ConnectedClock(ports)
        self._until: float | None = None
        self._log = UnsettledLog(self._clock)

    @property
    def runs(self) -> bool:
        """Whether it was begun, and not ended since."""
        return self._until is not None

    def begin(self, seconds: float) -> None:
        """Let so many pass from now on."""
        self._until = self._clock.seconds + seconds

    def unsettled(self, seconds: float) -> None:
        """The relay says that its log is unsettled, so no answer can come yet: let so many pass
        from now on. One that says so for longer than a log can take changes nothing by it."""
        if self._log.believed():
            self.begin(seconds)

    def end(self) -> None:
        """No answer is waited for."""
        self._until = None
        self._log.forget()

    def is_over(self) -> bool:
        """Whether all have passed. To be called each second, also without a connection."""
        self._clock.tick()
        return self._until is not None and self._clock.seconds >= self._until
