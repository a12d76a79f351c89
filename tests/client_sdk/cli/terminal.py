"""A terminal for one process: the screen, and every byte that was written to it."""

import asyncio
import fcntl
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Self

import pyte

from tests.client_sdk.cli.process import FAKE, ROOT, WITHIN

ENTER: Final = "\r"
ESCAPE: Final = "\x1b"
TAB: Final = "\t"
QUICK_EXIT: Final = "\x18"
CLEAR: Final = "\x15"
PAGE_UP: Final = "\x1b[5~"
PAGE_DOWN: Final = "\x1b[6~"
END: Final = "\x1b[F"
F2: Final = "\x1bOQ"
F3: Final = "\x1bOR"
F4: Final = "\x1bOS"
F5: Final = "\x1b[15~"


class Terminal:
    """Runs `python …` with a terminal of `columns` by `rows`, by `async with`."""

    def __init__(
        self,
        *arguments: str,
        run: Sequence[str] = FAKE,
        columns: int = 100,
        rows: int = 30,
        environment: dict[str, str] | None = None,
    ) -> None:
        self._command = [sys.executable, *run, *arguments]
        self._size = (rows, columns)
        self._environment = {"TERM": "xterm-256color", "COLORTERM": ""} | (environment or {})
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self.raw = b""

    async def __aenter__(self) -> Self:
        self._master, worker = os.openpty()
        fcntl.ioctl(worker, termios.TIOCSWINSZ, struct.pack("HHHH", *self._size, 0, 0))
        settings = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        self.process = subprocess.Popen(  # noqa: ASYNC220  (it returns at once)
            self._command,
            cwd=ROOT,
            env=settings | self._environment,
            stdin=worker,
            stdout=worker,
            stderr=worker,
            start_new_session=True,
        )
        os.close(worker)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WITHIN)
        if self._master >= 0:
            self.hang_up()

    def stop_reading(self) -> None:
        """Stall, as after Ctrl+S: what the process writes fills the terminal."""
        asyncio.get_running_loop().remove_reader(self._master)

    def hang_up(self) -> None:
        """Go away, as a window that is closed."""
        self.stop_reading()
        os.close(self._master)
        self._master = -1

    def _read(self) -> None:
        data = b""
        with suppress(OSError):  # Linux says so when the other side has closed
            data = os.read(self._master, 65536)
        if data:
            self.raw += data
            self._stream.feed(data)
        else:
            asyncio.get_running_loop().remove_reader(self._master)
            self._ended.set()
        self._news.set()

    @property
    def shown(self) -> str:
        """The screen, line by line."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    async def see(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        await self._until(lambda: all(text in self.shown for text in texts), f"see {texts}")

    async def see_times(self, text: str, times: int) -> None:
        """Wait until `text` is on the screen as often as this."""
        await self._until(lambda: self.shown.count(text) == times, f"see {text} {times} times")

    async def see_no(self, *texts: str) -> None:
        """Wait until none of these is on the screen."""
        await self._until(lambda: all(text not in self.shown for text in texts), f"no {texts}")

    async def _until(self, holds: object, what: str) -> None:
        assert callable(holds)
        try:
            async with asyncio.timeout(WITHIN):
                while not holds():
                    assert not self._ended.is_set(), f"ended before {what}:\n{self.shown}"
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"waited in vain to {what}:\n{self.shown}") from None

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    async def end(self) -> int:
        """Wait until the process has ended. Return its exit status."""
        async with asyncio.timeout(WITHIN):
            await self._ended.wait()
        return self.process.wait(WITHIN)

    @property
    def remains(self) -> bytes:
        """The bytes outside the alternate screen, which stay in the scrollback."""
        outside = b""
        for part in self.raw.split(b"\x1b[?1049l"):
            outside += part.partition(b"\x1b[?1049h")[0]
        return outside
