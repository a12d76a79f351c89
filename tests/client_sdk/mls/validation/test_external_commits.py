"""Section 12.4.3.2: joining by an external commit."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls.framing import SenderType, WireFormat

from tests.client_sdk.mls.support import epoch_of, forge, person, room
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import SUITE, refused

NEWCOMER = mls.Sender(SenderType.NEW_MEMBER_COMMIT, None)


def _resigned(
    group: mls.Group,
    commit: mls.Commit,
    signer: mls.SignatureKeyPair,
    sender: mls.Sender = NEWCOMER,
) -> bytes:
    content = forge(
        group, commit, wire_format=WireFormat.PUBLIC_MESSAGE, sender=sender, signer=signer
    )
    return forging.public(content)


def _commit_of(staged: mls.StagedCommit) -> mls.Commit:
    body = mls.AuthenticatedContent.decode(staged.content).content.body
    assert isinstance(body, mls.Commit)
    return body


def test_an_external_commit_without_a_path() -> None:
    """12.4.3.2-1"""
    these = room("bob")
    commit = mls.Commit((mls.ExternalInit(bytes(32)),), None)
    message = _resigned(these["alice"], commit, SUITE.signature_keypair(os.urandom))
    detail = "an external commit without a path"
    refused(these["alice"], message, mls.CommitUnreadable, detail)


def test_an_external_commit_that_refers_to_a_proposal() -> None:
    """12.4.3.2-2"""
    these = room("bob", "carol")
    ref = forging.send_proposal(these["bob"], mls.Remove(2), these["alice"], these["carol"])
    signer = SUITE.signature_keypair(os.urandom)
    staged = forging.join_externally(these["alice"].group_info(), signer=signer)
    commit = _commit_of(staged)
    commit = replace(commit, proposals=(*commit.proposals, mls.ProposalRef(ref)))
    message = _resigned(these["alice"], commit, signer)
    detail = "a reference in an external commit"
    forging.list_refused([these["alice"], these["carol"]], message, detail)


def test_an_external_commit_signed_by_another_key_than_its_leafs() -> None:
    """12.4.3.2-3"""
    these = room("bob")
    staged = forging.join_externally(these["alice"].group_info())
    for signer in (SUITE.signature_keypair(os.urandom), epoch_of(these["bob"]).signer):
        message = _resigned(these["alice"], _commit_of(staged), signer)
        refused(these["alice"], message, mls.CommitUnreadable, "A signature does not verify")


@pytest.mark.parametrize(
    "sender", [mls.Sender(SenderType.EXTERNAL, 0), mls.Sender(SenderType.NEW_MEMBER_PROPOSAL, None)]
)
def test_an_external_commit_of_another_sender_type(sender: mls.Sender) -> None:
    """12.4.3.2-4"""
    these = room("bob")
    signer = SUITE.signature_keypair(os.urandom)
    staged = forging.join_externally(these["alice"].group_info(), signer=signer)
    message = _resigned(these["alice"], _commit_of(staged), signer, sender)
    refused(these["alice"], message, mls.CommitUnreadable, "only members send this")


def test_a_proposal_or_application_data_of_a_new_member_commit_sender() -> None:
    """12.4.3.2-5"""
    these, zoe = room("bob"), person("zoe")
    content = forge(
        these["alice"],
        zoe.add,
        wire_format=WireFormat.PUBLIC_MESSAGE,
        sender=NEWCOMER,
        signer=zoe.signer,
    )
    message = forging.public(content)
    refused(these["alice"], message, mls.InvalidMessage, "an external commit without a path")


def test_a_group_info_without_a_key_for_external_joiners() -> None:
    """12.4.3.2-6"""
    info = room("bob")["alice"].group_info(with_external_pub=False)
    detail = "no key for external joiners"
    forging.not_joined(mls.InvalidGroupInfo, detail, lambda: forging.join_externally(info))


def test_an_external_pub_that_is_no_length_prefixed_key() -> None:
    """12.4.3.2-7"""
    group = room("bob")["alice"]
    tree = mls.Extension(mls.ExtensionType.RATCHET_TREE, group.ratchet_tree())
    public_key = SUITE.hpke_keypair(os.urandom).public
    for data, error, detail in (
        (b"\x1e" + public_key[1:], mls.MalformedMessage, "trailing bytes"),
        (b"\x20" + public_key + b"\x00", mls.MalformedMessage, "trailing bytes"),
        (b"\x20" + bytes(32), mls.InvalidPublicKey, "A public key is not valid"),
        (b"\x00", mls.InvalidPublicKey, "A public key is not valid"),
    ):
        bad = mls.Extension(mls.ExtensionType.EXTERNAL_PUB, data)
        info = forging.wrap_info(forging.forged_info(group, extensions=(tree, bad)))
        # Mypy infers no lambda with defaults.
        forging.not_joined(error, detail, lambda info=info: forging.join_externally(info))  # type: ignore[misc]


def test_an_init_secret_of_another_key_or_a_kem_output_that_is_none() -> None:
    """12.4.3.2-8"""
    these = room("bob")
    group = these["alice"]
    tree = mls.Extension(mls.ExtensionType.RATCHET_TREE, group.ratchet_tree())
    other = b"\x20" + SUITE.hpke_keypair(os.urandom).public
    wrong = mls.Extension(mls.ExtensionType.EXTERNAL_PUB, other)
    info = forging.wrap_info(forging.forged_info(group, extensions=(tree, wrong)))
    staged = forging.join_externally(info)
    refused(these["bob"], staged.message, mls.ConfirmationMismatch, "does not confirm")
    real: Any = mls.ExternalInit
    for kem_output in (b"", bytes(32), bytes(33)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(forging.external, "ExternalInit", lambda _k, o=kem_output: real(o))
            staged = forging.join_externally(group.group_info())
        with pytest.raises(mls.InvalidProposalList) as caught:
            these["bob"].receive(staged.message)
        assert type(caught.value) is mls.InvalidProposalList


def test_a_group_info_that_is_not_signed_by_a_member() -> None:
    """12.4.3.2-9"""
    group = room("bob")["alice"]
    for signer, detail in ((1, "the signature does not verify"), (5, "its signer is no member")):
        info = forging.wrap_info(forging.forged_info(group, signer))
        forging.not_joined(
            mls.InvalidGroupInfo,
            detail,
            # Mypy infers no lambda with defaults.
            lambda info=info: forging.join_externally(info),  # type: ignore[misc]
        )


def test_a_group_info_with_another_groups_tree() -> None:
    """12.4.3.2-10"""
    group = room("bob")["alice"]
    info = group.group_info(with_tree=False)
    tree = room("bob", "carol")["alice"].ratchet_tree()
    forging.not_joined(
        mls.InvalidGroupInfo,
        "the signature does not verify",
        lambda: forging.join_externally(info, ratchet_tree=tree),
    )
    detail = "no ratchet tree"
    forging.not_joined(mls.InvalidWelcome, detail, lambda: forging.join_externally(info))
    assert forging.join_externally(info, ratchet_tree=group.ratchet_tree()).is_external


def test_a_joiner_without_the_pre_shared_key() -> None:
    """12.4.3.2-11"""
    info = room("bob")["alice"].group_info()
    psk = mls.PreSharedKeyID.external(SUITE, b"door", os.urandom)
    forging.not_joined(
        mls.MissingPsk, "not at hand", lambda: forging.join_externally(info, psk_ids=(psk,))
    )


def test_an_external_commit_whose_leaf_is_invalid() -> None:
    """12.4.3.2-12"""
    these = room("bob")
    info = these["alice"].group_info()
    for how, detail in (
        ({"leaf_extensions": (mls.Extension(0xF001, b""),)}, "not among the capabilities"),
        (
            {"credential": mls.Credential(2, (b"certificate",))},
            "X.509 is not accepted",
        ),
    ):
        staged = forging.lawless_join(info, **how)
        refused(these["alice"], staged.message, mls.InvalidPath, detail)


def test_a_message_that_is_no_group_info() -> None:
    """12.4.3.2-13"""
    message = room("bob")["alice"].encrypt(b"text")
    detail = "not a GroupInfo"
    forging.not_joined(mls.InvalidGroupInfo, detail, lambda: forging.join_externally(message))
