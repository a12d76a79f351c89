"""RFC 6455 case by case, by the numbers of Autobahn|Testsuite's groups 1 to 7, 9 and 10.

Each case goes through the relay's own `WebSocket` over a real socket, in frames as a client sends
them, in one piece, and octet by octet; and through the `websockets` library alone, so that it shows
where we differ. (`python -m tests.autobahn` runs the suite itself.) An echo answers in place of a
room; where text matters it echoes text too, which the relay refuses with 1003.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from alcove_protocol import limits
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol, State
from websockets.utils import apply_mask

from tests.autobahn.echo import EchoSocket, echo_on

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN: Final = 0x80
PROTOCOL_ERROR, NOT_UTF8, TOO_LARGE = 1002, 1007, 1009
MOST: Final = limits.FRAME
ONE_OCTET_UP_TO: Final = 400
"""Bytes of a case that is also sent octet by octet."""
PATIENCE: Final = 10.0
"""Seconds for one step of a conversation, which takes about a millisecond."""
GONE: Final = 1 << 60

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
    """Frames that a client sends; what comes back but for pongs; the pongs; the close code, None
    for a close frame without one. A client that nothing has closed says goodbye with 1000."""

    name: str
    frames: tuple[bytes, ...]
    back: tuple[Said, ...] = ()
    pongs: tuple[bytes, ...] = ()
    code: int | None = 1000
    text: bool = True


@dataclass
class Outcome:
    """What a client got."""

    back: list[Said] = field(default_factory=list)
    pongs: list[bytes] = field(default_factory=list)
    code: int | None = -1
    order: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, data: bytes) -> Outcome:
        """Read by the library as a client, which refuses what a server may not send."""
        client, found = Protocol(CLIENT, state=OPEN, max_size=None), cls()
        client.receive_data(data)
        for frame in client.events_received():
            assert isinstance(frame, Frame)
            found.order.append(frame.opcode)
            if frame.opcode is Opcode.PONG:
                found.pongs.append(bytes(frame.data))
            elif frame.opcode is not Opcode.CLOSE:
                assert frame.fin
                found.back.append((frame.opcode, bytes(frame.data)))
            else:
                found.code = struct.unpack("!H", frame.data[:2])[0] if frame.data else None
        assert client.parser_exc is None or found.code != -1, client.parser_exc
        return found


# --- the relay's socket, and the library alone ---------------------------------------------------


class _Watched(EchoSocket):
    """Tells how much it has read; `GONE` when its connection is."""

    _read = 0
    _moved: asyncio.Event

    def watch(self) -> None:
        self._moved = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._read += len(data)
        self._moved.set()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._read = GONE
        self._moved.set()

    async def has_read(self, total: int) -> None:
        """Wait until it has read so many bytes, or is gone."""
        async with asyncio.timeout(PATIENCE):
            while self._read < total:
                self._moved.clear()
                await self._moved.wait()


async def ours(chunks: Iterable[bytes], *, text: bool = True, most: int = MOST) -> Outcome:
    """Each chunk is read before the next is sent."""
    loop = asyncio.get_running_loop()
    here, there = socket.socketpair()
    here.setblocking(False)
    echo = await echo_on(there, most, text=text, kind=_Watched)
    assert isinstance(echo, _Watched)
    echo.watch()
    reading = loop.create_task(_everything(here))
    try:
        total = 0
        for chunk in chunks:
            total += len(chunk)
            with contextlib.suppress(ConnectionError):  # it may have closed
                await loop.sock_sendall(here, chunk)
            await echo.has_read(total)
        data = await asyncio.wait_for(reading, PATIENCE)
    finally:
        reading.cancel()
        here.close()
        await echo.has_read(GONE)
    return Outcome.of(data)


async def _everything(link: socket.socket) -> bytes:
    loop, data = asyncio.get_running_loop(), b""
    with contextlib.suppress(ConnectionError):
        while more := await loop.sock_recv(link, 1 << 20):
            data += more
    return data


def library(chunks: Iterable[bytes], most: int = MOST) -> Outcome:
    """An echo on the library's protocol, as its own servers do it."""
    server, data = Protocol(SERVER, state=OPEN, max_size=most), b""
    message: list[bytes] = []
    kind = Opcode.BINARY
    for chunk in chunks:
        server.receive_data(chunk)
        frames = [one for one in server.events_received() if isinstance(one, Frame)]
        data += b"".join(server.data_to_send())
        for frame in frames:
            if frame.opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE):
                continue
            kind = kind if frame.opcode is Opcode.CONT else frame.opcode
            message.append(bytes(frame.data))
            if frame.fin and server.state is State.OPEN:
                _answer(server, kind, b"".join(message))
                message.clear()
        data += b"".join(server.data_to_send())
    return Outcome.of(data)


