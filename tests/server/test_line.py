"""A line in which no part of the network waits for all that another one wants."""

from __future__ import annotations

import asyncio

import pytest
from alcove_protocol.errors import Refusal
from alcove_server.net.admission import Admission
from alcove_server.ports import line as lines
from alcove_server.ports.line import FairLine
from alcove_server.ports.place import NetworkPart
from alcove_server.ports.runner import OnLoop
from alcove_server.ports.services import Services
from alcove_server.rooms.replay_budget import ReplayBudget
from alcove_server.settings import Settings
from alcove_server.store.memory.store import MemoryStore
from alcove_server.testing.embedded import ManualClock

from tests.server.waiting import turns

SHARED = "192.0.2.1"


def parts(*addresses: str) -> list[NetworkPart]:
    """The parts of the network of these addresses. `SHARED` is one that many people share."""
    doorkeeper = Admission(
        ManualClock(), bytes, connections=100, per_prefix=10, shared=frozenset({SHARED})
    )
    return [doorkeeper.enter(address).allowance for address in addresses]


class Crowd:
    """Clients at a line, each with a name. `order` has those whose turn came."""

    def __init__(self, line: FairLine) -> None:
        self.line = line
        self.order: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, name: str, part: NetworkPart | None, size: float = 1.0) -> None:
        self.tasks.append(asyncio.create_task(self._wait(name, part, size)))
        await turns(2)

    async def _wait(self, name: str, part: NetworkPart | None, size: float) -> None:
        await self.line.enter(part, size)
        self.order.append(name)

    async def serve(self) -> list[str]:
        """Everybody's turn, to the last."""
        while len(self.line):
            self.line.leave()
            await turns(2)
        return self.order


async def test_a_client_waits_for_no_crowd_of_another_part() -> None:
    crowd, other = parts("198.51.100.1", "203.0.113.1")
    come = Crowd(FairLine())
    for number in range(4):
        await come.come(f"crowd {number}", crowd)
    await come.come("other", other)
    order = await come.serve()
    assert order == ["crowd 0", "other", "crowd 1", "crowd 2", "crowd 3"]


async def test_a_part_that_was_served_before_waits_for_one_that_was_not() -> None:
    many = parts(*(f"198.51.{number}.1" for number in range(8)))
    come = Crowd(FairLine())
    for number, part in enumerate(many):
        await come.come(f"first {number}", part, 3.0)
    for _ in many:  # each comes again as soon as it was served
        served = len(come.order) - 1
        come.line.leave()
        await turns(2)
        await come.come(f"again {served}", many[served], 3.0)
    (other,) = parts("203.0.113.1")
    await come.come("other", other)
    order = await come.serve()
    assert order.index("other") == len(many) + 1  # behind the one that had its turn


async def test_a_part_that_was_away_has_saved_nothing_up() -> None:
    here, other = parts("198.51.100.1", "203.0.113.1")
    come = Crowd(FairLine())
    for number in range(6):
        await come.come(f"here {number}", here)
    for _ in range(3):
        come.line.leave()
        await turns(2)
    for number in range(2):
        await come.come(f"other {number}", other)
    order = await come.serve()
    assert order[4:] == ["other 0", "here 4", "other 1", "here 5"]


async def test_what_takes_long_counts_more() -> None:
    long, short = parts("198.51.100.1", "203.0.113.1")
    come = Crowd(FairLine())
    await come.come("long 0", long, 3.0)
    for number in range(4):
        await come.come(f"short {number}", short)
    await come.come("long 1", long, 3.0)
    order = await come.serve()
    assert order == ["long 0", "short 0", "short 1", "short 2", "short 3", "long 1"]


async def test_a_shared_address_counts_as_many_parts() -> None:
    one, shared = parts("198.51.100.1", SHARED)
    come = Crowd(FairLine())
    await come.come("first", one)
    for number in range(3):
        await come.come(f"one {number}", one)
    for number in range(3):
        await come.come(f"shared {number}", shared)
    order = await come.serve()
    assert order == ["first", "shared 0", "shared 1", "shared 2", "one 0", "one 1", "one 2"]


async def test_the_networks_of_a_provider_count_together() -> None:
    rented = parts(*(f"2001:db8:{number:x}::1" for number in range(40)))
    (other,) = parts("198.51.100.1")
    come = Crowd(FairLine())
    for number, part in enumerate(rented):
        await come.come(f"rented {number}", part)
    for number in range(2):
        await come.come(f"other {number}", other)
    order = await come.serve()
    weight = rented[0].weight * 16
    assert order.index("other 0") == 1
    assert order.index("other 1") <= weight + 2


