"""Row 6: two commits in one epoch. Row 3: a right from an epoch that is over."""

import random
from dataclasses import replace

import pytest
from alcove import mls
from alcove_protocol.frames import BlobClass, Publish, RequestRefused
from alcove_protocol.roster import Change, Op, Seat

from tests.end_to_end.evil.rogue import (
    Making,
    aside,
    commit_blob,
    committer_of,
    context,
    demote,
    group_of,
    leaf_of,
    now,
    relay_key,
    rogue_commit,
    room_of,
    state_of,
    without_facilitator,
)
from tests.end_to_end.evil.rooms import (
    authenticators,
    epochs,
    forget,
    goes_on,
    problems,
    two_facilitators,
)
from tests.randomness import SEED

RACES = 250
"""In each of four worlds, which makes the 1,000 races that are asked for."""


@pytest.mark.parametrize("part", range(4))
def test_of_two_commits_in_one_epoch_one_wins_and_the_other_is_built_anew(part: int) -> None:
    world, ann, bob, cleo = two_facilitators()
    order = random.Random(SEED * 4 + part)
    clients = (ann, bob, cleo)
    for _ in range(RACES):
        before = group_of(ann).epoch
        done: list[object] = []
        first, second = order.sample((ann, bob), 2)
        world.record.clear()
        for client in (first, second):
            committer_of(client).committer.want(Making(done.append))
        # Both are on their way before either is answered.
        assert all(
            c.engine.link.outgoing and committer_of(c).committer.in_flight for c in (first, second)
        )
        world.settle()
        assert done == [None, None]
        assert epochs(*clients) == {before + 2}
        assert len(authenticators(*clients)) == 1
        refused = [r for r in world.seen(RequestRefused) if r.code == "stale"]
        assert len(refused) == 1
        published = world.seen(Publish)
        assert sum(p.blob_class == BlobClass.COMMIT for p in published) == 3
    assert not [code for client in clients for code in problems(client)]


def test_two_commits_of_one_epoch_both_taken_by_the_relay_are_no_fork() -> None:
    """A relay that judges no base numbers both. All merge the first and burn the second."""
    world, ann, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    one = rogue_commit(bob, force_path=True)
    staged = aside(group_of(ann).commit(force_path=True, now=now(ann)))
    before = group_of(cleo).epoch
    forget(cleo, dora)
    world.take(room_of(ann), one, BlobClass.COMMIT)
    world.take(room_of(ann), commit_blob(staged.message), BlobClass.COMMIT)
    assert epochs(cleo, dora) == {before + 1}
    assert len(authenticators(cleo, dora)) == 1
    assert problems(cleo) == problems(dora) == ["commit_unreadable"]


def test_a_race_of_a_demotion_and_an_act_has_one_order_and_refuses_the_demoted() -> None:
    world, ann, bob, cleo = two_facilitators()
    demoted: list[object] = []
    acted: list[object] = []
    key = relay_key(bob)
    committer_of(ann).committer.want(
        Making(
            demoted.append,
            lambda m: (context(without_facilitator(m.state, bob)),),
            (Change(Op.CHANGE, key, Seat()),),
        )
    )
    removing = Making(
        acted.append,
        lambda m: (mls.Remove(leaf_of(cleo)),),
        (Change(Op.REMOVE, relay_key(cleo)),),
    )
    committer_of(bob).committer.want(removing)
    world.settle()
    assert demoted == [None]
    (error,) = acted
    assert error is not None  # rights come from the epoch in which the commit would take effect
    assert ann.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    goes_on(world, ann, cleo)


def test_a_commit_from_before_a_demotion_delivered_after_it_is_burned() -> None:
    """And no client takes it for a commit that it missed."""
    world, ann, bob, cleo = two_facilitators()
    old = rogue_commit(bob, mls.Remove(leaf_of(cleo)))
    demote(world, ann, bob)
    before = epochs(ann, bob, cleo)
    forget(ann, bob, cleo)
    world.take(room_of(ann), old, BlobClass.COMMIT)
    assert problems(ann) == problems(cleo) == ["commit_unreadable"]
    assert epochs(ann, bob, cleo) == before
    assert ann.members() == {"Ann", "Bob", "Cleo"}
    goes_on(world, ann, bob, cleo)


def test_a_commit_replayed_epochs_later_is_burned_and_holds_no_client() -> None:
    world, ann, bob, cleo = two_facilitators()
    goes_on(world, ann, bob, cleo)
    old = world.last_blob(cleo, BlobClass.COMMIT).blob
    goes_on(world, ann, bob, cleo)
    goes_on(world, bob, ann, cleo)
    forget(ann, bob, cleo)
    world.take(room_of(ann), old, BlobClass.COMMIT)
    assert problems(bob) == problems(cleo) == ["commit_unreadable"]
    goes_on(world, ann, bob, cleo)


def test_a_commit_lost_in_a_race_keeps_its_intent() -> None:
    world, ann, bob, cleo = two_facilitators()
    listen_only: list[object] = []
    committer_of(ann).committer.want(Making())
    committer_of(bob).committer.want(
        Making(listen_only.append, lambda m: (context(replace(m.state, listen_only=True)),))
    )
    world.settle()
    assert listen_only == [None]
    assert all(state_of(client).listen_only for client in (ann, bob, cleo))
