"""The invariants can fail: each is shown a tree or a room in which it does not hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.nodes import ParentNode
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.tree_hash import root_hash

from tests.client_sdk.mls import invariants
from tests.client_sdk.mls.support import NOW, SUITE, Room, epoch_of, person, room


def _settled() -> Room:
    """Five members, with unmerged leaves and blank nodes."""
    these = room("bob", "carol", "dave")
    these.settle("carol", these["carol"].commit(now=NOW))
    these.settle("alice", these["alice"].commit(now=NOW))
    late = person("late")
    these.settle("bob", these["bob"].commit([late.add], now=NOW), [late])
    return these


def _parent(tree: RatchetTree, index: int) -> ParentNode:
    node = tree.nodes[index]
    assert isinstance(node, ParentNode)
    return node


TREES: dict[str, Callable[[RatchetTree], None]] = {
    "a parent key that no commit set": lambda tree: tree.set_parent(
        9, ParentNode(SUITE.hpke_keypair(os.urandom).public, b"", ())
    ),
    "another parent hash": lambda tree: tree.set_parent(
        1, replace(_parent(tree, 1), parent_hash=bytes(32))
    ),
    "an unmerged leaf that is blank": lambda tree: tree.set_parent(
        3, replace(_parent(tree, 3), unmerged_leaves=(6,))
    ),
    "one key at two nodes": lambda tree: tree.set_parent(
        9, ParentNode(_parent(tree, 3).encryption_key, b"", ())
    ),
    "a right half without members": lambda tree: tree.extend_to(8, 16),
}


@pytest.mark.parametrize("what", TREES)
def test_a_tree_that_breaks_an_invariant_is_found(what: str) -> None:
    tree = epoch_of(_settled()["alice"]).tree.copy()
    invariants.check_tree(SUITE, tree, root_hash(SUITE, tree))
    TREES[what](tree)
    with pytest.raises(AssertionError):
        invariants.check_tree(SUITE, tree, root_hash(SUITE, tree))


def test_another_tree_hash_and_a_stale_cache_are_found() -> None:
    tree = epoch_of(_settled()["alice"]).tree.copy()
    with pytest.raises(AssertionError):
        invariants.check_tree(SUITE, tree, bytes(32))
    right = root_hash(SUITE, tree)
    tree._resolutions[3] = (0,)
    with pytest.raises(AssertionError):
        invariants.check_tree(SUITE, tree, right)


def test_a_key_too_much_or_too_little_is_found() -> None:
    for meddle in (
        lambda these: epoch_of(these["bob"]).private.pop(3),
        lambda these: epoch_of(these["late"]).private.update({3: _key_of(these)}),
        lambda these: epoch_of(these["bob"]).private.update({3: mls.Secret(bytes(32))}),
    ):
        these = _settled()
        invariants.check_room(these.groups.values())
        meddle(these)
        with pytest.raises(AssertionError):
            invariants.check_room(these.groups.values())


def _key_of(these: Room) -> mls.Secret:
    return epoch_of(these["bob"]).private[3]


def test_a_path_secret_for_the_wrong_member_is_found() -> None:
    these = _settled()
    staged = these["alice"].commit(now=NOW)
    before = {group.own_index: group for group in these.groups.values()}
    invariants.check_path(before, staged)
    # Dave, below the other child of the root's left one, is meant to read one ciphertext.
    epoch_of(these["dave"]).private.clear()
    with pytest.raises(AssertionError):
        invariants.check_path(before, staged)
