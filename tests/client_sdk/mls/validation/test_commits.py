"""Sections 12.4, 12.4.1 and 12.4.2: making and following a commit."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls import treekem
from alcove.mls.framing import WireFormat
from alcove.mls.nodes import LeafNode
from alcove.mls.treekem import Ciphertexts, UpdatePathNode

from tests.client_sdk.mls.support import NOW, epoch_of, forge, found, person, release, room, seal
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import SUITE, list_refused, refused


def test_an_empty_commit_without_a_path() -> None:
    """12.4-1"""
    these = room("bob")
    refused(these["bob"], forging.pathless(these["alice"]), mls.PathRequired, "must renew")


def test_a_commit_without_the_path_that_its_proposals_need() -> None:
    """12.4-2"""
    these = room("bob", "carol")
    update = mls.ProposalRef(these.propose_update("carol"))
    for item in (update, mls.Remove(2), mls.GroupContextExtensions(())):
        message = forging.pathless(these["alice"], item)
        refused(these["bob"], message, mls.PathRequired, "must renew")


def test_proposals_that_a_commit_leaves_out() -> None:
    """12.4-3"""
    these = room("bob", "carol")
    these.propose_update("bob")
    these.settle("alice", these["alice"].commit(now=NOW))
    assert these["bob"].proposals == ()


def test_the_sender_looks_for_its_pre_shared_keys() -> None:
    """12.4.1-1"""
    group = room("bob")["alice"]
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    forging.cannot_commit(group, mls.MissingPsk, "pre-shared key that is not at hand", psk)


def test_the_sender_refers_to_what_it_knows() -> None:
    """12.4.1-2"""
    group = room("bob")["alice"]
    unknown = [forging.by_reference(bytes(32))]
    detail = "a reference to an unknown proposal"
    forging.cannot_commit(group, mls.CannotCommit, detail, references=unknown)


def test_a_commit_of_another_epoch() -> None:
    """12.4.2-1"""
    these = room("bob", "carol")
    late = these["alice"].commit(now=NOW)
    these.settle("carol", these["carol"].commit(now=NOW))
    refused(these["bob"], late.message, mls.WrongEpoch, "another epoch")
    other = room("bob")["alice"].commit(wire_format="public", now=NOW)
    refused(these["bob"], other.message, mls.WrongEpoch, "another epoch")


@pytest.mark.parametrize("tag", [b"", bytes(32)])
def test_a_public_commit_without_the_right_membership_tag(tag: bytes) -> None:
    """12.4.2-2"""
    these = room("bob")
    staged = these["alice"].commit(wire_format="public", now=NOW)
    content = mls.AuthenticatedContent.decode(staged.content)
    message = forging.public(content, tag)
    refused(these["bob"], message, mls.CommitUnreadable, "the membership tag is wrong")


def test_a_private_commit_that_does_not_open() -> None:
    """12.4.2-3"""
    these = room("bob")
    message = bytearray(these["alice"].commit(now=NOW).message)
    message[-1] ^= 1
    refused(these["bob"], bytes(message), mls.CommitUnreadable, "A ciphertext does not open")


def test_a_commit_whose_signature_is_anothers() -> None:
    """12.4.2-4"""
    these = room("bob", "carol")
    alice = mls.Sender.member(0)
    for content in (
        forge(these["alice"], mls.Commit((), None), signer=SUITE.signature_keypair(os.urandom)),
        forge(these["carol"], mls.Commit((), None), sender=alice),
    ):
        message = seal(these["carol"], content)
        refused(these["bob"], message, mls.CommitUnreadable, "does not verify")


def test_a_commit_with_a_pre_shared_key_that_is_not_at_hand() -> None:
    """12.4.2-5"""
    these = room("bob")
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    store = mls.PskStore({b"id": mls.Secret(b"k" * 32)})
    staged = these["alice"].commit([psk], psks=store, now=NOW)
    refused(these["bob"], staged.message, mls.MissingPsk, "not at hand")
    other = mls.PskStore({b"id": mls.Secret(b"z" * 32)})
    refused(these["bob"], staged.message, mls.PskMismatch, "another value", other)


def test_a_commit_that_refers_to_an_unknown_proposal() -> None:
    """12.4.2-6"""
    these = room("bob")
    message = forging.pathless(these["alice"], mls.ProposalRef(bytes(32)))
    refused(these["bob"], message, mls.MissingProposal, "never arrived here")


def test_a_path_that_keeps_the_committers_key() -> None:
    """12.4.2-7"""
    these = room("bob")
    old = these["alice"].member(0)
    assert old is not None

    def alter(leaf: LeafNode) -> LeafNode:
        return replace(leaf, encryption_key=old.encryption_key)

    staged = forging.commit_with_leaf(these["alice"], alter)
    refused(these["bob"], staged.message, mls.InvalidPath, "a key is not new")


Nodes = tuple[UpdatePathNode, ...]


def _with_nodes(group: mls.Group, alter: Callable[[Nodes], Nodes]) -> mls.StagedCommit:
    """A commit whose path nodes were altered before it was signed."""
    real: Any = treekem.encrypt_path
    with forging.lawless() as patch:
        patch.setattr(forging.create_commit, "encrypt_path", lambda *a: alter(real(*a)))
        release(group)
        return group.commit(now=NOW)


def _these() -> Any:
    these = room("bob", "carol", "dave")
    these.settle("carol", these["carol"].commit(now=NOW))
    return these


def test_a_path_with_a_key_that_is_in_the_new_tree_or_twice_in_the_path() -> None:
    """12.4.2-8"""
    these = _these()
    tree = epoch_of(these["alice"]).tree
    for known in (tree.nodes[4], tree.nodes[5]):
        assert known is not None
        value = known.encryption_key
        staged = _with_nodes(
            these["alice"],
            # Mypy infers no lambda with defaults.
            lambda nodes, value=value: (replace(nodes[0], encryption_key=value), *nodes[1:]),  # type: ignore[misc]
        )
        refused(these["bob"], staged.message, mls.InvalidPath, "a key is not new")
    staged = _with_nodes(
        these["alice"],
        lambda nodes: (nodes[0], replace(nodes[1], encryption_key=nodes[0].encryption_key)),
    )
    refused(these["bob"], staged.message, mls.InvalidPath, "a key is not new")


def test_a_path_with_a_node_too_few_or_too_many() -> None:
    """12.4.2-9"""
    these = _these()
    for alter in (lambda nodes: nodes[:-1], lambda nodes: (*nodes, nodes[0]), lambda _nodes: ()):
        staged = _with_nodes(these["alice"], alter)
        detail = "not one node for each of the filtered direct path"
        refused(these["bob"], staged.message, mls.InvalidPath, detail)


def test_a_path_with_a_ciphertext_too_few_or_of_another_form() -> None:
    """12.4.2-10"""
    these = _these()

    def with_data(change: Callable[[bytes], bytes]) -> mls.StagedCommit:
        def alter(nodes: Nodes) -> Nodes:
            last = nodes[-1]
            data = change(last.encrypted_path_secret.data)
            return (*nodes[:-1], replace(last, encrypted_path_secret=Ciphertexts(data)))

        return _with_nodes(these["alice"], alter)

    for change, detail in (
        (lambda data: data[: len(data) // 2], "not one ciphertext for each node"),
        (lambda data: data + data, "not one ciphertext for each node"),
        (lambda data: b"\x1f" + data[1:], "a path ciphertext of another size"),
    ):
        refused(these["bob"], with_data(change).message, mls.InvalidPath, detail)


@pytest.mark.parametrize("key", [b"", bytes(32), bytes(33)])
def test_a_path_with_a_key_that_is_none_of_the_suite(key: bytes) -> None:
    """12.4.2-11"""
    these = _these()
    staged = _with_nodes(
        these["alice"], lambda nodes: (replace(nodes[0], encryption_key=key), *nodes[1:])
    )
    refused(these["bob"], staged.message, mls.InvalidPath, "A public key is not valid")


def test_a_path_that_does_not_open() -> None:
    """12.4.2-12"""
    these = _these()

    def alter(nodes: Nodes) -> Nodes:
        data = bytearray(nodes[0].encrypted_path_secret.data)
        data[-1] ^= 1
        return (replace(nodes[0], encrypted_path_secret=Ciphertexts(bytes(data))), *nodes[1:])

    staged = _with_nodes(these["alice"], alter)
    refused(these["bob"], staged.message, mls.PathNotDecryptable, "do not open here")
    # Carol has another ciphertext: she follows.
    assert isinstance(these["carol"].receive(staged.message), mls.StagedCommit)


def test_a_path_secret_of_other_keys_than_the_path_shows() -> None:
    """12.4.2-13"""
    these = _these()
    other = SUITE.hpke_keypair(os.urandom).public
    real: Any = treekem.derive_path

    def derive(suite: Any, first: mls.Secret, count: int) -> Any:
        path = real(suite, first, count)
        keys = (mls.HpkeKeyPair(path.keys[0].private, other), *path.keys[1:])
        return replace(path, keys=keys)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forging.create_commit, "derive_path", derive)
        staged = these["alice"].commit(now=NOW)
    refused(these["bob"], staged.message, mls.PathKeyMismatch, "not those that the commit shows")


def test_a_false_confirmation_tag() -> None:
    """12.4.2-14"""
    these = room("bob")
    content = mls.AuthenticatedContent.decode(these["alice"].commit(now=NOW).content)
    message = seal(these["alice"], replace(content, confirmation_tag=bytes(32)))
    refused(these["bob"], message, mls.ConfirmationMismatch, "does not confirm")


def test_a_group_that_a_reinit_ended_sends_nothing_more() -> None:
    """12.4.2-15"""
    these = room("bob")
    staged = these["alice"].commit([mls.ReInit(b"next", 1, SUITE.number, ())], now=NOW)
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    bob = received.merge()
    sending: tuple[Callable[[], object], ...] = (
        lambda: bob.encrypt(b""),
        lambda: bob.propose(mls.Remove(0), now=NOW),
        bob.propose_update,
        lambda: bob.commit(now=NOW),
    )
    for send in sending:
        with pytest.raises(mls.GroupClosed, match="ended by a ReInit"):
            send()


def test_a_removed_member_has_no_next_epoch() -> None:
    """12.4.2-16"""
    these = room("bob", "carol")
    staged = these["alice"].commit([mls.Remove(1)], now=NOW)
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    with pytest.raises(mls.RemovedFromGroup):
        received.merge()
    these["bob"].wipe()
    with pytest.raises(mls.GroupClosed):
        these["bob"].receive(staged.message)


def test_a_members_commit_in_another_wire_format_than_it_was_signed_for() -> None:
    """12.4.2-17"""
    these = room("bob")
    content = mls.AuthenticatedContent.decode(these["alice"].commit(now=NOW).content)
    moved = replace(content, wire_format=WireFormat.PUBLIC_MESSAGE)
    message = seal(these["alice"], moved)
    refused(these["bob"], message, mls.CommitUnreadable, "does not verify")


def test_a_list_is_judged_by_each_receiver() -> None:
    """12.4.2-18"""
    these = room("bob", "carol")
    again, nothing = these.people["carol"].renew(), mls.GroupContextExtensions(())
    # What is wrong with a list before it is applied, and what shows only afterwards.
    lists: tuple[tuple[tuple[mls.Proposal, ...], str], ...] = (
        ((nothing, nothing), "several GroupContextExtensions"),
        ((again.add,), "two members with one signature key"),
    )
    for name, others in (("alice", ("bob", "carol")), ("carol", ("alice", "bob"))):
        for proposals, detail in lists:
            staged = forging.lawless_commit(these[name], *proposals)
            list_refused([these[other] for other in others], staged.message, detail)


def test_a_commit_in_the_last_epoch() -> None:
    """12.4.2-19"""
    alice, bob = found(), person("bob")
    epoch = epoch_of(alice)
    epoch.context = replace(epoch.context, epoch=2**64 - 2)
    staged = alice.commit([bob.add], now=NOW)
    assert staged.welcome is not None
    joined, alice = forging.join(staged.welcome, bob), staged.merge()
    with pytest.raises(mls.CannotCommit, match="the last epoch"):
        alice.commit(now=NOW)
    refused(joined, forging.pathless(alice), mls.InvalidCommit, "the last epoch")
