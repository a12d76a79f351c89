"""A slot that moves from one primary to another, with a room in it: a pause, and never a gap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import hiredis
import pytest
import redis
from alcove_server.store.interface import Taken
from alcove_server.store.redis import move
from alcove_server.store.redis.errors import moved_of
from alcove_server.store.redis.records import tag_of
from alcove_server.store.redis.topology import slot_of

from tests.redis_store.groups import Cluster
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import RedisServer, until
from tests.server.store.bench import GENERATION, ROOM

SLOT = slot_of(tag_of(ROOM))


class Moving:
    """Two nodes that watch the room, and the servers between which its slot moves."""

    def __init__(self, cluster: Cluster, source: RedisServer, target: RedisServer) -> None:
        self.cluster = cluster
        self.source = source
        self.target = target
        self.ann, self.ben = (Node(cluster.url, replicas=1) for _ in range(2))
        self._ids = iter(range(1, 1000))

    async def begin(self) -> None:
        await self.ann.open()
        await self.talk(3)
        assert await self.ben.store.head(ROOM) is not None

    async def talk(self, count: int) -> None:
        """Publish so many, and wait until both nodes heard them."""
        self.soon(count)
        await self.all_heard()

    def soon(self, count: int) -> None:
        for _ in range(count):
            self.ann.soon(id_of(next(self._ids)), ttl=3600)

    async def all_heard(self) -> None:
        """Until each publication is answered, and both nodes have its blob."""
        asked = next(self._ids)
        self._ids = iter(range(asked, 1000))

        async def heard() -> bool:
            return len(self.ann.heard.outcomes) == asked - 1

        await until(heard)
        outcomes = self.ann.heard.outcomes
        assert all(isinstance(outcome, Taken) for outcome in outcomes), outcomes
        numbers = [outcome.number for outcome in outcomes if isinstance(outcome, Taken)]
        assert numbers == list(range(1, asked))
        for node in (self.ann, self.ben):
            page = await node.read()
            assert [blob.id for blob in page.blobs] == [id_of(number) for number in numbers]
            assert not page.lost

    async def move(self) -> None:
        await self.cluster.begin_move(SLOT, self.source, self.target)
        await self.cluster.end_move(SLOT, self.source, self.target)

    async def close(self) -> None:
        for node in (self.ann, self.ben):
            await node.close()


@pytest.fixture
async def moving(cluster: Cluster) -> AsyncIterator[Moving]:
    source = await cluster.primary_of(SLOT)
    target = await cluster.primary_of((SLOT + 16_384 // 3) % 16_384)
    for server in cluster.servers:
        await server.ask("FLUSHALL")
    moving = Moving(cluster, source, target)
    await moving.begin()
    yield moving
    await moving.close()
    if await cluster.primary_of(SLOT) is target:
        await cluster.begin_move(SLOT, target, source)
        await cluster.end_move(SLOT, target, source)
    for server in (source, target):
        await server.ask("CLUSTER", "SETSLOT", str(SLOT), "STABLE")


async def test_a_room_goes_on_where_its_slot_is(moving: Moving) -> None:
    before = len(moving.ben.heard.told)
    await moving.move()

    async def rung() -> bool:
        return ROOM in moving.ben.heard.told[before:]

    await until(rung)  # although nobody asked anything: a server ends subscriptions by itself
    await moving.talk(3)
    assert moving.ben.heard.blobs[-1].number == 6  # pushed by the new server


async def test_commands_wait_in_order_until_the_slot_is_whole(moving: Moving) -> None:
    other = Node(moving.cluster.url, replicas=1)
    assert await other.store.head(ROOM) is not None
    await moving.cluster.begin_move(SLOT, moving.source, moving.target)
    moving.soon(5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(moving.ben.store.head(ROOM), 0.2)
    # A publish changes the others before it comes to this one.
    moving.cluster.move_keys(moving.source, moving.target, [tag_of(ROOM) + b"u"])
    before = contents(moving.source, moving.target)
    other.soon(id_of(999), ttl=3600)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(other.store.head(ROOM), 0.5)
    await other.close()
    assert contents(moving.source, moving.target) == before  # no script wrote a part of a step
    moving.soon(5)
    await moving.cluster.end_move(SLOT, moving.source, moving.target)
    await moving.all_heard()


def contents(*servers: RedisServer) -> dict[bytes, object]:
    """The room's keys on these servers, with what they hold."""
    found: dict[bytes, object] = {}
    for server in servers:
        with redis.Redis(port=server.port, single_connection_client=True) as asked:
            for key in Cluster.keys_of(server, SLOT):
                asked.execute_command("ASKING")  # the target has no right to the slot yet
                found[key] = asked.dump(key)
    return found


