"""Newcomers that stand at a door and do not knock take no place from others for long."""

from __future__ import annotations

import asyncio
import os

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    Answer,
    Bye,
    CardIs,
    Done,
    Knock,
    ReadCard,
    RequestRefused,
    Withdraw,
)
from alcove_protocol.roster import Change, Op
from alcove_server.net.admission import Admission
from alcove_server.ports.outlet import Close
from alcove_server.rooms.doorstep import (
    AT_A_DOOR,
    IN_A_ROOM,
    OF_A_PREFIX,
    READING_SECONDS,
    UNDISTURBED,
)
from alcove_server.testing.embedded import embedded

from tests.server.keys import Door
from tests.server.scene import Person, Scene
from tests.server.test_turns import InTurns


class Street(Scene):
    """A room whose newcomers come from parts of the network that a test chooses."""

    def __init__(self, factor: float = 0.0, limit: int = 50) -> None:
        super().__init__()
        self.doorkeeper = Admission(
            self.clock,
            os.urandom,
            connections=5000,
            per_prefix=5000,
            shared=frozenset({"127.0.0.1"}),
            factor=factor,
        )
        self.open(limit)

    def stranger(self, address: str) -> Person:
        """A connection from there that has proved nothing."""
        person = Person(self)
        session = person.link.session
        assert session is not None
        session.client.place = self.doorkeeper.enter(address)
        return person

    def hog(self, door: Door, address: str) -> Person:
        """One that stands at the door, and has read the card."""
        person = self.stranger(address)
        person.authenticate("door", door)
        return person

    @property
    def standing(self) -> int:
        return len(self.relay.relay.rooms.doorstep)


@pytest.fixture
def street() -> Street:
    return Street()


def prefix(number: int) -> str:
    return f"198.{number // 250}.{number % 250}.1"


def test_a_crowd_behind_one_address_leaves_room_for_a_newcomer(street: Street) -> None:
    door = street.put_door()
    hogs = [street.hog(door, "127.0.0.1") for _ in range(AT_A_DOOR)]
    street.clock.advance(UNDISTURBED)
    newcomer = street.hog(door, prefix(1))
    assert newcomer.closed is None
    assert [hog.closed for hog in hogs] == [Close.TRY_AGAIN] + [None] * (AT_A_DOOR - 1)
    assert [one.code for one in hogs[0].fetch() if isinstance(one, Bye)] == ["busy"]
    newcomer.knock()


def test_one_prefix_shows_out_its_own_oldest(street: Street) -> None:
    door = street.put_door()
    reader = street.hog(door, prefix(1))
    hogs = [street.hog(door, prefix(2)) for _ in range(OF_A_PREFIX)]
    street.clock.advance(UNDISTURBED)
    for number in range(10):
        street.hog(door, prefix(2))
        assert hogs[number].closed == Close.TRY_AGAIN
    assert reader.closed is None
    assert street.standing == OF_A_PREFIX + 1


def test_all_doors_of_a_room_together_are_bounded(street: Street) -> None:
    doors = [street.put_door() for _ in range(4)]
    for number in range(IN_A_ROOM):
        street.hog(doors[number % 4], prefix(number % 100))
    street.clock.advance(UNDISTURBED)
    street.hog(street.put_door(), prefix(101))
    assert street.standing == IN_A_ROOM


def test_a_newcomer_has_some_seconds_before_it_gives_way(street: Street) -> None:
    door = street.put_door()
    hogs = [street.hog(door, prefix(3)) for _ in range(OF_A_PREFIX)]
    late = street.stranger(prefix(3))
    assert late.turned_away(late.auth_frame("door", door)) == "too_many_knocks"
    assert all(hog.closed is None for hog in hogs)


def test_a_newcomer_that_waits_gives_way_to_nobody_and_stands_again_afterwards(
    street: Street,
) -> None:
    door = street.put_door()
    patient = street.hog(door, prefix(4))
    patient.knock()
    assert street.standing == 0
    for _ in range(OF_A_PREFIX):
        street.hog(door, prefix(4))
    street.clock.advance(UNDISTURBED)
    street.hog(door, prefix(4))
    assert patient.closed is None
    patient.ask(Withdraw(patient.next_n()), Done)
    assert street.standing == OF_A_PREFIX + 1


