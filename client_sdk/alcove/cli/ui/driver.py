"""A driver for Textual whose writes never block the event loop.

Textual's own writer has a queue of 30 places and waits for a free one. While a terminal takes
nothing, such as after Ctrl+S or while ssh hangs, the whole program would stop: the room, its
heartbeats, and the quick exit.
"""

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from textual.drivers.linux_driver import LinuxDriver

_WAITING: Final = 256 * 1024
"""Characters that may wait for the terminal, some 20 screens."""
_CLOSE_WITHIN: Final = 0.5
"""Seconds that the terminal has to take the last of them."""


class ScreenWriter:
    """Write texts to a terminal, in order, from a thread.

    Text beyond the bound is dropped until the terminal has taken all that waits. Then `repaint` is
    called, from the thread.
    """

    def __init__(self, descriptor: int, repaint: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._repaint = repaint
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        self._dropping = False
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Write `text`, soon. Never waits."""
        with self._lock:
            self._dropping = self._dropping or self._waiting + len(text) > _WAITING
            if self._dropping:
                return
            self._waiting += len(text)
        self._texts.put(text)

    def close(self, within: float = _CLOSE_WITHIN) -> None:
        """Wait at most `within` seconds until all is written."""
        self._texts.put(None)
        self._thread.join(within)

    def _run(self) -> None:
        with suppress(OSError):  # the terminal has gone, and the watchdog knows
            while (text := self._texts.get()) is not None:
                view = memoryview(text.encode("utf-8", "replace"))
                while view:
                    view = view[os.write(self._descriptor, view) :]
                self._took(len(text))

    def _took(self, length: int) -> None:
        with self._lock:
            self._waiting -= length
            repaint = self._dropping and not self._waiting
            self._dropping = self._dropping and not repaint
        if repaint:
            self._repaint()


class PatientDriver(LinuxDriver):
    """Textual's driver for terminals, with a `ScreenWriter`."""

    _writer: ScreenWriter | None = None

    def start_application_mode(self) -> None:
        assert self._file is not None  # there is a terminal
        self._writer = ScreenWriter(self._file.fileno(), self._repaint)
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual gives no types

    def write(self, data: str) -> None:
        if self._writer is not None:
            self._writer.write(data)

    def close(self) -> None:
        super().close()
        if self._writer is not None:
            self._writer.close()

    def run_input_thread(self) -> None:
        with suppress(OSError):  # the terminal has gone, and the watchdog knows
            super().run_input_thread()

    def _repaint(self) -> None:
        with suppress(RuntimeError):  # the loop has stopped
            self._loop.call_soon_threadsafe(self._app.refresh)
