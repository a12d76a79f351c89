"""Fifteen places where first MLS implementations go wrong, each with the refusal it deserves:
1 to 5: lengths, references, signatures, tags, encryption.

Passing the official vectors shows that honest messages are read rightly. These tests show what
becomes of dishonest ones. Most work by letting one member misbehave in exactly one way, by
replacing one function while it acts; the others, untouched, must refuse.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls import (
    create_commit,
    framing,
    private_message,
)
from alcove.mls.codec import Reader, opaque
from alcove.mls.framing import (
    Sender,
    SenderType,
    WireFormat,
)
from alcove.mls.messages import sign_message
from alcove.mls.proposals import Commit

from tests.client_sdk.mls.dishonesty import Patch, public, refused
from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    capabilities,
    epoch_of,
    forge,
    found,
    person,
    room,
    seal,
)

# 1. varints must be minimal, prefix 11 is invalid (2.1.2)


@pytest.mark.parametrize(
    "length", ["4000", "403f", "80000000", "80003fff", "c0", "ff", "c000000000000000", "40", "8000"]
)
def test_01_lengths_that_are_not_minimal_are_malformed(length: str) -> None:
    with pytest.raises(mls.MalformedMessage):
        Reader(bytes.fromhex(length)).varint()


def test_01_a_message_with_a_longer_length_than_needed_is_refused() -> None:
    these = room("bob")
    message = these["alice"].encrypt(b"text")
    group_id = these["alice"].group_id
    plain, longer = opaque(group_id), b"\x40" + opaque(group_id)
    assert message[4 : 4 + len(plain)] == plain
    refused(these["bob"], message.replace(plain, longer, 1), mls.MalformedMessage)
    refused(these["bob"], message + b"\x00", mls.MalformedMessage)


# 2. ProposalRef hashes AuthenticatedContent, not the message (5.2)


def test_02_a_reference_by_the_hash_of_anything_else_finds_nothing() -> None:
    these = room("bob", "carol")
    proposal = mls.Remove(these.index("carol"))
    message = these["bob"].propose(proposal, now=NOW)
    these["carol"].receive(message)
    received = these["alice"].receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    (known,) = these["alice"].proposals
    assert known.ref == SUITE.proposal_ref(received.content)
    for value in (message, message[4:], b"\x00\x03" + proposal.encode()):
        false = SUITE.proposal_ref(value)
        with pytest.raises(mls.CannotCommit):
            these["alice"].commit(references=[false], now=NOW)
        commit = Commit((mls.ProposalRef(false),), None)
        refused(these["carol"], seal(these["alice"], forge(these["alice"], commit)), _MISSING)


_MISSING = mls.MissingProposal


# 3. TBS includes the GroupContext for members and new-member commits only (6.1)


def test_03_a_member_that_signs_without_the_group_context_is_refused() -> None:
    these = room("bob")
    content = forge(these["alice"], b"text", context=b"")
    refused(these["bob"], seal(these["alice"], content), mls.InvalidSignature)
    other = replace(these["alice"].context, epoch=these["alice"].epoch + 1).encode()
    content = forge(these["alice"], b"text", context=other)
    refused(these["bob"], seal(these["alice"], content), mls.InvalidSignature)


def test_03_an_external_commit_signed_without_the_group_context_is_refused() -> None:
    these = room("bob")
    with Patch.context() as misbehave:
        real = framing.sign_content
        misbehave.setattr(
            create_commit, "sign_content", lambda s, k, w, c, _context: real(s, k, w, c, b"")
        )
        staged = mls.Group.join_externally(
            these["alice"].group_info(),
            SUITE.signature_keypair(os.urandom),
            mls.Credential.basic(b"zoe"),
            capabilities(),
            policy=POLICY,
            now=NOW,
        )
    refused(these["bob"], staged.message, mls.CommitUnreadable)


def test_03_an_outsider_that_signs_with_the_group_context_is_refused() -> None:
    zoe, alice = person("zoe"), found()
    sender = Sender(SenderType.NEW_MEMBER_PROPOSAL, None)

    def proposal(context: bytes) -> bytes:
        # An outsider's signature has no context; a TBS that adds one is another message.
        content = forge(
            alice, zoe.add, wire_format=WireFormat.PUBLIC_MESSAGE, sender=sender, signer=zoe.signer
        )
        tbs = content.content
        signature = SUITE.sign_with_label(
            zoe.signer,
            "FramedContentTBS",
            b"\x00\x01\x00\x01" + tbs.encode() + context,
        )
        return public(replace(content, signature=signature))

    refused(alice, proposal(alice.context.encode()), mls.InvalidSignature)
    assert isinstance(alice.receive(proposal(b"")), mls.ReceivedProposal)


# 4. membership tag on PublicMessage from members only (6.2)


def test_04_a_member_without_the_right_membership_tag_is_refused() -> None:
    these = room("bob")
    content = sign_message(epoch_of(these["alice"]), mls.Remove(1), WireFormat.PUBLIC_MESSAGE, b"")
    refused(these["bob"], public(content, bytes(32)), mls.InvalidMessage)
    refused(these["bob"], public(content, b""), mls.InvalidMessage)
    refused(these["bob"], public(content), mls.MalformedMessage)  # none at all
    key = epoch_of(these["alice"]).secrets.membership_key
    over_tbs_only = SUITE.mac(key, content.content.encode())
    refused(these["bob"], public(content, over_tbs_only), mls.InvalidMessage)


def test_04_an_outsider_with_a_membership_tag_is_refused() -> None:
    alice, zoe = found(), person("zoe")
    message = mls.propose_oneself(zoe.signer, alice.group_id, 0, zoe.bundle.key_package)
    refused(alice, message + opaque(bytes(32)), mls.MalformedMessage)
    alice.receive(message)


def test_04_application_data_is_never_taken_unencrypted() -> None:
    these = room("bob")
    content = forge(these["alice"], b"text", wire_format=WireFormat.PUBLIC_MESSAGE)
    with pytest.raises(mls.InvalidMessage):
        seal(these["alice"], content)
    refused(these["bob"], public(content, bytes(32)), mls.InvalidMessage)


def test_04_what_was_signed_for_one_wire_format_is_refused_in_the_other() -> None:
    these = room("bob")
    content = forge(these["alice"], b"text", wire_format=WireFormat.PUBLIC_MESSAGE)
    moved = replace(content, wire_format=WireFormat.PRIVATE_MESSAGE)
    refused(these["bob"], seal(these["alice"], moved), mls.InvalidSignature)


# 5. reuse guard, zero padding checked, sender-data sample (6.3)


def test_05_padding_that_is_not_zero_is_malformed(monkeypatch: Patch) -> None:
    these = room("bob")
    monkeypatch.setattr(
        private_message, "_pad", lambda content, _padding, _policy: content + b"\x00\x01\x00"
    )
    refused(these["bob"], these["alice"].encrypt(b"text"), mls.MalformedMessage)


def test_05_a_message_without_the_reuse_guard_in_its_nonce_is_refused() -> None:
    these = room("bob")
    with Patch.context() as misbehave:
        misbehave.setattr(private_message, "_guarded", lambda key, _guard: key.nonce)
        message = these["alice"].encrypt(b"text")
    refused(these["bob"], message, mls.DecryptionFailed)


def test_05_guards_differ_each_time() -> None:
    these = room("bob")
    guards = set()
    for _ in range(8):
        body = these["alice"].encrypt(b"text")[4:]
        parsed = private_message.PrivateMessage.decode(body)
        key = epoch_of(these["bob"]).secrets.sender_data_secret
        guards.add(private_message.open_sender_data(SUITE, key, parsed).reuse_guard)
    assert len(guards) == 8


def test_05_sender_data_under_another_sample_is_refused() -> None:
    these = room("bob")
    real = private_message.sender_data_key
    with Patch.context() as misbehave:
        misbehave.setattr(
            private_message,
            "sender_data_key",
            lambda suite, key, ciphertext: real(suite, key, ciphertext[1:]),
        )
        message = these["alice"].encrypt(b"text")
    refused(these["bob"], message, mls.DecryptionFailed)


def test_05_sender_data_that_names_a_blank_leaf_is_refused() -> None:
    these = room("bob")
    with Patch.context() as misbehave:
        real = private_message.SenderData
        misbehave.setattr(private_message, "SenderData", lambda _leaf, g, r: real(7, g, r))
        message = these["alice"].encrypt(b"text")
    refused(these["bob"], message, mls.UnknownSender)
