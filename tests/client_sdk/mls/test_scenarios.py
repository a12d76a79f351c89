"""What a room does, through the façade: all members must end in the same state."""

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
    found,
    person,
    room,
)


@pytest.mark.parametrize("number", range(1, 8))
def test_every_suite_carries_a_room_through_its_life(number: int) -> None:
    suite = mls.ciphersuite(number)
    these = room("bob", "carol", "dave", suite=suite)
    these.agree()
    these.settle("alice", these["alice"].commit(references=[these.propose_update("bob")], now=NOW))
    these.settle("carol", these["carol"].commit([mls.Remove(these.index("dave"))], now=NOW))
    erin = person("erin", suite=suite)
    these.settle("bob", these["bob"].commit([erin.add], force_path=True, now=NOW), [erin])
    assert sorted(these.groups) == ["alice", "bob", "carol", "erin"]


def test_a_group_of_one_commits_and_speaks() -> None:
    alice = found()
    for _ in range(3):
        alice = alice.commit(now=NOW).merge()
    assert alice.epoch == 3
    assert [member.index for member in alice.members()] == [0]
    alice.encrypt(b"to nobody")


def test_members_come_one_by_one_and_leave_in_any_order() -> None:
    these = room()
    names = [f"p{number}" for number in range(9)]
    for number, name in enumerate(names):
        newcomer = person(name)
        committer = sorted(these.groups)[number % len(these.groups)]
        these.settle(committer, these[committer].commit([newcomer.add], now=NOW), [newcomer])
    for name in (names[8], names[0], names[4], names[5], names[6]):
        these.settle("alice", these["alice"].commit([mls.Remove(these.index(name))], now=NOW))
    assert len(these["alice"].members()) == 5
    late = [person("late1"), person("late2")]
    these.settle("p1", these["p1"].commit([one.add for one in late], now=NOW), late)
    # The leftmost blank leaves are taken first.
    assert [these.index(one.name) for one in late] == [1, 5]


def test_adding_without_a_path_leaves_unmerged_leaves_and_all_can_follow() -> None:
    these = room("bob", "carol", "dave")
    these.settle("bob", these["bob"].commit(now=NOW))
    these.settle("dave", these["dave"].commit(now=NOW))
    late = [person(f"late{number}") for number in range(4)]
    staged = these["carol"].commit([one.add for one in late], now=NOW)
    assert not staged.has_path
    these.settle("carol", staged, late)
    these.settle("late3", these["late3"].commit(now=NOW))
    these.settle("bob", these["bob"].commit([mls.Remove(these.index("late1"))], now=NOW))


def test_a_removed_member_learns_it_and_cannot_go_on() -> None:
    these = room("bob", "carol")
    staged = these["alice"].commit([mls.Remove(these.index("bob"))], now=NOW)
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    assert received.removes_me
    assert received.after == staged.after
    with pytest.raises(mls.RemovedFromGroup):
        _ = received.epoch_authenticator
    with pytest.raises(mls.RemovedFromGroup):
        received.merge()
    bob = these.groups.pop("bob")
    these.settle("alice", staged)
    message = these["alice"].encrypt(b"without bob")
    with pytest.raises(mls.GroupClosed, match="it removed me"):
        bob.receive(message)


def test_rejoin_is_remove_and_add_of_one_signature_key_in_one_commit() -> None:
    these = room("bob", "carol", "dave")
    bob = these.people["bob"].renew()
    staged = these["alice"].commit([mls.Remove(these.index("bob")), bob.add], now=NOW)
    assert (staged.removed, staged.added) == ((1,), (1,))
    old = these.groups.pop("bob").receive(staged.message)
    assert isinstance(old, mls.StagedCommit)
    assert old.removes_me
    these.settle("alice", staged, [bob])
    assert these["alice"].find(bob.signer.public) == 1
    these.settle("bob", these["bob"].commit(now=NOW))


def test_a_commit_takes_updates_removes_and_adds_together() -> None:
    these = room("bob", "carol", "dave", "erin")
    refs = [these.propose_update("bob"), these.propose_update("erin")]
    old_key = these["alice"].member(these.index("bob"))
    frank = person("frank")
    staged = these["alice"].commit([mls.Remove(these.index("carol")), frank.add], refs, now=NOW)
    assert staged.updated == (1, 4)
    assert [item.by_reference for item in staged.proposals] == [True, True, False, False]
    assert [item.sender for item in staged.proposals] == [1, 4, 0, 0]
    these.settle("alice", staged, [frank])
    assert these["alice"].member(these.index("bob")) != old_key
    these.settle("bob", these["bob"].commit(now=NOW))


