"""What each signal means to the relay. None ends it but those that say stop.

    SIGTERM, SIGINT, SIGQUIT    stop in order: clients are told to come back
    SIGHUP                      read the certificate again. Without TLS there is nothing to read
    SIGUSR1                     log the counts of refusals now
    all others                  nothing. They would end a process that has no handler for them

SIGKILL and SIGSTOP cannot be handled. The signals of a crash and those of a terminal's job control
stay as the system has them.

A start takes half a second, mostly imports. Signals that come then wait until there is a handler
(`hold`): without one they would end the process, and one that was ignored would be lost.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Final

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


def hold() -> None:
    """Let signals wait that mean something, and ignore all others. To be called first."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (*STOPPING, RELOADING, REPORTING))
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)


def stop_at_once() -> None:
    """Until the relay is ready, a signal that says stop is a `KeyboardInterrupt`. One that waits is
    raised here."""
    for number in STOPPING:
        signal.signal(number, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def handle(add: Callable[[int, Handler], object], reload: Handler, report: Handler) -> None:
    """Give meaning to the signals that do not stop the relay, those that wait too. `add` is the
    event loop's `add_signal_handler`."""
    add(RELOADING, reload)
    add(REPORTING, report)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (RELOADING, REPORTING))
