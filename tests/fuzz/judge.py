"""What counts as a finding: an error without a name, too long a time, too much memory."""

from __future__ import annotations

import time
import tracemalloc
from contextlib import suppress

from tests.fuzz.target import Target

SECONDS = 0.05
"""Of processor time, for one input, on a quiet machine of today."""
WORK = 4_500_000
"""Turns of an empty loop that take as long there. They are timed again at each suspicion, so that a
slow or busy machine finds no more than another."""

GROWTH, SLACK = 4, 4 * 1024 * 1024 + 512 * 1024
"""Bytes of memory for each byte of input, and a constant: what `alcove.mls.reader` allows, and
half a megabyte for the cryptography around it."""


class Finding(AssertionError):
    """Something is wrong with how a target takes an input."""


def judge(target: Target, data: bytes, *, memory: bool = False) -> None:
    """Run the target. Raises `Finding`."""
    took = _time(target, data)
    if took > SECONDS:
        # A pause of the machine is no finding: an input that is slow is slow again.
        took = min(took, _time(target, data), _time(target, data))
        if took > max(SECONDS, _time_of_work()):
            raise Finding(f"{target.name}: {took * 1000:.0f} ms for {len(data)} bytes")
    if memory and (peak := peak_of(target, data)) > GROWTH * len(data) + SLACK:
        raise Finding(f"{target.name}: {peak} bytes of memory for {len(data)}")


def _time(target: Target, data: bytes) -> float:
    started = time.thread_time()
    _run(target, data)
    return time.thread_time() - started


def _time_of_work() -> float:
    """What `WORK` takes here and now."""
    started = time.thread_time()
    for _ in range(WORK):
        pass
    return time.thread_time() - started


def _run(target: Target, data: bytes) -> None:
    try:
        target.run(data)
    except target.refusals:
        return
    except (Exception, RecursionError) as error:
        raise Finding(f"{target.name}: {type(error).__name__}: {error}") from error


def peak_of(target: Target, data: bytes) -> int:
    """The most memory that was in use at once for this input."""
    tracemalloc.start()
    try:
        before, _peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        with suppress(*target.refusals):
            target.run(data)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
