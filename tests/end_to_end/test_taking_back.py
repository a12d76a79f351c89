"""Taking a message back while it is on its way: the wish is kept, and done."""

from alcove import events

from tests.end_to_end.world import Client, World, kind_of


def lose(client: Client, data: bytes) -> list[bytes]:
    return []


def as_it_is(client: Client, data: bytes) -> list[bytes]:
    return [data]


def room() -> tuple[World, Client, Client]:
    world = World()
    ann = world.open("Ann")
    return world, ann, world.join(ann, "Bob")


def test_a_message_that_was_lost_on_its_way_is_taken_back() -> None:
    world, ann, bob = room()
    bob.to_relay = lose
    id = bob.say("something I regret")
    world.settle()
    bob.cut()
    bob.engine.commands.retract(id)
    bob.to_relay = as_it_is
    bob.back()
    world.settle()
    world.advance(3)
    assert [event.id for event in ann.of(events.Retracted)] == [id]
    assert [event.id for event in bob.of(events.Retracted)] == [id]


def test_a_message_whose_answer_was_lost_is_taken_back_once() -> None:
    world, ann, bob = room()

    def keep_the_answer(client: Client, data: bytes) -> list[bytes]:
        return [] if kind_of(data) == "published" else [data]

    bob.to_client = keep_the_answer
    id = bob.say("something I regret")
    world.settle()
    assert ann.texts() == ["something I regret"]
    for _ in range(2):
        bob.engine.commands.retract(id)
    bob.to_client = as_it_is
    bob.cut()
    world.advance(3)
    assert [event.id for event in ann.of(events.Retracted)] == [id]
    assert [event.id for event in bob.of(events.Retracted)] == [id]
    bob.say("this I mean")
    world.settle()
    assert ann.texts() == ["something I regret", "this I mean"]


def test_what_was_never_given_away_is_never_sent() -> None:
    world, ann, bob = room()
    bob.cut()
    id = bob.say("typed while offline")
    bob.engine.commands.retract(id)
    bob.back()
    world.settle()
    assert ann.texts() == []
    assert [event.id for event in bob.of(events.Retracted)] == [id]
