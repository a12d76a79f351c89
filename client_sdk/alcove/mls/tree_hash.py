"""Tree hashes and parent hashes (RFC 9420, sections 7.8 and 7.9).

A tree hash sums up a subtree as it is. A parent hash sums up, in each node that a commit set,
the nodes that the same commit set above it. Through the committer's signed leaf it proves that
a member, and not the server, chose the keys of the tree.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

from alcove.mls import tree_math
from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.codec import opaque
from alcove.mls.errors import InvalidTree
from alcove.mls.nodes import LeafNode, Node, ParentNode
from alcove.mls.ratchet_tree import RatchetTree

_LEAF, _PARENT = b"\x01", b"\x02"
_BLANK_PARENT = _PARENT + b"\x00"


def _leaf_input(index: int, leaf: Node | None) -> bytes:
    """`TreeHashInput` of a leaf. `index` is its node index."""
    content = b"\x00" if leaf is None else b"\x01" + leaf.encode()
    return _LEAF + (index // 2).to_bytes(4, "big") + content


def _parent_input(node: Node | None, left: bytes, right: bytes) -> bytes:
    """`TreeHashInput` of a parent node."""
    if node is None:
        return _BLANK_PARENT + opaque(left) + opaque(right)
    return b"".join((_PARENT, b"\x01", node.encode(), opaque(left), opaque(right)))


def tree_hash(suite: CipherSuite, tree: RatchetTree, index: int) -> bytes:
    """The hash of the subtree at a node, computed anew only where the tree changed."""
    known = tree.hashes[index]
    if known is not None:
        return known
    node = tree.nodes[index]
    size = ~index & (index + 1)  # the leaves below: 2 to the power of the node's level
    if size == 1:
        value = suite.hash(_leaf_input(index, node))
    else:
        half = size >> 1
        left = tree_hash(suite, tree, index - half)
        right = tree_hash(suite, tree, index + half)
        value = suite.hash(_parent_input(node, left, right))
    tree.hashes[index] = value
    return value


def root_hash(suite: CipherSuite, tree: RatchetTree) -> bytes:
    """The `tree_hash` of a GroupContext."""
    return tree_hash(suite, tree, tree.root)


def _hash_without(
    suite: CipherSuite, tree: RatchetTree, index: int, absent: tuple[int, ...]
) -> bytes:
    """The tree hash as if the leaves `absent` had not been added yet (7.9).

    `absent` is in order. Each node looks only at those below it, which are a slice, so all parent
    hashes of a tree together cost n log n, however many leaves are unmerged.
    """
    below = tree_math.leaf_range(index)
    absent = absent[bisect_left(absent, below.start) : bisect_left(absent, below.stop)]
    if not absent:
        return tree_hash(suite, tree, index)
    if tree_math.is_leaf(index):
        return suite.hash(_leaf_input(index, None))
    node = tree.nodes[index]
    if isinstance(node, ParentNode):
        gone = set(absent)
        merged = tuple(leaf for leaf in node.unmerged_leaves if leaf not in gone)
        node = ParentNode(node.encryption_key, node.parent_hash, merged)
    left = _hash_without(suite, tree, tree_math.left(index), absent)
    right = _hash_without(suite, tree, tree_math.right(index), absent)
    return suite.hash(_parent_input(node, left, right))


def parent_hash(suite: CipherSuite, tree: RatchetTree, parent: ParentNode, sibling: int) -> bytes:
    """The parent hash of a parent node with copath child `sibling` (a node index): with the
    *original* tree hash of the sibling, from when the parent was last set. Its unmerged leaves are
    in order: `check_unmerged_leaves` comes first, and `RatchetTree.add` keeps them so."""
    original = _hash_without(suite, tree, sibling, parent.unmerged_leaves)
    return suite.hash(opaque(parent.encryption_key) + opaque(parent.parent_hash) + opaque(original))


def check_parent_hashes(suite: CipherSuite, tree: RatchetTree) -> None:
    """Every parent node must be chained to exactly one node below (7.9.2). Raises `InvalidTree`."""
    for index, parent in tree.parents():
        left, right = tree_math.left(index), tree_math.right(index)
        by_left = _is_linked(suite, tree, parent, left, right)
        by_right = _is_linked(suite, tree, parent, right, left)
        if by_left == by_right:
            raise InvalidTree("a parent node is not bound by a parent hash")


def _is_linked(
    suite: CipherSuite, tree: RatchetTree, parent: ParentNode, child: int, sibling: int
) -> bool:
    """Whether some node D in the resolution of `child` has a parent hash valid for `parent`."""
    resolution = tree.resolution(child)
    leaves = tree_math.leaf_range(child)
    unmerged = {2 * leaf for leaf in parent.unmerged_leaves if leaf in leaves}
    if len(resolution) != len(unmerged) + 1:
        return False
    # The resolution without D must be the unmerged leaves below `child`: this determines D.
    others = [node for node in resolution if node not in unmerged]
    if len(others) != 1:
        return False
    node = tree.nodes[others[0]]
    found = node.parent_hash if isinstance(node, LeafNode | ParentNode) else None
    return bool(found) and found == parent_hash(suite, tree, parent, sibling)


def check_unmerged_leaves(tree: RatchetTree) -> None:
    """Unmerged leaves are members below their node, in order, and known to every node between
    (12.4.3.1). Raises `InvalidTree`.

    This comes before any parent hash: a list in order within its node's range has at most as many
    entries as the node has leaves, which bounds all that follows by n log n.
    """
    listed: dict[int, frozenset[int]] = {}
    for index, parent in tree.parents():
        unmerged = parent.unmerged_leaves
        if any(a >= b for a, b in pairwise(unmerged)):
            raise InvalidTree("unmerged leaves are not in order")
        below = tree_math.leaf_range(index)
        if unmerged and not (unmerged[0] in below and unmerged[-1] in below):
            raise InvalidTree("an unmerged leaf is no member below its node")
        if any(tree.leaf(leaf) is None for leaf in unmerged):
            raise InvalidTree("an unmerged leaf is no member below its node")
        listed[index] = frozenset(unmerged)
    for index, unmerged_here in listed.items():
        for leaf in unmerged_here:
            for ancestor in tree_math.direct_path(2 * leaf, tree.size):
                if ancestor == index:
                    break
                if ancestor in listed and leaf not in listed[ancestor]:
                    raise InvalidTree("an unmerged leaf is unknown to a node between")
