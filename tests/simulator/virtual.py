"""An event loop whose time jumps to the next timer as soon as nothing is ready.

Tasks, timers and timeouts are asyncio's own. No time passes while code runs, so an hour of a room
takes as long as its work, and two runs of one world have the same course.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, Final, TypeVar

START: Final = 1000.0
TURNS_MOST: Final = 2_000_000
"""Turns of the loop in one world: more mean that tasks wake each other for ever."""

T = TypeVar("T")


class Stuck(AssertionError):
    """Nothing can happen any more, or things happen without end while no time passes."""


class _Jump(selectors.BaseSelector):
    """Waits for no file: a wait only moves the time."""

    def __init__(self) -> None:
        self.now = START
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turns += 1
        if timeout is None:
            raise Stuck("every task waits, and no timer runs")
        if self._turns > TURNS_MOST:
            raise Stuck("the world does not come to rest")
        self.now += max(timeout, 0.0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        # Any: as in the base class. The loop registers only the pipe that wakes it from threads.
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, 0, None)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's loop on the time of a `_Jump`."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


def run(main: Coroutine[Any, Any, T]) -> T:  # its sends and yields are the loop's
    """Run a coroutine to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
