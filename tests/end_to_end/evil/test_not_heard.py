"""Row 29: which heartbeats cover what a client sent, and what it does without one."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.errors import NotNow
from alcove.events import RoomState
from alcove.messages.payload import Heartbeat, Payload, Void
from alcove.messages.presence import SETTLING
from alcove_protocol.frames import BlobClass, BlobIs, Publish
from alcove_protocol.position import Position

from tests.end_to_end.evil.old_epoch import (
    WITHIN,
    keep_keys,
    read,
    shown_a_second_log,
    silent_thief,
    states,
    wait_for,
)
from tests.end_to_end.evil.relay import EvilWorld, Trick
from tests.end_to_end.evil.rogue import (
    flipped,
    rogue_message,
    room_of,
    state_of,
)
from tests.end_to_end.evil.rooms import forget, problems, state, three, two_facilitators
from tests.end_to_end.world import Client

# --- beats that cover -----------------------------------------------------------------------------


def keep_beats(world: EvilWorld, client: Client) -> Trick[BlobIs]:
    return world.keep_back(client, BlobIs, lambda blob: blob.blob_class == BlobClass.BEAT)


def test_a_covering_beat_clears_not_heard_and_what_waits_goes() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    stopped = keep_beats(world, cleo)
    cleo.say("is anybody there?")
    world.settle()
    took = wait_for(world, cleo, RoomState.NOT_HEARD, WITHIN + 10)
    assert took <= WITHIN + 1
    waits = cleo.say("this waits")
    world.settle()
    assert bob.texts() == ["is anybody there?"]
    assert [event.id for event in cleo.of(events.Queued)] == [waits]
    world.release(stopped)
    world.settle()
    assert state(cleo) is RoomState.OPEN
    assert bob.texts() == ["is anybody there?", "this waits"]
    assert ann.texts() == ["is anybody there?", "this waits"]


def test_a_beat_of_the_same_epoch_that_stops_before_the_message_covers_nothing() -> None:
    world, ann, _bob, cleo = three()
    world.advance(1)
    stopped = world.keep_back(ann, BlobIs, lambda b: b.blob_class == BlobClass.APPLICATION)
    cleo.say("one")
    world.settle()
    assert len(stopped.hits) == 1
    beats = len([b for b in world.seen(BlobIs, cleo) if b.blob_class == BlobClass.BEAT])
    wait_for(world, cleo, RoomState.NOT_HEARD, WITHIN + 10)
    after = len([b for b in world.seen(BlobIs, cleo) if b.blob_class == BlobClass.BEAT])
    assert after >= beats + 2  # the control: she heard beats all the time


def test_the_beat_of_a_participant_covers_nothing() -> None:
    """The removed person makes beats in the old epoch, with the right hash."""
    world, ann, bob, cleo = three()
    group = keep_keys(world, bob)
    assert ann.remove("Bob") == []
    world.drop(cleo, BlobIs)
    thief = silent_thief(world, cleo, "published")
    cleo.say("secret")
    world.settle()
    shown = cleo.engine.require_member().stream
    assert thief.hits
    assert shown.log.current is not None
    at, value = shown.log.current
    body = Heartbeat(
        group.epoch, group.epoch_authenticator, bytes(32), leaving=False, started=False
    )
    agreement = state_of(cleo).agreement
    payload = Payload(
        world.random(16),
        0,
        group.sent,
        agreement,
        at.encode(),
        value,
        90,
        "heartbeat",
        body.encode(),
    )
    beat = group.encrypt(payload.encode())
    number = shown.cursor.number + 1
    world.forge(cleo, BlobIs(Position(at.generation, number).encode(), BlobClass.BEAT, 0, beat))
    wait_for(world, cleo, RoomState.NOT_HEARD, WITHIN + 10)


def test_a_gap_after_a_message_is_answered_by_a_void_and_the_room_stays_open() -> None:
    """Its number is behind the anchor, so no beat can cover it: the client sends one that can."""
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    cleo.say("one")
    world.settle()
    lost = world.drop(cleo, BlobIs, most=1)
    bob.say("unseen by Cleo")
    world.settle()
    assert len(lost.hits) == 1
    world.advance(240)
    assert cleo.of(events.Gap) == [events.Gap(None)]
    for client in (ann, bob, cleo):
        assert states(client) == []
        assert not problems(client)
    assert not ann.of(events.Gap)
    cleo.say("two")
    world.settle()
    assert ann.texts() == ["one", "unseen by Cleo", "two"]
    assert not cleo.engine.require_member().presence.coverage.overdue


def test_counters_stay_in_order_when_a_void_goes_before_what_waits() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    cleo.say("one")
    world.settle()
    world.drop(cleo, BlobIs, most=1)
    bob.say("unseen")
    world.settle()
    stopped = keep_beats(world, cleo)
    wait_for(world, cleo, RoomState.NOT_HEARD, WITHIN + 20)
    for text in ("two", "three"):
        cleo.say(text)
    world.settle()
    assert ann.texts() == ["one", "unseen"]
    stopped.stop()
    world.advance(120)
    assert ann.texts() == ["one", "unseen", "two", "three"]
    assert ann.of(events.Gap) == bob.of(events.Gap) == []


def test_a_facilitator_who_lost_its_place_begins_the_log_anew() -> None:
    """Else its beats would name no hash for ever: nobody could compare, and every outbox stops."""
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    lost = world.drop(ann, BlobIs, most=1)
    bob.say("unseen by Ann")
    world.settle()
    cleo.say("seen by Ann")
    world.settle()
    assert len(lost.hits) == 1
    world.advance(240)
    for client in (ann, bob, cleo):
        assert client.engine.require_member().stream.log.anchored
        assert states(client) == []
    dora = world.join(ann, "Dora")
    dora.say("I am here")
    world.advance(200)
    for client in (ann, bob, cleo, dora):
        assert state(client) is RoomState.OPEN
    other = replace(world.last_blob(cleo, BlobClass.APPLICATION))
    world.alter(
        cleo,
        BlobIs,
        lambda blob: replace(blob, blob=flipped(other.blob)),
        lambda blob: blob.blob_class == BlobClass.APPLICATION,
        most=1,
    )
    bob.say("two versions")
    world.settle()
    world.advance(35)
    assert state(cleo) is RoomState.SPLIT


# --- facilitators ---------------------------------------------------------------------------------


def test_a_facilitator_kept_in_the_old_epoch_stops_too_and_may_go_on_alone() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.advance(31)
    forget(ann, bob, cleo)
    group = keep_keys(world, cleo)
    assert ann.remove("Cleo") == []
    world.drop(bob, BlobIs)
    thief = silent_thief(world, bob, "published")
    world.settle()
    bob.say("first")
    wait_for(world, bob, RoomState.NOT_HEARD, WITHIN + 40)
    bob.say("second")
    world.advance(60)
    texts = [h.blob for h in thief.hits if h.blob_class == BlobClass.APPLICATION]
    assert read(group, texts) == ["first"]
    bob.engine.commands.send_anyway()
    world.settle()
    bob.say("third")
    world.advance(300, step=5)
    assert state(bob) is RoomState.OPEN


def test_a_lone_facilitator_needs_no_beat() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    for _ in range(30):
        ann.say("I am here")
        world.advance(10)
    assert states(ann) == []


def test_a_facilitator_who_said_goodbye_is_not_waited_for() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.advance(31)
    bob.engine.commands.leave(lambda: None)
    world.settle()
    forget(ann, cleo)
    for _ in range(15):
        ann.say("I go on")
        cleo.say("so do I")
        world.advance(20)
    assert states(ann) == states(cleo) == []


def test_a_newcomer_waits_for_the_beats_of_others_when_the_first_that_they_heard_says_goodbye() -> (
    None
):
    """They were told that no facilitator is connected, while another one's beat was on its way."""
    world, ann, bob, _cleo = two_facilitators()
    world.advance(31)
    knocking = world.knock(ann.invite(), "Dora")
    ann.cut()
    result = bob.admit(bob.of(events.Knocked)[-1])
    world.advance(2, stay_away=(ann,))
    assert result == [None]
    bob.engine.commands.leave(lambda: None)
    world.advance(3, stay_away=(ann,))
    assert states(knocking) == [RoomState.OPEN]
    world.advance(SETTLING, stay_away=(ann,))  # and she does not come
    assert states(knocking) == [RoomState.OPEN, RoomState.READ_ONLY]
    world.advance(40)
    assert states(knocking)[-1] is RoomState.OPEN


