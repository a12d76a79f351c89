"""Fifteen places where first MLS implementations go wrong, each with the refusal it deserves.

Passing the official vectors shows that honest messages are read rightly. These tests show what
becomes of dishonest ones. Most work by letting one member misbehave in exactly one way, by
replacing one function while it acts; the others, untouched, must refuse.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls import (
    create_commit,
    framing,
    key_schedule,
    private_message,
    proposal_list,
    transition,
    tree_hash,
    tree_math,
    treekem,
    welcome,
)
from alcove.mls import epoch as epoch_module
from alcove.mls.codec import Reader, opaque, uint8
from alcove.mls.framing import (
    AuthenticatedContent,
    PublicMessage,
    Sender,
    SenderType,
    WireFormat,
    wrap,
)
from alcove.mls.messages import sign_message
from alcove.mls.nodes import ParentNode
from alcove.mls.proposals import Commit, ProposalOrRef
from alcove.mls.psk import psk_secret
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.welcome import PathSecret, group_info, sign_group_info

from tests.client_sdk.mls.support import (
    SUITE,
    capabilities,
    epoch_of,
    forge,
    found,
    person,
    room,
    seal,
    snapshot,
)

Patch = pytest.MonkeyPatch


def refused(group: mls.Group, message: bytes, error: type[mls.MLSError]) -> None:
    """The group refuses a message, with that error and no other, and is as it was before, but
    for the ratchet of a sender whose message was authentic."""
    before = snapshot(group)
    with pytest.raises(error) as caught:
        group.receive(message)
    assert type(caught.value) is error
    after = snapshot(group)
    assert before[:6] == after[:6]
    assert before[7] == after[7]


def public(content: AuthenticatedContent, tag: bytes | None = None) -> bytes:
    return wrap(WireFormat.PUBLIC_MESSAGE, PublicMessage(content, tag).encode())


def commit_badly(
    group: mls.Group, patch: Callable[[Patch], object], **arguments: Any
) -> mls.StagedCommit:
    """A commit of a member that misbehaves while making it."""
    with Patch.context() as misbehave:
        patch(misbehave)
        return group.commit(**arguments)


# 1. varints must be minimal, prefix 11 is invalid (2.1.2)


@pytest.mark.parametrize(
    "length", ["4000", "403f", "80000000", "80003fff", "c0", "ff", "c000000000000000", "40", "8000"]
)
def test_01_lengths_that_are_not_minimal_are_malformed(length: str) -> None:
    with pytest.raises(mls.Malformed):
        Reader(bytes.fromhex(length)).varint()


def test_01_a_message_with_a_longer_length_than_needed_is_refused() -> None:
    these = room("bob")
    message = these["alice"].encrypt(b"text")
    group_id = these["alice"].group_id
    plain, longer = opaque(group_id), b"\x40" + opaque(group_id)
    assert message[4 : 4 + len(plain)] == plain
    refused(these["bob"], message.replace(plain, longer, 1), mls.Malformed)
    refused(these["bob"], message + b"\x00", mls.Malformed)


# 2. ProposalRef hashes AuthenticatedContent, not the message (5.2)


def test_02_a_reference_by_the_hash_of_anything_else_finds_nothing() -> None:
    these = room("bob", "carol")
    proposal = mls.Remove(these.index("carol"))
    message = these["bob"].propose(proposal)
    these["carol"].receive(message)
    received = these["alice"].receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    (known,) = these["alice"].proposals
    assert known.ref == SUITE.proposal_ref(received.content)
    for value in (message, message[4:], b"\x00\x03" + proposal.encode()):
        false = SUITE.proposal_ref(value)
        with pytest.raises(mls.CannotCommit):
            these["alice"].commit(references=[false])
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
    refused(these["bob"], public(content), mls.Malformed)  # none at all
    key = epoch_of(these["alice"]).secrets.membership_key
    over_tbs_only = SUITE.mac(key, content.content.encode())
    refused(these["bob"], public(content, over_tbs_only), mls.InvalidMessage)


def test_04_an_outsider_with_a_membership_tag_is_refused() -> None:
    alice, zoe = found(), person("zoe")
    message = mls.propose_oneself(zoe.signer, alice.group_id, 0, zoe.bundle.key_package)
    refused(alice, message + opaque(bytes(32)), mls.Malformed)
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
    refused(these["bob"], these["alice"].encrypt(b"text"), mls.Malformed)


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


# 6. path ciphertexts use the provisional GroupContext (12.4.1)


@pytest.mark.parametrize("what", ["old epoch", "old tree hash", "new transcript hash"])
def test_06_a_path_encrypted_under_another_context_does_not_open(what: str) -> None:
    these = room("bob", "carol")
    old = these["alice"].context

    def patch(misbehave: Patch) -> None:
        real: Callable[..., Any] = treekem.encrypt_path

        def wrong(*arguments: Any) -> Any:
            context = mls.GroupContext.decode(arguments[5])
            if what == "old epoch":
                context = replace(context, epoch=old.epoch)
            elif what == "old tree hash":
                context = replace(context, tree_hash=old.tree_hash)
            else:
                context = replace(context, confirmed_transcript_hash=bytes(32))
            return real(*arguments[:5], context.encode(), *arguments[6:])

        misbehave.setattr(create_commit, "encrypt_path", wrong)

    staged = commit_badly(these["alice"], patch)
    refused(these["bob"], staged.message, mls.PathNotDecryptable)


# 7. new leaves get no path ciphertext; the Welcome carries the path secret (12.4.3)


def test_07_a_path_ciphertext_for_a_new_leaf_is_refused() -> None:
    these = room("bob")
    carol = person("carol")

    def patch(misbehave: Patch) -> None:
        real: Callable[..., Any] = treekem.encrypt_path
        misbehave.setattr(
            create_commit,
            "encrypt_path",
            lambda *a: real(*a[:4], frozenset(), *a[5:]),
        )

    staged = commit_badly(these["alice"], patch, proposals=[carol.add], force_path=True)
    refused(these["bob"], staged.message, mls.InvalidPath)


@pytest.mark.parametrize("false", [None, PathSecret(mls.Secret(bytes(32)))])
def test_07_a_welcome_without_the_right_path_secret_is_refused(false: PathSecret | None) -> None:
    carol = person("carol")

    def patch(misbehave: Patch) -> None:
        misbehave.setattr(welcome, "_path_secret_for", lambda _transition, _leaf: false)

    staged = commit_badly(room("bob")["alice"], patch, proposals=[carol.add], force_path=True)
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(staged.welcome, carol.bundle, carol.signer)


def test_07_newcomers_of_one_commit_know_the_keys_above_them() -> None:
    these = room("bob", "carol", "dave", "erin")
    late = [person(f"late{number}") for number in range(4)]
    these.settle("bob", these["bob"].commit([one.add for one in late], force_path=True), late)
    for name in ("late0", "late3"):
        group = epoch_of(these[name])
        assert treekem.private_keys_match(SUITE, group.tree, group.private)
        above = tree_math.direct_path(2 * group.own_index, group.tree.size)
        filled = {index for index in above if group.tree.nodes[index] is not None}
        assert filled <= set(group.private)
        these.settle(name, these[name].commit())


# 8. filtered direct path and unmerged leaves (4.1, 7.1)


def test_08_a_path_over_nodes_with_nobody_on_the_other_side_is_refused() -> None:
    these = room("bob", "carol")  # carol is alone in the right half

    def patch(misbehave: Patch) -> None:
        def unfiltered(tree: RatchetTree, leaf: int) -> tuple[treekem.Step, ...]:
            steps, child = [], 2 * leaf
            for node in tree_math.direct_path(child, tree.size):
                steps.append(treekem.Step(node, tree_math.sibling(child)))
                child = node
            return tuple(steps)

        misbehave.setattr(create_commit, "filtered_direct_path", unfiltered)

    staged = commit_badly(these["carol"], patch)
    refused(these["alice"], staged.message, mls.InvalidPath)
    these.settle("bob", these["bob"].commit())


def test_08_a_path_that_leaves_out_an_unmerged_member_is_refused() -> None:
    these = room("bob", "carol", "dave")
    these.settle("dave", these["dave"].commit())
    these.settle("alice", these["alice"].commit([mls.Remove(these.index("dave"))]))
    these.settle("carol", these["carol"].commit())
    erin = person("erin")
    these.settle("alice", these["alice"].commit([erin.add]), [erin])
    tree = epoch_of(these["alice"]).tree
    assert any(node.unmerged_leaves == (3,) for _index, node in tree.parents())

    def patch(misbehave: Patch) -> None:
        real = treekem.recipients
        misbehave.setattr(
            treekem,
            "recipients",
            lambda tree, copath, new: tuple(n for n in real(tree, copath, new) if n != 6),
        )

    staged = commit_badly(these["alice"], patch)
    refused(these["bob"], staged.message, mls.InvalidPath)
    these.settle("bob", these["bob"].commit())  # and rightly made, erin follows


def test_08_unmerged_leaves_out_of_order_or_elsewhere_make_a_tree_invalid() -> None:
    these = room(*"bcdefgh")
    these.settle("h", these["h"].commit())
    late = [person("late1"), person("late2")]
    these.settle("alice", these["alice"].commit([mls.Remove(1), mls.Remove(2)]))
    these.settle("h", these["h"].commit())
    these.settle("alice", these["alice"].commit([one.add for one in late]), late)
    tree = epoch_of(these["alice"]).tree
    index, top = next((i, n) for i, n in tree.parents() if n.unmerged_leaves == (1, 2))
    tree_hash.check_unmerged_leaves(tree)
    for unmerged in ((2, 1), (1, 1, 2), (1, 2, 9), (1, 2, 400)):
        bad = tree.copy()
        bad.set_parent(index, replace(top, unmerged_leaves=unmerged))
        with pytest.raises(mls.InvalidTree):
            tree_hash.check_unmerged_leaves(bad)


# 9. parent hash uses the original sibling tree hash (7.9)


def _with_current_sibling(misbehave: Patch) -> None:
    def current(suite: Any, tree: RatchetTree, parent: ParentNode, sibling: int) -> bytes:
        value = tree_hash.tree_hash(suite, tree, sibling)
        return SUITE.hash(
            opaque(parent.encryption_key) + opaque(parent.parent_hash) + opaque(value)
        )

    misbehave.setattr(tree_hash, "parent_hash", current)


def test_09_the_sibling_is_hashed_as_it_was_when_the_parent_was_set() -> None:
    these = room("bob", "carol", "dave")
    these.settle("alice", these["alice"].commit([mls.Remove(these.index("dave"))]))
    these.settle("alice", these["alice"].commit())
    late = person("late")
    these.settle("bob", these["bob"].commit([late.add]), [late])  # joins: the check passes
    tree = epoch_of(these["alice"]).tree
    root = tree.nodes[tree.root]
    assert isinstance(root, ParentNode)
    assert root.unmerged_leaves == (3,)
    tree_hash.check_parent_hashes(SUITE, tree)
    with Patch.context() as misbehave:
        _with_current_sibling(misbehave)
        with pytest.raises(mls.InvalidTree):
            tree_hash.check_parent_hashes(SUITE, tree)


def test_09_a_leaf_with_another_parent_hash_is_refused() -> None:
    these = room("bob", "carol")

    def patch(misbehave: Patch) -> None:
        real: Callable[..., Any] = treekem.set_path
        misbehave.setattr(create_commit, "set_path", lambda *a: SUITE.hash(real(*a)))

    staged = commit_badly(these["alice"], patch)
    refused(these["bob"], staged.message, mls.ParentHashMismatch)


def test_09_a_parent_key_that_no_member_set_is_refused_on_joining() -> None:
    these = room("bob", "carol")
    these.settle("alice", these["alice"].commit())
    carol = person("late")

    def patch(misbehave: Patch) -> None:
        real = proposal_list.apply_list

        def plant(rules: Any, items: Any) -> Any:
            applied = real(rules, items)
            applied.tree.set_parent(5, ParentNode(SUITE.hpke_keypair(os.urandom).public, b"", (3,)))
            return applied

        misbehave.setattr(create_commit, "apply_list", plant)

    staged = commit_badly(these["alice"], patch, proposals=[carol.add])
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidTree, match="parent hash"):
        mls.Group.join(staged.welcome, carol.bundle, carol.signer)


# 10. leftmost blank, extension and truncation (7.7)


def test_10_who_adds_elsewhere_than_at_the_leftmost_blank_is_refused() -> None:
    these = room("bob", "carol", "dave")
    these.settle("alice", these["alice"].commit([mls.Remove(1), mls.Remove(2)]))
    late = person("late")
    with Patch.context() as misbehave:
        misbehave.setattr(RatchetTree, "leftmost_blank", lambda _tree: 2)
        staged = these["alice"].commit([late.add])
    refused(these["dave"], staged.message, mls.ConfirmationMismatch)


def test_10_who_does_not_truncate_is_refused() -> None:
    these = room("bob", "carol")
    with Patch.context() as misbehave:
        misbehave.setattr(RatchetTree, "truncate", lambda _tree: None)
        staged = these["alice"].commit([mls.Remove(2)])
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
        staged = these["alice"].commit([late.add, mls.Remove(1)])
    refused(these["dave"], staged.message, mls.InvalidPath)
    rightly = these["alice"].commit([late.add, mls.Remove(1)])
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
            alice.commit(order)
    alice.commit([able.add, change]).merge()


# 12. when a path is required; a committer cannot commit its own Update (12.2, 12.4)


def _pathless(group: mls.Group, *proposals: ProposalOrRef) -> bytes:
    return seal(group, forge(group, Commit(tuple(proposals), None)))


def test_12_a_commit_without_the_path_that_it_needs_is_refused() -> None:
    these = room("bob", "carol")
    alice, bob = these["alice"], these["bob"]
    refused(bob, _pathless(alice), mls.PathRequired)
    refused(bob, _pathless(alice, mls.Remove(these.index("carol"))), mls.PathRequired)
    refused(bob, _pathless(alice, mls.GroupContextExtensions(())), mls.PathRequired)
    ref = these.propose_update("carol")
    refused(bob, _pathless(alice, mls.ProposalRef(ref)), mls.PathRequired)
    # An Add needs none: then it is the confirmation tag that is wrong.
    refused(bob, _pathless(alice, person("dave").add), mls.ConfirmationMismatch)
    staged = alice.commit([person("dave").add])
    assert not staged.has_path


def test_12_a_committer_cannot_commit_its_own_update_or_removal() -> None:
    these = room("bob", "carol")
    ref = these.propose_update("alice")
    with pytest.raises(mls.InvalidProposal):
        these["alice"].commit(references=[ref])
    with pytest.raises(mls.InvalidProposal):
        these["alice"].commit([mls.Remove(these.index("alice"))])
    refused(these["bob"], _pathless(these["alice"], mls.ProposalRef(ref)), _LIST)
    refused(these["bob"], _pathless(these["alice"], mls.Remove(0)), _LIST)
    these.settle("bob", these["bob"].commit(references=[ref]))


_LIST = mls.InvalidProposalList


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
        refused(bob, _pathless(alice, *items), _LIST)


# 13. the exporter hashes its context (8.5); PSK chain order (8.4)


def test_13_the_exporter_hashes_its_context() -> None:
    group = room("bob")["alice"]
    exporter = epoch_of(group).secrets.exporter_secret
    derived = SUITE.derive_secret(exporter, "label")
    right = SUITE.expand_with_label(derived, "exported", SUITE.hash(b"context"), 32)
    wrong = SUITE.expand_with_label(derived, "exported", b"context", 32)
    assert group.export("label", b"context", 32) == right
    assert group.export("label", b"context", 32) != wrong
    assert group.export("label", b"other", 32) != right
    assert len(group.export("label", b"context", 48)) == 48


def test_13_psks_chained_in_another_order_are_refused() -> None:
    these = room("bob")
    store = mls.PskStore({b"one": mls.Secret(b"1" * 32), b"two": mls.Secret(b"2" * 32)})
    psks = [
        mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, name, os.urandom))
        for name in (b"one", b"two")
    ]
    with Patch.context() as misbehave:
        misbehave.setattr(
            transition, "psk_secret", lambda suite, found: psk_secret(suite, found[::-1])
        )
        staged = these["alice"].commit(psks, psks=store)
    with pytest.raises(mls.PskMismatch):
        these["bob"].receive(staged.message, store)


# 14. verify everything on a copy before state changes; delete used keys at once (9.2)


def test_14_a_refused_commit_changes_nothing_and_the_next_is_taken() -> None:
    these = room("bob", "carol")
    ref = these.propose_update("carol")

    def patch(misbehave: Patch) -> None:
        misbehave.setattr(create_commit, "derive_epoch", _with_another_key(transition.derive_epoch))

    staged = commit_badly(these["alice"], patch, references=[ref])
    for name in ("bob", "carol"):
        refused(these[name], staged.message, mls.ConfirmationMismatch)
    these.agree()
    these.settle("alice", these["alice"].commit(references=[ref]))


def _with_another_key(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(*arguments: Any) -> Any:
        context, joiner, secrets = real(*arguments)
        return context, joiner, replace(secrets, confirmation_key=mls.Secret(bytes(32)))

    return wrong


def test_14_a_used_key_is_gone() -> None:
    these = room("bob")
    message = these["alice"].encrypt(b"once")
    these["bob"].receive(message)
    refused(these["bob"], message, mls.GenerationConsumed)
    with pytest.raises(mls.OwnMessage):
        these["alice"].receive(message)


def test_14_a_forged_message_does_not_burn_the_key_of_whom_it_names() -> None:
    these = room("bob", "carol")
    # Carol knows every ratchet of the epoch; she sends in Alice's name, without her signature.
    alice = Sender.member(these.index("alice"))
    forged = seal(these["carol"], forge(these["carol"], b"forged", sender=alice))
    honest = these["alice"].encrypt(b"honest")
    refused(these["bob"], forged, mls.InvalidSignature)
    received = these["bob"].receive(honest)
    assert isinstance(received, mls.ReceivedApplication)
    assert received.plaintext == b"honest"


def test_14_secrets_on_the_way_to_a_used_key_are_deleted() -> None:
    these = room("bob", "carol", "dave")
    these["bob"].receive(these["carol"].encrypt(b"text"))
    tree = epoch_of(these["bob"]).secret_tree
    # Of the tree of four leaves, the root, Carol's parent and Carol's leaf are consumed.
    assert sorted(tree._nodes) == [1, 6]
    assert epoch_of(these["bob"]).secrets.encryption_secret.wiped


def test_14_old_keys_are_not_carried_into_the_next_epoch() -> None:
    these = room("bob", "carol")
    these.settle("alice", these["alice"].commit())
    old = epoch_of(these["bob"])
    before = {index: secret.expose() for index, secret in old.private.items()}
    these.settle("alice", these["alice"].commit())
    new = epoch_of(these["bob"])
    assert new.private[2].expose() == before[2]
    assert new.private[1].expose() != before[1]
    these.settle("alice", these["alice"].commit([mls.Remove(these.index("carol"))]))
    private = epoch_of(these["bob"]).private
    assert set(private) == {1, 2}
    assert treekem.private_keys_match(SUITE, epoch_of(these["bob"]).tree, private)


# 15. key uniqueness; Welcome and GroupInfo signer index; `external_pub` (7.3, 12.4.3)


def test_15_a_key_may_occur_once_in_the_tree() -> None:
    these = room("bob", "carol")
    alice, bob = these["alice"], these.people["bob"]
    with pytest.raises(mls.InvalidLeaf):
        alice.commit([bob.renew().add])  # Bob's signature key is there already
    thief = person("thief")
    stolen = these["bob"].member(1)
    assert stolen is not None
    with Patch.context() as misbehave:
        keys = mls.HpkeKeyPair(mls.Secret(bytes(32)), stolen.encryption_key)
        misbehave.setattr(type(SUITE), "hpke_keypair", lambda _suite, _rng: keys)
        signer = SUITE.signature_keypair(os.urandom)
        with pytest.raises(mls.InvalidKeyPackage):
            person("thief", signer).bundle.key_package.verify(SUITE)  # init key = leaf key
    leaf = replace(thief.bundle.key_package.leaf_node, encryption_key=stolen.encryption_key)
    signature = SUITE.sign_with_label(thief.signer, "LeafNodeTBS", leaf.tbs(b"", 0))
    leaf = replace(leaf, signature=signature)
    package = replace(thief.bundle.key_package, leaf_node=leaf)
    signature = SUITE.sign_with_label(thief.signer, "KeyPackageTBS", package.tbs())
    package = replace(package, signature=signature)
    package.verify(SUITE)
    with pytest.raises(mls.InvalidLeaf):
        alice.commit([mls.Add(package)])
    refused(these["bob"], _pathless(alice, mls.Add(package)), _LIST)


def test_15_a_path_with_a_key_that_is_in_the_tree_is_refused() -> None:
    these = room("bob", "carol", "dave")
    these.settle("bob", these["bob"].commit())
    stolen = epoch_of(these["alice"]).tree.nodes[3]
    assert isinstance(stolen, ParentNode)

    def patch(misbehave: Patch) -> None:
        keys = mls.HpkeKeyPair(mls.Secret(bytes(32)), stolen.encryption_key)
        misbehave.setattr(type(SUITE), "hpke_keypair", lambda _suite, _rng: keys)

    staged = commit_badly(these["alice"], patch)
    refused(these["bob"], staged.message, mls.InvalidPath)


def test_15_a_welcome_signed_by_nobody_or_another_is_refused() -> None:
    for signer_index in (1, 2, 7, 400):
        alice, bob = found(), person("bob")

        def patch(misbehave: Patch, index: int = signer_index) -> None:
            misbehave.setattr(
                welcome,
                "sign_group_info",
                lambda suite, key, _own, *rest: sign_group_info(suite, key, index, *rest),
            )

        staged = commit_badly(alice, patch, proposals=[bob.add])
        assert staged.welcome is not None
        with pytest.raises(mls.InvalidGroupInfo):
            mls.Group.join(staged.welcome, bob.bundle, bob.signer)


def test_15_a_welcome_for_another_or_altered_is_refused() -> None:
    alice, bob, carol = found(), person("bob"), person("carol")
    staged = alice.commit([bob.add])
    assert staged.welcome is not None
    with pytest.raises(mls.NotForThisKeyPackage):
        mls.Group.join(staged.welcome, carol.bundle, carol.signer)
    for place in range(len(staged.welcome) - 40, len(staged.welcome), 7):
        altered = bytearray(staged.welcome)
        altered[place] ^= 1
        with pytest.raises(mls.MLSError):
            mls.Group.join(bytes(altered), bob.bundle, bob.signer)
    mls.Group.join(staged.welcome, bob.bundle, bob.signer)
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(staged.welcome, bob.bundle, bob.signer, known_groups={alice.group_id})


def test_15_a_welcome_with_a_false_confirmation_tag_is_refused() -> None:
    alice, bob = found(), person("bob")

    def patch(misbehave: Patch) -> None:
        real = epoch_module.begin_epoch
        misbehave.setattr(
            create_commit,
            "begin_epoch",
            lambda me, context, tree, secrets, _tag, reinit: real(
                me, context, tree, secrets, bytes(32), reinit
            ),
        )

    staged = commit_badly(alice, patch, proposals=[bob.add])
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(staged.welcome, bob.bundle, bob.signer)


def test_15_external_pub_is_a_length_prefixed_vector() -> None:
    alice = found()
    epoch = epoch_of(alice)
    info = group_info(epoch, (), with_tree=True, with_external_pub=True)
    public_key = key_schedule.external_key_pair(SUITE, epoch.secrets).public
    extension = info.extension(mls.ExtensionType.EXTERNAL_PUB)
    assert extension == uint8.write(32) + public_key

    def join(extensions: tuple[mls.Extension, ...], signer: int = 0) -> mls.StagedCommit:
        false = sign_group_info(
            SUITE, epoch.signer, signer, epoch.context, extensions, epoch.confirmation_tag
        )
        return mls.Group.join_externally(
            wrap(WireFormat.GROUP_INFO, false.encode()),
            SUITE.signature_keypair(os.urandom),
            mls.Credential.basic(b"zoe"),
            capabilities(),
        )

    tree = mls.Extension(mls.ExtensionType.RATCHET_TREE, alice.ratchet_tree())
    bare = mls.Extension(mls.ExtensionType.EXTERNAL_PUB, public_key)
    with pytest.raises(mls.Malformed):
        join((tree, bare))
    with pytest.raises(mls.InvalidGroupInfo):
        join((tree,))
    with pytest.raises(mls.InvalidGroupInfo):
        join((tree, mls.Extension(mls.ExtensionType.EXTERNAL_PUB, extension)), signer=1)
    join((tree, mls.Extension(mls.ExtensionType.EXTERNAL_PUB, extension)))


# Beside the fifteen: who sees what is wrong decides between burned and held (protocol.md, 6)


def test_a_path_secret_of_other_keys_holds_only_who_got_it() -> None:
    these = room("bob", "carol", "dave")

    def patch(misbehave: Patch) -> None:
        original = SUITE.hpke.seal

        def seal_wrongly(public: bytes, info: bytes, aad: bytes, plaintext: bytes, rng: Any) -> Any:
            bob = these["alice"].member(1)
            assert bob is not None
            if public == bob.encryption_key:
                plaintext = bytes(32)
            return original(public, info, aad, plaintext, rng)

        misbehave.setattr(SUITE.hpke, "seal", seal_wrongly)

    staged = commit_badly(these["alice"], patch)
    refused(these["bob"], staged.message, mls.PathKeyMismatch)
    carol = these["carol"].receive(staged.message)
    assert isinstance(carol, mls.StagedCommit)
    assert carol.epoch_authenticator == staged.epoch_authenticator


def test_a_commit_whose_signature_is_wrong_is_burned() -> None:
    these = room("bob")
    commit = Commit((), None)
    content = forge(these["alice"], commit, signer=SUITE.signature_keypair(os.urandom))
    refused(these["bob"], seal(these["alice"], content), mls.CommitUnreadable)


def test_x509_is_carried_and_refused_by_policy() -> None:
    certificate = mls.Credential(mls.CredentialType.X509, (b"certificate",))
    caps = replace(capabilities(), credentials=(1, 2))
    bob = person("bob", caps=caps, credential=certificate)
    assert mls.KeyPackage.decode(bob.bundle.key_package.encode()) == bob.bundle.key_package
    with pytest.raises(mls.InvalidKeyPackage):
        found(caps=caps).commit([bob.add])
    trusting = found(caps=caps, policy=mls.Policy(accept_x509=True))
    trusting.commit([bob.add])


def test_a_low_order_key_is_refused_before_anyone_must_encrypt_to_it() -> None:
    these = room("bob", "carol")
    epoch = epoch_of(these["bob"])
    leaf = epoch.tree.leaf(1)
    assert leaf is not None
    weak = mls.LeafNode(
        bytes(32),
        leaf.signature_key,
        leaf.credential,
        leaf.capabilities,
        mls.LeafNodeSource.UPDATE,
        None,
        None,
        (),
        b"",
    )
    signature = SUITE.sign_with_label(
        epoch.signer, "LeafNodeTBS", weak.tbs(these["bob"].group_id, 1)
    )
    with pytest.raises(mls.InvalidLeaf):
        these["bob"].propose(mls.Update(replace(weak, signature=signature)))
    update = forge(these["bob"], mls.Update(replace(weak, signature=signature)))
    message = seal(these["bob"], update)
    received = these["alice"].receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    with pytest.raises(mls.InvalidLeaf):
        these["alice"].commit(references=[received.ref])
