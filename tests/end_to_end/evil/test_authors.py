"""Row 4: whose message it is, and what another member can make of it."""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.messages.payload import Retract, Text
from alcove.mls.secret_tree import Ratchet, RatchetKind
from alcove_protocol.frames import BlobClass, BlobIs

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    commit_blob,
    encrypted_again,
    group_of,
    leaf_of,
    now,
    publish,
    rogue_beat,
    rogue_message,
    rogue_text,
    room_of,
)
from tests.end_to_end.evil.rooms import (
    forget,
    gaps,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client

pytestmark = pytest.mark.second("Bob")


def test_the_author_is_the_member_whom_mls_names_not_one_named_in_the_payload() -> None:
    """Bob uses the id of Cleo's message and writes her name. All read it as Bob's."""
    world, ann, bob, cleo = three()
    cleos = cleo.say("I am Cleo")
    world.settle()
    forget(ann, cleo)
    copied = rogue_text(bob, "Cleo: I said this", counter=1, id=bytes.fromhex(cleos))
    world.take(room_of(ann), copied, BlobClass.APPLICATION)
    assert ann.texts() == []  # its id is taken already
    fresh = rogue_text(bob, "Cleo: I said this", counter=2)
    world.take(room_of(ann), fresh, BlobClass.APPLICATION)
    assert [(e.sender, e.text) for e in ann.of(events.Message)] == [("Bob", "Cleo: I said this")]
    assert [(e.sender, e.text) for e in cleo.of(events.Message)] == [("Bob", "Cleo: I said this")]


def test_a_member_cannot_retract_anothers_message() -> None:
    world, ann, bob, cleo = three()
    cleos = bytes.fromhex(cleo.say("mine"))
    world.settle()
    blob = rogue_message(bob, Retract(cleos), kind="retract")
    world.take(room_of(ann), blob, BlobClass.APPLICATION)
    assert world.last_blob(ann, BlobClass.APPLICATION).blob == blob
    assert not ann.of(events.Retracted)
    own = rogue_message(cleo, Retract(cleos), kind="retract", counter=2)
    world.take(room_of(ann), own, BlobClass.APPLICATION)
    assert [e.id for e in ann.of(events.Retracted)] == [cleos.hex()]


def test_a_member_does_not_silence_another_by_their_own_words_under_their_next_key() -> None:
    """Bob encrypts again what Cleo said. Ann shows it once, and reads what Cleo says next."""
    world, ann, bob, cleo = three()
    blob = rogue_text(cleo, "first", counter=1)
    again = encrypted_again(bob, blob)
    forget(ann)
    for taken in (blob, again):
        world.take(room_of(ann), taken, BlobClass.APPLICATION)
    following = rogue_text(cleo, "second", counter=2)
    world.take(room_of(ann), following, BlobClass.APPLICATION)
    assert ann.texts() == ["first", "second"]
    assert problems(ann) == []
    assert gaps(ann) == []


@pytest.mark.parametrize("ahead", [0, 50])
def test_a_withheld_message_under_a_later_key_is_not_taken(ahead: int) -> None:
    """The relay shows Ann's message to Mal alone, who encrypts it again under a later key of hers.
    Nobody takes it, under that key or for another one. Then Ann's own bytes come."""
    world = EvilWorld()
    ann = world.open("Ann")
    mal, cleo = world.join(ann, "Mal"), world.join(ann, "Cleo")
    world.take(room_of(ann), rogue_text(ann, "one"), BlobClass.APPLICATION)
    forget(ann, cleo)
    withheld = rogue_text(ann, "two", counter=2)
    again = encrypted_again(mal, withheld, ahead=ahead + 1)
    for taken in (again, rogue_text(ann, "three", counter=3), withheld):
        world.take(room_of(ann), taken, BlobClass.APPLICATION)
    assert cleo.texts() == ["three"]  # the counter of "two" is over
    assert problems(cleo) == []
    assert gaps(cleo) == [1]
    world.take(room_of(ann), rogue_text(ann, "four", counter=4), BlobClass.APPLICATION)
    assert cleo.texts() == ["three", "four"]


def test_an_old_text_under_a_new_key_is_not_shown_to_a_member_who_was_away() -> None:
    """Cleo was away until Ann's text had expired. Mal encrypts it again for her."""
    world = EvilWorld()
    ann = world.open("Ann", ttl=10)
    mal, cleo = world.join(ann, "Mal"), world.join(ann, "Cleo")
    said = rogue_text(ann, "I will not come tomorrow")
    again = encrypted_again(mal, said)
    cleo.cut()
    world.take(room_of(ann), said, BlobClass.APPLICATION, ttl=10)
    world.advance(12, stay_away=(cleo,))
    cleo.back()
    world.settle()
    epoch = group_of(cleo).epoch
    world.take(room_of(ann), again, BlobClass.APPLICATION)
    assert cleo.texts() == []
    world.take(room_of(ann), rogue_text(ann, "two", counter=2), BlobClass.APPLICATION)
    assert group_of(cleo).epoch == epoch
    assert cleo.texts() == ["two"]


def away(world: EvilWorld, cleo: Client, ann: Client, said: bytes, blob_class: BlobClass) -> None:
    """Cleo is away while Ann's message is in the log, and comes back once it has expired."""
    cleo.cut()
    world.take(room_of(ann), said, blob_class, ttl=10)
    world.advance(12, stay_away=(cleo,))
    cleo.back()
    world.settle()
    world.advance(61)  # so that the next gap is told at once
    forget(cleo)


def test_an_old_text_that_another_publishes_again_is_a_gap_to_a_member_who_was_away() -> None:
    """Mal publishes the bytes of Ann's text at an honest relay. To the others nothing is new."""
    world = EvilWorld()
    ann = world.open("Ann", ttl=10)
    mal, cleo = world.join(ann, "Mal"), world.join(ann, "Cleo")
    said = rogue_text(ann, "I will not come tomorrow")
    away(world, cleo, ann, said, BlobClass.APPLICATION)
    forget(ann, mal)
    for _ in range(2):
        publish(world, mal, said)
    assert cleo.of(events.Gap) == [events.Gap(None, "Ann")]
    for client in (ann, mal, cleo):
        assert client.texts() == []
        assert problems(client) == []
    assert gaps(ann) == []
    world.take(room_of(ann), rogue_text(ann, "two", counter=2), BlobClass.APPLICATION)
    assert cleo.texts() == ["two"]


def test_an_old_heartbeat_that_another_facilitator_publishes_again_is_no_sign_of_life() -> None:
    world, ann, bob, cleo = two_facilitators()
    beat = rogue_beat(ann)
    away(world, cleo, ann, beat, BlobClass.BEAT)
    heard = cleo.engine.require_member().presence.attendance._heard
    world.advance(1)
    before = dict(heard)
    publish(world, bob, beat, BlobClass.BEAT)
    assert heard == before
    assert cleo.of(events.Gap) == [events.Gap(None, "Ann")]


@pytest.mark.parametrize("key", [bytes(32), None])
def test_a_message_that_the_relay_says_is_not_its_authors_is_told_as_missed(
    key: bytes | None,
) -> None:
    """A relay could withhold a message so, without a hole in the numbers."""
    world, _ann, bob, cleo = three()
    world.alter(cleo, BlobIs, lambda blob: replace(blob, key=key))
    forget(cleo)
    bob.say("one")
    world.settle()
    assert cleo.texts() == []
    assert cleo.of(events.Gap) == [events.Gap(None, "Bob")]


def test_a_message_whose_key_was_pushed_out_is_not_lost_in_silence() -> None:
    """A client keeps a thousand keys of each sender, here five. A lying relay withholds more
    messages than that, and hands one of them over late."""
    world, ann, _bob, cleo = three()
    secrets = group_of(cleo)._epoch.secret_tree
    ratchet = secrets.ratchet(leaf_of(ann), RatchetKind.APPLICATION)
    assert isinstance(ratchet, Ratchet)
    ratchet._policy = replace(ratchet._policy, max_skipped_keys=5)
    forget(cleo)
    withheld = [rogue_text(ann, "unread", counter=counter) for counter in range(1, 21)]
    world.take(room_of(ann), rogue_text(ann, "last", counter=21), BlobClass.APPLICATION)
    world.take(room_of(ann), withheld[0], BlobClass.APPLICATION)
    assert cleo.texts() == ["last"]
    assert problems(cleo) == ["unreadable"]


def test_a_heartbeat_encrypted_again_is_no_sign_of_life() -> None:
    """Bob keeps a heartbeat of Ann's and repeats it under her next keys, after she is gone."""
    world, ann, bob, cleo = three()
    blob = rogue_beat(ann)
    again = encrypted_again(bob, blob)
    world.take(room_of(ann), blob, BlobClass.BEAT)
    heard = cleo.engine.require_member().presence.attendance._heard
    world.advance(1)
    before = dict(heard)
    world.take(room_of(ann), again, BlobClass.BEAT)
    assert heard == before
    world.take(room_of(ann), rogue_beat(ann), BlobClass.BEAT)
    assert heard != before


def test_an_update_encrypted_again_parts_its_author_from_none() -> None:
    """Ann's commit carries Cleo's Update in other bytes. Bob can follow it, and so can Cleo."""
    _, ann, bob, cleo = three()
    group = group_of(ann)
    update = group_of(cleo).propose_update()
    read = group.read_proposal(update)
    again = encrypted_again(ann, update)
    staged = group.commit(carried=[read], now=now(ann))
    blob = commit_blob(staged.message, again)
    taken = bob.engine.require_member().membership._judge(blob)
    own = cleo.engine.require_member().membership._judge(blob)
    for received in (taken, own):
        assert isinstance(received, mls.StagedCommit)
        assert received.epoch_authenticator == staged.epoch_authenticator


def test_a_message_with_words_outside_the_encryption_is_refused() -> None:
    world, ann, bob, _ = three()
    blob = rogue_message(bob, Text("hello"), authenticated_data=b"in the clear")
    forget(ann)
    world.take(room_of(ann), blob, BlobClass.APPLICATION)
    assert ann.texts() == []
    assert problems(ann) == ["unreadable"]


@pytest.mark.second  # whose heartbeats would count: the next test
def test_a_participants_heartbeat_counts_for_nothing() -> None:
    world, ann, bob, cleo = three()
    ann.cut()
    world.advance(80, step=5, stay_away=(ann,))
    world.take(room_of(bob), rogue_beat(bob), BlobClass.BEAT)
    world.advance(40, step=5, stay_away=(ann,))
    assert cleo.engine.require_member().presence.state is not events.RoomState.OPEN


def test_a_facilitators_heartbeat_at_the_same_moment_would_have_counted() -> None:
    world, ann, bob, cleo = two_facilitators()
    ann.cut()
    bob.cut()
    world.advance(80, step=5, stay_away=(ann, bob))
    world.take(room_of(cleo), rogue_beat(bob), BlobClass.BEAT)
    world.advance(40, step=5, stay_away=(ann, bob))
    assert cleo.engine.require_member().presence.state is events.RoomState.OPEN


def test_a_message_under_other_ground_rules_is_not_shown() -> None:
    world, ann, bob, _ = three()
    blob = rogue_message(bob, Text("hello"), agreement=bytes(32))
    world.take(room_of(ann), blob, BlobClass.APPLICATION)
    assert world.last_blob(ann, BlobClass.APPLICATION).blob == blob
    assert ann.texts() == []
