"""A room, for asyncio programs.

    async with alcove.open_room("https://relay.example", title=…, agreement=…, name=…) as room:
        async for event in room:
            match event:
                case alcove.Knocked(id=id):
                    await room.admit(id)

The room is entered with `async with` and left with it: keys are wiped, and whoever forgot to leave
has left. Every decision is in `engine.py`; this file only joins it to an event loop.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from alcove import events
from alcove.engine.engine import EVENTS, Engine
from alcove.errors import AlcoveError, ConnectionFailed, InvalidInput, NotNow, RoomClosed
from alcove.events import CloseReason, ConnectionState, RoomState
from alcove.facilitation.facilitator import Facilitator
from alcove.messages.payload import Retract
from alcove.relay.transport import Transport, TransportOptions

TICK: Final = 0.5
"""Seconds between looks at the clock: heartbeats, expiry, what is overdue."""
DEFECTS: Final = 100
"""Errors of handlers that are kept to be raised on leaving: the first ones tell."""
LEAVE_PATIENCE: Final = 5.0
"""Seconds that the relay has to take note of a leave before keys are wiped anyway."""

E = TypeVar("E", bound=events.Event)
Handler = Callable[[Any], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    facilitator: bool
    you: bool


class Room:
    """One room. Enter it with `async with`; read its events with `async for`, in one place."""

    def __init__(self, engine: Engine, origin: str, options: TransportOptions, title: str) -> None:
        self._engine = engine
        self._title = title
        self._transport = Transport(engine, origin, options, self._changed)
        self._events: deque[events.Event] = deque()
        self._news = asyncio.Event()
        self._handlers: list[tuple[type[events.Event], Handler]] = []
        self._handler_tasks: set[asyncio.Task[None]] = set()
        self._handler_errors: list[Exception] = []
        self._sends: dict[str, asyncio.Future[events.Sent | events.Queued | events.Failed]] = {}
        self._calls: set[asyncio.Future[Any]] = set()
        self._entered: asyncio.Future[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._connection = ConnectionState.RECONNECTING
        self._state = RoomState.OPEN
        self._finished = False

    # --- entering and leaving ------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Connect. Raises `ConnectionFailed`, `Refused`, `NotTrusted`."""
        self._entered = asyncio.get_running_loop().create_future()
        self._tasks = [
            asyncio.create_task(self._keep_connected()),
            asyncio.create_task(self._keep_time()),
        ]
        try:
            await asyncio.shield(self._entered)
        except BaseException:
            self._entered.cancel()
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave, if that has not happened, and wipe every key. Raises what handlers raised."""
        try:
            await self.leave()
        finally:
            await self._stop()
        if self._handler_errors and error is None:
            raise ExceptionGroup("handlers of a room's events failed", self._handler_errors)

    async def _stop(self) -> None:
        self._engine.close(CloseReason.LEFT)
        self._changed()
        self._transport.wake()
        _done, pending = await asyncio.wait(self._tasks, timeout=LEAVE_PATIENCE)
        for task in pending:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._handler_tasks, return_exceptions=True)

    async def _keep_connected(self) -> None:
        try:
            await self._transport.run()
        except (ConnectionFailed, InvalidInput) as error:
            self._engine.fail(error)
        except Exception as error:
            # A defect of this program. Nobody may wait for ever for a connection that is gone, and
            # the defect is raised on leaving.
            self._engine.fail(AlcoveError("internal", "This program failed; the room was left."))
            self._note_defect(error)
        self._changed()

    def _note_defect(self, error: Exception) -> None:
        if len(self._handler_errors) < DEFECTS:
            self._handler_errors.append(error)

    async def _keep_time(self) -> None:
        while self._engine.wants_connection:
            await asyncio.sleep(TICK)
            self._engine.tick()
            self._changed()
            self._transport.wake()

    # --- what happens --------------------------------------------------------------------------

    def _changed(self) -> None:
        """Hand out what the engine has to tell."""
        for event in self._engine.take_events():
            self._note(event)
            self._events.append(event)
            self._dispatch(event)
        if len(self._events) > EVENTS:
            # Nobody reads them. The oldest go, and that is said in their place.
            while len(self._events) >= EVENTS:
                self._events.popleft()
            self._events.appendleft(events.Gap(None))
        if self._entered is not None and not self._entered.done():
            if self._engine.closed is not None:
                error = self._engine.error or RoomClosed("left", "The room was left.")
                self._entered.set_exception(error)
            elif self._engine.entered:
                self._entered.set_result(None)
        if self._engine.closed is not None:
            self._fail_waiting()
        self._news.set()

    def _note(self, event: events.Event) -> None:
        if isinstance(event, events.ConnectionChanged):
            self._connection = event.state
        elif isinstance(event, events.RoomChanged):
            self._state = event.state
        elif isinstance(event, events.AgreementShown):
            self._title = event.title
        elif isinstance(event, events.Sent | events.Queued | events.Failed):
            waiting = self._sends.pop(event.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(event)

    def _fail_waiting(self) -> None:
        closed = self._engine.closed
        code = closed.reason.value if closed is not None else "left"
        error = RoomClosed(code, "The room is closed.")
        for waiting in (*self._sends.values(), *self._calls):
            if not waiting.done():
                waiting.set_exception(error)
        self._sends.clear()
        self._calls.clear()

    def on(self, kind: type[E], handler: Callable[[E], Awaitable[None] | None]) -> None:
        """Call `handler` with every event of this type. What it raises is raised on leaving."""
        self._handlers.append((kind, handler))

    def _dispatch(self, event: events.Event) -> None:
        for kind, handler in self._handlers:
            if isinstance(event, kind):
                task = asyncio.ensure_future(self._handle(handler, event))
                self._handler_tasks.add(task)
                task.add_done_callback(self._handler_tasks.discard)

    async def _handle(self, handler: Handler, event: events.Event) -> None:
        try:
            result = handler(event)
            if result is not None:
                await result
        except Exception as error:
            self._note_defect(error)
            if not isinstance(event, events.Problem) or event.code != "handler_failed":
                text = "A handler of this program failed."
                self._engine.emit(events.Problem("handler_failed", text))
                self._changed()

    async def __aiter__(self) -> AsyncIterator[events.Event]:
        while not self._finished:
            while self._events:
                event = self._events.popleft()
                self._finished = isinstance(event, events.Closed)
                yield event
            if not self._finished:
                self._news.clear()
                await self._news.wait()

    # --- what is so ----------------------------------------------------------------------------

    @property
    def title(self) -> str:
        return self._title

    @property
    def state(self) -> RoomState:
        return self._state

    @property
    def connection(self) -> ConnectionState:
        return self._connection

    @property
    def is_facilitator(self) -> bool:
        inside = self._engine.inside
        return inside is not None and inside.facilitator is not None

    @property
    def members(self) -> tuple[Member, ...]:
        """Everybody in the room, from the group's own tree. Empty before one is in."""
        inside = self._engine.inside
        if inside is None or self._engine.closed is not None:
            return ()
        own = self._engine.identity.signature.public
        return tuple(
            Member(person.name, person.facilitator, person.key == own)
            for person in inside.membership.people()
        )

    # --- what everybody may do -----------------------------------------------------------------

    def post(self, text: str, *, warning: str | None = None, ref: str | None = None) -> str:
        """Send a message; its id at once. `Sent`, `Queued` or `Failed` with that id follows.

        Raises `InvalidInput` (`text_empty`, `text_too_long`, `bad_text`), `NotNow`.
        """
        inside = self._engine.member()
        body = inside.conversation.check_text(text, warning)
        item = inside.conversation.compose(body, ref=ref)
        inside.pump()
        if not self._engine.link.live or not inside.ready or not inside.presence.may_post:
            inside.publisher.tell_queued()
        self._after()
        return item.id.hex()

    async def send(
        self, text: str, *, warning: str | None = None
    ) -> events.Sent | events.Queued | events.Failed:
        """Send a message and wait for what becomes of it: with the relay, waiting here, or not."""
        waiting: asyncio.Future[events.Sent | events.Queued | events.Failed]
        waiting = asyncio.get_running_loop().create_future()
        inside = self._engine.member()
        body = inside.conversation.check_text(text, warning)
        item = inside.conversation.compose(body)
        self._sends[item.id.hex()] = waiting
        inside.pump()
        if not item.in_flight:
            inside.publisher.tell_queued()
        self._after()
        return await waiting

    def retract(self, id: str, *, ref: str | None = None) -> None:
        """Take back one's own message. `Retracted` follows.

        Raises `InvalidInput` (`unknown_message`) for one that is not yours or is gone, `NotNow`.
        """
        inside = self._engine.member()
        try:
            target = bytes.fromhex(id)
        except ValueError:
            target = b""
        if not inside.conversation.take_back(target):
            if any(item.id == target for item in inside.conversation.outbox.waiting()):
                raise NotNow("in_flight", "It is being sent; try again in a moment.")
            if not inside.conversation.may_retract(target):
                text = "There is no message of yours with this id; it may have expired."
                raise InvalidInput("unknown_message", text)
            inside.conversation.compose(Retract(target), ref=ref)
            inside.pump()
        self._after()

    async def accept(self) -> None:
        """Accept the ground rules on the card, and knock. Raises `NotNow`."""
        newcomer = self._engine.newcomer
        if newcomer is None or self._engine.closed is not None:
            raise NotNow("nothing_to_accept", "There is nothing to accept.")
        newcomer.accept()
        self._after()

    async def leave(self) -> None:
        """Go, and forget everything. Harmless when it is over already."""
        if self._engine.closed is not None:
            return
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done() -> None:
            if not gone.done():
                gone.set_result(None)

        self._engine.leave(done)
        self._after()
        try:
            await asyncio.wait_for(gone, LEAVE_PATIENCE)
        except TimeoutError:
            self._engine.close(CloseReason.LEFT)
        self._after()

    # --- what a facilitator may do -------------------------------------------------------------

    async def admit(self, id: str) -> None:
        """Let somebody in. Raises `NotNow` (`unknown_knock`), `Refused` (`room_full`, …)."""
        lobby, knock = self._facilitator().lobby, self._id(id)
        await self._call(lambda done: lobby.admit(knock, done))

    async def refuse(self, id: str) -> None:
        """Do not let somebody in; they are told so. Raises `NotNow` (`unknown_knock`)."""
        self._facilitator().lobby.refuse(self._id(id))
        self._after()

    async def remove(self, name: str) -> None:
        """Put somebody out. Raises `InvalidInput` (`unknown_name`), `NotNow`."""
        facilitator = self._facilitator()
        await self._call(lambda done: facilitator.remove(name, done))

    async def invite(self) -> str:
        """One more invite, on the terms of the first."""
        facilitator = self._facilitator()
        made: list[str] = []

        def begin(done: Callable[[AlcoveError | None], None]) -> None:
            def finished(url: str | None, error: AlcoveError | None) -> None:
                made.extend([url] if url is not None else [])
                done(error)

            facilitator.invite(finished)

        await self._call(begin)
        return made[0]

    async def end(self) -> None:
        """End the room for everybody: the relay deletes all that it has of it."""
        facilitator = self._facilitator()
        await self._call(facilitator.end)
        self._engine.close(CloseReason.ENDED)
        self._after()

    def _facilitator(self) -> Facilitator:
        facilitator = self._engine.member().facilitator
        if facilitator is None:
            raise NotNow("not_facilitator", "Only a facilitator can do that.")
        return facilitator

    @staticmethod
    def _id(id: str) -> bytes:
        try:
            return bytes.fromhex(id)
        except ValueError:
            raise InvalidInput("unknown_knock", "Nobody waits under this id.") from None

    async def _call(self, begin: Callable[[Callable[[AlcoveError | None], None]], None]) -> None:
        """Run a command that answers by a callback, and wait for it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: AlcoveError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self._calls.add(future)
        try:
            begin(done)
            self._after()
            await future
        finally:
            self._calls.discard(future)

    def _after(self) -> None:
        """After a command: tell what happened, and let the socket send what there is to send."""
        self._changed()
        self._transport.wake()
