"""What a memory store keeps of rooms that ended, and whose ends give way."""

from __future__ import annotations

from alcove_protocol import limits
from alcove_protocol.statements import Signed
from alcove_server.net.admission import Admission
from alcove_server.store.budget import Budget, Holding
from alcove_server.store.memory.ended import EndedRooms
from alcove_server.testing.embedded import ManualClock

END = Signed(b"the end", bytes(64))
MOST = 10
ROOM = bytes(31) + b"R"


def ended(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_a_stranger_makes_the_relay_forget_the_ends_of_no_other_rooms() -> None:
    budget = Budget(limits.MIB)
    rooms = EndedRooms(budget, MOST)
    provider = Holding(16)
    rooms.add(ended(0), END, b"generatn", 0, Holding())
    theirs = [Holding(1, provider) for _ in range(3)]
    for number in range(1, 50):
        rooms.add(ended(number), END, b"generatn", number, theirs[number % 3])
    assert len(rooms) == MOST
    found = rooms.find(ended(0), 100)
    assert found == (END, b"generatn")
    assert rooms.find(ended(1), 100) is None
    assert rooms.find(ended(49), 100) is not None


def test_and_is_remembered_itself_for_as_long() -> None:
    clock = ManualClock()
    at = Admission(clock, lambda size: bytes(size), connections=9, per_prefix=9, shared=frozenset())
    place = at.enter("192.0.2.1")
    place.free()
    rooms = EndedRooms(Budget(limits.MIB), MOST)
    rooms.add(ROOM, END, b"generatn", clock(), place.allowance.holding)
    clock.advance(limits.TOMBSTONE - 1)
    at.sweep()
    assert len(at._known) == 1
    clock.advance(1)
    assert rooms.find(ROOM, clock()) is None
    at.sweep()
    assert len(at._known) == 0


def test_nothing_of_it_is_counted_when_it_is_over() -> None:
    budget = Budget(limits.MIB)
    rooms = EndedRooms(budget, MOST)
    until = rooms.add(ROOM, END, b"generatn", 5, None)
    assert until == 5 + limits.TOMBSTONE
    assert budget.used > len(END.body)
    rooms.forget(ROOM)
    rooms.forget(ROOM)
    assert (budget.used, len(rooms), rooms._of) == (0, 0, {})
