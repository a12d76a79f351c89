"""Where a connection's frames go. The relay's logic knows this much of a transport, and no more."""

from typing import Protocol

from alcove_protocol.frames import Frame


class Close:
    """WebSocket close codes, docs/protocol.md section 12."""

    DONE = 1000
    GOING_AWAY = 1001
    TEXT_FRAME = 1003
    NOT_UTF8 = 1007
    REFUSED = 1008
    TOO_LARGE = 1009
    RESTARTING = 1012
    TRY_AGAIN = 1013
    SLOW_CONSUMER = 4001
    REPLACED = 4002
    REMOVED = 4003
    ENDED = 4004


class Message:
    """The payload of one outgoing WebSocket message, or of several in a row. A room's members share
    one object, so that whatever is derived from it (`framed`) is derived once."""

    __slots__ = ("_framed", "payloads")

    def __init__(self, *payloads: bytes) -> None:
        self.payloads = payloads
        self._framed = b""

    @classmethod
    def of(cls, frame: Frame) -> "Message":
        return cls(frame.to_bytes())

    @classmethod
    def joined(cls, messages: "list[Message]") -> "Message":
        """Several messages, to be written as one."""
        if len(messages) == 1:
            return messages[0]
        joined = cls(*(payload for message in messages for payload in message.payloads))
        joined._framed = b"".join([message.framed for message in messages])
        return joined

    @property
    def framed(self) -> bytes:
        """Each payload as an unmasked, final binary frame of RFC 6455 section 5.2."""
        if not self._framed:
            self._framed = b"".join([_header(len(one)) + one for one in self.payloads])
        return self._framed


def _header(size: int) -> bytes:
    if size < 126:
        return bytes((0x82, size))
    if size < 1 << 16:
        return b"\x82\x7e" + size.to_bytes(2, "big")
    return b"\x82\x7f" + size.to_bytes(8, "big")


class Outlet(Protocol):
    """One transport. It never raises and never calls back into the connection from inside `send` or
    `close`: what it has to report (closed, too slow, drained) it reports from the event loop."""

    @property
    def backlog(self) -> int:
        """Bytes that wait to be sent."""

    def send(self, message: Message) -> None:
        """Send, or queue; nothing once closed."""

    def send_last(self, message: Message) -> None:
        """The same at the end of a turn, of a message that nothing is likely to follow."""

    def close(self, code: int) -> None:
        """Close after what was sent so far."""
