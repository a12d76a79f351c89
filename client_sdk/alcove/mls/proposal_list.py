"""Lists of proposals: what makes one valid, and how it is applied (RFC 9420, 12.2 and 12.3).

Validation judges from the group's state and the commit's bytes alone, so all members judge
alike. The order of application is fixed: GroupContextExtensions, Update, Remove, Add.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.errors import InvalidLeaf, InvalidProposal, TooLarge
from alcove.mls.framing import Sender
from alcove.mls.group_context import GroupContext, external_senders, required_capabilities
from alcove.mls.nodes import (
    DEFAULT_EXTENSIONS,
    MLS10,
    Extension,
    ExtensionType,
    LeafNodeSource,
    check_credential,
    check_leaf,
    has_duplicates,
)
from alcove.mls.policy import Policy
from alcove.mls.proposals import (
    PATH_REQUIRED,
    Add,
    CustomProposal,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ProposalType,
    ReInit,
    Remove,
    Update,
)
from alcove.mls.psk import PreSharedKeyID, ResumptionPSKUsage
from alcove.mls.ratchet_tree import RatchetTree

_ELSEWHERE = frozenset(
    {ExtensionType.APPLICATION_ID, ExtensionType.RATCHET_TREE, ExtensionType.EXTERNAL_PUB}
)
"""Extension types of the RFC that belong into a leaf or a GroupInfo (17.3)."""


@dataclass(frozen=True, slots=True)
class CommittedProposal:
    """A proposal in a commit, and its sender: a leaf index, or None from outside."""

    proposal: Proposal
    origin: Sender
    by_reference: bool

    @property
    def sender(self) -> int | None:
        return self.origin.leaf_index


@dataclass(frozen=True, slots=True)
class Rules:
    """What a list is judged against."""

    suite: CipherSuite
    policy: Policy
    context: GroupContext
    tree: RatchetTree
    committer: int | None
    """Leaf index. None for an external commit."""
    now: int | None
    """Seconds since 1970, for the client that makes the commit. None when another's is judged,
    because members with different clocks would part over it (7.3)."""
    founding: ResumptionPSKUsage | None = None
    """REINIT or BRANCH, in the first commit of a group that continues another (11.2, 11.3)."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a list does to a group. Leaves are named by leaf index."""

    tree: RatchetTree
    extensions: tuple[Extension, ...]
    added: tuple[int, ...]
    removed: tuple[int, ...]
    updated: tuple[int, ...]
    psks: tuple[PreSharedKeyID, ...]
    external_init: ExternalInit | None
    reinit: ReInit | None
    path_required: bool

    def new_leaves(self) -> frozenset[int]:
        """The node indices of the added leaves."""
        return frozenset(2 * index for index in self.added)


def of_kind(items: Iterable[CommittedProposal], kind: int) -> list[CommittedProposal]:
    return [item for item in items if item.proposal.type == kind]


# -- validation (12.2)


def check_list(rules: Rules, items: Sequence[CommittedProposal]) -> None:
    """Every rule that can be judged before the list is applied. Raises `InvalidProposal`,
    `TooLarge`, or what is wrong with a KeyPackage or a leaf."""
    if rules.committer is None:
        _check_external(items)
    else:
        _check_regular(rules.committer, items)
    psks = [item.proposal.psk for item in items if isinstance(item.proposal, PreSharedKey)]
    check_psks(psks, rules.policy)
    if sum(psk.founds_a_group for psk in psks) > 1:
        raise InvalidProposal("several pre-shared keys for founding a group")
    _check_room(rules, items)
    for item in items:
        check_proposal(rules, item)
    _check_custom(rules, items)


def check_psks(psks: Sequence[PreSharedKeyID], policy: Policy) -> None:
    """How many pre-shared keys a commit or a Welcome names, and that none comes twice. This comes
    before any of them is used. Raises `InvalidProposal`."""
    if len(psks) > policy.max_psks:
        raise InvalidProposal("too many pre-shared keys")
    if len(set(psks)) != len(psks):
        raise InvalidProposal("one pre-shared key twice")


def _check_room(rules: Rules, items: Sequence[CommittedProposal]) -> None:
    """Whether there is a leaf for every Add. Raises `TooLarge`, as applying the list would.

    This comes before any signature of a KeyPackage: a commit can name one Add 32,768 times, and
    each costs three verifications.
    """
    adds = len(of_kind(items, ProposalType.ADD))
    places = rules.policy.max_leaves + len(of_kind(items, ProposalType.REMOVE))
    if adds and adds > places - sum(1 for _leaf in rules.tree.leaves()):
        raise TooLarge("members")


