"""Where a connection's frames go. The relay's logic knows this much of a transport, and no more.

What is sent is the bytes of WebSocket frames as they stand on the wire: whoever makes a frame for
many members makes these bytes once, and all of them are given the same.
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


def header(size: int) -> bytes:
    """The header of an unmasked, final binary frame of RFC 6455 section 5.2, for a payload of so
    many bytes."""
    if size < 126:
        return bytes((0x82, size))
    if size < 1 << 16:
        return b"\x82\x7e" + size.to_bytes(2, "big")
    return b"\x82\x7f" + size.to_bytes(8, "big")


def framed(payload: bytes) -> bytes:
    """A payload as one frame."""
    return header(len(payload)) + payload


class Outlet(Protocol):
    """One transport. It never raises and never calls back into the connection from inside `write`
    or `close`: what it has to report (closed, too slow, drained) it reports from the event loop."""

    @property
    def backlog(self) -> int:
        """Bytes that wait to be sent."""

    @property
    def write(self) -> Callable[[bytes], object]:
        """Sends, or queues, the bytes of one or more frames; does nothing once closed. It may be
        another function each time, and is not to be kept."""

    def close(self, code: int) -> None:
        """Close after what was sent so far."""
