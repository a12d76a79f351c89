"""RFC 6455 case by case, by the numbers of Autobahn|Testsuite's groups 1 to 7, 9 and 10.

Each case goes through the relay's own `WebSocket` over a real socket, in frames as a client sends
them, in one piece, and octet by octet. It also goes through the `websockets` library alone, which
shows where we differ. (`python -m tests.autobahn` runs the suite itself.) An echo answers in place
of a room. Where text matters it echoes text too, which the relay refuses with 1003.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import pytest
from alcove_protocol import limits
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol, State

from tests.autobahn.echo import EchoSocket, echo_on
from tests.growth import FACTOR, LINEAR
from tests.server.rfc6455 import (
    BINARY,
    FIN,
    GOODBYE,
    LARGE,
    MOST,
    NOT_UTF8,
    PONG,
    PROTOCOL_ERROR,
    SMALL,
    TEXT,
    TOO_LARGE,
    Case,
    Said,
    fragments,
    group_5,
    sent,
    whole,
)

ONE_OCTET_UP_TO: Final = 400
"""Bytes of a case that is also sent octet by octet."""
PATIENCE: Final = 60.0
"""Seconds for one step of a conversation, which takes about a millisecond: it bounds a hang."""
GONE: Final = 1 << 60


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
    """Tells how much it has read, or `GONE` when its connection is."""

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
        # It forgets to echo what stood before a close frame. The relay answers that too.
        assert found.back[: len(alone.back)] == alone.back, case.name


@pytest.mark.parametrize(
    "case", [case for case in group_5() if case.pongs], ids=lambda case: case.name
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
    """The library has answered the close frame by then. The text reaches no client."""
    together = [sent(FIN | TEXT, b"\xff") + GOODBYE]
    for found in (await ours(together), library(together)):
        assert (found.back, found.code) == ([], 1000)


async def test_the_time_for_a_message_in_the_smallest_fragments_grows_with_its_size() -> None:
    """It grew with the square when each fragment made the relay count them all."""

    async def took(size: int) -> float:
        payload = bytes(size)
        data = b"".join([*fragments(payload, 64), GOODBYE])
        began = time.thread_time()
        found = await ours([data])
        assert found.back == [(BINARY, payload)]
        return time.thread_time() - began

    small, large = [min([await took(size) for _ in range(3)]) for size in (MOST // FACTOR, MOST)]
    assert large / small < LINEAR


async def test_more_and_smaller_fragments_than_that_are_too_many() -> None:
    found = await ours([b"".join([*fragments(bytes(limits.MIB), 32), GOODBYE])])
    assert (found.back, found.code) == ([], TOO_LARGE)


async def test_fragments_are_counted_anew_for_each_message() -> None:
    """128 are free for each, and no bytes of an earlier message pay for a later one's."""
    large = fragments(bytes(limits.MIB), 64 * limits.KIB)
    few, many = (fragments(bytes(count), 1) for count in (128, 140))
    found = await ours([*large, *few, *few, *many, GOODBYE])
    assert [len(payload) for _, payload in found.back] == [limits.MIB, 128, 128]
    assert found.code == TOO_LARGE


def test_the_reference_can_fail() -> None:
    """The control: a wrong expectation is noticed, in what comes back, in pongs and in the code."""
    case = SMALL[1]
    for wrong in (Case("", case.frames), Case("", case.frames, case.back, code=PROTOCOL_ERROR)):
        with pytest.raises(AssertionError):
            check(wrong, library(whole(case)))