async def test_without_its_look_a_script_would_write_a_part_of_a_step(moving: Moving) -> None:
    """Why `whole.lua` looks for a key that is never there."""
    look, write = "redis.call('GET', KEYS[1] .. 'x')", "redis.call('APPEND', KEYS[1], 'part')"
    lack = "redis.call('SET', KEYS[1] .. 'y', '')"
    await moving.cluster.begin_move(SLOT, moving.source, moving.target)
    for script, changed in (f"{look} {write} {lack}", False), (f"{write} {lack}", True):
        before = contents(moving.source)
        with (
            redis.Redis(port=moving.source.port) as asked,
            pytest.raises(redis.ResponseError, match=r"non local key|during rehashing of the slot"),
        ):
            asked.eval(script, 1, tag_of(ROOM) + b"m")
        assert (contents(moving.source) != before) is changed


@pytest.mark.parametrize(
    "said",
    [
        "ASK 7638 10.0.0.2:6379",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "ERR Script attempted to access a non local key in a cluster node script: 43, on @user:1.",
        "ERR Unable to execute command 'mget' in script because undeclared keys were accessed "
        "during rehashing of the slot script: 43, on @user_script:365.",
    ],
)
def test_redis_and_valkey_say_in_their_own_words_that_a_slot_is_on_its_way(said: str) -> None:
    moved = moved_of(hiredis.ReplyError(said))
    assert moved is not None
    assert moved.at is None


async def test_a_move_that_is_given_up_changes_nothing(moving: Moving) -> None:
    await moving.cluster.begin_move(SLOT, moving.source, moving.target)
    moving.soon(3)
    for server in (moving.source, moving.target):
        await server.ask("CLUSTER", "SETSLOT", str(SLOT), "STABLE")
    await moving.all_heard()


async def test_a_command_does_not_wait_for_ever(
    moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move, "MOVE_SECONDS", 0.2)
    await moving.cluster.begin_move(SLOT, moving.source, moving.target)
    assert await moving.ann.refusal() == "unavailable"
    await moving.cluster.end_move(SLOT, moving.source, moving.target)
    await moving.ann.back()
    await moving.talk(1)


async def test_a_node_finds_another_marker_when_its_own_moves(moving: Moving) -> None:
    with redis.Redis(port=moving.source.port) as asked:
        (marker, *_) = asked.scan_iter(match="alcove:marker:*", count=1000)
        slot = asked.execute_command("CLUSTER KEYSLOT", marker)
    await moving.cluster.begin_move(slot, moving.source, moving.target)
    await moving.cluster.end_move(slot, moving.source, moving.target)

    async def answered() -> bool:
        return not await moving.ann.refusal() and not await moving.ben.refusal()

    await until(answered)
    with redis.Redis(port=moving.source.port) as asked:
        assert marker not in set(asked.scan_iter(match="alcove:marker:*", count=1000))
    taken = await moving.ann.publish(id_of(999))
    assert (taken.generation, taken.number) == (GENERATION, 4)
    await moving.cluster.begin_move(slot, moving.target, moving.source)
    await moving.cluster.end_move(slot, moving.target, moving.source)
