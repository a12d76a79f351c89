"""The relay's own TLS of a connection, with a client's OpenSSL on the other side.

What is read is charged by records, and what is sent is encrypted as the socket takes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, cast

import pytest
from alcove_protocol import limits
from alcove_server.net.inbox import SHARE, Everyone
from alcove_server.net.incoming import IGNORED
from alcove_server.net.terms import Terms
from alcove_server.net.tls import Tls
from alcove_server.net.tls_link import AT_A_TIME, READ_SIZE, TlsLink
from alcove_server.net.websocket import CLOSE_SECONDS
from alcove_server.ports.turn import AT_ONCE
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.certificates import Certificates, make
from tests.server.terms import terms

FULL = 64 * limits.KIB
HANDSHAKE_SECONDS = 10.0


class Time:
    """A loop whose turns and calls that wait are the test's."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []
        self.calls: list[tuple[float, Callable[[], object]]] = []

    def later(self, act: Callable[[], None]) -> None:
        self.due.append(act)

    def turn(self) -> bool:
        due, self.due = self.due, []
        for act in due:
            act()
        return bool(due)

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        self.calls.append((delay, callback))
        return Timer(self, (delay, callback))

    def pass_until(self, seconds: float) -> None:
        for delay, callback in [call for call in self.calls if call[0] <= seconds]:
            self.calls.remove((delay, callback))
            callback()


class Timer:
    def __init__(self, time: Time, call: tuple[float, Callable[[], object]]) -> None:
        self._time, self._call = time, call

    def cancel(self) -> None:
        with contextlib.suppress(ValueError):
            self._time.calls.remove(self._call)


class Socket(asyncio.Transport):
    """The socket's transport. It takes `FULL` bytes, until `drain`."""

    def __init__(self) -> None:
        super().__init__()
        self.link: TlsLink | None = None
        self.buffer, self.taken = b"", b""
        self.reading, self.closed, self.aborted = True, False, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.buffer += data
        if len(self.buffer) > FULL and self.link is not None:
            self.link.pause_writing()

    def drain(self) -> None:
        was_full = len(self.buffer) > FULL
        self.taken, self.buffer = self.taken + self.buffer, b""
        if was_full and self.link is not None:
            self.link.resume_writing()

    def get_write_buffer_size(self) -> int:
        return len(self.buffer)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return f"the socket's {name}"


class Heard(asyncio.Protocol):
    """The relay's protocol."""

    def __init__(self) -> None:
        self.data, self.calls = b"", list[str]()
        self.transport: asyncio.Transport | None = None
        self.wants: Callable[[], bool] = lambda: True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.transport is not None and not self.wants():
            self.transport.pause_reading()

    def eof_received(self) -> None:
        self.calls.append("eof")

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append("lost")


