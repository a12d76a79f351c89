"""Messages, Welcomes and ends of groups, through the façade."""

from __future__ import annotations

import os

import pytest
from alcove import mls

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    Room,
    capabilities,
    epoch_of,
    found,
    limits,
    person,
    room,
)


def test_messages_out_of_order_are_read_once_each() -> None:
    these = room("bob")
    sent = [these["alice"].encrypt(b"%d" % number) for number in range(6)]
    for number in (3, 0, 5, 1, 2, 4):
        received = these["bob"].receive(sent[number])
        assert isinstance(received, mls.ReceivedApplication)
        assert received.generation == number
        assert received.plaintext == b"%d" % number
    for message in sent:
        with pytest.raises(mls.GenerationConsumed):
            these["bob"].receive(message)


def test_skipped_keys_are_bounded() -> None:
    policy = limits(max_skipped_keys=3, forward_generations=10)
    these = room("bob", policy=policy)
    sent = [these["alice"].encrypt(b"") for _ in range(20)]
    these["bob"].receive(sent[8])
    with pytest.raises(mls.GenerationForgotten):
        these["bob"].receive(sent[4])  # of the eight skipped, only the last three were kept
    these["bob"].receive(sent[5])
    with pytest.raises(mls.GenerationTooFar):
        these["bob"].receive(these["alice"].encrypt(b""))


def test_padding_hides_lengths() -> None:
    these = room("bob")
    padding = mls.power_of_two_padding(256)
    lengths = {len(these["alice"].encrypt(bytes(n), padding=padding)) for n in (0, 1, 100, 180)}
    assert len(lengths) == 1
    message = these["alice"].encrypt(b"padded", padding=padding)
    received = these["bob"].receive(message)
    assert isinstance(received, mls.ReceivedApplication)
    assert received.plaintext == b"padded"
    commit = these["alice"].commit(padding=mls.power_of_two_padding(4096), now=NOW)
    assert 4096 < len(commit.message) < 4300
    with pytest.raises(mls.TooLarge):
        these["alice"].encrypt(b"", padding=lambda _length: 2**30)


def test_authenticated_data_is_shown_and_bound() -> None:
    these = room("bob")
    message = these["alice"].encrypt(b"text", b"position 7")
    received = these["bob"].receive(message)
    assert isinstance(received, mls.ReceivedApplication)
    assert received.authenticated_data == b"position 7"
    altered = these["alice"].encrypt(b"text", b"position 7").replace(b"position 7", b"position 8")
    with pytest.raises(mls.DecryptionFailed):
        these["bob"].receive(altered)


def test_a_received_message_can_be_proved_to_others() -> None:
    these = room("bob", "carol")
    received = these["bob"].receive(these["alice"].encrypt(b"cruel words"))
    assert isinstance(received, mls.ReceivedApplication)
    context, key = these["carol"].context.encode(), received.leaf.signature_key
    reported = mls.AuthenticatedContent.decode(received.content)
    assert reported.content.body == b"cruel words"
    mls.verify_with_key(SUITE, reported, context, key)
    altered = mls.AuthenticatedContent.decode(
        received.content.replace(b"cruel words", b"kinder word")
    )
    with pytest.raises(mls.InvalidSignature):
        mls.verify_with_key(SUITE, altered, context, key)


def test_a_welcome_can_be_looked_at_before_it_is_accepted() -> None:
    kind = 0xF020
    alice, bob = found(), person("bob")
    staged = alice.commit(
        [bob.add], group_info_extensions=(mls.Extension(kind, b"roster"),), now=NOW
    )
    assert staged.welcome is not None
    opened = mls.Group.open_welcome(staged.welcome, bob.bundle, bob.signer, policy=POLICY, now=NOW)
    assert opened.group_info.extension(kind) == b"roster"
    assert opened.signer.index == 0
    assert opened.signer.leaf.credential.identity == b"alice"
    assert opened.group_context == staged.after
    assert [member.index for member in opened.members] == [0, 1]
    joined = opened.accept()
    assert joined.join_info is opened.group_info
    with pytest.raises(mls.StagedCommitSpent):
        opened.accept()
    again = mls.Group.open_welcome(staged.welcome, bob.bundle, bob.signer, policy=POLICY, now=NOW)
    again.drop()
    bob.bundle.wipe()
    with pytest.raises(mls.SecretWiped):
        mls.Group.open_welcome(staged.welcome, bob.bundle, bob.signer, policy=POLICY, now=NOW)


