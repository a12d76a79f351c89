"""The model of `judge`: it holds, each rule is needed or named as spare, and the code agrees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from random import Random
from typing import Final

import pytest

from tests.model.judged import Played
from tests.model.judging import (
    RULES,
    WORLDS,
    Commit,
    Machine,
    Rule,
    State,
    World,
    edited,
    without,
)
from tests.model.judging_faults import SPARE, faults
from tests.model.search import Broken, Found, Step, explore
from tests.randomness import SEED

TRACES: Final = 20
"""Traces of each world that real groups play, each with one commit for each rule."""


@cache
def search(world: World) -> tuple[Found[State, Commit], frozenset[Rule]]:
    """All states, and the rules that refused something."""
    machine = Machine(world.edits, world.cap)
    return explore([world.start], machine.successors), frozenset(machine.refused)


def look(world: World, rules: frozenset[Rule]) -> None:
    """Raise `Broken` when something does not hold with these rules."""
    machine = Machine(world.edits, world.cap, rules)

    def successors(state: State) -> Iterator[Step[State, Commit]]:
        for step in machine.successors(state):
            for fault in faults(state, step.action, step.after, world.cap):
                raise Broken(f"{fault}, by {step.action}")
            yield step

    explore([world.start], successors)


def look_all(worlds: Iterable[World], rules: frozenset[Rule]) -> None:
    for world in worlds:
        look(world, rules)


def looked(rule: Rule) -> list[World]:
    """Where a rule matters: where it refuses nothing, all is the same without it."""
    return [world for world in WORLDS if rule in search(world)[1]]


@pytest.mark.parametrize("world", WORLDS)
def test_only_facilitators_make_facilitators(world: World) -> None:
    found, _ = search(world)
    for state, steps in found.steps.items():
        for step in steps:
            assert not list(faults(state, step.action, step.after, world.cap)), step.action


@pytest.mark.parametrize("rule", sorted(RULES - SPARE.keys()), ids=lambda rule: rule.says)
def test_each_rule_is_needed(rule: Rule) -> None:
    with pytest.raises(Broken):
        look_all(looked(rule), without(rule))


def test_what_is_spare_breaks_nothing_here() -> None:
    assert all(map(looked, SPARE))
    # A world with one appointment fewer is much smaller.
    look_all((replace(world, cap=min(world.cap, 2)) for world in WORLDS), without(*SPARE))


# --- the same with real groups -------------------------------------------------------------------


def attempts(world: World, state: State, random: Random) -> dict[Rule | None, tuple[Commit, State]]:
    """Of what can be staged in a state, one commit for each rule that refuses it, and one that is
    followed."""
    machine = Machine(world.edits, world.cap)
    made = list(machine.commits(state))
    random.shuffle(made)
    drawn: dict[Rule | None, tuple[Commit, State]] = {}
    for commit in made:
        after = edited(state, commit)
        if after is not None:
            drawn.setdefault(machine.judge(state, commit, after), (commit, after))
    return drawn


@pytest.mark.parametrize("world", WORLDS)
def test_the_code_judges_as_the_model_says(world: World) -> None:
    found, refused = search(world)
    random, met = Random(SEED), set[Rule | None]()
    for end in random.sample(list(found.steps), TRACES):
        room = Played(world)
        for commit in found.trace(end):
            steps = found.steps[room.state]
            after = next(step.after for step in steps if step.action == commit)
            assert room.judged(commit, after) is None, commit
        drawn = attempts(world, end, random)
        met |= drawn.keys()
        followed = drawn.pop(None, None)
        for rule, (commit, after) in drawn.items():
            assert rule is not None
            assert room.judged(commit, after) == rule.code, (str(commit), end)
        if followed is not None:
            assert room.judged(*followed) is None, followed
    assert met == {None, *refused}
