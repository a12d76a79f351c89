"""One run: nodes talk, one fault after the other happens, and the journals are checked."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.redis_store.faults.checker import Found, check
from tests.redis_store.faults.kinds import KINDS, Fault
from tests.redis_store.faults.nodes import Nodes
from tests.redis_store.groups import WithSentinel

BETWEEN = 10
"""Acknowledgements of each node before each fault: every fault meets nodes that talk."""


def schedule(seed: int, faults: int) -> list[Fault]:
    """Every kind before any comes again, in the order of the seed."""
    choose = random.Random(seed)
    found: list[Fault] = []
    while len(found) < faults:
        found += choose.sample(KINDS, len(KINDS))
    return found[:faults]


async def talk_through(
    folder: Path,
    seed: int,
    faults: Sequence[Fault],
    rate: int,
    over: Callable[[int], bool] = lambda _: False,
    counts: Counter[str] | None = None,
) -> Found:
    """Talk through these faults, or until `over` (of the acknowledgements so far), and check."""
    choose = random.Random(seed)
    async with (
        WithSentinel(folder / "servers", down_after=1_000) as group,
        Nodes(folder / "nodes", group.url, 2, 3, rate) as nodes,
    ):
        for fault in faults:
            await nodes.until_acknowledged(BETWEEN)
            if over(nodes.acknowledged):
                break
            await fault(group, nodes, choose)
            if counts is not None:
                counts[fault.__name__] += 1
        await nodes.until_acknowledged(BETWEEN)
        await nodes.end()
        return check(nodes.journals)
