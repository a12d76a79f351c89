"""A room from its opening to its end, on a fake clock."""

from alcove import events
from tests.end_to_end.world import World


def test_open_join_talk() -> None:
    world = World()
    ann = world.open("Ann")
    assert ann.of(events.Opened), ann.told
    bob = world.join(ann, "Bob")
    cleo = world.join(ann, "Cleo")
    assert ann.members() == bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    ann.say("hello")
    bob.say("hi")
    world.settle()
    assert bob.texts() == ["hello"]
    assert ann.texts() == ["hi"]
    assert sorted(cleo.texts()) == ["hello", "hi"]