class Pair:
    """A link and its client."""

    def __init__(
        self,
        pem: Certificates,
        time: Time,
        shared: Terms | None = None,
        group: Everyone | None = None,
        shake: bool = True,
    ) -> None:
        self.time = time
        self.terms = shared if shared is not None else terms(lambda: 0.0, time, later=time.later)
        self.socket, self.heard, self.over = Socket(), Heard(), 0
        self.link = TlsLink(
            Tls(str(pem.certificate), str(pem.key)).context,
            bytearray(READ_SIZE),
            self.terms,
            group if group is not None else Everyone(),
            lambda: self.heard,
            HANDSHAKE_SECONDS,
            self.count,
        )
        self.socket.link = self.link
        self.link.connection_made(self.socket)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = pem.trust().wrap_bio(
            self.incoming, self.outgoing, server_hostname="127.0.0.1"
        )
        if shake:
            self.shake()

    def count(self, link: TlsLink) -> None:
        assert link is self.link
        self.over += 1

    def shake(self, piece: int = READ_SIZE) -> None:
        for _ in range(2):
            with contextlib.suppress(ssl.SSLWantReadError):
                self.client.do_handshake()
            self.give(self.outgoing.read(), piece)
            self.turns()
            self.hear()
        assert self.heard.transport is self.link

    def turns(self) -> None:
        while self.time.turn():
            pass

    def hear(self) -> None:
        self.socket.drain()
        self.incoming.write(self.socket.taken)
        self.socket.taken = b""

    def give(self, data: bytes, piece: int = READ_SIZE) -> None:
        """What the client sent comes, as fast as it is read."""
        for at in range(0, len(data), piece):
            while not self.socket.reading:
                assert self.time.turn()
            self.read(data[at : at + piece])

    def read(self, data: bytes) -> None:
        """One read of the socket."""
        assert self.socket.reading
        buffer = self.link.get_buffer(-1)
        buffer[: len(data)] = data
        self.link.buffer_updated(len(data))

    def records(self, count: int, size: int = 1) -> bytes:
        for _ in range(count):
            self.client.write(bytes(size))
        return self.outgoing.read()

    def told(self) -> bytes:
        """What the client reads."""
        self.hear()
        said = b""
        while self.incoming.pending:
            with contextlib.suppress(ssl.SSLWantReadError):
                said += self.client.read(1 << 20)
        return said


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("link"))


# --- what is read -----------------------------------------------------------------------------


