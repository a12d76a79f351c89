"""Section 12.1: when a proposal by itself is valid, and its permitted senders."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.framing import SenderType, WireFormat
from alcove.mls.proposals import Proposal

from tests.client_sdk.mls.support import (
    NOW,
    Room,
    capabilities,
    epoch_of,
    forge,
    found,
    person,
    release,
    room,
    seal,
)
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import SUITE, list_refused, refused


def test_a_proposal_that_is_not_signed_by_its_sender() -> None:
    """12.1-1"""
    these = room("bob", "carol")
    other = SUITE.signature_keypair(os.urandom)
    content = forge(these["alice"], mls.Remove(2), signer=other)
    message = seal(these["alice"], content)
    refused(these["bob"], message, mls.InvalidSignature, "does not verify")
    assert these["bob"].proposals == ()


def test_a_proposal_of_another_epoch() -> None:
    """12.1-2"""
    these = room("bob", "carol")
    late = these["alice"].propose(mls.Remove(2), now=NOW)
    these.settle("carol", these["carol"].commit(now=NOW))
    refused(these["bob"], late, mls.WrongEpoch, "another epoch")


def test_an_add_of_an_invalid_key_package() -> None:
    """12.1.1-1"""
    these = room("bob", "carol")
    zoe = person("zoe")
    add = mls.Add(forging.key_package(zoe, resign=False, signature=bytes(64)))
    ref = forging.send_proposal(these["bob"], add, these["alice"], these["carol"])
    detail = "A signature does not verify"
    forging.cannot_commit(
        these["alice"], mls.InvalidKeyPackage, detail, references=[forging.by_reference(ref)]
    )
    staged = forging.lawless_commit(these["alice"], references=[ref])
    list_refused([these["carol"]], staged.message, detail)


def test_an_update_of_an_invalid_leaf() -> None:
    """12.1.2-1"""
    these = room("bob", "carol")
    update = forging.update_of(these["bob"], extensions=(mls.Extension(0xF001, b""),))
    with pytest.raises(mls.InvalidLeaf, match="not among the capabilities"):
        these["bob"].propose(update, now=NOW)
    ref = forging.send_proposal(these["bob"], update, these["alice"], these["carol"])
    staged = forging.lawless_commit(these["alice"], references=[ref])
    list_refused([these["carol"]], staged.message, "not among the capabilities")


def test_an_update_of_another_members_leaf() -> None:
    """12.1.2-2"""
    these = room("bob", "carol")
    # Bob's own signed Update, sent by Carol: it would replace her leaf, for which it is not signed.
    update = forging.update_of(these["bob"])
    ref = forging.send_proposal(these["carol"], update, these["alice"], these["bob"])
    staged = forging.lawless_commit(these["alice"], references=[ref])
    list_refused([these["bob"]], staged.message, "the signature does not verify")


@pytest.mark.parametrize("index", [3, 7, 2**32 - 1])
def test_a_remove_of_a_blank_leaf(index: int) -> None:
    """12.1.3-1"""
    these = room("bob", "carol")
    detail = "no such member to remove"
    forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, mls.Remove(index))
    with pytest.raises(mls.InvalidProposal, match=detail):
        these["alice"].propose(mls.Remove(index), now=NOW)
    list_refused([these["bob"]], forging.pathless(these["alice"], mls.Remove(index)), detail)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_pre_shared_key_with_a_nonce_of_another_length(length: int) -> None:
    """12.1.4-1"""
    these = room("bob")
    store = mls.PskStore({b"id": mls.Secret(b"k" * 32)})
    psk = mls.PreSharedKeyID.external(SUITE, b"id", os.urandom)
    proposal = mls.PreSharedKey(replace(psk, psk_nonce=bytes(length)))
    detail = "a pre-shared key's nonce of another length"
    forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, proposal, psks=store)
    staged = forging.lawless_commit(these["alice"], proposal, psks=store)
    refused(these["bob"], staged.message, mls.InvalidProposalList, detail, store)


def test_a_reinit_to_an_older_version_or_with_an_extension_twice() -> None:
    """12.1.5-1"""
    these = room("bob")
    one = mls.Extension(0xF001, b"")
    for reinit in (
        mls.ReInit(b"next", 0, SUITE.number, ()),
        mls.ReInit(b"next", 1, SUITE.number, (one, one)),
    ):
        detail = "ReInit to an older version or malformed"
        forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, reinit)
        staged = forging.lawless_commit(these["alice"], reinit)
        list_refused([these["bob"]], staged.message, detail)


def test_an_external_init_that_a_member_proposes() -> None:
    """12.1.6-1"""
    these = room("bob", "carol")
    proposal = mls.ExternalInit(bytes(32))
    with pytest.raises(mls.InvalidProposal, match="outside an external commit"):
        these["bob"].propose(proposal, now=NOW)
    ref = forging.send_proposal(these["bob"], proposal, these["alice"], these["carol"])
    message = forging.pathless(these["alice"], mls.ProposalRef(ref))
    list_refused([these["carol"]], message, "ExternalInit in a member's commit")


def test_requirements_that_hold_for_those_added_and_not_for_those_removed() -> None:
    """12.1.7-1"""
    caps = capabilities(extensions=(0xF001,))
    data = mls.RequiredCapabilities(extension_types=(0xF001,)).encode()
    change = mls.GroupContextExtensions(
        (mls.Extension(mls.ExtensionType.REQUIRED_CAPABILITIES, data),)
    )
    able, unable = person("able", caps=caps), person("unable")
    these = Room({"alice": found(caps=caps)}, {})
    these.settle("alice", these["alice"].commit([able.add, unable.add], now=NOW), [able, unable])
    detail = "a member lacks a required capability"
    extras: tuple[list[Proposal], ...] = ([], [mls.Remove(2), person("unable too").add])
    for extra in extras:
        staged = forging.lawless_commit(these["alice"], change, *extra)
        list_refused([these["able"]], staged.message, detail)
    release(these["alice"])
    these.settle("alice", these["alice"].commit([change, mls.Remove(2)], now=NOW))
    assert these["able"].context.extensions == change.extensions


def test_group_extensions_that_are_malformed_or_occur_twice() -> None:
    """12.1.7-2"""
    these = room("bob")
    required = mls.Extension(mls.ExtensionType.REQUIRED_CAPABILITIES, b"\x00\x00\x00")
    half = replace(required, data=b"\x00")
    senders = mls.Extension(mls.ExtensionType.EXTERNAL_SENDERS, b"\x01")
    for extensions, detail in (
        ((required, required), "an extension occurs twice"),
        ((half,), "truncated"),
        ((senders,), "truncated"),
    ):
        change = mls.GroupContextExtensions(extensions)
        with pytest.raises(mls.MLSError, match=detail):
            these["alice"].commit([change], now=NOW)
        list_refused([these["bob"]], forging.pathless(these["alice"], change), detail)


def test_an_extension_that_a_member_does_not_support() -> None:
    """12.1.7-3"""
    these = room("bob")
    for kind in (0xF001, *forging.GREASE):
        change = mls.GroupContextExtensions((mls.Extension(kind, b""),))
        detail = "a member does not support an extension of the group"
        forging.cannot_commit(these["alice"], mls.InvalidLeaf, detail, change)
        staged = forging.lawless_commit(these["alice"], change)
        list_refused([these["bob"]], staged.message, detail)


# -- from outside (12.1.8)

_SERVICE = SUITE.signature_keypair(os.urandom)


def _served() -> Room:
    """Alice's group with Bob and one external sender."""
    listed = mls.ExternalSender(_SERVICE.public, mls.Credential.basic(b"service"))
    alice = found(extensions=(mls.encode_external_senders((listed,)),))
    these, bob = Room({"alice": alice}, {}), person("bob")
    these.settle("alice", alice.commit([bob.add], now=NOW), [bob])
    return these


