"""The transport of one client, as far as the core knows it.

The core sends the bytes of WebSocket frames as they stand on the wire. So a frame for many members
is encoded once, and all of them are given the same object.
"""

from collections.abc import Callable
from typing import Final, Protocol


class Close:
    """WebSocket close codes, docs/protocol.md section 12."""

    DONE: Final = 1000
    GOING_AWAY: Final = 1001
    TEXT_FRAME: Final = 1003
    NOT_UTF8: Final = 1007
    REFUSED: Final = 1008
    TOO_LARGE: Final = 1009
    RESTARTING: Final = 1012
    TRY_AGAIN: Final = 1013
    SLOW_CONSUMER: Final = 4001
    REPLACED: Final = 4002
    REMOVED: Final = 4003
    ENDED: Final = 4004


class Outlet(Protocol):
    """One transport. It never raises, and it never calls the core from inside `write` or `close`.
    What it reports (closed, too slow, drained) it reports from the event loop."""

    @property
    def backlog(self) -> int:
        """Bytes that wait to be sent."""

    @property
    def write(self) -> Callable[[bytes], object]:
        """A function that sends, or queues, the bytes of one or more frames. It does nothing once
        the transport is closed. It may be another function each time, so callers do not keep it."""

    def probe(self) -> None:
        """Ask the client for a sign of life."""

    @property
    def silent(self) -> bool:
        """Whether nothing came from the client since `probe`."""

    def close(self, code: int) -> None:
        """Close after what was sent so far."""
