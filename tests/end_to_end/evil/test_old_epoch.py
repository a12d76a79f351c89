"""Row 29: a member who is kept in an old epoch for a person who was removed stops sending, and is
told why, within 90 s."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.events import RoomState
from alcove.messages.payload import Void
from alcove_protocol.frames import BlobClass, BlobIs, Frame, Publish
from alcove_protocol.position import Position

from tests.end_to_end.evil.old_epoch import (
    SECOND,
    WITHIN,
    Past,
    keep_keys,
    read,
    shown_a_second_log,
    silent_thief,
    states,
    wait_for,
)
from tests.end_to_end.evil.relay import EvilWorld, Trick
from tests.end_to_end.evil.rogue import (
    rogue_beat,
    rogue_message,
    room_of,
)
from tests.end_to_end.evil.rooms import forget, problems, state, three, two_facilitators


@pytest.mark.parametrize("generation", [SECOND, None], ids=["second log", "same log"])
@pytest.mark.parametrize("most", [300, 60, 0], ids=["slow", "little slow", "at once"])
@pytest.mark.parametrize("holes", [False, True], ids=["whole", "holes"])
@pytest.mark.parametrize("new_number", [True, False], ids=["new number", "old number"])
def test_a_removed_person_and_the_relay_read_on_for_90_seconds_at_most(
    generation: bytes | None, most: int, holes: bool, new_number: bool
) -> None:
    """The attack of the review: a slow log, as if it were another, and messages that go to the
    removed person alone."""
    world, ann, bob, cleo = three()
    world.advance(65, step=5)
    past = Past(world, cleo, generation=generation)
    past.begin()
    past.go(40)
    past.slow_down(most=most)
    past.go(700)
    group = keep_keys(world, bob)
    assert ann.remove("Bob") == []
    world.settle()
    past.steal(new_number=new_number)
    forget(cleo)
    for number in range(14):
        past.go(20)
        if holes:
            past.hole()
        cleo.say(f"{number * 20}")
        world.settle()
    heard = read(group, past.stolen)
    if generation is None and most == 60:
        assert heard  # the control: this relay is slow enough for her to speak in the old epoch
    first = int(heard[0]) if heard else 0
    assert all(int(text) - first <= WITHIN for text in heard)
    assert state(cleo) in (RoomState.SPLIT, RoomState.NOT_HEARD)
    assert cleo.of(events.Queued)


def test_a_beat_that_names_another_generation_is_a_split() -> None:
    _world, cleo, _past = shown_a_second_log()
    assert state(cleo) is RoomState.SPLIT


def test_a_message_that_was_made_before_the_relay_lost_its_memory_is_no_split() -> None:
    """It goes again with the same bytes, so it names the old generation."""
    world, ann, bob, cleo = three()
    lost = world.drop(bob, Publish, most=1)
    message = bob.say("before and after")
    world.settle()
    assert len(lost.hits) == 1
    world.kill_relay()
    world.start_relay()
    world.advance(40)
    assert [event.id for event in bob.of(events.Sent)] == [message]
    assert ann.texts() == cleo.texts() == ["before and after"]
    world.advance(120)
    for client in (ann, bob, cleo):
        assert states(client) == [RoomState.OPEN]


def test_a_beat_that_names_a_position_not_before_its_own_is_a_split() -> None:
    world, ann, _bob, cleo = three()
    beat = rogue_beat(ann)
    at = cleo.engine.require_member().stream.cursor
    world.forge(cleo, BlobIs(replace(at, number=at.number + 1).encode(), 3, 0, beat))
    assert state(cleo) is RoomState.OPEN
    ahead = rogue_beat(ann, Position(at.generation, at.number + 9))
    world.forge(cleo, BlobIs(replace(at, number=at.number + 2).encode(), 3, 0, ahead))
    assert state(cleo) is RoomState.SPLIT


# --- what the relay answers to what it takes ------------------------------------------------------


@pytest.mark.parametrize(
    "answer", ["published", "published before", "refused", "stale", "busy", "nothing"]
)
def test_whatever_the_relay_answers_nothing_is_sent_after_90_seconds(answer: str) -> None:
    world, ann, bob, cleo = three()
    group = keep_keys(world, bob)
    assert ann.remove("Bob") == []
    world.drop(cleo, BlobIs)
    thief = silent_thief(world, cleo, answer)
    forget(cleo)
    world.settle()
    for number in range(30):
        cleo.say(str(number * 10))
        world.advance(10, step=5)
    heard = read(group, list(dict.fromkeys(hit.blob for hit in thief.hits)))
    assert heard[0] == "0"
    assert int(heard[-1]) <= WITHIN
    assert state(cleo) in (RoomState.NOT_HEARD, RoomState.SPLIT)


def test_a_relay_that_cuts_the_line_again_and_again_wins_no_time() -> None:
    world, ann, bob, cleo = three()
    keep_keys(world, bob)
    assert ann.remove("Bob") == []
    world.drop(cleo, BlobIs)
    thief = silent_thief(world, cleo, "published")
    times = []
    begun = world.clock()
    for number in range(40):
        before = len(thief.hits)
        cleo.say(str(number))
        world.advance(8, step=4)
        if len(thief.hits) > before:
            times.append(world.clock() - begun)
        cleo.cut()
        world.advance(1)
    assert times[-1] <= WITHIN + 10
    assert cleo.of(events.Queued)


# --- more attempts --------------------------------------------------------------------------------


def test_heartbeats_that_begin_the_log_anew_cover_nothing_that_was_stolen() -> None:
    """The relay makes the facilitator lose its place again and again before the removal, and hands
    these heartbeats to the victim afterwards, one for each message that it steals."""
    world, ann, bob, cleo = three()
    world.advance(65, step=5)
    stash: list[BlobIs] = []

    def take_away(beat: BlobIs) -> list[Frame]:
        stash.append(beat)
        return []

    keep = world._play(Trick(cleo, BlobIs, lambda b: b.blob_class == BlobClass.BEAT, take_away))
    for _ in range(12):
        lost = world.drop(ann, BlobIs, most=1)
        bob.say("unseen by Ann")
        world.settle()
        bob.say("seen by Ann")
        world.advance(35)
        assert lost.hits
    group = keep_keys(world, bob)
    assert ann.remove("Bob") == []
    keep.stop()
    world.drop(cleo, BlobIs)
    thief = silent_thief(world, cleo, "published")
    forget(cleo)
    cleo.engine.commands.send_anyway()  # she had not heard the heartbeats that were stashed
    begun = world.clock()
    for _ in range(20):
        cleo.say(f"{world.clock() - begun:.0f}")
        world.settle()
        at = cleo.engine.require_member().stream.cursor
        if stash:
            beat = stash.pop(0)
            position = replace(at, number=at.number + 1).encode()
            world.forge(cleo, replace(beat, position=position))
        world.advance(10)
    heard = read(group, [h.blob for h in thief.hits])
    assert heard
    assert all(float(text) <= WITHIN for text in heard)
    assert state(cleo) in (RoomState.NOT_HEARD, RoomState.SPLIT)


def test_a_facilitator_and_a_participant_kept_in_one_old_epoch() -> None:
    """The residue: the facilitator's heartbeats cover the participant. The facilitator is told."""
    world, ann, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    world.advance(31)
    keep_keys(world, dora)
    assert ann.remove("Dora") == []
    for victim in (bob, cleo):
        world.drop(victim, BlobIs)
        silent_thief(world, victim, "published")
    world.settle()
    bob.say("is Ann there?")
    wait_for(world, bob, RoomState.NOT_HEARD, WITHIN + 40)


