"""What a member parks for the holder of its ticket, at the relay. Every refusal, and every end."""

import os
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    ConnectionRole,
    Done,
    Fetch,
    Fetched,
    LeaveRoom,
    Park,
    RequestRefused,
)
from alcove_protocol.roster import Op
from alcove_server.rooms.fetches import ALIVE, ASKED
from alcove_server.store.memory.store import MemoryStore
from alcove_server.testing.embedded import ManualClock

from tests.server.keys import Door
from tests.server.scene import Person, Scene

SLOT, TOKEN = b"s" * 16, b"t" * 32


def parks(by: Person, slot: bytes = SLOT, blob: bytes = b"sealed") -> Park:
    return Park(by.next_n(), slot, sha256(TOKEN).digest(), blob)


def fetches(by: Person, token: bytes = TOKEN, slot: bytes = SLOT) -> Fetch:
    return Fetch(by.next_n(), by.scene.room.id, slot, token)


def gone(scene: Scene, door: Door) -> Person:
    """A member that parked, and whose connection is closed."""
    ann = scene.member(door)
    ann.ask(parks(ann), Done)
    ann.link.close()
    return ann


def a_waiting_fetch(scene: Scene, door: Door) -> tuple[Person, Person]:
    """A member whose client is silent, and the holder of their ticket."""
    ann, holder = scene.member(door), Person(scene)
    ann.ask(parks(ann), Done)
    ann.link.dead = True
    holder.send(fetches(holder))
    return ann, holder


def test_the_holder_fetches_and_connects_as_the_member(scene: Scene, door: Door) -> None:
    ann = gone(scene, door)
    ann.connect()
    assert ann.ask(fetches(ann), Fetched).blob == b"sealed"
    assert ann.authenticate().role == ConnectionRole.MEMBER


def test_only_the_token_fetches(scene: Scene, door: Door) -> None:
    gone(scene, door)
    thief = Person(scene)
    assert thief.refused(fetches(thief, os.urandom(32))) == "unknown_ticket"
    assert thief.refused(fetches(thief, slot=bytes(16))) == "unknown_ticket"
    for _ in range(limits.TICKET_TRIES - 1):
        thief = Person(scene)
        assert thief.refused(fetches(thief, os.urandom(32))) == "unknown_ticket"
    thief = Person(scene)
    assert thief.refused(fetches(thief)) == "unknown_ticket"