def test_the_tree_may_come_by_another_way() -> None:
    alice, bob = found(), person("bob")
    staged = alice.commit([bob.add], with_tree=False, now=NOW)
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(staged.welcome, bob.bundle, bob.signer, policy=POLICY, now=NOW)
    tree = staged.merge().ratchet_tree()
    mls.Group.join(
        staged.welcome, bob.bundle, bob.signer, ratchet_tree=tree, policy=POLICY, now=NOW
    )


def test_past_epochs_are_readable_only_as_far_as_asked() -> None:
    policy = limits(past_epochs=1)
    these = room("bob", policy=policy)
    late = [these["alice"].encrypt(b"one"), these["alice"].encrypt(b"two")]
    old_bob = these["bob"]
    kept = epoch_of(old_bob)
    these.settle("alice", these["alice"].commit(now=NOW))
    old_bob.wipe()
    assert kept.secrets.init_secret.wiped
    assert kept.private == {}
    received = these["bob"].receive(late[0])
    assert isinstance(received, mls.ReceivedApplication)
    assert received.plaintext == b"one"
    with pytest.raises(mls.GenerationConsumed):
        these["bob"].receive(late[0])
    these.settle("alice", these["alice"].commit(now=NOW))
    with pytest.raises(mls.WrongEpoch):
        these["bob"].receive(late[1])


def test_a_group_begins_anew_after_a_reinit() -> None:
    these = room("bob")
    new_id = b"the next room"
    reinit = mls.ReInit(new_id, 1, SUITE.number, ())
    staged = these["alice"].commit([reinit], now=NOW)
    bob_staged = these["bob"].receive(staged.message)
    assert isinstance(bob_staged, mls.StagedCommit)
    old_alice, old_bob = staged.merge(), bob_staged.merge()
    assert old_bob.reinit == reinit
    with pytest.raises(mls.GroupClosed):
        old_bob.encrypt(b"too late")
    with pytest.raises(mls.GroupClosed):
        old_bob.commit(now=NOW)
    bob = these.people["bob"].renew()
    psk = mls.PreSharedKeyID.of_epoch(
        SUITE, old_alice.group_id, old_alice.epoch, os.urandom, mls.ResumptionPSKUsage.REINIT
    )
    store = mls.PskStore(
        resumption={(old_alice.group_id, old_alice.epoch): old_alice.resumption_psk}
    )
    anew = found(group_id=new_id, signer=epoch_of(old_alice).signer)
    begun = anew.commit([mls.PreSharedKey(psk), bob.add], psks=store, now=NOW)
    assert begun.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(begun.welcome, bob.bundle, bob.signer, psks=store, policy=POLICY, now=NOW)
    joined = mls.Group.join(
        begun.welcome, bob.bundle, bob.signer, predecessor=old_bob, policy=POLICY, now=NOW
    )
    assert joined.epoch_authenticator == begun.epoch_authenticator
    other = found(group_id=b"another id", signer=epoch_of(old_alice).signer)
    false = other.commit([mls.PreSharedKey(psk), bob.add], psks=store, now=NOW)
    assert false.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(
            false.welcome, bob.bundle, bob.signer, predecessor=old_bob, policy=POLICY, now=NOW
        )


