"""Taking a message back while it is on its way: the wish is kept, and done."""

from collections.abc import Callable

import pytest
from alcove import events
from alcove.errors import NotNow
from alcove.events import CloseReason
from alcove_protocol import frames

from tests.end_to_end.facilitating import do, hold
from tests.end_to_end.test_outside import inside, outside
from tests.end_to_end.world import Client, World, kind_of, room_of_three


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


def removed(world: World, ann: Client, bob: Client) -> None:
    do(world, ann, "remove", "Bob")


def ended(world: World, ann: Client, bob: Client) -> None:
    do(world, ann, "end")


def left(world: World, ann: Client, bob: Client) -> None:
    bob.engine.commands.leave(lambda: None, CloseReason.LEFT, "", "")


def not_retracted(client: Client) -> list[str]:
    return [one.text for one in client.of(events.Problem) if one.code == "not_retracted"]


@pytest.mark.parametrize("goes", [False, True], ids=["in the room", "outside"])
@pytest.mark.parametrize("over", [removed, ended, left])
def test_what_waits_when_it_is_over_is_said_to_stay(
    over: Callable[[World, Client, Client], None], goes: bool
) -> None:
    """Bob was paused when he took two messages back."""
    world, ann, bob, _ = room_of_three()
    ids = [bob.say(text) for text in ("something I regret", "this too")]
    world.advance(2)
    do(world, ann, "pause", "Bob")
    for id in ids:
        bob.engine.commands.retract(id)
    world.advance(2)
    if goes:
        outside(world, bob)
    assert not_retracted(bob) == []
    over(world, ann, bob)
    world.advance(60)
    assert bob.engine.closed is not None
    (said,) = not_retracted(bob)
    assert said.startswith("What you took back was not taken back")
    assert ("before the room ended" in said) is (over is ended)
    assert bob.of(events.Retracted) == []
    told = [e for e in bob.told if isinstance(e, events.Closed | events.Problem)]
    assert isinstance(told[-1], events.Closed)  # which is the last


@pytest.mark.parametrize("goes", [False, True], ids=["in the room", "outside"])
def test_what_expired_before_that_is_told_as_that(goes: bool) -> None:
    world, ann, bob, _ = room_of_three()
    id = bob.say("something I regret")
    world.advance(2)
    do(world, ann, "pause", "Bob")
    bob.engine.commands.retract(id)
    world.advance(2)
    if goes:
        outside(world, bob)
    world.advance(3700, step=10)
    assert [event.id for event in bob.of(events.Expired)] == [id]
    ended(world, ann, bob)
    world.advance(60)
    assert bob.engine.closed is not None
    assert not_retracted(bob) == []


def test_what_the_relay_has_not_confirmed_is_said_so() -> None:
    world, ann, bob, _ = room_of_three()
    id = bob.say("something I regret")
    world.advance(2)
    held = hold(bob, frames.Publish)
    bob.engine.commands.retract(id)
    world.settle()
    assert held
    removed(world, ann, bob)
    world.advance(5)
    assert bob.engine.closed is not None
    (said,) = not_retracted(bob)
    assert said.startswith("It is not confirmed")


def test_what_goes_out_after_a_step_outside_is_told_as_done_alone() -> None:
    world, ann, bob, _ = room_of_three()
    id = bob.say("something I regret")
    world.advance(2)
    do(world, ann, "pause", "Bob")
    bob.engine.commands.retract(id)
    world.advance(2)
    outside(world, bob)
    inside(world, bob)
    do(world, ann, "unpause", "Bob")
    world.advance(5)
    ended(world, ann, bob)
    world.advance(5)
    assert [event.id for event in bob.of(events.Retracted)] == [id]
    assert not_retracted(bob) == []


def test_what_the_relay_does_not_take_is_told() -> None:
    world, _, bob, _ = room_of_three()
    id = bob.say("something I regret")
    world.advance(2)
    member = bob.engine.require_member()
    held = hold(bob, frames.Publish)
    bob.engine.commands.retract(id)
    world.settle()
    assert held
    head = member.conversation.outbox.head
    assert head is not None
    member.conversation.give_up(head, "too_large", "")  # as where the relay refuses it
    bob.collect()
    (said,) = not_retracted(bob)
    assert said.startswith("Your message was not taken back")
    assert bob.of(events.Failed) == []  # the text stands where it was


def test_from_outside_none_is_asked_for() -> None:
    world, _, bob, _ = room_of_three()
    id = bob.say("something I regret")
    world.advance(2)
    outside(world, bob)
    with pytest.raises(NotNow) as refused:
        bob.engine.commands.retract(id)
    assert refused.value.code == "not_in_room"
