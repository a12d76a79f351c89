"""What is said of an error that nobody foresaw: its kind and its place, and nothing it quotes."""

import logging
import traceback
from asyncio import AbstractEventLoop
from typing import Any

from alcove_protocol.errors import Refusal

log = logging.getLogger(__name__)


def report(error: BaseException) -> None:
    """Log it. The message of an error may quote what a client sent, so only the place where it
    happened is told. A refusal is foreseen, and for a client to hear."""
    if isinstance(error, Refusal):
        return
    places = traceback.extract_tb(error.__traceback__)
    where = f"{places[-1].filename}:{places[-1].lineno}" if places else "an unknown place"
    log.error("%s at %s", type(error).__name__, where)


def report_from_loop(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """The same for what reaches the event loop, which then closes the connection it happened on.
    That a connection broke, or TLS failed on it, is no fault, and not told."""
    del loop
    error = context.get("exception")
    if isinstance(error, BaseException) and not isinstance(error, OSError):
        report(error)