def test_voids_are_few_when_no_heartbeat_ever_covers_one() -> None:
    world, _ann, _bob, cleo = three()
    world.drop(cleo, BlobIs)
    thief = silent_thief(world, cleo, "published before")
    cleo.say("one")
    world.advance(900, step=5)
    assert len({hit.id for hit in thief.hits}) <= 1 + 900 / 30


def test_two_members_alone_stop_a_lone_facilitator_until_the_person_decides() -> None:
    """The residue: no other heartbeat can tell the facilitator that they lie. Both are named."""
    world, ann, bob, cleo = three()
    forget(ann)
    for liar in (bob, cleo):
        at = (liar.engine.require_member().stream.log.current or (None, b""))[0]
        assert at is not None
        blob = rogue_message(liar, Void(), kind="void", counter=1, log=b"\7" * 32, at=at)
        world.take(room_of(liar), blob, BlobClass.APPLICATION, ttl=600)
    assert state(ann) is RoomState.SPLIT
    assert [event.text.split()[0] for event in ann.of(events.Problem)] == ["Bob", "Cleo"]
    ann.engine.commands.send_anyway()
    ann.say("I go on")
    world.settle()
    assert state(ann) is RoomState.OPEN
    assert bob.texts()[-1] == "I go on"
    world.advance(70)
    assert {state(client) for client in (ann, bob, cleo)} == {RoomState.OPEN}


def test_a_message_made_before_a_gap_goes_again_under_its_own_counter() -> None:
    """In flight, then cut off for long, then a gap: it is sent once, and no counter is missed."""
    world = EvilWorld()
    ann = world.open("Ann", ttl=10)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(31, step=31)
    forget(ann, bob, cleo)
    world.drop(bob, Publish, most=1)
    bob.say("in flight")
    world.settle()
    bob.cut()
    cleo.say("gone when Bob is back")
    world.advance(200, step=5, stay_away=(bob,))
    bob.back()
    world.advance(120)
    bob.say("after")
    world.advance(60)
    for client in (ann, cleo):
        assert [text for text in client.texts() if "gone" not in text] == ["in flight", "after"]
        assert client.of(events.Gap) == []
        assert not problems(client)
    assert state(bob) is RoomState.OPEN
