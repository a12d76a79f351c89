"""The logger `alcove`: what happens in a room, without anything personal at any level.

A record has names of types, codes, and places in source files. It has no name, text, id, invite
or address, and no words of an exception, because a program's exception may quote any of them. The
whole exception is raised when the room is left.

DEBUG      each event, by its type
INFO       the state of the connection and of the room, problems, the end
WARNING    a handler that is too slow, or that does not end
ERROR      a handler or this program failed, with the places it failed at
"""

import logging
import re
import traceback
from pathlib import Path
from typing import Final

from alcove import events
from alcove.events import AnyEvent

LOGGER: Final = logging.getLogger("alcove")
_CODE: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
"""A relay chooses some codes. What is none of the protocol's may be anything, and is not logged."""
CAUSES: Final = 10
"""Exceptions of one chain whose places are logged."""


def event(told: AnyEvent) -> None:
    """An event was handed out."""
    match told:
        case events.ConnectionChanged(state):
            LOGGER.info("connection %s", state.value)
        case events.RoomChanged(state):
            LOGGER.info("room %s", state.value)
        case events.Problem():
            LOGGER.info("problem %s", _code(told.code))
        case events.Closed():
            LOGGER.info("closed %s %s", told.reason.value, _code(told.code))
        case _:
            LOGGER.debug("event %s", type(told).__name__)


def connection_failed(code: str) -> None:
    """A try to reach the relay failed."""
    LOGGER.info("connection failed: %s", _code(code))


def failed(what: str, error: BaseException) -> None:
    """A part of the program raised `error`. `what` is the name of a function or of a part."""
    LOGGER.error("%s failed: %s", what, places(error))


def behind(what: str) -> None:
    """A handler is so far behind that it loses events."""
    LOGGER.warning("%s is behind; its oldest events are dropped", what)


def stuck(what: str) -> None:
    """A handler was cancelled, because the room is left and it did not end."""
    LOGGER.warning("%s did not end in time; it was cancelled", what)


def places(error: BaseException) -> str:
    """The types of an exception and its causes, with file, line and function, and no values."""
    parts: list[str] = []
    one: BaseException | None = error
    while one is not None and len(parts) < CAUSES:
        frames = traceback.extract_tb(one.__traceback__)
        # Of a path only its end: a home folder often has the name of a person.
        where = [f"  {Path(at.filename).name}, line {at.lineno}, in {at.name}" for at in frames]
        parts.append("\n".join([type(one).__name__, *where]))
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\ncaused by ".join(parts)


def _code(code: str) -> str:
    if not code:
        return "-"
    return code if _CODE.fullmatch(code) else "unknown"
