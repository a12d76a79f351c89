"""Row 8: messages dropped, moved, repeated, altered or hidden."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.messages.log_hash import Seen
from alcove_protocol.frames import BlobClass, BlobIs, Publish, Published, Resumed
from alcove_protocol.position import Position

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    flipped,
    room_of,
)
from tests.end_to_end.evil.rooms import (
    forget,
    gaps,
    goes_on,
    problems,
    three,
)
from tests.end_to_end.facilitating import do

pytestmark = pytest.mark.second("Bob")


def application(blob: BlobIs) -> bool:
    return blob.blob_class == BlobClass.APPLICATION


def test_a_dropped_message_is_a_gap_with_the_next_one() -> None:
    world, ann, bob, cleo = three()
    dropped = world.drop(cleo, BlobIs, application, most=1)
    bob.say("unheard")
    world.settle()
    assert len(dropped.hits) == 1
    assert gaps(cleo) == []
    bob.say("heard")
    world.settle()
    assert cleo.texts() == ["heard"]
    assert gaps(cleo) == [None]
    assert ann.texts() == ["unheard", "heard"]


def test_a_dropped_last_message_is_a_gap_with_the_next_heartbeat() -> None:
    world, _ann, bob, cleo = three()
    world.drop(cleo, BlobIs, application, most=1)
    bob.say("unheard")
    world.settle()
    world.advance(31)
    assert gaps(cleo) == [None]


def test_a_dropped_message_with_its_number_reused_is_counted_and_shows_as_a_split() -> None:
    """The relay closes the hole in the numbers. The sender's counter and the log hash remain."""
    world, _ann, bob, cleo = three()
    bob.say("before")
    world.settle()
    dropped = world.drop(cleo, BlobIs, application, most=1)
    bob.say("unheard")
    world.settle()
    shifted = world.alter(
        cleo, BlobIs, lambda blob: replace(blob, position=_moved(blob.position, -1))
    )
    bob.say("heard")
    world.settle()
    assert len(dropped.hits) == len(shifted.hits) == 1
    assert cleo.texts() == ["before", "heard"]
    assert gaps(cleo) == [1]
    world.advance(31)
    assert cleo.of(events.RoomChanged)[-1].state is events.RoomState.SPLIT


def _moved(position: bytes, by: int) -> bytes:
    at = Position.decode(position)
    return Position(at.generation, at.number + by).encode()


def test_reordered_messages_are_a_gap_and_never_shown_out_of_order() -> None:
    world, _ann, bob, cleo = three()
    kept = world.keep_back(cleo, BlobIs, application)
    bob.say("one")
    bob.say("two")
    world.settle()
    first, second = kept.hits
    kept.stop()
    world.forge(cleo, second)
    world.forge(cleo, first)
    assert cleo.texts() == ["two"]
    assert gaps(cleo) == [None]


def test_messages_given_each_others_numbers_show_as_a_split() -> None:
    world, ann, bob, cleo = three()
    kept = world.keep_back(cleo, BlobIs, application)
    bob.say("one")
    world.settle()
    ann.say("two")
    world.settle()
    first, second = kept.hits
    kept.stop()
    world.forge(cleo, replace(second, position=first.position))
    world.forge(cleo, replace(first, position=second.position))
    assert cleo.texts() == ["two", "one"]  # the control: the order was really another
    world.advance(31)
    assert cleo.of(events.RoomChanged)[-1].state is events.RoomState.SPLIT


@pytest.mark.parametrize("further", [0, 1])
def test_a_replayed_message_is_refused(further: int) -> None:
    """At its old number, or at a new one."""
    world, _ann, bob, cleo = three()
    bob.say("once")
    world.settle()
    blob = world.last_blob(cleo, BlobClass.APPLICATION)
    forget(cleo)
    world.forge(cleo, replace(blob, position=_moved(blob.position, further)))
    assert cleo.told == []


def test_a_message_replayed_after_many_others_is_refused_by_its_generation() -> None:
    world, _ann, bob, cleo = three()
    bob.say("once")
    world.settle()
    blob = world.last_blob(cleo, BlobClass.APPLICATION)
    cleo.engine.require_member().stream.seen = Seen()  # as after 4,096 more blobs
    forget(cleo)
    world.forge(cleo, replace(blob, position=_moved(blob.position, 1)))
    assert cleo.texts() == []
    assert problems(cleo) == ["unreadable"]  # it may have been another
    assert len(cleo.told) == 1


def test_a_message_of_an_earlier_epoch_is_never_read() -> None:
    world, ann, bob, cleo = three()
    kept = world.keep_back(cleo, BlobIs, application)
    bob.say("late")
    world.settle()
    kept.stop()
    cleo.cut()
    world.advance(1, stay_away=(cleo,))
    goes_on(world, ann, bob)
    late = kept.hits[0]
    world.advance(2)
    forget(cleo)
    at = cleo.engine.require_member().stream.cursor.encode()
    world.forge(cleo, replace(late, blob=late.blob, position=_moved(at, 1)))
    assert cleo.texts() == []


def test_an_altered_message_is_not_shown_and_the_true_one_still_opens() -> None:
    world, _ann, bob, cleo = three()
    forget(cleo)
    kept = world.keep_back(cleo, BlobIs, application)
    bob.say("true")
    world.settle()
    true = kept.hits[0]
    kept.stop()
    world.forge(cleo, replace(true, blob=flipped(true.blob)))
    assert problems(cleo) == ["unreadable"]
    world.forge(cleo, replace(true, position=_moved(true.position, 1)))
    assert cleo.texts() == ["true"]