def _check_custom(rules: Rules, items: Sequence[CommittedProposal]) -> None:
    """A type that the RFC does not define must be known to all members that process the commit.
    Those that it removes need not know it (12.2)."""
    kinds = {item.proposal.type for item in items if isinstance(item.proposal, CustomProposal)}
    if not kinds:
        return
    gone = {item.proposal.removed for item in items if isinstance(item.proposal, Remove)}
    for index, leaf in rules.tree.leaves():
        if index not in gone and not kinds <= set(leaf.capabilities.proposals):
            raise InvalidProposal("of a type that not all members support")


def _check_regular(committer: int, items: Sequence[CommittedProposal]) -> None:
    targets: list[int | None] = []
    for item in items:
        if isinstance(item.proposal, Update):
            if item.sender == committer:
                raise InvalidProposal("a committer's own Update: the path does that")
            targets.append(item.sender)
        elif isinstance(item.proposal, Remove):
            if item.proposal.removed == committer:
                raise InvalidProposal("a committer cannot remove itself")
            targets.append(item.proposal.removed)
    if len(set(targets)) != len(targets):
        raise InvalidProposal("several changes of one leaf")
    if len(of_kind(items, ProposalType.GROUP_CONTEXT_EXTENSIONS)) > 1:
        raise InvalidProposal("several GroupContextExtensions")
    if of_kind(items, ProposalType.EXTERNAL_INIT):
        raise InvalidProposal("ExternalInit in a member's commit")
    if of_kind(items, ProposalType.REINIT) and len(items) > 1:
        raise InvalidProposal("ReInit with other proposals")


def _check_external(items: Sequence[CommittedProposal]) -> None:
    if len(of_kind(items, ProposalType.EXTERNAL_INIT)) != 1:
        raise InvalidProposal("not one ExternalInit in an external commit")
    if len(of_kind(items, ProposalType.REMOVE)) > 1:
        raise InvalidProposal("several Removes in an external commit")
    allowed = {ProposalType.EXTERNAL_INIT, ProposalType.REMOVE, ProposalType.PSK}
    if any(item.proposal.type not in allowed for item in items):
        raise InvalidProposal("not allowed in an external commit")


def check_replaced(rules: Rules, applied: Applied, signature_key: bytes) -> None:
    """The leaf that an external commit removes and the one that it brings are of one member (12.2,
    rule 18). Raises `InvalidProposal`."""
    if rules.policy.replace_keys:
        return
    for index in applied.removed:
        old = rules.tree.leaf(index)
        if old is None or old.signature_key != signature_key:
            raise InvalidProposal("an external commit that removes another member")


def check_proposal(rules: Rules, item: CommittedProposal) -> None:
    """One proposal by itself (12.1). Raises as `check_list`."""
    proposal = item.proposal
    if isinstance(proposal, Add):
        proposal.key_package.verify(rules.suite, rules.policy, rules.now)
    elif isinstance(proposal, Update):
        _check_update(rules, proposal, item.sender)
    elif isinstance(proposal, Remove):
        if rules.tree.leaf(proposal.removed) is None:
            raise InvalidProposal("no such member to remove")
    elif isinstance(proposal, PreSharedKey):
        _check_psk(rules, proposal.psk)
    elif isinstance(proposal, ReInit):
        if proposal.version < MLS10 or has_duplicates(proposal.extensions):
            raise InvalidProposal("ReInit to an older version or malformed")
    elif isinstance(proposal, GroupContextExtensions):
        check_extensions(rules.suite, proposal.extensions, rules.policy)


def _check_update(rules: Rules, proposal: Update, sender: int | None) -> None:
    old = None if sender is None else rules.tree.leaf(sender)
    if old is None or sender is None:
        raise InvalidProposal("an Update from outside")
    leaf = proposal.leaf_node
    if leaf.source is not LeafNodeSource.UPDATE:
        raise InvalidLeaf("an Update's leaf is of another source")
    if leaf.encryption_key == old.encryption_key:
        raise InvalidLeaf("an Update without a new key")
    group_id = rules.context.group_id
    check_leaf(rules.suite, leaf, rules.policy, group_id=group_id, leaf_index=sender, now=None)


def _check_psk(rules: Rules, psk: PreSharedKeyID) -> None:
    if len(psk.psk_nonce) != rules.suite.size:
        raise InvalidProposal("a pre-shared key's nonce of another length")
    if psk.founds_a_group and psk.usage is not rules.founding:
        raise InvalidProposal("a pre-shared key for founding another group")


