"""What a room does, through the façade: everyone must end in the same state."""

from __future__ import annotations

import os

import pytest
from alcove import mls

from tests.client_sdk.mls.support import (
    SUITE,
    Room,
    capabilities,
    epoch_of,
    found,
    person,
    room,
)


@pytest.mark.parametrize("number", range(1, 8))
def test_every_suite_carries_a_room_through_its_life(number: int) -> None:
    suite = mls.ciphersuite(number)
    these = room("bob", "carol", "dave", suite=suite)
    these.agree()
    these.settle("alice", these["alice"].commit(references=[these.propose_update("bob")]))
    these.settle("carol", these["carol"].commit([mls.Remove(these.index("dave"))]))
    erin = person("erin", suite=suite)
    these.settle("bob", these["bob"].commit([erin.add], force_path=True), [erin])
    assert sorted(these.groups) == ["alice", "bob", "carol", "erin"]


def test_a_group_of_one_commits_and_speaks() -> None:
    alice = found()
    for _ in range(3):
        alice = alice.commit().merge()
    assert alice.epoch == 3
    assert [member.index for member in alice.members()] == [0]
    alice.encrypt(b"to nobody")


def test_members_come_one_by_one_and_leave_in_any_order() -> None:
    these = room()
    names = [f"p{number}" for number in range(9)]
    for number, name in enumerate(names):
        newcomer = person(name)
        committer = sorted(these.groups)[number % len(these.groups)]
        these.settle(committer, these[committer].commit([newcomer.add]), [newcomer])
    for name in (names[8], names[0], names[4], names[5], names[6]):
        these.settle("alice", these["alice"].commit([mls.Remove(these.index(name))]))
    assert len(these["alice"].members()) == 5
    late = [person("late1"), person("late2")]
    these.settle("p1", these["p1"].commit([one.add for one in late]), late)
    # The leftmost blank leaves are taken first.
    assert [these.index(one.name) for one in late] == [1, 5]


def test_adding_without_a_path_leaves_unmerged_leaves_and_all_can_follow() -> None:
    these = room("bob", "carol", "dave")
    these.settle("bob", these["bob"].commit())
    these.settle("dave", these["dave"].commit())
    late = [person(f"late{number}") for number in range(4)]
    staged = these["carol"].commit([one.add for one in late])
    assert not staged.has_path
    these.settle("carol", staged, late)
    these.settle("late3", these["late3"].commit())
    these.settle("bob", these["bob"].commit([mls.Remove(these.index("late1"))]))


