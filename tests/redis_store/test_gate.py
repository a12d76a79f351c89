"""The gate and the order of a batch, without a server: nothing is told before `WAIT`."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from alcove_server.store.redis import wire
from alcove_server.store.redis.gate import Gate, Reply
from alcove_server.store.redis.health import Health
from alcove_server.store.redis.wire import Wire, encode


class Asked:
    """A gate, what it asked, and what it told."""

    def __init__(self, replicas: int = 2) -> None:
        self.asked = 0
        self.told: list[object] = []
        self.gate = Gate(replicas, self._ask)

    def _ask(self) -> None:
        self.asked += 1

    def reply(self, reply: Reply) -> None:
        self.gate.reply(self.told.append, reply)

    def push(self, message: bytes) -> None:
        self.gate.push(lambda _, message: self.told.append(message), b"room", message)


def test_nothing_is_told_before_all_replicas_confirm() -> None:
    one = Asked()
    one.push(b"blob")
    one.reply(b"taken")
    one.gate.marked()
    assert not one.gate.confirmed(1)
    assert one.told == []
    one.gate.marked()
    assert one.gate.confirmed(2)
    assert one.told == [b"blob", b"taken"]


def test_what_comes_behind_the_marker_needs_the_next_wait() -> None:
    one = Asked()
    one.reply(b"first")
    one.gate.marked()
    one.push(b"second")
    one.gate.confirmed(2)
    assert one.told == [b"first"]
    assert one.asked == 2
    one.gate.marked()
    one.gate.confirmed(2)
    assert one.told == [b"first", b"second"]
    assert one.gate.bytes == 0


def test_what_a_wait_without_a_marker_confirms_is_nothing() -> None:
    one = Asked()
    one.push(b"blob")
    one.gate.confirmed(2)
    assert one.told == []


def test_a_lost_connection_tells_no_push_and_no_reply() -> None:
    one = Asked()
    one.push(b"blob")
    one.reply(b"taken")
    lost = ConnectionError("lost")
    one.gate.drop(lost)
    assert one.told == [lost]


def test_a_server_alone_has_everything_told_at_once() -> None:
    one = Asked(0)
    one.push(b"blob")
    one.reply(b"taken")
    assert one.told == [b"blob", b"taken"]
    assert one.asked == 0


class Transport:
    """What a connection wrote."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True


class Wired:
    """A wire on a transport that keeps what is written."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.told: list[Reply] = []
        self.wire = Wire(lambda channel, message: self.told.append(message), lambda: None, 2, b"k")
        self.wire.connection_made(cast(asyncio.Transport, self.transport))  # all that it uses


async def test_a_batch_is_commands_then_a_write_then_wait() -> None:
    """A marker that is no write (PING) would not move what `WAIT` looks at."""
    one = Wired()
    for _ in range(2):
        one.wire.send(encode(b"EVALSHA"), one.told.append)
    await asyncio.sleep(0)
    command = encode(b"EVALSHA")
    expected = encode(b"PEXPIRE", b"k", b"60000") + encode(b"WAIT", b"2", b"1000")
    assert one.transport.written == [command + command + expected]
    one.wire.data_received(b"$1\r\na\r\n$1\r\nb\r\n:1\r\n")
    assert one.told == []
    one.wire.data_received(b":2\r\n")
    assert one.told == [b"a", b"b"]


async def test_a_marker_that_is_gone_ends_the_connection() -> None:
    one = Wired()
    one.wire.send(encode(b"EVALSHA"), one.told.append)
    await asyncio.sleep(0)
    one.wire.data_received(b"$1\r\na\r\n:0\r\n")
    assert one.transport.aborted
    (lost,) = one.told
    assert isinstance(lost, ConnectionError)


@pytest.mark.parametrize("error", [b"-UNBLOCKED demoted\r\n", b"-READONLY a replica\r\n"])
async def test_an_error_instead_of_wait_tells_nothing(error: bytes) -> None:
    one = Wired()
    one.wire.send(encode(b"EVALSHA"), one.told.append)
    await asyncio.sleep(0)
    one.wire.data_received(b"$1\r\na\r\n:1\r\n" + error)
    (lost,) = one.told
    assert isinstance(lost, ConnectionError)


async def test_another_error_of_wait_confirms_nothing() -> None:
    one = Wired()
    one.wire.send(encode(b"EVALSHA"), one.told.append)
    await asyncio.sleep(0)
    one.wire.data_received(b"$1\r\na\r\n:1\r\n-ERR no\r\n")
    assert one.told == []
    assert one.wire.is_short
    one.wire.data_received(b":1\r\n:2\r\n")
    assert one.told == [b"a"]
    assert not one.wire.is_short


@pytest.mark.interpreted
@pytest.mark.parametrize(
    "what", [b"$400\r\n%b\r\n", b">3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$400\r\n%b\r\n"]
)
async def test_what_waits_for_replicas_is_bounded(
    what: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HELD", 1000)
    one = Wired()
    for _ in range(4):
        one.wire.send(encode(b"EVALSHA"), one.told.append)
    for _ in range(2):
        one.wire.data_received(what % (b"x" * 400))
    assert not one.transport.aborted
    one.wire.data_received(what % (b"x" * 400))
    assert one.transport.aborted
    assert not [told for told in one.told if not isinstance(told, ConnectionError)]


async def test_what_nobody_asked_for_ends_the_connection() -> None:
    one = Wired()
    one.wire.data_received(b"+OK\r\n")
    assert one.transport.aborted


async def test_a_subscription_that_the_server_ends_ends_the_connection() -> None:
    one = Wired()
    one.wire.subscribe(b"c")
    one.wire.data_received(b">3\r\n$10\r\nssubscribe\r\n$1\r\nc\r\n:1\r\n")
    assert not one.transport.aborted
    one.wire.data_received(b">3\r\n$12\r\nsunsubscribe\r\n$1\r\nc\r\n:0\r\n")
    assert one.transport.aborted


async def test_a_push_behind_its_reply_is_told_before_it() -> None:
    """As Redis 7.2 and Valkey send it, in whatever pieces it comes."""
    told: list[object] = []
    turned = Wire(lambda _, message: told.append(message), lambda: None)
    transport = Transport()
    turned.connection_made(cast(asyncio.Transport, transport))
    turned.health = Health(True, bytes(20), 0, 0.0, late_pushes=True)
    for _ in range(2):
        turned.send(encode(b"EVALSHA"), told.append)
    await asyncio.sleep(0)
    assert transport.written == [2 * encode(b"EVALSHA") + encode(b"PING")]
    push = b">3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$2\r\np%d\r\n"
    turned.data_received(b"$1\r\na\r\n")
    assert told == []
    turned.data_received(push % 1 + b"$1\r\nb\r\n")
    turned.data_received(push % 2)
    turned.data_received(b"+PONG\r\n")
    assert told == [b"p1", b"a", b"p2", b"b"]


async def test_a_kept_reply_is_told_when_the_connection_ends() -> None:
    told: list[object] = []
    turned = Wire(lambda _, message: told.append(message), lambda: None)
    turned.connection_made(cast(asyncio.Transport, Transport()))
    turned.health = Health(True, bytes(20), 0, 0.0, late_pushes=True)
    turned.send(encode(b"EVALSHA"), told.append)
    await asyncio.sleep(0)
    turned.data_received(b"$1\r\na\r\n")
    turned.close()
    assert told == [b"a"]
