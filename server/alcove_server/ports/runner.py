"""How the relay's coroutines run: at once as far as they can, and in a task from there on.

The core awaits only the store. The memory store never suspends, so with it a frame is handled to
its end inside the call that brought it: without a task, without a turn of the event loop, and in a
test without any event loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, Protocol

Work = Coroutine[Any, Any, None]  # what it yields is between the store and the event loop


class Runner(Protocol):
    """Starts work. Work handles its own exceptions."""

    def start(self, work: Work) -> None: ...

    def later(self, act: Callable[[], None]) -> None:
        """Call a function when all that is at hand is done: at the end of a turn of the loop."""

    async def breathe(self) -> None:
        """In the middle of long work: let others have their turn."""


class Immediate:
    """Runs work to its end, without an event loop. For stores that never suspend."""

    def __init__(self) -> None:
        self._depth = 0
        self._acts: deque[Callable[[], None]] = deque()

    def start(self, work: Work) -> None:
        """Raises `RuntimeError` when the work suspends."""
        self._depth += 1
        try:
            work.send(None)
        except StopIteration:
            pass
        else:
            work.close()
            raise RuntimeError("the store suspended; it needs an event loop")
        finally:
            self._depth -= 1
            while self._acts and not self._depth:
                self._acts.popleft()()

    def later(self, act: Callable[[], None]) -> None:
        """Act when the work under way has ended, or at once when there is none."""
        if self._depth:
            self._acts.append(act)
        else:
            act()

    async def breathe(self) -> None:
        """There are no others."""


class OnLoop:
    """Runs work as far as it goes, and the rest in a task of the running event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Work) -> None:
        try:
            waited_for = work.send(None)
        except StopIteration:
            return
        task = asyncio.get_running_loop().create_task(_continue(work, waited_for))
        # The loop keeps only weak references to tasks.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def later(self, act: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(act)

    async def breathe(self) -> None:
        await asyncio.sleep(0)


async def _continue(work: Work, waited_for: object) -> None:
    await _adopt(work, waited_for)


@coroutine
def _adopt(work: Work, waited_for: object) -> Generator[object, None, None]:
    """Hand the future that the work already waits for to the task, then let the work go on. A
    failure of that future is the work's to handle, as it is of all later ones."""
    try:
        yield waited_for
    except BaseException as failure:
        try:
            waited_for = work.throw(failure)
        except StopIteration:
            return
        yield from _adopt(work, waited_for)
    else:
        yield from work
