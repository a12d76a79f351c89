"""What the Redis store tells is on every replica: a failover cannot lose it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass
from alcove_server.store.interface import Page, Publication, Taken
from alcove_server.store.redis.records import tag_of
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse

from tests.redis_store.groups import WithSentinel
from tests.redis_store.server import until
from tests.server.store.bench import ANN, GENERATION, HEAD, OPENING, ROOM, START, Recorder


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[WithSentinel]:
    async with WithSentinel(tmp_path, down_after=1_000) as group:
        yield group


class Node:
    """A node with a store of its own."""

    def __init__(self, url: str) -> None:
        self.store = RedisStore(parse(url), replicas=2)
        self.heard = Recorder()
        self.store.listen(self.heard)
        self.store.watch(ROOM)

    def publish(self, id: bytes) -> None:
        self.store.publish_soon(
            Publication(ROOM, ANN, id, START.encode(), BlobClass.APPLICATION, 60, b"said", HEAD),
            self.heard.on_done,
        )

    async def until(self, told: int) -> None:
        """Wait until this node has heard so much."""

        async def heard() -> bool:
            return len(self.heard.told) >= told

        await until(heard)


async def test_what_one_replica_lacks_is_told_nowhere(group: WithSentinel) -> None:
    primary, _, lagging = group.databases
    ann, ben = Node(group.url), Node(group.url)
    await ann.store.open(ROOM, OPENING, HEAD, GENERATION)
    assert await ben.store.head(ROOM) is not None
    lagging.signal(signal.SIGSTOP)
    ann.publish(b"1" * 16)

    async def written() -> bool:
        return b"said" in await primary.ask("GET", key(1))

    await until(written)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(ben.store.head(ROOM)), 1.5)
    assert ann.heard.told == []
    assert ben.heard.told == []
    lagging.signal(signal.SIGCONT)
    await ann.until(2)
    await ben.until(1)
    assert ann.heard.told == [(ROOM, GENERATION, b"1" * 16), b"1" * 16]
    assert ben.heard.told == [(ROOM, GENERATION, b"1" * 16)]
    (taken,) = ann.heard.outcomes
    assert isinstance(taken, Taken)
    for node in (ann, ben):
        await node.store.close()


def key(number: int) -> str:
    return tag_of(ROOM).decode() + f"b{number}"


async def test_a_failover_loses_nothing_that_was_acknowledged(group: WithSentinel) -> None:
    ann, ben = Node(group.url), Node(group.url)
    await ann.store.open(ROOM, OPENING, HEAD, GENERATION)
    assert await ben.store.head(ROOM) is not None
    primary = await group.primary()
    for number in range(200):
        ann.publish(b"%16d" % number)
    await ann.until(10)
    await primary.kill()
    told = len(ann.heard.outcomes)
    taken = [one for one in ann.heard.outcomes if isinstance(one, Taken)]
    assert 5 <= len(taken) <= told
    await group.next_primary()
    await primary.start()  # as its supervisor does: all replicas must confirm
    pages: list[Page] = []

    async def readable() -> bool:
        try:
            pages.append(await ben.store.read(ROOM, START, 2**20))
        except Refusal:
            return False
        return True

    await until(readable)
    there = {blob.number: blob.id for blob in pages[0].blobs}
    assert {one.number for one in taken} <= set(there)
    for node in (ann, ben):
        await node.store.close()