def check_extensions(suite: CipherSuite, extensions: tuple[Extension, ...], policy: Policy) -> None:
    """The form of a GroupContext's extensions, wherever they come from: a founder, a proposal, or
    the GroupInfo of a group that one joins. Raises `InvalidProposal`, `InvalidCredential`,
    `InvalidPublicKey` or `MalformedMessage`."""
    if has_duplicates(extensions):
        raise InvalidProposal("an extension occurs twice")
    if not _ELSEWHERE.isdisjoint(extension.type for extension in extensions):
        raise InvalidProposal("an extension that does not belong into a GroupContext")
    required_capabilities(extensions)  # raises when malformed
    for sender in external_senders(extensions):
        check_credential(sender.credential, None, policy)
        suite.signatures.check(sender.signature_key)


# -- application (12.3)


def apply_list(rules: Rules, items: Sequence[CommittedProposal]) -> Applied:
    """Apply a list that `check_list` has passed, to a copy of the tree. Raises `TooLarge`.

    The result is not yet known to be valid: `check_members` judges it, after the path.
    """
    tree, max_leaves = rules.tree.copy(), rules.policy.max_leaves
    extensions = rules.context.extensions
    updated, removed, added, psks = [], [], [], []
    external_init, reinit = None, None
    for item in items:
        if isinstance(item.proposal, GroupContextExtensions):
            extensions = item.proposal.extensions
    for item in items:
        if isinstance(item.proposal, Update) and item.sender is not None:
            tree.update(item.sender, item.proposal.leaf_node)
            updated.append(item.sender)
    for item in items:
        if isinstance(item.proposal, Remove):
            tree.remove(item.proposal.removed)
            removed.append(item.proposal.removed)
    if removed:
        tree.truncate()
    for item in items:
        if isinstance(item.proposal, Add):
            added.append(tree.add(item.proposal.key_package.leaf_node, max_leaves))
        elif isinstance(item.proposal, PreSharedKey):
            psks.append(item.proposal.psk)
        elif isinstance(item.proposal, ExternalInit):
            external_init = item.proposal
        elif isinstance(item.proposal, ReInit):
            reinit = item.proposal
    return Applied(
        tree=tree,
        extensions=extensions,
        added=tuple(added),
        removed=tuple(removed),
        updated=tuple(updated),
        psks=tuple(psks),
        external_init=external_init,
        reinit=reinit,
        path_required=not items or any(_requires_path(item.proposal) for item in items),
    )


def _requires_path(proposal: Proposal) -> bool:
    return proposal.type in PATH_REQUIRED or isinstance(proposal, CustomProposal)


def check_applied(before: GroupContext, applied: Applied, changed: Iterable[int]) -> None:
    """`check_members` after a list and its path were applied. New extensions must fit all members.
    Raises `InvalidLeaf` or `MalformedMessage`."""
    all_new = applied.extensions != before.extensions
    check_members(applied.tree, changed, applied.extensions, all_new=all_new)


def check_members(
    tree: RatchetTree, changed: Iterable[int], extensions: tuple[Extension, ...], *, all_new: bool
) -> None:
    """The rules of 7.3 and 13.4 that concern the group as a whole, after a list was applied:
    unique keys, and capabilities that fit the group. Raises `InvalidLeaf`.

    `changed` are leaf indices. `all_new` says that the extensions changed, or that the whole tree
    is new to us, so that every member must be held against them.
    """
    census = tree.census
    leaves = [leaf for index in changed if (leaf := tree.leaf(index)) is not None]
    for leaf in leaves:
        if census.signature_keys[leaf.signature_key] != 1:
            raise InvalidLeaf("two members with one signature key")
        if census.encryption_keys[leaf.encryption_key] != 1:
            raise InvalidLeaf("two nodes with one encryption key")
    required = required_capabilities(extensions)
    kinds = {extension.type for extension in extensions} - DEFAULT_EXTENSIONS
    distinct = list(census.distinct_capabilities())
    changes = {leaf.capabilities.encode(): leaf.capabilities for leaf in leaves}
    for capabilities in distinct if all_new else changes.values():
        if not capabilities.supports(required):
            raise InvalidLeaf("a member lacks a required capability")
        if not kinds <= set(capabilities.extensions):
            raise InvalidLeaf("a member does not support an extension of the group")
    if leaves:
        in_use = set(census.credentials)
        if any(not in_use <= set(capabilities.credentials) for capabilities in distinct):
            raise InvalidLeaf("a credential type that not all members support")
