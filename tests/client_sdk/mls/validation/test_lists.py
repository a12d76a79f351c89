"""Sections 12.2 and 12.3: which proposals may stand together, and in what order they act."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.nodes import LeafNode
from alcove.mls.proposals import ProposalOrRef
from alcove.mls.ratchet_tree import RatchetTree

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    Room,
    capabilities,
    dropped,
    found,
    person,
    release,
    room,
)
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import SUITE, list_refused, refused


def test_an_invalid_proposal_spoils_its_list() -> None:
    """12.2-1"""
    these = room("bob", "carol")
    bad = mls.Add(forging.key_package(person("bad"), resign=False, signature=bytes(64)))
    staged = forging.lawless_commit(these["alice"], person("good").add, bad)
    list_refused([these["bob"], these["carol"]], staged.message, "A signature does not verify")


def test_an_update_of_the_committer() -> None:
    """12.2-2"""
    these = room("bob", "carol")
    ref = these.propose_update("alice")
    detail = "a committer's own Update"
    forging.cannot_commit(
        these["alice"], mls.InvalidProposal, detail, references=[forging.by_reference(ref)]
    )
    staged = forging.lawless_commit(these["alice"], references=[ref])
    list_refused([these["bob"], these["carol"]], staged.message, detail)


def test_a_committer_that_removes_itself() -> None:
    """12.2-3"""
    these = room("bob", "carol")
    detail = "a committer cannot remove itself"
    forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, mls.Remove(0))
    message = forging.pathless(these["alice"], mls.Remove(0))
    list_refused([these["bob"], these["carol"]], message, detail)


def test_several_changes_of_one_leaf() -> None:
    """12.2-4"""
    these = room("bob", "carol")
    one, two = these.propose_update("carol"), these.propose_update("carol")
    remove = mls.Remove(2)
    detail = "several changes of one leaf"
    lists: list[tuple[list[bytes], list[mls.Proposal]]] = [
        ([one, two], []),
        ([one], [remove]),
        ([], [remove, remove]),
    ]
    for refs, more in lists:
        with pytest.raises(mls.InvalidProposal, match=detail):
            these["alice"].commit(more, refs, now=NOW)
        items: list[ProposalOrRef] = [*map(mls.ProposalRef, refs), *more]
        list_refused([these["bob"]], forging.pathless(these["alice"], *items), detail)


def test_one_client_added_twice() -> None:
    """12.2-5"""
    these = room("bob")
    zoe = person("zoe")
    detail = "two members with one signature key"
    forging.cannot_commit(these["alice"], mls.InvalidLeaf, detail, zoe.add, zoe.renew().add)
    staged = forging.lawless_commit(these["alice"], zoe.add, zoe.renew().add)
    list_refused([these["bob"]], staged.message, detail)


def test_a_client_added_that_is_there_already() -> None:
    """12.2-6"""
    these = room("bob", "carol")
    again = these.people["carol"].renew()
    detail = "two members with one signature key"
    forging.cannot_commit(these["alice"], mls.InvalidLeaf, detail, again.add)
    staged = forging.lawless_commit(these["alice"], again.add)
    list_refused([these["bob"]], staged.message, detail)
    release(these["alice"])
    allowed = these["alice"].commit([mls.Remove(2), again.add], now=NOW)
    assert isinstance(these["bob"].receive(allowed.message), mls.StagedCommit)


def test_one_pre_shared_key_twice() -> None:
    """12.2-7"""
    these = room("bob")
    store = mls.PskStore({b"id": mls.Secret(b"k" * 32)})
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    detail = "one pre-shared key twice"
    forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, psk, psk, psks=store)
    staged = forging.lawless_commit(these["alice"], psk, psk, psks=store)
    refused(these["bob"], staged.message, mls.InvalidProposalList, detail, store)
    detail = "too many pre-shared keys"
    many = [
        mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom)) for _ in range(129)
    ]
    forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, *many, psks=store)
    staged = forging.lawless_commit(these["alice"], *many, psks=store)
    refused(these["bob"], staged.message, mls.InvalidProposalList, detail, store)


def test_several_group_context_extensions() -> None:
    """12.2-8"""
    these = room("bob")
    nothing = mls.GroupContextExtensions(())
    detail = "several GroupContextExtensions"
    forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, nothing, nothing)
    staged = forging.lawless_commit(these["alice"], nothing, nothing)
    list_refused([these["bob"]], staged.message, detail)


def test_a_reinit_beside_anything() -> None:
    """12.2-9"""
    these = room("bob")
    reinit = mls.ReInit(b"next", 1, SUITE.number, ())
    for other in (person("zoe").add, reinit):
        detail = "ReInit with other proposals"
        forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, reinit, other)
        staged = forging.lawless_commit(these["alice"], reinit, other)
        list_refused([these["bob"]], staged.message, detail)


def test_an_external_init_in_a_members_commit() -> None:
    """12.2-10"""
    these = room("bob")
    detail = "ExternalInit in a member's commit"
    proposal = mls.ExternalInit(bytes(32))
    forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, proposal)
    staged = forging.lawless_commit(these["alice"], proposal)
    list_refused([these["bob"]], staged.message, detail)


def test_a_custom_proposal_that_a_member_does_not_know() -> None:
    """12.2-11"""
    caps = capabilities(proposals=(0xF0F1,))
    bob, zoe = person("bob", caps=caps), person("zoe")
    these = Room({"alice": found(caps=caps)}, {})
    these.settle("alice", these["alice"].commit([bob.add, zoe.add], now=NOW), [bob, zoe])
    custom, detail = mls.CustomProposal(0xF0F1, b"data"), "that not all members support"
    forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, custom)
    staged = forging.lawless_commit(these["alice"], custom)
    list_refused([these["bob"], these["zoe"]], staged.message, detail)
    for kind in forging.GREASE:
        staged = forging.lawless_commit(these["alice"], mls.CustomProposal(kind, b""))
        list_refused([these["bob"]], staged.message, detail)
    # A member that the same commit removes, or adds, need not know it.
    yves = person("yves")
    release(these["alice"])
    staged = these["alice"].commit([custom, mls.Remove(2), yves.add], now=NOW)
    these.groups.pop("zoe")
    these.settle("alice", staged, [yves])


def test_a_list_that_leaves_an_invalid_tree() -> None:
    """12.2-12"""
    these = room("bob", "carol", "dave")
    key = SUITE.hpke_keypair(os.urandom).public
    refs = []
    for name in ("bob", "carol"):
        update = forging.update_of(these[name], encryption_key=key)
        others = [these[other] for other in ("alice", "bob", "carol", "dave") if other != name]
        refs.append(forging.send_proposal(these[name], update, *others))
    # Each is right by itself; together two leaves would have one key.
    for ref in refs:
        assert dropped(these["alice"].commit(references=[ref], now=NOW)).updated
    detail = "two nodes with one encryption key"
    with pytest.raises(mls.InvalidLeaf, match=detail):
        these["alice"].commit(references=refs, now=NOW)
    staged = forging.lawless_commit(these["alice"], references=refs)
    list_refused([these["dave"]], staged.message, detail)


# -- external commits


def test_not_exactly_one_external_init() -> None:
    """12.2-13"""
    these = room("bob")
    info = these["alice"].group_info()
    detail = "not one ExternalInit in an external commit"
    twice = forging.lawless_join(info, mls.ExternalInit(bytes(32)))
    list_refused([these["alice"], these["bob"]], twice.message, detail)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forging.external, "ExternalInit", lambda _kem: mls.ReInit(b"", 1, 3, ()))
        none = forging.lawless_join(info)
    list_refused([these["alice"], these["bob"]], none.message, detail)


def test_an_external_commit_that_removes_two() -> None:
    """12.2-14"""
    these = room("bob", "carol")
    staged = forging.lawless_join(these["alice"].group_info(), mls.Remove(1), mls.Remove(2))
    list_refused([these["alice"]], staged.message, "several Removes in an external commit")


def test_a_rejoin_with_the_old_key() -> None:
    """12.2-15"""
    these = room("bob")
    old = these["bob"].member(1)
    assert old is not None
    real = forging.create_commit.sign_leaf

    def keep(suite: object, signer: mls.SignatureKeyPair, *rest: object, **how: object) -> LeafNode:
        leaf: LeafNode = real(suite, signer, *rest, **how)
        leaf = replace(leaf, encryption_key=old.encryption_key)
        return forging.sign_leaf(leaf, signer, these["alice"].group_id, 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forging.create_commit, "sign_leaf", keep)
        signer = these.people["bob"].signer
        info = these["alice"].group_info()
        staged = forging.lawless_join(info, signer=signer, remove=1)
    refused(these["alice"], staged.message, mls.InvalidPath, "a rejoin without a new key")


def test_an_external_commit_that_removes_another_member() -> None:
    """12.2-18"""
    these, policy = room("bob", "carol"), replace(POLICY, replace_keys=True)
    info = these["alice"].group_info()
    staged = forging.join_externally(info, remove=1, policy=policy)
    detail = "an external commit that removes another member"
    for name in ("alice", "bob", "carol"):
        refused(these[name], staged.message, mls.InvalidProposalList, detail)


def test_an_external_commit_with_anything_else() -> None:
    """12.2-16"""
    these = room("bob")
    others: list[mls.Proposal] = [
        person("yves").add,
        mls.GroupContextExtensions(()),
        mls.ReInit(b"next", 1, SUITE.number, ()),
        forging.update_of(these["bob"]),
        mls.CustomProposal(0xF001, b""),
    ]
    for proposal in others:
        staged = forging.lawless_join(these["alice"].group_info(), proposal)
        detail = "not allowed in an external commit"
        list_refused([these["alice"], these["bob"]], staged.message, detail)


def test_an_external_joiner_that_is_in_the_group_and_stays() -> None:
    """12.2-17"""
    these = room("bob", "carol")
    signer = these.people["bob"].signer
    info = these["alice"].group_info()
    detail = "two members with one signature key"
    forging.not_joined(
        mls.InvalidLeaf, detail, lambda: forging.join_externally(info, signer=signer)
    )
    staged = forging.lawless_join(info, signer=signer)
    list_refused([these["alice"], these["carol"]], staged.message, detail)


# -- order of application (12.3)


def test_new_extensions_are_in_force_for_the_adds_beside_them() -> None:
    """12.3-1"""
    caps = capabilities(extensions=(0xF001,))
    change = mls.GroupContextExtensions((mls.Extension(0xF001, b""),))
    these = Room({"alice": found(caps=caps)}, {})
    bob = person("bob", caps=caps)
    these.settle("alice", these["alice"].commit([bob.add], now=NOW), [bob])
    detail = "a member does not support an extension of the group"
    orders: tuple[tuple[mls.Proposal, ...], ...] = (
        (person("zoe").add, change),
        (change, person("zoe").add),
    )
    for order in orders:
        forging.cannot_commit(these["alice"], mls.InvalidLeaf, detail, *order)
        staged = forging.lawless_commit(these["alice"], *order)
        list_refused([these["bob"]], staged.message, detail)


def test_adds_before_removes() -> None:
    """12.3-2"""
    these = room("bob", "carol", "dave")
    with pytest.MonkeyPatch.context() as patch:
        real = RatchetTree.leftmost_blank
        patch.setattr(RatchetTree, "leftmost_blank", lambda tree: max(real(tree), 4))
        staged = these["alice"].commit([person("late").add, mls.Remove(1)], now=NOW)
    refused(these["dave"], staged.message, mls.InvalidPath, "not one ciphertext for each")


def test_adds_in_another_order_than_listed() -> None:
    """12.3-3"""
    these = room("bob")
    one, two = person("one"), person("two")
    with pytest.MonkeyPatch.context() as patch:
        real = forging.create_commit.apply_list
        patch.setattr(
            forging.create_commit,
            "apply_list",
            lambda rules, items: real(rules, list(reversed(items))),
        )
        patch.setattr(forging.welcome, "zip", lambda a, b, **_: [], raising=False)
        staged = these["alice"].commit([one.add, two.add], now=NOW)
    refused(these["bob"], staged.message, mls.ConfirmationMismatch, "does not confirm")
    staged.drop()
    these.settle("alice", these["alice"].commit([one.add, two.add], now=NOW), [one, two])
    assert (these.index("one"), these.index("two")) == (2, 3)