def test_a_facilitator_who_is_gone_without_a_word_is_waited_for_until_the_person_decides() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.advance(31)
    forget(ann, cleo)
    bob.cut()
    for _ in range(9):
        ann.say("where is Bob?")
        world.advance(20, stay_away=(bob,))
    assert states(ann) == [RoomState.NOT_HEARD]
    assert states(cleo) == []
    ann.engine.commands.send_anyway()
    for _ in range(15):
        ann.say("we go on")
        world.advance(20, stay_away=(bob,))
    assert states(ann) == [RoomState.NOT_HEARD, RoomState.OPEN]
    assert cleo.texts()[-1] == "we go on"


# --- the decision ---------------------------------------------------------------------------------


def test_split_stops_the_outbox_until_the_person_decides() -> None:
    world, cleo, past = shown_a_second_log()
    assert state(cleo) is RoomState.SPLIT
    sent = len(world.seen(Publish, cleo))
    cleo.say("not yet")
    past.go(5)
    assert len(world.seen(Publish, cleo)) == sent
    assert cleo.of(events.Queued)
    cleo.engine.commands.send_anyway()
    world.settle()
    assert state(cleo) is RoomState.OPEN
    assert len(world.seen(Publish, cleo)) == sent + 1
    past.go(35)
    assert state(cleo) is RoomState.SPLIT  # the next sign stops it again


