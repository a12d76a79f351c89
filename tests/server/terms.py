"""The terms of one connection, for tests of a `WebSocket` without a relay around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from alcove_protocol import limits
from alcove_server.net.inbox import Inbox
from alcove_server.net.keepalive import Keepalive, Stalled
from alcove_server.net.shares import Shares
from alcove_server.net.terms import Terms
from alcove_server.net.unfinished import Unfinished
from alcove_server.ports.turn import Turn

SECONDS = 60.0


def at_once(act: Callable[[], None]) -> None:
    """Each turn ends as soon as its budget is used up."""
    act()


def terms(
    clock: Callable[[], float],
    loop: object,
    *,
    unfinished: Unfinished | None = None,
    slots: int = 1,
    queue_bytes: int = limits.MIB,
    later: Callable[[Callable[[], None]], None] = at_once,
    unsent: int = 1 << 40,
) -> Terms:
    """`later` ends a turn of the loop."""
    return Terms(
        clock,
        cast(Any, loop),  # a real loop, or a stand-in that knows what the test needs
        Keepalive(slots),
        Stalled(clock, 20.0),
        unfinished if unfinished is not None else Unfinished(clock, SECONDS, limits.MIB),
        Inbox(Turn(later)),
        Shares(unsent),
        queue_bytes,
        1.0,
    )