def test_a_removed_member_learns_it_and_cannot_go_on() -> None:
    these = room("bob", "carol")
    staged = these["alice"].commit([mls.Remove(these.index("bob"))])
    received = these["bob"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    assert received.removes_me
    assert received.after == staged.after
    with pytest.raises(mls.RemovedFromGroup):
        received.merge()
    with pytest.raises(mls.RemovedFromGroup):
        _ = received.epoch_authenticator
    bob = these.groups.pop("bob")
    these.settle("alice", staged)
    message = these["alice"].encrypt(b"without bob")
    with pytest.raises(mls.WrongEpoch):
        bob.receive(message)


def test_rejoin_is_remove_and_add_of_one_signature_key_in_one_commit() -> None:
    these = room("bob", "carol", "dave")
    bob = these.people["bob"].renew()
    staged = these["alice"].commit([mls.Remove(these.index("bob")), bob.add])
    assert (staged.removed, staged.added) == ((1,), (1,))
    old = these.groups.pop("bob").receive(staged.message)
    assert isinstance(old, mls.StagedCommit)
    assert old.removes_me
    these.settle("alice", staged, [bob])
    assert these["alice"].find(bob.signer.public) == 1
    these.settle("bob", these["bob"].commit())


def test_a_commit_takes_updates_removes_and_adds_together() -> None:
    these = room("bob", "carol", "dave", "erin")
    refs = [these.propose_update("bob"), these.propose_update("erin")]
    old_key = these["alice"].member(these.index("bob"))
    frank = person("frank")
    staged = these["alice"].commit([mls.Remove(these.index("carol")), frank.add], refs)
    assert staged.updated == (1, 4)
    assert [item.by_reference for item in staged.proposals] == [True, True, False, False]
    assert [item.sender for item in staged.proposals] == [1, 4, 0, 0]
    these.settle("alice", staged, [frank])
    assert these["alice"].member(these.index("bob")) != old_key
    these.settle("bob", these["bob"].commit())


def test_an_update_left_out_is_forgotten_with_its_epoch() -> None:
    these = room("bob", "carol")
    ref = these.propose_update("bob")
    these.settle("alice", these["alice"].commit())
    assert these["alice"].proposals == ()
    with pytest.raises(mls.CannotCommit):
        these["alice"].commit(references=[ref])
    these.settle("alice", these["alice"].commit(references=[these.propose_update("bob")]))


def test_a_staged_commit_can_be_dropped_and_another_merged() -> None:
    these = room("bob", "carol")
    dropped = these["alice"].commit([mls.Remove(these.index("carol"))])
    dropped.drop()
    with pytest.raises(mls.StagedCommitSpent):
        dropped.merge()
    these.agree()
    these.settle("bob", these["bob"].commit())


def test_a_commit_can_be_looked_at_before_it_is_merged() -> None:
    these = room("bob")
    carol = person("carol")
    staged = these["alice"].commit([carol.add], force_path=True)
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
    these.settle("alice", alice.commit([bob.add]), [bob])
    change = mls.GroupContextExtensions((mls.Extension(kind, b"two"),))
    these.settle("bob", these["bob"].commit([change]))
    assert these["alice"].context.extension(kind) == b"two"
    assert these["alice"].context.extension(0xF002) is None


def test_leaf_extensions_change_with_a_path_or_an_update() -> None:
    kind = 0xF010
    caps = capabilities(extensions=(kind,))
    alice, bob = found(caps=caps), person("bob", caps=caps)
    these = Room({"alice": alice}, {})
    these.settle("alice", alice.commit([bob.add]), [bob])
    these.settle("bob", these["bob"].commit(leaf_extensions=(mls.Extension(kind, b"path"),)))
    leaf = these["alice"].member(1)
    assert leaf is not None
    assert leaf.extension(kind) == b"path"
    update = these["bob"].propose_update((mls.Extension(kind, b"update"),))
    received = these["alice"].receive(update)
    assert isinstance(received, mls.ReceivedProposal)
    these.settle("alice", these["alice"].commit(references=[received.ref]))
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
    staged = group.commit([*psks, dave.add], psks=store)
    assert not staged.has_path
    with pytest.raises(mls.MissingPsk):
        these["bob"].receive(staged.message)
    received = these["carol"].receive(staged.message, store)
    assert isinstance(received, mls.StagedCommit)
    assert received.epoch_authenticator == staged.epoch_authenticator
    assert staged.welcome is not None
    with pytest.raises(mls.PskMissing):
        mls.Group.join(staged.welcome, dave.bundle, dave.signer)
    resumption = {(group.group_id, group.epoch): group.resumption_psk}
    both = mls.PskStore(store.external, resumption)
    joined = mls.Group.join(staged.welcome, dave.bundle, dave.signer, psks=both)
    assert joined.epoch_authenticator == staged.epoch_authenticator


def test_a_psk_of_another_value_holds_only_me() -> None:
    these = room("bob")
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"shared", os.urandom))
    staged = these["alice"].commit([psk], psks=mls.PskStore({b"shared": mls.Secret(b"right")}))
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
        references=[item.ref for item in these["alice"].proposals], wire_format="public"
    )
    these.settle("alice", staged)


def test_joining_from_outside_with_and_without_replacing_an_old_self() -> None:
    these = room("bob", "carol")
    signer = SUITE.signature_keypair(os.urandom)
    zoe = mls.Credential.basic(b"zoe")
    staged = mls.Group.join_externally(these["alice"].group_info(), signer, zoe, capabilities())
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
        these["bob"].group_info(), signer, zoe, capabilities(), remove=these.index("zoe")
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
    these.settle("alice", alice.commit([bob.add]), [bob])
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
    these.settle("alice", group.commit(references=refs), [zoe])
    assert sorted(these.groups) == ["alice", "zoe"]


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


