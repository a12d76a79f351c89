"""Many worlds on several processors: how far it is, and a short schedule of each failure."""

import multiprocessing
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Final

from tests.simulator.play import play
from tests.simulator.schedule import Schedule, schedule_of
from tests.simulator.shrink import Shrinking, pasted, signature

TOLD_EVERY: Final = 10.0
"""Seconds between two lines that say how far the run is."""
SHRUNK: Final = 8
"""Kinds of failures that are shrunk. More of a run are only counted."""


def world_of(seed: int, facilitators: int = 0) -> Schedule:
    """The schedule of a seed, with so many facilitators unless it is 0."""
    schedule = schedule_of(seed)
    return replace(schedule, facilitators=facilitators) if facilitators else schedule


def _world(facilitators: int, seed: int) -> tuple[int, list[str]]:
    return seed, play(world_of(seed, facilitators))


class Run:
    """All worlds of one call."""

    def __init__(self, seeds: range, *, shrinks: bool, facilitators: int = 0) -> None:
        """As many `facilitators` in each, unless it is 0."""
        self._seeds = seeds
        self._facilitators = facilitators
        self._shrinks = shrinks
        self._kinds: Counter[str] = Counter()
        self._done = 0
        self._failed = 0
        self._started = self._told = time.monotonic()

    def all(self, workers: int) -> int:
        """Play them. Return how many failed."""
        world = partial(_world, self._facilitators)
        if workers > 1:
            with multiprocessing.get_context("spawn").Pool(workers) as pool:
                for seed, failures in pool.imap_unordered(world, self._seeds, chunksize=4):
                    self._note(seed, failures)
        else:
            for seed in self._seeds:
                self._note(*world(seed))
        self._tell()
        return self._failed

    def _note(self, seed: int, failures: list[str]) -> None:
        self._done += 1
        if failures:
            self._failure(seed, failures)
        if time.monotonic() - self._told > TOLD_EVERY:
            self._tell()

    def _failure(self, seed: int, failures: list[str]) -> None:
        self._failed += 1
        kind = signature(failures[0])
        self._kinds[kind] += 1
        schedule = world_of(seed, self._facilitators)
        print(f"\nworld {seed} ({schedule.kind}) failed: {failures[0]}", flush=True)
        if self._shrinks and self._kinds[kind] == 1 and len(self._kinds) <= SHRUNK:
            shorter = Shrinking(schedule, failures[0], play).run()
            print(pasted(shorter), *play(shorter), sep="\n", flush=True)

    def _tell(self) -> None:
        self._told = time.monotonic()
        rate = self._done / max(self._told - self._started, 0.001)
        print(
            f"{self._done} of {len(self._seeds)} worlds, {rate:.1f} a second, "
            f"{self._failed} failed",
            flush=True,
        )
        if self._done == len(self._seeds):
            for kind, count in self._kinds.most_common():
                print(f"{count:5}  {kind}")