def _answer(server: Protocol, kind: Opcode, message: bytes) -> None:
    if kind is Opcode.BINARY:
        server.send_binary(message)
        return
    try:
        message.decode()
    except UnicodeDecodeError:
        server.fail(NOT_UTF8)
    else:
        server.send_text(message)


# --- the cases ---------------------------------------------------------------------------------

SIZES: Final = (0, 125, 126, 127, 128, 65535, 65536)
HELLO: Final = b"Hello, world!"
ECHO: Final = ((TEXT, HELLO),)
SAY: Final = sent(FIN | TEXT, HELLO)


def _group_1() -> Iterable[Case]:
    for size in SIZES:
        text, binary = b"*" * size, os.urandom(size)
        yield Case(f"1.1 text of {size}", (sent(FIN | TEXT, text),), ((TEXT, text),))
        yield Case(f"1.2 binary of {size}", (sent(FIN | BINARY, binary),), ((BINARY, binary),))


def _group_2() -> Iterable[Case]:
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


def _group_3() -> Iterable[Case]:
    for bits in range(1, 8):
        reserved = FIN | bits << 4
        for opcode in (TEXT, BINARY, PING, PONG, CLOSE):
            payload = b"\x03\xe8" if opcode == CLOSE else b"x"
            frame = sent(reserved | opcode, payload)
            yield Case(f"3 RSV {bits:03b}, opcode {opcode}", (frame,), code=PROTOCOL_ERROR)
        frames = (SAY, sent(reserved | TEXT, HELLO), sent(FIN | PING))
        yield Case(f"3.2 RSV {bits:03b} after a message", frames, ECHO, code=PROTOCOL_ERROR)


def _group_4() -> Iterable[Case]:
    for opcode in (*range(3, 8), *range(11, 16)):
        for payload in (b"", b"reserved opcode payload"):
            bad = sent(FIN | opcode, payload)
            yield Case(f"4 opcode {opcode}, {len(payload)}", (bad,), code=PROTOCOL_ERROR)
        after = (SAY, sent(FIN | opcode, b"x"), sent(FIN | PING))
        yield Case(f"4 opcode {opcode} after a message", after, ECHO, code=PROTOCOL_ERROR)


def _group_5() -> Iterable[Case]:
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


def _group_6() -> Iterable[Case]:
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


def _group_7() -> Iterable[Case]:
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


def _group_9() -> Iterable[Case]:
    for size in (limits.FRAME_BEFORE_AUTH, limits.MIB, MOST):
        payload = os.urandom(size)
        frame = sent(FIN | BINARY, payload)
        yield Case(f"9.2 binary of {size}", (frame,), ((BINARY, payload),))
    yield Case("9 one byte more", (sent(FIN | BINARY, bytes(MOST + 1)),), code=TOO_LARGE)
    many = b"*" * limits.MIB
    for size in (64, 256, 64 * limits.KIB):
        yield Case(f"9.3 a MiB in {size}", _fragments(many, size), ((BINARY, many),))


def _fragments(message: bytes, size: int) -> tuple[bytes, ...]:
    first, *rest = (message[at : at + size] for at in range(0, len(message), size))
    middle = (sent(CONT, part) for part in rest[:-1])
    return (sent(BINARY, first), *middle, sent(FIN | CONT, rest[-1]))


def _group_10() -> Iterable[Case]:
    payload = b"*" * 65536
    yield Case("10.1 fragments of 1300", _fragments(payload, 1300), ((BINARY, payload),))


SMALL: Final = [
    *_group_1(),
    *_group_2(),
    *_group_3(),
    *_group_4(),
    *_group_5(),
    *_group_6(),
    *_group_7(),
    *_group_10(),
]
LARGE: Final = list(_group_9())


def whole(case: Case) -> list[bytes]:
    """Everything that the client sends, the goodbye included where nothing else closes."""
    closed = case.code != 1000 or any(frame[0] & 15 == CLOSE for frame in case.frames)
    return [*case.frames] if closed else [*case.frames, GOODBYE]


