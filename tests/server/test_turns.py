"""However a turn of the loop is cut, all members hear the same in the same order."""

from __future__ import annotations

import os
from collections.abc import Callable

from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, BlobIs, Published, Resume, Resumed
from alcove_server.ports.runner import Immediate
from alcove_server.testing.embedded import embedded
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.scene import Scene


class InTurns(Immediate):
    """Work runs at once. What was to be done later waits for `turn`."""

    def __init__(self) -> None:
        super().__init__()
        self._later: list[Callable[[], None]] = []

    def later(self, act: Callable[[], None]) -> None:
        self._later.append(act)

    def turn(self) -> bool:
        """Whether there was anything to do."""
        later, self._later = self._later, []
        for act in later:
            act()
        return bool(later)


class SlowScene(Scene):
    """The scene whose relay gathers what comes until the test ends the turn."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = InTurns()
        self.relay = embedded(self.clock, os.urandom, wall=self.clock, runner=self.turns)


def number(position: bytes) -> int:
    return int.from_bytes(position[8:], "big")


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["say", "say", "say", "turn", "resume", "beat"]), st.integers(0, 3)),
    max_size=40,
)


@given(ACTIONS)
@settings(max_examples=80)
def test_one_order_for_all_however_turns_are_cut(actions: list[tuple[str, int]]) -> None:
    scene = SlowScene()
    scene.open()
    door = scene.put_door()
    people = [scene.host, *(scene.member(door) for _ in range(3))]
    scene.turns.turn()
    for person in people:
        person.fetch()
        person.heard.clear()
    first = number(scene.base)
    sent = 0
    asked: list[list[int]] = [[] for _ in people]
    for action, who in actions:
        person = people[who]
        if action == "say":
            person.send(person.blob())
            sent += 1
        elif action == "beat":
            scene.host.send(scene.host.blob(b"beat", BlobClass.BEAT, ttl=limits.HEARTBEAT_TTL))
            sent += 1
        elif action == "resume":
            person.fetch()
            asked[who].append(number(person.position))
            person.send(Resume(person.next_n(), person.position, 0))
        else:
            scene.turns.turn()
    scene.turns.turn()
    for person, resumed_from in zip(people, asked, strict=True):
        person.fetch()
        told = first
        for one in person.heard:
            if isinstance(one, Resumed):
                told = resumed_from.pop(0)
            elif isinstance(one, BlobIs | Published):
                assert number(one.position) == told + 1
                told += 1
        assert told == first + sent
