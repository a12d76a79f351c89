"""Functions of the program that a room calls with its events, and what becomes of their errors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from alcove import events
from alcove.events import AnyEvent

DEFECTS: Final = 100
"""Errors that are kept and raised on leaving: the first ones."""

# Any, because each handler takes the type of event that `add` registered it with.
Handler = Callable[[Any], Awaitable[None] | None]


class Handlers:
    """Runs each handler as a task. `failed` is called when one has raised, unless it was told of
    that very failure: such a handler would fail for ever."""

    def __init__(self, failed: Callable[[], None]) -> None:
        self._failed = failed
        self._handlers: list[tuple[type[events.Event], Handler]] = []
        self.running: set[asyncio.Task[None]] = set()
        self.errors: list[Exception] = []

    def add(self, kind: type[events.Event], handler: Handler) -> None:
        """Call `handler` with every event of this type from now on."""
        self._handlers.append((kind, handler))

    def note_defect(self, error: Exception) -> None:
        """Keep an error until the room is left."""
        if len(self.errors) < DEFECTS:
            self.errors.append(error)

    def dispatch(self, event: AnyEvent) -> None:
        """Begin the handlers of this event."""
        for kind, handler in self._handlers:
            if isinstance(event, kind):
                task = asyncio.ensure_future(self._handle(handler, event))
                self.running.add(task)
                task.add_done_callback(self.running.discard)

    async def _handle(self, handler: Handler, event: AnyEvent) -> None:
        try:
            result = handler(event)
            if result is not None:
                await result
        except Exception as error:
            self.note_defect(error)
            if not isinstance(event, events.Problem) or event.code != "handler_failed":
                self._failed()
