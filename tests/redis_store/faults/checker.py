"""The invariants, held against what all nodes wrote down.

    I1  what was acknowledged is at its position, and every reader had it or was told of a gap
    I2  no reader has an id twice
    I3  a position is one id to all
    I4  one commit an epoch: no two commits were made on one base, and what stands behind a commit
        was made on it
    I5  nothing is told after its end
    I6  what a reader skips is announced

A killed node loses the answers on their way, so an id without an answer may be anywhere, once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from alcove_protocol.frames import BlobClass

from tests.redis_store.faults.worker import whole_lines

LATE: Final = 1.0
"""Seconds between the store's last look at a blob's end and the line in the journal."""
Fact = dict[str, Any]  # a line of JSON
Place = tuple[str, str, int]
"""Room, generation, number."""


@dataclass
class Found:
    """What a check found. `gaps` are legitimate where memory was lost."""

    faults: list[str] = field(default_factory=list)
    acknowledged: int = 0
    told: int = 0
    gaps: int = 0


def check(journals: Iterable[Path]) -> Found:
    """Read the journals and hold the invariants."""
    streams = {path.name: [json.loads(line) for line in whole_lines(path)] for path in journals}
    found = Found()
    log: dict[Place, str] = {}
    commits: dict[tuple[str, str], str] = {}
    for name, facts in streams.items():
        for fact in facts:
            if fact["kind"] in ("told", "taken"):
                _place(found, log, name, fact)
            if fact["kind"] == "told":
                _judge_told(found, commits, name, fact)
    applications = {
        place
        for facts in streams.values()
        for fact in facts
        if fact["kind"] == "taken" and fact["application"]
        for place in [_place_of(fact)]
    }
    found.acknowledged = sum(
        fact["kind"] == "taken" for facts in streams.values() for fact in facts
    )
    for name, facts in streams.items():
        _follow(found, name, facts, applications)
    _epochs(found, streams)
    return found


def _place_of(fact: Fact) -> Place:
    return fact["room"], fact["generation"], fact["number"]


def _place(found: Found, log: dict[Place, str], name: str, fact: Fact) -> None:
    place = _place_of(fact)
    known = log.setdefault(place, fact["id"])
    if known != fact["id"]:
        found.faults.append(f"I3 {name}: {place} is {known} and {fact['id']}")


def _judge_told(found: Found, commits: dict[tuple[str, str], str], name: str, fact: Fact) -> None:
    found.told += 1
    if fact["late"] > LATE:
        found.faults.append(f"I5 {name}: {fact['id']} was told {fact['late']:.1f} s after its end")
    if fact["blob_class"] == BlobClass.COMMIT:
        known = commits.setdefault((fact["room"], fact["base"]), fact["id"])
        if known != fact["id"]:
            found.faults.append(f"I4 {name}: {known} and {fact['id']} are on one base")


def _follow(found: Found, name: str, facts: list[Fact], applications: set[Place]) -> None:
    """One reader's stream of each room."""
    at: dict[str, tuple[str, int]] = {}
    gap: set[str] = set()
    seen: dict[tuple[str, str], set[str]] = {}
    for fact in facts:
        room = fact.get("room", "")
        if fact["kind"] == "gap":
            gap.add(room)
            found.gaps += 1
        if fact["kind"] not in ("told", "at"):
            continue
        generation, number = fact["generation"], fact["number"]
        known = at.get(room)
        if known is not None and known[0] != generation:
            if room not in gap:
                found.faults.append(f"I6 {name}: another log, and no gap")
            known = None
        before = known[1] if known is not None else 0 if room in at else number - 1
        last = number + (fact["kind"] == "at")
        if room not in gap:
            for missed in range(before + 1, last):
                if (room, generation, missed) in applications:
                    found.faults.append(f"I1 {name}: {missed} was acknowledged and not told")
        if fact["kind"] == "told":
            # Another log does not know the id that one lost, and takes it again.
            ids = seen.setdefault((room, generation), set())
            if number <= before or fact["id"] in ids:
                found.faults.append(f"I2 {name}: {fact['id']} at {number} again")
            ids.add(fact["id"])
        else:
            gap.discard(room)  # the page that announced it is told
        at[room] = generation, max(number, before)


def _epochs(found: Found, streams: dict[str, list[Fact]]) -> None:
    """What stands in the log was made on the commit before it."""
    log = {
        _place_of(fact): fact
        for facts in streams.values()
        for fact in facts
        if fact["kind"] == "told"
    }
    base: dict[tuple[str, str], tuple[int, str]] = {}
    for place in sorted(log):
        room, generation, number = place
        fact = log[place]
        since = base.get((room, generation))
        if since is not None and fact["base"] != since[1]:
            found.faults.append(f"I4: {place} was not made on the commit before it")
        if fact["blob_class"] == BlobClass.COMMIT:
            base[room, generation] = number, generation + number.to_bytes(8, "big").hex()
