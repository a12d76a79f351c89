"""When the collector of cycles runs.

A full pass looks at every object that the process holds: 0.2 s with a full store, and as long with
16,000 connections. Nothing else has a turn meanwhile. But the relay's objects go when their last
user goes: a blob is in no cycle, and a connection leaves none behind
(`tests/server/test_garbage.py`). So only young objects are looked at as they come. A full pass is
made while the process is small. It is for the cycles of a library's errors.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Final

YOUNG: Final = 10_000
"""Objects after which the youngest are looked at: about 1 ms. With Python's own number the
collector takes 4% of the time."""
_NEVER: Final = 2**30
OLD: Final = 1_000
"""Passes over the youngest objects after which a full pass is due."""
SMALL: Final = 200_000
"""Blocks of memory, beside the program's own, among which a full pass takes some 20 ms."""


class Garbage:
    """The collector of this process. `blocks` counts the blocks of memory in use."""

    def __init__(self, blocks: Callable[[], int] = sys.getallocatedblocks) -> None:
        self._blocks = blocks
        self._own = 0

    def begin(self) -> None:
        """Call once, when the program is loaded: it is never garbage."""
        gc.freeze()
        gc.set_threshold(YOUNG, _NEVER, _NEVER)
        self._own = self._blocks()

    def tick(self) -> None:
        """Make a full pass if one is due and is short. To be called about once a second."""
        _, passes, _ = gc.get_count()
        if passes >= OLD and self._blocks() - self._own <= SMALL:
            gc.collect()
