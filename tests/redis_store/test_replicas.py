"""What the Redis store tells is on every replica: a failover cannot lose it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alcove_protocol.errors import Refusal
from alcove_server.store.interface import Taken
from alcove_server.store.redis import wire
from alcove_server.store.redis.records import tag_of

from tests.redis_store.groups import Standalone, WithSentinel
from tests.redis_store.node import Node
from tests.redis_store.server import until
from tests.server.store.bench import GENERATION, ROOM


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[WithSentinel]:
    async with WithSentinel(tmp_path, down_after=1_000) as group:
        yield group


async def test_what_one_replica_lacks_is_told_nowhere(group: WithSentinel) -> None:
    primary, _, lagging = group.databases
    ann, ben = Node(group.url, replicas=2), Node(group.url, replicas=2)
    await ann.open()
    assert await ben.store.head(ROOM) is not None
    lagging.signal(signal.SIGSTOP)
    ann.soon(b"1" * 16)

    async def written() -> bool:
        return b"said" in await primary.ask("GET", key(1))

    await until(written)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(ben.store.head(ROOM)), 1.5)
    assert ann.heard.told == []
    assert ben.heard.told == []
    lagging.signal(signal.SIGCONT)
    await ann.told(2)
    await ben.told(1)
    assert ann.heard.told == [(ROOM, GENERATION, b"1" * 16), b"1" * 16]
    assert ben.heard.told == [(ROOM, GENERATION, b"1" * 16)]
    (taken,) = ann.heard.outcomes
    assert isinstance(taken, Taken)
    for node in (ann, ben):
        await node.close()


def key(number: int) -> str:
    return tag_of(ROOM).decode() + f"b{number}"


async def test_a_failover_loses_nothing_that_was_acknowledged(group: WithSentinel) -> None:
    ann, ben = Node(group.url, replicas=2), Node(group.url, replicas=2)
    await ann.open()
    assert await ben.store.head(ROOM) is not None
    primary = await group.primary()
    for number in range(200):
        ann.soon(b"%16d" % number)
    await ann.told(10)
    await primary.kill()
    told = len(ann.heard.outcomes)
    taken = [one for one in ann.heard.outcomes if isinstance(one, Taken)]
    assert 5 <= len(taken) <= told
    promoted = await group.next_primary()
    await primary.start()  # as its supervisor does: all replicas must confirm
    for server in group.databases:
        if server is not promoted:  # Sentinel would do it too, after 10 seconds
            await server.ask("REPLICAOF", "127.0.0.1", str(promoted.port))
    page = await ben.read()
    there = {blob.number: blob.id for blob in page.blobs}
    assert {one.number for one in taken} <= set(there)
    for node in (ann, ben):
        await node.close()


async def test_a_node_whose_replicas_are_away_lets_nobody_in(group: WithSentinel) -> None:
    node = Node(group.url, replicas=2)
    await node.open()
    assert await node.store.ready()
    group.databases[1].signal(signal.SIGSTOP)
    node.soon(b"1" * 16)

    async def refused() -> bool:
        try:
            await asyncio.wait_for(asyncio.shield(node.store.head(ROOM)), 0.1)
        except Refusal as refusal:
            return refusal.code == "unavailable"
        except TimeoutError:
            pass
        return False

    await until(refused)
    assert node.heard.outcomes == []  # held, and neither answered nor refused
    group.databases[1].signal(signal.SIGCONT)
    await node.back()
    (taken,) = node.heard.outcomes
    assert isinstance(taken, Taken)
    assert await node.store.ready()
    await node.close()


async def test_what_replicas_never_confirm_is_unavailable_in_the_end(
    group: WithSentinel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 0.5)
    node = Node(group.url, replicas=2)
    await node.open()
    group.databases[1].signal(signal.SIGSTOP)
    with pytest.raises(Refusal) as refusal:
        await node.publish(b"1" * 16)
    assert refusal.value.code == "unavailable"
    assert node.heard.blobs == []
    assert await node.refusal() == "unavailable"  # and no new connection is taken for safe
    assert "Redis is not safe: 1 of 2 replicas confirm" in caplog.text
    group.databases[1].signal(signal.SIGCONT)
    await node.back()
    assert [blob.id for blob in (await node.read()).blobs] == [b"1" * 16]  # it had happened
    await node.close()


async def test_rooms_are_held_while_replicas_are_away(alone: Standalone) -> None:
    await alone.server.ask("FLUSHALL")
    node = Node(alone.url)
    await node.open()
    meta = tag_of(ROOM).decode() + "m"
    assert await alone.server.ask("PEXPIRE", meta, "60000") == b":1\r\n"
    without = Node(alone.url, replicas=1)
    assert await without.refusal() == "unavailable"

    async def held() -> bool:
        return int((await alone.server.ask("PTTL", meta))[1:]) > 60_000

    await until(held)
    for one in (node, without):
        await one.close()
