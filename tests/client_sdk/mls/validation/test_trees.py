"""Section 12.4.3.3: the tree as it travels."""

from __future__ import annotations

import pytest
from alcove import mls
from alcove.mls.codec import Reader, opaque
from alcove.mls.nodes import ParentNode
from alcove.mls.ratchet_tree import RatchetTree

from tests.client_sdk.mls.support import NOW, found, limits, person, room
from tests.client_sdk.mls.validation import forging


def test_a_tree_that_ends_in_a_blank_node() -> None:
    """12.4.3.3-1"""
    body = Reader(room("bob")["alice"].ratchet_tree()).opaque()
    for encoded in (opaque(body + b"\x00"), opaque(b"")):
        with pytest.raises(mls.InvalidTree, match="the last node is blank"):
            RatchetTree.decode(encoded, 64)


def test_a_tree_with_a_node_in_the_wrong_place() -> None:
    """12.4.3.3-2"""
    leaf = room("bob")["alice"].member(0)
    assert leaf is not None
    node = b"\x01\x01" + leaf.encode()
    with pytest.raises(mls.InvalidTree, match="a node is in the wrong place"):
        RatchetTree.decode(opaque(node + node), 64)
    parent = b"\x01\x02" + ParentNode(bytes(32), b"", ()).encode()
    with pytest.raises(mls.InvalidTree, match="a node is in the wrong place"):
        RatchetTree.decode(opaque(parent), 64)


def test_a_welcome_without_a_tree() -> None:
    """12.4.3.3-3"""
    bob = person("bob")
    message = found().commit([bob.add], with_tree=False, now=NOW).welcome
    assert message is not None
    forging.not_joined(mls.InvalidWelcome, "no ratchet tree", lambda: forging.join(message, bob))


def test_a_tree_of_more_leaves_than_policy_allows() -> None:
    """12.4.3.3-4"""
    these = room("bob", "carol")
    zoe = person("zoe")
    message = these["alice"].commit([zoe.add], now=NOW).welcome
    assert message is not None
    policy = limits(max_leaves=2)
    forging.not_joined(mls.TooLarge, "members", lambda: forging.join(message, zoe, policy=policy))
