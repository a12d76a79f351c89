"""Fifteen pitfalls, 6 to 9: the receivers of a path, and what binds it to the tree."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls import (
    create_commit,
    proposal_list,
    tree_hash,
    tree_math,
    treekem,
    welcome,
)
from alcove.mls.codec import opaque
from alcove.mls.nodes import ParentNode
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.welcome import PathSecret

from tests.client_sdk.mls.dishonesty import Patch, commit_badly, refused
from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    epoch_of,
    person,
    room,
)

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
        mls.Group.join(staged.welcome, carol.bundle, carol.signer, policy=POLICY, now=NOW)


def test_07_newcomers_of_one_commit_know_the_keys_above_them() -> None:
    these = room("bob", "carol", "dave", "erin")
    late = [person(f"late{number}") for number in range(4)]
    these.settle(
        "bob", these["bob"].commit([one.add for one in late], force_path=True, now=NOW), late
    )
    for name in ("late0", "late3"):
        group = epoch_of(these[name])
        assert treekem.private_keys_match(SUITE, group.tree, group.private)
        above = tree_math.direct_path(2 * group.own_index, group.tree.size)
        filled = {index for index in above if group.tree.nodes[index] is not None}
        assert filled <= set(group.private)
        these.settle(name, these[name].commit(now=NOW))


# 8. filtered direct path and unmerged leaves (4.1, 7.1)


def test_08_a_path_over_nodes_without_members_on_the_other_side_is_refused() -> None:
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
    these.settle("bob", these["bob"].commit(now=NOW))


def test_08_a_path_that_leaves_out_an_unmerged_member_is_refused() -> None:
    these = room("bob", "carol", "dave")
    these.settle("dave", these["dave"].commit(now=NOW))
    these.settle("alice", these["alice"].commit([mls.Remove(these.index("dave"))], now=NOW))
    these.settle("carol", these["carol"].commit(now=NOW))
    erin = person("erin")
    these.settle("alice", these["alice"].commit([erin.add], now=NOW), [erin])
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
    these.settle("bob", these["bob"].commit(now=NOW))  # and rightly made, erin follows


def test_08_unmerged_leaves_out_of_order_or_elsewhere_make_a_tree_invalid() -> None:
    these = room(*"bcdefgh")
    these.settle("h", these["h"].commit(now=NOW))
    late = [person("late1"), person("late2")]
    these.settle("alice", these["alice"].commit([mls.Remove(1), mls.Remove(2)], now=NOW))
    these.settle("h", these["h"].commit(now=NOW))
    these.settle("alice", these["alice"].commit([one.add for one in late], now=NOW), late)
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
    these.settle("alice", these["alice"].commit([mls.Remove(these.index("dave"))], now=NOW))
    these.settle("alice", these["alice"].commit(now=NOW))
    late = person("late")
    these.settle("bob", these["bob"].commit([late.add], now=NOW), [late])  # joins: the check passes
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
    these.settle("alice", these["alice"].commit(now=NOW))
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
        mls.Group.join(staged.welcome, carol.bundle, carol.signer, policy=POLICY, now=NOW)
