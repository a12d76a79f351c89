"""Every row of hostile input that concerns a connection, from raw sockets.

The rules of RFC 6455 that a server must hold a client to are tried one by one.
"""

import socket
import struct
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from alcove_protocol import limits
from alcove_protocol.frames import Bye, Done, OpenRoom, RequestRefused, Resume
from alcove_server.net.websocket import CLOSE_SECONDS, WebSocket

from tests.server.keys import Facilitated
from tests.server.sockets import Running, masked, serving

TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
FIN = 0x80


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running() -> AsyncIterator[Running]:
    """One relay with the default settings, for the tests that need no others."""
    async with serving() as running:
        yield running


async def close_after(running: Running, *frames: bytes) -> int:
    raw = await running.upgraded()
    for frame in frames:
        raw.send(frame)
    code = await raw.close_code()
    await raw.close()
    return code


# --- the HTTP head ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET /" + "a" * 9000, 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: " + "a" * 20_000 + "\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 100 + "\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 4000, 431),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
async def test_a_head_that_is_too_large_or_ambiguous(
    running: Running, request_text: str, status: int
) -> None:
    raw = await running.raw()
    answer, headers = await raw.ask(request_text)
    assert answer == status
    assert headers["connection"] == "close"
    await raw.close()


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (("Origin: https://evil.test",), 403),
        (("Origin: null",), 403),
        (("Origin: http://[",), 403),
        (("Origin: http://evil.test", "Origin: http://127.0.0.1"), 400),
        (("Content-Length: 5",), 400),
        (("Transfer-Encoding: chunked",), 400),
        (("Sec-WebSocket-Version: 12",), 400),
        (("Sec-WebSocket-Key: x",), 400),
    ],
)
async def test_an_upgrade_that_must_not_be(
    running: Running, more: tuple[str, ...], status: int
) -> None:
    raw = await running.raw()
    assert (await raw.ask(running.upgrade(*more)))[0] == status
    await raw.close()


async def test_an_upgrade_needs_the_subprotocol_and_offers_no_extension(running: Running) -> None:
    for offer in ("", "chat", "alcove.v2"):
        raw = await running.raw()
        assert (await raw.ask(running.upgrade(offer=offer)))[0] == 400
        await raw.close()
    raw = await running.raw()
    bomb = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    status, headers = await raw.ask(running.upgrade(bomb, offer="alcove.v2, alcove.v1"))
    assert status == 101
    assert headers["sec-websocket-protocol"] == "alcove.v1"
    assert "sec-websocket-extensions" not in headers
    assert "server" not in headers
    await raw.close()


@pytest.mark.parametrize("sent", ["", "GET /v1/connect HTTP/1.1\r\nHost: a\r\nX: "])
async def test_a_slow_request_is_cut_off(sent: str) -> None:
    async with serving() as running:
        raw = await running.raw()
        raw.send(sent)
        await running.until(lambda: running.service.admission.connections == 1)
        await running.time.advance(running.service.relay.services.settings.auth_seconds)
        assert await raw.ended() == b""
        await raw.close()


async def test_a_request_whose_body_never_comes_is_answered_and_closed(running: Running) -> None:
    raw = await running.raw()
    status, headers = await raw.ask(
        "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    )
    assert (status, headers["connection"]) == (405, "close")
    await raw.ended()
    await raw.close()


async def test_an_upgrade_and_then_silence() -> None:
    async with serving(ping_seconds=1000) as running:
        raw = await running.upgraded()
        await running.time.advance(running.service.relay.services.settings.auth_seconds + 1)
        assert (await raw.frame(Bye)).code == "idle"
        assert await raw.close_code() == 1008
        await raw.close()


# --- RFC 6455 ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frames",
    [
        (masked(FIN | BINARY, b"x", mask=False),),
        (masked(FIN | 0x40 | BINARY, b"x"),),
        (masked(FIN | 0x20 | BINARY, b"x"),),
        (masked(FIN | 0x10 | BINARY, b"x"),),
        *((masked(FIN | opcode, b"x"),) for opcode in (3, 7, 11, 15)),
        (masked(PING, b"x"),),
        (masked(FIN | PING, b"x" * 126),),
        (masked(FIN | CLOSE, b"x"),),
        (masked(FIN | CLOSE, struct.pack("!H", 1005)),),
        (masked(FIN | CLOSE, struct.pack("!H", 999)),),
        (masked(FIN | CONT, b"x"),),
        (masked(BINARY, b"x"), masked(FIN | BINARY, b"x")),
    ],
    ids=lambda frames: b"".join(frames)[:4].hex(),
)
async def test_a_broken_rule_is_1002(running: Running, frames: tuple[bytes, ...]) -> None:
    assert await close_after(running, *frames) == 1002


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ((masked(FIN | TEXT, b"hello"),), 1003),
        ((masked(TEXT, b"hel"), masked(FIN | CONT, b"lo")), 1003),
        ((masked(FIN | TEXT, b"\xff\xfe"),), 1007),
        ((masked(TEXT, b"\xc3"), masked(FIN | CONT, b"\x28")), 1007),
        ((masked(FIN | CLOSE, struct.pack("!H", 1000) + b"\xff"),), 1007),
        ((masked(FIN | CLOSE, struct.pack("!H", 1000)),), 1000),
        ((masked(FIN | CLOSE, struct.pack("!H", 4999) + b"why"),), 4999),
    ],
)
async def test_text_and_close_frames(
    running: Running, frames: tuple[bytes, ...], code: int
) -> None:
    assert await close_after(running, *frames) == code


