"""The model of deaths and returns: it holds, each rule is needed, and the clients agree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model.returns import (
    BY_THEMSELVES,
    FAILURES,
    RULES,
    Action,
    Machine,
    Rule,
    State,
    is_whole,
    lost_its_leaf,
    may_be_saved,
    needs_no_person,
    start,
    without,
)
from tests.model.search import Found, Step, explore

STARTS = (start("set"), start("none"))


class Broken(Exception):
    """The first thing that does not hold."""


def search(rules: frozenset[Rule] = RULES) -> Found[State, Action]:
    """All states. Raise `Broken` when something does not hold with these rules."""
    machine = Machine(rules)

    def successors(state: State) -> Iterator[Step[State, Action]]:
        if state.wrong:
            raise Broken(state.wrong)
        if lost_its_leaf(state):
            raise Broken("a facilitator has no leaf")
        yield from machine.successors(state)

    found = explore(STARTS, successors)
    whole = found.leading_to(is_whole, lambda action: action.kind not in FAILURES)
    if any(may_be_saved(state) and state not in whole for state in found.steps):
        raise Broken("a room that could be saved is lost")
    unasked = found.leading_to(is_whole, lambda action: action.kind in BY_THEMSELVES)
    if any(needs_no_person(state) and state not in unasked for state in found.steps):
        raise Broken("a person has to decide about a member that kept the keys")
    return found


def test_all_are_in_the_room_again_while_a_facilitator_or_the_link_and_a_member_exist() -> None:
    kinds = {step.action.kind for steps in search().steps.values() for step in steps}
    assert kinds >= (FAILURES - {"poses"}) | BY_THEMSELVES
    assert kinds >= {"is let go", "is told", "comes again", "is admitted", "enters", "is demoted"}


@pytest.mark.parametrize("rule", sorted(RULES), ids=lambda rule: rule.says)
def test_each_rule_is_needed(rule: Rule) -> None:
    with pytest.raises(Broken):
        search(without(rule))
