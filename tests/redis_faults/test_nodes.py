"""Nodes talk through faults, and the checker notices each broken invariant."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from alcove_protocol.frames import BlobClass

from tests.redis_store.faults import kinds
from tests.redis_store.faults.checker import check
from tests.redis_store.faults.nodes import Nodes
from tests.redis_store.faults.run import BETWEEN, schedule, talk_through
from tests.redis_store.groups import Standalone

RATE = 60


FEW = (kinds.node_killed, kinds.node_held, kinds.primary_killed, kinds.replica_held)
"""`make faults` runs all kinds, again and again."""


async def test_no_invariant_breaks_in_a_fault(tmp_path: Path) -> None:
    order = random.Random(1).sample(FEW, len(FEW))
    found = await talk_through(tmp_path, 1, order, RATE)
    assert found.faults == []
    assert found.acknowledged >= len(FEW) * BETWEEN * 3


def test_a_schedule_has_every_kind_before_any_comes_again() -> None:
    order = schedule(7, 2 * len(kinds.KINDS))
    assert set(order[: len(kinds.KINDS)]) == set(order[len(kinds.KINDS) :]) == set(kinds.KINDS)
    assert order == schedule(7, 2 * len(kinds.KINDS))
    assert order != schedule(8, 2 * len(kinds.KINDS))


async def test_memory_that_is_lost_is_announced_to_every_reader(tmp_path: Path) -> None:
    async with (
        Standalone(tmp_path / "server") as alone,
        Nodes(tmp_path / "nodes", alone.url, 0, 2, RATE) as nodes,
    ):
        for _ in range(2):
            await nodes.until_acknowledged(BETWEEN)
            await alone.server.restart()  # empty; a node brings the rooms back
        await nodes.until_acknowledged(BETWEEN)
        await nodes.end()
        found = check(nodes.journals)
    assert found.faults == []
    assert found.gaps >= 2 * 2 * 3  # restarts, readers, rooms


# --- the checker ------------------------------------------------------------------------------


def told(number: int, id: str = "", late: float = -1.0, **more: object) -> dict[str, object]:
    return {
        "kind": "told",
        "room": "aa",
        "generation": "01",
        "number": number,
        "id": id or f"id{number}",
        "blob_class": int(BlobClass.APPLICATION),
        "base": "b",
        "late": late,
        **more,
    }


def taken(number: int, id: str = "") -> dict[str, object]:
    return {
        "kind": "taken",
        "room": "aa",
        "generation": "01",
        "number": number,
        "id": id or f"id{number}",
        "application": True,
    }


GAP: dict[str, object] = {"kind": "gap", "room": "aa", "generation": "01"}
COMMIT = int(BlobClass.COMMIT)
UP_TO_3: dict[str, object] = {"kind": "at", "room": "aa", "generation": "01", "number": 3}

SOUND: dict[str, list[dict[str, object]]] = {
    "in order": [taken(1), told(1), told(2), taken(2)],
    "announced": [told(1), taken(2), GAP, told(3)],
    "without an answer": [told(1), told(3)],
    "from a later position on": [told(5), told(6)],
    "expired and announced": [told(1), taken(2), taken(3), GAP, UP_TO_3],
}
BROKEN: dict[str, tuple[str, list[dict[str, object]]]] = {
    "lost": ("I1", [told(1), taken(2), told(3)]),
    "lost at the end": ("I1", [told(1), taken(3), UP_TO_3]),
    "twice": ("I2", [told(1), told(2, "id1")]),
    "backwards": ("I2", [told(2), told(1)]),
    "another id": ("I3", [told(1), taken(1, "other")]),
    "two commits on one base": (
        "I4",
        [told(1, blob_class=COMMIT), told(2, blob_class=COMMIT)],
    ),
    "behind a commit": (
        "I4",
        [told(1, blob_class=COMMIT), told(2)],
    ),
    "late": ("I5", [told(1, late=2.0)]),
    "another log in silence": ("I6", [told(1), told(1, generation="02")]),
}


def verdict(folder: Path, facts: list[dict[str, object]]) -> list[str]:
    journal = folder / "node"
    journal.write_text("".join(json.dumps(fact) + "\n" for fact in facts) + '{"kind": "to')
    return check([journal]).faults


@pytest.mark.parametrize("name", SOUND)
def test_the_checker_takes_what_is_sound(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, SOUND[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_the_checker_notices(tmp_path: Path, name: str) -> None:
    invariant, facts = BROKEN[name]
    assert any(fault.startswith(invariant) for fault in verdict(tmp_path, facts))
