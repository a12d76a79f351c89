"""What a client tells of a member's faults: at once, then at most once a minute, and all of it."""

from alcove import events
from alcove.messages.alarms import AGAIN, Alarms

from tests.end_to_end.world import Client, World


def alarms() -> tuple[World, Client, Alarms]:
    world = World()
    client = world.client("Ann")
    return world, client, Alarms(client.engine.ports)


def told(client: Client) -> list[events.Gap]:
    client.collect()
    return client.of(events.Gap)


def test_what_is_missed_within_a_minute_is_told_together() -> None:
    world, client, of_bob = alarms()
    for missed in (1, 2, 3):
        of_bob.missed(b"bob", "Bob", missed)
    assert told(client) == [events.Gap(1, "Bob")]
    world.clock.advance(AGAIN)
    of_bob.tick()
    assert told(client) == [events.Gap(1, "Bob"), events.Gap(5, "Bob")]


def test_what_was_missed_of_a_member_is_told_before_they_are_forgotten() -> None:
    world, client, of_bob = alarms()
    of_bob.missed(b"bob", "Bob", 1)
    of_bob.missed(b"bob", "Bob", 3)
    of_bob.forget(b"bob")
    assert told(client) == [events.Gap(1, "Bob"), events.Gap(3, "Bob")]
    of_bob.forget(b"bob")
    world.clock.advance(AGAIN)
    of_bob.tick()
    assert len(told(client)) == 2
