"""What a client may send and what has to come back: a table, by the numbers of Autobahn|Testsuite's
groups 1 to 7, 9 and 10. (8 does not exist, 12 and 13 are about compression.)"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from websockets.utils import apply_mask

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN: Final = 0x80
PROTOCOL_ERROR, NOT_UTF8, TOO_LARGE = 1002, 1007, 1009
MOST: Final = limits.FRAME

Said = tuple[int, bytes]


def sent(first: int, payload: bytes = b"") -> bytes:
    """A client's frame, under a mask that changes every byte."""
    mask, size = b"\x37\xfa\x21\x3d", len(payload)
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 1 << 16:
        head = bytes([first, 0xFE]) + struct.pack("!H", size)
    else:
        head = bytes([first, 0xFF]) + struct.pack("!Q", size)
    return head + mask + apply_mask(payload, mask)


def closing(code: int, reason: bytes = b"") -> bytes:
    return sent(FIN | CLOSE, struct.pack("!H", code) + reason)


GOODBYE: Final = closing(1000)


@dataclass(frozen=True)
class Case:
    """Frames that a client sends, the answers without pongs, the pongs, and the close code: None
    for a close frame without one. A client that nothing has closed says goodbye with 1000."""

    name: str
    frames: tuple[bytes, ...]
    back: tuple[Said, ...] = ()
    pongs: tuple[bytes, ...] = ()
    code: int | None = 1000


def whole(case: Case) -> list[bytes]:
    """Everything that the client sends, the goodbye included where nothing else closes."""
    closed = case.code != 1000 or any(frame[0] & 15 == CLOSE for frame in case.frames)
    return [*case.frames] if closed else [*case.frames, GOODBYE]


SIZES: Final = (0, 125, 126, 127, 128, 65535, 65536)
HELLO: Final = b"Hello, world!"
ECHO: Final = ((TEXT, HELLO),)
SAY: Final = sent(FIN | TEXT, HELLO)


def group_1() -> Iterable[Case]:
    for size in SIZES:
        text, binary = b"*" * size, os.urandom(size)
        yield Case(f"1.1 text of {size}", (sent(FIN | TEXT, text),), ((TEXT, text),))
        yield Case(f"1.2 binary of {size}", (sent(FIN | BINARY, binary),), ((BINARY, binary),))


