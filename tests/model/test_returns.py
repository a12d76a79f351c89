"""The model of deaths and returns: it holds, each rule is needed, and the clients agree."""

from __future__ import annotations

from random import Random
from typing import Final

import pytest
from alcove import events

from tests.end_to_end.facilitating import ask, facilitators
from tests.end_to_end.standing_by import make_link
from tests.end_to_end.world import Client, World
from tests.model.returns import (
    BY_THEMSELVES,
    FAILURES,
    RULES,
    Action,
    Machine,
    Person,
    Rule,
    State,
    is_whole,
    lost_its_leaf,
    may_be_saved,
    needs_no_person,
    start,
    without,
)
from tests.model.search import Broken, Found, explore_holding
from tests.randomness import SEED

STARTS = (start("set"), start("none"))


def broken(state: State) -> str | None:
    """What does not hold in this state."""
    return state.wrong or ("a facilitator has no leaf" if lost_its_leaf(state) else None)


def search(rules: frozenset[Rule] = RULES) -> Found[State, Action]:
    """All states. Raise `Broken` when something does not hold with these rules."""
    found = explore_holding(STARTS, Machine(rules).successors, broken)
    found.require(
        may_be_saved,
        is_whole,
        lambda action: action.kind not in FAILURES,
        "a room that could be saved is lost",
    )
    found.require(
        needs_no_person,
        is_whole,
        lambda action: action.kind in BY_THEMSELVES,
        "a person has to decide about a member that kept the keys",
    )
    return found


def test_all_are_in_the_room_again_while_a_facilitator_or_the_link_and_a_member_exist() -> None:
    kinds = {step.action.kind for steps in search().steps.values() for step in steps}
    assert kinds >= (FAILURES - {"poses"}) | BY_THEMSELVES
    assert kinds >= {"is let go", "is told", "gives up", "comes again", "is admitted", "enters"}


@pytest.mark.parametrize("rule", sorted(RULES), ids=lambda rule: rule.says)
def test_each_rule_is_needed(rule: Rule) -> None:
    with pytest.raises(Broken):
        search(without(rule))


# --- the same with real clients ------------------------------------------------------------------

ABSENT: Final = 120
"""Seconds after which the room of a trace lets members go."""
PLAYED: Final = {
    "cut", "dies", "back", "is let go", "returns", "comes again", "is admitted", "is appointed",
    "is demoted", "enters",
}  # fmt: skip
TRACES: Final = 6
"""Traces that real clients play."""


class Played:
    """One trace, by real clients and a real relay. Who may let others go does so when it is due,
    also where the trace has it later: what comes of it is the same."""

    def __init__(self, begin: State) -> None:
        self.world = World()
        first = self.world.open_with(self.world.client("A"), absent=ABSENT)
        self.clients = {"A": first, **{name: self.world.join(first, name) for name in "BC"}}
        self.invite = first.invite()
        self.link = make_link(self.world, first) if begin.link == "set" else ""
        self._away: set[str] = set()
        self.pass_time(40)

    def pass_time(self, seconds: int) -> None:
        away = tuple(self.clients[name] for name in self._away)
        self.world.advance(seconds, step=5, stay_away=away)

    def serving(self) -> Client:
        """A facilitator who is there."""
        return next(
            client
            for name, client in self.clients.items()
            if name not in self._away
            and client.engine.member is not None
            and client.engine.member.facilitator is not None
            and client in self.world.clients
        )

    def knocks_of(self, name: str, by: Client) -> list[events.Knocked]:
        gone = {one.id for one in by.of(events.KnockGone)}
        return [one for one in by.of(events.Knocked) if one.name == name and one.id not in gone]

    def new_invite(self, by: Client) -> str:
        links: list[str | None] = []
        by.engine.commands.invite(lambda url, error: links.append(url))
        self.pass_time(5)
        assert links[0] is not None
        return links[0]

    def play(self, action: Action) -> None:
        """Take one step."""
        kind, name = action
        client = self.clients.get(name)
        if kind in ("cut", "dies"):
            assert client is not None
            client.cut()
        if kind == "cut":
            self._away.add(name)
        elif kind == "dies":
            assert client is not None
            self._away.discard(name)
            self.world.clients.remove(client)
        elif kind == "back":
            assert client is not None
            self._away.discard(name)
            client.back()
            self.pass_time(30)
        elif kind == "is let go":
            self.pass_time(ABSENT + 30)
        elif kind == "comes again":
            self.clients[name] = self.world.knock(self.invite, name)
            self.pass_time(40)
        elif kind == "is admitted":
            self.pass_time(40)  # until it is known that the member is silent
            by = self.serving()
            if not self.knocks_of(name, by):  # by the link, the room has other invites
                self.clients[name] = self.world.knock(self.new_invite(by), name)
                self.pass_time(40)
            assert by.admit(self.knocks_of(name, by)[-1]) == []
            self.pass_time(5)
        elif kind == "enters":
            self.pass_time(100)
            self.clients["D"] = self.world.knock(self.link, "D")
            self.pass_time(160)
        elif kind in ("is appointed", "is demoted"):
            do = "appoint" if kind == "is appointed" else "demote"
            result = ask(self.serving(), do, name)
            self.pass_time(15)
            assert result == [None]


def test_the_clients_do_what_the_model_says() -> None:
    found = search()
    able = [
        state
        for state in found.steps
        if is_whole(state) and {action.kind for action in found.trace(state)} <= PLAYED
    ]
    drawn = Random(SEED).sample(able, TRACES)
    longest = max(able, key=lambda state: len(found.trace(state)))
    for end in (longest, *drawn):
        room, trace = Played(found.start(end)), found.trace(end)
        for action in trace:
            room.play(action)
        room.pass_time(60)
        told = list(map(" ".join, trace))
        here = {name for name in "ABCD" if end.of(name) == Person()}
        clients = [room.clients[name] for name in sorted(here)]
        leaves = {name for name in "ABCD" if end.of(name).leaf}
        for client in clients:
            assert client.engine.member is not None, (client.name, told)
            assert here <= client.members() <= leaves, (client.name, told)
        assert facilitators(clients[0]) == end.listed, told
        for client in clients:
            client.say(f"{client.name} is here")
            room.pass_time(5)
            for other in clients:
                if other is not client:
                    assert other.texts()[-1] == f"{client.name} is here", told
