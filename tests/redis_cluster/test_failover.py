"""A primary of the Cluster dies: its replica has all that was told, and the other rooms go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alcove_protocol import limits
from alcove_server.store.interface import Taken
from alcove_server.store.redis.fitness import check
from alcove_server.store.redis.records import tag_of
from alcove_server.store.redis.topology import slot_of
from alcove_server.store_address import parse

from tests.redis_store.groups import Cluster, until_replicas
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import until
from tests.server.store.bench import GENERATION, HEAD, OPENING, ROOM

SLOT = slot_of(tag_of(ROOM))


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with Cluster(tmp_path) as cluster:
        yield cluster


def room_elsewhere(cluster_slot: int) -> bytes:
    """A room on another primary than the one of this slot: thirds of the slots lie together."""
    rooms = (number.to_bytes(32, "big") for number in range(1, 1000))
    third = 16_384 // 3
    return next(room for room in rooms if slot_of(tag_of(room)) // third != cluster_slot // third)


async def test_a_primary_that_dies_loses_nothing_that_was_acknowledged(cluster: Cluster) -> None:
    ann, ben = (Node(cluster.url, replicas=1) for _ in range(2))
    other = room_elsewhere(SLOT)
    await ann.open()
    await ann.store.open(other, OPENING, HEAD, GENERATION)
    assert await ben.store.head(ROOM) is not None
    primary = await cluster.primary_of(SLOT)
    (replica,) = await cluster.replicas_of(primary)
    for number in range(1, 201):
        ann.soon(id_of(number))
    await ann.told(10)
    await primary.kill()
    assert await ann.store.head(other) is not None  # on another primary
    assert await ann.store.ready()
    assert await cluster.primary_of(SLOT) is replica
    await check(parse(cluster.url), 1, 512 * limits.MIB)  # a relay may start meanwhile
    await primary.start()  # as its supervisor does: all replicas must confirm
    await until_replicas(replica, 1)
    page = await ben.read()
    there = {blob.number: blob.id for blob in page.blobs}
    answered = [told for told in ann.heard.told if isinstance(told, bytes) and told != ROOM]
    taken = 0
    for id, outcome in zip(answered, ann.heard.outcomes, strict=True):
        if isinstance(outcome, Taken):
            taken += 1
            assert there[outcome.number] == id
    assert taken >= 5
    await ann.back()
    last = await ann.publish(id_of(500))
    assert last.number == len(there) + 1
    assert not (await ben.read()).lost
    await ben.told(1)

    async def heard() -> bool:
        return any(blob.id == id_of(500) for blob in ben.heard.blobs)

    await until(heard)
    for node in (ann, ben):
        await node.close()
