"""Row 28: an Update that is none, or not its sender's, is dropped alone."""

from collections.abc import Callable

import pytest
from alcove import mls
from alcove.group.extensions import LEAF_EXTENSION
from alcove.mls.nodes import Extension
from alcove_protocol.frames import BlobClass, BlobIs, LobbyItem

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    aside,
    commit_blob,
    committer_of,
    evil_leaf_extensions,
    flipped,
    group_of,
    leaf_of,
    now,
    rogue_commit,
    room_of,
)
from tests.end_to_end.evil.rogue_updates import (
    ask,
    four,
    honest_update,
    leaf_key,
    nobody_is_held,
    rogue_leaf,
    rogue_proposal,
    rogue_update,
    skip_to,
    waiting,
    without_the_rooms_extension,
)
from tests.end_to_end.evil.rooms import (
    commit_by,
    epochs,
    forget,
    goes_on,
    problems,
    two_facilitators,
)
from tests.end_to_end.world import Client

Make = Callable[[EvilWorld, Client, Client, Client], bytes]


def not_an_update(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return rogue_proposal(mal, mls.Remove(leaf_of(bob)))


def of_an_earlier_epoch(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    message = honest_update(mal)
    commit_by(world, ann)
    return message


def without_a_new_key(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return rogue_update(mal, rogue_leaf(mal, key=leaf_key(ann, mal)))


def with_a_key_of_another(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return rogue_update(mal, rogue_leaf(mal, key=leaf_key(ann, bob)))


def with_another_name(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return rogue_update(mal, rogue_leaf(mal, credential=mls.Credential.basic(b"Ann")))


def with_another_relay_key(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    extensions = evil_leaf_extensions(mal, world.random(32))
    return rogue_update(mal, rogue_leaf(mal, extensions=extensions))


def with_no_extension(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return rogue_update(mal, rogue_leaf(mal, extensions=()))


def with_an_unreadable_extension(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    extensions = (Extension(LEAF_EXTENSION, b"\xc1"),)
    return rogue_update(mal, rogue_leaf(mal, extensions=extensions))


def without_capabilities(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return rogue_update(mal, rogue_leaf(mal, capabilities=mls.Capabilities()))


def with_a_key_that_is_none(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return rogue_update(mal, rogue_leaf(mal, key=bytes(32)))


def of_great_size(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    group = group_of(mal)
    own = group.member(group.own_index)
    assert own is not None
    kinds = (*own.capabilities.extensions, 0xF0F0)
    wide = mls.Capabilities(extensions=kinds, ciphersuites=own.capabilities.ciphersuites)
    extensions = (*own.extensions, Extension(0xF0F0, bytes(5_000)))
    return rogue_update(mal, rogue_leaf(mal, capabilities=wide, extensions=extensions))


def not_encrypted(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return group_of(mal).propose_update(wire_format="public")


def a_commit(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return rogue_commit(mal, force_path=True)[4:]


def another_members(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return honest_update(bob)


def junk(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    return flipped(honest_update(mal))


POISON: list[Make] = [
    not_encrypted,
    a_commit,
    another_members,
    junk,
    not_an_update,
    of_an_earlier_epoch,
    without_a_new_key,
    with_a_key_of_another,
    with_another_name,
    with_another_relay_key,
    with_no_extension,
    with_an_unreadable_extension,
    without_capabilities,
    without_the_rooms_extension,
    with_a_key_that_is_none,
    of_great_size,
]


@pytest.mark.parametrize("make", POISON, ids=lambda make: make.__name__)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_wrong_update_is_dropped_and_an_honest_one_stays(make: Make, first: bool) -> None:
    world, ann, mal, bob, cleo = four()
    poison = make(world, ann, mal, bob)
    forget(ann, mal, bob, cleo)
    before = leaf_key(ann, cleo)
    if first:
        ask(world, mal, poison)
    ask(world, cleo, honest_update(cleo))
    if not first:
        ask(world, mal, poison)
    assert waiting(ann) == 1
    commit_by(world, ann)
    assert leaf_key(ann, cleo) != before
    nobody_is_held(world, ann, bob, cleo, mal)


def test_an_update_in_a_room_of_two_is_judged_alike() -> None:
    world = EvilWorld()
    ann = world.open("Ann")
    mal = world.join(ann, "Mal")
    world.advance(31, step=31)
    forget(ann, mal)
    skip_to(mal, 900)
    ask(world, mal, rogue_proposal(mal, mls.Remove(leaf_of(ann))))
    ask(world, mal, rogue_update(mal))
    assert waiting(ann) == 0
    commit_by(world, ann)
    assert len(epochs(ann, mal)) == 1
    nobody_is_held(world, ann, mal)


def test_an_update_sent_under_another_members_relay_key_is_dropped() -> None:
    world, ann, mal, bob, cleo = four()
    ask(world, bob, honest_update(cleo))
    assert waiting(ann) == 0
    nobody_is_held(world, ann, mal, bob, cleo)


def test_a_facilitators_proposal_is_never_taken() -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    message = honest_update(bob)
    ask(world, bob, message)
    assert waiting(ann) == 0
    read = group_of(ann).read_proposal(message)
    staged = aside(group_of(ann).commit(carried=[read], now=now(ann)))
    world.take(room_of(ann), commit_blob(staged.message, message), BlobClass.COMMIT)
    assert problems(bob) == problems(cleo) == ["commit_refused"]
    goes_on(world, ann, bob, cleo)


def test_an_update_of_a_member_who_is_removed_drops_no_other() -> None:
    world, ann, mal, _bob, cleo = four()
    ask(world, mal, honest_update(mal))
    ask(world, cleo, honest_update(cleo))
    before = leaf_key(ann, cleo)
    assert ann.remove("Bob") == []
    world.settle()
    assert leaf_key(ann, cleo) != before
    ask(world, cleo, honest_update(cleo))
    ask(world, mal, honest_update(mal))
    between = leaf_key(ann, cleo)
    assert ann.remove(mal.name) == []
    world.settle()
    assert mal.engine.closed is not None
    assert leaf_key(ann, cleo) != between
    nobody_is_held(world, ann, cleo)


def test_a_removed_members_update_is_dropped() -> None:
    world, ann, mal, bob, cleo = four()
    message = honest_update(mal)
    gone = world.drop(mal, BlobIs)
    kept = mal.engine.require_member().requests
    ann.remove(mal.name)
    world.settle()
    gone.stop()
    assert kept is not None
    item = world.seen(LobbyItem, ann)[-1]
    read = committer_of(ann).lobby.requests
    with pytest.raises(mls.MLSError):
        read.update(item.key, message)
    assert waiting(ann) == 0
    nobody_is_held(world, ann, bob, cleo)
