"""The model of a room that is brought back: it holds, each rule is needed, and the relay agrees."""

from __future__ import annotations

from random import Random
from typing import Final

import pytest
from alcove_protocol import limits
from alcove_protocol.codec import unpack_list
from alcove_protocol.frames import ChainIs, ReadChain
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_protocol.statements import Signed
from nacl.signing import SigningKey

from tests.model import reseat
from tests.model.reseat import (
    DEMOTED,
    FIRST,
    RULES,
    Action,
    Machine,
    Rule,
    State,
    World,
    follows_a_lie,
    is_home,
    is_residue,
    seats_a_lie,
    without,
)
from tests.model.search import Found, explore
from tests.randomness import SEED
from tests.server.keys import Facilitated, public
from tests.server.scene import Person, Scene
from tests.server.test_unsettled import answered, frame_of

WORLDS: Final = (DEMOTED, FIRST)
TRACES: Final = 60
"""Traces of each world that the real relay plays."""


def search(world: World, rules: frozenset[Rule] = RULES) -> Found[State, Action]:
    return explore(world.starts(), Machine(world, rules).successors)


def broken(world: World, rules: frozenset[Rule]) -> set[str]:
    """What does not hold with these rules."""
    found = search(world, rules)
    enemies = {world.villain, *world.puppets}

    def helps(action: Action) -> bool:
        return action.key not in enemies and action.kind != "forgets"

    home, residue = found.leading_to(is_home(world), helps), is_residue(world)
    names = {
        "an honest member follows a lie": any(map(follows_a_lie(world), found.steps)),
        "a lie is settled": any(map(seats_a_lie(world), found.steps)),
        "the true room is lost": any(s not in home and not residue(s) for s in found.steps),
    }
    return {name for name, is_so in names.items() if is_so}


@pytest.mark.parametrize("world", WORLDS)
def test_a_room_that_is_brought_back_is_the_true_one(world: World) -> None:
    assert broken(world, RULES) == set()


@pytest.mark.parametrize("rule", sorted(RULES))
def test_each_rule_is_needed(rule: Rule) -> None:
    assert any(broken(world, without(rule)) for world in WORLDS)


# --- the same on the relay -----------------------------------------------------------------------


class Played:
    """One trace on a relay, whose members send and read frames. The chains are signed as the world
    says."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.scene = Scene()
        self._keys = {key: SigningKey.generate() for key in "AXPQYZ"}
        first = Facilitated(relay_key=self._keys["A"])
        self.scene.room = first
        self._chains = {world.truth[0]: first}
        if world is DEMOTED:
            self._extend(first, "a", "A")
        for chain in sorted(world.lists, key=len):
            if chain not in self._chains:
                longer = copy(self._chains[chain[:-1]])
                self._extend(longer, chain[-1], world.signers[chain[-1]])
                self._chains[chain] = longer

    def _extend(self, room: Facilitated, entry: str, signer: str) -> None:
        changes = {
            "a": (
                (Op.ADD, "X", Role.FACILITATOR),
                *((Op.ADD, key, Role.PARTICIPANT) for key in "PQ"),
            ),
            "d": ((Op.CHANGE, "X", Role.PARTICIPANT),),
            "e": ((Op.CHANGE, "A", Role.PARTICIPANT),),
            "r": ((Op.REMOVE, "P", Role.PARTICIPANT),),
            "y": tuple((Op.ADD, key, Role.PARTICIPANT) for key in "YZ"),
            "z": ((Op.ADD, "Z", Role.PARTICIPANT),),
        }[entry]
        made = (Change(op, public(self._keys[key]), Seat(role=role)) for op, key, role in changes)
        by = self._keys[signer]
        room.take(room.entry(made, base=bytes(16), commit=b"commit", signer=by))

    def play(self, action: Action, after: State) -> None:
        """Take one step."""
        if action.kind == "forgets":
            room, self.scene = self.scene.room, Scene()
            self.scene.room = room
        elif action.kind == "waits":
            least, whole = limits.UNSETTLED_LEAST, limits.UNSETTLED
            self.scene.clock.advance(least if after.age == reseat.MINUTE else whole - least)
        elif action.kind in ("names", "brings"):
            person = Person(self.scene, self._keys[action.key])
            brings = action.kind == "brings"
            person.authenticate("reseat" if brings else "member")
            answered(person, frame_of(person, self._chains[action.chain], whole=brings))

    def told(self, state: State) -> tuple[str, bool, bool]:
        """What the relay tells a member of the seated list: the chain, whether it is settled, and
        whether it is disputed. Without a chain it tells nothing."""
        if not state.seat:
            return "", False, False
        person = Person(self.scene, self._keys[min(self._world.lists[state.seat].members)])
        person.authenticate()
        resumed = person.resume()
        part = person.ask(ReadChain(person.next_n(), 0), ChainIs)
        chain = [Signed.decode(item) for item in unpack_list(part.entries, most=len(self._keys))]
        seat = next(name for name, room in self._chains.items() if room.chain == chain)
        return seat, not resumed.unsettled, resumed.disputed


def copy(room: Facilitated) -> Facilitated:
    """The same room, to go on in another way."""
    other = Facilitated(root=room.root, relay_key=room.relay_key)
    other.chain, other.roster = list(room.chain), room.roster
    return other


def played(found: Found[State, Action]) -> list[State]:
    """States whose ways the relay plays: drawn, and none that a commit in the log leads to."""
    ways = {state: found.trace(state) for state in found.steps}
    able = [s for s, way in ways.items() if all(action.kind != "commits" for action in way)]
    return Random(SEED).sample(able, TRACES)


@pytest.mark.parametrize("world", WORLDS)
def test_the_relay_does_what_the_model_says(world: World) -> None:
    found = search(world)
    machine = Machine(world)
    for end in played(found):
        state = found.start(end)
        relay = Played(world)
        for action in found.trace(end):
            state = next(step.after for step in found.steps[state] if step.action == action)
            relay.play(action, state)
            disputed = not state.settled and machine.fork(state) is not None
            assert relay.told(state) == (state.seat, state.settled, disputed), (action, state)
