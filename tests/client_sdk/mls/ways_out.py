"""The ways out of an epoch and of a commit. Each returns what lives on."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls import create_commit, transition, treekem

from tests.client_sdk.mls.support import (
    NOW,
    SUITE,
    Room,
    forge,
    found,
    limits,
    person,
    room,
    seal,
)
from tests.client_sdk.mls.validation import forging


def receive(group: mls.Group, message: bytes, *how: Any) -> mls.StagedCommit:
    staged = group.receive(message, *how)
    assert isinstance(staged, mls.StagedCommit)
    return staged


def refuse(error: type[BaseException], act: Callable[[], object]) -> None:
    with pytest.raises(error):
        act()


# -- commits that are merged or dropped


def own_commit_merged(these: Room) -> object:
    these.groups["alice"] = these["alice"].commit(force_path=True, now=NOW).merge()
    return these


def own_add_merged_and_joined(these: Room) -> object:
    zoe = person("zoe")
    these.settle("alice", these["alice"].commit([zoe.add], force_path=True, now=NOW), [zoe])
    return these


def anothers_commit_merged(these: Room) -> object:
    these.settle("bob", these["bob"].commit(force_path=True, now=NOW))
    return these


def own_update_taken(these: Room) -> object:
    these.settle("alice", these["alice"].commit((), [these.propose_update("bob")], now=NOW))
    return these


def own_update_left_out(these: Room) -> object:
    these.propose_update("bob")
    these.settle("alice", these["alice"].commit(now=NOW))
    return these


def own_commit_dropped(these: Room) -> object:
    zoe = person("zoe")
    these["alice"].commit([zoe.add], force_path=True, now=NOW).drop()
    return these, zoe


def anothers_commit_dropped(these: Room) -> object:
    receive(these["bob"], these["alice"].commit(now=NOW).message).drop()
    return these


def own_commit_set_aside_and_brought_by_the_log(these: Room) -> object:
    """Another one is on its way then, and goes with the epoch."""
    zoe = person("zoe")
    aside = these["alice"].commit([zoe.add], force_path=True, now=NOW)
    aside.set_aside()
    these["alice"].commit(force_path=True, now=NOW)
    assert receive(these["alice"], aside.message) is aside
    these.settle("alice", aside)
    return these, zoe


def own_commit_set_aside_and_overtaken(these: Room) -> object:
    these["bob"].commit(force_path=True, now=NOW).set_aside()
    these.settle("alice", these["alice"].commit(now=NOW))
    return these


def more_commits_than_are_kept(_these: Room) -> object:
    few = room("bob", policy=limits(max_staged=1))
    for _ in range(3):
        staged = few["alice"].commit(force_path=True, now=NOW)
        staged.set_aside()
        receive(few["bob"], staged.message)
    return few, few.people


def own_commit_overtaken(these: Room) -> object:
    these["bob"].commit(force_path=True, now=NOW)
    these.settle("alice", these["alice"].commit(now=NOW))
    return these


def one_of_two_merged(these: Room) -> object:
    message = these["alice"].commit(wire_format="public", now=NOW).message
    first, second = receive(these["bob"], message), receive(these["bob"], message)
    these.groups["bob"] = first.merge()
    refuse(mls.StagedCommitSpent, second.merge)
    return these


def with_a_pre_shared_key(these: Room) -> object:
    psk = mls.PreSharedKeyID.of_epoch(SUITE, these["alice"].group_id, 1, os.urandom)
    these.settle("alice", these["alice"].commit([mls.PreSharedKey(psk)], now=NOW))
    return these


def with_two_pre_shared_keys(these: Room) -> object:
    one, two = (mls.PreSharedKeyID.external(SUITE, name, os.urandom) for name in (b"1", b"2"))
    store = mls.PskStore({b"1": mls.Secret(b"a" * 32), b"2": mls.Secret(b"b" * 32)})
    proposals = [mls.PreSharedKey(one), mls.PreSharedKey(two)]
    staged = these["alice"].commit(proposals, psks=store, now=NOW)
    for name in ("bob", "carol"):
        these.groups[name] = receive(these[name], staged.message, store).merge()
    these.groups["alice"] = staged.merge()
    return these, store


def added_next_to_the_committer(_these: Room) -> object:
    """The newcomer gets a path secret of which more than one key follows."""
    five, zoe = room("bob", "carol", "dave", "erin"), person("zoe")
    five.settle("erin", five["erin"].commit([zoe.add], force_path=True, now=NOW), [zoe])
    return five, five.people


def exported(these: Room) -> object:
    return these, these["bob"].export("label", b"", 32), these["alice"].resumption_psk


def removed(these: Room) -> object:
    staged = these["alice"].commit([mls.Remove(these.index("bob"))], now=NOW)
    refuse(mls.RemovedFromGroup, receive(these.groups.pop("bob"), staged.message).merge)
    these.settle("alice", staged)
    return these


def wiped(these: Room) -> object:
    these.groups.pop("bob").wipe()
    return these


def wiped_while_everything_waits(these: Room) -> object:
    bob = these.groups.pop("bob")
    bob.propose_update()
    receive(bob, these["alice"].commit(now=NOW).message)
    bob.commit(force_path=True, now=NOW)
    bob.wipe()
    return these


def wiped_after_late_epochs_were_kept(_these: Room) -> object:
    late = room("bob", policy=limits(past_epochs=1, past_resumption_psks=1))
    for _ in range(3):
        late.settle("alice", late["alice"].commit(now=NOW))
    late.groups.pop("bob").wipe()
    return late


def removed_after_late_epochs_were_kept(_these: Room) -> object:
    late = room("bob", policy=limits(past_epochs=2))
    for _ in range(3):
        late.settle("alice", late["alice"].commit(now=NOW))
    return removed(late)


def ended_by_a_reinit_and_wiped(these: Room) -> object:
    these.groups.pop("carol").wipe()
    staged = these["alice"].commit([mls.ReInit(b"next", 1, SUITE.number, ())], now=NOW)
    receive(these.groups.pop("bob"), staged.message).merge().wipe()
    these.groups["alice"] = staged.merge()
    return these


# -- commits that are refused


def list_refused(these: Room) -> object:
    again = these.people["bob"].renew()
    message = forging.lawless_commit(these["alice"], again.add).message
    refuse(mls.InvalidProposalList, lambda: these["bob"].receive(message))
    return these, again


def refused_by_the_application(these: Room) -> object:
    message = these["alice"].commit(now=NOW).message

    def never(_seen: mls.CommitView) -> None:
        raise PermissionError

    refuse(PermissionError, lambda: these["bob"].receive(message, approve=never))
    return these


def false_tag(these: Room) -> object:
    def wrong(*arguments: Any) -> Any:
        context, joiner, secrets = transition.derive_epoch(*arguments)
        secrets.confirmation_key.wipe()
        return context, joiner, replace(secrets, confirmation_key=mls.Secret(b"k" * 32))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create_commit, "derive_epoch", wrong)
        staged = these["alice"].commit(force_path=True, now=NOW)
    refuse(mls.ConfirmationMismatch, lambda: these["bob"].receive(staged.message))
    staged.drop()
    return these


def path_for_others(these: Room) -> object:
    def none_is_right(*arguments: Any) -> Any:
        nodes = treekem.encrypt_path(*arguments)
        return tuple(
            replace(node, encrypted_path_secret=treekem.Ciphertexts(_flip(node))) for node in nodes
        )

    with forging.lawless() as patch:
        patch.setattr(create_commit, "encrypt_path", none_is_right)
        staged = these["alice"].commit(force_path=True, now=NOW)
    refuse(mls.PathNotDecryptable, lambda: these["bob"].receive(staged.message))
    staged.drop()
    return these


def _flip(node: treekem.UpdatePathNode) -> bytes:
    data = node.encrypted_path_secret.data
    return data[:-1] + bytes((data[-1] ^ 1,))


def path_of_other_keys(these: Room) -> object:
    def derive(suite: Any, first: mls.Secret, count: int) -> Any:
        path = treekem.derive_path(suite, first, count)
        other = SUITE.hpke_keypair(os.urandom)
        other.wipe()
        return replace(path, keys=(replace(path.keys[0], public=other.public), *path.keys[1:]))

    with forging.lawless() as patch:
        patch.setattr(create_commit, "derive_path", derive)
        staged = these["alice"].commit(force_path=True, now=NOW)
    refuse(mls.PathKeyMismatch, lambda: these["bob"].receive(staged.message))
    staged.drop()
    return these


def pre_shared_key_missing_or_other(these: Room) -> object:
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    mine, theirs = (mls.PskStore({b"id": mls.Secret(byte * 32)}) for byte in (b"a", b"b"))
    staged = these["alice"].commit([psk], force_path=True, psks=mine, now=NOW)
    refuse(mls.MissingPsk, lambda: these["bob"].receive(staged.message))
    refuse(mls.PskMismatch, lambda: these["carol"].receive(staged.message, theirs))
    staged.drop()
    return these, mine, theirs


def proposal_missing(these: Room) -> object:
    these["alice"].propose_update()
    ref = these["bob"].propose(mls.Remove(2), now=NOW) and these["bob"].proposals[0].ref
    message = these["bob"].commit(references=[ref], now=NOW).message
    refuse(mls.MissingProposal, lambda: these["alice"].receive(message))
    return these


def unreadable(these: Room) -> object:
    content = replace(forge(these["alice"], mls.Commit((), None)), signature=bytes(64))
    refuse(mls.CommitUnreadable, lambda: these["bob"].receive(seal(these["alice"], content)))
    return these


# -- what is not made


def commit_that_is_not_made(these: Room) -> object:
    alice, zoe = these["alice"], person("zoe")
    unlisted = (mls.Extension(0xF123, b""),)
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    refuse(mls.InvalidLeaf, lambda: alice.commit(leaf_extensions=unlisted, now=NOW))
    refuse(mls.InvalidProposal, lambda: alice.commit([mls.Remove(0)], now=NOW))
    refuse(mls.MissingPsk, lambda: alice.commit([psk], now=NOW))
    refuse(mls.CannotCommit, lambda: alice.commit(references=[b"?"], now=NOW))
    store = mls.PskStore({b"id": mls.Secret(b"a" * 32)})
    refuse(
        mls.InvalidLeaf,
        lambda: alice.commit([psk], psks=store, leaf_extensions=unlisted, now=NOW),
    )
    kept = room("bob", policy=limits(past_resumption_psks=1))
    refuse(mls.InvalidLeaf, lambda: kept["bob"].commit(leaf_extensions=unlisted, now=NOW))
    refuse(mls.InvalidLeaf, lambda: alice.propose_update(leaf_extensions=unlisted))
    large = (mls.Extension(0xF001, bytes(5 * 2**20)),)
    refuse(
        mls.TooLarge,
        lambda: alice.commit([zoe.add], group_info_extensions=large, force_path=True, now=NOW),
    )
    refuse(
        mls.TooLarge, lambda: alice.commit(padding=lambda _n: 5 * 2**20, force_path=True, now=NOW)
    )
    refuse(mls.TooLarge, lambda: alice.propose_update(padding=lambda _n: 5 * 2**20))
    assert alice.state is mls.GroupState.OPERATIONAL
    return these, zoe, store, kept, kept.people


def group_that_is_not_founded(these: Room) -> object:
    signer, unlisted = SUITE.signature_keypair(os.urandom), (mls.Extension(0xF001, b""),)
    refuse(mls.InvalidLeaf, lambda: found(extensions=unlisted, signer=signer))
    return these, signer


WAYS: list[Callable[[Room], object]] = [
    own_commit_merged,
    own_add_merged_and_joined,
    anothers_commit_merged,
    own_update_taken,
    own_update_left_out,
    own_commit_dropped,
    anothers_commit_dropped,
    own_commit_set_aside_and_brought_by_the_log,
    own_commit_set_aside_and_overtaken,
    more_commits_than_are_kept,
    own_commit_overtaken,
    one_of_two_merged,
    with_a_pre_shared_key,
    with_two_pre_shared_keys,
    added_next_to_the_committer,
    exported,
    removed,
    wiped,
    wiped_while_everything_waits,
    wiped_after_late_epochs_were_kept,
    removed_after_late_epochs_were_kept,
    ended_by_a_reinit_and_wiped,
    list_refused,
    refused_by_the_application,
    false_tag,
    path_for_others,
    path_of_other_keys,
    pre_shared_key_missing_or_other,
    proposal_missing,
    unreadable,
    commit_that_is_not_made,
    group_that_is_not_founded,
]
