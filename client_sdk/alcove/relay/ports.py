"""What every part of a client is given: clocks, randomness, a way to tell, a way to ask."""

from collections.abc import Callable
from dataclasses import dataclass

from alcove_protocol import limits

from alcove.events import AnyEvent
from alcove.mls.secret import Random
from alcove.relay.link import Link


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world of one client. A test gives it a fake clock and seeded randomness."""

    clock: Callable[[], float]
    """Seconds of a monotonic clock: every deadline."""
    wall: Callable[[], float]
    """Unix seconds: only for what other devices read, such as the lifetime of a KeyPackage."""
    random: Random
    emit: Callable[[AnyEvent], None]
    """Tells the person what happened."""
    link: Link
    """Asks the relay."""

    @property
    def clock_is_off(self) -> bool:
        """Whether this device's wall clock is not the relay's. Which of the two is wrong, it does
        not tell. False as long as the relay has not told its time."""
        relay = self.link.relay_time()
        return relay is not None and abs(relay - self.wall()) > limits.CLOCK_SKEW
