"""Row 7: a relay that splits the group, and two relays between which no blob crosses."""

from dataclasses import replace

import pytest
from alcove.events import RoomState
from alcove.messages.payload import Text
from alcove_protocol.frames import BlobClass, BlobIs, Publish, Published
from alcove_protocol.position import Position

from tests.end_to_end.evil.rogue import (
    Making,
    committer_of,
    flipped,
    group_of,
    rogue_message,
    room_of,
)
from tests.end_to_end.evil.rooms import (
    authenticators,
    epochs,
    forget,
    named,
    problems,
    state,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client

pytestmark = pytest.mark.second("Bob")


def unheard(client: Client, name: str) -> bool:
    """The client was told that no facilitator is heard, or not this one of several."""
    nobody = state(client) in (RoomState.NOT_HEARD, RoomState.READ_ONLY)
    return nobody or named(client, "facilitator_silent") == [name]


def test_two_versions_of_the_conversation_show_within_one_heartbeat() -> None:
    """Cleo alone sees another blob at one number. Her first message shows it to the others."""
    world, ann, bob, cleo = three()
    bob.say("one")
    world.settle()
    forget(ann, bob, cleo)
    other = replace(world.last_blob(cleo, BlobClass.APPLICATION))
    swapped = world.alter(
        cleo,
        BlobIs,
        lambda blob: replace(blob, blob=flipped(other.blob)),
        lambda blob: blob.blob_class == BlobClass.APPLICATION,
        most=1,
    )
    bob.say("two")
    world.settle()
    assert len(swapped.hits) == 1
    world.advance(31)
    assert state(cleo) is RoomState.SPLIT
    cleo.say("does anybody hear me?")
    world.settle()
    assert ann.texts() == ["two"]
    cleo.engine.commands.send_anyway()
    world.settle()
    assert ann.texts() == ["two", "does anybody hear me?"]


@pytest.mark.interpreted  # copies a relay in the middle of its life
def test_with_no_path_between_two_relays_the_half_without_a_facilitator_is_told() -> None:
    world, ann, bob, cleo = three()
    world.split(cleo)
    ann.say("for Bob alone")
    world.settle()
    assert bob.texts()[-1] == "for Bob alone"
    assert cleo.texts() == []
    world.advance(100, step=5)
    assert state(bob) is RoomState.OPEN
    assert state(cleo) in (RoomState.NOT_HEARD, RoomState.READ_ONLY)


@pytest.mark.interpreted  # copies a relay in the middle of its life
def test_two_relays_with_one_blob_carried_between_them_show_the_split() -> None:
    """Each half has a facilitator and talks on. One heartbeat that crosses is enough."""
    world, ann, bob, cleo = two_facilitators()
    world.advance(31)
    world.split(bob, cleo)
    ann.say("here")
    bob.say("there")
    world.settle()
    world.advance(31)
    assert state(cleo) is RoomState.OPEN
    carried = world.seen(Publish, ann)[-1]
    assert carried.blob_class == BlobClass.BEAT
    at = cleo.engine.require_member().stream.cursor
    world.forge(
        cleo,
        BlobIs(Position(at.generation, at.number + 1).encode(), BlobClass.BEAT, 0, carried.blob),
    )
    assert state(cleo) is RoomState.SPLIT


@pytest.mark.interpreted  # copies a relay in the middle of its life
def test_halves_in_different_epochs_show_the_split_with_one_heartbeat_that_crosses() -> None:
    """The epochs' keys differ, so the heartbeat cannot be read at all. That shows too."""
    world, ann, bob, cleo = two_facilitators()
    world.split(bob, cleo)
    for facilitator in (ann, bob):
        committer_of(facilitator).committer.want(Making())
    world.settle()
    assert len(epochs(ann, bob, cleo)) == 1
    assert len(authenticators(ann, bob, cleo)) == 2  # a fork: equal numbers, other keys
    world.advance(31)
    carried = world.seen(Publish, ann)[-1]
    assert carried.blob_class == BlobClass.BEAT
    at = cleo.engine.require_member().stream.cursor
    world.forge(
        cleo,
        BlobIs(Position(at.generation, at.number + 1).encode(), BlobClass.BEAT, 0, carried.blob),
    )
    assert state(cleo) is RoomState.SPLIT


def test_a_commit_that_the_relay_only_pretends_to_take_shows_to_the_others() -> None:
    """Ann alone moves on. Her next heartbeat is of an epoch that the others do not have."""
    world, ann, bob, cleo = three()
    at = ann.engine.require_member().stream.cursor
    lied = world.answer(
        ann,
        Publish,
        lambda p: Published(p.n, Position(at.generation, at.number + 1).encode()),
        lambda p: p.blob_class == BlobClass.COMMIT,
        most=1,
    )
    committer_of(ann).committer.want(Making())
    world.settle()
    assert len(lied.hits) == 1
    assert group_of(ann).epoch == group_of(bob).epoch + 1
    beat = world.alter(
        ann,
        Publish,
        lambda p: replace(p, base=bob.engine.require_member().membership.base.encode()),
        lambda p: p.blob_class == BlobClass.BEAT,
    )
    world.advance(31)
    assert beat.hits
    assert state(bob) is state(cleo) is RoomState.SPLIT


def test_forged_published_never_leaves_a_facilitator_believing_in_an_empty_room() -> None:
    """If the relay carries no blob across, the others no longer hear her and are told."""
    world, ann, bob, cleo = three()
    at = ann.engine.require_member().stream.cursor
    counter = iter(range(1, 1000))
    world.answer(
        ann,
        Publish,
        lambda p: Published(p.n, Position(at.generation, at.number + next(counter)).encode()),
    )
    world.advance(120, step=5)
    assert unheard(bob, "Ann")
    assert unheard(cleo, "Ann")


@pytest.mark.second  # Ann alone hears no heartbeat
def test_one_person_who_lies_leaves_and_comes_again_is_not_two() -> None:
    """A lone facilitator hears no other heartbeat that would clear what the first stay said."""
    world, ann, bob, _cleo = three()
    for stay in ("first", "second"):
        liar = bob if stay == "first" else world.join(ann, "Robert")
        world.advance(31, step=31)
        current = liar.engine.require_member().stream.log.current
        assert current is not None
        blob = rogue_message(liar, Text("hello"), log=b"\7" * 32, at=current[0])
        world.take(room_of(ann), blob, BlobClass.APPLICATION)
        assert state(ann) is RoomState.OPEN
        if stay == "first":
            ann.remove("Bob")
            world.settle()
    assert problems(ann).count("conversation_differs") == 2
