"""Row 28: no participant makes a facilitator commit what only the facilitator can follow."""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove_protocol.frames import BlobClass, BlobIs, LobbyItem

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    appoint,
    aside,
    commit_blob,
    committer_of,
    demote,
    group_of,
    key_package,
    leaf_of,
    now,
    rogue_commit,
    room_of,
)
from tests.end_to_end.evil.rogue_updates import (
    ask,
    four,
    fresh_keys,
    handshakes,
    honest_update,
    leaf_key,
    nobody_is_held,
    rogue_leaf,
    rogue_proposal,
    rogue_update,
    same_generation,
    skip_to,
    waiting,
    without_the_rooms_extension,
)
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    epochs,
    forget,
    goes_on,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client

LAST = 16
"""The last generation of a proposal (docs/protocol.md 11)."""


# --- generations --------------------------------------------------------------------------------


def test_a_generation_far_ahead_throws_no_member_out() -> None:
    """The attack of the review: a proposal that moves only the facilitator's ratchet, then an
    Update that fits the facilitator alone."""
    world, ann, mal, bob, cleo = four()
    forget(ann, mal, bob, cleo)
    skip_to(mal, 900)
    ask(world, mal, rogue_proposal(mal, mls.Remove(leaf_of(bob))))
    skip_to(mal, 1_800)
    ask(world, mal, rogue_update(mal))
    assert waiting(ann) == 0
    nobody_is_held(world, ann, bob, cleo)


@pytest.mark.parametrize(("generation", "taken"), [(0, 1), (LAST, 1), (LAST + 1, 0), (2**20, 0)])
def test_a_proposal_is_judged_by_its_generation_alone(generation: int, taken: int) -> None:
    world, ann, mal, bob, cleo = four()
    if generation < 2**15:
        skip_to(mal, generation)
    else:
        skip_to(mal, 40)
        handshakes(mal).generation = generation
    ask(world, mal, rogue_update(mal))
    assert waiting(ann) == taken
    commit_by(world, ann)
    assert len(authenticators(ann, bob, cleo)) == 1


def test_the_same_bound_holds_in_a_commit_that_brings_the_proposal() -> None:
    """A facilitator whose client is changed commits it. All others burn it, and none is held."""
    world, ann, mal, bob = two_facilitators()
    cleo = world.join(ann, "Dora")
    forget(ann, mal, bob, cleo)
    skip_to(cleo, LAST + 1)
    message = rogue_update(cleo)
    epoch = group_of(mal)._epoch
    bound = epoch.policy
    epoch.policy = type(bound)(
        max_leaves=bound.max_leaves, max_lifetime=bound.max_lifetime, max_handshakes=2_000
    )
    read = group_of(mal).read_proposal(message)
    staged = aside(group_of(mal).commit(carried=[read], now=now(mal)))
    epoch.policy = bound
    world.take(room_of(mal), commit_blob(staged.message, message), BlobClass.COMMIT)
    for client in (ann, bob):
        assert problems(client) == ["commit_refused"]
    assert len(epochs(ann, bob)) == 1


# --- what one facilitator saw and another did not -------------------------------------------------


def test_two_updates_under_one_generation_hold_no_facilitator() -> None:
    """The relay shows each facilitator another one of two proposals with the same key."""
    world, ann, bob, mal = two_facilitators()
    cleo = world.join(ann, "Dora")
    forget(ann, bob, mal, cleo)
    with same_generation(mal):
        first = rogue_update(mal)
    second = honest_update(mal)
    hidden = world.drop(bob, LobbyItem, most=1)
    ask(world, mal, first)
    hidden.stop()
    shown = world.drop(ann, LobbyItem, most=1)
    ask(world, mal, second)
    shown.stop()
    assert waiting(ann) == waiting(bob) == 1
    commit_by(world, bob)
    assert len(authenticators(ann, bob, mal, cleo)) == 1
    assert leaf_key(ann, mal) != leaf_key(ann, cleo)
    nobody_is_held(world, ann, bob, mal, cleo)


def test_what_one_facilitator_was_asked_before_the_other_came_decides_nothing() -> None:
    """On an honest relay: the first facilitator has read and settled a proposal of Mal's. The
    second one, appointed later, commits another under the same generation."""
    world, ann, bob, mal = three()
    cleo = world.join(ann, "Dora")
    appoint(world, ann, bob)
    forget(ann, bob, mal, cleo)
    bob.cut()
    with same_generation(mal):
        ask(world, mal, rogue_proposal(mal, mls.Remove(leaf_of(cleo))))
    bob.back()
    world.settle()
    ask(world, mal, honest_update(mal))
    assert waiting(ann) == waiting(bob) == 1
    commit_by(world, bob)
    nobody_is_held(world, ann, bob, mal, cleo)


