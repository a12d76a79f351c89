"""The log of unforeseen errors: their kind and their place, and nothing that they quote."""

import logging
import traceback
from asyncio import AbstractEventLoop
from typing import Any

from alcove_protocol.errors import Refusal

log = logging.getLogger(__name__)


def report(error: BaseException) -> None:
    """Log the kind and the place of an error, not its message: that may quote what a client sent.
    A refusal is foreseen, and for a client to hear, so it is not logged."""
    if isinstance(error, Refusal):
        return
    places = traceback.extract_tb(error.__traceback__)
    where = f"{places[-1].filename}:{places[-1].lineno}" if places else "an unknown place"
    log.error("%s at %s", type(error).__name__, where)


def report_from_loop(loop: AbstractEventLoop, context: dict[str, Any]) -> None:  # asyncio's type
    """The same for an error that reaches the event loop, which then closes its connection. A broken
    connection, or TLS that failed on it, is no fault of the relay's and not logged."""
    del loop
    error = context.get("exception")
    if isinstance(error, BaseException) and not isinstance(error, OSError):
        report(error)
