"""A room, for asyncio programs.

    async with alcove.open_room("https://relay.example", title=…, agreement=…, name=…) as room:
        async for event in room:
            match event:
                case alcove.Knocked(id=id):
                    await room.admit(id)

`async with` enters the room and leaves it: at its end the client has left and every key is wiped.
The engine decides everything. This file only joins it to an event loop.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeAlias, TypeVar, assert_never

from alcove import events
from alcove.engine.engine import Engine
from alcove.engine.standing import EVENTS
from alcove.errors import AlcoveError, ConnectionFailed, InvalidInput, NotNow, RoomClosed
from alcove.events import AnyEvent, CloseReason, ConnectionState, RoomState
from alcove.handlers import Handlers
from alcove.relay.transport import Transport, TransportOptions

TICK: Final = 0.5
"""Seconds between looks at the clock: heartbeats, expiry, overdue answers."""
LEAVE_PATIENCE: Final = 5.0
"""Seconds that the relay has to answer a leave. After them the keys are wiped anyway."""
COMMAND_PATIENCE: Final = 30.0
"""Seconds that a command waits for its answer."""
_MAY_HAPPEN: Final = (
    "The relay has not answered yet. It may still happen: it is sent again until the relay answers."
)

E = TypeVar("E", bound=events.Event)
SendResult: TypeAlias = events.Sent | events.Queued | events.Failed
"""What becomes of a message."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member as people see them."""

    name: str
    facilitator: bool
    you: bool
    heard: bool = True
    """False for a member let in before this client's eyes, of whom nothing came since: their
    Welcome may be lost, and they may not be able to read. A silent one counts as heard after 10
    minutes, when their client renews its keys."""