def show_alone(world: EvilWorld, bob: Client, junk: bytes) -> None:
    """The relay shows Bob alone a commit that all would burn, at the log's next number."""
    at = bob.engine.require_member().stream.cursor
    world.forge(bob, BlobIs(replace(at, number=at.number + 1).encode(), BlobClass.COMMIT, 0, junk))
    assert problems(bob) == ["commit_refused"]
    world.alter(
        bob,
        BlobIs,
        lambda blob: replace(blob, position=replace(at, number=at.number + 2).encode()),
        most=1,
    )


def test_an_update_that_a_burned_commit_brought_before_is_read_again() -> None:
    """The relay shows one member alone a commit that carries the Update, and is burned."""
    world, ann, mal, bob, cleo = four()
    forget(ann, mal, bob, cleo)
    message = honest_update(mal)
    junk = commit_blob(rogue_commit(cleo)[4:], message)
    show_alone(world, bob, junk)
    ask(world, mal, message)
    before = leaf_key(ann, mal)
    commit_by(world, ann)
    assert leaf_key(ann, mal) != before
    assert len(authenticators(ann, mal, bob, cleo)) == 1


def test_a_burned_commit_that_all_see_costs_an_update_nothing() -> None:
    world, ann, mal, bob, cleo = four()
    forget(ann, mal, bob, cleo)
    message = honest_update(mal)
    with same_generation(cleo):
        other = rogue_update(cleo)
    later = honest_update(cleo)
    junk = commit_blob(rogue_commit(bob)[4:], message, other)
    world.take(room_of(ann), junk, BlobClass.COMMIT)
    assert problems(ann) == ["commit_refused"]
    ask(world, mal, message)
    ask(world, cleo, later)
    assert waiting(ann) == 2
    commit_by(world, ann)
    assert len(authenticators(ann, mal, bob, cleo)) == 1


def test_a_participants_commit_costs_none_of_their_keys() -> None:
    """Mal and the relay show one facilitator a commit of Mal's. Another commits Mal's Update under
    the same generation, and the first one can still read it."""
    world, ann, bob, mal = two_facilitators()
    cleo = world.join(ann, "Dora")
    forget(ann, bob, mal, cleo)
    with same_generation(mal):
        junk = rogue_commit(mal)
    message = honest_update(mal)
    show_alone(world, bob, junk)
    ask(world, mal, message)
    commit_by(world, ann)
    assert len(authenticators(ann, bob, mal, cleo)) == 1


def test_a_commit_that_names_a_proposal_which_it_does_not_bring_is_burned_by_all() -> None:
    """Even by the member who made it, and by a facilitator who was asked."""
    world, ann, bob, mal = two_facilitators()
    forget(ann, bob, mal)
    message = honest_update(mal)
    ask(world, mal, message)
    read = group_of(bob).read_proposal(message)
    staged = aside(group_of(bob).commit(carried=[read], now=now(bob)))
    world.take(room_of(bob), commit_blob(staged.message), BlobClass.COMMIT)
    assert problems(ann) == problems(mal) == ["commit_refused"]
    assert len(epochs(ann, bob, mal)) == 1
    goes_on(world, ann, bob, mal)


# --- together -------------------------------------------------------------------------------------


def test_of_two_updates_with_one_key_the_later_is_dropped_and_a_third_stays() -> None:
    """Each is right alone. Together they are not."""
    world, ann, mal, eve, cleo = four()
    shared = fresh_keys(mal).public
    ask(world, mal, rogue_update(mal, rogue_leaf(mal, key=shared)))
    ask(world, eve, rogue_update(eve, rogue_leaf(eve, key=shared)))
    ask(world, cleo, honest_update(cleo))
    assert waiting(ann) == 3
    before, eves = leaf_key(ann, cleo), leaf_key(ann, eve)
    mal.cut()  # his client does not know his Update, so it would be held and rejoin with another
    commit_by(world, ann)
    assert leaf_key(ann, cleo) != before
    assert leaf_key(ann, mal) == shared
    assert leaf_key(ann, eve) == eves
    assert len(authenticators(ann, eve, cleo)) == 1


