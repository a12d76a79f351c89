"""However a turn of the loop is cut, everybody hears the same in the same order."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, BlobIs, Published, Resume, Resumed
from alcove_server.embedded import embedded
from alcove_server.gathering import AT_ONCE, AWAY, Gathering, Turns
from alcove_server.runner import Immediate
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.scene import Scene


class InTurns(Immediate):
    """Work runs at once; what was to be done later waits for `turn`."""

    def __init__(self) -> None:
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
@settings(max_examples=80, deadline=None)
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


@dataclass(eq=False)
class Member:
    """As much of a connection as a gathering knows, and the outlet of it."""

    told: int = AWAY
    own: list[tuple[int, bytes]] | None = None
    written: list[bytes] = field(default_factory=list)
    expected: bytes = b""

    @property
    def outlet(self) -> Member:
        return self

    def write(self, frames: bytes) -> None:
        assert frames
        self.written.append(frames)


class Room:
    """A gathering of so many members, and what each should hear."""

    def __init__(self, members: int) -> None:
        self.turns = InTurns()
        self.members = [Member() for _ in range(members)]
        self.live: dict[int, Member] = {}
        self.gathering = Gathering(Turns(self.turns.later), cast(Any, self.live.values))
        for number in range(members):
            self.enter(number)

    def enter(self, number: int) -> None:
        if number not in self.live:
            self.live[number] = self.members[number]
            self.gathering.enter(cast(Any, self.members[number]))

    def say(self, message: bytes, instead: dict[int, bytes]) -> None:
        for number, member in self.live.items():
            member.expected += instead.get(number, message)
        own = {self.live[number]: instead[number] for number in instead if number in self.live}
        self.gathering.add(message, cast(Any, own))

    def leave(self, number: int) -> None:
        """Of what was not given yet, only what came up to the last answer is."""
        member = self.live.pop(number, None)
        if member is not None:
            self.gathering.leave(cast(Any, member))
            heard = b"".join(member.written)
            assert member.expected.startswith(heard)
            assert b"own" not in member.expected[len(heard) :]
            member.expected = heard

    def settle(self, number: int) -> None:
        if number in self.live:
            self.gathering.settle(cast(Any, self.live[number]))
            assert b"".join(self.members[number].written) == self.members[number].expected

    def run(self) -> None:
        while self.turns.turn():
            pass
        for member in self.members:
            assert b"".join(member.written) == member.expected


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whoever_comes_and_goes_hears_all_of_it_in_order(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([1, 3, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE]))
    room = Room(size)
    someone = st.sampled_from([0, 1, size // 2, size - 1])
    large = data.draw(st.booleans())
    for step in range(data.draw(st.integers(0, 40))):
        act = data.draw(st.sampled_from(["say", "say", "turn", "settle", "leave", "enter"]))
        who = data.draw(someone) % size
        if act == "say":
            own = data.draw(st.sampled_from([{}, {who: b"own%d." % step}, {who: b""}]))
            room.say(b"message %d." % step * (3000 if large else 1), own)
        elif act == "turn":
            room.turns.turn()
        else:
            getattr(room, act)(who)
    room.run()
    assert not room.gathering.behind


def test_a_turn_is_joined_once_and_given_to_all_in_one_write() -> None:
    room = Room(10)
    room.say(b"one.", {3: b"answer."})
    room.say(b"two.", {})
    assert not any(member.written for member in room.members)
    room.run()
    shared = room.members[0].written[0]
    for number, member in enumerate(room.members):
        assert len(member.written) == 1
        assert number == 3 or member.written[0] is shared


def test_a_large_room_is_served_in_parts_and_what_comes_meanwhile_is_joined() -> None:
    room = Room(3 * AT_ONCE)
    room.say(b"one.", {})
    room.turns.turn()
    assert [bool(member.written) for member in room.members].count(True) == AT_ONCE
    room.say(b"two.", {})
    room.run()
    assert [len(member.written) for member in room.members].count(2) == AT_ONCE


def test_large_rooms_share_the_turns() -> None:
    turns = InTurns()
    rooms = [Room(AT_ONCE), Room(AT_ONCE)]
    shared = Turns(turns.later)
    for room in rooms:
        room.gathering = Gathering(shared, cast(Any, room.live.values))
        room.say(b"one.", {})
    turns.turn()
    assert [any(member.written for member in room.members) for room in rooms] == [True, False]
    turns.turn()
    assert all(member.written for room in rooms for member in room.members)


def test_one_that_fails_is_none_of_the_others_business() -> None:
    turns = InTurns()
    rooms = [Room(2), Room(2)]
    shared = Turns(turns.later)
    for room in rooms:
        room.gathering = Gathering(shared, cast(Any, room.live.values))
        room.say(b"one.", {})
    rooms[0].members[0].written = cast(Any, None)
    with pytest.raises(AttributeError):
        turns.turn()
    while turns.turn():
        pass
    assert all(member.written for member in rooms[1].members)
    assert rooms[0].members[1].written


def test_a_flood_is_not_copied_for_each_of_its_authors() -> None:
    room = Room(2)
    message = b"x" * (32 * 1024)
    for _ in range(8):
        room.say(message, {})
    room.say(message, {1: b"answer."})
    room.run()
    assert all(part is message for part in room.members[1].written[:-1])
    assert room.members[1].written[-1] == b"answer."
