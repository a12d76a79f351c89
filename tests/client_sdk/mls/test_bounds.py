"""What a message may cost: bytes of proposals, steps of a ratchet, leaves of a tree, sizes; and
which lifetimes are taken at all. Counted, never timed."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import pytest
from alcove import mls
from alcove.mls import tree_hash, tree_math
from alcove.mls.nodes import LeafNode, LeafNodeSource, ParentNode
from alcove.mls.ratchet_tree import RatchetTree

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    capabilities,
    epoch_of,
    forge,
    found,
    limits,
    person,
    room,
    seal,
    snapshot,
)
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import refused

# -- proposals


@pytest.mark.parametrize("by_reference", [False, True])
def test_adds_beyond_the_room_cost_no_signature(
    by_reference: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One commit could name one Add 32,768 times, at three verifications each."""
    these = room("bob", "carol", policy=limits(max_leaves=4))
    add = person("dave").add
    item: mls.Proposal | mls.ProposalRef = add
    if by_reference:
        received = these["carol"].receive(these["bob"].propose(add, now=NOW))
        assert isinstance(received, mls.ReceivedProposal)
        item = mls.ProposalRef(received.ref)
    message = seal(these["bob"], forge(these["bob"], mls.Commit((item,) * 500, None)))
    verified = []
    monkeypatch.setattr(mls.KeyPackage, "verify", lambda *_rest: verified.append(1))
    refused(these["carol"], message, mls.InvalidProposalList, "members")
    assert verified == []


def _from_outside(group: mls.Group, size: int) -> bytes:
    padding = (mls.Extension(0xF00D, bytes(size)),)
    signer = SUITE.signature_keypair(os.urandom)
    bundle = mls.KeyPackageBundle.create(
        SUITE, signer, mls.Credential.basic(b"x"), capabilities(), mls.Lifetime(0, 1), (), padding
    )
    return mls.propose_oneself(signer, group.group_id, group.epoch, bundle.key_package)


def test_outsiders_proposals_have_a_budget_and_take_no_members_room() -> None:
    these = room("bob", "carol")
    bob, taken = these["bob"], 0
    large = _from_outside(bob, 4 * 2**20 - 600)
    for _ in range(30):
        refused(bob, large, mls.ProposalsFull, "from outside")
    assert len(bob.proposals) == 0
    for _ in range(300):
        try:
            bob.receive(_from_outside(bob, 1024))
        except mls.ProposalsFull:
            break
        taken += 1
    assert 150 < taken < 256  # 256 KiB of them, a KiB and some each
    refused(bob, large, mls.ProposalsFull, "from outside")
    # An honest member's Update is taken all the same, and the commit that names it is followed.
    ref = these.propose_update("carol")
    these.settle("alice", these["alice"].commit((), [ref], now=NOW))


def test_one_members_proposals_leave_room_for_the_others() -> None:
    these = room("bob", "carol", policy=limits(sender_proposals=2000))
    large = mls.CustomProposal(0xF001, bytes(1500))
    forging.send_proposal(these["carol"], large, these["bob"])
    before = snapshot(these["bob"])
    content = forge(these["carol"], mls.CustomProposal(0xF001, bytes(1501)))
    message = seal(these["carol"], content)
    for _ in range(2):  # no key is consumed: it is refused for the same reason again
        refused(these["bob"], message, mls.ProposalsFull, "from one member")
    assert snapshot(these["bob"]) == before
    these["bob"].receive(these["alice"].propose_update())
    these["bob"].receive(these["carol"].encrypt(b"still heard"))


def test_all_members_proposals_have_a_budget() -> None:
    these = room("bob", "carol", policy=limits(member_proposals=2000))
    forging.send_proposal(these["carol"], mls.CustomProposal(0xF001, bytes(1500)), these["bob"])
    large = forge(these["alice"], mls.CustomProposal(0xF001, bytes(1500)))
    message = seal(these["alice"], large)
    refused(these["bob"], message, mls.ProposalsFull, "from all members")


def test_the_same_proposal_again_costs_nothing() -> None:
    these = room("bob", policy=limits(outsider_proposals=1500))
    message = _from_outside(these["bob"], 500)
    for _ in range(5):
        these["bob"].receive(message)
    assert len(these["bob"].proposals) == 1