@pytest.mark.parametrize(
    "frames",
    [
        (masked(FIN | BINARY, claim=2**62),),
        (masked(FIN | BINARY, claim=limits.FRAME_BEFORE_AUTH + 1),),
        (masked(BINARY, b"x" * 60_000), masked(CONT, claim=6_000)),
        (masked(BINARY), *[masked(CONT)] * 2000),
    ],
    ids=["a claim of 2^62", "one byte too many", "the sum of fragments", "endless fragments"],
)
async def test_too_large_is_1009_on_the_header(running: Running, frames: tuple[bytes, ...]) -> None:
    assert await close_after(running, *frames) == 1009


async def test_a_fragmented_message_is_put_together_with_pings_in_between(running: Running) -> None:
    raw = await running.upgraded()
    first = Facilitated().chain[0]
    data = OpenRoom(7, first.body, first.signature).to_bytes()
    raw.send(masked(BINARY, data[:5]))
    raw.send(masked(FIN | PING, b"between"))
    assert await raw.message() == (PONG, b"between")
    for byte in data[5:105]:
        raw.send(masked(CONT, bytes([byte])))
    raw.send(masked(CONT, data[105:-1]))
    raw.send(masked(FIN | CONT, data[-1:]))
    assert (await raw.frame(Done)).n == 7
    await raw.close()


async def test_a_frame_comes_byte_by_byte(running: Running) -> None:
    raw = await running.upgraded()
    for byte in masked(FIN | BINARY, Resume(5, bytes(16), 0).to_bytes()):
        raw.send(bytes([byte]))
        await raw.writer.drain()
    assert (await raw.frame(RequestRefused)).code == "not_authenticated"
    await raw.close()


async def test_the_first_frame_may_come_with_the_request(running: Running) -> None:
    raw = await running.raw()
    frame = masked(FIN | BINARY, Resume(5, bytes(16), 0).to_bytes())
    raw.send(running.upgrade().encode() + frame)
    assert (await raw.answer())[0] == 101
    await raw.message()
    assert (await raw.frame(RequestRefused)).n == 5
    await raw.close()


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"", "truncated"),
        (b"\x81\xa1t\xa7unknown", "unknown_kind"),
        (b"\x93\x01\x02\x03", "bad_type"),
        (b"\x81\xa1n\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "bad_type"),
        (b"\x81\xa1n\xc0", "bad_type"),
        (b"\x81\xa1n\xff", "bad_type"),
        (b"\x81\xa1n\xd4\x01\x01", "bad_type"),
        (b"\x82\xa1n\x01\xa1n\x01", "duplicate_key"),
        (b"\x81\xa1n\x01\x00", "trailing"),
        (b"\x81\xa1a" * 9 + b"\x80", "too_deep"),
        (b"\xde\x00\x40" + b"\xa1a\x01" * 64, "too_many_elements"),
        (b"\x81\xa1t\xa4card", "bad_field"),
        (b"\x83\xa1t\xa4card\xa1n\x01\xa1x\x01", "bad_field"),
        (b"\x81\xa1t\xa1\xff", "bad_text"),
    ],
)
async def test_a_frame_that_is_no_frame(running: Running, payload: bytes, fault: str) -> None:
    raw = await running.upgraded()
    raw.send(masked(FIN | BINARY, payload))
    refused = await raw.frame(RequestRefused)
    assert (refused.n, refused.code) == (0, "malformed")
    assert fault in refused.text
    assert await raw.close_code() == 1008
    await raw.close()