def check(case: Case, found: Outcome) -> None:
    __tracebackhide__ = True
    expected = (list(case.back), list(case.pongs), case.code)
    assert (found.back, found.pongs, found.code) == expected, case.name


async def test_small_cases_frame_by_frame_in_one_piece_and_octet_by_octet() -> None:
    for case in SMALL:
        frames = whole(case)
        together = b"".join(frames)
        check(case, await ours(frames))
        check(case, await ours([together]))
        check(case, await ours([together[at : at + 997] for at in range(0, len(together), 997)]))
        if len(together) <= ONE_OCTET_UP_TO:
            check(case, await ours([bytes([octet]) for octet in together]))


@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.name)
async def test_large_cases_frame_by_frame_and_in_chops(case: Case) -> None:
    together = b"".join(whole(case))
    check(case, await ours([together]))
    chop = 64 * limits.KIB
    check(case, await ours([together[at : at + chop] for at in range(0, len(together), chop)]))


def test_the_library_alone_does_the_same() -> None:
    for case in [*SMALL, *LARGE]:
        check(case, library(whole(case)))


async def test_in_one_piece_we_do_no_less_than_the_library() -> None:
    for case in SMALL:
        together = [b"".join(whole(case))]
        alone, found = library(together), await ours(together)
        assert (found.code, found.pongs) == (alone.code, alone.pongs), case.name
        # It forgets to echo what stood before a close frame; the relay answers that too.
        assert found.back[: len(alone.back)] == alone.back, case.name


@pytest.mark.parametrize(
    "case", [case for case in _group_5() if case.pongs], ids=lambda case: case.name
)
async def test_a_pong_does_not_wait_for_the_message_that_its_ping_interrupted(case: Case) -> None:
    for chunks in ([*case.frames, GOODBYE], [b"".join(case.frames), GOODBYE]):
        order = (await ours(chunks)).order
        pongs = [at for at, opcode in enumerate(order) if opcode == PONG]
        assert pongs == list(range(len(case.pongs)))


async def test_the_relay_itself_takes_no_text() -> None:
    for case in SMALL:
        if case.back and case.back[0][0] == TEXT:
            found = await ours(whole(case), text=False)
            assert (found.back, found.code) == ([], 1003), case.name
        elif case.code == NOT_UTF8:
            assert (await ours(whole(case), text=False)).code == NOT_UTF8, case.name


async def test_bad_text_with_a_goodbye_in_the_same_piece_ends_with_the_goodbye() -> None:
    """The library has answered the close frame by then. The text comes to nobody."""
    together = [sent(FIN | TEXT, b"\xff") + GOODBYE]
    for found in (await ours(together), library(together)):
        assert (found.back, found.code) == ([], 1000)


async def test_the_largest_message_in_the_smallest_fragments_takes_no_more_than_its_time() -> None:
    """A fifth of a second here; 20 s if each fragment makes the relay count them all."""
    payload = bytes(MOST)
    async with asyncio.timeout(10):
        found = await ours([b"".join([*_fragments(payload, 64), GOODBYE])])
    assert found.back == [(BINARY, payload)]


async def test_more_and_smaller_fragments_than_that_are_too_many() -> None:
    found = await ours([b"".join([*_fragments(bytes(limits.MIB), 32), GOODBYE])])
    assert (found.back, found.code) == ([], TOO_LARGE)


async def test_fragments_are_counted_anew_for_each_message() -> None:
    """128 are free for each, and no bytes of an earlier message pay for a later one's."""
    large = _fragments(bytes(limits.MIB), 64 * limits.KIB)
    few, many = (_fragments(bytes(count), 1) for count in (128, 140))
    found = await ours([*large, *few, *few, *many, GOODBYE])
    assert [len(payload) for _, payload in found.back] == [limits.MIB, 128, 128]
    assert found.code == TOO_LARGE


def test_the_reference_can_fail() -> None:
    """The control: a wrong expectation is noticed, in what comes back, in pongs and in the code."""
    case: Any = SMALL[1]
    for wrong in (Case("", case.frames), Case("", case.frames, case.back, code=PROTOCOL_ERROR)):
        with pytest.raises(AssertionError):
            check(wrong, library(whole(case)))
