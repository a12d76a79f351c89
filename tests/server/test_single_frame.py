"""A message that comes in one piece is read alike on the short way and by the library."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import patch

from alcove_server.net import single_frame
from alcove_server.net.websocket import WebSocket
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from tests.server.terms import terms

MOST = 2000
"""Bytes of a message before this client has authenticated. Afterwards twice as many."""


@dataclass
class Seen:
    """Everything that a socket did, in order: it is transport, loop and connection at once."""

    log: list[object] = field(default_factory=list)
    congested: bool = False
    role: str = ""
    replay: None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def act(*given: object, **_: object) -> None:
            told = [one for one in given if isinstance(one, bytes | int)]
            self.log.append((name, *told))

        return act

    def can_write_eof(self) -> bool:
        return True

    def call_soon(self, act: object) -> None:
        """The loop's."""

    def receive(self, data: bytes, fragments: int) -> None:
        self.log.append(("receive", data, fragments))
        assert type(data) is bytes
        if data.startswith(b"auth"):
            self.role = "member"


def fed(chunks: list[bytes]) -> tuple[list[object], object]:
    seen = Seen()
    some = cast(Any, seen)
    protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=MOST)
    shared = terms(lambda: 0.0, seen)
    socket = WebSocket(cast(asyncio.Transport, seen), protocol, shared, lambda socket: None)
    socket.attach(some)
    for chunk in chunks:
        socket.data_received(chunk)
    return seen.log, protocol.state


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """One frame, mostly a good one."""
    if draw(st.integers(0, 3)):
        opcode = Opcode.BINARY if draw(st.integers(0, 4)) else Opcode.TEXT
        return Frame(opcode, draw(payloads())).serialize(mask=True)
    size = draw(st.sampled_from([0, 1, 5, 125, 126, 127, 300, MOST, MOST + 1]))
    data = draw(st.binary(min_size=4, max_size=4))
    first = draw(
        st.sampled_from(
            [0x82, 0x02, 0x80, 0x00, 0x81, 0x88, 0x89, 0x8A, 0x8A, 0xC2, 0xA2, 0x92, 0x83]
        )
    )
    masked = 0x80 if draw(st.integers(0, 4)) else 0
    shape = draw(st.sampled_from(["least", "two", "eight"]))
    if shape == "least" and size < 126:
        head = bytes((first, masked | size))
    elif shape != "eight":
        head = bytes((first, masked | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, masked | 127)) + size.to_bytes(8, "big")
    return head + (data if masked else b"") + (data * size)[:size]


def payloads() -> st.SearchStrategy[bytes]:
    sizes = st.sampled_from([0, 1, 2, 125, 126, 127, 255, 256, MOST - 1, MOST, MOST + 1])
    return st.binary(max_size=200) | sizes.map(bytes) | st.just(b"auth") | st.just(bytes(2 * MOST))


@st.composite
def arrivals(draw: st.DrawFn) -> list[bytes]:
    """Frames as they come: in one piece each, cut anywhere, run together, altered."""
    chunks: list[bytes] = []
    for frame in draw(st.lists(frames(), min_size=1, max_size=8)):
        how = draw(st.sampled_from(["whole", "whole", "whole", "cut", "joined", "altered"]))
        if how == "cut":
            at = draw(st.integers(0, len(frame)))
            chunks += [frame[:at], frame[at:]]
        elif how == "joined" and chunks:
            chunks[-1] += frame
        elif how == "altered":
            at = draw(st.integers(0, min(16, len(frame))))
            chunks.append(frame[:at] + draw(st.binary(max_size=2)) + frame[at + 1 :])
        else:
            chunks.append(frame)
    return [chunk for chunk in chunks if chunk]


@given(arrivals())
@settings(max_examples=600)
def test_both_ways_do_the_same(chunks: list[bytes]) -> None:
    short = fed(chunks)
    with (
        patch.object(single_frame, "message", return_value=None),
        patch.object(single_frame, "is_pong", return_value=False),
    ):
        assert fed(chunks) == short


def test_what_clients_send_takes_the_short_way() -> None:
    for size in (0, 1, 2, 3, 125, 126, 127, 300, MOST):
        payload = (bytes(range(256)) * 8)[:size]
        frame = Frame(Opcode.BINARY, payload).serialize(mask=True)
        if len(frame) >= 8:
            assert single_frame.message(frame, MOST) == payload
        assert single_frame.message(frame + b"\x82", MOST) is None
        assert single_frame.message(frame[:-1], MOST) is None
        assert single_frame.message(frame, len(payload) - 1) is None


def test_only_an_empty_pong_is_one() -> None:
    pong = Frame(Opcode.PONG, b"").serialize(mask=True)
    assert single_frame.is_pong(pong)
    ping, text = Frame(Opcode.PING, b""), Frame(Opcode.TEXT, b"")
    for other in (ping.serialize(mask=True), text.serialize(mask=True), pong[:-1], pong + b"\x8a"):
        assert not single_frame.is_pong(other)
    assert not single_frame.is_pong(b"\x8a\x04four")  # unmasked


def test_the_short_way_is_open_again_after_the_long_one() -> None:
    protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=MOST)
    good = Frame(Opcode.BINARY, b"one message").serialize(mask=True)
    part = Frame(Opcode.BINARY, b"a fragment", fin=False).serialize(mask=True)
    last = Frame(Opcode.CONT, b"the last").serialize(mask=True)
    assert single_frame.expected(protocol)
    for data in (good, part, last, good):
        for at in range(len(data)):
            protocol.receive_data(data[at : at + 1])
            between = at == len(data) - 1 and data is not part
            assert single_frame.expected(protocol) is between
    protocol.receive_data(b"\x82\x00")  # unmasked
    assert not single_frame.expected(protocol)