def test_there_is_nothing_to_decide_in_an_open_room() -> None:
    _world, ann, bob, _cleo = three()
    for client in (ann, bob):
        with pytest.raises(NotNow, match="nothing to decide"):
            client.engine.commands.send_anyway()


def test_nothing_can_be_decided_while_no_facilitator_is_connected_and_texts_wait() -> None:
    world, ann, bob, _cleo = three()
    ann.cut()
    world.advance(100, stay_away=(ann,))
    assert state(bob) is RoomState.READ_ONLY
    with pytest.raises(NotNow, match="What you write waits"):
        bob.engine.commands.send_anyway()


def test_a_decision_in_not_heard_holds_for_90_seconds() -> None:
    world, _ann, _bob, cleo = three()
    keep_beats(world, cleo)
    cleo.say("one")
    wait_for(world, cleo, RoomState.NOT_HEARD, WITHIN + 10)
    cleo.engine.commands.send_anyway()
    cleo.say("two")
    world.settle()
    assert state(cleo) is RoomState.OPEN
    wait_for(world, cleo, RoomState.NOT_HEARD, WITHIN + 10)


# --- what one member says of the log (review: R8, R15) --------------------------------------------


def test_one_members_false_hash_is_no_split_and_names_its_author() -> None:
    world, ann, mal, cleo = three()
    dora = world.join(ann, "Dora")
    world.advance(31, step=31)
    forget(ann, mal, cleo, dora)
    at = (mal.engine.require_member().stream.log.current or (None, b""))[0]
    assert at is not None
    for counter in (1, 2, 3):
        blob = rogue_message(mal, Void(), kind="void", counter=counter, log=b"\7" * 32, at=at)
        world.take(room_of(mal), blob, BlobClass.APPLICATION, ttl=600)
    world.advance(200, step=5)
    for client in (ann, cleo, dora):
        assert states(client) == []
        assert [event.text for event in client.of(events.Problem)] == [
            "Bob says that they saw other messages than you did."
        ]


def test_two_members_who_differ_are_a_split_until_a_beat_agrees() -> None:
    world, ann, bob, cleo = three()
    dora = world.join(ann, "Dora")
    world.advance(31, step=31)
    forget(ann, bob, cleo, dora)
    for liar in (bob, cleo):
        at = (liar.engine.require_member().stream.log.current or (None, b""))[0]
        assert at is not None
        blob = rogue_message(liar, Void(), kind="void", counter=1, log=b"\7" * 32, at=at)
        world.take(room_of(liar), blob, BlobClass.APPLICATION, ttl=600)
    assert state(dora) is RoomState.SPLIT
    world.advance(31)
    assert state(dora) is RoomState.OPEN


def test_no_anchor_is_taken_across_a_missing_number() -> None:
    """An honest relay: a message that crossed a beat expired, and the beat did not."""
    world = EvilWorld()
    ann = world.open("Ann", ttl=10)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(31, step=31)
    forget(ann, bob, cleo)
    bob.cut()
    cleo.say("one")
    world.settle()
    ann.engine.require_member().beat()  # made now ...
    cleo.say("two")
    world._step(cleo)  # ... but this is numbered before it
    world.settle()
    world.advance(20, step=1, stay_away=(bob,))
    bob.back()
    world.advance(120, step=5)
    ann.say("hello")
    world.settle()
    for client in (ann, bob, cleo):
        assert states(client) == []


def test_a_stolen_text_is_sent_when_the_member_is_let_in_again() -> None:
    """The Welcome answers her own request, so the facilitator is there now."""
    world, ann, bob, cleo = three()
    stopped = keep_beats(world, cleo)
    cleo.say("one")
    wait_for(world, cleo, RoomState.NOT_HEARD, WITHIN + 10)
    cleo.engine.require_member()._hold()
    world.settle()
    assert state(cleo) is RoomState.OPEN
    stopped.stop()
    assert ann.texts() == bob.texts() == ["one"]