def test_reading_the_card_has_a_deadline_and_waiting_has_none(street: Street) -> None:
    door = street.put_door()
    reader, patient = street.hog(door, prefix(5)), street.hog(door, prefix(6))
    street.pass_time(READING_SECONDS - 30, beats=True)
    patient.knock()
    assert reader.closed is None
    street.pass_time(30, beats=True)
    assert reader.closed == Close.REFUSED
    assert [one.code for one in reader.fetch() if isinstance(one, Bye)] == ["idle"]
    assert patient.closed is None
    assert street.standing == 0


def test_one_tick_closes_all_that_are_late(street: Street) -> None:
    door = street.put_door()
    for number in range(AT_A_DOOR):
        street.hog(door, prefix(number % 10))
    street.clock.advance(READING_SECONDS)
    asyncio.run(street.relay.relay.rooms.tick())
    assert street.standing == 0


def test_newcomers_that_give_way_or_are_late_are_counted(street: Street) -> None:
    door = street.put_door()
    for _ in range(OF_A_PREFIX):
        street.hog(door, prefix(5))
    street.clock.advance(UNDISTURBED)
    street.hog(door, prefix(5))
    tally = street.relay.relay.services.tally
    assert tally.take() == {"busy": 1}
    street.pass_time(READING_SECONDS, beats=True)
    assert tally.take() == {"idle": OF_A_PREFIX}
    for _ in range(limits.KNOCKS_PER_DOOR):
        street.hog(door, prefix(6)).knock()
    street.hog(door, prefix(7)).knock()
    assert tally.take() == {"busy": 1}


def test_the_end_of_an_invite_shows_out_those_at_its_door(street: Street) -> None:
    revoked, removed, other = street.put_door(), street.put_door(), street.put_door()
    member = street.member(removed)
    people = [street.hog(door, prefix(7)) for door in (revoked, removed, other)]
    revoked.uses = 0
    street.put_door(revoked)
    street.land(street.commit(Change(Op.REMOVE, member.public)))  # which revokes its door
    assert [one.closed for one in people] == [Close.REFUSED, Close.REFUSED, None]
    for one in people[:2]:
        assert [bye.code for bye in one.fetch() if isinstance(bye, Bye)] == ["door_revoked"]


def test_what_goes_leaves_nothing_behind(street: Street) -> None:
    door = street.put_door()
    gone, let_in = street.hog(door, prefix(8)), street.hog(door, prefix(8))
    gone.link.close()
    let_in.door = door
    let_in.knock()
    street.admit(let_in)
    doorstep = street.relay.relay.rooms.doorstep
    assert (len(doorstep), doorstep._rooms, doorstep._knocked) == (0, {}, {})


def test_at_a_crowded_door_the_largest_part_for_its_weight_gives_way(street: Street) -> None:
    door = street.put_door()
    behind = [street.hog(door, "127.0.0.1") for _ in range(AT_A_DOOR - 30)]
    alone = street.hog(door, prefix(1))
    crowd = [street.hog(door, prefix(2)) for _ in range(29)]
    street.clock.advance(UNDISTURBED)
    street.hog(door, prefix(3))
    assert [one.closed for one in (*behind, alone, *crowd[1:])] == [None] * (AT_A_DOOR - 1)
    assert crowd[0].closed == Close.TRY_AGAIN  # 29 of one part are more than 170 / 16


def test_newcomers_that_read_too_long_are_closed_in_parts(street: Street) -> None:
    door = street.put_door()
    for number in range(AT_A_DOOR):
        street.hog(door, prefix(number % 10))
    street.clock.advance(READING_SECONDS)
    assert street.relay.relay.rooms.doorstep.tick()
    assert AT_A_DOOR / 2 < street.standing < AT_A_DOOR


def test_a_newcomer_that_comes_back_to_its_knock_does_not_stand_at_the_door(
    street: Street,
) -> None:
    door = street.put_door()
    patient = street.hog(door, prefix(1))
    patient.knock()
    patient.link.close()
    patient.connect()
    assert patient.authenticate("door", door).waiting
    assert street.standing == 0


# --- those that knocked -----------------------------------------------------------------------


def crowd(street: Street, address: str, knocks: int) -> list[Person]:
    """So many that knocked from there, as many at each door as it takes."""
    people: list[Person] = []
    door = Door()
    for number in range(knocks):
        if number % limits.KNOCKS_PER_DOOR == 0:
            door = street.put_door()
        people.append(street.hog(door, address))
        people[-1].knock()
    return people


