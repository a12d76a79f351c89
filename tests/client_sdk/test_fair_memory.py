"""A bounded memory in which no member's flood pushes out what another said."""

import pytest
from alcove import events
from alcove.messages import shown
from alcove.messages.fair_memory import FairMemory
from alcove.messages.shown import ShownMessages
from alcove_protocol.position import Position

from tests.end_to_end.world import World

PLACE = Position(bytes(8), 1)


def test_the_oldest_of_the_member_with_the_most_gives_way() -> None:
    memory: FairMemory[int] = FairMemory(4)
    assert memory.put(b"bob", b"his", 0) is None
    gone = [memory.put(b"mal", bytes([number]), number) for number in range(8)]
    assert gone == [None, None, None, *(bytes([number]) for number in range(5))]
    assert (memory.owner(b"his"), memory.get(b"his")) == (b"bob", 0)
    assert bytes([0]) not in memory
    assert memory.get(bytes([0])) is None
    assert len(list(memory)) == 4


def test_what_was_forgotten_makes_room() -> None:
    memory: FairMemory[int] = FairMemory(1)
    memory.put(b"bob", b"first", 1)
    memory.pop(b"first")
    assert memory.put(b"mal", b"second", 2) is None
    assert list(memory) == [(b"second", 2)]
    memory.clear()
    assert b"second" not in memory


def test_a_flood_takes_no_other_members_words_off_the_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shown, "SHOWN", 3)
    world = World()
    client = world.client("Ann")
    messages = ShownMessages(client.engine.ports)
    messages.remember(b"his", b"bob", 600, PLACE)
    for number in range(9):
        messages.remember(bytes([number]), b"mal", 600, PLACE)
    client.collect()
    expired = [event.id for event in client.of(events.Expired)]
    assert expired == [bytes([number]).hex() for number in range(7)]
    assert messages.is_of(b"his", b"bob")
