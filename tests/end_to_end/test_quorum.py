"""How many facilitators a room needs."""

from alcove import events
from alcove.events import RoomState

from tests.end_to_end.facilitating import do
from tests.end_to_end.world import Client, World, room_of_three


def quorum_room(start: int, stay: int) -> tuple[World, Client, Client, Client]:
    world = World()
    ann = world.open_with(world.client("Ann"), start=start, stay=stay)
    return world, ann, world.join(ann, "Bob"), world.join(ann, "Cleo")


def room_states(client: Client) -> list[tuple[RoomState, int]]:
    return [(event.state, event.missing) for event in client.of(events.RoomChanged)]


def test_a_room_begins_with_as_many_facilitators_as_it_needs() -> None:
    world, ann, bob, cleo = quorum_room(2, 1)
    world.advance(31)
    cleo.say("too early")
    ann.say("a facilitator may")
    world.advance(5)
    assert room_states(cleo)[-1] == (RoomState.READ_ONLY, 1)
    assert ann.texts() == []
    assert cleo.texts() == ["a facilitator may"]
    do(world, ann, "appoint", "Bob")
    world.advance(40)
    assert ann.texts() == ["too early"]
    assert room_states(cleo)[-1] == (RoomState.OPEN, 0)
    bob.cut()
    world.advance(150, stay_away=(bob,))
    cleo.say("one is enough to go on")
    world.advance(5, stay_away=(bob,))
    assert ann.texts()[-1] == "one is enough to go on"
    dora = world.join(ann, "Dora")  # she saw one facilitator only, and hears that it has begun
    cleo.say("hello")
    world.advance(31, stay_away=(bob,))
    dora.say("hello too")
    world.advance(5, stay_away=(bob,))
    assert ann.texts()[-1] == "hello too"


def test_a_room_that_needs_two_to_go_on_waits_and_opens_by_itself() -> None:
    world, ann, bob, cleo = quorum_room(2, 2)
    do(world, ann, "appoint", "Bob")
    world.advance(40)
    assert room_states(cleo)[-1] == (RoomState.OPEN, 0)
    bob.cut()
    world.advance(95, stay_away=(bob,))
    assert room_states(cleo)[-1] == (RoomState.READ_ONLY, 1)
    cleo.say("later")
    world.advance(5, stay_away=(bob,))
    assert ann.texts() == []
    world.advance(40)
    assert room_states(cleo)[-1] == (RoomState.OPEN, 0)
    assert "later" in ann.texts()
    assert "later" in bob.texts()


def test_a_former_facilitator_does_not_make_the_last_ones_goodbye_unheard() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    do(world, bob, "demote", "Ann")
    bob.engine.commands.leave(lambda: None)
    world.settle()
    for client in (ann, cleo):
        assert room_states(client)[-1] == (RoomState.READ_ONLY, 0)