def group_2() -> Iterable[Case]:
    for name, payload in (
        ("2.1 empty", b""),
        ("2.2 text", HELLO),
        ("2.3 binary", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"),
        ("2.4 of 125", b"\xfe" * 125),
    ):
        yield Case(f"{name} ping", (sent(FIN | PING, payload),), pongs=(payload,))
    yield Case("2.5 ping of 126", (sent(FIN | PING, b"\xfe" * 126),), code=PROTOCOL_ERROR)
    yield Case("2.7 pong", (sent(FIN | PONG),))
    yield Case("2.8 pong with payload", (sent(FIN | PONG, b"unsolicited"),))
    both = (sent(FIN | PONG, b"unsolicited"), sent(FIN | PING, b"asked"))
    yield Case("2.9 pong, then ping", both, pongs=(b"asked",))
    ten = tuple(b"payload-%d" % number for number in range(10))
    yield Case("2.10 ten pings", tuple(sent(FIN | PING, one) for one in ten), pongs=ten)


def group_3() -> Iterable[Case]:
    for bits in range(1, 8):
        reserved = FIN | bits << 4
        for opcode in (TEXT, BINARY, PING, PONG, CLOSE):
            payload = b"\x03\xe8" if opcode == CLOSE else b"x"
            frame = sent(reserved | opcode, payload)
            yield Case(f"3 RSV {bits:03b}, opcode {opcode}", (frame,), code=PROTOCOL_ERROR)
        frames = (SAY, sent(reserved | TEXT, HELLO), sent(FIN | PING))
        yield Case(f"3.2 RSV {bits:03b} after a message", frames, ECHO, code=PROTOCOL_ERROR)


def group_4() -> Iterable[Case]:
    for opcode in (*range(3, 8), *range(11, 16)):
        for payload in (b"", b"reserved opcode payload"):
            bad = sent(FIN | opcode, payload)
            yield Case(f"4 opcode {opcode}, {len(payload)}", (bad,), code=PROTOCOL_ERROR)
        after = (SAY, sent(FIN | opcode, b"x"), sent(FIN | PING))
        yield Case(f"4 opcode {opcode} after a message", after, ECHO, code=PROTOCOL_ERROR)


def group_5() -> Iterable[Case]:
    for opcode, name in ((PING, "5.1 ping"), (PONG, "5.2 pong")):
        two = (sent(opcode, b"frag"), sent(FIN | CONT, b"ment"))
        yield Case(f"{name} in fragments", two, code=PROTOCOL_ERROR)
    first, last = sent(TEXT, HELLO[:5]), sent(FIN | CONT, HELLO[5:])
    yield Case("5.3 text in two", (first, last), ECHO)
    ping = sent(FIN | PING, b"between")
    yield Case("5.6 ping between fragments", (first, ping, last), ECHO, (b"between",))
    for flag, name in ((FIN, "5.9"), (0, "5.12")):
        lone = sent(flag | CONT, b"non-continuation")
        yield Case(f"{name} continuation first", (lone, SAY), code=PROTOCOL_ERROR)
        yield Case(f"{name} and after", (SAY, lone, SAY), ECHO, code=PROTOCOL_ERROR)
    again = (first, last, sent(CONT, b"more"), sent(FIN | TEXT, b"x"))
    yield Case("5.15 continuation after the end", again, ECHO, code=PROTOCOL_ERROR)
    for kind in (TEXT, BINARY):
        restart = (sent(kind, b"one"), sent(FIN | kind, b"two"))
        yield Case(f"5.18 a new start within, {kind}", restart, code=PROTOCOL_ERROR)
    five = tuple(b"fragment%d" % number for number in range(5))
    pings = (b"ping1", b"ping2")
    yield Case(
        "5.19 five fragments, two pings",
        (
            sent(TEXT, five[0]),
            sent(CONT, five[1]),
            sent(FIN | PING, pings[0]),
            sent(CONT, five[2]),
            sent(CONT, five[3]),
            sent(FIN | PING, pings[1]),
            sent(FIN | CONT, five[4]),
        ),
        ((TEXT, b"".join(five)),),
        pings,
    )


GOOD_TEXT: Final = (
    "κόσμε".encode(),
    "Hello-µ@ßöäüàá-UTF-8!!".encode(),
    *(chr(point).encode() for point in (0, 0x80, 0x800, 0x10000, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF)),
    *(chr(point).encode() for point in (0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0x1FFFE, 0x10FFFE)),
)
BAD_TEXT: Final = (
    "κόσμε".encode() + b"\xed\xa0\x80edited",
    "κόσμε".encode() + b"\xf4\x90\x80\x80edited",
    *(b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf"),
    *(b"\x80", b"\xbf", b"\x80\xbf\x80", b"\xc0 ", b"\xe0 ", b"\xf0 ", b"\xf8 ", b"\xfc "),
    *(b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfe"),
    *(b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xff"),
    *(b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"\xce\xba\xe1"),
)


def group_6() -> Iterable[Case]:
    nothing = (sent(TEXT), sent(CONT), sent(FIN | CONT))
    yield Case("6.1 three empty fragments", nothing, ((TEXT, b""),))
    for number, text in enumerate(GOOD_TEXT):
        yield Case(f"6.2 good {number}", (sent(FIN | TEXT, text),), ((TEXT, text),))
        yield Case(f"6.2 good {number}, each octet a frame", _octets(text), ((TEXT, text),))
    for number, text in enumerate(BAD_TEXT):
        yield Case(f"6.3 bad {number}", (sent(FIN | TEXT, text),), code=NOT_UTF8)
        yield Case(f"6.3 bad {number}, each octet a frame", _octets(text), code=NOT_UTF8)


def _octets(text: bytes) -> tuple[bytes, ...]:
    middle = tuple(sent(CONT, text[at : at + 1]) for at in range(1, len(text)))
    return (sent(TEXT, text[:1]), *middle, sent(FIN | CONT))


def group_7() -> Iterable[Case]:
    yield Case("7.1.1 message, close", (SAY, GOODBYE), ECHO)
    yield Case("7.1.2 close twice", (GOODBYE, GOODBYE))
    yield Case("7.1.3 ping after close", (GOODBYE, sent(FIN | PING)))
    yield Case("7.1.4 text after close", (GOODBYE, SAY))
    within = (sent(TEXT, HELLO[:5]), GOODBYE, sent(FIN | CONT, HELLO[5:]))
    # The library's own documented exception: Autobahn would have 1000.
    yield Case("7.1.5 close within a message", within, code=PROTOCOL_ERROR)
    yield Case("7.3.1 close without payload", (sent(FIN | CLOSE),), code=None)
    yield Case("7.3.2 close with one octet", (sent(FIN | CLOSE, b"a"),), code=PROTOCOL_ERROR)
    yield Case("7.3.4 close with a reason", (closing(1000, HELLO),))
    yield Case("7.3.5 close of 125", (closing(1000, b"*" * 123),))
    yield Case("7.3.6 close of 126", (closing(1000, b"*" * 124),), code=PROTOCOL_ERROR)
    yield Case("7.5.1 reason not UTF-8", (closing(1000, BAD_TEXT[0]),), code=NOT_UTF8)
    good = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014)
    for code in (*good, 3000, 3999, 4000, 4999):
        yield Case(f"7.7 code {code}", (closing(code),), code=code)
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(f"7.9 code {code}", (closing(code),), code=PROTOCOL_ERROR)


def group_9() -> Iterable[Case]:
    for size in (limits.FRAME_BEFORE_AUTH, limits.MIB, MOST):
        payload = os.urandom(size)
        frame = sent(FIN | BINARY, payload)
        yield Case(f"9.2 binary of {size}", (frame,), ((BINARY, payload),))
    yield Case("9 one byte more", (sent(FIN | BINARY, bytes(MOST + 1)),), code=TOO_LARGE)
    many = b"*" * limits.MIB
    for size in (64, 256, 64 * limits.KIB):
        yield Case(f"9.3 a MiB in {size}", fragments(many, size), ((BINARY, many),))


def fragments(message: bytes, size: int) -> tuple[bytes, ...]:
    first, *rest = (message[at : at + size] for at in range(0, len(message), size))
    middle = (sent(CONT, part) for part in rest[:-1])
    return (sent(BINARY, first), *middle, sent(FIN | CONT, rest[-1]))


def group_10() -> Iterable[Case]:
    payload = b"*" * 65536
    yield Case("10.1 fragments of 1300", fragments(payload, 1300), ((BINARY, payload),))


SMALL: Final = [
    *group_1(),
    *group_2(),
    *group_3(),
    *group_4(),
    *group_5(),
    *group_6(),
    *group_7(),
    *group_10(),
]
LARGE: Final = list(group_9())