def test_records_beyond_a_share_wait_and_the_socket_is_not_read(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    pair.read(pair.records(700))
    assert pair.heard.data == bytes(AT_A_TIME)
    assert not pair.socket.reading
    pair.turns()
    assert pair.heard.data == bytes(700)
    assert pair.socket.reading


def test_a_turn_decrypts_a_bounded_number_of_records_for_all_together(pem: Certificates) -> None:
    time = Time()
    shared = terms(lambda: 0.0, time, later=time.later)
    crowd = [Pair(pem, time, shared) for _ in range(30)]
    sent = [one.records(700) for one in crowd]
    while time.turn():
        pass
    heard = 0
    for pair, data in zip(crowd, sent, strict=True):
        pair.read(data)
    most = int(AT_ONCE / SHARE) + 1
    while heard < 30 * 700:
        now = sum(len(pair.heard.data) for pair in crowd)
        assert 0 < now - heard <= most * AT_A_TIME
        assert shared.inbox.turn.left > -SHARE
        heard = now
        time.turn()
    assert all(pair.heard.data == bytes(700) for pair in crowd)


class Silent:
    """OpenSSL, which finds changes of keys in all that it is given."""

    def __init__(self, incoming: ssl.MemoryBIO) -> None:
        self._incoming = incoming

    def read(self, size: int) -> bytes:
        self._incoming.read()
        raise ssl.SSLWantReadError


def test_records_that_bring_nothing_cost_more(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    turn = pair.terms.inbox.turn
    pair.turns()
    link = cast(Any, pair.link)
    link._secure = Silent(link._incoming)
    before = turn.left
    pair.read(pair.records(AT_A_TIME))
    assert before - turn.left > 3 * AT_A_TIME


def test_a_large_record_that_comes_in_parts_costs_no_more(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    turn = pair.terms.inbox.turn
    pair.turns()
    spent = 0.0
    data = pair.records(20, 16_000)
    for at in range(0, len(data), 5_000):
        before = turn.left
        pair.give(data[at : at + 5_000])
        spent += before - turn.left
        pair.turns()
    assert len(pair.heard.data) == 20 * 16_000
    assert spent < 20


def test_another_part_of_the_network_does_not_wait_for_a_crowd(pem: Certificates) -> None:
    time = Time()
    shared = terms(lambda: 0.0, time, later=time.later)
    part = Everyone()
    crowd = [Pair(pem, time, shared, part) for _ in range(60)]
    good = Pair(pem, time, shared)
    sent = [one.records(700) for one in crowd]
    while time.turn():
        pass
    for pair, data in zip(crowd, sent, strict=True):
        pair.read(data)
    assert shared.inbox.turn.left <= 0
    good.read(good.records(1))
    assert good.heard.data == b""
    time.turn()
    assert good.heard.data == bytes(1)


def test_a_flood_of_handshakes_waits_its_turn(pem: Certificates) -> None:
    time = Time()
    shared = terms(lambda: 0.0, time, later=time.later)
    crowd = [Pair(pem, time, shared, shake=False) for _ in range(40)]
    for pair in crowd:
        with contextlib.suppress(ssl.SSLWantReadError):
            pair.client.do_handshake()
        pair.read(pair.outgoing.read())
    answered = [len([pair for pair in crowd if pair.socket.buffer])]
    while time.turn():
        answered.append(len([pair for pair in crowd if pair.socket.buffer]))
    assert answered[0] < 20
    assert answered[-1] == 40


def test_a_client_that_is_not_read_waits_in_its_socket(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    pair.heard.wants = lambda: False
    pair.read(pair.records(3))
    assert pair.heard.data == bytes(3)
    assert not pair.socket.reading
    pair.link.resume_reading()
    pair.read(pair.records(300))
    assert pair.heard.data == bytes(3 + AT_A_TIME)
    pair.turns()  # what is held waits too
    assert pair.heard.data == bytes(3 + AT_A_TIME)
    pair.heard.wants = lambda: True
    pair.link.resume_reading()
    pair.turns()
    assert pair.heard.data == bytes(303)
    assert pair.socket.reading


@given(
    sizes=st.lists(st.sampled_from([1, 2, 300, 16_384]), min_size=1, max_size=8),
    cuts=st.lists(st.integers(1, 9000), min_size=1, max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_however_records_are_cut_all_comes_in_order(
    pem: Certificates, sizes: list[int], cuts: list[int]
) -> None:
    pair = Pair(pem, Time())
    said = b"".join(bytes([number]) * size for number, size in enumerate(sizes, 1))
    at = 0
    for size in sizes:
        pair.client.write(said[at : at + size])
        at += size
    sent, at, turn = pair.outgoing.read(), 0, 0
    while at < len(sent):
        pair.give(sent[at : at + cuts[turn % len(cuts)]])
        at, turn = at + cuts[turn % len(cuts)], turn + 1
    pair.turns()
    assert pair.heard.data == said


def test_a_handshake_byte_by_byte(pem: Certificates) -> None:
    pair = Pair(pem, Time(), shake=False)
    pair.shake(1)
    assert pair.over == 1
    assert pair.time.calls == []


# --- what is sent -----------------------------------------------------------------------------


def test_no_more_is_encrypted_than_the_socket_takes(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    said = bytes(range(256)) * 4096
    pair.link.write(said)
    assert len(pair.socket.buffer) < FULL + 2 * (1 << 14)
    assert pair.link.get_write_buffer_size() > len(said)
    assert pair.heard.calls == ["pause"]
    pair.link.writelines([b"and", b" more"])
    heard = b""
    while pair.heard.calls == ["pause"]:
        heard += pair.told()
    heard += pair.told()
    assert heard == said + b"and more"
    assert pair.heard.calls == ["pause", "resume"]
    assert pair.link.get_write_buffer_size() == 0


def test_a_small_message_waits_for_a_full_socket_too(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    while pair.heard.calls == []:
        pair.link.write(bytes(1000))
    full = len(pair.socket.buffer)
    pair.link.write(b"small")
    assert len(pair.socket.buffer) == full
    assert pair.link.get_write_buffer_size() == full + len(b"small")
    assert pair.told().endswith(bytes(1000))
    assert pair.told() == b"small"


def test_goodbye_stands_behind_what_was_written(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    pair.link.write(bytes(4 * FULL))
    pair.link.close()
    pair.link.write(b"too late")
    heard = 0
    while pair.link.get_write_buffer_size():
        heard += len(pair.told())
    assert heard == 4 * FULL
    assert pair.client.read(1) == b""  # which is the goodbye


# --- the end ----------------------------------------------------------------------------------


def test_the_relay_says_goodbye_and_waits_for_the_client(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    pair.link.close()
    assert pair.told() == b""
    assert pair.link.is_closing()
    assert not pair.socket.closed
    pair.read(pair.records(10))  # it was under way
    assert pair.heard.data == b""
    assert pair.link.eof_received() is False  # so the socket closes
    pair.link.connection_lost(None)
    assert pair.heard.calls == ["lost"]
    assert pair.time.calls == []


def test_a_client_that_does_not_close_too_is_cut_off(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    pair.link.close()
    pair.time.pass_until(CLOSE_SECONDS)
    assert pair.socket.aborted


def test_a_client_that_sends_on_is_cut_off(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    pair.link.close()
    for _ in range(IGNORED // READ_SIZE):
        pair.read(bytes(READ_SIZE))
    assert not pair.socket.aborted
    pair.read(b"x")
    assert pair.socket.aborted


def test_the_client_says_goodbye(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    pair.client.write(b"the last words")
    with contextlib.suppress(ssl.SSLWantReadError):
        pair.client.unwrap()
    pair.read(pair.outgoing.read())
    assert (pair.heard.data, pair.heard.calls) == (b"the last words", ["eof"])
    assert pair.socket.closed
    pair.hear()
    pair.client.unwrap()  # as the relay said goodbye too


def test_what_was_sent_to_a_client_that_said_goodbye_still_comes(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    pair.link.write(bytes(4 * FULL))
    assert pair.link.eof_received() is True  # so the socket stays
    heard = 0
    while pair.link.get_write_buffer_size():
        heard += len(pair.told())
    assert heard == 4 * FULL
    assert pair.socket.closed


@pytest.mark.parametrize("bad", [b"GET / HTTP/1.1\r\n\r\n", b"\x17\x03\x03\x00\x20" + bytes(32)])
@pytest.mark.parametrize("shake", [False, True])
def test_what_is_not_tls_is_the_end(pem: Certificates, bad: bytes, shake: bool) -> None:
    pair = Pair(pem, Time(), shake=shake)
    pair.read(bad)
    assert len(pair.socket.buffer) < 50  # at most an alert
    assert (pair.socket.closed, pair.heard.data) == (True, b"")
    pair.time.pass_until(CLOSE_SECONDS)
    assert pair.socket.aborted  # which a client that takes nothing would delay
    pair.link.connection_lost(None)
    assert pair.heard.calls == (["lost"] if shake else [])


def test_a_handshake_that_is_late(pem: Certificates) -> None:
    pair = Pair(pem, Time(), shake=False)
    pair.read(b"\x16\x03")
    pair.time.pass_until(HANDSHAKE_SECONDS)
    assert pair.socket.aborted
    pair.link.connection_lost(None)
    assert pair.over == 1
    assert pair.heard.calls == []


def test_a_link_that_gave_way_before_its_socket_was_there(pem: Certificates) -> None:
    pair = Pair(pem, Time(), shake=False)
    pair.link.abort()
    again = Socket()
    pair.link.connection_made(again)
    assert again.aborted


def test_what_a_protocol_asks_of_its_transport(pem: Certificates) -> None:
    pair = Pair(pem, Time())
    assert pair.link.get_extra_info("ssl_object").version() == "TLSv1.3"
    assert pair.link.get_extra_info("peername") == "the socket's peername"
    assert (pair.link.can_write_eof(), pair.link.is_reading()) == (False, True)
    other = Heard()
    pair.link.set_protocol(other)
    assert pair.link.get_protocol() is other
    pair.read(pair.records(1))
    assert (other.data, pair.heard.data) == (bytes(1), b"")
