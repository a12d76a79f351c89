"""What a member parks for the holder of its ticket, at the relay. Every refusal, and every end."""

import os
from hashlib import sha256

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import ConnectionRole, Done, Fetch, Fetched, LeaveRoom, Park
from alcove_protocol.roster import Op
from alcove_server.rooms.fetches import ALIVE, ASKED

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
    ann = scene.member(door)
    ann.ask(parks(ann), Done)
    ann.link.dead = True
    holder = Person(scene)
    holder.send(fetches(holder))
    scene.clock.advance(limits.PING - 0.1)
    scene.relay.tick()
    assert holder.fetch() == []
    scene.clock.advance(0.1)
    scene.relay.tick()
    assert holder.one(Fetched).blob == b"sealed"


def test_a_late_sign_of_life_counts(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.ask(parks(ann), Done)
    ann.link.dead = True
    holder = Person(scene)
    frame = fetches(holder)
    holder.send(frame)
    scene.clock.advance(limits.PING - 1)
    ann.link.dead = False
    scene.relay.tick()
    (refused,) = holder.fetch()
    assert getattr(refused, "code", "") == "ticket_in_use"


def test_a_client_that_connects_anew_meanwhile_is_not_gone(scene: Scene, door: Door) -> None:
    """Its network changed: the old connection is silent, and the newer one takes its place."""
    ann = scene.member(door)
    ann.ask(parks(ann), Done)
    ann.link.dead = True
    holder = Person(scene)
    holder.send(fetches(holder))
    scene.clock.advance(1)
    ann.connect()
    ann.authenticate()
    scene.relay.tick()
    (refused,) = holder.fetch()
    assert getattr(refused, "code", "") == "ticket_in_use"


def test_who_is_removed_while_a_fetch_waits_is_handed_out_to_nobody(
    scene: Scene, door: Door
) -> None:
    ann = scene.member(door)
    ann.ask(parks(ann), Done)
    ann.link.dead = True
    holder = Person(scene)
    holder.send(fetches(holder))
    scene.remove(ann)
    scene.clock.advance(limits.PING)
    scene.relay.tick()
    (refused,) = holder.fetch()
    assert getattr(refused, "code", "") == "unknown_ticket"


def test_a_fetch_of_a_client_that_went_uses_nothing_up(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    ann.ask(parks(ann), Done)
    ann.link.dead = True
    holder = Person(scene)
    holder.send(fetches(holder))
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


def test_a_room_that_is_not_there_has_no_tickets(scene: Scene) -> None:
    stranger = Person(scene)
    frame = Fetch(stranger.next_n(), os.urandom(32), SLOT, TOKEN)
    assert stranger.refused(frame) == "unknown_room"


@pytest.mark.interpreted
def test_another_node_is_asked_and_says_who_is_alive(scene: Scene, door: Door) -> None:
    """Two nodes by hand: what one passes on, the other is told."""
    ann, passed = gone(scene, door), list[tuple[bytes, bytes, bytes]]()
    store, rooms = scene.relay.store, scene.relay.relay.rooms
    store.shared = True  # type: ignore[misc]  # as the store of several nodes says
    store.pass_on = lambda *told: passed.append(told)  # type: ignore[method-assign]
    room = scene.room.id
    holder = Person(scene)
    holder.send(fetches(holder))
    assert passed == [(room, ann.public, ASKED)]
    assert holder.fetch() == []
    rooms.on_passed(room, ann.public, ALIVE)
    (refused,) = holder.fetch()
    assert getattr(refused, "code", "") == "ticket_in_use"
    holder.send(fetches(holder))
    scene.clock.advance(limits.PING)
    scene.relay.tick()
    assert holder.one(Fetched).blob == b"sealed"
    passed.clear()
    rooms.on_passed(room, ann.public, ASKED)  # whose client is not here
    assert passed == []
    scene.clock.advance(limits.PING)
    scene.relay.tick()
    assert passed == []
    rooms.on_passed(room, ann.public, ASKED)
    ann.come_back()  # while the other node waits
    scene.relay.tick()
    assert passed == [(room, ann.public, ALIVE)]
    passed.clear()
    rooms.on_passed(room, ann.public, ASKED)
    assert passed == [(room, ann.public, ALIVE)]
    passed.clear()
    ann.link.dead = True
    rooms.on_passed(room, ann.public, ASKED)
    scene.clock.advance(limits.PING)
    scene.relay.tick()
    assert passed == []
