"""Joining by a Welcome (RFC 9420, section 12.4.3.1): everything is checked before anything is
believed, and the application may look at the result before it accepts."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable
from dataclasses import dataclass

from alcove.mls import key_schedule
from alcove.mls.ciphersuite import CipherSuite, SignatureKeyPair
from alcove.mls.epoch import Epoch, Standpoint, begin_epoch
from alcove.mls.errors import InvalidWelcome, TooLarge
from alcove.mls.framing import WireFormat, unwrap
from alcove.mls.group_context import GroupContext
from alcove.mls.key_package import KeyPackageBundle
from alcove.mls.nodes import ExtensionType, LeafNode
from alcove.mls.policy import Policy
from alcove.mls.psk import NO_PSKS, PreSharedKeyID, PskStore, ResumptionPSKUsage
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Scratch, Secret
from alcove.mls.tree_validation import check_tree
from alcove.mls.welcome import (
    GroupInfo,
    OpenedWelcome,
    Welcome,
    check_group_info,
    decrypt_welcome,
    joiner_keys,
)

KnownBy = Callable[[LeafNode], Hashable]
"""What a member is known by in two groups of which one continues the other."""


def by_signature_key(leaf: LeafNode) -> bytes:
    """The default: a credential is a mere claim, so the member that begins a group anew could put
    its own keys under another's name. Only the holder of a signature key can use it."""
    return leaf.signature_key


@dataclass(frozen=True, slots=True)
class JoinOptions:
    """What a Welcome is held against."""

    policy: Policy
    now: int
    """Seconds since 1970, to judge lifetimes."""
    store: PskStore = NO_PSKS
    ratchet_tree: bytes | None = None
    """The tree, when the GroupInfo does not bring it."""
    known_groups: Container[bytes] = ()
    """Ids of groups that one is in already: none of them may be joined again."""
    predecessor: Epoch | None = None
    """The last epoch of the group that this one continues, for a ReInit or a branch."""
    known_by: KnownBy = by_signature_key


@dataclass(frozen=True, slots=True)
class JoinedGroup:
    """A Welcome that passed every check."""

    group_info: GroupInfo
    epoch: Epoch


def tree_of(info: GroupInfo, given: bytes | None, policy: Policy) -> RatchetTree:
    """The tree from the GroupInfo's extension, or as given. Raises `InvalidWelcome` without."""
    data = info.extension(ExtensionType.RATCHET_TREE)
    data = given if data is None else data
    if data is None:
        raise InvalidWelcome("no ratchet tree")
    return RatchetTree.decode(data, policy.max_leaves)


def join(
    message: bytes, bundle: KeyPackageBundle, signer: SignatureKeyPair, options: JoinOptions
) -> JoinedGroup:
    """Process a Welcome. Raises `InvalidWelcome`, `InvalidGroupInfo`, `InvalidTree` or
    `MalformedMessage`. The bundle is not changed."""
    policy, suite = options.policy, bundle.suite
    if len(message) > policy.max_message:
        raise TooLarge("message")
    wire_format, body = unwrap(message)
    if wire_format is not WireFormat.WELCOME:
        raise InvalidWelcome("not a Welcome")
    with Scratch() as scratch:
        parsed = Welcome.decode(body)
        opened = decrypt_welcome(parsed, bundle, lambda psk: _find_psk(psk, options), policy)
        scratch.temporary(opened)
        info = opened.group_info
        context = info.group_context
        if context.group_id in options.known_groups:
            raise InvalidWelcome("of a group that one is in already")
        tree = tree_of(info, options.ratchet_tree, policy)
        check_group_info(suite, info, tree, policy)
        check_tree(suite, tree, context, policy, options.now)
        _check_founding(opened.founding, context, tree, options)
        own_index = _find_own_leaf(tree, bundle, signer)
        if info.signer == own_index:
            raise InvalidWelcome("signed by the new member itself")
        return JoinedGroup(info, _begin(scratch, opened, tree, own_index, bundle, signer, policy))


def _find_psk(psk: PreSharedKeyID, options: JoinOptions) -> Secret | None:
    if options.predecessor is not None:
        return options.predecessor.find_psk(psk, options.store)
    return options.store.find(psk)


def _find_own_leaf(tree: RatchetTree, bundle: KeyPackageBundle, signer: SignatureKeyPair) -> int:
    """The leaf identical to the KeyPackage's."""
    leaf = bundle.key_package.leaf_node
    if leaf.signature_key != signer.public:
        raise InvalidWelcome("the KeyPackage is of another signature key")
    wanted = leaf.encode()
    for index, node in tree.leaves():
        if node.encode() == wanted:
            return index
    raise InvalidWelcome("the new member is not in the tree")


def _begin(
    scratch: Scratch,
    opened: OpenedWelcome,
    tree: RatchetTree,
    own_index: int,
    bundle: KeyPackageBundle,
    signer: SignatureKeyPair,
    policy: Policy,
) -> Epoch:
    """Derive the epoch, and check that the sender of the GroupInfo derived the same."""
    suite: CipherSuite = opened.suite
    info, group_secrets = opened.group_info, opened.group_secrets
    private = joiner_keys(
        suite,
        tree,
        own_index,
        info.signer,
        bundle.leaf_keys.private,
        group_secrets.path_secret,
    )
    scratch.results(private)
    context = info.group_context
    joiner = group_secrets.joiner_secret
    secrets = key_schedule.epoch_secrets(suite, joiner, opened.psk_secret, context.encode())
    scratch.result(secrets)
    confirmed, tag = context.confirmed_transcript_hash, info.confirmation_tag
    if not suite.check_mac(secrets.confirmation_key, confirmed, tag):
        raise InvalidWelcome("the confirmation tag is wrong")
    me = Standpoint(suite, policy, signer, own_index, private)
    return begin_epoch(me, context, tree, secrets, tag)


def _check_founding(
    psk: PreSharedKeyID | None, context: GroupContext, tree: RatchetTree, options: JoinOptions
) -> None:
    """A group that claims to continue another must match it (11.2, 11.3, 12.4.3.1)."""
    old = options.predecessor
    if psk is None or psk.resumption is None:
        if old is not None:
            # Without this, a client that may add me could pass off a group as the old one's next.
            raise InvalidWelcome("it does not say that it continues the group")
        return
    if old is None or old.context.group_id != psk.resumption.psk_group_id:
        raise InvalidWelcome("the group that this one continues is not at hand")
    if context.epoch != 1 or psk.resumption.psk_epoch != old.context.epoch:
        raise InvalidWelcome("it does not continue the group from its end")
    before = {options.known_by(leaf) for _index, leaf in old.tree.leaves()}
    after = {options.known_by(leaf) for _index, leaf in tree.leaves()}
    if psk.usage is ResumptionPSKUsage.BRANCH:
        same = (context.version, context.cipher_suite)
        if same != (old.context.version, old.context.cipher_suite) or not after <= before:
            raise InvalidWelcome("not a branch of the old group")
        return
    reinit = old.reinit
    if reinit is None or not before <= after:
        raise InvalidWelcome("not the old group begun anew")
    fields = (context.group_id, context.version, context.cipher_suite, context.extensions)
    if fields != (reinit.group_id, reinit.version, reinit.cipher_suite, reinit.extensions):
        raise InvalidWelcome("not what the ReInit announced")
