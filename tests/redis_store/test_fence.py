"""A promoted server that lacks what was told: the room is forgotten, and no number is given twice.

The replica stops copying before the loss, as one that was cut off does. The nodes ask for no
confirmation here (`replicas=0`), as after a mistake in the settings: the fence is the second line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alcove_server.store.redis import line
from alcove_server.store.redis.records import tag_of
from alcove_server.store.redis.told import Told
from alcove_server.store_address import Address

from tests.redis_store.groups import Pair, replicate
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import until
from tests.server.store.bench import GENERATION, ROOM


@pytest.fixture
async def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    async with Pair(tmp_path) as pair:

        async def primary_of(_: Address) -> tuple[str, int]:
            return "127.0.0.1", pair.now.port

        monkeypatch.setattr(line, "primary_of", primary_of)
        yield pair


async def lose(pair: Pair, node: Node, kept: int, lost: int) -> None:
    """Tell so many blobs that the second server has, and so many that it lacks. From now on nodes
    are led to the second server, which is the primary, as soon as the first one is gone."""
    await node.open()
    for number in range(kept):
        await node.publish(id_of(number))
    replicate(pair.one, 1)

    async def copied() -> bool:
        mine, other = [await server.ask("DBSIZE") for server in (pair.one, pair.two)]
        return mine == other

    await until(copied)
    await pair.promote()
    for number in range(kept, kept + lost):
        await node.publish(id_of(number))
    pair.now = pair.two


async def test_a_room_of_which_nothing_is_lost_goes_on(pair: Pair) -> None:
    node = Node(pair.url)
    await lose(pair, node, 3, 0)
    await pair.one.kill()
    await node.rung()
    await node.back()
    assert (await node.publish(id_of(3))).number == 4
    assert [blob.id for blob in (await node.read()).blobs] == [id_of(at) for at in range(4)]
    await node.close()


async def test_a_room_that_lacks_what_was_told_is_forgotten(pair: Pair) -> None:
    node = Node(pair.url)
    await lose(pair, node, 2, 1)
    await pair.one.kill()
    await node.rung()
    await node.back()
    assert await node.store.head(ROOM) is None
    assert ROOM in node.heard.told
    await node.close()


async def test_it_is_forgotten_also_when_others_went_on_in_it(pair: Pair) -> None:
    node = Node(pair.url)
    await lose(pair, node, 2, 1)
    later = Node(pair.url)  # it never knew the first server
    for number in range(10, 14):
        await later.publish(id_of(number))  # number 3 is another blob now
    await pair.one.kill()
    await node.rung()
    await node.back()
    assert await node.store.head(ROOM) is None
    await later.rung()
    for one in (node, later):
        await one.close()


@pytest.mark.interpreted
async def test_without_the_fence_one_number_would_be_two_blobs(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: what the tests above would miss if the node compared nothing."""
    monkeypatch.setattr(Told, "under_another", lambda self, reign: [])
    node = Node(pair.url)
    await lose(pair, node, 2, 1)
    await pair.one.kill()
    await node.rung()
    await node.back()
    await node.publish(id_of(10))
    numbers = [blob.number for blob in node.heard.blobs]
    assert numbers.count(3) == 2
    await node.close()


async def test_a_lost_connection_alone_forgets_no_room(pair: Pair) -> None:
    node = Node(pair.url)
    await node.open()
    await node.publish(id_of(1))
    for turn in range(3):
        await pair.one.ask("CLIENT", "KILL", "TYPE", "pubsub")
        await node.rung()
        node.heard.told.clear()
        await node.back()
        await node.publish(id_of(2 + turn))
    assert len((await node.read()).blobs) == 4
    await node.close()


async def test_two_promotions_while_a_node_was_away_forget_the_room(pair: Pair) -> None:
    """Nothing tells any more what the first of the two lost."""
    node = Node(pair.url)
    await node.open()
    await node.publish(id_of(1))
    told = Told()
    told.note(b"c", GENERATION, 1, b"z" * 20)
    ((_, generation, number, reign),) = told.under_another(b"a" * 20)
    node.store._watching.compare(tag_of(ROOM), generation, number, reign)
    await node.rung()
    assert await node.store.head(ROOM) is None
    await node.close()


async def test_a_server_that_changes_under_a_connection_is_left(pair: Pair) -> None:
    """A connection can survive a demotion and a promotion, which only the reign shows."""
    node = Node(pair.url)
    await node.open()
    await node.publish(id_of(1))
    await pair.one.ask("REPLICAOF", "127.0.0.1", str(pair.two.port))
    await pair.one.ask("REPLICAOF", "NO", "ONE")
    node.heard.told.clear()
    await asyncio.wait_for(node.rung(), 30)
    await node.back()
    assert (await node.publish(id_of(2))).number == 2
    await node.close()