# --- floods -----------------------------------------------------------------------------------


async def test_a_ping_flood_ends(running: Running) -> None:
    assert await close_after(running, masked(FIN | PING) * 5000) == 1008


async def test_a_flood_before_authentication_ends(running: Running) -> None:
    frame = masked(FIN | BINARY, Resume(5, bytes(16), 0).to_bytes())
    assert await close_after(running, frame * 100) == 1008


async def test_a_message_flood_is_refused_and_then_ended(running: Running) -> None:
    client = await running.client()
    await client.open()
    for _ in range(400):
        await client.send(client.blob())
    codes = set()
    bye: Bye | None = None
    while bye is None:
        frame = await client.heard()
        if isinstance(frame, RequestRefused):
            codes.add(frame.code)
        if isinstance(frame, Bye):
            bye = frame
    assert codes == {"rate_limited"}
    assert bye.code == "rate_limited"
    assert await client.closed() == 1008


async def test_places_are_bounded_in_all() -> None:
    async with serving(connections=2, connections_per_prefix=2) as running:
        inside = [await running.upgraded() for _ in range(2)]
        raw = await running.raw()
        status, headers = await raw.ask(running.upgrade())
        assert status == 503
        assert headers["retry-after"] == "5"
        await raw.close()
        await inside[0].close()
        while (await (raw := await running.raw()).ask(running.upgrade()))[0] != 101:
            await raw.close()
        inside[0] = raw
        for one in inside:
            await one.close()


async def test_places_are_bounded_for_each_part_of_the_network() -> None:
    async with serving(connections_per_prefix=2, shared_address=()) as running:
        inside = [await running.upgraded() for _ in range(2)]
        raw = await running.raw()
        assert (await raw.ask(running.upgrade()))[0] == 429
        for one in (raw, *inside):
            await one.close()


async def test_handshakes_have_a_rate_for_each_part_of_the_network() -> None:
    async with serving(shared_address=()) as running:
        statuses = []
        for _ in range(62):
            raw = await running.raw()
            statuses.append((await raw.ask(running.upgrade()))[0])
            await raw.close()
        assert statuses == [101] * 60 + [429] * 2


async def test_rooms_and_knocks_have_a_rate_for_each_part_of_the_network() -> None:
    async with serving(shared_address=()) as running:
        codes = []
        for _ in range(4):
            raw = await running.upgraded()
            for n in range(6):
                first = Facilitated().chain[0]
                raw.send(masked(FIN | BINARY, OpenRoom(n, first.body, first.signature).to_bytes()))
                opcode, payload = await raw.message()
                codes.append(b"rate_limited" in payload)
                assert opcode == BINARY
            await raw.close()
        assert codes == [False] * 20 + [True] * 4


# --- clients that do not read, or are gone ----------------------------------------------------


async def test_a_client_that_answers_no_ping_is_dropped() -> None:
    async with serving(ping_seconds=30, auth_seconds=300) as running:
        raw = await running.upgraded()
        await running.time.advance(60)
        assert await raw.close_code() == 1006
        await raw.close()


async def test_a_client_that_answers_pings_stays() -> None:
    async with serving(ping_seconds=30) as running:
        client = await running.client()
        await client.open()
        (turned,) = [one for slot in running.service._terms.keepalive._slots for one in slot]
        assert isinstance(turned, WebSocket)
        for _ in range(5):
            await running.time.advance(30)
            await running.until(lambda: turned._heard)
        assert client.socket.state.name == "OPEN"


async def test_a_half_open_close_is_cut_off() -> None:
    async with serving(ping_seconds=1000) as running:
        raw = await running.upgraded()
        raw.send(masked(FIN | BINARY, b"x", mask=False))
        assert await raw.close_code() == 1002
        await running.time.advance(CLOSE_SECONDS)
        await raw.ended()
        await running.until(lambda: running.service.admission.connections == 0)
        await raw.close()


async def test_a_client_that_vanishes_leaves_nothing(running: Running) -> None:
    client = await running.client()
    await client.open()
    raw = client.socket.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.transport.abort()
    await running.until(lambda: len(running.service.relay) == 0)
    assert running.service.relay.rooms.loaded == {}
