"""The ground rules change after somebody was let in, whose Welcome was lost."""

from alcove import events
from alcove_protocol.frames import WelcomeIs

from tests.end_to_end.agreeing import KIND, accept, changed, shown
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rooms import goes_on


def test_a_newcomer_is_asked_for_the_new_rules_in_the_room() -> None:
    """They were let in under the rules that they accepted, and the late Welcome is genuine."""
    world = EvilWorld()
    ann = world.open("Ann")
    cleo = world.join(ann, "Cleo")
    bob = world.knock(ann.invite(), "Bob")
    lost = world.drop(bob, WelcomeIs)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    lost.stop()
    changed(world, ann, KIND)
    accept(world, cleo)
    bob.cut()
    world.drop(bob, WelcomeIs, most=1)  # that of the first connection is not kept for ever
    world.advance(200)
    assert not bob.of(events.Closed)
    assert bob.members() == {"Ann", "Bob", "Cleo"}
    assert shown(bob)[-1][1:] == (KIND[0].text, True)
    accept(world, bob)
    world.advance(20)
    goes_on(world, ann, bob, cleo)