def test_an_update_that_collides_with_a_newcomer_gives_way_alone() -> None:
    """Mal's Update has the encryption key of the KeyPackage by which Eve asks to be let in."""
    world, ann, mal, bob, cleo = four()
    eve = world.knock(ann.invite(), "Eve")
    waits = committer_of(ann).lobby._waiting
    (knock,) = waits.values()
    shared = knock.key_package.leaf_node.encryption_key
    ask(world, mal, rogue_update(mal, rogue_leaf(mal, key=shared)))
    ask(world, cleo, honest_update(cleo))
    assert waiting(ann) == 2
    before = leaf_key(ann, cleo)
    result = ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert result == [None]
    assert "Eve" in ann.members()
    assert leaf_key(ann, cleo) != before
    assert len(authenticators(ann, mal, bob, cleo, eve)) == 1


def test_an_update_of_a_member_who_comes_back_in_the_same_commit_drops_no_other() -> None:
    world, ann, mal, bob, cleo = four()
    ask(world, mal, honest_update(mal))
    ask(world, cleo, honest_update(cleo))
    before = leaf_key(ann, cleo)
    mal.engine.require_member()._hold()
    world.settle()
    assert leaf_key(ann, cleo) != before
    assert len(authenticators(ann, mal, bob, cleo)) == 1


def test_many_updates_of_one_member_take_one_place() -> None:
    world, ann, mal, bob, cleo = four()
    for _ in range(10):
        ask(world, mal, rogue_update(mal))
    assert waiting(ann) == 1
    commit_by(world, ann)
    assert len(authenticators(ann, bob, cleo)) == 1


def test_an_update_of_another_branch_with_an_equal_epoch_is_not_committed() -> None:
    """The facilitator came back into the group by a rejoin, so what was judged before is void."""
    world, ann, bob, mal = two_facilitators()
    ask(world, mal, honest_update(mal))
    assert waiting(ann) == 1
    pending = committer_of(ann).committer.updates[0]
    assert pending.authenticator == group_of(ann).epoch_authenticator
    ann.engine.require_member()._hold()
    world.settle()
    assert waiting(ann) == 0
    assert len(authenticators(ann, bob, mal)) == 1


def test_an_update_that_waits_when_its_sender_is_appointed_is_void() -> None:
    world, ann, mal, bob, cleo = four()
    ask(world, mal, honest_update(mal))
    appoint(world, ann, mal)
    assert waiting(ann) == 0
    demote(world, ann, mal)
    forget(ann, bob, cleo)
    nobody_is_held(world, ann, bob, cleo)
    assert key_package(mal) is not None


def test_an_update_with_the_key_of_an_inner_node_is_judged_by_all_alike() -> None:
    """The commit that takes it blanks that node, so it may stand; and if not, it is dropped."""
    world, ann, mal, bob, cleo = four()
    commit_by(world, ann)
    nodes = group_of(ann)._epoch.tree.nodes
    for node in [node for node in nodes[1::2] if node is not None]:
        ask(world, mal, rogue_update(mal, rogue_leaf(mal, key=node.encryption_key)))
        ask(world, cleo, honest_update(cleo))
        commit_by(world, ann)
        assert len(authenticators(ann, bob, cleo)) == 1
    nobody_is_held(world, ann, bob, cleo)


def test_a_member_who_poisons_every_epoch_keeps_no_others_keys_from_being_renewed() -> None:
    """Two hours, an Update that fits no commit in each epoch, and a newcomer between."""
    world, ann, mal, bob, cleo = four()
    before = leaf_key(ann, bob), leaf_key(ann, cleo)
    poisoned: set[int] = set()
    for second in range(0, 7200, 15):
        epoch = group_of(mal).epoch
        if epoch not in poisoned:
            poisoned.add(epoch)
            ask(world, mal, without_the_rooms_extension(world, ann, mal, bob))
        if second == 600:
            world.join(ann, "Dora")
        world.advance(15, step=15)
    assert len(poisoned) > 2
    assert leaf_key(ann, bob) != before[0]
    assert leaf_key(ann, cleo) != before[1]
    assert problems(ann) == problems(bob) == problems(cleo) == []


def test_a_flood_of_updates_of_one_member_takes_one_place() -> None:
    world, ann, mal, bob, cleo = four()
    for _ in range(17):
        ask(world, mal, rogue_update(mal))
    assert waiting(ann) == 1
    ask(world, cleo, honest_update(cleo))
    ask(world, bob, honest_update(bob))
    assert waiting(ann) == 3
