"""What replication loses, and what `WAIT` for all replicas keeps.

These are the schedules that lost thousands of acknowledged messages where only one replica was
waited for, or where a primary came back empty.

The replicas copy over links that can fall silent. The test promotes, as Sentinels would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from alcove_server.store.interface import Taken
from alcove_server.store.redis import line, wire
from alcove_server.store_address import Address

from tests.redis_store.groups import Group, until_replicas
from tests.redis_store.node import Node, id_of
from tests.redis_store.proxy import Link, link
from tests.redis_store.server import RedisServer, free_ports, until
from tests.server.store.bench import ROOM


class Trio(Group):
    """A primary and two replicas, each behind a link. `now` is the server that nodes are led to."""

    def __init__(self, folder: Path, links: tuple[Link, Link], port: int, **settings: str) -> None:
        self.links = links
        ports = free_ports(2)
        self.primary = self.now = RedisServer.database(folder / "primary", port, **settings)
        self.one, self.two = (
            RedisServer.database(
                folder / f"replica-{at}",
                ports[at],
                replicaof=f"127.0.0.1 {links[at].port}",
                repl_timeout="600",
            )
            for at in range(2)
        )
        super().__init__([self.primary, self.one, self.two])

    async def _join(self) -> None:
        await self.primary.ask("REPLICAOF", "NO", "ONE")  # with orphan boot it is none by itself
        await until_replicas(self.primary, 2)

    async def promote(self, server: RedisServer) -> None:
        await server.ask("REPLICAOF", "NO", "ONE")
        self.now = server


@pytest.fixture
async def trio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Trio]:
    settings = getattr(request, "param", {})
    port, nobody = free_ports(2)
    if settings == "orphan":
        settings = {"replicaof": f"127.0.0.1 {nobody}"}
    async with AsyncExitStack() as stack:
        links = [await stack.enter_async_context(link(port)) for _ in range(2)]
        made = Trio(tmp_path, (links[0], links[1]), port, **settings)
        group = await stack.enter_async_context(made)

        async def primary_of(_: Address) -> tuple[str, int]:
            return "127.0.0.1", group.now.port

        monkeypatch.setattr(line, "primary_of", primary_of)
        yield group


async def said(node: Node, count: int) -> dict[int, bytes]:
    """Publish so many, and return what was acknowledged, by its number."""
    start = len(node.heard.outcomes)
    for number in range(start, start + count):
        node.soon(id_of(number))

    async def answered() -> bool:
        return len(node.heard.outcomes) == start + count

    await until(answered)
    return {
        one.number: id_of(at)
        for at, one in enumerate(node.heard.outcomes)
        if isinstance(one, Taken)
    }


async def lost(node: Node, acknowledged: dict[int, bytes]) -> int:
    """How many of these the log lacks. A room that is gone lacks all."""
    await node.back()
    if await node.store.head(ROOM) is None:
        return len(acknowledged)
    there = {blob.number: blob.id for blob in (await node.read()).blobs}
    return sum(there.get(number) != id for number, id in acknowledged.items())


async def survivor(trio: Trio) -> Node:
    """A node that waits for nobody, to see what there is. It told nothing, and forgets nothing."""
    return Node(f"redis://127.0.0.1:{trio.now.port}")


async def test_the_primary_dies_and_nothing_is_lost(trio: Trio) -> None:
    node = Node("redis://127.0.0.1:1", replicas=2)
    await node.open()
    for number in range(300):
        node.soon(id_of(number))
    await node.told(20)
    await trio.primary.kill()
    acknowledged = {
        one.number: id_of(at)
        for at, one in enumerate(node.heard.outcomes)
        if isinstance(one, Taken)
    }
    await node.close()
    assert len(acknowledged) >= 10
    await trio.promote(trio.two)
    seen = await survivor(trio)
    assert await lost(seen, acknowledged) == 0
    await seen.close()


@pytest.mark.parametrize(("waited_for", "loses"), [(1, True), (2, False)])
async def test_one_replica_lags_and_the_others_die(
    trio: Trio, waited_for: int, loses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one of two waited for, what was acknowledged is lost. The relay refuses that setting."""
    monkeypatch.setattr(wire, "PATIENCE", 0.3)
    node = Node("redis://127.0.0.1:1", replicas=waited_for)
    await node.open()
    before = await said(node, 50)
    assert len(before) == 50

    async def has_all() -> bool:
        return await trio.two.ask("DBSIZE") == await trio.primary.ask("DBSIZE")

    await until(has_all)  # it was not waited for
    trio.links[1].silence()
    acknowledged = await said(node, 50)
    assert len(acknowledged) == (100 if loses else 50)
    await trio.primary.kill()
    await trio.one.kill()
    await trio.promote(trio.two)
    await node.close()
    seen = await survivor(trio)
    assert await lost(seen, acknowledged) == (50 if loses else 0)
    await seen.close()


@pytest.mark.parametrize(("trio", "loses"), [({}, True), ("orphan", False)], indirect=["trio"])
async def test_the_primary_restarts_empty_before_anybody_notices(trio: Trio, loses: bool) -> None:
    """Its replicas copy its emptiness, unless it starts as a replica of nobody."""
    node = Node("redis://127.0.0.1:1", replicas=2)
    await node.open()
    acknowledged = await said(node, 50)
    assert len(acknowledged) == 50
    await trio.primary.restart()
    if loses:
        await until_replicas(trio.primary, 2)
    await trio.promote(trio.one)
    await node.close()
    seen = await survivor(trio)
    assert await lost(seen, acknowledged) == (50 if loses else 0)
    await seen.close()


async def test_behind_a_silent_link_nobody_hears_and_then_all_do(trio: Trio) -> None:
    ann, ben = Node("redis://127.0.0.1:1", replicas=2), Node("redis://127.0.0.1:1", replicas=2)
    await ann.open()
    assert await ben.store.head(ROOM) is not None
    trio.links[0].silence()
    ann.soon(id_of(1))

    async def written() -> bool:
        return (await trio.primary.ask("KEYS", "*b1")).startswith(b"*1")

    await until(written)
    until_refused = asyncio.create_task(ben.store.ready())
    assert not await until_refused
    assert [node.heard.told for node in (ann, ben)] == [[], []]
    trio.links[0].open()
    await ann.told(2)
    await ben.told(1)
    assert [[blob.id for blob in node.heard.blobs] for node in (ann, ben)] == [[id_of(1)]] * 2
    for node in (ann, ben):
        await node.close()
