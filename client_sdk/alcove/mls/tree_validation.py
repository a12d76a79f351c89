"""Whether a whole ratchet tree is valid, as a joiner must know (RFC 9420, section 12.4.3.1)."""

from __future__ import annotations

from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.errors import InvalidPublicKey, InvalidTree, MLSError
from alcove.mls.group_context import GroupContext
from alcove.mls.nodes import check_leaf
from alcove.mls.policy import Policy
from alcove.mls.proposal_list import check_members
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.tree_hash import check_parent_hashes, check_unmerged_leaves, root_hash


def check_tree(
    suite: CipherSuite,
    tree: RatchetTree,
    context: GroupContext,
    policy: Policy,
    now: int,
) -> None:
    """Every rule about the tree of a group that one is about to join. `now` is in seconds since
    1970. Raises `InvalidTree`.

    The tree hash comes first: it is cheap, and a tree that is not the group's needs no more.
    The signatures of all leaves are most of the work.
    """
    if root_hash(suite, tree) != context.tree_hash:
        raise InvalidTree("not the tree that the GroupContext names")
    if any(count != 1 for count in tree.census.encryption_keys.values()):
        raise InvalidTree("two nodes with one encryption key")
    if any(count != 1 for count in tree.census.signature_keys.values()):
        raise InvalidTree("two members with one signature key")
    check_unmerged_leaves(tree)
    check_parent_hashes(suite, tree)
    try:
        for _index, parent in tree.parents():
            suite.hpke.kem.check(parent.encryption_key)
        group_id, clock = context.group_id, None if policy.members_of_any_time else now
        for index, leaf in tree.leaves():
            check_leaf(suite, leaf, policy, group_id=group_id, leaf_index=index, now=clock)
        members = [index for index, _leaf in tree.leaves()]
        check_members(tree, members, context.extensions, all_new=True)
    except InvalidPublicKey as error:
        raise InvalidTree(str(error)) from error
    except InvalidTree:
        raise
    except MLSError as error:
        raise InvalidTree(str(error)) from error
