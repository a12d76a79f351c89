"""Commits that wait: own ones that a relay may take after all, and received ones of which only one
can be chosen."""

from __future__ import annotations

import os
from typing import Literal

import pytest
from alcove import mls

from tests.client_sdk.mls.refusals import these_three
from tests.client_sdk.mls.support import NOW, epoch_of, person, release
from tests.client_sdk.mls.test_replays import encrypt_again, read
from tests.client_sdk.mls.validation.forging import refused


def secrets_of(staged: mls.StagedCommit) -> mls.Secret:
    following = staged._transition.next
    assert following is not None
    return following.secrets.init_secret


def test_a_commit_set_aside_is_merged_when_the_log_brings_it() -> None:
    """The relay answered `refused`, and delivered the commit all the same."""
    these = these_three()
    alice = these["alice"]
    refused_one = alice.commit([person("zoe").add], now=NOW)
    refused_one.set_aside()
    assert alice.state is mls.GroupState.OPERATIONAL
    second = alice.commit(force_path=True, now=NOW)
    found = alice.receive(refused_one.message)
    assert found is refused_one
    merged = [refused_one.merge()]
    for name in ("bob", "carol"):
        received = these[name].receive(refused_one.message)
        assert isinstance(received, mls.StagedCommit)
        merged.append(received.merge())
    assert len({group.epoch_authenticator for group in merged}) == 1
    assert secrets_of(second).wiped
    with pytest.raises(mls.StagedCommitSpent):
        second.merge()


@pytest.mark.parametrize("pending", [True, False])
def test_an_own_commit_is_known_in_other_bytes(pending: bool) -> None:
    """Any member can encrypt it again (RFC 9420, 16.11), and the others take it then."""
    these = these_three()
    staged = these["alice"].commit(now=NOW)
    if not pending:
        staged.set_aside()
    again = encrypt_again(these["bob"], read(these["bob"], staged.message), 1)
    assert these["alice"].receive(again) is staged
    received = these["carol"].receive(again)
    assert isinstance(received, mls.StagedCommit)
    assert received.merge().epoch_authenticator == staged.merge().epoch_authenticator


def test_an_own_commit_is_judged_as_the_others_judge_it() -> None:
    """By what came with it, and by the application."""
    these = these_three()
    alice = these["alice"]
    read_one = alice.read_proposal(these["bob"].propose_update())
    staged = alice.commit(carried=[read_one], now=NOW)
    staged.set_aside()
    with pytest.raises(mls.MissingProposal):
        alice.receive(staged.message, carried=[])

    def never(_seen: mls.CommitView) -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        alice.receive(staged.message, carried=[read_one], approve=never)
    assert alice.receive(staged.message, carried=[read_one]) is staged


def test_another_commit_wipes_what_was_set_aside() -> None:
    these = these_three()
    aside = these["alice"].commit(now=NOW)
    aside.set_aside()
    these.settle("bob", these["bob"].commit(now=NOW))
    assert secrets_of(aside).wiped
    with pytest.raises(mls.StagedCommitSpent):
        aside.merge()


def test_a_commit_set_aside_can_be_dropped_while_another_is_on_its_way() -> None:
    these = these_three()
    alice = these["alice"]
    aside = alice.commit(now=NOW)
    aside.set_aside()
    second = alice.commit(now=NOW)
    aside.set_aside()
    aside.drop()
    assert alice.state is mls.GroupState.COMMIT_PENDING
    refused(alice, aside.message, mls.OwnCommit, "which was dropped")
    assert alice.receive(second.message) is second


def test_commits_set_aside_are_bounded_and_the_oldest_is_wiped() -> None:
    these = these_three(max_staged=2)
    alice, made = these["alice"], []
    for _ in range(3):
        made.append(alice.commit(now=NOW))
        made[-1].set_aside()
    assert [secrets_of(staged).wiped for staged in made] == [True, False, False]
    refused(alice, made[0].message, mls.OwnCommit, "which was dropped")
    for staged in made[1:]:
        assert alice.receive(staged.message) is staged


@pytest.mark.parametrize("wire", ["private", "public"])
def test_received_commits_that_are_not_chosen_are_bounded_and_wiped(
    wire: Literal["private", "public"],
) -> None:
    these = these_three(max_staged=3)
    bob, staged = these["bob"], []
    for _ in range(5):
        message = these["alice"].commit(wire_format=wire, now=NOW).message
        release(these["alice"])
        received = bob.receive(message)
        assert isinstance(received, mls.StagedCommit)
        staged.append(received)
    assert [secrets_of(one).wiped for one in staged] == [True, True, False, False, False]
    with pytest.raises(mls.StagedCommitSpent):
        staged[0].merge()
    assert staged[3].merge().epoch == epoch_of(these["alice"]).context.epoch + 1
    assert secrets_of(staged[4]).wiped


def test_own_commits_do_not_push_received_ones_out() -> None:
    these = these_three(max_staged=1)
    bob = these["bob"]
    received = bob.receive(these["alice"].commit(now=NOW).message)
    own = bob.commit(authenticated_data=os.urandom(8), now=NOW)
    assert isinstance(received, mls.StagedCommit)
    assert not secrets_of(received).wiped
    assert not secrets_of(own).wiped
