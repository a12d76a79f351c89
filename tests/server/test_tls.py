"""The relay ends TLS itself. All that holds without it holds with it, on both event loops. An
unfinished handshake is bounded as every other connection is."""

import asyncio
import inspect
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from alcove_protocol import limits
from alcove_protocol.frames import Published
from alcove_server.net import tls
from alcove_server.net.admission import Rates
from alcove_server.net.front_door import TURNED_AWAY_SECONDS
from alcove_server.net.tls_accept import TlsAccept
from alcove_server.net.websocket import CLOSE_SECONDS

from tests.certificates import Certificates, make
from tests.server.keys import Door
from tests.server.sockets import Client, Raw, Running, longest_queue, masked, serving

BINARY, CLOSE, PING, FIN = 2, 8, 9, 0x80


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Once on the relay's event loop and once on Python's: TLS is another code in each."""

    def run(loop: Callable[[], asyncio.AbstractEventLoop], **given: object) -> None:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(test(**given))

    own = inspect.Parameter("loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    wanted = [own, *inspect.signature(test).parameters.values()]
    # An attribute that the type does not show.
    run.__signature__ = inspect.Signature(wanted)  # type: ignore[attr-defined]
    loops = [uvloop.new_event_loop, asyncio.new_event_loop]
    return pytest.mark.parametrize("loop", loops, ids=["uvloop", "asyncio"])(run)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("pem"))


async def eof(raw: Raw) -> bytes:
    return await raw.ended()


# --- what is spoken ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz", 200), ("/join", 200), ("/else", 404)]
)
@on_both_loops
async def test_the_http_side(pem: Certificates, path: str, status: int) -> None:
    async with serving(pem) as running:
        raw = await running.raw()
        answer, headers = await raw.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer, headers["connection"]) == (status, "close")
        await eof(raw)


@on_both_loops
async def test_it_is_tls_1_3_with_http_1_1_and_no_tickets(pem: Certificates) -> None:
    async with serving(pem) as running:
        assert running.trust is not None
        running.trust.set_alpn_protocols(["h2", "http/1.1"])
        raw = await running.raw()
        spoken: ssl.SSLObject = raw.writer.get_extra_info("ssl_object")
        assert (spoken.version(), spoken.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
        await raw.ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        session = spoken.session
        assert session is None or not session.has_ticket


@on_both_loops
async def test_older_tls_is_refused(pem: Certificates) -> None:
    async with serving(pem) as running:
        assert running.trust is not None
        running.trust.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await running.raw()
        await settled(running, 0)


@on_both_loops
async def test_a_client_that_speaks_no_tls_is_closed(pem: Certificates) -> None:
    async with serving(pem) as running:
        raw = await running.bare()
        raw.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"HTTP" not in await eof(raw)
        await settled(running, 0)


@on_both_loops
async def test_a_conversation(pem: Certificates) -> None:
    async with serving(pem) as running:
        host, guest = await running.client(), await running.client()
        await together(host, guest)
        await host.send(host.blob(b"x" * 30_000))
        published = await host.until(Published)
        assert published.position[8:] == (2).to_bytes(8, "big")
        assert running.service.admission.connections == 2
    assert running.service.admission.connections == 0


async def together(host: Client, guest: Client, *, door: Door | None = None) -> None:
    """Both live in a room of the first."""
    room, door = await host.open(), door or Door()
    await host.put_door(room, door)
    await guest.knock(room, door)
    await host.admit(room, guest, door)


# --- half-done handshakes ---------------------------------------------------------------------


async def settled(running: Running, connections: int) -> None:
    """So many have a place. (No probe as in `Running.until`: it would take one.)"""
    await turning(lambda: running.service.admission.connections == connections)


async def turning(holds: Callable[[], bool]) -> None:
    """Turn the event loop until something holds. pytest's own timeout bounds it."""
    while not holds():  # noqa: ASYNC110  # nothing in the relay would set an event
        await asyncio.sleep(0)


@pytest.mark.parametrize("begin", [b"", b"\x16\x03\x01\x02\x00\x01\x00"], ids=["silent", "begun"])
@on_both_loops
async def test_a_handshake_has_a_deadline(pem: Certificates, begin: bytes) -> None:
    async with serving(pem, auth_seconds=60) as running:
        raw = await running.bare()
        raw.send(begin)
        await settled(running, 1)
        await running.time.advance(59)
        assert running.service.admission.connections == 1
        await running.time.advance(1)
        assert await eof(raw) == b""
        await settled(running, 0)


@on_both_loops
async def test_after_the_handshake_the_head_has_one(pem: Certificates) -> None:
    async with serving(pem, auth_seconds=60) as running:
        raw = await running.raw()
        raw.send("GET /healthz HT")
        # The handshake is over for the client before it is for the relay.
        await turning(lambda: len(running.service._server.server_state.connections) == 1)
        await running.time.advance(60)
        assert await eof(raw) == b""
        await settled(running, 0)