def test_an_own_proposal_without_room_costs_no_key() -> None:
    these = room("bob", policy=limits(sender_proposals=100))
    before = snapshot(these["alice"])
    with pytest.raises(mls.ProposalsFull):
        these["alice"].propose(mls.Add(person("zoe").bundle.key_package), now=NOW)
    with pytest.raises(mls.ProposalsFull):
        these["alice"].propose_update()
    assert snapshot(these["alice"]) == before
    assert these["alice"]._own_updates == {}


# -- ratchets


class Counting:
    """Counts what is expanded, by label."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.labels: list[str] = []
        real = type(SUITE).expander

        def expander(suite: mls.CipherSuite, secret: bytes) -> Any:
            expand = real(suite, secret)

            def counted(label: str, context: bytes, length: int) -> bytes:
                self.labels.append(label)
                return expand(label, context, length)

            return counted

        monkeypatch.setattr(type(SUITE), "expander", expander)

    def take(self) -> tuple[int, int]:
        """(ratchet secrets, keys) derived since the last call."""
        secrets, keys = self.labels.count("secret"), self.labels.count("key")
        self.labels.clear()
        return secrets, keys


def test_handshakes_one_after_the_other_cost_one_derivation_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    these = room("bob")
    alice, bob = these["alice"], these["bob"]
    alice.propose(mls.Remove(1), now=NOW)
    count = Counting(monkeypatch)
    messages = [alice.propose(mls.Remove(1), now=NOW) for _ in range(20)]
    assert count.take()[0] == 20
    for message in messages:
        bob.read_proposal(message)
    assert count.take()[0] == 20
    for message in (messages[5], messages[6]):  # back to generation 6, and on
        bob.read_proposal(message)
    assert count.take()[0] == 6 + 1


def test_skipped_steps_derive_only_the_ratchet_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    these = room("bob")
    messages = [these["alice"].encrypt(b"text") for _ in range(400)]
    count = Counting(monkeypatch)
    forged = messages[399][:-1] + bytes((messages[399][-1] ^ 1,))
    for _ in range(3):  # nothing is consumed, so it can be repeated
        with pytest.raises(mls.DecryptionFailed):
            these["bob"].receive(forged)
        secrets, keys = count.take()
        assert secrets == 400  # to generation 399, and what the key's own step derives
        assert keys == 2  # of the message, and of its sender data
    these["bob"].receive(messages[399])
    count.take()
    for message in messages[:399]:
        these["bob"].receive(message)
    assert count.take()[0] == 0  # kept as keys: no ratchet secret is left to derive from


def test_the_forward_limit_is_about_a_thousand() -> None:
    these = room("bob")
    messages = [these["alice"].encrypt(b"text") for _ in range(1_003)]
    refused(these["bob"], messages[1_001], mls.GenerationTooFar, "further ahead")
    these["bob"].receive(messages[1_000])
    these["bob"].receive(messages[1_002])
    these["bob"].receive(messages[1])
    # A thousand are kept. The first was never read, and does not pass for one that was.
    refused(these["bob"], messages[0], mls.GenerationForgotten, "deleted")


def test_an_application_can_bound_generations_itself_and_no_handshake_with_them() -> None:
    these = room("bob")
    alice, bob = these["alice"], these["bob"]
    messages = [alice.encrypt(b"text") for _ in range(6)]
    before = snapshot(bob)
    with pytest.raises(mls.GenerationTooFar):
        bob.receive(messages[5], most_generation=4)
    assert snapshot(bob) == before
    taken = bob.receive(messages[4], most_generation=4)
    assert isinstance(taken, mls.ReceivedApplication)
    for _ in range(3):
        alice.commit(now=NOW, force_path=True).drop()
    commit = alice.commit(now=NOW, force_path=True)
    followed = bob.receive(commit.message, most_generation=0)
    assert isinstance(followed, mls.StagedCommit)
    commit.drop()
    followed.drop()


# -- trees


def _unmerged_everywhere(size: int) -> RatchetTree:
    """A tree in which every leaf but the first is unmerged at every parent above it."""
    caps = mls.Capabilities()
    nodes: list[LeafNode | ParentNode | None] = [None] * (2 * size - 1)
    for index in range(size):
        fields = (os.urandom(32), os.urandom(32), mls.Credential.basic(b""), caps)
        nodes[2 * index] = LeafNode(*fields, LeafNodeSource.UPDATE, None, None, (), b"")
    for index in range(1, 2 * size - 1, 2):
        leaves = tuple(leaf for leaf in tree_math.leaf_range(index) if leaf)
        nodes[index] = ParentNode(os.urandom(32), b"", leaves)
    return RatchetTree(nodes)


def _work(size: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Hashes that a joiner computes for such a tree."""
    tree, hashes = _unmerged_everywhere(size), 0
    tree_hash.root_hash(SUITE, tree)
    real = type(SUITE).hash

    def counted(suite: mls.CipherSuite, data: bytes) -> bytes:
        nonlocal hashes
        hashes += 1
        return real(suite, data)

    with monkeypatch.context() as patch:
        patch.setattr(type(SUITE), "hash", counted)
        tree_hash.check_unmerged_leaves(tree)
        for index, parent in tree.parents():
            for sibling in (tree_math.left(index), tree_math.right(index)):
                tree_hash.parent_hash(SUITE, tree, parent, sibling)
    return hashes


