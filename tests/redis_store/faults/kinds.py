"""The faults: each happens, and is over when its function returns."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from tests.redis_store.faults.nodes import NodeProcess, Nodes
from tests.redis_store.groups import WithSentinel, until_replicas
from tests.redis_store.server import RedisServer, until

Fault = Callable[[WithSentinel, Nodes, random.Random], Awaitable[None]]


async def held(one: RedisServer | NodeProcess, seconds: float) -> None:
    one.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        one.signal(signal.SIGCONT)


async def node_killed(group: WithSentinel, nodes: Nodes, choose: random.Random) -> None:
    node = choose.choice(nodes.all)
    await node.kill()
    await node.start()


async def node_held(group: WithSentinel, nodes: Nodes, choose: random.Random) -> None:
    """A node stands still for longer than some messages live."""
    await held(choose.choice(nodes.all), choose.uniform(3.2, 4.0))


async def connections_cut(group: WithSentinel, nodes: Nodes, choose: random.Random) -> None:
    await (await group.next_primary()).ask("CLIENT", "KILL", "TYPE", "pubsub")


async def primary_held(group: WithSentinel, nodes: Nodes, choose: random.Random) -> None:
    """For less time than Sentinels wait."""
    await held(await group.next_primary(), choose.uniform(0.1, 0.5))


async def replica_held(group: WithSentinel, nodes: Nodes, choose: random.Random) -> None:
    await held(choose.choice(await replicas_of(group)), choose.uniform(0.2, 1.5))


async def links_cut(group: WithSentinel, nodes: Nodes, choose: random.Random) -> None:
    """The replicas lose their connection to the primary, and come back."""
    await (await group.next_primary()).ask("CLIENT", "KILL", "TYPE", "replica")


async def primary_killed(group: WithSentinel, nodes: Nodes, choose: random.Random) -> None:
    primary = await group.next_primary()
    await primary.kill()
    promoted = await group.next_primary()
    await primary.start()
    await follow(group, promoted)


async def primary_replaced(group: WithSentinel, nodes: Nodes, choose: random.Random) -> None:
    """The primary stands still until another one is promoted, and goes on: two say that they are
    the primary, and nodes are connected to both."""
    primary = await group.next_primary()
    primary.signal(signal.SIGSTOP)
    others = [server for server in group.databases if server is not primary]
    promoted: list[RedisServer] = []

    async def another() -> bool:
        for server in others:
            with contextlib.suppress(OSError):  # a server drops its clients when it is promoted
                if (await server.ask("ROLE")).startswith(b"*3\r\n$6\r\nmaster"):
                    promoted.append(server)
        return bool(promoted)

    try:
        await until(another)
    finally:
        primary.signal(signal.SIGCONT)
    await asyncio.sleep(choose.uniform(0.2, 0.6))  # both are there
    await follow(group, promoted[0])


async def replicas_of(group: WithSentinel) -> list[RedisServer]:
    primary = await group.next_primary()
    return [server for server in group.databases if server is not primary]


async def follow(group: WithSentinel, promoted: RedisServer) -> None:
    """Lead the others to the new primary. Sentinels do it too, after ten seconds."""
    for server in group.databases:
        if server is not promoted:
            await server.ask("REPLICAOF", "127.0.0.1", str(promoted.port))
    await until_replicas(promoted, 2)


KINDS: Final[tuple[Fault, ...]] = (
    node_killed,
    node_held,
    connections_cut,
    primary_held,
    replica_held,
    links_cut,
    primary_killed,
    primary_replaced,
)