def test_an_update_left_out_is_forgotten_with_its_epoch() -> None:
    these = room("bob", "carol")
    ref = these.propose_update("bob")
    these.settle("alice", these["alice"].commit(now=NOW))
    assert these["alice"].proposals == ()
    with pytest.raises(mls.CannotCommit):
        these["alice"].commit(references=[ref], now=NOW)
    these.settle("alice", these["alice"].commit(references=[these.propose_update("bob")], now=NOW))


def test_a_staged_commit_can_be_dropped_and_another_merged() -> None:
    these = room("bob", "carol")
    dropped = these["alice"].commit([mls.Remove(these.index("carol"))], now=NOW)
    dropped.drop()
    with pytest.raises(mls.StagedCommitSpent):
        dropped.merge()
    these.agree()
    these.settle("bob", these["bob"].commit(now=NOW))


def test_a_commit_can_be_looked_at_before_it_is_merged() -> None:
    these = room("bob")
    carol = person("carol")
    staged = these["alice"].commit([carol.add], force_path=True, now=NOW)
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    assert (received.committer, received.added, received.removed) == (0, (2,), ())
    assert (received.before.epoch, received.after.epoch) == (1, 2)
    assert received.has_path
    assert received.new_leaf == staged.new_leaf
    assert received.content == staged.content
    assert [member.index for member in received.members_after()] == [0, 1, 2]
    assert received.epoch_authenticator == staged.epoch_authenticator
    assert these["bob"].epoch == 1
    (proposal,) = received.proposals
    assert isinstance(proposal.proposal, mls.Add)
    assert proposal.sender == 0


def test_group_context_extensions_change_for_all() -> None:
    kind = 0xF001
    caps = capabilities(extensions=(kind,))
    alice = found(caps=caps, extensions=(mls.Extension(kind, b"one"),))
    bob = person("bob", caps=caps)
    these = Room({"alice": alice}, {})
    these.settle("alice", alice.commit([bob.add], now=NOW), [bob])
    change = mls.GroupContextExtensions((mls.Extension(kind, b"two"),))
    these.settle("bob", these["bob"].commit([change], now=NOW))
    assert these["alice"].context.extension(kind) == b"two"
    assert these["alice"].context.extension(0xF002) is None


def test_leaf_extensions_change_with_a_path_or_an_update() -> None:
    kind = 0xF010
    caps = capabilities(extensions=(kind,))
    alice, bob = found(caps=caps), person("bob", caps=caps)
    these = Room({"alice": alice}, {})
    these.settle("alice", alice.commit([bob.add], now=NOW), [bob])
    these.settle(
        "bob", these["bob"].commit(leaf_extensions=(mls.Extension(kind, b"path"),), now=NOW)
    )
    leaf = these["alice"].member(1)
    assert leaf is not None
    assert leaf.extension(kind) == b"path"
    update = these["bob"].propose_update((mls.Extension(kind, b"update"),))
    received = these["alice"].receive(update)
    assert isinstance(received, mls.ReceivedProposal)
    these.settle("alice", these["alice"].commit(references=[received.ref], now=NOW))
    leaf = these["alice"].member(1)
    assert leaf is not None
    assert leaf.extension(kind) == b"update"


def test_external_and_resumption_psks_enter_an_epoch() -> None:
    these = room("bob", "carol")
    store = mls.PskStore({b"shared": mls.Secret(b"k" * 32)})
    group = these["alice"]
    psks = [
        mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"shared", os.urandom)),
        mls.PreSharedKey(
            mls.PreSharedKeyID.of_epoch(SUITE, group.group_id, group.epoch, os.urandom)
        ),
    ]
    dave = person("dave")
    staged = group.commit([*psks, dave.add], psks=store, now=NOW)
    assert not staged.has_path
    with pytest.raises(mls.MissingPsk):
        these["bob"].receive(staged.message)
    received = these["carol"].receive(staged.message, store)
    assert isinstance(received, mls.StagedCommit)
    assert received.epoch_authenticator == staged.epoch_authenticator
    assert staged.welcome is not None
    with pytest.raises(mls.PskMissing):
        mls.Group.join(staged.welcome, dave.bundle, dave.signer, policy=POLICY, now=NOW)
    resumption = {(group.group_id, group.epoch): group.resumption_psk}
    both = mls.PskStore(store.external, resumption)
    joined = mls.Group.join(
        staged.welcome, dave.bundle, dave.signer, psks=both, policy=POLICY, now=NOW
    )
    assert joined.epoch_authenticator == staged.epoch_authenticator


