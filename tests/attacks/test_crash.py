"""A client that dies, or is believed dead, between merging a commit and hearing of it."""

from __future__ import annotations

import pytest
from alcove import events, mls
from alcove_protocol.frames import Published

from tests.client_sdk.mls.support import NOW, person, room
from tests.client_sdk.mls.validation import forging
from tests.end_to_end.evil.rogue import Making, committer_of, group_of
from tests.end_to_end.evil.rooms import authenticators, epochs, goes_on, three


def test_a_commit_is_merged_once_and_leaves_nothing_to_send_with() -> None:
    these = room("bob")
    old = these["alice"]
    staged = old.commit(now=NOW)
    new = staged.merge()
    for again in (staged.merge, lambda: old.encrypt(b"x"), lambda: old.commit(now=NOW)):
        with pytest.raises((mls.StagedCommitSpent, mls.GroupClosed)):
            again()
    with pytest.raises(mls.WrongEpoch):
        new.receive(staged.message)  # the relay delivers it after all
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    assert received.merge().epoch_authenticator == new.epoch_authenticator


def test_ones_own_commit_that_comes_back_is_known_and_not_burned() -> None:
    """The acknowledgement was lost: a member that burned its own commit would be alone."""
    these = room("bob")
    staged = these["alice"].commit(now=NOW)
    for _ in range(2):
        assert these["alice"].receive(staged.message) is staged
    assert staged.merge().epoch == these["bob"].epoch + 1


def test_ones_own_commit_that_comes_back_after_it_was_dropped_is_not_burned() -> None:
    these = room("bob")
    staged = these["alice"].commit(now=NOW)
    staged.drop()
    for _ in range(2):
        with pytest.raises(mls.OwnCommit) as caught:
            these["alice"].receive(staged.message)
        assert caught.value.verdict is mls.Verdict.HELD


def test_a_commit_made_again_shares_no_key_with_the_first_attempt() -> None:
    """Dropped before the acknowledgement and made anew, its Welcome is sealed under other keys."""
    these, zoe = room("bob"), person("zoe")
    welcomes = []
    for _ in range(3):
        staged = these["alice"].commit([zoe.add], now=NOW)
        assert staged.welcome is not None
        welcomes.append(mls.Welcome.decode(staged.welcome[4:]).encrypted_group_info)
        joined = forging.join(staged.welcome, zoe)
        assert joined.epoch == these["alice"].epoch + 1
        staged.drop()
    assert len(set(welcomes)) == 3
    assert len({info[:64] for info in welcomes}) == 3


@pytest.mark.parametrize("lost", ["the commit", "the answer"])
def test_a_facilitator_cut_off_in_the_middle_of_a_commit_ends_in_the_rooms_epoch(lost: str) -> None:
    """Whether the relay had taken it or not, the commit stands once, in one epoch for all."""
    world, ann, bob, cleo = three()
    before = group_of(ann).epoch
    result: list[object] = []
    dropped = world.drop(ann, Published, lambda _answer: lost == "the answer", most=1)
    committer_of(ann).committer.want(Making(result.append))
    if lost == "the answer":
        world.settle()
        assert len(dropped.hits) == 1
    ann.cut()
    world.advance(3)
    world.settle()
    assert epochs(ann, bob, cleo) == {before + 1}
    assert len(authenticators(ann, bob, cleo)) == 1
    assert result == [None]
    goes_on(world, ann, bob, cleo)
    assert not [p for p in bob.of(events.Problem) if p.code == "commit_refused"]
