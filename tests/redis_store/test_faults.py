"""What a server does wrong under a node: the node says `unavailable` or `busy`, and comes back."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from itertools import count

import pytest
import redis
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_server.store.budget import StoreBounds
from alcove_server.store.redis import line, refusals, sentinels, wire
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import Address, parse
from alcove_server.testing.embedded import ManualClock

from tests.redis_store.groups import Standalone
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import free_ports, until
from tests.server.store.bench import GENERATION, HEAD, OPENING, OTHER, ROOM, START

LARGE = b"x" * limits.APPLICATION_BLOB


@pytest.fixture
async def node(alone: Standalone) -> AsyncIterator[Node]:
    await alone.server.ask("FLUSHALL")
    node = Node(alone.url)
    await node.open()
    yield node
    await node.close()


async def test_a_node_loads_its_scripts_again_when_they_are_gone(
    alone: Standalone, node: Node
) -> None:
    await alone.server.ask("SCRIPT", "FLUSH")
    assert await node.refusal() == "unavailable"
    await node.back()
    assert (await node.publish(id_of(1))).number == 1


async def test_a_server_that_became_a_replica_is_given_up(alone: Standalone, node: Node) -> None:
    (nobody,) = free_ports(1)
    await alone.server.ask("REPLICAOF", "127.0.0.1", str(nobody))
    with pytest.raises(Refusal) as refusal:
        await node.publish(id_of(1))
    assert refusal.value.code == "unavailable"
    assert not await node.store.ready()
    await alone.server.ask("REPLICAOF", "NO", "ONE")
    await node.back()
    assert await node.store.ready()
    assert ROOM in node.heard.told  # it may have changed meanwhile


async def test_every_watched_room_rings_when_a_connection_was_lost(
    alone: Standalone, node: Node
) -> None:
    node.store.watch(OTHER)
    assert await node.store.head(OTHER) is None
    other = Node(alone.url)
    await other.open()
    await alone.server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    await node.rung()
    assert {ROOM, OTHER} <= {told for told in node.heard.told if isinstance(told, bytes)}
    await other.back()
    await other.publish(id_of(1))
    await node.told(3)
    assert node.heard.told[-1] == (ROOM, GENERATION, id_of(1))
    await other.close()


async def test_a_silent_server_hangs_no_command(
    alone: Standalone, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "SILENCE", 0.5)
    monkeypatch.setattr(line, "DEADLINE", 0.5)
    alone.server.signal(signal.SIGSTOP)
    try:
        node.soon(id_of(1))
        assert await node.refusal() == "unavailable"  # the connection is given up
        assert await node.refusal() == "unavailable"  # and no other one is greeted
        assert [type(outcome) for outcome in node.heard.outcomes] == [Refusal]
    finally:
        alone.server.signal(signal.SIGCONT)
    await node.back()
    assert (await node.publish(id_of(2))).number in (1, 2)  # the first may have happened


async def test_a_full_server_is_busy_and_answers_reads(
    alone: Standalone, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    refusals._say_full.cache_clear()
    await node.publish(id_of(1))
    await alone.server.ask("CONFIG", "SET", "maxmemory", "1mb")
    try:
        with pytest.raises(Refusal) as refusal:
            await node.publish(id_of(2))
        assert refusal.value.code == "busy"
        assert "Redis is full" in caplog.text
        page = await node.read()
        assert [blob.id for blob in page.blobs] == [id_of(1)]
        assert page.position.number == 1
    finally:
        await alone.server.ask("CONFIG", "SET", "maxmemory", "1gb")
    assert (await node.publish(id_of(2))).number == 2


async def test_the_memory_of_the_server_is_shared_among_the_rooms(alone: Standalone) -> None:
    await alone.server.ask("FLUSHALL")
    with redis.Redis(port=alone.server.port) as said:
        used = int(said.info("memory")["used_memory"])
    node = Node(alone.url, bounds=StoreBounds(store_bytes=used + limits.MIB))
    await node.open()

    numbers = count()

    async def full() -> bool:
        try:
            await node.publish(id_of(next(numbers)), LARGE)
        except Refusal as refusal:
            return refusal.code == "busy"
        return False

    await until(full)  # a room may always take 2 MiB while any are left
    assert 30 <= next(numbers) <= 64

    async def no_room_is_opened() -> bool:
        try:
            await node.store.open(next(numbers).to_bytes(32, "big"), OPENING, HEAD, GENERATION)
        except Refusal as refusal:
            return refusal.code == "busy"
        return False

    await until(no_room_is_opened)  # the memory is read once a second
    await node.close()


async def test_what_waits_for_a_connection_is_bounded() -> None:
    (nobody,) = free_ports(1)
    node = Node(f"redis://127.0.0.1:{nobody}")
    most = wire.PENDING // len(LARGE) + 1
    for number in range(most):
        node.soon(id_of(number), LARGE)
    assert len(node.heard.outcomes) >= 1  # it was refused at once
    await node.told(most)
    assert {str(outcome) for outcome in node.heard.outcomes} == {str(Refusal("unavailable"))}
    assert len(node.heard.outcomes) == most
    await node.close()


async def test_a_refused_subscription_ends_the_connection(alone: Standalone) -> None:
    await alone.server.ask(
        "ACL", "SETUSER", "deaf", "on", ">secret", "~*", "+@all", "resetchannels"
    )
    node = Node(f"redis://deaf:secret@127.0.0.1:{alone.server.port}")
    assert await node.refusal() == "unavailable"
    await node.close()


async def test_a_clock_that_is_set_back_revives_nothing(alone: Standalone) -> None:
    await alone.server.ask("FLUSHALL")
    clock = ManualClock()
    store = RedisStore(parse(alone.url), clock=clock)
    node = Node(alone.url)
    node.store = store
    store.watch(ROOM)
    await node.open()
    await node.publish(id_of(1), ttl=10)
    clock.advance(20)
    assert (await node.read()).blobs == ()
    clock.advance(-19)
    page = await node.read()
    assert page.blobs == ()
    assert page.lost
    assert (await node.publish(id_of(2))).number == 2
    await node.close()


async def test_the_next_sentinel_is_asked_while_the_first_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # nothing accepts
        at = ("127.0.0.1", int(silent.getsockname()[1]))
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(OSError, match="no Sentinel"):
            await sentinels.primary_of(Address((at, at), "alcove"))
        assert loop.time() - started >= 2 * sentinels.SENTINEL_SECONDS  # both were asked


async def test_a_look_at_an_idle_room_says_when_to_look_again(alone: Standalone) -> None:
    await alone.server.ask("FLUSHALL")
    clock = ManualClock()
    store = RedisStore(parse(alone.url), clock=clock)
    await store.open(ROOM, OPENING, HEAD, GENERATION)
    store.watch(ROOM)
    await store.expire(10)

    async def calls() -> int:
        said = await alone.server.ask("INFO", "commandstats")
        found = said.partition(b"cmdstat_evalsha:calls=")[2].partition(b",")[0]
        return int(found)

    before = await calls()
    for _ in range(50):
        await store.expire(10)
    assert await calls() == before
    clock.advance(60)
    await store.expire(10)
    assert await calls() == before + 1
    await store.read(ROOM, START, 1000)
    await store.close()
