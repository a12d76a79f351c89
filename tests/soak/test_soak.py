"""The soak, short: what a hundred rooms leave behind is nothing."""

from __future__ import annotations

import pytest

from tests.soak.life import lives
from tests.soak.soak import BATCH, Look, faults, slope, soak, soaked

BATCHES = 10


@pytest.mark.timeout(300)
async def test_rooms_leave_nothing_behind() -> None:
    looks = await soak(lambda looked: looked > BATCHES)
    assert looks[-1].lives == BATCHES * BATCH
    assert faults(looks) == []
    empty = {
        "connections",
        "places",
        "loaded",
        "challenged",
        "keepalive",
        "rooms",
        "tombstones",
        "bytes",
    }
    assert {name: looks[-1].held[name] for name in empty} == dict.fromkeys(empty, 0)


async def test_it_sees_what_is_there() -> None:
    """The counts that end at 0 are not 0 before."""
    async with soaked() as running:
        await lives(running.relay, 3)
        client = await running.relay.client()
        await client.open()
        held = (await running.look(0)).held
        assert (held["tombstones"], held["rooms"], held["loaded"]) == (3, 1, 1)
        assert held["connections"] == held["places"] == held["keepalive"] == 1
        assert held["bytes"] > 0


def test_it_would_notice_growth() -> None:
    def look(lives: int, rooms: int, rss: int, objects: int) -> Look:
        return Look(lives, {"rooms": rooms, "objects": objects}, 9, rss)

    steady = [look(20 * n, 0, 50_000_000, 70_000) for n in range(6)]
    assert faults(steady) == []
    assert faults([look(20 * n, 0, 50_000_000 + 60_000 * n, 70_000) for n in range(6)])
    assert faults([look(20 * n, 0, 50_000_000, 70_000 + 10 * n) for n in range(6)])
    assert faults([*steady, look(120, 1, 50_000_000, 70_000)]) == ["rooms: 0 at first, 1 at last"]


def test_a_slope() -> None:
    assert slope([(0, 1), (1, 3), (2, 5)]) == pytest.approx(2)
    assert slope([(1, 1)]) == 0