@on_both_loops
async def test_half_done_handshakes_count_for_their_part_of_the_network(pem: Certificates) -> None:
    async with serving(pem, connections_per_prefix=2, shared_address=()) as running:
        halves = [await running.bare() for _ in range(2)]
        await settled(running, 2)
        raw = await running.raw()
        status, headers = await raw.ask(running.upgrade())
        assert (status, headers["retry-after"]) == (429, "5")
        await eof(raw)
        for half in halves:
            await half.close()
        await settled(running, 0)


@on_both_loops
async def test_they_count_in_all(pem: Certificates) -> None:
    async with serving(pem, connections=2, connections_per_prefix=2) as running:
        _ = [await running.bare() for _ in range(2)]
        await settled(running, 2)
        raw = await running.raw()
        assert (await raw.ask(running.upgrade()))[0] == 503
        await eof(raw)


@on_both_loops
async def test_they_give_way(pem: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alcove_server.net.admission.GRACE", 0.0)
    async with serving(pem, connections=1, connections_per_prefix=1) as running:
        half = await running.bare()
        await settled(running, 1)
        await running.upgraded()
        assert await eof(half) == b""


@on_both_loops
async def test_a_handshake_without_a_place_has_less_time(pem: Certificates) -> None:
    async with serving(pem, connections=1, connections_per_prefix=1, auth_seconds=60) as running:
        await running.upgraded()
        late = await running.bare()
        [accept] = running.service._server._accepting
        assert isinstance(accept, TlsAccept)
        await turning(lambda: len(accept._under_way) == 1)
        await running.time.advance(TURNED_AWAY_SECONDS)
        assert await eof(late) == b""


@on_both_loops
async def test_too_many_handshakes_are_closed_unheard(pem: Certificates) -> None:
    async with serving(pem) as running:
        running.service.admission._rates = Rates(
            tls=(1e-9, 2 / 100)
        )  # a hundredfold for all behind one
        running.service.admission._known.clear()
        for _ in range(2):
            await running.raw()
        with pytest.raises(ConnectionError):
            await running.raw()
        assert running.service.admission.connections == 2


@on_both_loops
async def test_one_that_cannot_be_begun_does_not_end_the_others(
    pem: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(pem) as running:
        real, refused = running.service.admission.may_shake_hands, [True]

        def once(address: str) -> bool:
            if refused.pop() if refused else False:
                raise ZeroDivisionError
            return real(address)

        monkeypatch.setattr(running.service.admission, "may_shake_hands", once)
        with pytest.raises((ssl.SSLError, OSError)):
            await running.raw()
        raw = await running.raw()
        assert (await raw.ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"))[0] == 200


def test_a_file_that_vanishes_while_it_is_read_is_one_sentence(
    pem: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda self: b"")
    with pytest.raises(ValueError, match="No such file"):
        tls.Tls(str(pem.certificate) + ".gone", str(pem.key))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not tell")
@on_both_loops
async def test_as_many_may_come_at_once_as_there_are_places(pem: Certificates) -> None:
    async with serving(pem, connections=700) as running:
        assert running.queue() == min(700, longest_queue())


@on_both_loops
async def test_stopping_waits_for_no_handshake(pem: Certificates) -> None:
    async with serving(pem, auth_seconds=60) as running:
        half = await running.bare()
        await settled(running, 1)
        running.service.stop()
        assert await eof(half) == b""
        await settled(running, 0)


# --- turned away ------------------------------------------------------------------------------


@on_both_loops
async def test_a_client_that_is_turned_away_reads_it_and_is_closed(pem: Certificates) -> None:
    async with serving(pem) as running:
        raw = await running.raw()
        raw.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + "a" * 20_000)
        assert (await raw.answer())[0] == 431
        assert await eof(raw) == b"Request Header Fields Too Large"
        await settled(running, 0)


@on_both_loops
async def test_a_client_that_is_turned_away_and_stays_is_cut_off(pem: Certificates) -> None:
    async with serving(pem) as running:
        raw = await running.raw()
        raw.send("GET / HTTP/1.1\r\n\r\n")
        assert (await raw.answer())[0] == 400
        # It reads no further, so it never learns that the relay has closed.
        # An attribute that the type does not show.
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
        assert running.service.admission.connections == 1
        await running.time.advance(TURNED_AWAY_SECONDS)
        await settled(running, 0)


# --- a WebSocket over TLS ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (masked(FIN | BINARY, b"", claim=1 << 40), 1009),
        (masked(FIN | BINARY, b"x", mask=False), 1002),
        (masked(FIN | 1, b"text"), 1003),
        (masked(FIN | PING, b"") * 40, 1008),
    ],
)
@on_both_loops
async def test_a_client_that_breaks_a_rule_is_told_the_rule(
    pem: Certificates, frame: bytes, code: int
) -> None:
    async with serving(pem) as running:
        raw = await running.upgraded()
        raw.send(frame)
        assert await raw.close_code() == code
        raw.send(masked(FIN | CLOSE, code.to_bytes(2, "big")))
        await settled(running, 0)


