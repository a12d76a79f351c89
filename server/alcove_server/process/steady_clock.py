"""The clock of every deadline: it cannot be set, and it goes on while the machine sleeps.

A machine that was suspended must not keep a message for longer than it said.
"""

import time


def steady_clock() -> float:
    """Seconds since some moment of the past, those of suspend included."""
    return time.clock_gettime(_COUNTS_SUSPEND) if _COUNTS_SUSPEND is not None else time.monotonic()


def _counting() -> int | None:
    """Linux stops CLOCK_MONOTONIC in suspend, and has CLOCK_BOOTTIME. macOS counts suspend in
    CLOCK_MONOTONIC, which is not what `time.monotonic` reads there. Windows counts it anyway."""
    boot: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return boot if boot is not None else getattr(time, "CLOCK_MONOTONIC", None)


_COUNTS_SUSPEND = _counting()
