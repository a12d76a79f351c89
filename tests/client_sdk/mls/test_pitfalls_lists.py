"""Fifteen pitfalls, 10 to 12: the shape of the tree, and lists of proposals."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.codec import Reader, opaque
from alcove.mls.proposals import ProposalOrRef
from alcove.mls.ratchet_tree import RatchetTree

from tests.client_sdk.mls.dishonesty import Patch, pathless, refused
from tests.client_sdk.mls.support import (
    NOW,
    SUITE,
    capabilities,
    epoch_of,
    found,
    person,
    room,
)

# 10. leftmost blank, extension and truncation (7.7)


def test_10_an_add_elsewhere_than_at_the_leftmost_blank_is_refused() -> None:
    these = room("bob", "carol", "dave")
    these.settle("alice", these["alice"].commit([mls.Remove(1), mls.Remove(2)], now=NOW))
    late = person("late")
    with Patch.context() as misbehave:
        misbehave.setattr(RatchetTree, "leftmost_blank", lambda _tree: 2)
        staged = these["alice"].commit([late.add], now=NOW)
    refused(these["dave"], staged.message, mls.ConfirmationMismatch)


def test_10_a_tree_that_was_not_truncated_is_refused() -> None:
    these = room("bob", "carol")
    with Patch.context() as misbehave:
        misbehave.setattr(RatchetTree, "truncate", lambda _tree: None)
        staged = these["alice"].commit([mls.Remove(2)], now=NOW)
    # Its path was encrypted under a context with another tree hash.
    refused(these["bob"], staged.message, mls.PathNotDecryptable)


def test_10_the_tree_doubles_and_halves() -> None:
    leaf = epoch_of(found()).tree.leaf(0)
    assert leaf is not None
    tree = RatchetTree([leaf])
    sizes = []
    for count in range(2, 10):
        assert tree.add(replace(leaf, encryption_key=b"%d" % count), 64) == count - 1
        sizes.append(tree.size)
    assert sizes == [2, 4, 4, 8, 8, 8, 8, 16]
    for index, size in ((8, 8), (5, 8), (7, 8), (6, 8), (4, 4), (1, 4), (3, 4), (2, 1)):
        tree.remove(index)
        tree.truncate()
        assert tree.size == size
    with pytest.raises(mls.TooLarge):
        tree.extend_to(64, 64)


def test_10_a_tree_that_ends_in_a_blank_or_mixes_nodes_is_invalid() -> None:
    group = room("bob")["alice"]
    leaf, encoded = group.member(0), group.ratchet_tree()
    assert leaf is not None
    body = Reader(encoded).opaque()
    with pytest.raises(mls.InvalidTree):
        RatchetTree.decode(opaque(body + b"\x00"), 64)
    with pytest.raises(mls.InvalidTree):
        RatchetTree.decode(opaque(b""), 64)
    node = b"\x01\x01" + leaf.encode()
    with pytest.raises(mls.InvalidTree):
        RatchetTree.decode(opaque(node + node), 64)
    with pytest.raises(mls.TooLarge):
        RatchetTree.decode(opaque(bytes(200) + node), 64)


# 11. order of application: GroupContextExtensions, Update, Remove, Add (12.3)


def test_11_a_committer_that_adds_before_it_removes_is_refused() -> None:
    these = room("bob", "carol", "dave")
    late = person("late")
    with Patch.context() as misbehave:
        real = RatchetTree.leftmost_blank
        misbehave.setattr(RatchetTree, "leftmost_blank", lambda tree: max(real(tree), 4))
        staged = these["alice"].commit([late.add, mls.Remove(1)], now=NOW)
    refused(these["dave"], staged.message, mls.InvalidPath)
    staged.drop()
    rightly = these["alice"].commit([late.add, mls.Remove(1)], now=NOW)
    assert rightly.added == (1,)
    these.groups.pop("bob")
    these.settle("alice", rightly, [late])


def test_11_new_extensions_are_in_force_for_the_adds_beside_them() -> None:
    kind = 0xF030
    caps = capabilities(extensions=(kind,))
    alice = found(caps=caps)
    required = mls.RequiredCapabilities(extension_types=(kind,))
    change = mls.GroupContextExtensions(
        (mls.Extension(mls.ExtensionType.REQUIRED_CAPABILITIES, required.encode()),)
    )
    without, able = person("bob"), person("bob", caps=caps)
    orders: list[list[mls.Proposal]] = [[without.add, change], [change, without.add]]
    for order in orders:
        with pytest.raises(mls.InvalidLeaf):
            alice.commit(order, now=NOW)
    alice.commit([able.add, change], now=NOW).merge()


# 12. when a path is required; a committer cannot commit its own Update (12.2, 12.4)


def test_12_a_commit_without_the_path_that_it_needs_is_refused() -> None:
    these = room("bob", "carol")
    alice, bob = these["alice"], these["bob"]
    refused(bob, pathless(alice), mls.PathRequired)
    refused(bob, pathless(alice, mls.Remove(these.index("carol"))), mls.PathRequired)
    refused(bob, pathless(alice, mls.GroupContextExtensions(())), mls.PathRequired)
    ref = these.propose_update("carol")
    refused(bob, pathless(alice, mls.ProposalRef(ref)), mls.PathRequired)
    # An Add needs none: then it is the confirmation tag that is wrong.
    refused(bob, pathless(alice, person("dave").add), mls.ConfirmationMismatch)
    staged = alice.commit([person("dave").add], now=NOW)
    assert not staged.has_path


def test_12_a_committer_cannot_commit_its_own_update_or_removal() -> None:
    these = room("bob", "carol")
    ref = these.propose_update("alice")
    with pytest.raises(mls.InvalidProposal):
        these["alice"].commit(references=[ref], now=NOW)
    with pytest.raises(mls.InvalidProposal):
        these["alice"].commit([mls.Remove(these.index("alice"))], now=NOW)
    refused(these["bob"], pathless(these["alice"], mls.ProposalRef(ref)), mls.InvalidProposalList)
    refused(these["bob"], pathless(these["alice"], mls.Remove(0)), mls.InvalidProposalList)
    these.settle("bob", these["bob"].commit(references=[ref], now=NOW))


def test_12_lists_that_contradict_themselves_are_refused() -> None:
    these = room("bob", "carol", "dave")
    alice, bob = these["alice"], these["bob"]
    ref = mls.ProposalRef(these.propose_update("carol"))
    carol, erin = mls.Remove(these.index("carol")), person("erin")
    nothing = mls.GroupContextExtensions(())
    reinit = mls.ReInit(b"next", 1, SUITE.number, ())
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    short = mls.PreSharedKey(replace(psk.psk, psk_nonce=b"short"))
    founding = mls.PreSharedKey(
        mls.PreSharedKeyID.of_epoch(
            SUITE, alice.group_id, 0, os.urandom, mls.ResumptionPSKUsage.REINIT
        )
    )
    lists: list[list[ProposalOrRef]] = [
        [ref, carol],
        [carol, carol],
        [ref, ref],
        [mls.Remove(99)],
        [nothing, nothing],
        [reinit, erin.add],
        [mls.ReInit(b"next", 0, SUITE.number, ())],
        [mls.ExternalInit(bytes(32))],
        [psk, psk],
        [short],
        [founding],
        [mls.CustomProposal(0xF0F0, b"")],
        [erin.add, erin.add],
        [erin.add, person("second", erin.signer).add],
        [these.people["bob"].renew().add],
    ]
    for items in lists:
        refused(bob, pathless(alice, *items), mls.InvalidProposalList)
