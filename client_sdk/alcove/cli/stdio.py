"""The standard streams, which may be closed, broken or absent."""

import os
import sys
import textwrap
from contextlib import suppress


def fill_in() -> None:
    """Put the null device where a standard descriptor is closed.

    Otherwise the next file would take its number: a socket in the place of standard output would
    receive decrypted texts.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # `open` takes the lowest free number, which is this one: those below are open by now.
            os.open(os.devnull, os.O_RDWR)


def complain(sentence: str) -> None:
    """Write one sentence to standard error, if it is open."""
    if sys.stderr is not None:  # without it `print` would write to standard output
        with suppress(OSError):
            print(_wrapped(f"alcove: {sentence}"), file=sys.stderr, flush=True)


def _wrapped(text: str) -> str:
    """Break a line at its spaces, where a terminal would break it within a word."""
    with suppress(OSError, ValueError):
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        if columns > 0:
            return "\n".join(textwrap.wrap(text, columns, break_on_hyphens=False))
    return text


def flush() -> None:
    """Write what Python's streams still hold, if there is a reader."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()


def forbid_core_dumps() -> None:
    """Keep the memory of a crash, with texts and keys, from being written to a disk."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