def test_skipped_keys_are_bounded_and_can_be_forgotten() -> None:
    policy = mls.Policy(max_skipped_keys=3, forward_generations=10)
    these = room("bob", policy=policy)
    sent = [these["alice"].encrypt(b"") for _ in range(20)]
    these["bob"].receive(sent[8])
    with pytest.raises(mls.GenerationConsumed):
        these["bob"].receive(sent[4])  # of the eight skipped, only the last three were kept
    these["bob"].receive(sent[5])
    with pytest.raises(mls.GenerationTooFar):
        these["bob"].receive(these["alice"].encrypt(b""))
    these["bob"].forget_skipped()
    with pytest.raises(mls.GenerationConsumed):
        these["bob"].receive(sent[6])


def test_padding_hides_lengths() -> None:
    these = room("bob")
    padding = mls.power_of_two_padding(256)
    lengths = {len(these["alice"].encrypt(bytes(n), padding=padding)) for n in (0, 1, 100, 180)}
    assert len(lengths) == 1
    message = these["alice"].encrypt(b"padded", padding=padding)
    received = these["bob"].receive(message)
    assert isinstance(received, mls.ReceivedApplication)
    assert received.plaintext == b"padded"
    commit = these["alice"].commit(padding=mls.power_of_two_padding(4096))
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
    staged = alice.commit([bob.add], group_info_extensions=(mls.Extension(kind, b"roster"),))
    assert staged.welcome is not None
    opened = mls.Group.open_welcome(staged.welcome, bob.bundle, bob.signer)
    assert opened.group_info.extension(kind) == b"roster"
    assert opened.signer.index == 0
    assert opened.signer.leaf.credential.identity == b"alice"
    assert opened.group_context == staged.after
    assert [member.index for member in opened.members] == [0, 1]
    joined = opened.accept()
    assert joined.join_info is opened.group_info
    with pytest.raises(mls.StagedCommitSpent):
        opened.accept()
    again = mls.Group.open_welcome(staged.welcome, bob.bundle, bob.signer)
    again.drop()
    bob.bundle.wipe()
    with pytest.raises(mls.SecretWiped):
        mls.Group.open_welcome(staged.welcome, bob.bundle, bob.signer)


def test_the_tree_may_come_by_another_way() -> None:
    alice, bob = found(), person("bob")
    staged = alice.commit([bob.add], with_tree=False)
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(staged.welcome, bob.bundle, bob.signer)
    tree = staged.merge().ratchet_tree()
    mls.Group.join(staged.welcome, bob.bundle, bob.signer, ratchet_tree=tree)


def test_past_epochs_are_readable_only_as_far_as_asked() -> None:
    policy = mls.Policy(past_epochs=1)
    these = room("bob", policy=policy)
    late = [these["alice"].encrypt(b"one"), these["alice"].encrypt(b"two")]
    old_bob = these["bob"]
    these.settle("alice", these["alice"].commit())
    kept = epoch_of(old_bob)
    old_bob.wipe()
    assert kept.secrets.init_secret.wiped
    assert kept.private == {}
    received = these["bob"].receive(late[0])
    assert isinstance(received, mls.ReceivedApplication)
    assert received.plaintext == b"one"
    with pytest.raises(mls.GenerationConsumed):
        these["bob"].receive(late[0])
    these.settle("alice", these["alice"].commit())
    with pytest.raises(mls.WrongEpoch):
        these["bob"].receive(late[1])


