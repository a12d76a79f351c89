"""Batches of lives, and after each of them what the relay still holds."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alcove_protocol import limits

from tests.soak.life import Elsewhere, lives

ROOT: Final = Path(__file__).resolve().parents[2]
BATCH: Final = 50
"""Lives of one batch."""
ALL_FORGOTTEN: Final = 2.0 * limits.TOMBSTONE
"""Seconds after which nothing of a room that ended may be left."""
WARMING: Final = 2
"""Batches before it is compared: modules are loaded, caches filled, the heap has its size."""
KB_A_LIFE: Final = 1.0
"""How much memory may grow with each life. One room kept is at least ten times that."""
OBJECTS_A_LIFE: Final = 0.2


@dataclass(frozen=True)
class Look:
    """What the relay holds without connections."""

    lives: int
    held: dict[str, int]
    descriptors: int
    rss: int

    @property
    def counts(self) -> dict[str, int]:
        """What must be exactly as it was."""
        exact = {name: count for name, count in self.held.items() if name != "objects"}
        return {**exact, "descriptors": self.descriptors}


class Soaked:
    """The relay process and its clients."""

    def __init__(self, process: asyncio.subprocess.Process, address: str) -> None:
        self._process = process
        self.relay = Elsewhere(address)
        self.lives = 0

    async def look(self, after: float = ALL_FORGOTTEN) -> Look:
        """What is left so many seconds later."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"settle {after}\n".encode())
        held = json.loads(await self._process.stdout.readline())
        here = Path(f"/proc/{self._process.pid}")
        pages = int((here / "statm").read_text().split()[1])
        return Look(
            self.lives,
            held,
            len(list((here / "fd").iterdir())),
            pages * os.sysconf("SC_PAGE_SIZE"),
        )

    async def gone(self) -> Look:
        """What is left a long time after all clients have gone."""
        look = await self.look()
        for _ in range(200):
            if not look.held["places"]:
                break
            look = await self.look()
        return look

    async def batch(self) -> Look:
        """Some lives, and what they leave."""
        await lives(self.relay, BATCH)
        self.lives += BATCH
        return await self.gone()


@asynccontextmanager
async def soaked() -> AsyncIterator[Soaked]:
    """A relay process, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.soak.relay",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().strip()
        running = Soaked(process, address)
        try:
            yield running
        finally:
            await running.relay.hang_up()
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 60)
        except TimeoutError:
            process.kill()
            await process.wait()


def slope(points: list[tuple[float, float]]) -> float:
    """The least-squares slope."""
    count = len(points)
    mean_x, mean_y = (sum(point[axis] for point in points) / count for axis in (0, 1))
    below = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / below if below else 0.0


def faults(looks: list[Look]) -> list[str]:
    """What is not as it was after warming. Empty when all is well."""
    looks = looks[WARMING:]
    first, last = looks[0], looks[-1]
    found = [
        f"{name}: {first.counts[name]} at first, {count} at last"
        for name, count in last.counts.items()
        if count != first.counts[name]
    ]
    memory = slope([(look.lives, look.rss / 1024) for look in looks])
    objects = slope([(look.lives, look.held["objects"]) for look in looks])
    if memory > KB_A_LIFE:
        found.append(f"memory grows by {memory:.2f} KB with each life")
    if objects > OBJECTS_A_LIFE:
        found.append(f"objects grow by {objects:.2f} with each life")
    return found


async def soak(
    enough: Callable[[int], bool], told: Callable[[Look], None] = lambda _: None
) -> list[Look]:
    """Run batches until there were `enough` of them. Return what each left."""
    async with soaked() as running:
        looks = [await running.gone()]
        while len(looks) < WARMING + 2 or not enough(len(looks)):
            looks.append(await running.batch())
            told(looks[-1])
        return looks
