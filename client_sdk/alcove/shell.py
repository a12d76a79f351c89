"""What joins an engine to an event loop: entering and leaving, the socket, the clock, the events.

`room.py` builds the room that a program uses on top of it. The engine decides everything. All of it
belongs to the thread that entered the room, which every command checks.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeAlias, TypeVar, assert_never

from alcove import events, log
from alcove.engine.commands import Commands
from alcove.engine.engine import Engine
from alcove.errors import (
    LEFT_UNTOLD,
    AlcoveError,
    ConnectionFailed,
    InvalidInput,
    NoAnswerYet,
    NotNow,
    RoomClosed,
)
from alcove.events import AnyEvent, CloseReason, ConnectionState, Knocked, RoomState
from alcove.feed import EventFeed, over
from alcove.handlers import Handlers
from alcove.relay.transport import Transport, TransportOptions
from alcove.surroundings import MakeLine

TICK: Final = 0.5
"""Seconds between looks at the clock: heartbeats, expiry, overdue answers."""
ENTER_PATIENCE: Final = 60.0
"""Seconds in which the room exists, or the card was read. Three tries of a slow line fit in."""
LEAVE_PATIENCE: Final = 5.0
"""Seconds that the relay has to answer a leave, and then handlers to work off what waits for them.
The keys are wiped after the first."""
COMMAND_PATIENCE: Final = 30.0
"""Seconds that a command waits for its answer."""
_MAY_HAPPEN: Final = (
    "The relay has not taken it yet. It may still happen: it is sent again until the relay takes "
    "or refuses it."
)

E = TypeVar("E", bound=events.Event)
SendResult: TypeAlias = events.Sent | events.Queued | events.Failed
"""What becomes of a message."""


class RoomShell:
    """One room, from entering it to leaving it."""

    def __init__(
        self,
        engine: Engine,
        origin: str,
        options: TransportOptions,
        title: str = "",
        *,
        line: MakeLine = Transport,
    ) -> None:
        self._engine = engine
        self._title = title
        self._transport = line(engine, origin, options, self._changed)
        self._feed = EventFeed()
        self._handlers = Handlers(self._handler_problem, lambda: not engine.wants_connection)
        self._sends: dict[str, asyncio.Future[SendResult]] = {}
        self._calls: set[asyncio.Future[None]] = set()
        self._entered: asyncio.Future[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._thread: int | None = None
        self._connection = ConnectionState.RECONNECTING
        self._state = RoomState.OPEN
        self._waiting: dict[str, Knocked] = {}

    # --- entering and leaving ------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Connect. Raises `ConnectionFailed`, `Refused`, `NotTrusted`, and `NotNow`
        (`entered_before`) the second time: a room is entered once."""
        if self._entered is not None:
            raise NotNow("entered_before", "This room was entered before; make another one.")
        self._thread = threading.get_ident()
        self._entered = asyncio.get_running_loop().create_future()
        self._tasks = [
            asyncio.create_task(self._keep_connected()),
            asyncio.create_task(self._keep_time()),
        ]
        try:
            in_time, _ = await asyncio.wait([self._entered], timeout=ENTER_PATIENCE)
            if not in_time:
                text = "The relay does not answer; check your connection, or try again later."
                raise ConnectionFailed("unreachable", text)
            self._entered.result()
        except BaseException:
            self._entered.cancel()
            await self._stop()
            raise
        # The program first runs up to where it waits, and registers its handlers and waits.
        asyncio.get_running_loop().call_soon(self._feed.entered)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave, if that has not happened, and wipe every key. Raises what handlers raised, as an
        `ExceptionGroup`, unless the block raised something itself.

        It takes at most 12 seconds: 5 for the relay to take note, 5 for handlers to work off what
        waits for them, and the rest to end those that do not.
        """
        try:
            await self.leave()
        finally:
            await self._stop()
        if self._handlers.errors and error is None:
            raise ExceptionGroup("handlers of a room's events failed", self._handlers.errors)

    async def leave(self) -> None:
        """Go, and forget everything. Harmless when the room is closed already.

        This ends the room for this client alone. When its only facilitator leaves, members can read
        on and post nothing, and the relay deletes the room after 30 minutes. `end` ends it at once.
        """
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
            self._engine.close(CloseReason.LEFT, "unconfirmed", LEFT_UNTOLD)
        self._after()

    async def _stop(self) -> None:
        """Wipe the keys at once, then end everything that runs, whatever interrupts this."""
        self._engine.close(CloseReason.LEFT)
        self._changed()
        self._transport.wake()
        self._tasks[-1].cancel()  # the clock, which has nothing more to tell
        try:
            running = {*self._tasks, *self._handlers.running} - {asyncio.current_task()}
            await asyncio.wait(running, timeout=LEAVE_PATIENCE)
        finally:
            for task in self._tasks:
                task.cancel()
            await self._handlers.stop()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_connected(self) -> None:
        try:
            await self._transport.run()
        except (ConnectionFailed, InvalidInput) as error:
            self._engine.fail(error)
        except Exception as error:
            self._defect("the connection", error)
        self._changed()

    async def _keep_time(self) -> None:
        try:
            while self._engine.wants_connection:
                await asyncio.sleep(TICK)
                self._tick()
        except Exception as error:
            # Without time nothing expires, and no heartbeat tells the others that this one is here.
            self._defect("the clock", error)
            self._after()

    def _defect(self, where: str, error: Exception) -> None:
        """A defect of this program. No call may wait for ever for a connection or a clock that is
        gone, and leaving raises the defect."""
        log.failed(where, error)
        self._engine.fail(AlcoveError("internal", "This program failed; the room was left."))
        self._handlers.note_defect(error)

    def _tick(self) -> None:
        self._engine.tick()
        self._after()

    # --- events --------------------------------------------------------------------------------

    def on(
        self,
        kind: type[E],
        handler: Callable[[E], Awaitable[None] | None],
        *,
        concurrent: bool = False,
    ) -> None:
        """Call `handler` with every event of this type: a function, or an `async` one. `Event` is
        the type of all events.

        It gets them in order and one at a time, those too that happened before and that no
        `async for` has taken. With `concurrent` up to 100 calls run together, in any order. It may
        be slow, which delays no other handler and not the room. When 1,000 events wait for it, the
        oldest are dropped, and a `Problem` (`handler_behind`) tells that. What it raises is logged
        at once, told as a `Problem` (`handler_failed`), and raised on leaving, except a
        `RoomClosed` after the end of this room. A handler that blocks its thread blocks the whole
        room: use `asyncio.to_thread`. Raises `RoomClosed`.
        """
        if self._tasks and not self._engine.wants_connection:
            raise self._over()
        before = self._feed.unread
        self._here()
        self._handlers.add(kind, handler, concurrent=concurrent, before=before)

    def wait_for(
        self,
        kind: type[E],
        *,
        check: Callable[[E], bool] | None = None,
        timeout: float | None = None,
    ) -> asyncio.Future[E]:
        """The next event of this type for which `check` is true. Await the result.

        It looks from the call on, not from the `await`, so `joined = room.wait_for(Joined)`, then a
        command, then `await joined` misses nothing. What happened while the room was entered counts
        as next. The event goes to handlers and `async for` too. A wait for `Closed` gives the end,
        also when the room is over already. Awaiting raises `TimeoutError`
        after `timeout` seconds, `RoomClosed` when the room closes first, and what `check` raised.
        """
        self._here()
        return self._feed.wait_for(kind, check, timeout)

    def __aiter__(self) -> AsyncIterator[AnyEvent]:
        """Every event, in order, until `Closed`. Read them in one place. Unread events are kept, at
        most 10,000; beyond that a `Gap` stands in the place of the oldest."""
        return self._feed.read()

    def _changed(self) -> None:
        """Hand out the engine's events."""
        for event in self._engine.drain_events():
            self._note(event)
            log.event(event)
            self._feed.put(event)
            self._handlers.dispatch(event)
        closed = self._engine.closed
        if self._entered is not None and not self._entered.done():
            if closed is not None:
                self._entered.set_exception(self._engine.error or self._over())
            elif self._engine.entered:
                self._entered.set_result(None)
        if closed is not None:
            self._feed.close(closed, self._engine.error)
            self._fail_waiting()

    def _note(self, event: AnyEvent) -> None:
        """Keep what the properties tell, and answer a `send`."""
        match event:
            case events.ConnectionChanged():
                self._connection = event.state
            case events.RoomChanged():
                self._state = event.state
            case events.AgreementShown():
                self._title = event.title
            case events.Sent() | events.Queued() | events.Failed():
                waiting = self._sends.pop(event.id, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(event)
            case events.Knocked():
                self._waiting[event.id] = event
            case events.KnockGone():
                self._waiting.pop(event.id, None)
            case events.Closed():
                self._waiting.clear()
            case (
                events.Opened()
                | events.Accepted()
                | events.InviteChanged()
                | events.InvitesListed()
                | events.InviteRevoked()
                | events.Outside()
                | events.DoorTaken()
                | events.DoorSaid()
                | events.Waiting()
                | events.Joined()
                | events.Left()
                | events.Removed()
                | events.Absent()
                | events.NewKeys()
                | events.Reloaded()
                | events.TicketMade()
                | events.RoleChanged()
                | events.Paused()
                | events.Unpaused()
                | events.PresenceChanged()
                | events.MemberList()
                | events.RulesChanged()
                | events.StandbyLink()
                | events.StandbyChanged()
                | events.StandbyAsked()
                | events.VaultChanged()
                | events.SafetyWords()
                | events.PastActs()
                | events.Message()
                | events.Retracted()
                | events.Folded()
                | events.Expired()
                | events.Gap()
                | events.Problem()
                | events.Unknown()
            ):
                pass
            case _:
                assert_never(event)

    def _handler_problem(self, code: str, text: str) -> None:
        self._engine.emit(events.Problem(code, text))
        self._changed()

    # --- commands ------------------------------------------------------------------------------

    @property
    def _commands(self) -> Commands:
        self._here()
        return self._engine.commands

    def _here(self) -> None:
        """Raises `RuntimeError` in another thread than the room's."""
        if self._thread is not None and self._thread != threading.get_ident():
            raise RuntimeError(
                "A room belongs to the thread that entered it; from another one use "
                "asyncio.run_coroutine_threadsafe or loop.call_soon_threadsafe."
            )

    def _over(self) -> RoomClosed:
        closed = self._engine.closed or events.Closed(CloseReason.LEFT)
        return over(closed, self._engine.error)

    def _fail_waiting(self) -> None:
        for send in self._sends.values():
            if not send.done():
                send.set_exception(self._over())
        for call in self._calls:
            if not call.done():
                call.set_exception(self._over())
        self._sends.clear()
        self._calls.clear()

    async def _call(
        self,
        begin: Callable[[Callable[[AlcoveError | None], None]], None],
        unanswered: str = _MAY_HAPPEN,
    ) -> None:
        """Run a command that answers by a callback, and wait for it. Raises `NoAnswerYet`
        (`unavailable`, with the text `unanswered`) when nothing has answered for
        `COMMAND_PATIENCE`. What was asked for is not withdrawn then and may still happen: it goes
        to the relay again, under its id, and the error's `outcome` tells what becomes of it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: AlcoveError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self._calls.add(future)
        future.add_done_callback(self._call_over)
        try:
            begin(done)
            self._after()
            done_in_time, _ = await asyncio.wait([future], timeout=COMMAND_PATIENCE)
        except BaseException:
            future.cancel()
            raise
        if not done_in_time:
            raise NoAnswerYet("unavailable", unanswered, partial(asyncio.shield, future))
        await future

    def _call_over(self, call: asyncio.Future[None]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # one that nobody waits for any more is no defect

    def _after(self) -> None:
        """After a command: hand out its events, and let the socket send."""
        self._changed()
        self._transport.wake()