def test_knocks_of_one_prefix_do_not_close_the_doors_of_a_room(street: Street) -> None:
    hogs = crowd(street, prefix(1), limits.KNOCKS)
    more = street.hog(street.put_door(), prefix(1))
    assert more.refused(Knock(9, bytes(16), b"x")) == "too_many_knocks"
    for number in range(2, 5):
        street.hog(street.put_door(), prefix(number)).knock()
    newest = hogs[-1:-4:-1]
    assert [hog.closed for hog in newest] == [Close.TRY_AGAIN] * 3
    assert [one.code for one in newest[0].fetch() if isinstance(one, Bye)] == ["busy"]
    assert all(hog.closed is None for hog in hogs[:-3])


def test_knocks_of_one_prefix_do_not_close_a_door(street: Street) -> None:
    door = street.put_door()
    hogs = [street.hog(door, prefix(1)) for _ in range(limits.KNOCKS_PER_DOOR)]
    for hog in hogs:
        hog.knock()
    elsewhere = crowd(street, prefix(2), 3 * limits.KNOCKS_PER_DOOR)
    street.hog(door, prefix(3)).knock()
    assert [hog.closed for hog in hogs[-2:]] == [None, Close.TRY_AGAIN]
    assert all(one.closed is None for one in elsewhere)


def test_those_behind_a_shared_address_give_way_for_as_many_as_they_stand_for(
    street: Street,
) -> None:
    crowd(street, "127.0.0.1", limits.KNOCKS)
    door = street.put_door()
    for _ in range(5):
        street.hog(door, prefix(1)).knock()
    # (100 - 5) / 16 is less than 6.
    assert street.hog(door, prefix(1)).refused(Knock(9, bytes(16), b"x")) == "too_many_knocks"


def test_at_a_door_where_all_are_alike_no_knock_gives_way(street: Street) -> None:
    elsewhere = crowd(street, prefix(99), 3 * limits.KNOCKS_PER_DOOR)
    door = street.put_door()
    alike = [street.hog(door, prefix(number)) for number in range(limits.KNOCKS_PER_DOOR)]
    for one in alike:
        one.knock()
    assert street.hog(door, prefix(50)).refused(Knock(9, bytes(16), b"x")) == "too_many_knocks"
    assert all(one.closed is None for one in (*elsewhere, *alike))


def test_the_knock_that_gives_way_is_of_the_largest_part_for_its_weight(street: Street) -> None:
    behind = crowd(street, "127.0.0.1", 80)
    alone = crowd(street, prefix(1), 20)
    street.hog(street.put_door(), prefix(2)).knock()
    assert all(one.closed is None for one in (*behind, *alone[:-1]))
    assert alone[-1].closed == Close.TRY_AGAIN


def test_a_newcomer_behind_a_shared_address_counts_for_as_many_as_it_stands_for(
    street: Street,
) -> None:
    crowd(street, "127.0.0.1", 80)
    alone = crowd(street, prefix(1), 20)
    street.hog(street.put_door(), "127.0.0.1").knock()
    assert alone[-1].closed == Close.TRY_AGAIN


def network(number: int) -> str:
    """One of those that a provider has."""
    return f"2001:db8:{number:x}::1"


def test_knocks_from_many_networks_of_one_provider_do_not_close_a_door(street: Street) -> None:
    door = street.put_door()
    hogs = [street.hog(door, network(number)) for number in range(limits.KNOCKS_PER_DOOR)]
    for hog in hogs:
        hog.knock()
    street.hog(door, prefix(3)).knock()
    assert [hog.closed for hog in hogs[-2:]] == [None, Close.TRY_AGAIN]


def test_and_those_networks_take_no_place_from_others_either(street: Street) -> None:
    door = street.put_door()
    alike = [street.hog(door, prefix(number)) for number in range(limits.KNOCKS_PER_DOOR)]
    for one in alike:
        one.knock()
    late = street.hog(door, network(1))
    assert late.refused(Knock(9, bytes(16), b"x")) == "too_many_knocks"
    assert all(one.closed is None for one in alike)


