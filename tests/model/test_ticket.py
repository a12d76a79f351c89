"""The model of a ticket: it holds, each rule is needed, and the roster agrees with its returns."""

from __future__ import annotations

from random import Random

import pytest
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, Role, Roster, Seat, extend

from tests.model.search import Broken, Found, explore_holding
from tests.model.ticket import (
    FAILURES,
    RULES,
    Action,
    Rule,
    State,
    TicketMachine,
    broken,
    is_saved,
    needs_saving,
    without,
)
from tests.protocol.support import FACILITATOR, key_of, public, sign
from tests.protocol.test_roster import entry_after, opened
from tests.randomness import SEED

TRACES = 200
OTHER = key_of(61)


def search(rules: frozenset[Rule] = RULES) -> Found[State, Action]:
    """All states. Raise `Broken` when something does not hold with these rules."""
    found = explore_holding([State()], TicketMachine(rules).successors, broken)
    found.require(
        needs_saving,
        is_saved,
        lambda action: action.kind not in FAILURES,
        "a ticket and a member bring nobody back",
    )
    return found


def test_a_ticket_brings_one_person_back_and_nothing_else() -> None:
    assert len(search().steps) > 100


@pytest.mark.parametrize("rule", sorted(RULES), ids=lambda rule: rule.says)
def test_each_rule_is_needed(rule: Rule) -> None:
    with pytest.raises(Broken):
        search(without(rule))


def test_the_roster_takes_each_return_of_the_model() -> None:
    """A return is an entry of the key that comes back, which changes nothing on the list."""
    found, random = search(), Random(SEED)
    states = sorted(found.steps)
    for state in random.sample(states, min(TRACES, len(states))):
        other = Seat(role=Role.FACILITATOR)
        roster = entry(opened(), Change(Op.ADD, public(OTHER), other))
        for action in found.trace(state):
            roster = played(roster, action)
        listed = public(FACILITATOR) in roster.seats
        assert listed is state.seated


def entry(roster: Roster, change: Change, *, by: object = FACILITATOR) -> Roster:
    key = OTHER if by is OTHER else FACILITATOR
    made = entry_after(roster, [change], signer=public(key))
    return extend(roster, sign(Label.ROSTER, made.encode(), key))[0]


def played(roster: Roster, action: Action) -> Roster:
    """What an action writes into the relay's list."""
    own = Change(Op.REJOIN, public(FACILITATOR))
    if action.kind in ("returns", "lie"):
        after = entry(roster, own)
        assert after.seats == roster.seats
        return after
    if action.kind == "granted":
        return entry(roster, own, by=OTHER)
    if action.kind == "removes":
        return entry(roster, Change(Op.REMOVE, public(FACILITATOR)), by=OTHER)
    return roster
