"""Row 30: one member alarms the others a bounded number of times, and is named."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.events import RoomState
from alcove.messages.payload import Heartbeat, Void
from alcove_protocol.frames import BlobClass, BlobIs
from alcove_protocol.position import Position

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    demote,
    flipped,
    group_of,
    relay_key,
    rogue_beat,
    rogue_message,
    rogue_text,
    room_of,
    roster_of,
)
from tests.end_to_end.evil.rooms import (
    forget,
    goes_on,
    named,
    problems,
    state,
    three,
    two_facilitators,
    with_dora,
)
from tests.end_to_end.world import Client


def end_of_log(client: Client) -> Position:
    current = client.engine.require_member().stream.log.current
    assert current is not None
    return current[0]


def false_hash(world: EvilWorld, mal: Client, counter: int) -> None:
    at = end_of_log(mal)
    blob = rogue_message(mal, Void(), kind="void", counter=counter, log=b"\7" * 32, at=at)
    world.take(room_of(mal), blob, BlobClass.APPLICATION)


@pytest.mark.parametrize("of_a_member", [True, False])
def test_a_beat_that_nobody_sent_is_told_with_what_the_relay_says_of_it(of_a_member: bool) -> None:
    """No signature names an author. Of an honest relay it is the facilitator who published it."""
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    publisher = relay_key(bob) if of_a_member else bytes(32)
    for _ in range(5):
        garbage = world.random(300)
        world.take(room_of(ann), garbage, BlobClass.BEAT, ttl=90, publisher=publisher)
        world.advance(5)
    (told,) = [e for e in cleo.of(events.Problem) if e.code == "beat_unreadable"]
    assert told.sender is None
    assert ("The relay says that it is Bob's" in told.text) is of_a_member
    assert state(cleo) is RoomState.SPLIT
    world.advance(65)  # the facilitators agree about the log with the garbage in it
    assert state(cleo) is RoomState.OPEN
    goes_on(world, ann, bob, cleo)


def test_a_participant_with_a_false_log_hash_is_named_and_stops_nobody() -> None:
    world, ann, mal, cleo, dora = with_dora(three())
    for counter in range(1, 11):
        false_hash(world, mal, counter)
        world.advance(6)
    world.advance(600, step=5)
    for client in (ann, cleo, dora):
        assert named(client, "conversation_differs") == ["Bob"]
        assert "Bob" in client.of(events.Problem)[0].text
        assert not client.of(events.RoomChanged)
    cleo.say("we go on")
    world.settle()
    assert ann.texts()[-1] == "we go on"


def test_a_jump_of_a_counter_is_no_number_of_missed_messages() -> None:
    world, ann, mal, cleo, _dora = with_dora(three())
    world.take(room_of(mal), rogue_text(mal, "one"), BlobClass.APPLICATION)
    jump = rogue_text(mal, "hi", counter=5_000_000)
    world.take(room_of(mal), jump, BlobClass.APPLICATION)
    for client in (ann, cleo):
        assert client.of(events.Gap) == [events.Gap(None, "Bob")]
        assert client.texts() == ["one", "hi"]
        assert state(client) is RoomState.OPEN


def test_a_first_message_with_a_high_counter_is_no_gap_of_millions() -> None:
    """Of a member who came later, so that the first counter is known to be 1."""
    world, ann, _mal, _cleo, dora = with_dora(three())
    world.take(room_of(ann), rogue_text(dora, "hi", counter=5_000_000), BlobClass.APPLICATION)
    assert ann.of(events.Gap) == [events.Gap(None, "Dora")]


def test_gaps_of_one_member_are_told_once_a_minute_and_added_up() -> None:
    world, ann, mal, cleo, _dora = with_dora(three())
    for counter in range(1, 40, 3):
        world.take(room_of(mal), rogue_text(mal, "x", counter=counter), BlobClass.APPLICATION)
    assert ann.of(events.Gap) == [events.Gap(2, "Bob")]
    world.advance(61)
    assert (
        ann.of(events.Gap) == cleo.of(events.Gap) == [events.Gap(2, "Bob"), events.Gap(22, "Bob")]
    )
    world.advance(300, step=5)
    assert len(ann.of(events.Gap)) == 2


def test_what_cannot_be_read_names_its_author_and_is_told_once_a_minute() -> None:
    world, ann, mal, cleo, _dora = with_dora(three())
    for _ in range(10):
        blob = group_of(mal).encrypt(b"no payload")
        world.take(room_of(mal), blob, BlobClass.APPLICATION)
    for client in (ann, cleo):
        assert named(client, "unreadable") == ["Bob"]
        assert "Bob" in client.of(events.Problem)[0].text
    world.advance(61)
    world.take(room_of(mal), group_of(mal).encrypt(b"no payload"), BlobClass.APPLICATION)
    assert named(ann, "unreadable") == ["Bob", "Bob"]


def test_what_no_signature_vouches_for_names_nobody() -> None:
    """Any member can encrypt under another's keys, so the sender that MLS shows proves nothing."""
    world, ann, mal, _cleo, _dora = with_dora(three())
    blob = bytearray(rogue_text(mal, "hello"))
    blob[-1] ^= 1
    world.take(room_of(ann), bytes(blob), BlobClass.APPLICATION)
    assert named(ann, "unreadable") == [None]