def test_a_branch_has_only_members_of_the_old_group() -> None:
    these = room("bob", "carol")
    old = these["alice"]
    psk = mls.PreSharedKeyID.of_epoch(
        SUITE, old.group_id, old.epoch, os.urandom, mls.ResumptionPSKUsage.BRANCH
    )
    store = mls.PskStore(resumption={(old.group_id, old.epoch): old.resumption_psk})
    bob, zoe = these.people["bob"].renew(), person("zoe")
    staged = found(group_id=b"branch", signer=epoch_of(old).signer).commit(
        [mls.PreSharedKey(psk), bob.add], psks=store, now=NOW
    )
    assert staged.welcome is not None
    mls.Group.join(
        staged.welcome, bob.bundle, bob.signer, predecessor=these["bob"], policy=POLICY, now=NOW
    )
    staged = found(group_id=b"branch", signer=epoch_of(old).signer).commit(
        [mls.PreSharedKey(psk), bob.add, zoe.add], psks=store, now=NOW
    )
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(
            staged.welcome, bob.bundle, bob.signer, predecessor=these["bob"], policy=POLICY, now=NOW
        )


def test_a_wiped_group_gives_nothing_more() -> None:
    these = room("bob")
    group = these["bob"]
    message = these["alice"].encrypt(b"text")
    held = epoch_of(group)
    group.wipe()
    group.wipe()
    for use in (
        lambda: group.encrypt(b""),
        lambda: group.receive(message),
        lambda: group.export("label", b"", 32),
        lambda: group.epoch_authenticator,
        lambda: group.commit(now=NOW),
        group.members,
    ):
        with pytest.raises(mls.GroupClosed):
            use()
    assert held.private == {}
    assert all(getattr(held.secrets, n).wiped for n in held.secrets.__dataclass_fields__)


def test_merging_closes_the_old_group() -> None:
    these = room("bob")
    old = these["alice"]
    staged = old.commit(now=NOW)
    new = staged.merge()
    for use in (lambda: old.encrypt(b"still"), lambda: old.commit(now=NOW), lambda: old.epoch):
        with pytest.raises(mls.GroupClosed, match="left for a later epoch"):
            use()
    new.encrypt(b"and on")
    new.commit(now=NOW).merge().commit(now=NOW)
    with pytest.raises(mls.StagedCommitSpent):
        staged.merge()


def test_custom_proposals_are_for_groups_whose_members_all_know_them() -> None:
    kind = 0xF0F1
    caps = capabilities(proposals=(kind,))
    alice, bob, zoe = found(caps=caps), person("bob", caps=caps), person("zoe")
    these = Room({"alice": alice}, {})
    these.settle("alice", alice.commit([bob.add, zoe.add], now=NOW), [bob, zoe])
    custom = mls.CustomProposal(kind, b"whatever we agreed on")
    with pytest.raises(mls.InvalidProposal):
        these["alice"].commit([custom], now=NOW)
    without = these["alice"].commit([custom, mls.Remove(these.index("zoe"))], now=NOW)
    received = these["bob"].receive(without.message)
    assert isinstance(received, mls.StagedCommit)
    assert received.proposals[0].proposal == custom
    assert received.merge().epoch_authenticator == without.epoch_authenticator


def test_lifetimes_are_judged_by_committers_and_joiners() -> None:
    short = mls.Lifetime(1000, 2000)
    bob = person("bob", lifetime=short)
    with pytest.raises(mls.InvalidKeyPackage):
        found().commit([bob.add], now=2001)
    staged = found().commit([bob.add], now=2000)
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidTree):
        mls.Group.join(staged.welcome, bob.bundle, bob.signer, now=2001, policy=POLICY)
    mls.Group.join(staged.welcome, bob.bundle, bob.signer, now=1000, policy=POLICY)
    bob.bundle.key_package.verify(SUITE, limits(max_lifetime=1000), 1000)
    with pytest.raises(mls.InvalidKeyPackage):
        bob.bundle.key_package.verify(SUITE, limits(max_lifetime=999), 1000)
