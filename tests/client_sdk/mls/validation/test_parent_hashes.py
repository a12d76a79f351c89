"""Section 7.9: every key of the tree was chosen by a member."""

from __future__ import annotations

import os
from dataclasses import replace

from alcove import mls
from alcove.mls.nodes import LeafNode, ParentNode
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.tree_hash import parent_hash

from tests.client_sdk.mls.support import NOW, Room, epoch_of, found, person, room
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import SUITE, refused


def _settled() -> Room:
    """Four members, all nodes of the tree set by commits."""
    these = room("bob", "carol", "dave")
    these.settle("carol", these["carol"].commit(now=NOW))
    these.settle("alice", these["alice"].commit(now=NOW))
    return these


def _not_joined(alter: object, detail: str = "a parent node is not bound by a parent hash") -> None:
    these, zoe = _settled(), person("zoe")
    assert callable(alter)
    message = forging.welcome_to_tree(these["alice"], zoe, alter)
    forging.not_joined(mls.InvalidTree, detail, lambda: forging.join(message, zoe))


def test_a_parent_that_nothing_below_is_chained_to() -> None:
    """7.9-1"""
    planted = ParentNode(SUITE.hpke_keypair(os.urandom).public, b"", ())
    _not_joined(lambda tree: tree.set_parent(1, planted))
    # A member that committed alone has a leaf with an empty parent hash, which binds nothing.
    alone, zoe = found(), person("zoe")
    alone = alone.commit(now=NOW).merge()
    message = forging.welcome_to_tree(alone, zoe, lambda tree: tree.set_parent(1, planted))
    detail = "a parent node is not bound by a parent hash"
    forging.not_joined(mls.InvalidTree, detail, lambda: forging.join(message, zoe))


def test_a_parent_whose_own_parent_hash_is_false() -> None:
    """7.9-2"""
    # Three members: the root's other child is blank, so nothing but this chain can bind the root.
    these, zoe = room("bob", "carol"), person("zoe")
    these.settle("alice", these["alice"].commit(now=NOW))
    alice = these["alice"]
    signer, group_id = epoch_of(alice).signer, alice.group_id

    def alter(tree: RatchetTree) -> None:
        node, leaf = tree.nodes[1], tree.leaf(0)
        assert isinstance(node, ParentNode)
        assert leaf is not None
        false = replace(node, parent_hash=bytes(32))
        tree.set_parent(1, false)
        # The leaf below is chained to it rightly, and signed: only the chain above is broken.
        above = parent_hash(SUITE, tree, false, 2)
        tree.set_leaf(0, forging.sign_leaf(replace(leaf, parent_hash=above), signer, group_id))

    message = forging.welcome_to_tree(alice, zoe, alter)
    detail = "a parent node is not bound by a parent hash"
    forging.not_joined(mls.InvalidTree, detail, lambda: forging.join(message, zoe))
    _not_joined(_plant_a_root)


def _plant_a_root(tree: RatchetTree) -> None:
    """Another key above, and the parent below bent to it: only the leaf, whose hash covers that of
    its parent, does not fit."""
    node = tree.nodes[1]
    assert isinstance(node, ParentNode)
    planted = ParentNode(SUITE.hpke_keypair(os.urandom).public, b"", ())
    tree.set_parent(3, planted)
    tree.set_parent(1, replace(node, parent_hash=parent_hash(SUITE, tree, planted, 5)))


def test_a_parent_that_hides_unmerged_leaves() -> None:
    """7.9-3"""

    def alter(tree: RatchetTree) -> None:
        # The root lists a member as unmerged that was there when its key was set, and the node
        # between does too, so that only the parent hash can tell.
        for index in (tree.root, 3, 1):
            node = tree.nodes[index]
            if isinstance(node, ParentNode):
                tree.set_parent(index, replace(node, unmerged_leaves=(1, *node.unmerged_leaves)))

    _not_joined(alter)
    # The other way round: a leaf that was added since the key was set is passed off as one that
    # was there. It stands on the committer's side, which no parent hash covers.
    alice, zoe = _without_bob(), person("zoe")
    message = forging.welcome_to_tree(alice, zoe, _unlist)
    detail = "a parent node is not bound by a parent hash"
    forging.not_joined(mls.InvalidTree, detail, lambda: forging.join(message, zoe))
    honest = forging.welcome_to_tree(_without_bob(), zoe, lambda _tree: None)
    assert epoch_of(forging.join(honest, zoe)).own_index == 1


def _without_bob() -> mls.Group:
    """Alice's group, whose root she set when the leaf beside hers was blank."""
    these = _settled()
    these.groups.pop("bob")
    these.settle("alice", these["alice"].commit([mls.Remove(1)], now=NOW))
    return these["alice"]


def _unlist(tree: RatchetTree) -> None:
    node = tree.nodes[3]
    assert isinstance(node, ParentNode)
    assert node.unmerged_leaves == (1,)
    tree.set_parent(3, replace(node, unmerged_leaves=()))


def test_a_leaf_whose_parent_hash_is_not_that_of_its_path() -> None:
    """7.9-4"""
    these = _settled()

    def alter(leaf: LeafNode) -> LeafNode:
        return replace(leaf, parent_hash=bytes(32))

    staged = forging.commit_with_leaf(these["alice"], alter)
    for name in ("bob", "carol", "dave"):
        refused(these[name], staged.message, mls.ParentHashMismatch, "not bound")
    these.agree()


def test_the_tree_of_this_file_is_valid_when_nothing_is_altered() -> None:
    """7.9-5"""
    these, zoe = _settled(), person("zoe")
    message = forging.welcome_to_tree(these["alice"], zoe, lambda _tree: None)
    joined = forging.join(message, zoe)
    parents = [index for index, _node in epoch_of(joined).tree.parents()]
    assert parents == [1, 3, 5]