def test_a_facilitators_unreadable_beat_is_theirs_and_no_split() -> None:
    world, ann, _mal, cleo, dora = with_dora(three())
    world.take(room_of(ann), group_of(ann).encrypt(b"no payload"), BlobClass.BEAT)
    for client in (cleo, dora):
        assert named(client, "unreadable") == ["Ann"]
        assert state(client) is RoomState.OPEN


# --- SPLIT, and out of it -------------------------------------------------------------------------


def false_beat(world: EvilWorld, by: Client, *to: Client) -> None:
    """A facilitator's heartbeat that names a position which the log does not have yet."""
    at = end_of_log(by)
    beat = rogue_beat(by, Position(at.generation, at.number + 99))
    world.take(room_of(by), beat, BlobClass.BEAT)
    for client in to:
        assert state(client) is RoomState.SPLIT


def test_a_facilitators_beat_is_a_split_names_them_and_their_next_right_beat_clears_it() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.advance(62, step=31)
    forget(ann, bob, cleo)
    false_beat(world, bob, ann, cleo)
    for client in (ann, cleo):
        assert named(client, "conversation_differs") == ["Bob"]
    world.advance(70, step=5)
    assert state(ann) is state(cleo) is RoomState.OPEN
    cleo.say("we go on")
    world.settle()
    assert ann.texts() == ["we go on"]


def test_a_beat_does_not_clear_what_it_says_itself() -> None:
    """Its log hash is right, and its epoch authenticator is not."""
    world, ann, _bob, cleo = three()
    at, value = ann.engine.require_member().stream.log.current or (Position(bytes(8), 0), b"")
    epoch, head = group_of(ann).epoch, roster_of(ann).head
    body = Heartbeat(epoch, bytes(32), head, leaving=False, started=False)
    beat = rogue_message(ann, body, kind="heartbeat", counter=0, ttl=90, log=value, at=at)
    world.take(room_of(ann), beat, BlobClass.BEAT)
    assert state(cleo) is RoomState.SPLIT
    world.advance(70, step=5)
    assert state(cleo) is RoomState.OPEN


def test_another_facilitators_beat_does_not_clear_it() -> None:
    """The two may be in halves between which the relay stands."""
    world, ann, bob, cleo = two_facilitators()
    world.advance(62, step=31)
    false_beat(world, bob, cleo)
    bob.cut()
    world.advance(80, step=5, stay_away=(bob,))
    assert cleo.engine.require_member().presence.heard_within(
        ann.engine.identity.signature.public, 40
    )
    assert state(cleo) is RoomState.SPLIT


