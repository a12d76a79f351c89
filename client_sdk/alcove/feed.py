"""The events of a room on their way to the program: to its `async for`, and to each `wait_for`."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from alcove import events
from alcove.engine.standing import EVENTS
from alcove.errors import RoomClosed
from alcove.events import AnyEvent

E = TypeVar("E", bound=events.Event)


@dataclass(frozen=True, slots=True)
class _Waiter:
    """One `wait_for`. Any, because each has a type of event of its own."""

    kind: type[Any]
    check: Callable[[Any], bool] | None
    future: asyncio.Future[Any]

    def offer(self, event: AnyEvent) -> None:
        """End the waiting if this is the event. What `check` raises ends it too."""
        if self.future.done() or not isinstance(event, self.kind):
            return
        try:
            if self.check is None or self.check(event):
                self.future.set_result(event)
        except Exception as error:
            self.future.set_exception(error)


class EventFeed:
    """Keeps at most `EVENTS` unread events. While nothing reads, a message that expires or is taken
    back is dropped with that event: a program with handlers alone holds no text longer than the
    room promises. A reader is told both, in order, however far behind it is."""

    def __init__(self) -> None:
        self._unread: OrderedDict[int, AnyEvent] = OrderedDict()
        self._unread_texts: dict[str, int] = {}
        self._count = 0
        self._lost = False
        self._news = asyncio.Event()
        self._waiters: list[_Waiter] = []
        self._entering = True
        self._finished = False
        self._reading = False
        self._closed: events.Closed | None = None
        self._cause: Exception | None = None

    @property
    def unread(self) -> tuple[AnyEvent, ...]:
        """What `async for` has not taken yet."""
        return tuple(self._unread.values())

    def put(self, event: AnyEvent) -> None:
        """Hand out an event."""
        for waiter in list(self._waiters):
            waiter.offer(event)
        if not self._reading and isinstance(event, events.Expired | events.Retracted):
            number = self._unread_texts.pop(event.id, None)
            if number is not None:
                del self._unread[number]
                return
        if len(self._unread) >= EVENTS:
            # The program does not read them. The oldest go, and a gap says so in their place.
            self._take()
            self._lost = True
        if isinstance(event, events.Message):
            self._unread_texts[event.id] = self._count
        self._unread[self._count] = event
        self._count += 1
        self._news.set()

    def close(self, closed: events.Closed, cause: Exception | None) -> None:
        """The last event was put. Everything that still waits is told so."""
        self._closed, self._cause = closed, cause
        for waiter in list(self._waiters):
            self._tell_over(waiter.future, closed)

    def entered(self) -> None:
        """The program has begun in the room: from here on `wait_for` looks forward only."""
        self._entering = False

    def wait_for(
        self,
        kind: type[E],
        check: Callable[[E], bool] | None,
        timeout: float | None,
    ) -> asyncio.Future[E]:
        """As `Room.wait_for`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[E] = loop.create_future()
        waiter = _Waiter(kind, check, future)
        for event in self.unread if self._entering else ():
            waiter.offer(event)
        if self._closed is not None:
            waiter.offer(self._closed)
            self._tell_over(future, self._closed)
        if future.done():
            return future
        self._waiters.append(waiter)
        future.add_done_callback(lambda _: self._waiters.remove(waiter))
        if timeout is not None:
            timer = loop.call_later(timeout, _time_out, future)
            future.add_done_callback(lambda _: timer.cancel())
        return future

    async def read(self) -> AsyncIterator[AnyEvent]:
        """Every event, in order, until `Closed`."""
        self._reading = True
        while not self._finished:
            while self._unread:
                if self._lost:
                    self._lost = False
                    yield events.Gap(None)
                    continue
                event = self._take()
                self._finished = isinstance(event, events.Closed)
                yield event
            if not self._finished:
                self._news.clear()
                await self._news.wait()

    def _tell_over(self, future: asyncio.Future[Any], closed: events.Closed) -> None:
        if not future.done():
            future.set_exception(over(closed, self._cause))
            future.exception()  # one that is never awaited is no error to report

    def _take(self) -> AnyEvent:
        _, event = self._unread.popitem(last=False)
        if isinstance(event, events.Message):
            self._unread_texts.pop(event.id, None)
        return event


def _time_out(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(TimeoutError("the event did not come in time"))


def over(closed: events.Closed, cause: BaseException | None) -> RoomClosed:
    """A new error for each caller: one that is shared would collect their tracebacks."""
    error = RoomClosed.of(closed)
    error.__cause__ = cause
    return error
