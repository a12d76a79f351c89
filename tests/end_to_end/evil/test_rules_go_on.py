"""What facilitators set for a member goes on when that member goes and comes back."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.errors import AlcoveError
from alcove.events import RoomState
from alcove.messages.slow import OwnTurn
from alcove_protocol import frames

from tests.end_to_end.facilitating import do, hold
from tests.end_to_end.test_absent import ABSENT, a_room, lose
from tests.end_to_end.test_hard_minute import paused
from tests.end_to_end.test_outside import inside, outside
from tests.end_to_end.world import Client, World, room_of_three


def without_keys(world: World, ann: Client, bob: Client, seconds: float) -> events.Knocked:
    """Bob's keys are gone, and he knocks under his name once he is silent for so long."""
    bob.cut()
    world.clients.remove(bob)
    world.advance(seconds, step=5)
    world.knock(ann.invite(), "Bob")
    world.advance(25)
    knock = ann.of(events.Knocked)[-1]
    assert (knock.name, knock.again) == ("Bob", "Bob")
    return knock


def test_a_step_outside_begins_no_new_turn_of_slow_mode() -> None:
    """Others speak meanwhile, which is when the relay looks whose turns it keeps."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "slow", 600)
    bob.say("one")
    world.advance(63)
    outside(world, bob)
    cleo.say("hello")
    world.advance(1)
    inside(world, bob)
    with pytest.raises(AlcoveError) as refused:
        bob.say("two")
    assert refused.value.code == "slow"
    changed = bob.engine.require_member().conversation.slow
    changed.go_on(OwnTurn())  # a client that takes no notice
    bob.say("two")
    world.advance(60)
    assert ann.texts() == ["one", "hello"]


def test_who_comes_back_writes_when_the_turn_of_before_is_over() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "slow", 600)
    bob.say("one")
    world.advance(63)
    outside(world, bob)
    inside(world, bob)
    world.advance(600)
    bob.say("two")
    world.advance(3)
    assert ann.texts() == ["one", "two"]
    assert bob.engine.require_member().presence.state is RoomState.OPEN


@pytest.mark.parametrize("gone", ["silent", "let go"])
def test_a_fold_goes_on_under_new_keys(gone: str) -> None:
    world, ann, bob, cleo = a_room()
    do(world, ann, "fold_member", "Bob", True)
    knock = without_keys(world, ann, bob, 60 if gone == "silent" else 620)
    ann.admit(knock)
    world.advance(3)
    again = world.clients[-1]
    again.say("more of it")
    world.advance(2)
    for client in (ann, cleo):
        assert [text.folded for text in client.of(events.Message)] == [True]


def test_a_pause_that_was_set_after_the_knock_goes_on_under_new_keys() -> None:
    world, ann, bob, cleo = a_room()
    knock = without_keys(world, ann, bob, 60)
    do(world, ann, "pause", "Bob")
    ann.admit(knock)
    world.advance(3)
    assert paused(ann) == paused(cleo) == ["Bob"]


def test_a_pause_that_ended_after_the_knock_does_not_begin_again_under_new_keys() -> None:
    world, ann, bob, cleo = a_room()
    do(world, ann, "pause", "Bob")
    knock = without_keys(world, ann, bob, 60)
    do(world, ann, "unpause", "Bob")
    ann.admit(knock)
    world.advance(3)
    assert "Bob" in cleo.members()
    assert paused(ann) == paused(cleo) == []


@pytest.mark.parametrize("before", [True, False])
def test_a_pause_goes_on_when_its_member_is_let_go_after_the_knock(before: bool) -> None:
    world, ann, bob, cleo = a_room()
    if before:
        do(world, ann, "pause", "Bob")
    knock = without_keys(world, ann, bob, ABSENT - 60)
    if not before:
        do(world, ann, "pause", "Bob")
    world.advance(60, step=5)
    assert ann.of(events.Absent)
    ann.admit(knock)
    world.advance(3)
    assert "Bob" in cleo.members()
    assert paused(ann) == paused(cleo) == ["Bob"]


def test_a_name_like_that_of_one_who_may_come_back_is_taken() -> None:
    """Under it a newcomer would keep that member out."""
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    other = world.knock(ann.invite(), "B0b")
    world.advance(2, stay_away=(bob,))
    assert [event.code for event in other.of(events.Closed)] == ["name_taken"]
    world.advance(30)
    assert ann.members() == bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}


def test_a_pause_goes_on_by_another_door_too() -> None:
    """The relay never had the door of the step outside, so Bob knocks by the invite of before."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "pause", "Bob")
    hold(ann, frames.PutDoor)
    outside(world, bob, 100)
    ann.admit(ann.of(events.Knocked)[-1])
    world.advance(5)
    assert "Bob" in cleo.members()
    assert paused(ann) == paused(bob) == paused(cleo) == ["Bob"]


def test_a_member_that_knocks_with_its_own_keys_keeps_nobody_else_out() -> None:
    """No group takes one signature key twice: the commit of all is refused, and each goes alone."""
    world, ann, bob, _cleo = room_of_three()
    twin = world.client("Robert")
    twin.engine.identity = replace(twin.engine.identity, signature=bob.engine.identity.signature)
    world.knock_with(twin, ann.invite())
    dora = world.knock(ann.invite(), "Dora")
    waiting = [one.id for one in ann.of(events.Knocked) if one.name in ("Robert", "Dora")]
    result: list[Exception | None] = []
    ann.engine.commands.admit_all(waiting, result.append)
    world.advance(10)
    assert len(result) == 1
    assert dora.of(events.Joined)
    assert ann.members() == {"Ann", "Bob", "Cleo", "Dora"}