def test_joining_grows_as_n_log_n(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (64, 256, 1024):
        depth = size.bit_length() - 1
        assert _work(size, monkeypatch) <= 3 * size * depth


def test_looking_for_unmerged_leaves_grows_as_n_log_n(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices, not scans: each node looks only at the leaves below it."""
    looked = 0
    real = bisect_left

    def counted(items: Any, *rest: Any) -> int:
        nonlocal looked
        looked += 1
        return real(items, *rest)

    monkeypatch.setattr(tree_hash, "bisect_left", counted)
    tree = _unmerged_everywhere(256)
    for index, parent in tree.parents():
        tree_hash.parent_hash(SUITE, tree, parent, tree_math.right(index))
    assert looked <= 6 * 256 * 8


def test_leaves_are_as_many_as_the_caller_says() -> None:
    these = room("bob", "carol", policy=limits(max_leaves=3))
    with pytest.raises(mls.TooLarge, match="members"):
        these["alice"].commit([person("dave").add], now=NOW)
    gone = these.groups.pop("carol")
    these.settle("alice", these["alice"].commit([mls.Remove(gone.own_index)], now=NOW))
    dave = person("dave")
    these.settle("alice", these["alice"].commit([dave.add], now=NOW), [dave])
    assert len(these["bob"].members()) == 3


def test_bounds_have_no_defaults() -> None:
    missing: tuple[dict[str, Any], ...] = ({}, {"max_leaves": 4}, {"max_lifetime": 4})
    for given in missing:
        with pytest.raises(TypeError):
            mls.Policy(**given)


# -- sizes


def test_a_message_larger_than_the_policy_is_not_taken() -> None:
    wide, bob = found(), person("bob")
    staged = wide.commit([bob.add], now=NOW)
    welcome = staged.welcome
    assert welcome is not None
    alice = staged.merge()
    with pytest.raises(mls.TooLarge, match="message"):
        forging.join(welcome, bob, policy=limits(max_message=len(welcome) - 1))
    joined = forging.join(welcome, bob, policy=limits(max_message=len(welcome)))
    assert len(welcome) < 1000
    refused(joined, alice.encrypt(bytes(1000)), mls.TooLarge, "message")
    joined.receive(alice.encrypt(bytes(10)))
    info = alice.group_info()
    with pytest.raises(mls.TooLarge, match="message"):
        forging.join_externally(info, policy=limits(max_message=len(info) - 1))


def test_a_message_that_is_too_large_is_not_parsed_for_its_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    these = room("bob", policy=limits(past_epochs=1, max_message=10_000))
    bob = these["bob"].receive(these["alice"].commit(now=NOW).message)
    assert isinstance(bob, mls.StagedCommit)
    group = bob.merge()
    parsed: list[bytes] = []
    monkeypatch.setattr("alcove.mls.messages._parse", parsed.append)
    with pytest.raises(mls.TooLarge):
        group.receive(bytes(10_001))
    assert parsed == []


# -- lifetimes


def test_a_key_package_of_1970_is_not_added_and_no_argument_is_left_out() -> None:
    old = person("bob", lifetime=mls.Lifetime(0, 1000))
    alice = found()
    with pytest.raises(mls.InvalidKeyPackage, match="does not include now"):
        alice.commit([old.add], now=NOW)
    with pytest.raises(mls.InvalidKeyPackage, match="does not include now"):
        alice.propose(old.add, now=NOW)
    with pytest.raises(mls.InvalidKeyPackage, match="does not include now"):
        old.bundle.key_package.verify(SUITE, POLICY, NOW)
    calls: list[Callable[..., object]] = [
        alice.commit,
        lambda: alice.propose(old.add),  # type: ignore[call-arg]  # left out on purpose
        # Left out on purpose.
        lambda: old.bundle.key_package.verify(SUITE),  # type: ignore[call-arg]
        # Left out on purpose.
        lambda: mls.Group.join(b"", old.bundle, old.signer),  # type: ignore[call-arg]
    ]
    for call in calls:
        with pytest.raises(TypeError, match="now"):
            call()


def test_no_members_lifetime_keeps_a_joiner_out_where_the_policy_says_so() -> None:
    """A committer can bring in a leaf of the far future, and no member that follows sees a fault.
    With one such leaf a facilitator would close a room to all newcomers for good."""
    bob = person("bob", lifetime=mls.Lifetime(1000, 2000))
    staged = found().commit([bob.add], now=2000)
    welcome = staged.welcome
    assert welcome is not None
    with pytest.raises(mls.InvalidTree, match="does not include now"):
        forging.join(welcome, bob, now=2001)
    with pytest.raises(mls.InvalidTree, match="does not include now"):
        forging.join(welcome, bob, now=999)
    lenient = limits(members_of_any_time=True)
    for now in (0, 999, 2001, 2**40):
        forging.join(welcome, bob, now=now, policy=lenient)
    short = limits(members_of_any_time=True, max_lifetime=999)
    with pytest.raises(mls.InvalidTree, match="too long"):
        forging.join(welcome, bob, now=2000, policy=short)
    assert epoch_of(staged.merge()).tree.size == 2


# -- the size of a leaf


def test_no_member_has_a_larger_leaf_than_all_agreed_on() -> None:
    """Every Welcome carries all leaves: a large one would keep newcomers out."""
    policy = limits(max_leaf=300)
    large = (mls.Extension(mls.ExtensionType.APPLICATION_ID, bytes(300)),)
    these = room("bob", "carol", policy=policy)
    alice, bob, carol = these["alice"], these["bob"], these["carol"]
    with pytest.raises(mls.InvalidLeaf, match="larger than the limits"):
        bob.propose_update(large)
    with pytest.raises(mls.InvalidLeaf, match="larger than the limits"):
        bob.commit(leaf_extensions=large, now=NOW)
    with pytest.raises(mls.InvalidKeyPackage, match="larger than the limits"):
        bob.commit([person("dave", leaf_extensions=large).add], now=NOW)
    with pytest.raises(mls.InvalidLeaf, match="larger than the limits"):
        found(policy=policy, leaf_extensions=large)
    # One that keeps no rule but those of encryption: all burn what names its leaf.
    epoch_of(bob).policy = POLICY
    update = carol.receive(bob.propose_update(large))
    assert isinstance(update, mls.ReceivedProposal)
    with pytest.raises(mls.InvalidLeaf, match="larger than the limits"):
        carol.commit((), [update.ref], now=NOW)
    staged = bob.commit(leaf_extensions=large, now=NOW)
    for group in (alice, carol):
        refused(group, staged.message, mls.InvalidPath, "larger than the limits")
    group_info = staged.merge().group_info()
    newcomer = person("dave")
    with pytest.raises(mls.InvalidTree, match="larger than the limits"):
        forging.join_externally(group_info, signer=newcomer.signer, policy=policy)
