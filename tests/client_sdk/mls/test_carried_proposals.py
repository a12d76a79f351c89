"""Proposals that are read without consuming a key, and travel with the commit that names them."""

import pytest
from alcove import mls

from tests.client_sdk.mls.support import NOW, limits, room


def test_a_proposal_is_read_alike_however_often_and_whatever_came_before() -> None:
    these = room("bob", "carol")
    first = these["carol"].propose_update()
    second = these["carol"].propose_update()
    fresh = [these["bob"].read_proposal(message).ref for message in (second, first, second)]
    assert fresh[0] == fresh[2] != fresh[1]
    assert these["alice"].read_proposal(second).ref == fresh[0]
    assert these["carol"].read_proposal(second).ref == fresh[0]  # its own, by its bytes
    assert these["bob"].proposals == ()


def test_a_commit_names_what_it_carries_and_nothing_that_was_received_before() -> None:
    these = room("bob", "carol")
    message = these["carol"].propose_update()
    these["bob"].receive(message)
    read = these["alice"].read_proposal(message)
    staged = these["alice"].commit(carried=[read], now=NOW)
    with pytest.raises(mls.MissingProposal):
        these["bob"].receive(staged.message, carried=[])


def test_carried_proposals_are_followed_by_all() -> None:
    these = room("bob", "carol")
    message = these["carol"].propose_update()
    staged = these["alice"].commit(carried=[these["alice"].read_proposal(message)], now=NOW)
    after = [staged.merge()]
    for name in ("bob", "carol"):
        group = these[name]
        received = group.receive(staged.message, carried=[group.read_proposal(message)])
        assert isinstance(received, mls.StagedCommit)
        after.append(received.merge())
    assert len({group.epoch_authenticator for group in after}) == 1


def test_a_commit_is_no_proposal_to_read() -> None:
    these = room("bob")
    message = these["alice"].commit(force_path=True, now=NOW).message
    with pytest.raises(mls.InvalidMessage, match="not a proposal"):
        these["bob"].read_proposal(message)


def test_proposals_have_a_bound_of_their_own_and_commits_go_on() -> None:
    these = room("bob", policy=limits(max_proposal_generation=1))
    group = these["alice"]
    for _ in range(2):
        group.propose_update()
    with pytest.raises(mls.TooLarge, match="proposals of one epoch"):
        group.propose_update()
    staged = group.commit(force_path=True, now=NOW)
    assert isinstance(these["bob"].receive(staged.message), mls.StagedCommit)


def test_a_proposal_beyond_the_bound_is_refused_whatever_the_ratchet() -> None:
    these = room("bob", policy=limits(max_proposal_generation=1))
    sender = these["alice"]
    sender._epoch.policy = limits()  # a sender that bounds nothing
    messages = [sender.propose_update() for _ in range(3)]
    assert these["bob"].read_proposal(messages[1]).sender == sender.own_index
    for take in (these["bob"].read_proposal, these["bob"].receive):
        with pytest.raises(mls.GenerationOutOfRange):
            take(messages[2])


def test_a_commit_is_followed_after_its_refusal_by_the_application() -> None:
    these = room("bob")
    message = these["alice"].commit(force_path=True, now=NOW).message

    def never(_seen: mls.CommitView) -> None:
        raise PermissionError

    for _ in range(2):
        with pytest.raises(PermissionError):
            these["bob"].receive(message, approve=never)
    assert isinstance(these["bob"].receive(message), mls.StagedCommit)


def test_handshake_keys_that_were_passed_over_are_kept_beyond_the_bound_of_application_keys() -> (
    None
):
    """Members pass over different ones, and must not part over a commit for that."""
    these = room("bob", policy=limits(max_skipped_keys=1))
    alice = these["alice"]
    messages = [alice.propose_update() for _ in range(4)]
    these["bob"].receive(messages[3])
    for message in messages[:3]:
        assert isinstance(these["bob"].receive(message), mls.ReceivedProposal)


def test_changes_are_judged_without_making_a_commit() -> None:
    these = room("bob", "carol")
    alice = these["alice"]
    bobs = alice.read_proposal(these["bob"].propose_update())
    again = alice.read_proposal(these["bob"].propose_update())
    alice.check_changes([bobs])
    with pytest.raises(mls.InvalidProposal, match="several changes of one leaf"):
        alice.check_changes([bobs, again])
    with pytest.raises(mls.InvalidProposal, match="several changes of one leaf"):
        alice.check_changes([bobs], [mls.Remove(these["bob"].own_index)])
    assert alice.commit(carried=[again], now=NOW).updated == (these["bob"].own_index,)
