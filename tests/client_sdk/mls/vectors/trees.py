"""Vectors of the ratchet tree: tree-operations, tree-validation, treekem."""

from __future__ import annotations

import os

from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.group_context import GroupContext
from alcove.mls.nodes import LeafContent, check_leaf, sign_leaf
from alcove.mls.proposals import Add, Remove, Update, proposal_codec
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Secret
from alcove.mls.tree_hash import check_parent_hashes, check_unmerged_leaves, root_hash, tree_hash
from alcove.mls.treekem import (
    UpdatePath,
    decrypt_path,
    derive_path,
    encrypt_path,
    filtered_direct_path,
    merge_path,
    private_keys_match,
    set_path,
)

from tests.client_sdk.mls.vectors.case import POLICY, Case, equal, raw, secret, signer_of, suite_of


def read_tree(data: str) -> RatchetTree:
    return RatchetTree.decode(raw(data), POLICY.max_leaves)


def operations(case: Case) -> None:
    suite, tree = suite_of(case), read_tree(case["tree_before"])
    equal(root_hash(suite, tree), case["tree_hash_before"], "tree_hash_before")
    before, tree = tree, tree.copy()
    proposal = proposal_codec.decode(raw(case["proposal"]))
    if isinstance(proposal, Add):
        tree.add(proposal.key_package.leaf_node, POLICY.max_leaves)
    elif isinstance(proposal, Update):
        tree.update(case["proposal_sender"], proposal.leaf_node)
    elif isinstance(proposal, Remove):
        tree.remove(proposal.removed)
        tree.truncate()
    else:
        raise AssertionError("another proposal")
    equal(tree.encode(), case["tree_after"], "tree_after")
    equal(root_hash(suite, tree), case["tree_hash_after"], "tree_hash_after")
    equal(before.encode(), case["tree_before"], "the tree before, after all")


def validation(case: Case) -> None:
    suite, tree = suite_of(case), read_tree(case["tree"])
    equal(tree.encode(), case["tree"], "tree")
    for node, expected in enumerate(case["resolutions"]):
        equal(list(tree.resolution(node)), expected, f"resolution of {node}")
    for node, expected in enumerate(case["tree_hashes"]):
        equal(tree_hash(suite, tree, node), expected, f"tree hash of {node}")
    check_unmerged_leaves(tree)
    check_parent_hashes(suite, tree)
    for index, leaf in tree.leaves():
        check_leaf(suite, leaf, POLICY, group_id=raw(case["group_id"]), leaf_index=index, now=None)


def _context(case: Case, suite: CipherSuite, tree: RatchetTree) -> bytes:
    return GroupContext(
        1,
        suite.number,
        raw(case["group_id"]),
        case["epoch"],
        root_hash(suite, tree),
        raw(case["confirmed_transcript_hash"]),
        (),
    ).encode()


def treekem(case: Case) -> None:
    suite, tree = suite_of(case), read_tree(case["ratchet_tree"])
    private: dict[int, dict[int, Secret]] = {}
    signers = {}
    for leaf in case["leaves_private"]:
        keys = private[leaf["index"]] = {2 * leaf["index"]: secret(leaf["encryption_priv"])}
        signers[leaf["index"]] = signer_of(suite, leaf["signature_priv"])
        for item in leaf["path_secrets"]:
            derived = derive_path(suite, secret(item["path_secret"]), 1)
            keys[item["node"]] = derived.keys[0].private
        assert private_keys_match(suite, tree, keys), "private keys do not match the tree"
    for item in case["update_paths"]:
        path = UpdatePath.decode(raw(item["update_path"]))
        equal(path.encode(), item["update_path"], "update_path")
        after = tree.copy()
        steps = merge_path(suite, after, item["sender"], path, frozenset())
        equal(root_hash(suite, after), item["tree_hash_after"], "tree_hash_after")
        context = _context(case, suite, after)
        for index, keys in private.items():
            if index != item["sender"]:
                found, commit = decrypt_path(
                    suite, after, steps, path, index, keys, frozenset(), context
                )
                equal(commit, item["commit_secret"], "commit_secret")
                first = derive_path(suite, secret(item["path_secrets"][index]), 1)
                assert first.keys[0].private in found.values(), "path secret"
        _fresh_path(case, suite, tree, item["sender"], private, signers)


def _fresh_path(
    case: Case,
    suite: CipherSuite,
    tree: RatchetTree,
    sender: int,
    private: dict[int, dict[int, Secret]],
    signers: dict,  # type: ignore[type-arg]  # as the file has them
) -> None:
    """Make a path of our own, and let every member process it."""
    made = tree.copy()
    leaf = made.leaf(sender)
    assert leaf is not None
    steps = filtered_direct_path(made, sender)
    secrets = derive_path(suite, Secret(os.urandom(suite.size)), len(steps))
    parent_hash = set_path(suite, made, sender, steps, [pair.public for pair in secrets.keys])
    new_leaf = sign_leaf(
        suite,
        signers[sender],
        LeafContent(leaf.credential, leaf.capabilities, leaf.extensions),
        suite.hpke_keypair(os.urandom).public,
        parent_hash=parent_hash,
        group_id=raw(case["group_id"]),
        leaf_index=sender,
    )
    made.set_leaf(sender, new_leaf)
    context = _context(case, suite, made)
    nodes = encrypt_path(suite, made, steps, secrets, frozenset(), context, os.urandom)
    path = UpdatePath.decode(UpdatePath(new_leaf, nodes).encode())
    after = tree.copy()
    steps = merge_path(suite, after, sender, path, frozenset())
    equal(root_hash(suite, after), root_hash(suite, made), "tree hash of a fresh path")
    for index, keys in private.items():
        if index != sender:
            _found, commit = decrypt_path(
                suite, after, steps, path, index, keys, frozenset(), context
            )
            equal(commit, secrets.commit_secret.expose(), "commit secret of a fresh path")