class Room:
    """One room. Enter it with `async with`, and read its events with `async for`, in one place."""

    def __init__(
        self,
        engine: Engine,
        origin: str,
        options: TransportOptions,
        title: str = "",
        agreement: str = "",
    ) -> None:
        self._engine = engine
        self._commands = engine.commands
        self._title = title
        self._agreement = agreement
        self._transport = Transport(engine, origin, options, self._changed)
        self._events: deque[AnyEvent] = deque()
        self._news = asyncio.Event()
        self._handlers = Handlers(self._handler_failed)
        self._sends: dict[str, asyncio.Future[SendResult]] = {}
        self._calls: set[asyncio.Future[None]] = set()
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
        if self._handlers.errors and error is None:
            raise ExceptionGroup("handlers of a room's events failed", self._handlers.errors)

    async def _stop(self) -> None:
        self._engine.close(CloseReason.LEFT)
        self._changed()
        self._transport.wake()
        _done, pending = await asyncio.wait(self._tasks, timeout=LEAVE_PATIENCE)
        for task in pending:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._handlers.running, return_exceptions=True)

    async def _keep_connected(self) -> None:
        try:
            await self._transport.run()
        except (ConnectionFailed, InvalidInput) as error:
            self._engine.fail(error)
        except Exception as error:
            # A defect of this program. No call may wait for ever for a connection that is gone, and
            # leaving raises the defect.
            self._engine.fail(AlcoveError("internal", "This program failed; the room was left."))
            self._handlers.note_defect(error)
        self._changed()

    async def _keep_time(self) -> None:
        while self._engine.wants_connection:
            await asyncio.sleep(TICK)
            self._engine.tick()
            self._changed()
            self._transport.wake()

    # --- events --------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Hand out the engine's events."""
        for event in self._engine.drain_events():
            self._note(event)
            self._events.append(event)
            self._handlers.dispatch(event)
        if len(self._events) > EVENTS:
            # The program does not read them. The oldest go, and a gap says so in their place.
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

    def _note(self, event: AnyEvent) -> None:
        """Keep what the properties tell, and answer a `send`."""
        match event:
            case events.ConnectionChanged():
                self._connection = event.state
            case events.RoomChanged():
                self._state = event.state
            case events.AgreementShown():
                self._title, self._agreement = event.title, event.text
            case events.Sent() | events.Queued() | events.Failed():
                waiting = self._sends.pop(event.id, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(event)
            case (
                events.Opened()
                | events.InviteChanged()
                | events.Waiting()
                | events.Knocked()
                | events.KnockGone()
                | events.Joined()
                | events.Left()
                | events.Removed()
                | events.Message()
                | events.Retracted()
                | events.Expired()
                | events.Gap()
                | events.Problem()
                | events.Unknown()
                | events.Closed()
            ):
                pass
            case _:
                assert_never(event)

    def _fail_waiting(self) -> None:
        closed = self._engine.closed
        code = closed.reason.value if closed is not None else "left"
        error = RoomClosed(code, "The room is closed.")
        for send in self._sends.values():
            if not send.done():
                send.set_exception(error)
        for call in self._calls:
            if not call.done():
                call.set_exception(error)
        self._sends.clear()
        self._calls.clear()

    def on(self, kind: type[E], handler: Callable[[E], Awaitable[None] | None]) -> None:
        """Call `handler` with every event of this type. Leaving raises what it raised."""
        self._handlers.add(kind, handler)

    def _handler_failed(self) -> None:
        text = "A handler of this program failed."
        self._engine.emit(events.Problem("handler_failed", text))
        self._changed()

    async def __aiter__(self) -> AsyncIterator[AnyEvent]:
        while not self._finished:
            while self._events:
                event = self._events.popleft()
                self._finished = isinstance(event, events.Closed)
                yield event
            if not self._finished:
                self._news.clear()
                await self._news.wait()

    # --- properties ----------------------------------------------------------------------------

    @property
    def title(self) -> str:
        return self._title

    @property
    def agreement(self) -> str:
        """The ground rules. Empty until the card has arrived."""
        return self._agreement

    @property
    def state(self) -> RoomState:
        return self._state

    @property
    def connection(self) -> ConnectionState:
        return self._connection

    @property
    def is_facilitator(self) -> bool:
        member = self._engine.member
        return member is not None and member.facilitator is not None

    @property
    def members(self) -> tuple[Member, ...]:
        """All members, from the group's own tree. Empty until this client is in the room."""
        member = self._engine.member
        if member is None or self._engine.closed is not None:
            return ()
        own = self._engine.identity.signature.public
        return tuple(
            Member(
                person.name,
                person.facilitator,
                person.key == own,
                person.key not in member.membership.unheard,
            )
            for person in member.membership.people()
        )

    # --- what every member may do --------------------------------------------------------------

    def post(self, text: str, *, warning: str | None = None, ref: str | None = None) -> str:
        """Send a message and return its id at once. `Sent`, `Queued` or `Failed` follows.

        Raises `InvalidInput` (`text_empty`, `text_too_long`, `bad_text`), `NotNow`, `RoomClosed`.
        """
        id = self._commands.say(text, warning=warning, ref=ref)
        self._after()
        return id

    async def send(self, text: str, *, warning: str | None = None) -> SendResult:
        """Send a message and wait for what becomes of it: with the relay, waiting here, or failed.

        Raises what `post` raises, and `RoomClosed` when the room closes before the answer.
        """
        waiting: asyncio.Future[SendResult] = asyncio.get_running_loop().create_future()
        self._sends[self._commands.say(text, warning=warning)] = waiting
        self._after()
        return await waiting

    def retract(self, id: str, *, ref: str | None = None) -> None:
        """Take back your own message. `Retracted` follows.

        Raises `InvalidInput` (`unknown_message`) for a message that is not yours or has expired,
        `RoomClosed`.
        """
        self._commands.retract(id, ref=ref)
        self._after()

    def send_anyway(self) -> None:
        """Send although the room is split or not heard, to those whom the relay shows it.

        While it is, nothing is sent, and messages wait. This is the person's own decision. It holds
        until the next sign that something is wrong; `leave` is the other way. Raises `NotNow`
        (`nothing_to_decide`), `RoomClosed`.
        """
        self._commands.send_anyway()
        self._after()

    async def accept(self) -> None:
        """Accept the ground rules: on the card, and knock; or new ones in the room (`Problem`
        `agreement_changed`). Raises `NotNow`, `RoomClosed`."""
        self._commands.accept()
        self._after()

    async def leave(self) -> None:
        """Go, and forget everything. Harmless when the room is closed already."""
        if self._engine.closed is not None:
            return
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done() -> None:
            if not gone.done():
                gone.set_result(None)

        self._commands.leave(done)
        self._after()
        try:
            await asyncio.wait_for(gone, LEAVE_PATIENCE)
        except TimeoutError:
            self._engine.close(CloseReason.LEFT)
        self._after()

    # --- what a facilitator may do -------------------------------------------------------------

    async def admit(self, id: str) -> None:
        """Let a newcomer in. This and the commands below end within 30 s: then they raise `NotNow`
        (`unavailable`), and what was asked for may still happen.

        Raises `InvalidInput` or `NotNow` (`unknown_knock`), `Refused` (`room_full`, …).
        """
        await self._call(lambda done: self._commands.admit(id, done))

    async def refuse(self, id: str) -> None:
        """Refuse a newcomer, who is told. Raises `InvalidInput` or `NotNow` (`unknown_knock`)."""
        self._commands.refuse(id)
        self._after()

    async def remove(self, name: str) -> None:
        """Put a member out. Raises `InvalidInput` (`unknown_name`), `NotNow`."""
        await self._call(lambda done: self._commands.remove(name, done))

    async def invite(self) -> str:
        """Make one more invite, on the terms of the first. Raises `NotNow` (`too_many_doors`)."""
        made: list[str] = []

        def begin(done: Callable[[AlcoveError | None], None]) -> None:
            def finished(url: str | None, error: AlcoveError | None) -> None:
                made.extend([url] if url is not None else [])
                done(error)

            self._commands.invite(finished)

        await self._call(begin)
        return made[0]

    async def end(self) -> None:
        """End the room for all members: the relay deletes everything that it has of it."""
        await self._call(self._commands.end)

    async def _call(self, begin: Callable[[Callable[[AlcoveError | None], None]], None]) -> None:
        """Run a command that answers by a callback, and wait for it. Raises `NotNow`
        (`unavailable`) when nothing has answered for `COMMAND_PATIENCE`. What was asked for is not
        withdrawn then: it goes to the relay again, under its id, and may still happen."""
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
            done_in_time, _ = await asyncio.wait([future], timeout=COMMAND_PATIENCE)
            if not done_in_time:
                future.cancel()
                raise NotNow("unavailable", _MAY_HAPPEN)
            await future
        finally:
            self._calls.discard(future)

    def _after(self) -> None:
        """After a command: hand out its events, and let the socket send."""
        self._changed()
        self._transport.wake()
