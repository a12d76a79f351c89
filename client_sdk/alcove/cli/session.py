"""One room from entering it to its last event, whatever face shows it.

Whoever looks on gets every event in order, then exactly one `Closed`: the room's own, or one made
here when entering failed, when leaving took too long, or when the room broke.
"""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from alcove.cli.rooms import RoomLike
from alcove.errors import AlcoveError, Refused, RoomClosed
from alcove.events import Closed, CloseReason, Event, Problem

LEAVE_WITHIN: Final = 6.0
"""Seconds until this process goes even if its room does not. The room itself gives up earlier."""
_CLOSE_WITHIN: Final = 3.0
"""Seconds for the room to wipe its keys and close its connection once it is over."""

_STATUS: Final = MappingProxyType(
    {
        CloseReason.LEFT: 0,
        CloseReason.ENDED: 0,
        CloseReason.REFUSED: 3,
        CloseReason.REMOVED: 4,
        CloseReason.LOST: 1,
        CloseReason.ERROR: 1,
    }
)
_SENTENCES: Final = MappingProxyType(
    {
        CloseReason.LEFT: "You left the room.",
        CloseReason.ENDED: "The room was ended by its facilitator.",
        CloseReason.REFUSED: "You were not let in.",
        CloseReason.REMOVED: "You were removed from this room.",
        CloseReason.LOST: "The connection was lost and could not be made again.",
        CloseReason.ERROR: "The room could not go on.",
    }
)


def status_of(closed: Closed) -> int:
    """The exit status: 0 left or ended, 3 refused, 4 removed, 1 otherwise."""
    return _STATUS[closed.reason]


def sentence_of(closed: Closed) -> str:
    """Why it is over, for a person, with the code by which it can be looked up."""
    if not closed.text:
        return _SENTENCES[closed.reason]
    return f"{closed.text} ({closed.code})" if closed.code else closed.text


class Session:
    """`run` lives in the room until it is over. `show` is awaited for each event, in order."""

    def __init__(self, room: RoomLike, show: Callable[[Event], Awaitable[None]]) -> None:
        self._room = room
        self._show = show
        self._closed: Closed | None = None
        self._entered = asyncio.Event()
        self._over = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None

    @property
    def entered(self) -> asyncio.Event:
        """Set once the room can be spoken to."""
        return self._entered

    async def run(self) -> Closed:
        """Enter, show every event, and return the last one."""
        self._life = asyncio.create_task(self._live())
        catch_signals(self.leave)
        waits = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({self._life, waits}, return_when=asyncio.FIRST_COMPLETED)
            if not self._life.done():
                # The room is over for us; what it still has to put away may take this long.
                await asyncio.wait({self._life}, timeout=_CLOSE_WITHIN)
        finally:
            self._life.cancel()
            waits.cancel()
        if self._closed is None:
            # Even whom we show it to may have stopped taking anything.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.tell(Closed(CloseReason.LEFT)), 1)
        return self._closed or Closed(CloseReason.LEFT)

    def leave(self, within: float = LEAVE_WITHIN) -> None:
        """Begin to leave. It never fails: without the relay, the room is left without a word.

        A second call stops waiting for the relay.
        """
        if self._leaving is None and self._life is not None:
            self._leaving = asyncio.create_task(self._leave(within))
            return
        self._over.set()
        if self._life is not None:
            self._life.cancel()

    async def tell(self, event: Event) -> None:
        """Show `event`, unless the last one was shown."""
        if self._closed is not None:
            return
        if isinstance(event, Closed):
            self._closed = event
        await self._show(event)

    async def _live(self) -> None:
        try:
            async with self._room as room:
                self._entered.set()
                async for event in room:
                    await self.tell(event)
                    if isinstance(event, Closed):
                        self._over.set()
                        break
        except AlcoveError as error:
            await self._fail(error.code, error.text, _reason(error))
        except Exception as error:
            debug(error)
            text = f"Something unforeseen went wrong ({type(error).__name__})."
            await self._fail("internal", text, CloseReason.ERROR)
        if self._closed is None and self._leaving is None:
            await self.tell(Closed(CloseReason.ERROR, "internal", "The room ended unannounced."))

    async def _fail(self, code: str, text: str, reason: CloseReason) -> None:
        if self._leaving is not None:
            return  # what breaks while leaving is no news to who leaves
        await self.tell(Problem(code, text))
        await self.tell(Closed(reason, code, text))

    async def _leave(self, within: float) -> None:
        """Tell the relay, let the room announce its end, and stop waiting for either in time."""
        assert self._life is not None
        try:
            if self._entered.is_set():
                async with asyncio.timeout(within):
                    await self._room.leave()
                    await self._over.wait()
        except Exception as error:
            # Not even a failure keeps anybody in a room: what cannot be said is not said.
            debug(error)
        finally:
            self._over.set()
            if self._closed is None:
                self._life.cancel()


def catch_signals(handler: Callable[[], None]) -> None:
    """Interrupt, termination and a terminal that went away all call `handler`."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Who started this with `nohup` wants it to outlive the terminal.
        if number is None or signal.getsignal(number) == signal.SIG_IGN:
            continue
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, handler)


def debugging() -> bool:
    """Whether tracebacks are wanted. They hold names and texts of the room."""
    return os.environ.get("ALCOVE_DEBUG") == "1"


def debug(error: Exception) -> None:
    """Show the traceback to who asks for it, and to nobody else."""
    if debugging():
        traceback.print_exception(error, file=sys.stderr)


def _reason(error: AlcoveError) -> CloseReason:
    if isinstance(error, Refused):
        return CloseReason.REFUSED
    if isinstance(error, RoomClosed):
        with suppress(ValueError):
            return CloseReason(error.code)
    return CloseReason.ERROR
