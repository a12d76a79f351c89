"""A relay that keeps facilitators apart, or hands over heartbeats of one who is gone."""

import pytest
from alcove import events
from alcove.events import RoomState
from alcove_protocol.frames import BlobClass, BlobIs, Publish, RequestRefused

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import relay_key, room_of
from tests.end_to_end.evil.rooms import (
    forget,
    gaps,
    goes_on,
    named,
    problems,
    state,
    two_facilitators,
)
from tests.end_to_end.facilitating import do
from tests.end_to_end.world import Client

SILENT = "facilitator_silent"


def kept_beats(world: EvilWorld, bob: Client) -> list[bytes]:
    """The relay refuses many heartbeats of Bob, and keeps them. Then it takes one."""
    kept: list[bytes] = []

    def refuse(publish: Publish) -> RequestRefused:
        kept.append(publish.blob)
        return RequestRefused(publish.n, "busy", "")

    def a_beat(publish: Publish) -> bool:
        return publish.blob_class == BlobClass.BEAT

    refused = world.answer(bob, Publish, refuse, a_beat, most=20)
    world.advance(60)
    refused.stop()
    world.advance(31)
    return kept


def test_heartbeats_that_the_relay_kept_do_not_make_a_facilitator_be_there() -> None:
    """The room needs two. Bob's device dies, and the relay hands over what it kept of his: twenty
    minutes long the others talked as if he was there."""
    world = EvilWorld()
    ann = world.open_with(world.client("Ann"), start=2, stay=2)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    do(world, ann, "appoint", "Bob")
    world.advance(905, step=5)  # the members' first Updates are over: the epoch stays
    forget(ann, bob, cleo)
    kept = kept_beats(world, bob)
    assert len(kept) == 20
    bob.cut()
    for blob in kept[:4]:
        world.take(room_of(ann), blob, BlobClass.BEAT, ttl=90, publisher=relay_key(bob))
        cleo.say("is he there?")
        world.advance(80, stay_away=(bob,))
    assert cleo.of(events.RoomChanged) == [events.RoomChanged(RoomState.READ_ONLY, 1)]
    assert len(ann.texts()) == 2
    assert named(cleo, SILENT) == named(ann, SILENT) == ["Bob"]
    bob.back()
    world.advance(40)
    assert state(cleo) is RoomState.OPEN
    assert named(cleo, "facilitator_heard") == ["Bob"]
    assert named(ann, "facilitator_heard") == []  # she sees his presence


@pytest.mark.interpreted  # copies a relay in the middle of its life
def test_who_is_kept_apart_from_a_facilitator_is_told_whom_they_do_not_hear() -> None:
    """Bob removes Dora. The relay keeps the others where they were, with Ann, who facilitates too
    and says nothing: nobody was told anything, and Dora read on."""
    world, ann, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    world.advance(61)
    forget(ann, bob, cleo, dora)
    world.split(bob)
    assert bob.remove("Dora") == []
    world.advance(50)
    cleo.say("she reads this")
    world.advance(80)
    assert dora.texts() == ["she reads this"]
    assert named(ann, SILENT) == named(cleo, SILENT) == ["Bob"]
    assert named(bob, SILENT) == ["Ann"]
    world.advance(300)
    assert named(cleo, SILENT) == ["Bob"], "once"


def test_a_client_that_was_away_itself_calls_nobody_silent() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.advance(61)
    forget(ann, bob, cleo)
    cleo.cut()
    world.advance(600, step=5, stay_away=(cleo,))
    cleo.back()
    world.advance(120)
    assert SILENT not in problems(cleo)


def test_a_facilitator_who_says_goodbye_or_is_one_no_more_is_not_called_silent() -> None:
    world, ann, bob, cleo = two_facilitators()
    do(world, ann, "appoint", "Cleo")
    world.advance(61)
    forget(ann, bob, cleo)
    do(world, ann, "demote", "Cleo")
    bob.engine.commands.leave(lambda: None)
    world.advance(200)
    assert SILENT not in [*problems(ann), *problems(cleo)]


def test_a_facilitator_who_comes_back_and_falls_silent_again_is_told_of_again() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.advance(61)
    forget(ann, bob, cleo)
    for _ in range(2):
        bob.cut()
        world.advance(130, stay_away=(bob,))
        bob.back()
        world.advance(40)
    assert named(cleo, SILENT) == ["Bob", "Bob"]


def kept_from_cleo(world: EvilWorld, bob: Client, cleo: Client) -> None:
    """The relay keeps Bob's words from Cleo."""
    world.advance(31, step=31)
    kept = world.drop(cleo, BlobIs, lambda blob: blob.blob_class == BlobClass.APPLICATION)
    bob.say("I cannot go on")
    world.settle()
    kept.stop()
    assert len(kept.hits) == 1
    forget(cleo)


def test_words_that_were_kept_back_before_a_silence_are_told_as_missed() -> None:
    """No heartbeat shows the hole any more. The answer of the relay to the client's question does:
    whether it hears anybody who holds the room."""
    world = EvilWorld()
    ann = world.open("Ann", ttl=60)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    kept_from_cleo(world, bob, cleo)
    ann.cut()
    world.advance(300, stay_away=(ann,))
    assert state(cleo) is RoomState.READ_ONLY
    assert cleo.texts() == []
    assert gaps(cleo) == [None]  # once, however often it asks
    ann.back()
    world.advance(40)
    assert gaps(cleo) == [None]
    goes_on(world, ann, bob, cleo)


def test_words_that_were_kept_back_before_a_silence_come_when_they_have_not_expired() -> None:
    world = EvilWorld()
    ann = world.open("Ann")
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    kept_from_cleo(world, bob, cleo)
    ann.cut()
    world.advance(120, stay_away=(ann,))
    assert cleo.texts() == ["I cannot go on"]


def words_expired(world: EvilWorld) -> tuple[Client, Client, Client]:
    """Cleo comes back when Bob's words have expired and no facilitator is there."""
    ann = world.open("Ann", ttl=60)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(31, step=31)
    forget(cleo)
    cleo.cut()
    bob.say("I cannot go on")
    world.settle()
    ann.cut()
    world.advance(200, stay_away=(ann, cleo))
    cleo.back()
    world.advance(1, stay_away=(ann,))
    assert gaps(cleo) == [None]
    return ann, bob, cleo


def test_one_loss_is_told_once_however_often_the_relay_says_it() -> None:
    world = EvilWorld()
    ann, bob, cleo = words_expired(world)
    world.advance(200, stay_away=(ann,))  # it asks whether anybody holds the room
    assert gaps(cleo) == [None]
    cleo.cut()
    world.advance(10, stay_away=(ann,))
    assert gaps(cleo) == [None]
    ann.back()
    world.advance(60)
    assert gaps(cleo) == [None]
    goes_on(world, ann, bob, cleo)


def test_a_second_loss_is_told_though_the_first_one_was() -> None:
    world = EvilWorld()
    ann, bob, cleo = words_expired(world)
    ann.back()
    world.advance(40)
    cleo.cut()
    bob.say("still here")
    world.settle()
    world.advance(100, stay_away=(ann, cleo))
    world.advance(5, stay_away=(ann,))
    assert gaps(cleo) == [None, None]
    goes_on(world, ann, bob, cleo)
