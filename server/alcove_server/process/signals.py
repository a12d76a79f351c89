"""What each signal means to the relay. None ends it but those that say stop.

    SIGTERM, SIGINT, SIGQUIT    stop in order: clients are told to come back
    SIGHUP                      read the certificate again. Without TLS there is nothing to read
    SIGUSR1                     log the counts of refusals now
    all others                  nothing. They would end a process that has no handler for them

SIGKILL and SIGSTOP cannot be handled. The signals of a crash and those of a terminal's job control
stay as the system has them.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
RELOADING: Final = signal.SIGHUP
REPORTING: Final = signal.SIGUSR1
_BY_NAME: Final = (
    "SIGALRM SIGIO SIGPIPE SIGPOLL SIGPROF SIGPWR SIGSTKFLT SIGUSR2 SIGVTALRM SIGXCPU SIGXFSZ"
)
IGNORED: Final = frozenset(
    getattr(signal, name) for name in _BY_NAME.split() if hasattr(signal, name)
) | frozenset(range(getattr(signal, "SIGRTMIN", 0), getattr(signal, "SIGRTMAX", -1) + 1))
"""Some systems lack some of these. The last are the real-time signals."""

Handler = Callable[[], object]


def ignore_until_ready() -> None:
    """To be called first: a signal that means nothing, or nothing yet, must not end a start."""
    for number in (*IGNORED, RELOADING, REPORTING):
        signal.signal(number, signal.SIG_IGN)


def handle(add: Callable[[int, Handler], object], reload: Handler, report: Handler) -> None:
    """Give meaning to the signals that do not stop the relay. `add` is the event loop's
    `add_signal_handler`."""
    add(RELOADING, reload)
    add(REPORTING, report)
