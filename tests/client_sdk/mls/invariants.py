"""What holds after every commit, worked out anew from the RFC's definitions. No cache, bookkeeping
or shortcut of the library is used here.

TreeSync: the tree hash, the parent hashes, the lists of unmerged leaves, keys that occur once, a
tree no larger than it must be (7.7 to 7.9). TreeKEM: the private key of a node is known to exactly
the members below it that are not unmerged there, and a path secret can be decrypted by exactly
the members that are to learn it (4.2, 7.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alcove import mls
from alcove.mls.codec import opaque
from alcove.mls.epoch import Epoch
from alcove.mls.nodes import LeafNode, ParentNode
from alcove.mls.ratchet_tree import Census, RatchetTree


def epoch_of(group: mls.Group) -> Epoch:
    return group._epoch


# -- where nodes are, by counting


def _children(index: int) -> tuple[int, int]:
    half = 1
    while index & half:
        half <<= 1
    return index - (half >> 1), index + (half >> 1)


def _leaves_below(index: int) -> list[int]:
    """Leaf indices."""
    if index % 2 == 0:
        return [index // 2]
    left, right = _children(index)
    return _leaves_below(left) + _leaves_below(right)


def _resolution(tree: RatchetTree, index: int) -> list[int]:
    """4.1.1"""
    node = tree.nodes[index]
    if isinstance(node, ParentNode):
        return [index, *(2 * leaf for leaf in node.unmerged_leaves)]
    if isinstance(node, LeafNode):
        return [index]
    if index % 2 == 0:
        return []
    left, right = _children(index)
    return _resolution(tree, left) + _resolution(tree, right)


def _above(tree: RatchetTree, leaf: int) -> list[tuple[int, int]]:
    """(ancestor, its other child) of a leaf, lowest first."""
    found, index = [], len(tree.nodes) // 2
    while index % 2:
        left, right = _children(index)
        down, other = (left, right) if leaf in _leaves_below(left) else (right, left)
        found.append((index, other))
        index = down
    return found[::-1]


# -- hashes (7.8, 7.9)


def _tree_hash(
    suite: mls.CipherSuite, tree: RatchetTree, index: int, absent: frozenset[int] = frozenset()
) -> bytes:
    """7.8; without some leaves it is the *original* tree hash of 7.9."""
    node = tree.nodes[index]
    if index % 2 == 0:
        leaf = None if index // 2 in absent else node
        content = b"\x00" if leaf is None else b"\x01" + leaf.encode()
        return suite.hash(b"\x01" + (index // 2).to_bytes(4, "big") + content)
    left, right = (_tree_hash(suite, tree, child, absent) for child in _children(index))
    content = b"\x00"
    if isinstance(node, ParentNode):
        unmerged = tuple(leaf for leaf in node.unmerged_leaves if leaf not in absent)
        content = b"\x01" + ParentNode(node.encryption_key, node.parent_hash, unmerged).encode()
    return suite.hash(b"\x02" + content + opaque(left) + opaque(right))


def _check_hashes(suite: mls.CipherSuite, tree: RatchetTree) -> None:
    for index, parent in enumerate(tree.nodes):
        if not isinstance(parent, ParentNode):
            continue
        links = []
        for child, sibling in (_children(index), _children(index)[::-1]):
            unmerged = [2 * leaf for leaf in parent.unmerged_leaves]
            below = {2 * leaf for leaf in _leaves_below(child)}
            resolution = _resolution(tree, child)
            original = _tree_hash(suite, tree, sibling, frozenset(parent.unmerged_leaves))
            expected = suite.hash(
                opaque(parent.encryption_key) + opaque(parent.parent_hash) + opaque(original)
            )
            for candidate in resolution:
                rest = [node for node in resolution if node != candidate]
                node = tree.nodes[candidate]
                assert node is not None
                if sorted(rest) == [n for n in unmerged if n in below]:
                    links.append(node.parent_hash == expected)
        assert links.count(True) == 1, f"node {index} is not bound by one parent hash"


# -- the tree


def check_tree(suite: mls.CipherSuite, tree: RatchetTree, tree_hash: bytes) -> None:
    """All that is public."""
    root, size = len(tree.nodes) // 2, (len(tree.nodes) + 1) // 2
    assert size & (size - 1) == 0
    assert size == 1 or any(tree.nodes[size::2]), "the right half has no member"
    assert _tree_hash(suite, tree, root) == tree_hash
    _check_hashes(suite, tree)
    keys = [node.encryption_key for node in tree.nodes if node is not None]
    signers = [node.signature_key for node in tree.nodes if isinstance(node, LeafNode)]
    assert len(set(keys)) == len(keys)
    assert len(set(signers)) == len(signers)
    for index, node in enumerate(tree.nodes):
        assert tree.resolution(index) == tuple(_resolution(tree, index))
        if isinstance(node, ParentNode):
            _check_unmerged(tree, index, node)
    _check_census(tree)


def _check_unmerged(tree: RatchetTree, index: int, node: ParentNode) -> None:
    unmerged = node.unmerged_leaves
    assert list(unmerged) == sorted(set(unmerged))
    assert set(unmerged) <= set(_leaves_below(index))
    for leaf in unmerged:
        assert tree.nodes[2 * leaf] is not None
        for ancestor, _other in _above(tree, leaf):
            between = tree.nodes[ancestor]
            if ancestor in _below(index) and isinstance(between, ParentNode):
                assert leaf in between.unmerged_leaves


def _below(index: int) -> set[int]:
    leaves = _leaves_below(index)
    return set(range(2 * leaves[0], 2 * leaves[-1] + 1)) - {index}


def _check_census(tree: RatchetTree) -> None:
    """What the library counts along is what there is."""
    counted = Census()
    for node in tree.nodes:
        if node is not None:
            counted.count(node, 1)
    for name in ("encryption_keys", "signature_keys", "capabilities", "credentials"):
        assert getattr(tree.census, name) == getattr(counted, name), name
    distinct = {capabilities.encode() for capabilities in tree.census.distinct_capabilities()}
    assert distinct == set(counted.capabilities)
    blanks = [index for index in range(tree.size) if tree.nodes[2 * index] is None]
    assert tree.leftmost_blank() == (blanks[0] if blanks else tree.size)


# -- private keys and their holders


def _knows(group: mls.Group) -> set[int]:
    """The nodes whose private key a member has, each compared with the tree."""
    epoch = epoch_of(group)
    kem = epoch.suite.hpke.kem
    for index, secret in epoch.private.items():
        node = epoch.tree.nodes[index]
        assert node is not None
        assert kem.public_key(secret.expose()) == node.encryption_key
    return set(epoch.private)


def check_room(groups: Iterable[mls.Group]) -> None:
    """All members of one epoch: one view, and each private key where it belongs."""
    these = list(groups)
    tree, context = epoch_of(these[0]).tree, these[0].context
    check_tree(these[0].suite, tree, context.tree_hash)
    assert {group.context.encode() for group in these} == {context.encode()}
    assert {group.ratchet_tree() for group in these} == {these[0].ratchet_tree()}
    known = {group.own_index: _knows(group) for group in these}
    for index, node in enumerate(tree.nodes):
        holders = {leaf for leaf, nodes in known.items() if index in nodes}
        meant = set(_leaves_below(index)) if node is not None else set()
        if isinstance(node, ParentNode):
            meant -= set(node.unmerged_leaves)
        assert holders == meant & set(known), f"node {index}"


def check_path(before: Mapping[int, mls.Group], staged: mls.StagedCommit) -> None:
    """The members that could decrypt each secret of a commit's path: exactly those of the old epoch
    below the other child of each node, without those that this commit adds, each by one key."""
    transition = staged._transition
    body = transition.authenticated.content.body
    assert isinstance(body, mls.Commit)
    if body.path is None:
        return
    tree = transition.applied.tree
    added = set(staged.added)
    steps = [
        (node, other) for node, other in _above(tree, staged.committer) if _resolution(tree, other)
    ]
    assert len(steps) == len(body.path.nodes)
    for (node, other), sent in zip(steps, body.path.nodes, strict=True):
        placed = tree.nodes[node]
        assert placed is not None
        assert placed.encryption_key == sent.encryption_key
        targets = [
            index for index in _resolution(tree, other) if index // 2 not in added or index % 2
        ]
        assert len(sent.encrypted_path_secret.parse()) == len(targets)
        for leaf, group in before.items():
            if leaf in staged.removed or leaf in added:
                continue  # a removed member's keys are gone from the tree
            able = _able(group, tree, targets, updated=leaf in staged.updated)
            meant = leaf in _leaves_below(other) and leaf != staged.committer
            assert able == (1 if meant else 0), f"leaf {leaf} at node {node}"


def _able(group: mls.Group, tree: RatchetTree, targets: list[int], *, updated: bool) -> int:
    """How many of the ciphertexts for these nodes a member can open."""
    epoch = epoch_of(group)
    if updated:
        return int(2 * epoch.own_index in targets)
    count = 0
    for index in targets:
        node, old = tree.nodes[index], None
        if index < len(epoch.tree.nodes):
            old = epoch.tree.nodes[index]
        same = node is not None and old is not None and node.encryption_key == old.encryption_key
        count += same and index in epoch.private
    return count