def test_a_psk_of_another_value_holds_only_me() -> None:
    these = room("bob")
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"shared", os.urandom))
    staged = these["alice"].commit(
        [psk], psks=mls.PskStore({b"shared": mls.Secret(b"right")}), now=NOW
    )
    with pytest.raises(mls.PskMismatch):
        these["bob"].receive(staged.message, mls.PskStore({b"shared": mls.Secret(b"wrong")}))


def test_handshakes_may_go_out_unencrypted() -> None:
    these = room("bob", "carol")
    update = these["bob"].propose_update(wire_format="public")
    assert mls.peek(update).wire_format is mls.WireFormat.PUBLIC_MESSAGE
    for name in ("alice", "carol"):
        received = these[name].receive(update)
        assert isinstance(received, mls.ReceivedProposal)
    staged = these["alice"].commit(
        references=[item.ref for item in these["alice"].proposals], wire_format="public", now=NOW
    )
    these.settle("alice", staged)


def test_joining_from_outside_with_and_without_replacing_an_old_self() -> None:
    these = room("bob", "carol")
    signer = SUITE.signature_keypair(os.urandom)
    zoe = mls.Credential.basic(b"zoe")
    staged = mls.Group.join_externally(
        these["alice"].group_info(), signer, zoe, capabilities(), policy=POLICY, now=NOW
    )
    assert staged.is_external
    following = {}
    for name, group in these.groups.items():
        received = group.receive(staged.message)
        assert isinstance(received, mls.StagedCommit)
        assert received.is_external
        assert received.committer == 3
        following[name] = received.merge()
    these.groups = {**following, "zoe": staged.merge()}
    these.agree()
    again = mls.Group.join_externally(
        these["bob"].group_info(),
        signer,
        zoe,
        capabilities(),
        remove=these.index("zoe"),
        policy=POLICY,
        now=NOW,
    )
    following = {}
    for name in these.others("zoe"):
        received = these[name].receive(again.message)
        assert isinstance(received, mls.StagedCommit)
        following[name] = received.merge()
    these.groups = {**following, "zoe": again.merge()}
    these.agree()
    assert these.index("zoe") == 3


def test_joining_from_outside_with_a_psk() -> None:
    these = room("bob")
    store = mls.PskStore({b"door": mls.Secret(os.urandom(32))})
    staged = mls.Group.join_externally(
        these["alice"].group_info(),
        SUITE.signature_keypair(os.urandom),
        mls.Credential.basic(b"zoe"),
        capabilities(),
        psk_ids=(mls.PreSharedKeyID.external(SUITE, b"door", os.urandom),),
        psks=store,
        policy=POLICY,
        now=NOW,
    )
    received = these["alice"].receive(staged.message, store)
    assert isinstance(received, mls.StagedCommit)
    assert received.epoch_authenticator == staged.epoch_authenticator
    with pytest.raises(mls.MissingPsk):
        these["bob"].receive(staged.message)


def test_proposals_from_outside() -> None:
    service = SUITE.signature_keypair(os.urandom)
    sender = mls.ExternalSender(service.public, mls.Credential.basic(b"service"))
    alice = found(extensions=(mls.encode_external_senders((sender,)),))
    bob, zoe = person("bob"), person("zoe")
    these = Room({"alice": alice}, {})
    these.settle("alice", alice.commit([bob.add], now=NOW), [bob])
    group = these["alice"]
    remove = mls.propose_as_external_sender(
        service, group.group_id, group.epoch, 0, mls.Remove(these.index("bob"))
    )
    oneself = mls.propose_oneself(zoe.signer, group.group_id, group.epoch, zoe.bundle.key_package)
    refs = []
    for message in (remove, oneself):
        received = group.receive(message)
        assert isinstance(received, mls.ReceivedProposal)
        assert received.sender is None
        refs.append(received.ref)
        these["bob"].receive(message)
    these.settle("alice", group.commit(references=refs, now=NOW), [zoe])
    assert sorted(these.groups) == ["alice", "zoe"]