def test_newcomers_from_many_networks_of_one_provider_are_shown_out_first(street: Street) -> None:
    door = street.put_door()
    here = street.hog(door, prefix(1))
    hogs = [street.hog(door, network(number)) for number in range(AT_A_DOOR - 1)]
    street.clock.advance(UNDISTURBED)
    street.hog(door, prefix(2))
    assert here.closed is None
    assert hogs[0].closed == Close.TRY_AGAIN


def test_knocks_have_the_rate_of_their_part_of_the_network(street: Street) -> None:
    street.doorkeeper = Admission(
        street.clock, os.urandom, connections=500, per_prefix=500, shared=frozenset()
    )
    door = street.put_door()
    newcomer = street.hog(door, prefix(1))
    for _ in range(20):
        newcomer.knock()
        newcomer.ask(Withdraw(newcomer.next_n()), Done)
    assert newcomer.refused(Knock(999, bytes(16), b"x")) == "rate_limited"
    street.hog(door, prefix(2)).knock()


def test_a_knock_that_was_answered_gives_way_no_more(street: Street) -> None:
    hogs = crowd(street, prefix(1), limits.KNOCKS)
    door = street.put_door()
    hogs[-1].ask(Withdraw(hogs[-1].next_n()), Done)
    street.hog(door, prefix(2)).knock()
    assert all(hog.closed is None for hog in hogs)
    street.hog(door, prefix(3)).knock()
    assert [hog.closed for hog in hogs[-2:]] == [Close.TRY_AGAIN, None]


class SlowStreet(Street):
    """A street whose relay does later what is for later, when the test ends the turn."""

    def open(self, members: int = limits.MEMBERS_DEFAULT) -> Person:
        self.turns = InTurns()
        self.relay = embedded(self.clock, os.urandom, wall=self.clock, runner=self.turns)
        return super().open(members)


@pytest.mark.parametrize("stays", [True, False])
def test_a_knock_taken_back_and_made_anew_in_one_turn_gives_way_as_others_do(stays: bool) -> None:
    street = SlowStreet()
    door = street.put_door()
    hogs = [street.hog(door, prefix(1)) for _ in range(limits.KNOCKS_PER_DOOR)]
    for hog in hogs:
        for frame in (
            Knock(hog.next_n(), bytes(16), b"knock"),
            Withdraw(hog.next_n()),
            Knock(hog.next_n(), bytes(16), b"knock"),
        ):
            hog.send(frame)
        if not stays:
            hog.link.close()
    while street.turns.turn():
        pass
    assert street.standing == 0
    street.hog(door, prefix(2)).knock()
    assert [hog.closed for hog in hogs[-2:]] == [None, Close.TRY_AGAIN if stays else None]


def test_nothing_is_held_of_a_room_without_clients(street: Street) -> None:
    newcomer = street.hog(street.put_door(), prefix(1))
    newcomer.knock()
    newcomer.link.close()
    street.host.link.close()
    assert street.relay.relay.rooms.waiting_knocks._rooms == {}


# --- many people behind one address -----------------------------------------------------------

CLINIC = 60


def test_sixty_people_of_one_address_come_in_by_one_link() -> None:
    """A clinic, whose people all have the address of its network, which no setting names. They come
    in one moment, and knock in one moment. The facilitator admits those who wait, and a client that
    was not taken asks again, as the SDK's does, after 15 to 30 seconds."""
    clinic = Street(factor=1.0, limit=100)
    door = clinic.put_door(Door(uses=100))
    people = [clinic.hog(door, "192.0.2.7") for _ in range(CLINIC)]
    assert [person.closed for person in people] == [None] * CLINIC
    for person in people:
        assert person.ask(ReadCard(person.next_n()), CardIs).card == door.card
    outside, inside, told = list(people), 0, set[str]()
    for _ in range(20):  # ten minutes
        waiting = []
        for person in outside:
            person.door = door
            n, id = person.next_n(), os.urandom(16)
            person.send(Knock(n, id, b"a sealed knock"))
            [answer] = [one for one in person.fetch() if isinstance(one, Answer)]
            if isinstance(answer, RequestRefused):
                told.add(answer.code)
            else:
                waiting.append(person)
        outside = [person for person in outside if person not in waiting]
        if waiting:
            clinic.admit(*waiting)
            inside += len(waiting)
        clinic.pass_time(30, beats=True)
    assert (inside, outside) == (CLINIC, [])
    assert told <= {"rate_limited", "too_many_knocks"}  # after which a client asks again
    assert told
