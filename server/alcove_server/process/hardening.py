"""What the process takes from the system before it does anything else, and what it forbids.

The memory of a relay holds ciphertext and the present connections. A core dump would write that to
a disk, and another program of the same user could read it through `ptrace`. Both are forbidden.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import sys
from collections.abc import Iterator
from typing import Final

from alcove_server.settings import Settings

log = logging.getLogger(__name__)

_PR_SET_DUMPABLE: Final = 4
"""prctl(2)."""
STANDARD_STREAMS: Final = 3
SPARE_DESCRIPTORS: Final = 256
"""Descriptors beside those of `connections`: connections that are turned away or are for health,
the port for health, listeners, the event loop's own, and files that are read for a moment."""


def open_standard_streams() -> None:
    """Open each closed standard stream on the null device. Otherwise a client's connection would
    take its number, and libuv aborts the process when it closes such a number."""
    for number in range(STANDARD_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, and that is this one.
            os.open(os.devnull, os.O_RDWR)


def forbid_core_dumps() -> None:
    """No core dump, and no reading of this process's memory by programs of the same user. A sandbox
    may forbid to ask for either. The log says so, because the system has to see to it then."""
    with _or_a_warning("core dumps"):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with _or_a_warning("reading its memory"):
            # Here, because the import itself needs memory that a strict sandbox does not give.
            import ctypes

            if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


@contextlib.contextmanager
def _or_a_warning(what: str) -> Iterator[None]:
    try:
        yield
    except (ImportError, MemoryError, OSError, ValueError):
        log.warning("the system does not let the relay forbid %s", what)


def raise_descriptors() -> int | None:
    """Raise the limit of open files as far as the system lets this process. Return it, or None when
    there is none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # macOS says that there is no limit, and refuses to set that.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def check_descriptors(settings: Settings, limit: int | None) -> None:
    """Raises `ValueError` with one sentence when there are too few for `connections`."""
    needed = settings.connections + SPARE_DESCRIPTORS
    if limit is None or needed <= limit:
        return
    most = limit - SPARE_DESCRIPTORS
    instead = f"set --connections to at most {most} or raise" if most > 0 else "raise"
    raise ValueError(
        f"connections: {settings.connections} connections need {needed} open files, and the system"
        f" allows {limit}; {instead} the hard limit (LimitNOFILE=, ulimit -Hn)"
    )
