"""How the cost of something grows with its size, which is the same on every machine.

A bound in seconds fails on a busy machine and passes on a fast one whatever the code does. A ratio
does neither: for `FACTOR` times the size, work that reads its input once takes about `FACTOR` times
as long, and work that reads it again for each of its bytes the square of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

FACTOR: Final = 8
LINEAR: Final = 3 * FACTOR
"""What stays below this is not quadratic (64), with room for caches and noise."""
RUNS: Final = 5
"""The least of so many runs counts: other work on the machine only ever adds."""


def growth(make: Callable[[int], T], act: Callable[[T], object], size: int) -> float:
    """How many times as long `act` takes for what `make` makes of `size` as for an input a
    `FACTOR`th of that, in processor time of this thread."""
    small, large = make(size // FACTOR), make(size)
    return _least(act, large) / _least(act, small)


def _least(act: Callable[[T], object], given: T) -> float:
    return min(_time(act, given) for _ in range(RUNS))


def _time(act: Callable[[T], object], given: T) -> float:
    began = time.thread_time_ns()
    act(given)
    return max(1, time.thread_time_ns() - began)
