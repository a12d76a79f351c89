"""Keys that were used are gone: nothing is read twice, and nothing without a signature."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.framing import WireFormat, wrap

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    dropped,
    epoch_of,
    forge,
    found,
    limits,
    person,
    room,
    seal,
)
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import refused


def test_a_used_generation_of_application_messages_is_gone() -> None:
    these = room("bob", "carol")
    message = these["alice"].encrypt(b"text")
    these["bob"].receive(message)
    refused(these["bob"], message, mls.GenerationConsumed, "was used before")


def test_keys_of_handshakes_go_with_their_epoch() -> None:
    """Also where the epoch is kept for late application messages (docs/decisions/0014)."""
    these = room("bob", "carol", policy=limits(past_epochs=1))
    bob, held = these["bob"], epoch_of(these["bob"])
    bob.receive(these["alice"].propose(mls.Remove(2), now=NOW))
    bob.propose(mls.Remove(2), now=NOW)
    late = these["carol"].encrypt(b"late")
    these.settle("alice", these["alice"].commit(now=NOW))
    these["bob"].receive(late)  # only now are Carol's ratchets derived
    handshakes = [pair[0] for pair in held.secret_tree._ratchets.values()]
    assert len(handshakes) == 3
    assert all(ratchet._first.wiped and ratchet._latest.wiped for ratchet in handshakes)


def test_a_skipped_generation_is_read_once() -> None:
    these = room("bob")
    first, second = these["alice"].encrypt(b"1"), these["alice"].encrypt(b"2")
    these["bob"].receive(second)
    these["bob"].receive(first)
    for message in (first, second):
        refused(these["bob"], message, mls.GenerationConsumed, "was used before")


def test_a_key_is_gone_once_it_was_sent_under() -> None:
    these = room("bob")
    alice = these["alice"]
    message = alice.encrypt(b"text")
    refused(alice, message, mls.OwnMessage, "your own message")
    # It is there.
    generations = {these["bob"].receive(alice.encrypt(b"")).generation for _ in range(5)}  # type: ignore[union-attr]
    assert generations == {1, 2, 3, 4, 5}


def test_a_public_commit_cannot_be_replayed_into_the_next_epoch() -> None:
    these = room("bob")
    staged = these["alice"].commit(wire_format="public", now=NOW)
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    bob = received.merge()
    refused(bob, staged.message, mls.WrongEpoch, "another epoch")


def test_secrets_of_a_past_epoch_are_gone_when_it_is_wiped() -> None:
    these = room("bob")
    old, held = these["bob"], epoch_of(these["bob"])
    late = these["alice"].encrypt(b"late")
    these.settle("alice", these["alice"].commit(now=NOW))
    old.wipe()
    names = held.secrets.__dataclass_fields__
    assert all(getattr(held.secrets, name).wiped for name in names)
    assert held.private == {}
    assert held.secret_tree._nodes == {}
    assert held.secret_tree._ratchets == {}
    refused(these["bob"], late, mls.WrongEpoch, "another epoch")
    with pytest.raises(mls.GroupClosed):
        old.receive(late)


def test_the_window_of_past_epochs_is_bounded_and_reads_messages_only() -> None:
    these = room("bob", policy=limits(past_epochs=2))
    late, commits, epochs = [], [], []
    for _ in range(4):
        late.append(these["alice"].encrypt(b"late"))
        commits.append(these["alice"].commit(now=NOW))
        epochs.append(epoch_of(these["bob"]))
        these.settle("alice", commits[-1])
    for message in late[:2]:
        refused(these["bob"], message, mls.WrongEpoch, "another epoch")
    for message in late[2:]:
        assert isinstance(these["bob"].receive(message), mls.ReceivedApplication)
        with pytest.raises(mls.GenerationConsumed):
            these["bob"].receive(message)
    refused(these["bob"], commits[-1].message, mls.WrongEpoch, "another epoch")
    assert [epoch.secrets.sender_data_secret.wiped for epoch in epochs] == [
        True,
        True,
        False,
        False,
    ]


def test_past_resumption_keys_are_kept_as_far_as_asked() -> None:
    for keep, known in ((0, False), (1, False), (2, True)):
        these = room("bob", policy=limits(past_resumption_psks=keep))
        group_id, epoch = these["alice"].group_id, these["alice"].epoch
        for _ in range(2):
            these.settle("alice", these["alice"].commit(now=NOW))
        psk = mls.PreSharedKeyID.of_epoch(SUITE, group_id, epoch, os.urandom)
        if known:
            these.settle("alice", these["alice"].commit([mls.PreSharedKey(psk)], now=NOW))
        else:
            with pytest.raises(mls.MissingPsk):
                these["alice"].commit([mls.PreSharedKey(psk)], now=NOW)


def test_a_consumed_key_package_opens_no_further_welcome() -> None:
    bob = person("bob")
    first, second = (
        found().commit([bob.add], now=NOW).welcome,
        found().commit([bob.add], now=NOW).welcome,
    )
    assert first is not None
    assert second is not None
    forging.join(first, bob)
    bob.bundle.wipe()
    for message in (first, second):
        with pytest.raises(mls.SecretWiped):
            forging.join(message, bob)


def test_private_keys_of_an_update_go_with_its_epoch() -> None:
    these = room("bob", "carol")
    ref = these.propose_update("bob")
    (secret,) = these["bob"]._own_updates.values()
    old = these["bob"]
    these.settle("alice", these["alice"].commit(now=NOW))
    old.wipe()
    assert secret.wiped
    with pytest.raises(mls.CannotCommit):
        these["alice"].commit(references=[ref], now=NOW)


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(63), bytes(65)])
def test_what_is_not_signed_is_refused(signature: bytes) -> None:
    these, zoe = room("bob", "carol"), person("zoe")
    alice, bob = these["alice"], these["bob"]
    for body, error in (
        (b"text", mls.InvalidSignature),
        (mls.Remove(2), mls.InvalidSignature),
        (mls.Commit((), None), mls.CommitUnreadable),
    ):
        content = replace(forge(alice, body), signature=signature)
        refused(bob, seal(alice, content), error, "does not verify")
    package = forging.key_package(zoe, resign=False, signature=signature)
    with pytest.raises(mls.InvalidKeyPackage):
        package.verify(SUITE, POLICY, NOW)
    info = replace(forging.forged_info(alice), signature=signature)
    with pytest.raises(mls.InvalidGroupInfo):
        forging.join_externally(forging.wrap_info(info))
    newcomer = replace(
        forge(alice, zoe.add, sender=mls.Sender(mls.SenderType.NEW_MEMBER_PROPOSAL, None)),
        signature=signature,
        wire_format=WireFormat.PUBLIC_MESSAGE,
    )
    refused(bob, forging.public(newcomer), mls.InvalidSignature, "does not verify")


def test_a_message_without_its_signature_is_malformed() -> None:
    these = room("bob")
    content = forge(these["alice"], b"text")
    body = wrap(WireFormat.PUBLIC_MESSAGE, content.content.encode())
    refused(these["bob"], body, mls.MalformedMessage, "truncated")


def test_a_pre_shared_key_is_never_replaced_by_nothing() -> None:
    these = room("bob")
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    store = mls.PskStore({b"id": mls.Secret(bytes(32))})
    for wrong in (mls.PskStore(), mls.PskStore({b"other": mls.Secret(bytes(32))})):
        copy = dropped(these["alice"].commit([psk], psks=store, now=NOW)).message
        refused(these["bob"], copy, mls.MissingPsk, "not at hand", wrong)
    # Even a key of zeros, as one that is there, leads elsewhere than none at all.
    without = these["alice"].commit(now=NOW)
    lonely = without.epoch_authenticator
    without.drop()
    staged = these["alice"].commit([psk], psks=store, now=NOW)
    assert staged.epoch_authenticator != lonely
    received = these["bob"].receive(staged.message, store)
    assert isinstance(received, mls.StagedCommit)
    assert received.epoch_authenticator == staged.epoch_authenticator
