"""What went over one connection, read as the frames of docs/protocol.md: the evening has no TLS."""

from collections.abc import Iterator

from alcove_protocol import frames
from alcove_protocol.frames import Frame
from websockets.utils import apply_mask

_BINARY = 2
_LENGTHS = {126: 2, 127: 8}


def frames_of_client(stream: bytes) -> list[Frame]:
    """What a client sent so far, without what has come in part."""
    return [frames.from_client(message) for message in _messages(stream)]


def frames_of_relay(stream: bytes) -> list[Frame]:
    """What the relay sent so far, without what has come in part."""
    return [frames.from_relay(message) for message in _messages(stream)]


def _messages(stream: bytes) -> Iterator[bytes]:
    """The binary messages behind the opening handshake (RFC 6455, section 5.2). Neither side of
    ours breaks a message into several frames."""
    at = stream.find(b"\r\n\r\n") + 4
    while 4 <= at <= len(stream) - 2:
        first, second = stream[at], stream[at + 1]
        at += 2
        size, wide = second & 0x7F, _LENGTHS.get(second & 0x7F, 0)
        if wide:
            size, at = int.from_bytes(stream[at : at + wide]), at + wide
        mask, at = (stream[at : at + 4], at + 4) if second & 0x80 else (bytes(4), at)
        if at + size > len(stream):
            return
        if first & 0x0F == _BINARY:
            yield apply_mask(stream[at : at + size], mask)
        at += size
