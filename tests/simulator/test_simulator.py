"""The simulator itself: worlds pass, repeat, and notice what is planted in them."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from alcove import mls
from alcove.facilitation.removal_intent import WayBack
from alcove.facilitation.removals import Removals
from alcove.facilitation.vaults import Vaults
from alcove.group.membership import Membership
from alcove.group.outcomes import Burned, PutOut
from alcove.messages.coverage import Coverage

from tests.simulator.faults import LIES
from tests.simulator.found import FOUND
from tests.simulator.planted import PLANTED
from tests.simulator.planting import Planted
from tests.simulator.play import play
from tests.simulator.schedule import Schedule, Step, schedule_of
from tests.simulator.shrink import Shrinking, pasted, signature

pytestmark = pytest.mark.timeout(280)
"""Seconds, for a machine that does much else. The worlds' own time is another."""
ROOT: Final = Path(__file__).resolve().parents[2]
WORLDS: Final = 200
SEARCHED: Final = 80
"""Worlds in which a planted defect has to be noticed."""


def test_two_hundred_worlds_are_as_they_should_be() -> None:
    seeds = f"0-{WORLDS - 1}"
    command = [sys.executable, "-m", "tests.simulator", "--seeds", seeds, "--workers", "1"]
    ran = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("schedule", FOUND.values(), ids=FOUND)
def test_what_was_found_once_is_mended(schedule: Schedule) -> None:
    assert play(schedule) == []


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_planted_defect_is_noticed(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.plant(monkeypatch)
    for seed in range(planted.first, planted.first + SEARCHED):
        schedule = schedule_of(seed)
        if planted.kinds and schedule.kind not in planted.kinds:
            continue
        failures = play(schedule)
        if any(planted.sign in failure for failure in failures):
            return
    pytest.fail("no world noticed it")


def test_a_repair_that_closes_an_invite_whose_keys_are_there_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No facilitator died or lost a vault. So none has a reason to close that invite."""
    lacking = Vaults.lacking_for
    monkeypatch.setattr(
        Vaults, "missing_doors", property(lambda self: frozenset(self._membership.state.door_ids()))
    )
    monkeypatch.setattr(Vaults, "complete", property(lambda self: True))
    monkeypatch.setattr(
        Vaults, "lacking_for", lambda self, s: lacking(self, s) or not self._clock() % 60
    )
    steps = (Step(0, "come", 1, 688), Step(300.0, "wait"))
    failures = play(Schedule(7103183, "calm", 10, 0.0, 50, 3, steps))
    assert any("no facilitator closed one" in failure for failure in failures)


def test_a_program_that_goes_on_where_it_was_told_of_its_return_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The relay lies here, too: it keeps a heartbeat back. That excuses nothing."""
    judge = Membership._judge_external

    def wrong(self: Membership, blob: bytes) -> mls.StagedCommit | Burned | PutOut:
        outcome = judge(self, blob)
        return Burned("ignored") if isinstance(outcome, PutOut) else outcome

    monkeypatch.setattr(Membership, "_judge_external", wrong)
    found = FOUND["a program that a lying relay does not tell of its return goes on by itself"]
    came, _, *others = found.steps
    failures = play(
        replace(found, steps=(came, Step(0, "lie", 0, LIES.index(("beat", "lose"))), *others))
    )
    assert any("are in different groups" in failure for failure in failures)


def test_a_removal_of_one_that_is_absent_which_the_list_lacks_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way_back = Removals._way_back

    def wrong(self: Removals, key: bytes) -> WayBack | None:
        back = way_back(self, key)
        return None if back is None else WayBack(back.door)

    monkeypatch.setattr(Removals, "_way_back", wrong)
    failures = play(FOUND["a member that was let go as absent is removed"])
    assert any("may come back by themselves" in failure for failure in failures)


def test_a_facilitator_that_gives_no_vault_long_after_a_loss_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The relay lost its memory before. One that could give the vault is there: nothing is lost."""
    monkeypatch.setattr(Vaults, "_give", lambda self, key: None)
    steps = (Step(0, "amnesia"), Step(900, "come", 1, 737), Step(60, "wait"))
    failures = play(Schedule(7305757, "amnesia", 1800, 0.1, 50, 2, steps))
    assert any("nothing kept the vault away" in failure for failure in failures)


def test_a_message_that_no_void_follows_after_slow_mode_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Coverage, "probe_due", False)
    found = FOUND["in slow mode the void behind an uncovered message waits for its turn"]
    assert any("the room is not-heard" in failure for failure in play(found))


def test_a_seed_has_one_course() -> None:
    courses: list[list[str]] = []
    for _ in range(2):
        told: list[str] = []
        play(schedule_of(7), told.append)
        courses.append(told)
    assert len(courses[0]) > 50
    assert courses[0] == courses[1]


def test_a_failing_schedule_is_shrunk_and_can_be_pasted() -> None:
    def fails(schedule: Schedule) -> list[str]:
        acts = [step.act for step in schedule.steps]
        return ["[1.00 s] Ann says 1"] if "die" in acts and "talk" in acts else []

    steps = (*(Step(1.0, "wait", 1, 5) for _ in range(30)), Step(1.0, "talk"), Step(2.0, "die", 1))
    schedule = Schedule(3, "calm", 60, 0.1, 3, 1, (steps[30], *steps[:30], steps[31]))
    shorter = Shrinking(schedule, "[9.00 s] Bob says 2", fails).run()
    assert [step.act for step in shorter.steps] == ["talk", "die"]
    again: Schedule = eval(pasted(shorter), {"Schedule": Schedule, "Step": Step})
    assert again == shorter


def test_a_world_that_breaks_off_is_a_failure() -> None:
    unknown = Schedule(3, "calm", 60, 0.1, 3, 1, (Step(1.0, "no such step"),))
    assert play(unknown) == ["the world broke off: KeyError('no such step')"]


def test_failures_of_one_kind_have_one_signature() -> None:
    one = signature("[1.50 s] Ann was not shown 'Bob says 2', and was told of no gap")
    assert one == signature("[99.00 s] Emil B was not shown 'Ann says 17', and was told of no gap")
    assert one != signature("[1.50 s] Ann was shown 'Bob says 2' out of order")