def test_while_the_client_answers_nobody_fetches(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.ask(parks(ann), Done)
    thief = Person(scene)
    assert thief.refused(fetches(thief)) == "ticket_in_use"
    assert ann.closed is None
    ann.say()


def test_a_client_that_is_silent_for_three_seconds_is_gone(scene: Scene, door: Door) -> None:
    _, holder = a_waiting_fetch(scene, door)
    scene.clock.advance(limits.PING - 0.1)
    scene.relay.tick()
    assert holder.fetch() == []
    scene.clock.advance(0.1)
    scene.relay.tick()
    assert holder.one(Fetched).blob == b"sealed"


def test_a_late_sign_of_life_counts(scene: Scene, door: Door) -> None:
    ann, holder = a_waiting_fetch(scene, door)
    scene.clock.advance(limits.PING - 1)
    ann.link.dead = False
    scene.relay.tick()
    assert holder.one(RequestRefused).code == "ticket_in_use"


def test_a_client_that_connects_anew_meanwhile_is_not_gone(scene: Scene, door: Door) -> None:
    """Its network changed: the old connection is silent, and the newer one takes its place."""
    ann, holder = a_waiting_fetch(scene, door)
    scene.clock.advance(1)
    ann.connect()
    ann.authenticate()
    scene.relay.tick()
    assert holder.one(RequestRefused).code == "ticket_in_use"


def test_who_is_removed_while_a_fetch_waits_is_handed_out_to_nobody(
    scene: Scene, door: Door
) -> None:
    ann, holder = a_waiting_fetch(scene, door)
    scene.remove(ann)
    scene.clock.advance(limits.PING)
    scene.relay.tick()
    assert holder.one(RequestRefused).code == "unknown_ticket"


def test_a_fetch_of_a_client_that_went_uses_nothing_up(scene: Scene, door: Door) -> None:
    ann, holder = a_waiting_fetch(scene, door)
    holder.link.close()
    ann.link.close()
    scene.relay.tick()
    scene.clock.advance(limits.TICKET_FETCHED)
    holder.connect()
    holder.ask(fetches(holder), Fetched)


def test_it_is_kept_for_a_minute_after_the_fetch(scene: Scene, door: Door) -> None:
    ann = gone(scene, door)
    ann.connect()
    ann.ask(fetches(ann), Fetched)
    scene.pass_time(limits.TICKET_FETCHED - 1)
    ann.connect()
    ann.ask(fetches(ann), Fetched)
    scene.pass_time(1)
    ann.connect()
    assert ann.refused(fetches(ann)) == "unknown_ticket"


def test_it_ends_ten_minutes_after_it_was_parked(scene: Scene, door: Door) -> None:
    ann = gone(scene, door)
    scene.pass_time(limits.TICKET, beats=True)
    ann.connect()
    assert ann.refused(fetches(ann)) == "unknown_ticket"


def test_it_ends_when_the_key_leaves_the_list(scene: Scene, door: Door) -> None:
    for op in (Op.REMOVE, Op.ABSENT):
        ann = gone(scene, door)
        scene.remove(ann, op)
        holder = Person(scene)
        assert holder.refused(fetches(holder)) == "unknown_ticket"
        door = scene.put_door()


def test_it_ends_when_the_member_asks_to_leave(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.ask(parks(ann), Done)
    wish = scene.room.leave(ann.key)
    ann.ask(LeaveRoom(ann.next_n(), wish.body, wish.signature), Done)
    holder = Person(scene)
    assert holder.refused(fetches(holder)) == "unknown_ticket"


def test_it_is_parked_by_members_alone(scene: Scene, door: Door) -> None:
    newcomer = scene.newcomer(door)
    assert newcomer.refused(parks(newcomer)) == "not_allowed"
    stranger = Person(scene)
    assert stranger.refused(parks(stranger)) == "not_authenticated"
    ann, ben = scene.member(door), scene.member(door)
    ann.ask(parks(ann), Done)
    assert ben.refused(parks(ben)) == "bad_statement"
    assert ann.refused(fetches(ann)) == "not_allowed"


def test_who_is_on_the_list_no_more_parks_nothing(scene: Scene, door: Door) -> None:
    """Its connection is about to be closed."""
    ann = scene.member(door)
    room = scene.relay.relay.rooms.loaded[scene.room.id]
    seats = {key: seat for key, seat in room.history.roster.seats.items() if key != ann.public}
    shorter = replace(room.history.roster, seats=MappingProxyType(seats))
    room.history = replace(room.history, roster=shorter)
    assert ann.refused(parks(ann)) == "not_member"


def test_a_room_that_is_not_there_has_no_tickets(scene: Scene) -> None:
    stranger = Person(scene)
    frame = Fetch(stranger.next_n(), os.urandom(32), SLOT, TOKEN)
    assert stranger.refused(frame) == "unknown_room"


def test_a_connection_has_one_fetch_that_waits(scene: Scene, door: Door) -> None:
    """So the connections bound what waits, and no crowd takes the places of others."""
    ann, holder = a_waiting_fetch(scene, door)
    assert holder.refused(fetches(holder)) == "busy"
    crowd = [Person(scene) for _ in range(1100)]
    for one in crowd:
        one.send(fetches(one))
    last = Person(scene)
    last.send(fetches(last))
    assert [frame for one in (*crowd, last) for frame in one.fetch()] == []
    ann.link.close()
    scene.relay.tick()
    assert {one.one(Fetched).blob for one in (holder, *crowd, last)} == {b"sealed"}
    last.ask(fetches(last), Fetched)


class OneOfTwo(MemoryStore):
    """A store as two nodes have it, of which one is played by the test: what the other is told."""

    shared = True

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.passed: list[tuple[bytes, bytes, bytes]] = []

    def pass_on(self, room: bytes, sender: bytes, message: bytes) -> None:
        self.passed.append((room, sender, message))

    def fetch(self) -> list[tuple[bytes, bytes, bytes]]:
        """What it is told since."""
        told, self.passed = self.passed, []
        return told


def on_two_nodes() -> tuple[Scene, OneOfTwo, Person]:
    """With a member that parked, and whose connection is closed."""
    scene = Scene(store=(store := OneOfTwo()))
    scene.open()
    return scene, store, gone(scene, scene.put_door())


@pytest.mark.interpreted  # its store inherits from the store in memory
def test_another_node_is_asked_and_says_who_is_alive() -> None:
    scene, store, ann = on_two_nodes()
    holder, other = Person(scene), Person(scene)
    holder.send(fetches(holder))
    assert store.fetch() == [(scene.room.id, ann.public, ASKED)]
    assert holder.fetch() == []
    scene.relay.relay.rooms.on_passed(scene.room.id, other.public, ALIVE)
    assert holder.fetch() == []
    scene.relay.relay.rooms.on_passed(scene.room.id, ann.public, ALIVE)
    assert holder.one(RequestRefused).code == "ticket_in_use"
    holder.send(fetches(holder))
    scene.clock.advance(limits.PING)
    scene.relay.tick()
    assert holder.one(Fetched).blob == b"sealed"


@pytest.mark.interpreted  # its store inherits from the store in memory
def test_a_node_that_is_asked_says_for_three_seconds_whether_a_client_is_alive() -> None:
    scene, store, ann = on_two_nodes()
    alive = [(scene.room.id, ann.public, ALIVE)]

    def asked() -> list[tuple[bytes, bytes, bytes]]:
        scene.relay.relay.rooms.on_passed(scene.room.id, ann.public, ASKED)
        return store.fetch()

    assert asked() == []  # whose client is not here
    scene.clock.advance(limits.PING)
    scene.relay.tick()
    ann.come_back()
    scene.relay.tick()
    assert store.fetch() == []
    assert asked() == alive
    ann.link.close()
    assert asked() == []
    ann.come_back()  # while the other node waits
    scene.relay.tick()
    assert store.fetch() == alive
    ann.link.dead = True
    assert asked() == []
    scene.clock.advance(limits.PING)
    scene.relay.tick()
    ann.link.dead = False
    scene.relay.tick()
    assert store.fetch() == []


@pytest.mark.interpreted  # as above
def test_a_room_is_watched_while_a_fetch_waits_for_other_nodes() -> None:
    """Nobody of it is at this node, and each message that others say there has what this node knows
    of the room forgotten. What says that the client is alive comes over the same channel."""
    scene, store, ann = on_two_nodes()
    room, rooms = scene.room.id, scene.relay.relay.rooms
    scene.host.link.close()
    holder = Person(scene)
    holder.send(fetches(holder))
    for _ in range(2):
        rooms.on_ring(room)
        scene.relay.tick()
        assert room in store._watched
    rooms.on_passed(room, ann.public, ALIVE)
    assert holder.one(RequestRefused).code == "ticket_in_use"
    rooms.on_ring(room)
    scene.relay.tick()
    assert room not in store._watched