def test_a_demoted_facilitators_beat_splits_nobody_any_more() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.advance(62, step=31)
    false_beat(world, bob, cleo)
    demote(world, ann, bob)
    world.advance(1)
    assert state(cleo) is RoomState.OPEN


def test_a_split_that_a_gap_made_forgotten_is_the_persons_to_end() -> None:
    """A relay that has shown two versions makes a gap: the comparison begins anew, and the split
    stays. It could heal every lie of its own otherwise."""
    world, ann, bob, cleo = three()
    world.alter(
        cleo,
        BlobIs,
        lambda blob: replace(blob, blob=flipped(blob.blob)),
        lambda blob: blob.blob_class == BlobClass.APPLICATION,
        most=1,
    )
    bob.say("altered for Cleo")
    world.settle()
    world.advance(35, step=5)
    assert state(cleo) is RoomState.SPLIT
    world.drop(cleo, BlobIs, most=1)
    bob.say("lost to Cleo")
    world.settle()
    world.advance(200, step=5)
    assert state(cleo) is RoomState.SPLIT
    log = cleo.engine.require_member().stream.log.current
    assert log is not None
    assert ann.engine.require_member().stream.log.agrees(*log)  # she compares again
    cleo.engine.commands.send_anyway()
    assert state(cleo) is RoomState.OPEN


def unreadable_beat(world: EvilWorld, by: Client) -> None:
    """As a beat of another branch of the group: nobody of this epoch can have sent it."""
    blob = bytearray(rogue_text(by, "beat"))
    blob[-1] ^= 1
    world.take(room_of(by), bytes(blob), BlobClass.BEAT)


def test_a_beat_of_nobody_is_cleared_when_every_facilitator_has_agreed_after_it() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.advance(62, step=31)
    bob.cut()
    unreadable_beat(world, ann)
    world.advance(62, step=31, stay_away=(bob,))
    assert state(cleo) is RoomState.SPLIT  # Ann's beats agree; Bob may be in another branch
    bob.back()
    world.advance(70, step=5)
    assert state(cleo) is RoomState.OPEN
    assert problems(cleo) == ["beat_unreadable"]


def test_two_members_who_lie_again_and_again_stop_the_others_once() -> None:
    """A heartbeat contradicts both. They kept all texts back for 29 of 30 seconds."""
    world, ann, mal, bob, cleo = with_dora(three())
    for counter in range(1, 31):
        for liar in (mal, bob):
            at = end_of_log(ann)
            blob = rogue_message(liar, Void(), kind="void", counter=counter, log=b"\7" * 32, at=at)
            world.take(room_of(liar), blob, BlobClass.APPLICATION)
        if counter == 1:
            assert state(cleo) is RoomState.SPLIT
        world.advance(5)
        assert counter < 7 or state(cleo) is RoomState.OPEN
    assert set(named(cleo, "conversation_differs")) == {"Bob", "Cleo"}
    cleo.say("we go on")
    world.settle()
    assert ann.texts()[-1] == "we go on"


def test_a_member_who_was_contradicted_is_believed_anew_after_a_gap() -> None:
    """The comparison begins anew then, and the room is as divided as its members say."""
    world, _ann, mal, bob, cleo = with_dora(three())
    for liar in (mal, bob):
        false_hash(world, liar, 1)
    assert state(cleo) is RoomState.SPLIT
    world.advance(31)
    assert state(cleo) is RoomState.OPEN
    cleo.engine.require_member().stream.log.drop_anchor()
    world.advance(31)
    for liar in (mal, bob):
        at = end_of_log(cleo)
        blob = rogue_message(liar, Void(), kind="void", counter=2, log=b"\7" * 32, at=at)
        world.take(room_of(liar), blob, BlobClass.APPLICATION)
    assert state(cleo) is RoomState.SPLIT
