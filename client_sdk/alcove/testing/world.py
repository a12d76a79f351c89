"""A relay in this process, the rooms on it, and one clock for all that stands until it is moved."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Final, Self

from alcove_server.testing.embedded import EmbeddedRelay, ManualClock, embedded

from alcove import surroundings
from alcove.engine.engine import Engine
from alcove.entering import join, open_room
from alcove.events import AnyEvent, Closed, Joined, Knocked, Opened
from alcove.relay.transport import TransportOptions
from alcove.room import Room
from alcove.surroundings import RelayLine, Surroundings
from alcove.testing.line import MemoryLine

URL: Final = "http://relay.test"
STEP: Final = 1.0
"""Seconds of the clock between two looks at it, as in a running program."""
QUIET: Final = 20
"""Turns of the event loop without a frame or an event, after which nothing moves any more."""
TURNS: Final = 100_000
"""Turns after which a world that never rests is an error."""
STARTS_AT: Final = 1_700_000_000.0
"""Unix seconds of a world, less those of its clock."""


class World:
    """Use it with `async with`, one at a time in a process.

    What the relay and the rooms do in time (expiry, heartbeats, 90 seconds until read-only) is on
    the clock that `advance` moves. `clock`, `time` and `sleep` are of that clock too: give them to
    a program that has its own times. Waiting in the program's own tasks is on the time of the event
    loop: timeouts of asyncio, `Room.wait_for(timeout=…)`, and the 30 seconds of a command.
    """

    def __init__(self) -> None:
        self._clock = ManualClock()
        self._moves = 0
        self._lines: dict[Engine, MemoryLine] = {}
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.relay: EmbeddedRelay | None = self._make_relay()
        """The relay, or None while it is stopped. A test may look into it."""

    @property
    def url(self) -> str:
        """The relay's address, for `alcove.open_room`. Any other address leads to it too."""
        return URL

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds of the clock that `advance` moves, as `time.monotonic` has them of a real one."""
        return self._clock

    def time(self) -> float:
        """Unix seconds of the world, as `time.time` has them of the real one. `Message.time` is
        theirs. They begin in November 2023, so that no test depends on today's date."""
        return STARTS_AT + self._clock()

    async def __aenter__(self) -> Self:
        if surroundings.current() is not surroundings.REAL:
            raise RuntimeError("another World is in use; there is one at a time in a process")
        surroundings.use(Surroundings(self._clock, self.time, os.urandom, self._make_line))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        surroundings.use(surroundings.REAL)

    # --- rooms ---------------------------------------------------------------------------------

    @asynccontextmanager
    async def room(self, facilitator: str, *others: str) -> AsyncIterator[tuple[Room, ...]]:
        """A room of these people, entered and admitted: one `alcove.Room` each, in this order.

        Use it with `async with`: at its end all of them have left.
        """
        async with AsyncExitStack() as stack:
            opening = open_room(URL, title="Circle", agreement="Listen.", name=facilitator)
            opened = await stack.enter_async_context(opening)
            invite = (await opened.wait_for(Opened)).invite
            rooms = [opened]
            for name in others:
                knocked = opened.wait_for(Knocked)
                room = await stack.enter_async_context(join(invite, name=name, accept=True))
                joined = room.wait_for(Joined, check=lambda event: event.you)
                await opened.admit((await knocked).id)
                await joined
                rooms.append(room)
            await self.settle()
            yield tuple(rooms)

    def fire(self, room: Room, event: AnyEvent) -> None:
        """Hand out an event as if it had happened, to handlers, `wait_for` and `async for`.

        A `Closed` closes the room. Any other event changes nothing in the engine.
        """
        engine = room._engine
        if isinstance(event, Closed):
            engine.close(event.reason, event.code, event.text)
        else:
            engine.emit(event)
        room._after()

    # --- connections ---------------------------------------------------------------------------

    def cut(self, room: Room) -> None:
        """End this room's connection. It stays away until `restore`."""
        line = self._lines[room._engine]
        line.cut = True
        line.wake()

    def restore(self, room: Room) -> None:
        """Let this room connect again, at once."""
        self._lines[room._engine].back()

    def stop_relay(self) -> None:
        """The relay dies, and all that it kept with it."""
        self.relay = None
        for line in self._lines.values():
            line.wake()

    def start_relay(self) -> None:
        """Start an empty relay. The clients connect at once. A facilitator's client brings the room
        back within seconds of `advance`, and for a minute the relay takes no change of the group.
        """
        self.relay = self._make_relay()
        for line in self._lines.values():
            if not line.cut:
                line.back()

    # --- time ----------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Run everything that can happen without time. It waits for no thread and no real time.

        Raises `RuntimeError` when the world does not come to rest.
        """
        quiet, moves = 0, self._moves
        for _ in range(TURNS):
            await asyncio.sleep(0)
            quiet = quiet + 1 if moves == self._moves else 0
            moves = self._moves
            if quiet >= QUIET:
                return
        raise RuntimeError("the world does not come to rest")

    async def advance(self, seconds: float) -> None:
        """Let time pass for the relay and for every room, a second at a time, and settle."""
        until = self._clock() + seconds
        await self.settle()
        while self._clock() < until:
            self._clock.advance(min(STEP, until - self._clock()))
            if self.relay is not None:
                self.relay.tick()
            for line in list(self._lines.values()):
                line.tick()
            self._wake()
            await self.settle()

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has moved the clock by so much, as `asyncio.sleep` does for real."""
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._clock() + seconds, awake))
        if seconds <= 0:
            self._wake()
        await awake

    def _wake(self) -> None:
        due = [awake for until, awake in self._sleepers if until <= self._clock()]
        self._sleepers = [one for one in self._sleepers if one[0] > self._clock()]
        for awake in due:
            if not awake.done():
                awake.set_result(None)

    # --- for the lines -------------------------------------------------------------------------

    def _note_move(self) -> None:
        """A frame moved."""
        self._moves += 1

    def _make_relay(self) -> EmbeddedRelay:
        return embedded(self._clock, os.urandom, wall=self.time)

    def _make_line(
        self,
        engine: Engine,
        origin: str,
        options: TransportOptions,
        changed: Callable[[], None],
    ) -> RelayLine:
        def noted() -> None:
            self._moves += 1
            changed()

        line = self._lines[engine] = MemoryLine(self, engine, origin, noted)
        return line
