"""End the process when a signal or a dead terminal asks for it, even while the program hangs.

The event loop cannot promise that: a screen that nothing reads can block it, and a blocked loop
handles no signal. So threads wait for the signals and for the end of the terminal. They ask the
program to leave the room. `GRACE` seconds later they end the process themselves.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from alcove.cli import last_act

GRACE: Final = 2.0
"""Seconds from a signal, or from the end of the terminal, to the end of the process."""
STATUS_OF_SIGNAL: Final = 128
"""Added to the signal's number it is the exit status of a process that was ended by force."""


class Watchdog:
    """One for each process. `start` it before any other thread, from the main thread."""

    def __init__(
        self,
        sleep: Callable[[float], None] = time.sleep,
        end: Callable[[int], None] = last_act.exit_now,
    ) -> None:
        self._sleep = sleep
        self._end = end
        self._ask: Callable[[], object] | None = None
        self._settings: list[Any] | None = None
        self._ending = threading.Lock()
        self._started = False

    def start(self) -> None:
        """Take over SIGHUP and SIGTERM, and watch standard input and output."""
        self._started = True
        with suppress(ImportError, OSError):
            self._settings = _terminal_settings()
        if hasattr(signal, "pthread_sigmask"):
            # Under `nohup` SIGHUP is ignored: the program is to outlive the session.
            taken = [
                number
                for number in (signal.SIGHUP, signal.SIGTERM)
                if signal.getsignal(number) != signal.SIG_IGN
            ]
            # Every thread that starts later inherits this. Only the one below takes the signals.
            signal.pthread_sigmask(signal.SIG_BLOCK, taken)
            self._run(self._wait_for_signal, taken)
        if hasattr(select, "poll"):
            self._run(self._wait_for_terminal)

    def when_asked(self, ask: Callable[[], object]) -> None:
        """Call `ask`, from another thread, when the program is to leave."""
        self._ask = ask

    def bound(self, status: int, seconds: float = GRACE) -> None:
        """End the process with `status` after `seconds`, unless it ends before.

        Only the command `alcove` starts the watchdog. A program that runs a part of it lives on.
        """
        if self._started:
            self._run(self._end_after, seconds, status)

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, name="watchdog", daemon=True).start()

    def _wait_for_signal(self, taken: list[signal.Signals]) -> None:
        self.alarm(STATUS_OF_SIGNAL + signal.sigwait(taken))

    def _wait_for_terminal(self) -> None:
        poll = select.poll()
        # The end of a pipe is only the end of the commands. The end of a terminal is more.
        for descriptor in (0, 1) if os.isatty(0) else (1,):
            poll.register(descriptor, 0)
        # Regular files are never reported.
        poll.poll()
        self.alarm(STATUS_OF_SIGNAL + signal.SIGHUP)

    def alarm(self, status: int) -> None:
        """Ask the program to leave. End the process with `status` if it is still there later."""
        if self._ask is not None:
            with suppress(Exception):  # a loop that has stopped
                self._ask()
            self._sleep(GRACE)
        self._end_after(0, status)

    def _end_after(self, seconds: float, status: int) -> None:
        if seconds:
            self._sleep(seconds)
        self._ending.acquire()  # for good: the process ends once
        self._restore_terminal()
        self._end(status)

    def _restore_terminal(self) -> None:
        """Put the terminal's settings back, and drop what was typed but not read."""
        if self._settings is None:
            return
        import termios

        # Blocked, the signal does not stop a process in the background that sets its terminal.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
        with suppress(termios.error, OSError):
            termios.tcsetattr(0, termios.TCSANOW, self._settings)
            termios.tcflush(0, termios.TCIFLUSH)

    def finish(self, status: int) -> None:
        """End the process with `status`, at once. The last act of the main thread."""
        self._end_after(0, status)


def _terminal_settings() -> list[Any] | None:
    import termios

    return termios.tcgetattr(0) if os.isatty(0) else None


watchdog: Final = Watchdog()
"""That of this process, as signals and terminals are those of a process."""
