"""Standard input as lines of bounded length. The event loop never blocks.

A daemon thread reads. That works for pipes, files and terminals, and a read that never returns does
not keep the process from ending.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final, TypeVar

T = TypeVar("T")

_CHUNK: Final = 16 * 1024


class TooLong:
    """A line longer than the bound. Nothing of it is kept."""


class LineSplitter:
    """Split bytes into lines. It holds at most one line of the permitted length."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | TooLong]:
        lines: list[bytes | TooLong] = []
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._hold(part)
            lines.append(self._take())
        self._hold(rest)
        return lines

    def end(self) -> list[bytes | TooLong]:
        """Return the rest, which has no line end."""
        return [self._take()] if self._held or self._skipping else []

    def _hold(self, part: bytes) -> None:
        if self._skipping or len(self._held) + len(part) > self._most:
            self._skipping = True
            self._held.clear()
        else:
            self._held += part

    def _take(self) -> bytes | TooLong:
        line = TooLong() if self._skipping else bytes(self._held)
        self._held.clear()
        self._skipping = False
        return line


class Lines:
    """Lines of a file descriptor, by `async for`. The first can be read before any loop runs."""

    def __init__(self, fd: int, most: int) -> None:
        self._fd = fd
        self._splitter = LineSplitter(most)
        self._ready: list[bytes | TooLong] = []
        self._ended = False

    def first(self) -> bytes | TooLong | None:
        """Wait for the next line and return it; None at the end of input."""
        while not self._ready and not self._ended:
            self._ready += self._read()
        return self._ready.pop(0) if self._ready else None

    def _read(self) -> list[bytes | TooLong]:
        data = self._read_some()
        return self._splitter.feed(data) if data else self._splitter.end()

    def _read_some(self) -> bytes:
        """Wait for input. Empty at its end."""
        try:
            data = os.read(self._fd, _CHUNK)
        except OSError:
            data = b""
        self._ended = self._ended or not data
        return data

    async def __aiter__(self) -> AsyncIterator[bytes | TooLong]:
        for line in self._ready:
            yield line
        self._ready.clear()
        async for batch in self._batches(self._read):
            for line in batch:
                yield line

    async def keys(self) -> AsyncIterator[bytes]:
        """What a terminal sends, key by key, in the place of lines."""
        async for data in self._batches(self._read_some):
            yield data

    async def _batches(self, read_batch: Callable[[], T]) -> AsyncIterator[T]:
        loop = asyncio.get_running_loop()
        batches: asyncio.Queue[T | None] = asyncio.Queue()
        # One batch at a time: a program that writes faster than the room takes waits in its pipe.
        taken = threading.Semaphore(0)

        def read() -> None:
            # The loop may be gone when a read returns. Then nothing needs the lines.
            with suppress(RuntimeError):
                while not self._ended:
                    loop.call_soon_threadsafe(batches.put_nowait, read_batch())
                    taken.acquire()
                loop.call_soon_threadsafe(batches.put_nowait, None)

        threading.Thread(target=read, name="stdin", daemon=True).start()
        while (batch := await batches.get()) is not None:
            yield batch
            taken.release()
