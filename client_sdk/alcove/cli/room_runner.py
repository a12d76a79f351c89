"""One room from entering it to its last event, in every mode.

The mode is shown every event in order, then exactly one `Closed`: the room's own, or one made here
when entering failed, when leaving took too long, or when the room broke.
"""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Final

from alcove.cli.rooms import RoomLike
from alcove.cli.watchdog import watchdog
from alcove.errors import CLOSE_SENTENCES, AlcoveError, Refused, RoomClosed
from alcove.events import AnyEvent, Closed, CloseReason, Problem

LEAVE_WITHIN: Final = 6.0
"""Seconds until this process ends even if its room does not. The room gives up earlier."""
_END_WITHIN: Final = 1.0
"""Seconds that the relay has to take note of a leave when the watchdog asks for the end."""
_CLOSE_WITHIN: Final = 3.0
"""Seconds for the room to wipe its keys and close its connection once it is over."""
_SHOW_WITHIN: Final = 1.0
"""Seconds for the mode to show the last event."""

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


_UNANNOUNCED: Final = "The room ended here, and this client cannot tell why."


def status_of(closed: Closed) -> int:
    """Return the exit status: 0 left or ended, 3 refused, 4 removed, 1 otherwise."""
    return _STATUS[closed.reason]


def sentence_of(closed: Closed) -> str:
    """Return why the room is over, for a person. Programs read the code."""
    if not closed.text:
        return CLOSE_SENTENCES[closed.reason]
    return closed.text


class RoomRunner:
    """Run one room until it is over. `show` is awaited for each event, in order."""

    def __init__(self, room: RoomLike, show: Callable[[AnyEvent], Awaitable[None]]) -> None:
        self._room = room
        self._show = show
        self._closed: Closed | None = None
        self._entered = asyncio.Event()
        self._over = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None

    @property
    def entered(self) -> asyncio.Event:
        """Set once the room takes commands."""
        return self._entered

    async def run(self) -> Closed:
        """Enter, show every event, and return the last one."""
        self._life = asyncio.create_task(self._live())
        catch_signals(self.leave, partial(self.leave, _END_WITHIN))
        waits = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({self._life, waits}, return_when=asyncio.FIRST_COMPLETED)
            if not self._life.done():
                # The room is over for this client. Closing its connection may take this long.
                await asyncio.wait({self._life}, timeout=_CLOSE_WITHIN)
        finally:
            self._life.cancel()
            waits.cancel()
        if self._closed is None:
            # The mode may have stopped taking events, too.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.tell(Closed(CloseReason.LEFT)), _SHOW_WITHIN)
        return self._closed or Closed(CloseReason.LEFT)

    def leave(self, within: float = LEAVE_WITHIN) -> None:
        """Begin to leave. It never fails: without the relay, nothing is sent.

        A second call stops waiting for the relay.
        """
        if self._leaving is None and self._life is not None:
            self._leaving = asyncio.create_task(self._leave(within))
            return
        self._over.set()
        if self._life is not None:
            self._life.cancel()

    async def tell(self, event: AnyEvent) -> None:
        """Show `event`, unless `Closed` was shown."""
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
            text = f"Something went wrong in this client ({type(error).__name__}); it has left."
            await self._fail("internal", text, CloseReason.ERROR)
        if self._closed is None and self._leaving is None:
            await self.tell(Closed(CloseReason.ERROR, "internal", _UNANNOUNCED))

    async def _fail(self, code: str, text: str, reason: CloseReason) -> None:
        if self._leaving is not None:
            return  # an error while leaving is no news to a person who leaves
        await self.tell(Problem(code, text))
        await self.tell(Closed(reason, code, text))

    async def _leave(self, within: float) -> None:
        """Tell the relay and wait for the room's `Closed`, both at most `within` seconds."""
        assert self._life is not None
        try:
            if self._entered.is_set():
                async with asyncio.timeout(within):
                    await self._room.leave()
                    await self._over.wait()
        except Exception as error:
            # A failure keeps nobody in a room. The relay is then told nothing.
            debug(error)
        finally:
            self._over.set()
            if self._closed is None:
                self._life.cancel()


def catch_signals(interrupted: Callable[[], None], ended: Callable[[], None]) -> None:
    """Call `interrupted` on SIGINT, and `ended` when the watchdog asks for the end."""
    loop = asyncio.get_running_loop()
    watchdog.when_asked(partial(loop.call_soon_threadsafe, ended))
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(signal.SIGINT, interrupted)


def debugging() -> bool:
    """Return whether tracebacks are wanted. They hold names and texts of the room."""
    return os.environ.get("ALCOVE_DEBUG") == "1"


def debug(error: Exception) -> None:
    """Print the traceback if tracebacks are wanted."""
    if debugging():
        traceback.print_exception(error, file=sys.stderr)


def own_fault(error: Exception) -> str:
    """Return what a person is told when a command met a defect of this client."""
    debug(error)
    return f"That did not work, for a fault of this client ({type(error).__name__})."


def _reason(error: AlcoveError) -> CloseReason:
    if isinstance(error, Refused):
        return CloseReason.REFUSED
    if isinstance(error, RoomClosed):
        with suppress(ValueError):
            return CloseReason(error.code)
    return CloseReason.ERROR
