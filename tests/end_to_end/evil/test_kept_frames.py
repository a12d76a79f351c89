"""The relay keeps a member's signs of life, and hands over what the member says."""

import pytest
from alcove import events
from alcove_protocol.frames import BlobClass, Publish, SendDesk

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import relay_key, room_of
from tests.end_to_end.test_absent import ABSENT
from tests.end_to_end.test_whereabouts import whereabouts
from tests.end_to_end.world import Client

Room = tuple[EvilWorld, Client, Client, Client]


def a_room() -> Room:
    world = EvilWorld()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(150)
    return world, ann, bob, cleo


def talk(world: EvilWorld, bob: Client, seconds: int, every: int = 15) -> None:
    for number in range(seconds // every):
        bob.say(f"line {number}")
        world.advance(every, step=5)


def test_who_speaks_is_not_let_go_for_a_lost_connection() -> None:
    world, ann, bob, cleo = a_room()
    kept = world.drop(bob, SendDesk)
    talk(world, bob, ABSENT + 120, 60)
    assert kept.hits
    assert ann.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    assert not ann.of(events.Absent) + cleo.of(events.Absent)
    assert whereabouts(ann)["Bob"] == "here"
    assert not [one for one in ann.of(events.PresenceChanged) if one.presence == "away"]


def test_nobody_knocks_under_the_name_of_a_member_who_speaks() -> None:
    """Together with a holder of the link, the relay could have a person decide about that."""
    world, ann, bob, _ = a_room()
    world.drop(bob, SendDesk)
    talk(world, bob, 60, 5)
    twin = world.knock(ann.invite(), "Bob")
    talk(world, bob, 90, 5)
    assert twin.engine.closed is not None
    assert twin.engine.closed.code == "name_taken"
    assert not [one for one in ann.of(events.Knocked) if one.again]


@pytest.mark.parametrize("seconds", [100, 300])
def test_what_was_said_long_ago_is_no_sign_of_life(seconds: int) -> None:
    """It comes by a replay, with its age; and a relay that says that it is new gains nothing."""
    world, ann, bob, _ = a_room()
    ann.cut()
    for number in range(3):
        bob.say(f"line {number}")
        world.advance(1, stay_away=(ann,))
    bob.cut()
    world.advance(seconds, stay_away=(ann, bob))
    ann.back()
    world.advance(5, stay_away=(bob,))
    assert ann.texts()[-1] == "line 2"
    assert whereabouts(ann)["Bob"] != "here"


def test_what_names_an_old_place_is_no_sign_of_life() -> None:
    """The relay kept what Bob said, and numbers it when he is gone, as if it had just come."""
    world, ann, bob, _ = a_room()
    kept = world.drop(bob, Publish)
    bob.say("before the train went into the tunnel")
    world.settle()
    world.advance(5)
    bob.cut()
    world.advance(130, stay_away=(bob,))
    assert whereabouts(ann)["Bob"] == "away"
    (said,) = [frame.blob for frame in kept.hits[:1]]
    world.take(room_of(ann), said, BlobClass.APPLICATION, publisher=relay_key(bob))
    assert ann.texts()[-1] == "before the train went into the tunnel"
    assert whereabouts(ann)["Bob"] == "away"
