"""What a room takes from outside this program: clocks, randomness, and the way to a relay.

The real ones stand here. `alcove.testing` puts others in their place while a test runs.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from alcove.engine.engine import Engine
from alcove.mls.secret import Random
from alcove.relay.steady_clock import steady_clock
from alcove.relay.transport import Transport, TransportOptions


class RelayLine(Protocol):
    """Keeps an engine connected to its relay."""

    def wake(self) -> None:
        """There may be something to send, or a reason to hang up."""

    async def run(self) -> None:
        """Connect until the engine is closed. Raises `ConnectionFailed`, `InvalidInput`."""


MakeLine = Callable[[Engine, str, TransportOptions, Callable[[], None]], RelayLine]
"""Given the engine, the relay's origin, and what to call after each change of the engine."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """As `alcove.relay.ports.Ports`, and the way to a relay."""

    clock: Callable[[], float]
    wall: Callable[[], float]
    random: Random
    line: MakeLine


REAL = Surroundings(steady_clock, time.time, os.urandom, Transport)
_current = REAL


def current() -> Surroundings:
    """What rooms that are made now will use."""
    return _current


def use(surroundings: Surroundings) -> None:
    """From now on make rooms in these surroundings. For tests."""
    global _current
    _current = surroundings
