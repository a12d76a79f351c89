"""The standard streams as they may be: closed, broken, or not there at all."""

import os
import sys
from contextlib import suppress


def fill_in() -> None:
    """Put the null device where a standard descriptor is closed.

    Else the next file to be opened would take its number: a socket that stood in the place of
    standard output would be written what was decrypted.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is taken: this one, since those below are open by now.
            os.open(os.devnull, os.O_RDWR)


def complain(sentence: str) -> None:
    """One sentence on standard error, if anybody can read it there."""
    if sys.stderr is not None:  # and never on standard output, where `print` would turn to
        with suppress(OSError):
            print(f"alcove: {sentence}", file=sys.stderr, flush=True)
