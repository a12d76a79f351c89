"""A room that waits for several facilitators, and somebody who does not wait."""

from alcove.events import RoomState
from alcove.messages.payload import Text

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import publish, rogue_message
from tests.end_to_end.evil.rooms import state
from tests.end_to_end.facilitating import do


def test_a_participant_who_writes_before_starts_no_room() -> None:
    """All see the text, and wait on."""
    world = EvilWorld()
    ann = world.open_with(world.client("Ann"), start=2, stay=1)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(31)
    publish(world, bob, rogue_message(bob, Text("let us begin", None)))
    assert cleo.texts() == ann.texts() == ["let us begin"]
    cleo.say("is this the start?")
    world.advance(31)
    assert state(cleo) is RoomState.READ_ONLY
    assert ann.texts() == ["let us begin"]
    do(world, ann, "appoint", "Bob")
    world.advance(40)
    assert state(cleo) is RoomState.OPEN
    assert ann.texts()[-1] == "is this the start?"