def test_an_external_sender_that_is_not_listed() -> None:
    """12.1.8-1"""
    for these, index in ((_served(), 1), (_served(), 2**32 - 1), (room("bob"), 0)):
        group = these["alice"]
        message = mls.propose_as_external_sender(
            _SERVICE, group.group_id, group.epoch, index, mls.Remove(1)
        )
        refused(group, message, mls.UnknownSender, "not in the group")


def test_an_external_sender_with_a_key_of_small_order() -> None:
    """12.1.8-8: anybody could propose in its name."""
    bad = mls.ExternalSender((1).to_bytes(32, "little"), mls.Credential.basic(b"outside"))
    extensions = (mls.encode_external_senders((bad,)),)
    these = room("bob")
    change = mls.GroupContextExtensions(extensions)
    forging.cannot_commit(these["alice"], mls.InvalidPublicKey, "small order", change)
    staged = forging.lawless_commit(these["alice"], change)
    refused(these["bob"], staged.message, mls.InvalidProposalList, "small order")
    with pytest.raises(mls.InvalidPublicKey, match="small order"):
        found(extensions=extensions, caps=capabilities((5,)))


def test_a_proposal_in_the_name_of_an_external_sender() -> None:
    """12.1.8-2"""
    these = _served()
    group = these["alice"]
    other = SUITE.signature_keypair(os.urandom)
    message = mls.propose_as_external_sender(other, group.group_id, group.epoch, 0, mls.Remove(1))
    refused(group, message, mls.InvalidSignature, "does not verify")
    assert group.proposals == ()


