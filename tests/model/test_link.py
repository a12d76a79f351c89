"""The model of the standby's link: it holds, each rule is needed, and the roster agrees."""

from __future__ import annotations

from random import Random

import pytest
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.roster import ENTRANT, LINK, Change, Op, Role, Roster, Seat, extend
from nacl.signing import SigningKey

from tests.model.link import (
    FAILURES,
    RULES,
    TRIES,
    Action,
    Machine,
    Rule,
    State,
    broken,
    is_saved,
    needs_saving,
    without,
)
from tests.model.search import Broken, Found, explore_holding
from tests.protocol.support import FACILITATOR, key_of, public, sign
from tests.protocol.test_roster import after, entry_after, opened
from tests.randomness import SEED

TRACES = 200
LOBBY = bytes(range(32))


def search(rules: frozenset[Rule] = RULES) -> Found[State, Action]:
    """All states. Raise `Broken` when something does not hold with these rules."""
    found = explore_holding([State()], Machine(rules).successors, broken)
    found.require(
        needs_saving,
        is_saved,
        lambda action: action.kind not in FAILURES,
        "the link of the state lets nobody in",
    )
    return found


def test_the_link_saves_the_room_and_nothing_else() -> None:
    assert len(search().steps) > 300


@pytest.mark.parametrize("rule", sorted(RULES), ids=lambda rule: rule.says)
def test_each_rule_is_needed(rule: Rule) -> None:
    with pytest.raises(Broken):
        search(without(rule))


# --- the roster -------------------------------------------------------------------------------


FRESH = [key_of(byte) for byte in range(60, 61 + TRIES)]
LINK_KEY = key_of(59)
LISTED = Seat(role=Role.FACILITATOR)


def entry(roster: Roster, by: SigningKey, *changes: Change, lobby: bool = False) -> Roster:
    more = {"lobby": LOBBY} if lobby else {}
    made = entry_after(roster, changes, signer=public(by), **more)
    return extend(roster, sign(Label.ROSTER, made.encode(), by))[0]


def removed(keys: frozenset[bytes]) -> list[Change]:
    return [Change(Op.REMOVE, key) for key in sorted(keys)]


def played(roster: Roster, before: State, action: Action, state: State) -> Roster:
    """What an action writes into the relay's list."""
    if action.kind in ("enters", "lie"):
        fresh = Change(Op.ADD, public(FRESH[state.fresh]), ENTRANT)
        return entry(roster, LINK_KEY, *removed(roster.entrants()), fresh)
    if action.kind == "lists":
        key = FRESH[before.holders[action.holder].key]
        change = Change(Op.CHANGE, public(key), LISTED)
        return entry(roster, key, change, *removed(roster.links()), lobby=True)
    if action.kind == "removes":
        return entry(roster, FACILITATOR, *removed(roster.entrants()))
    if action.kind == "clears":
        return entry(roster, FACILITATOR, *removed(roster.standbys()))
    return roster


def test_the_roster_says_what_the_model_says() -> None:
    random, machine = Random(SEED), Machine()
    kinds: set[str] = set()
    for _ in range(TRACES):
        state, roster = State(), after(opened(), Change(Op.ADD, public(LINK_KEY), LINK))
        for _ in range(12):
            steps = list(machine.successors(state))
            if not steps:
                break
            step = random.choice(steps)
            roster = played(roster, state, step.action, step.after)
            state = step.after
            kinds.add(step.action.kind)
            assert bool(roster.links()) is state.link
            fresh = {public(FRESH[state.fresh])} if state.fresh else set()
            assert roster.entrants() == fresh
            named = {public(FRESH[state.named])} if state.named else set()
            assert roster.facilitators() - {public(FACILITATOR)} == named
            check_refusals(roster, state)
    assert kinds == {"enters", "lie", "lists", "back", "dies", "goes", "removes", "clears"}


def check_refusals(roster: Roster, state: State) -> None:
    """What the model's rules keep a key from, the list refuses."""
    if not state.link:
        with pytest.raises(Malformed):
            entry(roster, LINK_KEY, Change(Op.ADD, public(key_of(99)), ENTRANT))
    for number in range(1, TRIES + 1):
        if number not in (state.fresh, state.named):
            key = FRESH[number]
            with pytest.raises(Malformed):
                entry(roster, key, Change(Op.REMOVE, public(LINK_KEY)), lobby=True)
    if state.fresh:
        with pytest.raises(Malformed):  # SPENT
            entry(roster, FRESH[state.fresh], Change(Op.CHANGE, public(FRESH[state.fresh]), LISTED))
        with pytest.raises(Malformed):  # KEEP, BOTH
            entry(roster, FACILITATOR, *removed(roster.links()))