def test_a_message_relabelled_as_a_heartbeat_is_not_lost_silently() -> None:
    world, _ann, bob, cleo = three()
    bob.say("before")
    world.settle()
    changed = world.alter(
        cleo, BlobIs, lambda b: replace(b, blob_class=BlobClass.BEAT), application, most=1
    )
    bob.say("hidden")
    bob.say("shown")
    world.settle()
    assert len(changed.hits) == 1
    assert cleo.texts() == ["before", "shown"]
    assert gaps(cleo) == [1]


@pytest.mark.parametrize("age", [1800, 10**6, 2**53 - 1])
def test_a_huge_age_cannot_hide_a_message_silently(age: int) -> None:
    world, _ann, bob, cleo = three()
    aged = world.alter(cleo, BlobIs, lambda b: replace(b, age=age), application, most=1)
    bob.say("hidden")
    world.settle()
    assert len(aged.hits) == 1
    assert cleo.texts() == []
    assert gaps(cleo) == [1]


def test_numbers_that_go_backwards_are_ignored() -> None:
    world, _ann, bob, cleo = three()
    cursor = cleo.engine.require_member().stream.cursor
    changed = world.alter(
        cleo, BlobIs, lambda b: replace(b, position=_moved(b.position, -3)), application, most=1
    )
    bob.say("lost")
    world.settle()
    assert len(changed.hits) == 1
    assert cleo.engine.require_member().stream.cursor == cursor
    assert cleo.texts() == []
    bob.say("here")
    world.settle()
    assert gaps(cleo) == [None]
    assert cleo.texts() == ["here"]


def test_a_published_position_that_jumps_is_a_gap() -> None:
    """Otherwise the relay could hide every blob before Cleo's own message by its number."""
    world, _ann, _bob, cleo = three()
    jumped = world.alter(
        cleo, Published, lambda p: replace(p, position=_moved(p.position, 5)), most=1
    )
    cleo.say("mine")
    world.settle()
    assert len(jumped.hits) == 1
    assert gaps(cleo) == [None]


def test_published_for_an_undelivered_blob_shows_as_a_gap_to_the_others() -> None:
    world, ann, bob, cleo = three()
    bob.say("one")
    world.settle()
    cursor = bob.engine.require_member().stream.cursor
    lied = world.answer(bob, Publish, lambda p: Published(p.n, _moved(cursor.encode(), 1)), most=1)
    bob.say("two")
    world.settle()
    assert len(lied.hits) == 1
    assert len(bob.of(events.Sent)) == 2  # Bob was told so
    bob.say("three")
    world.settle()
    assert ann.texts() == cleo.texts() == ["one", "three"]
    assert gaps(ann) == gaps(cleo) == [1]


def test_lost_false_cannot_hide_messages_that_expired_from_the_relay() -> None:
    world, _ann, bob, cleo = three()
    bob.say("before")
    world.settle()
    cleo.cut()
    bob.say("withheld")
    world.settle()
    world.drop(cleo, BlobIs, application, most=1)
    honest = world.alter(cleo, Resumed, lambda r: replace(r, lost=False), most=1)
    world.advance(2)
    assert len(honest.hits) == 1
    bob.say("after")
    world.settle()
    assert cleo.texts() == ["before", "after"]
    assert gaps(cleo) == [1]


def test_a_wrong_head_cannot_pass_off_later_holes_as_expiry() -> None:
    """A newcomer does not know Bob's counter yet, so the numbers alone must show the hole."""
    world, ann, bob, _ = three()
    dora = world.knock(ann.invite(), "Dora")
    far = world.alter(dora, Resumed, lambda r: replace(r, head=_moved(r.head, 10**6)))
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert len(far.hits) == 2  # a newcomer resumes twice, for the commits before its own
    dora.say("hello")
    world.settle()
    world.drop(dora, BlobIs, application, most=1)
    bob.say("withheld")
    bob.say("after")
    world.settle()
    assert dora.texts() == ["after"]
    assert gaps(dora) == [None]


def test_garbage_in_the_log_is_told_and_harms_nothing() -> None:
    world: EvilWorld
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    world.take(room_of(ann), world.random(300), BlobClass.APPLICATION)
    assert problems(ann) == problems(bob) == problems(cleo) == ["unreadable"]
    goes_on(world, ann, bob, cleo)


@pytest.mark.second("Cleo")
def test_what_an_author_abandoned_is_no_hole() -> None:
    """A message of its own says so, which has a number in the log that all see alike. A claim in
    the next message would let an author say to some alone what the others take for abandoned."""
    world, ann, bob, cleo = three()
    bob.cut()
    bob.say("abandoned")
    do(world, ann, "pause", "Bob")
    world.advance(3)
    assert [event.code for event in bob.of(events.Failed)] == ["paused"]
    before = world.head(room_of(ann)).number
    do(world, ann, "unpause", "Bob")
    bob.say("said")
    world.settle()
    assert world.head(room_of(ann)).number == before + 3  # the commit, the void and the text
    assert cleo.texts() == ann.texts() == ["said"]
    assert gaps(ann) == gaps(cleo) == []
