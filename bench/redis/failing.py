"""What members notice when nodes are restarted in turn, and when the primary dies.

Rooms with the real SDK talk behind one address over three nodes, on Sentinel with two replicas as
docs/operating.md has it. The members are in this process and share its processor with the nodes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

from bench.redis.balancer import balancer
from tests.client_sdk.cli.relay import RelayProcess
from tests.redis_store.groups import WithSentinel
from tests.redis_store.server import until
from tests.redis_store.talking import Conversation, Member, conversation

NODES: Final = 3
ROOMS: Final = 3
NAMES: Final = ("Bob", "Cleo", "Dan")
EVERY: Final = 0.5
"""Seconds between two messages of a member."""
SUPERVISOR: Final = 5.0
"""Seconds until a dead server is started again: longer than Sentinels take to notice."""


@dataclass(frozen=True)
class Noticed:
    """What all members saw."""

    what: str
    sent: int
    wrong: list[str]
    """What was lost, doubled, in another order, or shown as trouble."""
    away: list[float]
    """Seconds of each absence of a member."""
    longest: float
    """The most seconds in which a member had no message acknowledged, less the pause between two
    messages."""


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[WithSentinel, list[RelayProcess], list[Conversation]]]:
    """Everything that talks, until the block ends."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        group = await stack.enter_async_context(WithSentinel(folder / "servers"))
        ports: list[int] = []
        front = await stack.enter_async_context(balancer(ports))
        store = ("--store", group.url, "--store-replicas", "2", "--origin", front.url)
        nodes = [
            await stack.enter_async_context(RelayProcess(*store, "--log-level", "error"))
            for _ in range(NODES)
        ]
        ports += [node.port for node in nodes]
        rooms = [
            await stack.enter_async_context(conversation([front.url], NAMES, EVERY))
            for _ in range(ROOMS)
        ]
        for room in rooms:
            await stack.enter_async_context(room.talk())
        await all_sent(rooms)
        yield group, nodes, rooms


async def all_sent(rooms: list[Conversation], count: int = 3) -> None:
    await asyncio.gather(*(room.until_sent(count) for room in rooms))


async def restarted(
    group: WithSentinel, nodes: list[RelayProcess], rooms: list[Conversation]
) -> None:
    """Each node in turn, as an upgrade does it."""
    for node in nodes:
        os.kill(node.pid, signal.SIGTERM)
        await node.ended()
        await node.kill()
        await node.start()
        await all_sent(rooms)


async def failed_over(
    group: WithSentinel, nodes: list[RelayProcess], rooms: list[Conversation]
) -> None:
    """The primary dies, and its supervisor starts it again."""
    primary = await group.primary()
    await primary.kill()
    await asyncio.sleep(SUPERVISOR)
    await primary.start()
    await group.next_primary()
    await all_sent(rooms)


Failure = Callable[[WithSentinel, list[RelayProcess], list[Conversation]], Awaitable[None]]


async def noticed(what: str, failure: Failure) -> Noticed:
    """Have it happen under load."""
    async with AsyncExitStack() as stack:
        group, nodes, rooms = await stack.enter_async_context(talking())
        members = [member for room in rooms for member in room.members]
        started = time.monotonic()
        for member in members:
            member.away.clear()
        await failure(group, nodes, rooms)
        ended = time.monotonic()
        for room in rooms:
            room.stop()

        async def heard() -> bool:
            return all([await room.heard_all() for room in rooms])

        await until(heard)
        wrong = [fault for room in rooms for fault in room.faults(room.members)]
        sent = sum(started <= at <= ended for one in members for at in one.sent.values())
        away = [seconds for member in members for seconds in member.away]
        longest = max(pause_of(member, started, ended) for member in members)
        return Noticed(what, sent, wrong, away, longest - EVERY)


def pause_of(member: Member, started: float, ended: float) -> float:
    """The longest time between two acknowledgements."""
    times = [at for at in sorted(member.sent.values()) if started - EVERY <= at <= ended]
    return max((later - one for one, later in pairwise(times)), default=ended - started)


def line(found: Noticed) -> str:
    away = sorted(found.away)
    spread = (
        f"{len(away)} absences, median {median(away):.1f} s, longest {away[-1]:.1f} s"
        if away
        else "no member was away"
    )
    return (
        f"{found.what}: {found.sent} messages acknowledged, {len(found.wrong)} lost, doubled or "
        f"shown as trouble; {spread}; longest pause of a member {found.longest:.1f} s"
        + "".join(f"\n  {one}" for one in found.wrong[:10])
    )


def measure() -> list[Noticed]:
    """Both failures."""
    return [
        asyncio.run(noticed("three nodes restarted in turn", restarted)),
        asyncio.run(noticed("the primary dies", failed_over)),
    ]