async def test_the_last_of_a_crowd_gives_way_when_the_line_is_full() -> None:
    crowd, other = parts("198.51.100.1", "203.0.113.1")
    come = Crowd(FairLine(most=3))
    for number in range(3):
        await come.come(f"crowd {number}", crowd)
    await come.come("crowd 3", crowd)
    assert _refused(come.tasks[3]) == "busy"
    await come.come("other", other)
    assert _refused(come.tasks[2]) == "busy"
    assert len(come.line) == 3
    assert await come.serve() == ["crowd 0", "other", "crowd 1"]


def _refused(task: asyncio.Task[None]) -> str:
    error = task.exception()
    assert isinstance(error, Refusal)
    return error.code


async def test_a_part_has_a_bound_of_its_own() -> None:
    one, other, shared = parts("198.51.100.1", "203.0.113.1", SHARED)
    come = Crowd(FairLine(most=8, of_a_part=2))
    for part in (one, shared, other):
        for _ in range(6):
            await come.come("", part)
    refused = [task.done() and task.exception() is not None for task in come.tasks]
    assert refused[:6] == [False] * 2 + [True] * 4
    assert refused[6:12] == [False] * 4 + [True] * 2  # half of all
    assert refused[12:] == [False] * 2 + [True] * 4


@pytest.mark.parametrize("work", ["long work", "pages of a log"])
async def test_no_crowd_is_waited_for_where_turns_are_shared(work: str) -> None:
    crowd, other = parts("198.51.100.1", "203.0.113.1")
    runner, clock, order = OnLoop(), ManualClock(), list[str]()
    store = MemoryStore(clock)
    services = Services(store, clock, bytes, runner, Settings(), clock)
    budget = ReplayBudget(runner)
    line = services._line if work == "long work" else budget._line
    await line.enter(None)

    async def do(name: str, part: NetworkPart) -> None:
        if work == "long work":
            await services.pause(1.0, part)
        else:
            await budget.wait_for_turn(part)
        order.append(name)

    tasks = [asyncio.create_task(do(f"crowd {number}", crowd)) for number in range(3)]
    tasks.append(asyncio.create_task(do("other", other)))
    await turns(2)
    line.leave()
    await asyncio.gather(*tasks)
    assert order == ["crowd 0", "other", "crowd 1", "crowd 2"]


@pytest.mark.parametrize("round", [1, 2, 3])
async def test_a_newcomer_waits_for_none_of_those_that_come_again_and_again(round: int) -> None:
    many = parts(*(f"198.51.{number}.1" for number in range(8)))
    come = Crowd(FairLine(len(many)))
    for number, part in enumerate(many):
        await come.come(str(number), part, 3.0)
    for served in range(round * len(many) + 3):  # into the middle of a round
        come.line.leave()
        await turns(2)
        await come.come(str(served % len(many)), many[served % len(many)], 3.0)
    (other,) = parts("203.0.113.1")
    await come.come("other", other, 3.0)
    served = len(come.order)
    order = await come.serve()
    assert order.index("other") == served
    shown_out = [task.exception() for task in come.tasks if task.exception() is not None]
    assert [error.code for error in shown_out if isinstance(error, Refusal)] == ["busy"]


async def test_who_is_gone_did_not_have_its_turn() -> None:
    line = FairLine()
    one, other = parts("198.51.100.1", "203.0.113.1")
    await line.enter(one)
    who = object()
    waits = asyncio.create_task(line.enter(other, 5.0, who))
    await turns(2)
    line.gone(object())
    assert len(line) == 2
    line.gone(who)
    await turns(2)
    error = waits.exception()
    assert isinstance(error, Refusal)
    assert error.code == "idle"
    assert len(line) == 1
    assert line._had[other] == 0
    line.gone(who)
    line.leave()
    assert len(line) == 0


async def test_a_client_that_gives_up_leaves_its_turn_to_the_next() -> None:
    one, other = parts("198.51.100.1", "203.0.113.1")
    come = Crowd(FairLine())
    for number in range(4):
        await come.come(f"one {number}", one)
    come.tasks[1].cancel()  # while it waits
    await turns(2)
    come.line.leave()
    come.tasks[2].cancel()  # when it was just called
    await turns(2)
    await come.come("other", other)
    assert await come.serve() == ["one 0", "one 3", "other"]


async def test_a_line_remembers_no_more_parts_than_have_to_pay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "_SWEPT_AT", 4)
    monkeypatch.setattr(lines, "_REMEMBERED", 10)
    come = Crowd(FairLine())
    come.line._sweep_at = 4
    for number in range(60):
        (part,) = parts(f"198.51.{number}.1")
        await come.come("", part)
        await come.come("", part)
        come.line.leave()
        await turns(2)
        assert len(come.line._had) <= 2 * 10 + 4 + 1
    await come.serve()
    assert not come.line._had
