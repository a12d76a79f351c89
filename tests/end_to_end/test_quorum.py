"""How many facilitators a room needs."""

from alcove import events
from alcove.events import RoomState

from tests.end_to_end.facilitating import do
from tests.end_to_end.world import Client, World, room_of_three


def quorum_room(start: int, stay: int) -> tuple[World, Client, Client, Client]:
    world = World()
    ann = world.open_with(world.client("Ann"), start=start, stay=stay)
    return world, ann, world.join(ann, "Bob"), world.join(ann, "Cleo")


def _ticked(client: Client, frame: bytes) -> list[bytes]:
    """Its time goes on before each frame that comes."""
    client.engine.tick()
    return [frame]


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


def test_who_comes_into_a_room_that_has_begun_is_not_told_that_facilitators_are_lacking() -> None:
    """Both were there. Nobody had been heard by the newcomer yet, so each was told that two more
    have to come, and that nobody can post."""
    world, ann, _, cleo = quorum_room(2, 2)
    do(world, ann, "appoint", "Bob")
    world.advance(40)
    for name in ("Dora", "Eve"):
        newcomer = world.client(name)
        newcomer.to_client = _ticked
        world.knock_with(newcomer, ann.invite())
        ann.admit(ann.of(events.Knocked)[-1])
        world.advance(40)
        assert room_states(newcomer) == [(RoomState.OPEN, 0)]
    assert room_states(cleo)[-1] == (RoomState.OPEN, 0)


def test_a_newcomer_is_told_only_of_the_facilitators_that_the_room_does_not_have() -> None:
    world, ann, bob, cleo = quorum_room(2, 1)
    world.advance(40)
    for client in (ann, bob, cleo):
        assert room_states(client) == [(RoomState.READ_ONLY, 1)]


def test_a_lost_connection_tells_nothing_of_the_facilitators_that_a_room_needs() -> None:
    world, ann, _, cleo = quorum_room(2, 2)
    do(world, ann, "appoint", "Bob")
    world.advance(40)
    told = room_states(cleo)
    cleo.cut()
    world.advance(150, stay_away=(cleo,))
    cleo.say("I was away")
    assert room_states(cleo) == told
    world.advance(40)
    assert room_states(cleo) == told
    assert ann.texts() == ["I was away"]


def test_a_newcomer_is_not_told_of_what_a_room_needed_before_it_began() -> None:
    world, ann, bob, _ = quorum_room(2, 1)
    do(world, ann, "appoint", "Bob")
    world.advance(40)
    invite = ann.invite()
    do(world, bob, "demote", "Ann")
    dora = world.knock(invite, "Dora")
    bob.admit(bob.of(events.Knocked)[-1])
    world.advance(40)
    assert room_states(dora) == [(RoomState.OPEN, 0)]
