"""What the rooms may hold that one part of the network opened: bytes and rooms."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass, Done, OpenRoom
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed
from alcove_server.net.admission import Admission
from alcove_server.settings import Settings
from alcove_server.store.budget import (
    MEMBERS_PART,
    PART_LEAST,
    PART_LEAST_ROOMS,
    PART_SHARE,
    UNCOUNTED,
    Holding,
    Payer,
    StoreBounds,
)
from alcove_server.store.memory.store import MemoryStore
from alcove_server.store.values import Publication, SeatedRoom
from alcove_server.testing.embedded import ManualClock

from tests.server.keys import Facilitated
from tests.server.scene import Person, Scene
from tests.server.store.bench import GENERATION, HEAD, NEXT, OPENING, ROOM
from tests.server.test_strangers import place_of

BLOB = 30_000
T = TypeVar("T")


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The memory store never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    raise AssertionError("it waits")


class Rooms:
    """A memory store, and an admission whose clients open rooms in it."""

    def __init__(self, bounds: StoreBounds | None = None) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(self.clock, bounds)
        self.admission = Admission(
            self.clock, os.urandom, connections=100, per_prefix=3, shared=frozenset({"127.0.0.1"})
        )
        self.opened = 0

    def holding(self, address: str) -> Holding:
        """That of a client who was here, and left."""
        place = self.admission.enter(address)
        place.free()
        return place.allowance.holding

    def open(self, holding: Holding | None) -> bytes:
        self.opened += 1
        room = self.opened.to_bytes(32, "big")
        at_once(self.store.open(room, OPENING, HEAD, GENERATION, holding))
        return room

    def say(
        self,
        room: bytes,
        size: int = BLOB,
        kind: BlobClass = BlobClass.APPLICATION,
        *,
        at: int = 0,
        payer: Payer | None = None,
    ) -> None:
        base, id, blob = Position(GENERATION, at).encode(), os.urandom(16), bytes(size)
        at_once(
            self.store.publish(
                Publication(room, bytes(32), id, base, kind, 600, blob, HEAD, None, payer)
            )
        )

    def fill(self, room: bytes, most: int = 1000) -> int:
        """How often it took a blob."""
        for taken in range(most):
            try:
                self.say(room)
            except Refusal:
                return taken
        return most


def refused(rooms: Rooms, holding: Holding) -> str:
    with pytest.raises(Refusal) as caught:
        rooms.open(holding)
    return caught.value.code


def test_the_rooms_of_one_network_do_not_fill_the_store() -> None:
    rooms = Rooms(StoreBounds(store_bytes=64 * limits.MIB))
    one, other = rooms.holding("192.0.2.1"), rooms.holding("198.51.100.1")
    for _ in range(250):
        rooms.fill(rooms.open(one))
    assert one.used < 64 * limits.MIB // (PART_SHARE + 1) + 250 * UNCOUNTED
    counted = rooms.store.used
    assert counted < 32 * limits.MIB
    assert rooms.fill(rooms.open(other)) >= limits.MIB // BLOB


def test_it_says_so_to_the_next_one_that_opens_a_room() -> None:
    rooms = Rooms(StoreBounds(rooms=500))
    one, other = rooms.holding("192.0.2.1"), rooms.holding("198.51.100.1")
    for _ in range(100):
        rooms.open(one)
    assert refused(rooms, one) == "too_many_rooms"
    rooms.open(other)


def test_of_ten_thousand_rooms_a_network_has_a_fifth_and_a_provider_half() -> None:
    rooms = Rooms()
    for _ in range(2_000):
        rooms.open(rooms.holding("192.0.2.1"))
    assert refused(rooms, rooms.holding("192.0.2.9")) == "too_many_rooms"
    opened = 0
    for network in range(2_000):  # each of a prefix of its own
        holding = rooms.holding(f"2001:db8:{network:x}::1")
        for _ in range(5):
            if opened == 4_000:
                assert refused(rooms, holding) == "too_many_rooms"
                break
            rooms.open(holding)
            opened += 1
    assert rooms.store._bounds.rooms - len(rooms.store._rooms) == 4_000
    rooms.open(rooms.holding("2001:db9::1"))
    rooms.open(rooms.holding("198.51.100.1"))


def test_thousands_of_networks_of_one_provider_do_not_fill_the_store() -> None:
    bounds = StoreBounds(store_bytes=64 * limits.MIB)
    rooms = Rooms(bounds)
    for network in range(400):
        rooms.fill(rooms.open(rooms.holding(f"2001:db8:{network:x}::1")))
    assert rooms.store.used < 32 * limits.MIB + 400 * UNCOUNTED
    assert rooms.fill(rooms.open(rooms.holding("2001:db9::1"))) >= limits.MIB // BLOB


def test_the_share_comes_back_when_a_room_ends_or_is_abandoned() -> None:
    rooms = Rooms(StoreBounds(rooms=500))
    one = rooms.holding("192.0.2.1")
    opened = [rooms.open(one) for _ in range(100)]
    rooms.fill(opened[0], 30)
    at_once(rooms.store.end(opened[0], Signed(b"the end", bytes(64)), HEAD))
    assert one.rooms == 99
    rooms.open(one)
    assert refused(rooms, one) == "too_many_rooms"
    rooms.clock.advance(limits.ABANDONED_AFTER)
    while at_once(rooms.store.expire(10)):
        pass
    assert (one.rooms, one.used) == (0, 0)


def test_a_network_with_rooms_is_not_forgotten() -> None:
    rooms = Rooms()
    rooms.open(rooms.holding("192.0.2.1"))
    rooms.open(rooms.holding("2001:db8::1"))
    rooms.clock.advance(10_000)
    rooms.admission.sweep()
    assert rooms.holding("192.0.2.2").rooms == 1
    assert rooms.holding("2001:db8::2").rooms == 1
    whole = rooms.admission.enter("2001:db8:5::1").allowance.whole
    assert whole is not None
    assert whole.holding.rooms == 1


def test_a_room_that_is_brought_back_over_another_stays_where_it_was_charged() -> None:
    rooms = Rooms()
    one, other = Holding(), Holding()
    at_once(rooms.store.open(ROOM, OPENING, HEAD, GENERATION, one))
    used = one.used
    again = SeatedRoom(ROOM, (OPENING,), NEXT, b"another.", holding=other)
    at_once(rooms.store.reseat(again, HEAD))
    assert (one.rooms, one.used, other.rooms, other.used) == (1, used, 0, 0)
    too_large = SeatedRoom(ROOM, (OPENING,), HEAD, b"another.", bytes(1 << 27), holding=other)
    with pytest.raises(Refusal):
        at_once(rooms.store.reseat(too_large, NEXT))
    assert (one.rooms, one.used, other.rooms, other.used) == (1, used, 0, 0)


def test_who_brings_a_room_back_has_it_charged_and_is_asked_to_wait() -> None:
    rooms = Rooms(StoreBounds(rooms=500))
    one = rooms.holding("192.0.2.1")
    for _ in range(99):
        rooms.open(one)
    at_once(rooms.store.reseat(SeatedRoom(ROOM, (OPENING,), HEAD, GENERATION, holding=one), None))
    assert one.rooms == 100
    more = SeatedRoom(b"M" * 32, (OPENING,), HEAD, GENERATION, holding=one)
    with pytest.raises(Refusal, match="full") as caught:
        at_once(rooms.store.reseat(more, None))
    assert caught.value.code == "busy"  # for which a client waits


def test_beside_an_attacker_of_the_same_network_a_small_room_goes_on() -> None:
    rooms = Rooms(StoreBounds(store_bytes=64 * limits.MIB))
    one = rooms.holding("192.0.2.1")
    theirs = rooms.open(one)
    for _ in range(50):
        rooms.fill(rooms.open(one))
    rooms.say(theirs, 2000)
    rooms.say(theirs, 400, BlobClass.BEAT)
    at_once(rooms.store.end(theirs, Signed(b"the end", bytes(64)), HEAD))


def test_what_members_may_fill_leaves_place_for_beats_and_commits() -> None:
    rooms = Rooms(StoreBounds(store_bytes=4 * PART_LEAST))
    one = Holding()
    crowd = [rooms.open(one) for _ in range(8)]
    for room in crowd:
        rooms.fill(room)
    full = one.used
    assert full > PART_LEAST * MEMBERS_PART - BLOB - limits.KIB
    rooms.say(crowd[0], 400, BlobClass.BEAT)
    rooms.say(crowd[0], 100_000, BlobClass.COMMIT)
    assert one.used > full + 100_000


def test_a_few_rooms_may_always_be_opened_while_there_are_any() -> None:
    rooms = Rooms(StoreBounds(rooms=PART_LEAST_ROOMS + 1))
    one = Holding()
    for _ in range(PART_LEAST_ROOMS):
        rooms.open(one)
    assert refused(rooms, one) == "too_many_rooms"
    rooms.open(Holding())
    assert refused(rooms, Holding()) == "busy"


def test_a_client_is_told_that_its_network_has_its_share() -> None:
    scene = Scene(Settings(rooms=200, rates=0))
    doors = Admission(
        scene.clock, os.urandom, connections=9, per_prefix=9, shared=frozenset(), factor=0
    )

    def opener(address: str) -> Person:
        person = Person(scene)
        session = person.link.session
        assert session is not None
        session.client.place = doors.enter(address)
        return person

    def opening(person: Person) -> OpenRoom:
        first = Facilitated().chain[0]
        return OpenRoom(person.next_n(), first.body, first.signature)

    one = "192.0.2.1"
    for _ in range(200 // (PART_SHARE + 1)):
        person = opener(one)
        person.ask(opening(person), Done)
        place_of(person).free()
    person = opener(one)
    assert person.refused(opening(person)) == "too_many_rooms"
    person = opener("198.51.100.1")
    person.ask(opening(person), Done)


def brought_back(rooms: Rooms, holding: Holding) -> bytes:
    """A room of a megabyte that a client of this holding brought back."""
    rooms.opened += 1
    room = rooms.opened.to_bytes(32, "big")
    seated = SeatedRoom(room, (OPENING,), HEAD, GENERATION, bytes(limits.MIB), holding=holding)
    at_once(rooms.store.reseat(seated, None))
    return room


def test_a_heartbeat_has_the_room_count_for_its_facilitator() -> None:
    rooms = Rooms(StoreBounds(store_bytes=64 * limits.MIB))
    one, other = rooms.holding("192.0.2.1"), rooms.holding("198.51.100.1")
    room = brought_back(rooms, one)
    used = one.used
    one.add(0, 32 * limits.MIB)  # its own rooms take all that its network may have
    full = one.used
    with pytest.raises(Refusal, match="full"):
        rooms.say(room, 400, BlobClass.COMMIT, at=1)
    rooms.say(room, 400, BlobClass.BEAT, at=1, payer=Payer(other))
    assert (one.used, other.rooms) == (full - used, 1)
    rooms.say(room, 100_000, BlobClass.COMMIT, at=1)
    assert other.used == rooms.store._rooms[room].budget.used > used + 100_000


def test_a_room_is_not_moved_to_a_network_without_space_for_it() -> None:
    rooms = Rooms(StoreBounds(store_bytes=64 * limits.MIB))
    one, other = rooms.holding("192.0.2.1"), rooms.holding("198.51.100.1")
    room = brought_back(rooms, one)
    other.add(0, 32 * limits.MIB)
    before = one.used, other.used
    rooms.say(room, 0, BlobClass.BEAT, at=1, payer=Payer(other))
    assert one.used > before[0]
    assert other.used == before[1]


def test_a_room_is_not_moved_to_a_network_without_a_place_for_it() -> None:
    rooms = Rooms(StoreBounds(rooms=200))
    one, other = rooms.holding("192.0.2.1"), rooms.holding("198.51.100.1")
    room = rooms.open(one)
    for _ in range(40):
        rooms.open(other)
    held = other.rooms
    assert refused(rooms, other) == "too_many_rooms"
    rooms.say(room, 0, BlobClass.BEAT, payer=Payer(other))
    assert (one.rooms, other.rooms) == (1, held)
    assert rooms.store._rooms[room].budget.holding is one
