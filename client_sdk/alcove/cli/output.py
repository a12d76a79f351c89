"""Standard output as whole lines, in order. The event loop never blocks.

A slow reader must not stop the heartbeats of a room, so a daemon thread writes. The lines that wait
for it are bounded: at the bound `line` waits, and the room's own buffer holds the rest.
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
    """Write lines to a file descriptor. `on_broken` is called once, when its reader has gone."""

    def __init__(self, fd: int, on_broken: Callable[[], None]) -> None:
        self._fd = fd
        self._on_broken = on_broken
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(_WAITING)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._broken = False
        self._done = asyncio.Event()
        threading.Thread(target=self._write_all, name="stdout", daemon=True).start()

    async def line(self, data: bytes) -> None:
        """Write `data`, which ends with a line end. It is dropped once the reader has gone."""
        await self._slots.acquire()
        self._lines.put(data)

    async def close(self, patience: float) -> None:
        """Wait at most `patience` seconds until all is written: the reader may have stopped."""
        self._lines.put(None)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), patience)

    def _write_all(self) -> None:
        with suppress(RuntimeError):  # the loop has gone, and with it every task that waits
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
                except BlockingIOError:  # another program made the pipe non-blocking
                    select.select([], [self._fd], [])
        except OSError:
            self._break()

    def _break(self) -> None:
        self._loop.call_soon_threadsafe(self._tell_broken)

    def _tell_broken(self) -> None:
        if not self._broken:
            self._broken = True
            self._on_broken()