def test_a_group_begins_anew_after_a_reinit() -> None:
    these = room("bob")
    new_id = b"the next room"
    reinit = mls.ReInit(new_id, 1, SUITE.number, ())
    staged = these["alice"].commit([reinit])
    bob_staged = these["bob"].receive(staged.message)
    assert isinstance(bob_staged, mls.StagedCommit)
    old_alice, old_bob = staged.merge(), bob_staged.merge()
    assert old_bob.reinit == reinit
    with pytest.raises(mls.GroupClosed):
        old_bob.encrypt(b"too late")
    with pytest.raises(mls.GroupClosed):
        old_bob.commit()
    bob = these.people["bob"].renew()
    psk = mls.PreSharedKeyID.of_epoch(
        SUITE, old_alice.group_id, old_alice.epoch, os.urandom, mls.ResumptionPSKUsage.REINIT
    )
    store = mls.PskStore(
        resumption={(old_alice.group_id, old_alice.epoch): old_alice.resumption_psk}
    )
    anew = found(group_id=new_id)
    begun = anew.commit([mls.PreSharedKey(psk), bob.add], psks=store)
    assert begun.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(begun.welcome, bob.bundle, bob.signer, psks=store)
    joined = mls.Group.join(begun.welcome, bob.bundle, bob.signer, predecessor=old_bob)
    assert joined.epoch_authenticator == begun.epoch_authenticator
    other = found(group_id=b"another id")
    false = other.commit([mls.PreSharedKey(psk), bob.add], psks=store)
    assert false.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(false.welcome, bob.bundle, bob.signer, predecessor=old_bob)


def test_a_branch_has_only_members_of_the_old_group() -> None:
    these = room("bob", "carol")
    old = these["alice"]
    psk = mls.PreSharedKeyID.of_epoch(
        SUITE, old.group_id, old.epoch, os.urandom, mls.ResumptionPSKUsage.BRANCH
    )
    store = mls.PskStore(resumption={(old.group_id, old.epoch): old.resumption_psk})
    bob, zoe = these.people["bob"].renew(), person("zoe")
    staged = found(group_id=b"branch").commit([mls.PreSharedKey(psk), bob.add], psks=store)
    assert staged.welcome is not None
    mls.Group.join(staged.welcome, bob.bundle, bob.signer, predecessor=these["bob"])
    staged = found(group_id=b"branch").commit([mls.PreSharedKey(psk), bob.add, zoe.add], psks=store)
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(staged.welcome, bob.bundle, bob.signer, predecessor=these["bob"])


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
        group.commit,
        group.members,
    ):
        with pytest.raises(mls.GroupClosed):
            use()
    assert held.private == {}
    assert all(getattr(held.secrets, n).wiped for n in held.secrets.__dataclass_fields__)


def test_merging_leaves_the_old_group_usable_until_it_is_wiped() -> None:
    these = room("bob")
    old = these["alice"]
    staged = old.commit()
    new = staged.merge()
    old.encrypt(b"still")
    old.wipe()
    new.encrypt(b"and on")
    new.commit().merge().commit()
    with pytest.raises(mls.StagedCommitSpent):
        staged.merge()


def test_custom_proposals_are_for_groups_whose_members_all_know_them() -> None:
    kind = 0xF0F1
    caps = capabilities(proposals=(kind,))
    alice, bob, zoe = found(caps=caps), person("bob", caps=caps), person("zoe")
    these = Room({"alice": alice}, {})
    these.settle("alice", alice.commit([bob.add, zoe.add]), [bob, zoe])
    custom = mls.CustomProposal(kind, b"whatever we agreed on")
    with pytest.raises(mls.InvalidProposal):
        these["alice"].commit([custom])
    without = these["alice"].commit([custom, mls.Remove(these.index("zoe"))])
    received = these["bob"].receive(without.message)
    assert isinstance(received, mls.StagedCommit)
    assert received.proposals[0].proposal == custom
    assert received.merge().epoch_authenticator == without.epoch_authenticator


def test_lifetimes_are_judged_by_whoever_commits_or_joins() -> None:
    short = mls.Lifetime(1000, 2000)
    bob = person("bob", lifetime=short)
    with pytest.raises(mls.InvalidKeyPackage):
        found().commit([bob.add], now=2001)
    staged = found().commit([bob.add], now=2000)
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidTree):
        mls.Group.join(staged.welcome, bob.bundle, bob.signer, now=2001)
    mls.Group.join(staged.welcome, bob.bundle, bob.signer, now=1000)
    bob.bundle.key_package.verify(SUITE, mls.Policy(max_lifetime=1000))
    with pytest.raises(mls.InvalidKeyPackage):
        bob.bundle.key_package.verify(SUITE, mls.Policy(max_lifetime=999))
