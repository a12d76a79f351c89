"""The model of what facilitators share: it holds, each rule is needed, and the clients agree."""

from __future__ import annotations

from random import Random
from typing import Final

import pytest
from alcove_protocol import frames

from tests.end_to_end.facilitating import ask, facilitators, kill, part
from tests.end_to_end.world import Client, World
from tests.model.search import Broken, Found, explore_holding
from tests.model.vaults import (
    BY_THEMSELVES,
    MOST,
    PEOPLE,
    RULES,
    Action,
    Machine,
    Rule,
    State,
    closes_a_door_in_vain,
    is_open,
    knows_too_much,
    start,
    without,
)
from tests.randomness import SEED

STARTS: Final = (start(3), start(2, "ABC"))
TRACES: Final = 8
"""Traces that real clients play."""


def broken(state: State) -> str | None:
    """What does not hold in this state."""
    if knows_too_much(state):
        return "a former facilitator knows the lobby key"
    return "a door is closed in vain" if closes_a_door_in_vain(state) else None


def search(rules: frozenset[Rule] = RULES) -> Found[State, Action]:
    """All states. Raise `Broken` when something does not hold with these rules."""
    found = explore_holding(STARTS, Machine(rules).successors, broken)
    found.require(
        lambda state: True,
        is_open,
        lambda action: action.kind in BY_THEMSELVES,
        "a facilitator is there and the lobby stays shut",
    )
    return found


def test_the_lobby_is_opened_again_and_by_facilitators_only() -> None:
    assert max(state.keys for state in search().steps) < MOST


@pytest.mark.parametrize("rule", sorted(RULES), ids=lambda rule: rule.says)
def test_each_rule_is_needed(rule: Rule) -> None:
    with pytest.raises(Broken):
        search(without(rule))


# --- the same with real clients ------------------------------------------------------------------


class Played:
    """One trace, by real clients and a real relay. Commits and vaults wait for their step. What
    clients do by themselves after some time comes at the end."""

    def __init__(self, begin: State) -> None:
        self.world = World()
        first = self.world.open("A")
        self.clients = {"A": first, **{name: self.world.join(first, name) for name in "BC"}}
        self.dora = self.world.join(first, "Dora")
        for name in sorted(begin.listed - {"A"}):
            ask(first, "appoint", name)
            self.world.settle()
        self.world.advance(31)
        self._waiting: dict[str, list[bytes]] = {name: [] for name in PEOPLE}
        self._read: dict[str, set[bytes]] = {name: set() for name in PEOPLE}
        for client in self.clients.values():
            client.to_relay = self._hold_commits

    def _hold_commits(self, client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if isinstance(frame, frames.Publish) and frame.entry is not None:
            self._waiting[client.name].append(data)
            return []
        return [data]

    def play(self, action: Action) -> None:
        """Take one step."""
        client = self.clients.get(action.by)
        if action.kind in ("appoints", "demotes"):
            assert client is not None
            ask(client, action.kind[:-1], action.about)
        if action.kind == "commits":
            assert client is not None
            self._release(client)
        if action.kind == "dies":
            assert client is not None
            kill(self.world, self.clients.pop(action.by))
        if action.kind == "forgets":
            self.world.kill_relay()
            self.world.start_relay()
            self._waiting = {name: [] for name in PEOPLE}  # clients send it again
            self.world.advance(660, step=5)  # then the log is settled, and takes commits
        self.world.settle()
        self.look()

    def _release(self, client: Client) -> None:
        client.to_relay = lambda client, data: [data]
        waiting, self._waiting[client.name] = self._waiting[client.name], []
        for data in waiting:
            if client.link is not None:
                client.link.receive(data)
        self.world.settle()
        client.to_relay = self._hold_commits

    def rest(self) -> None:
        """Nothing is held any more, and clients do what they do by themselves."""
        for client in self.clients.values():
            self._release(client)
            client.to_relay = lambda client, data: [data]
        for _ in range(6):
            self.world.advance(60, step=2)
            self.look()

    def look(self) -> None:
        """Whatever lobby key a client has, it may have kept. No former facilitator has the one in
        use."""
        for name, client in self.clients.items():
            facilitator = client.engine.require_member().facilitator
            if facilitator is not None:
                self._read[name] |= set(facilitator.lobby_keys._held)
        membership = self.dora.engine.require_member().membership
        for name in PEOPLE:
            if name not in facilitators(self.dora):
                assert membership.state.lobby_key not in self._read[name], name


def plays(found: Found[State, Action], end: State) -> bool:
    """Whether a trace is of steps that can be taken one by one here."""
    return all(action.kind not in BY_THEMSELVES - {"opens"} for action in found.trace(end))


def test_the_clients_do_what_the_model_says() -> None:
    found = search()
    able = [state for state in found.steps if not state.plans and plays(found, state)]
    for end in Random(SEED).sample(able, TRACES):
        room = Played(found.start(end))
        trace = found.trace(end)
        for action in trace:
            if action.kind != "opens":  # clients do it as soon as they can
                room.play(action)
        room.rest()
        assert facilitators(room.dora) == end.listed, list(map(str, trace))
        for name in end.there():
            assert part(room.clients[name]).vaults.complete, list(map(str, trace))
        doors = room.dora.engine.require_member().membership.state.door_ids()
        assert len(doors) == 1 or end.forgot, list(map(str, trace))
