"""A new group of one member (RFC 9420, section 11)."""

from __future__ import annotations

from alcove.mls import key_schedule
from alcove.mls.ciphersuite import CipherSuite, SignatureKeyPair
from alcove.mls.epoch import Epoch, Standpoint, begin_epoch
from alcove.mls.group_context import GroupContext
from alcove.mls.nodes import MLS10, Extension, LeafContent, Lifetime, check_leaf, sign_leaf
from alcove.mls.policy import Policy
from alcove.mls.proposal_list import check_extensions, check_members
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Random, Scratch, Secret
from alcove.mls.tree_hash import root_hash


def found(
    suite: CipherSuite,
    group_id: bytes,
    signer: SignatureKeyPair,
    content: LeafContent,
    extensions: tuple[Extension, ...],
    lifetime: Lifetime,
    policy: Policy,
    now: int,
    random: Random,
) -> Epoch:
    """Epoch 0: a tree of one leaf, and an epoch secret drawn at random. `now` is in seconds since
    1970: the founder's own leaf has a lifetime, which joiners judge.

    Raises `InvalidLeaf`, `InvalidCredential` or `InvalidProposal` for a leaf or extensions that
    the founder could not live by.
    """
    with Scratch() as scratch:
        keys = scratch.result(suite.hpke_keypair(random))
        leaf = sign_leaf(suite, signer, content, keys.public, lifetime=lifetime)
        check_leaf(suite, leaf, policy, now=now)
        check_extensions(suite, extensions, policy)
        tree = RatchetTree([leaf])
        check_members(tree, [0], extensions, all_new=True)
    tree_hash = root_hash(suite, tree)
    context = GroupContext(MLS10, suite.number, group_id, 0, tree_hash, b"", extensions)
    secrets = key_schedule.from_epoch_secret(suite, Secret(random(suite.size)))
    tag = suite.mac(secrets.confirmation_key, b"")
    me = Standpoint(suite, policy, signer, 0, {0: keys.private})
    return begin_epoch(me, context, tree, secrets, tag)
