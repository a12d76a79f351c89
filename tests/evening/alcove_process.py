"""The command `alcove` by the evening's clock.

python -m tests.evening.alcove_process CLOCK open --json …
"""

import os
import sys
import time
from collections.abc import Callable

from alcove import surroundings
from alcove.cli import main
from alcove.engine.engine import Engine
from alcove.relay.steady_clock import steady_clock
from alcove.relay.transport import Transport, TransportOptions
from alcove.surroundings import Surroundings

from tests.evening.shared_clock import ProcessClock


def run() -> None:
    clock = ProcessClock(sys.argv.pop(1), steady_clock)

    class TellingTransport(Transport):
        """Says what time it is after each look of the room at its clock."""

        def wake(self) -> None:
            super().wake()
            clock.tell()

    def line(
        engine: Engine, origin: str, options: TransportOptions, changed: Callable[[], None]
    ) -> TellingTransport:
        return TellingTransport(engine, origin, options, changed)

    surroundings.use(Surroundings(clock, time.time, os.urandom, line))
    main()


if __name__ == "__main__":
    run()
