"""Standard output as whole lines, in order, without ever blocking the event loop.

A slow reader must not stop the heartbeats of a room, so a daemon thread writes. What may wait for
it is bounded: then `line` waits, and the room's own buffer holds the rest.
"""

import asyncio
import os
import queue
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_WAITING: Final = 256
"""Lines that may wait for the reader."""


class Output:
    """Lines to a file descriptor. `on_broken` is called once when nobody can read any more."""

    def __init__(self, fd: int, on_broken: Callable[[], None]) -> None:
        self._fd = fd
        self._on_broken = on_broken
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(_WAITING)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._broken = False
        self._done = asyncio.Event()
        for work in (self._write_all, self._watch):
            threading.Thread(target=work, name="stdout", daemon=True).start()

    async def line(self, data: bytes) -> None:
        """Write `data`, whose line end is included. Dropped when nobody can read any more."""
        await self._slots.acquire()
        self._lines.put(data)

    async def close(self, patience: float) -> None:
        """Wait until all is written, but not for ever: the reader may have stopped reading."""
        self._lines.put(None)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), patience)

    def _write_all(self) -> None:
        with suppress(RuntimeError):  # the loop has gone: so has everybody who waits for this
            while (data := self._lines.get()) is not None:
                if not self._broken:
                    self._write(data)
                self._loop.call_soon_threadsafe(self._slots.release)
            self._loop.call_soon_threadsafe(self._done.set)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                try:
                    view = view[os.write(self._fd, view) :]
                except BlockingIOError:  # a pipe that somebody else made non-blocking
                    select.select([], [self._fd], [])
        except OSError:
            self._break()

    def _watch(self) -> None:
        """Notice that the reader has gone also while there is nothing to write."""
        if not hasattr(select, "poll"):
            return
        poll = select.poll()
        poll.register(self._fd, 0)
        # A closed descriptor counts too. A regular file is never reported.
        if any(what & (select.POLLERR | select.POLLHUP) for _, what in poll.poll()):
            with suppress(RuntimeError):
                self._break()

    def _break(self) -> None:
        self._loop.call_soon_threadsafe(self._tell_broken)

    def _tell_broken(self) -> None:
        if not self._broken:
            self._broken = True
            self._on_broken()
