"""The clock of a real server is moved: what lives ends early, which is announced, and what ended
stays ended. Where there is no C compiler, `test_faults.py` moves the store's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis
from alcove_protocol.frames import BlobClass
from alcove_server.store.redis.records import tag_of

from tests.redis_store.moved import Moved, make_shim, needs_compiler
from tests.redis_store.node import Node, id_of, publication
from tests.server.store.bench import ROOM, START, but

pytestmark = needs_compiler
HOUR = 3600


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
async def moved(tmp_path: Path, shim: Path) -> AsyncIterator[Moved]:
    async with Moved(tmp_path, shim) as group:
        yield group


async def go_on(node: Node) -> None:
    """The room goes on under the next numbers, as soon as a heartbeat comes."""
    beat = but(publication(id_of(2)), blob_class=BlobClass.BEAT, ttl=90)
    assert (await node.store.publish(beat)).number == 2
    assert (await node.publish(id_of(3), ttl=600)).number == 3
    page = await node.store.read(ROOM, START, 1000)
    assert [blob.id for blob in page.blobs] == [id_of(2), id_of(3)]


async def test_the_clock_moves(moved: Moved) -> None:
    before = moved.time()
    moved.move(HOUR)
    assert HOUR <= moved.time() - before < HOUR + 60
    moved.move(-HOUR)
    assert -HOUR <= moved.time() - before < -HOUR + 60


async def test_an_hour_ahead_messages_end_early_and_readers_are_told(moved: Moved) -> None:
    node = Node(moved.url)
    await node.open()
    await node.publish(id_of(1), ttl=600)
    moved.move(1000)  # a room lives for 1800 s without a heartbeat
    page = await node.store.read(ROOM, START, 1000)
    assert page.blobs == ()
    assert page.lost
    await go_on(node)
    await node.close()


async def test_an_hour_ahead_a_room_ends_early_and_leaves_nothing(moved: Moved) -> None:
    node = Node(moved.url)
    await node.open()
    await node.publish(id_of(1), ttl=HOUR * 20)
    moved.move(HOUR)
    assert await node.store.head(ROOM) is None
    with redis.Redis(port=moved.server.port) as asked:
        assert [key for key in asked.scan_iter() if key.startswith(tag_of(ROOM))] == []
    await node.close()


async def test_an_hour_back_nothing_that_ended_comes_again(moved: Moved) -> None:
    node = Node(moved.url)
    await node.open()
    await node.publish(id_of(1), ttl=600)
    moved.move(1000)
    assert (await node.store.read(ROOM, START, 1000)).blobs == ()
    moved.move(1000 - HOUR)
    page = await node.store.read(ROOM, START, 1000)
    assert page.blobs == ()
    assert page.lost
    await go_on(node)
    await node.close()


async def test_a_clock_that_is_set_back_keeps_no_message_from_being_told(moved: Moved) -> None:
    """A node knows the server's time from its looks, and a message that seems to have ended is read
    from the server."""
    moved.move(HOUR)
    ann, ben = Node(moved.url), Node(moved.url)
    await ann.open()
    assert await ben.store.head(ROOM) is not None
    moved.move(0)
    await ann.publish(id_of(1), ttl=600)
    await ben.told(1)
    page = await ben.store.read(ROOM, START, 1000)
    assert [blob.id for blob in page.blobs] == [id_of(1)]
    for node in (ann, ben):
        await node.close()
