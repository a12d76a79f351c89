"""Two nodes talk through seeded faults of their servers, and a checker reads what all wrote down.

An acknowledgement says the position of an id. The checker holds: what was acknowledged is at its
position in the log (I1); no id is there twice (I2); all nodes heard one order (I3); what a node
lacks was rung for, never skipped in silence (I6). I4 and I5 are the room's and the deletion's.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from alcove_protocol.position import Position
from alcove_server.store.interface import StoredBlob, Taken

from tests.redis_store.groups import WithSentinel, until_replicas
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import RedisServer, until
from tests.server.store.bench import GENERATION, ROOM, START

SEEDS = range(2)
FAULTS = 5
BETWEEN = 10
"""Acknowledgements before each fault: every fault meets nodes that talk."""


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[WithSentinel]:
    async with WithSentinel(tmp_path, down_after=1_000) as group:
        yield group


class Talk:
    """Nodes that publish all the time under ids of their own, and what each was answered."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self._ids = map(id_of, itertools.count(1))
        self._over = False

    async def run(self) -> None:
        while not self._over:
            for node in self.nodes:
                node.soon(next(self._ids))
            await asyncio.sleep(0.01)

    @property
    def _taken(self) -> int:
        outcomes = [one for node in self.nodes for one in node.heard.outcomes]
        return sum(isinstance(outcome, Taken) for outcome in outcomes)

    async def acknowledged(self, count: int) -> None:
        """Wait until so many more were."""
        most = self._taken + count

        async def enough() -> bool:
            return self._taken >= most

        await until(enough)

    def end(self) -> None:
        self._over = True


async def cut(group: WithSentinel, choose: random.Random) -> None:
    """Connections of the nodes break."""
    primary = await group.next_primary()
    await primary.ask("CLIENT", "KILL", "TYPE", "pubsub")


async def hold_primary(group: WithSentinel, choose: random.Random) -> None:
    """The primary stands still, for less time than Sentinels wait."""
    await held(await group.next_primary(), choose.uniform(0.1, 0.6))


async def hold_replica(group: WithSentinel, choose: random.Random) -> None:
    """A replica stands still: nothing may be told meanwhile."""
    primary = await group.next_primary()
    replicas = [server for server in group.databases if server is not primary]
    await held(choose.choice(replicas), choose.uniform(0.1, 0.6))


async def held(server: RedisServer, seconds: float) -> None:
    server.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        server.signal(signal.SIGCONT)


async def fail_over(group: WithSentinel, choose: random.Random) -> None:
    """The primary dies, a replica is promoted, and the dead one comes back as its replica."""
    primary = await group.next_primary()
    await primary.kill()
    promoted = await group.next_primary()
    await primary.start()
    for server in group.databases:
        if server is not promoted:
            await server.ask("REPLICAOF", "127.0.0.1", str(promoted.port))
    await until_replicas(promoted, 2)


Fault = Callable[[WithSentinel, random.Random], Awaitable[None]]
KINDS: tuple[Fault, ...] = (cut, hold_primary, hold_replica)


def check(nodes: list[Node], acknowledged: dict[bytes, Taken], log: dict[int, bytes]) -> None:
    """Raise `AssertionError` when an invariant is broken."""
    for id, taken in acknowledged.items():
        assert log.get(taken.number) == id  # I1
    assert len(set(log.values())) == len(log)  # I2
    for node in nodes:
        heard = [(blob.number, blob.id) for blob in node.heard.blobs]
        assert all(log.get(number) == id for number, id in heard)  # I3
        expected, rung = 1, True  # what came before the first call is read
        blobs = iter(heard)
        for told in node.heard.told:
            if told == ROOM:
                rung = True
            elif isinstance(told, tuple):
                number, _ = next(blobs)
                assert number == expected or rung  # I6
                expected, rung = number + 1, False


async def talk_through(group: WithSentinel, seed: int) -> tuple[list[Node], int]:
    """Talk through a schedule of faults, and check. Return how many were acknowledged."""
    choose = random.Random(seed)
    nodes = [Node(group.url, replicas=2) for _ in range(2)]
    await nodes[0].open()
    talk = Talk(nodes)
    talking = asyncio.create_task(talk.run())
    schedule = [choose.choice(KINDS) for _ in range(FAULTS - 1)]
    schedule.insert(choose.randrange(FAULTS), fail_over)
    for fault in schedule:
        await talk.acknowledged(BETWEEN)
        await fault(group, choose)
    talk.end()
    await talking
    log: dict[int, bytes] = {}
    for node in nodes:
        await node.back()
        log |= {blob.number: blob.id for blob in await every_blob(node)}
    acknowledged = {}
    for node in nodes:
        for told, outcome in zip(done(node), node.heard.outcomes, strict=True):
            if isinstance(outcome, Taken):
                acknowledged[told] = outcome
    check(nodes, acknowledged, log)
    return nodes, len(acknowledged)


def done(node: Node) -> list[bytes]:
    """The ids of the publications that were answered, in the order of the answers."""
    return [told for told in node.heard.told if isinstance(told, bytes) and told != ROOM]


async def every_blob(node: Node) -> list[StoredBlob]:
    """The whole log."""
    blobs: list[StoredBlob] = []
    after = START
    while True:
        page = await node.store.read(ROOM, after, 2**20)
        blobs += page.blobs
        if page.complete:
            return blobs
        after = Position(GENERATION, page.up_to)


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_was_acknowledged_outlives_every_fault(group: WithSentinel, seed: int) -> None:
    nodes, acknowledged = await talk_through(group, seed)
    assert acknowledged >= FAULTS * BETWEEN
    for node in nodes:
        await node.close()
