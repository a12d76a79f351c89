"""The standard streams, which may be closed, broken or absent."""

import os
import sys
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
            print(f"alcove: {sentence}", file=sys.stderr, flush=True)
