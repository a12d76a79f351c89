"""`run`: a whole program around one room, from the event loop to Ctrl+C."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from alcove import log
from alcove.errors import RoomClosed
from alcove.events import Closed, CloseReason
from alcove.room import Room
from alcove.shell import LEAVE_PATIENCE

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run(room: Room, main: Callable[[Room], Awaitable[None]] | None = None) -> Closed:
    """Enter the room, stay until it is over, leave it, and return why it is over.

        room = alcove.join(invite, name="Greeter", accept=True)
        room.on(alcove.Joined, greet)
        alcove.run(room)

    It makes an event loop, so it is for a program that is only this room. With `main` it awaits
    `main(room)` and then leaves. A `main` that waits for something else than the room does not
    notice the end of the room: 5 seconds after it `main` is cancelled, as a handler is. Ctrl+C and
    SIGTERM leave the room as well, without a traceback. A second one does not wait for the relay.
    Raises what entering raised (`ConnectionFailed`, `Refused`, `NotTrusted`, `InvalidInput`), and
    what handlers and `main` raised, except a `RoomClosed` of this room's own end. In a program with
    an event loop use `async with` instead.
    """
    with suppress(KeyboardInterrupt):  # where a loop takes no signal handlers, as on Windows
        return asyncio.run(_live(room, main))
    return Closed(CloseReason.LEFT)


async def _live(room: Room, main: Callable[[Room], Awaitable[None]] | None) -> Closed:
    life = asyncio.create_task(_stay(room, main))
    asked = asyncio.Event()

    def interrupted() -> None:
        asked.set()
        life.cancel()

    loop = asyncio.get_running_loop()
    for one in _SIGNALS:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(one, interrupted)
    try:
        return await life
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
        return room.closed or Closed(CloseReason.LEFT)
    finally:
        for one in _SIGNALS:
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(one)


async def _stay(room: Room, main: Callable[[Room], Awaitable[None]] | None) -> Closed:
    async with room:
        if main is None:
            await room.wait_for(Closed)
        else:
            await _attend(room, main(room))
    return room.closed or Closed(CloseReason.LEFT)


async def _attend(room: Room, program: Awaitable[None]) -> None:
    """Await the program, and after the end of the room only for a while."""
    over = room.wait_for(Closed)
    running = asyncio.ensure_future(program)
    try:
        both: set[asyncio.Future[Any]] = {running, over}  # Any: two types of results
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({running}, timeout=LEAVE_PATIENCE if over.done() else None)
        if running.done():
            _raise_what_it_raised(running)
        else:
            log.stuck("main")
    finally:
        over.cancel()
        if not running.done():
            running.cancel()
            await asyncio.wait({running}, timeout=LEAVE_PATIENCE)
            if running.done() and not running.cancelled():
                _raise_what_it_raised(running)


def _raise_what_it_raised(ended: asyncio.Future[None]) -> None:
    with suppress(RoomClosed):  # a command that met the end of the room
        ended.result()
