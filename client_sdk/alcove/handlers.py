"""Functions of the program that a room calls with its events, and what becomes of their errors.

Each handler has a line of its own. One that is slow delays no other, and none delays the room. A
handler gets its events in order and one at a time, or with `concurrent` up to `AT_ONCE` together.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from alcove import events, log
from alcove.errors import RoomClosed
from alcove.events import AnyEvent

DEFECTS: Final = 100
"""Errors that are kept and raised on leaving: the first ones."""
WAITING: Final = 1_000
"""Events that wait for one handler. Beyond that the oldest are dropped, which is told."""
AT_ONCE: Final = 100
"""Calls of one concurrent handler that run at the same time."""
STRAGGLERS: Final = 1.0
"""Seconds that a handler has to end once it was cancelled."""

# Any, because each handler takes the type of event that `add` registered it with.
Handler = Callable[[Any], Awaitable[None] | None]


class _Line:
    """One handler, the events that wait for it, and the tasks that call it."""

    def __init__(self, kind: type[events.Event], handler: Handler, at_once: int) -> None:
        self.kind = kind
        self.handler = handler
        self.at_once = at_once
        self.waiting: deque[AnyEvent] = deque()
        self.running: set[asyncio.Task[None]] = set()
        self.behind = False

    @property
    def name(self) -> str:
        """The handler's name in its source, for the log."""
        return f"the handler {getattr(self.handler, '__qualname__', type(self.handler).__name__)}"


class Handlers:
    """Calls handlers. `problem` is given a code and a sentence when one raised or lost events,
    unless it was called with that very problem: such a handler would fail for ever. `over` says
    whether the room is: a `RoomClosed` is no failure then, because a command met the end."""

    def __init__(self, problem: Callable[[str, str], None], over: Callable[[], bool]) -> None:
        self._problem = problem
        self._over = over
        self._lines: list[_Line] = []
        self.errors: list[Exception] = []

    @property
    def running(self) -> set[asyncio.Task[None]]:
        """The tasks that call handlers now."""
        return {task for line in self._lines for task in line.running}

    def add(
        self,
        kind: type[events.Event],
        handler: Handler,
        *,
        concurrent: bool,
        before: Iterable[AnyEvent],
    ) -> None:
        """Call `handler` with every event of this type from now on, and with those `before`."""
        line = _Line(kind, handler, AT_ONCE if concurrent else 1)
        self._lines.append(line)
        for event in before:
            self._put(line, event)

    def note_defect(self, error: Exception) -> None:
        """Keep an error until the room is left."""
        if len(self.errors) < DEFECTS:
            self.errors.append(error)

    def dispatch(self, event: AnyEvent) -> None:
        """Put this event in the line of each handler that it is for."""
        for line in list(self._lines):
            self._put(line, event)

    async def stop(self) -> None:
        """Cancel what still runs. What does not end then either is left to itself."""
        for line in self._lines:
            line.waiting.clear()
            for task in line.running:
                log.stuck(line.name)
                task.cancel()
        if self.running:
            await asyncio.wait(self.running, timeout=STRAGGLERS)

    def _put(self, line: _Line, event: AnyEvent) -> None:
        if not isinstance(event, line.kind):
            return
        if len(line.waiting) >= WAITING:
            line.waiting.popleft()
            if not line.behind:
                line.behind = True  # until the line was empty once: told once, not a thousand times
                log.behind(line.name)
                text = "A handler of this program is too slow; its oldest events were dropped."
                self._problem("handler_behind", text)
        line.waiting.append(event)
        if len(line.running) < line.at_once:
            task = asyncio.ensure_future(self._work(line))
            line.running.add(task)
            task.add_done_callback(line.running.discard)

    async def _work(self, line: _Line) -> None:
        try:
            while line.waiting:
                await self._handle(line, line.waiting.popleft())
            line.behind = False
        finally:
            # At once, not in a later turn of the loop: an event that comes in between would wait
            # for a task that has ended.
            line.running.discard(asyncio.current_task())

    async def _handle(self, line: _Line, event: AnyEvent) -> None:
        try:
            result = line.handler(event)
            if result is not None:
                await result
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the room is left
            self._failed(line, event, RuntimeError("a handler was cancelled by the program"), error)
        except Exception as error:
            if not (isinstance(error, RoomClosed) and self._over()):
                self._failed(line, event, error)

    def _failed(
        self,
        line: _Line,
        event: AnyEvent,
        error: Exception,
        cause: BaseException | None = None,
    ) -> None:
        if cause is not None:
            error.__cause__ = cause
        log.failed(line.name, error)
        self.note_defect(error)
        if not isinstance(event, events.Problem) or event.code != "handler_failed":
            self._problem("handler_failed", "A handler of this program failed.")
