"""What a reply of Redis means to the caller of the store."""

from __future__ import annotations

import logging
from functools import cache

import hiredis
from alcove_protocol.errors import Refusal

from alcove_server.store.redis.gate import Reply
from alcove_server.store.values import RosterMoved

log = logging.getLogger(__name__)


@cache
def _say(kind: str) -> None:
    """Log once of each kind that Redis refused a script."""
    log.error("Redis refused a script: %s", kind)


@cache
def _say_full() -> None:
    """Log once. The line that counts refusals says later how many were told `busy`."""
    log.warning("Redis is full: what needs memory is refused as busy until rooms end (maxmemory)")


def failure_of(reply: Reply) -> Exception | None:
    """The exception that a reply stands for, or None. What cannot be reached, or may have happened
    without an answer, is `unavailable`."""
    if isinstance(reply, ConnectionError):
        return Refusal("unavailable")
    if isinstance(reply, hiredis.ReplyError):
        kind, _, rest = str(reply).partition(" ")
        if kind == "REFUSED":
            return Refusal(rest.split()[0])
        if kind == "ROSTER":
            return RosterMoved()
        if kind == "OOM":
            _say_full()
            return Refusal("busy")
        _say("a room of another version of the relay" if kind == "LAYOUT" else kind)
        return Refusal("unavailable")
    return None
