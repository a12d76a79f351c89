"""The fan-out of a room alone, with members that only note what they are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from alcove_server.client.feed import Feed
from alcove_server.rooms.fanout import AT_ONCE, Fanout, Turns
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.test_turns import InTurns


@dataclass(eq=False)
class Member:
    """An outlet that takes note, and the feed of it."""

    written: list[bytes] = field(default_factory=list)
    expected: bytes = b""
    backlog: int = 0
    silent: bool = False

    def probe(self) -> None:
        """Nothing here pings."""

    def __post_init__(self) -> None:
        self.feed = Feed(self)

    def close(self, code: int) -> None:
        """Nothing here closes."""

    def write(self, frames: bytes) -> None:
        assert frames
        self.written.append(frames)


class Hearers:
    """A fan-out to so many members, and what each should hear."""

    def __init__(self, members: int) -> None:
        self.turns = InTurns()
        self.members = [Member() for _ in range(members)]
        self.live: dict[int, Member] = {}
        self.fanout = Fanout(Turns(self.turns.later))
        for number in range(members):
            self.enter(number)

    def share(self, turns: Turns) -> None:
        """From here on the members follow a fan-out that takes turns with others."""
        self.fanout = Fanout(turns)
        for member in self.live.values():
            self.fanout.subscribe(member.feed)

    def enter(self, number: int) -> None:
        if number not in self.live:
            self.live[number] = self.members[number]
            self.fanout.subscribe(self.members[number].feed)

    def say(self, message: bytes, instead: dict[int, bytes]) -> None:
        for number, member in self.live.items():
            member.expected += instead.get(number, message)
        own = {self.live[number].feed: instead[number] for number in instead if number in self.live}
        self.fanout.add(message, own)

    def leave(self, number: int) -> None:
        """Of what was not given yet, only what came up to the last answer is."""
        member = self.live.pop(number, None)
        if member is not None:
            self.fanout.unsubscribe(member.feed)
            heard = b"".join(member.written)
            assert member.expected.startswith(heard)
            assert b"own" not in member.expected[len(heard) :]
            member.expected = heard

    def settle(self, number: int) -> None:
        if number in self.live:
            self.live[number].feed.flush()
            assert b"".join(self.members[number].written) == self.members[number].expected

    def run(self) -> None:
        while self.turns.turn():
            pass
        for member in self.members:
            assert b"".join(member.written) == member.expected


@given(st.data())
@settings(max_examples=60)
def test_members_that_come_and_go_hear_all_of_it_in_order(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([1, 3, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE]))
    room = Hearers(size)
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
    assert not room.fanout.behind


def test_a_turn_is_joined_once_and_given_to_all_in_one_write() -> None:
    room = Hearers(10)
    room.say(b"one.", {3: b"answer."})
    room.say(b"two.", {})
    assert not any(member.written for member in room.members)
    room.run()
    shared = room.members[0].written[0]
    for number, member in enumerate(room.members):
        assert len(member.written) == 1
        assert number == 3 or member.written[0] is shared


def test_a_large_room_is_served_in_parts_and_what_comes_meanwhile_is_joined() -> None:
    room = Hearers(3 * AT_ONCE)
    room.say(b"one.", {})
    room.turns.turn()
    assert [bool(member.written) for member in room.members].count(True) == AT_ONCE
    room.say(b"two.", {})
    room.run()
    assert [len(member.written) for member in room.members].count(2) == AT_ONCE


def test_large_rooms_share_the_turns() -> None:
    turns = InTurns()
    rooms = [Hearers(AT_ONCE), Hearers(AT_ONCE)]
    shared = Turns(turns.later)
    for room in rooms:
        room.share(shared)
        room.say(b"one.", {})
    turns.turn()
    assert [sum(bool(one.written) for one in room.members) for room in rooms] == [AT_ONCE / 2] * 2
    turns.turn()
    assert all(member.written for room in rooms for member in room.members)


def test_one_that_fails_is_none_of_the_others_business() -> None:
    turns = InTurns()
    rooms = [Hearers(2), Hearers(2)]
    shared = Turns(turns.later)
    for room in rooms:
        room.share(shared)
        room.say(b"one.", {})
    rooms[0].members[0].written = cast(Any, None)
    with pytest.raises(AttributeError):
        turns.turn()
    while turns.turn():
        pass
    assert all(member.written for member in rooms[1].members)
    assert rooms[0].members[1].written


def test_in_a_large_room_too() -> None:
    room = Hearers(2 * AT_ONCE)
    failing = room.members[1].written
    room.members[1].written = cast(Any, None)
    room.say(b"one.", {})
    with pytest.raises(AttributeError):
        room.turns.turn()
    room.members[1].written = failing
    room.say(b"two.", {})
    room.turns.turn()
    room.say(b"three.", {})
    room.members[1].expected = b"two.three."  # the first was lost with its transport
    room.run()


def test_a_flood_is_not_copied_for_each_of_its_authors() -> None:
    room = Hearers(2)
    message = b"x" * (32 * 1024)
    for _ in range(8):
        room.say(message, {})
    room.say(message, {1: b"answer."})
    room.run()
    assert all(part is message for part in room.members[1].written[:-1])
    assert room.members[1].written[-1] == b"answer."