@on_both_loops
async def test_a_client_that_answers_no_ping_is_dropped(pem: Certificates) -> None:
    async with serving(pem, ping_seconds=30, auth_seconds=300) as running:
        raw = await running.upgraded()
        await running.time.advance(60)
        assert await raw.close_code() == 1006
        await settled(running, 0)


@on_both_loops
async def test_a_close_that_is_not_answered_is_cut_off(pem: Certificates) -> None:
    async with serving(pem, ping_seconds=1000) as running:
        raw = await running.upgraded()
        # An attribute that the type does not show.
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await running.time.advance(running.service.relay.services.settings.auth_seconds + 1)
        assert running.service.admission.connections == 1
        await running.time.advance(CLOSE_SECONDS)
        await settled(running, 0)


@on_both_loops
async def test_a_client_that_vanishes_leaves_nothing(pem: Certificates) -> None:
    async with serving(pem) as running:
        client = await running.client()
        await client.open()
        link = client.socket.transport.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.transport.abort()
        await settled(running, 0)
        assert running.service.relay.rooms.loaded == {}


@on_both_loops
async def test_a_client_that_does_not_read_is_let_go(pem: Certificates) -> None:
    async with serving(pem, queue_bytes=limits.FRAME, rates=0) as running:
        host, slow = await running.client(), await running.client()
        await together(host, slow)
        assert await published_until_gone(running, host, slow) < 1000


@on_both_loops
async def test_a_client_that_takes_nothing_is_let_go_in_time(pem: Certificates) -> None:
    async with serving(
        pem, queue_seconds=20, ping_seconds=600, rates=0, queue_bytes=1 << 26
    ) as running:
        host, slow = await running.client(), await running.client()
        await together(host, slow)
        link = slow.socket.transport.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.socket.transport.pause_reading()
        stalled = running.service._terms.stalled
        await published_until_gone(running, host, slow, lambda: bool(stalled._since))
        await running.time.advance(21)
        assert not _live(running, slow)
        assert not stalled._since


async def published_until_gone(
    running: Running, host: Client, slow: Client, stalls: Callable[[], bool] = lambda: False
) -> int:
    """How many blobs it took until the slow client was let go, or `stalls`."""
    sent = 0
    while _live(running, slow) and not stalls():
        await host.send(host.blob(b"x" * 30_000))
        await host.until(Published)
        sent += 1
    return sent


def _live(running: Running, client: Client) -> bool:
    return any(client.public in room.live for room in running.service.relay.rooms.loaded.values())


# --- certificates -----------------------------------------------------------------------------


@on_both_loops
async def test_another_certificate_serves_the_handshakes_to_come(tmp_path: Path) -> None:
    pem = make(tmp_path)
    async with serving(pem) as running:
        before = await running.upgraded()
        running.trust = make(tmp_path).trust()
        with pytest.raises(ssl.SSLCertVerificationError):
            await running.raw()
        running.service.reload_certificate()
        await running.upgraded()
        before.send(masked(FIN | PING, b"still here"))
        assert await before.message() == (10, b"still here")


@on_both_loops
async def test_a_certificate_that_does_not_serve_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pem = make(tmp_path)
    async with serving(pem) as running:
        pem.key.write_text("nonsense")
        running.service.reload_certificate()
        assert "the certificate stays as it was: tls-key: " in caplog.text
        await running.upgraded()


def test_files_that_do_not_serve_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    pem, other = make(tmp_path), make(tmp_path / "other", b"a password")
    nothing, nonsense = tmp_path / "nothing.pem", tmp_path / "nonsense.pem"
    nonsense.write_text("-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n")
    for certificate, key, sentence in (
        (nothing, pem.key, f"tls-certificate: {nothing} cannot be read: No such file or directory"),
        (pem.certificate, tmp_path, f"tls-key: {tmp_path} cannot be read: Is a directory"),
        (nonsense, pem.key, "are not a certificate and its key in PEM"),
        (pem.certificate, pem.certificate, "are not a certificate and its key in PEM"),
        (other.certificate, pem.key, f"tls-key: {pem.key} is not the key of {other.certificate}"),
        (other.certificate, other.key, "tls-key: a key that has a password cannot be used"),
    ):
        with pytest.raises(ValueError) as caught:
            tls.Tls(str(certificate), str(key))
        assert sentence in str(caught.value)
        assert "\n" not in str(caught.value)
