"""A device that slept, or a program that was stopped, wakes up in the room."""

from alcove import events
from alcove.events import ConnectionState, RoomState
from alcove.relay.connected_time import STOPPED
from alcove_protocol import frames

from tests.end_to_end.world import Client, World, room_of_three


def others_go_on(world: World, sleeper: Client, seconds: int, *, says: str = "") -> None:
    """The sleeper's clock goes on, and nothing else of it."""
    everybody, world.clients = world.clients, [c for c in world.clients if c is not sleeper]
    step = 1 if seconds <= 3600 else 5  # a night in seconds would be a minute of the processor
    for passed in range(0, seconds, 5):
        if says and passed == 20:
            world.clients[0].say(says)
        world.advance(5, step=step)
    world.clients = everybody


def without_beats(client: Client, data: bytes) -> list[bytes]:
    frame = frames.from_relay(data)
    beat = isinstance(frame, frames.BlobIs) and frame.blob_class == frames.BlobClass.BEAT
    return [] if beat else [data]


def test_nothing_is_said_of_the_facilitators_after_ones_own_sleep() -> None:
    for seconds in (120, 2400, 8 * 3600):
        world, _ann, bob, _cleo = room_of_three()
        bob.cut()
        told = len(bob.told)
        others_go_on(world, bob, seconds)
        bob.engine.tick()
        bob.collect()
        assert bob.told[told:] == []
        world.advance(40)
        assert bob.told[told:] == [events.ConnectionChanged(ConnectionState.RESUMED)]


def test_a_text_waits_until_a_facilitator_was_heard_after_the_sleep() -> None:
    world, _ann, bob, _cleo = room_of_three()
    bob.cut()
    others_go_on(world, bob, 2400)
    bob.to_client = without_beats
    bob.back()
    bob.engine.tick()
    world.settle()
    id = bob.say("is anybody there?")
    world.settle()
    assert events.Queued(id) in bob.told
    assert bob.of(events.RoomChanged)[-1].state is RoomState.OPEN
    world.advance(40)
    assert bob.of(events.RoomChanged)[-1].state is RoomState.NOT_HEARD


def test_a_program_that_was_stopped_shows_nothing_that_is_over() -> None:
    world = World(stopped_after=STOPPED)
    ann = world.open("Ann", ttl=30)
    bob = world.join(ann, "Bob")
    others_go_on(world, bob, 60, says="in confidence")
    world.settle()  # what lies in Bob's socket comes before the first tick
    assert bob.texts() == []
    assert bob.link is None
    world.advance(3)
    assert bob.texts() == []
    assert bob.engine.link.live


def test_a_message_that_lives_has_its_age_after_the_stop() -> None:
    world = World(stopped_after=STOPPED)
    ann = world.open("Ann", ttl=300)
    bob = world.join(ann, "Bob")
    others_go_on(world, bob, 60, says="still there")
    world.settle()
    world.advance(3)
    (message,) = bob.of(events.Message)
    assert message.ttl <= 265
