"""The two frames that nearly all traffic consists of, read without the library's parser.

A client sends a message as one final, masked, binary frame, which mostly arrives in one piece. It
answers pings with empty pongs. This file reads exactly these at a tenth of the cost of the
`websockets` library, and leaves all other bytes to the library. Nothing is refused here, so no rule
of RFC 6455 is judged twice. Tests compare the two ways on all kinds of bytes.
"""

from types import GeneratorType
from typing import Final

from websockets.protocol import Protocol, State
from websockets.streams import StreamReader

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

_FINAL_BINARY: Final = 0x82
_FINAL_PONG: Final = 0x8A
_EMPTY_PONG: Final = bytes((_FINAL_PONG, 0x80, 0, 0, 0, 0))
_SHORT: Final = range(0x80, 0x80 + 126)
"""The second byte of a masked frame that holds its length in that byte."""
_MEDIUM: Final = 0x80 + 126
"""The second byte of one that holds it in the next two. Longer frames do not come in one piece."""
_BETWEEN_FRAMES: Final = StreamReader.at_eof.__code__


def message(data: bytes, most: int) -> bytes | None:
    """The payload, if the bytes are one whole frame as above of at most `most` bytes, else None."""
    size = len(data)
    if size < 8 or data[0] != _FINAL_BINARY:
        return None
    second = data[1]
    if second in _SHORT:
        length, start = second - 0x80, 6
    elif second == _MEDIUM:
        length, start = data[2] << 8 | data[3], 8
    else:
        return None
    if length > most or size != start + length:
        return None
    return apply_mask(data[start:], data[start - 4 : start])


def is_pong(data: bytes) -> bool:
    """Whether the bytes are one pong without a payload, as a client answers the relay's pings:
    10,000 idle clients send 500 of them a second."""
    return len(data) == 6 and data[0] == _FINAL_PONG and data[1] == 0x80


def forget_last(protocol: Protocol) -> None:
    """Drop the frame that the library read last. Its parser holds that frame until it has read the
    next one, which for a silent client may be 2.5 MB for good. So it is given an empty one. To be
    called only while `expected`."""
    protocol.receive_data(_EMPTY_PONG)
    protocol.events_received()


def release(protocol: Protocol) -> None:
    """Drop all that the library has read, once the connection is gone. The library refers to
    itself, and so does the error with which its parser ended. It would keep 2.5 MB of half a
    message until the collector of cycles runs."""
    protocol.parser.close()
    protocol.parser_exc = None
    protocol.reader.discard()


def expected(protocol: Protocol) -> bool:
    """Whether the next byte that the library gets begins a message: the connection is open, and the
    library has no part of a frame, and no fragment of a message."""
    parser = protocol.parser
    waits_in = parser.gi_yieldfrom if isinstance(parser, GeneratorType) else None
    return (
        protocol.state is State.OPEN
        and isinstance(waits_in, GeneratorType)
        and waits_in.gi_code is _BETWEEN_FRAMES
        and protocol.current_size is None
        and not protocol.reader.buffer
    )