def test_a_proposal_that_no_external_sender_may_send() -> None:
    """12.1.8-3"""
    these = _served()
    group = these["alice"]
    forbidden: list[Proposal] = [
        forging.update_of(these["bob"]),
        mls.ExternalInit(bytes(32)),
        mls.CustomProposal(0xF001, b""),
    ]
    for proposal in forbidden:
        message = mls.propose_as_external_sender(_SERVICE, group.group_id, group.epoch, 0, proposal)
        refused(group, message, mls.InvalidMessage, "not a proposal for an external sender")


def test_a_newcomer_that_proposes_anything_but_its_own_add() -> None:
    """12.1.8-4"""
    these, zoe = room("bob"), person("zoe")
    group = these["alice"]
    sender = mls.Sender(SenderType.NEW_MEMBER_PROPOSAL, None)
    for proposal in (mls.Remove(1), mls.ReInit(b"next", 1, 3, ())):
        content = forge(
            group,
            proposal,
            wire_format=WireFormat.PUBLIC_MESSAGE,
            sender=sender,
            signer=zoe.signer,
            context=b"",
        )
        message = forging.public(content)
        refused(group, message, mls.InvalidMessage, "a newcomer may only propose to be added")
    stolen = mls.propose_oneself(
        SUITE.signature_keypair(os.urandom), group.group_id, group.epoch, zoe.bundle.key_package
    )
    refused(group, stolen, mls.InvalidSignature, "does not verify")


def test_application_data_and_commits_from_outside() -> None:
    """12.1.8-5"""
    these = _served()
    group = these["alice"]
    outsiders = (
        mls.Sender(SenderType.EXTERNAL, 0),
        mls.Sender(SenderType.NEW_MEMBER_PROPOSAL, None),
    )
    for sender in outsiders:
        content = forge(
            group,
            mls.Commit((), None),
            wire_format=WireFormat.PUBLIC_MESSAGE,
            sender=sender,
            signer=_SERVICE,
            context=b"",
        )
        message = forging.public(content)
        refused(group, message, mls.CommitUnreadable, "only members send this")


def test_an_external_proposal_in_a_private_message() -> None:
    """12.1.8-6"""
    these = _served()
    # A PrivateMessage names its sender by leaf, so an outsider's content in it is a member's with
    # a signature that was made for another sender and another wire format.
    content = forge(
        these["bob"],
        mls.Remove(1),
        sender=mls.Sender(SenderType.EXTERNAL, 0),
        signer=_SERVICE,
        context=b"",
    )
    body = replace(content.content, sender=mls.Sender.member(these["bob"].own_index))
    message = seal(these["bob"], replace(content, content=body))
    refused(these["alice"], message, mls.InvalidSignature, "does not verify")


def test_an_external_proposal_that_is_invalid_is_not_committed() -> None:
    """12.1.8-7"""
    these = _served()
    group = these["alice"]
    message = mls.propose_as_external_sender(
        _SERVICE, group.group_id, group.epoch, 0, mls.Remove(9)
    )
    for name in ("alice", "bob"):
        assert isinstance(these[name].receive(message), mls.ReceivedProposal)
    (cached,) = group.proposals
    with pytest.raises(mls.InvalidProposal, match="no such member"):
        group.commit(references=[cached.ref], now=NOW)
    bad = forging.pathless(group, mls.ProposalRef(cached.ref))
    list_refused([these["bob"]], bad, "no such member to remove")
    assert epoch_of(these["bob"]).context.epoch == group.epoch


def test_an_extension_that_belongs_into_a_leaf_or_a_group_info() -> None:
    """12.1.7-4"""
    these = room("bob")
    detail = "does not belong into a GroupContext"
    for kind in (
        mls.ExtensionType.APPLICATION_ID,
        mls.ExtensionType.RATCHET_TREE,
        mls.ExtensionType.EXTERNAL_PUB,
    ):
        change = mls.GroupContextExtensions((mls.Extension(kind, b"x"),))
        forging.cannot_commit(these["alice"], mls.InvalidProposal, detail, change)
        staged = forging.lawless_commit(these["alice"], change)
        list_refused([these["bob"]], staged.message, detail)
