"""Making a commit (RFC 9420, section 12.4.1): by a member, or by a joiner from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alcove.mls.ciphersuite import SignatureKeyPair
from alcove.mls.epoch import Epoch, Standpoint, begin_epoch
from alcove.mls.errors import CannotCommit, InvalidProposal
from alcove.mls.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    Sender,
    WireFormat,
    sign_content,
)
from alcove.mls.group_context import GroupContext
from alcove.mls.hpke import HpkeKeyPair
from alcove.mls.nodes import LeafContent, LeafNode, sign_leaf
from alcove.mls.proposal_cache import CachedProposal
from alcove.mls.proposal_list import (
    Applied,
    CommittedProposal,
    Rules,
    apply_list,
    check_applied,
    check_list,
    check_proposal,
)
from alcove.mls.proposals import (
    Add,
    Commit,
    ExternalInit,
    PreSharedKey,
    Proposal,
    ProposalOrRef,
    ProposalRef,
)
from alcove.mls.psk import NO_PSKS, PskStore, ResumptionPSKUsage
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Random, Scratch, Secret
from alcove.mls.transition import (
    Inputs,
    PathOut,
    Transition,
    check_not_last,
    check_own_path,
    derive_epoch,
    find_psks,
    keep_keys,
    provisional_context,
)
from alcove.mls.treekem import (
    UpdatePath,
    check_new_keys,
    derive_path,
    encrypt_path,
    filtered_direct_path,
    set_path,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to make a commit, besides its proposals. `leaf` goes into the path, if there is one."""

    leaf: LeafContent
    random: Random
    now: int
    """Seconds since 1970, to judge the lifetimes of KeyPackages."""
    wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE
    authenticated_data: bytes = b""
    force_path: bool = False
    founding: ResumptionPSKUsage | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """Where a commit starts from: an epoch of mine, or for an external commit a GroupInfo."""

    rules: Rules
    signer: SignatureKeyPair
    sender: Sender
    own_index: int
    interim_transcript_hash: bytes
    init_secret: Secret
    psk_secret: Secret
    private: Mapping[int, Secret] = field(default_factory=dict)
    past_psks: Mapping[int, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Made:
    """A path of one's own, with the private keys of its nodes and leaf."""

    path: UpdatePath
    out: PathOut
    private: dict[int, Secret]
    context: GroupContext


def collect(
    cache: Mapping[bytes, CachedProposal],
    own_index: int,
    references: Sequence[ProposalRef | bytes],
    proposals: Sequence[Proposal],
) -> tuple[list[CommittedProposal], list[ProposalOrRef]]:
    """What is referred to, then what is given by value: with its origin, and as it is written.
    Raises `CannotCommit` for a reference to what one never saw."""
    items: list[CommittedProposal] = []
    wire: list[ProposalOrRef] = []
    for given in references:
        ref = given if isinstance(given, ProposalRef) else ProposalRef(given)
        known = cache.get(ref.value)
        if known is None:
            raise CannotCommit("a reference to an unknown proposal")
        items.append(CommittedProposal(known.proposal, known.origin, True))
        wire.append(ref)
    sender = Sender.member(own_index)
    for proposal in proposals:
        items.append(CommittedProposal(proposal, sender, False))
        wire.append(proposal)
    return items, wire


def founding_usage(epoch: Epoch, proposals: Sequence[Proposal]) -> ResumptionPSKUsage | None:
    """In the first commit of a group, the usage of a PSK that says that it continues another."""
    if epoch.context.epoch == 0:
        for proposal in proposals:
            if isinstance(proposal, PreSharedKey) and proposal.psk.founds_a_group:
                return proposal.psk.usage
    return None


def repeats_a_welcome(items: Sequence[CommittedProposal], attempts: int) -> bool:
    """Whether a commit yields a Welcome, and needs entropy that earlier `attempts` had not.

    A commit without a path draws no randomness. Made again with the same proposals it has the same
    joiner secret, and so the same key and nonce for its GroupInfo, which may differ. Two texts
    under one nonce give both away (12.4.3.1). A path brings a fresh commit secret.
    """
    return attempts > 0 and any(isinstance(item.proposal, Add) for item in items)


def check_proposed(epoch: Epoch, proposal: Proposal, now: int | None) -> None:
    """Judge a proposal of mine before I send it (12.1): the others would find it invalid when it
    is committed. Raises what is wrong with it."""
    own = epoch.own_index
    rules = Rules(epoch.suite, epoch.policy, epoch.context, epoch.tree, own, now=now)
    if isinstance(proposal, ExternalInit):
        raise InvalidProposal("ExternalInit outside an external commit")
    check_proposal(rules, CommittedProposal(proposal, Sender.member(own), by_reference=True))


def check_changes(epoch: Epoch, items: Sequence[CommittedProposal], now: int | None) -> None:
    """Judge a list as my commit of it would be judged, but for the path. Raises what is wrong."""
    check_not_last(epoch.context, CannotCommit)
    own = epoch.own_index
    rules = Rules(epoch.suite, epoch.policy, epoch.context, epoch.tree, own, now=now)
    check_list(rules, items)
    applied = apply_list(rules, items)
    check_applied(epoch.context, applied, {*applied.added, *applied.updated})


def update_leaf(epoch: Epoch, content: LeafContent, random: Random) -> tuple[LeafNode, HpkeKeyPair]:
    """A leaf of mine for an Update, and its fresh keys (12.1.2)."""
    keys = epoch.suite.hpke_keypair(random)
    group_id, own = epoch.context.group_id, epoch.own_index
    signer = epoch.signer
    leaf = sign_leaf(epoch.suite, signer, content, keys.public, group_id=group_id, leaf_index=own)
    return leaf, keys


def create(
    epoch: Epoch,
    items: Sequence[CommittedProposal],
    wire: Sequence[ProposalOrRef],
    plan: Plan,
    store: PskStore = NO_PSKS,
) -> Transition:
    """A member's commit of `items`, written as `wire`. Raises what is wrong with them, or
    `MissingPsk`; `epoch` is not changed."""
    check_not_last(epoch.context, CannotCommit)
    own = epoch.own_index
    rules = Rules(
        epoch.suite,
        epoch.policy,
        epoch.context,
        epoch.tree,
        own,
        now=plan.now,
        founding=plan.founding,
    )
    check_list(rules, items)
    applied = apply_list(rules, items)
    with Scratch() as scratch:
        base = Base(
            rules=rules,
            signer=epoch.signer,
            sender=Sender.member(own),
            own_index=own,
            interim_transcript_hash=epoch.interim_transcript_hash,
            init_secret=epoch.secrets.init_secret,
            psk_secret=scratch.result(find_psks(epoch, applied.psks, store)),
            private=epoch.private,
            past_psks=scratch.results(epoch.next_past_psks()),
        )
        return build(base, items, wire, applied, plan)


def build(
    base: Base,
    items: Sequence[CommittedProposal],
    wire: Sequence[ProposalOrRef],
    applied: Applied,
    plan: Plan,
) -> Transition:
    """The commit, and the epoch that it begins, judged as its receivers will judge it. Raises
    `InvalidLeaf`, `InvalidPath` or `InvalidPublicKey`. Then no secret of it is left. Those of
    `base` are the caller's."""
    with Scratch() as scratch:
        return _build(scratch, base, items, wire, applied, plan)


def _build(
    scratch: Scratch,
    base: Base,
    items: Sequence[CommittedProposal],
    wire: Sequence[ProposalOrRef],
    applied: Applied,
    plan: Plan,
) -> Transition:
    suite, own, old = base.rules.suite, base.own_index, base.rules.context
    made = None
    if applied.path_required or plan.force_path:
        made = _make_path(scratch, base, applied, plan)
        check_own_path(base.rules, applied, base.sender, made.out.steps, made.path)
    changed = {*applied.added, *applied.updated, *((own,) if made else ())}
    check_applied(old, applied, changed)
    authenticated = _sign(base, wire, made, plan)
    provisional = made.context if made else provisional_context(suite, old, applied)
    commit_secret = made.out.secrets.commit_secret if made else suite.zeros()
    scratch.temporary(commit_secret)
    inputs = Inputs(base.init_secret, commit_secret, base.psk_secret)
    interim = base.interim_transcript_hash
    context, joiner, secrets = derive_epoch(suite, interim, authenticated, provisional, inputs)
    tag = suite.mac(secrets.confirmation_key, context.confirmed_transcript_hash)
    keys = keep_keys(base.private, applied.tree, made.private if made else {})
    me = Standpoint(suite, base.rules.policy, base.signer, own, keys, base.past_psks)
    return Transition(
        committer=own,
        proposals=tuple(items),
        applied=applied,
        new_leaf=made.path.leaf_node if made else None,
        context=context,
        authenticated=AuthenticatedContent(
            plan.wire_format, authenticated.content, authenticated.signature, tag
        ),
        next=begin_epoch(me, context, applied.tree, secrets, tag, applied.reinit),
        joiner_secret=joiner,
        psk_secret=base.psk_secret,
        path=made.out if made else None,
    )


def _sign(
    base: Base, wire: Sequence[ProposalOrRef], made: _Made | None, plan: Plan
) -> AuthenticatedContent:
    """The commit's content, signed under the old GroupContext. Its tag is still to come."""
    context = base.rules.context
    content = FramedContent(
        context.group_id,
        context.epoch,
        base.sender,
        plan.authenticated_data,
        ContentType.COMMIT,
        Commit(tuple(wire), made.path if made else None),
    )
    signature = sign_content(
        base.rules.suite, base.signer, plan.wire_format, content, context.encode()
    )
    return AuthenticatedContent(plan.wire_format, content, signature, b"")


def _make_path(scratch: Scratch, base: Base, applied: Applied, plan: Plan) -> _Made:
    """Fresh keys from my leaf to the root, on the new tree and encrypted (7.5). The path secrets
    stay for the Welcome. If the commit fails, all of it is wiped."""
    suite, own = base.rules.suite, base.own_index
    tree: RatchetTree = applied.tree
    steps = filtered_direct_path(tree, own)
    secrets = derive_path(suite, Secret(plan.random(suite.size)), len(steps))
    for pair in (*secrets.keys, leaf_keys := suite.hpke_keypair(plan.random)):
        scratch.result(pair)
    scratch.result(secrets)
    scratch.result(secrets.commit_secret)
    public_keys = [pair.public for pair in secrets.keys]
    check_new_keys(tree, [leaf_keys.public, *public_keys])
    leaf = sign_leaf(
        suite,
        base.signer,
        plan.leaf,
        leaf_keys.public,
        parent_hash=set_path(suite, tree, own, steps, public_keys),
        group_id=base.rules.context.group_id,
        leaf_index=own,
    )
    tree.set_leaf(own, leaf)
    context = provisional_context(suite, base.rules.context, applied)
    new_leaves, random = applied.new_leaves(), plan.random
    nodes = encrypt_path(suite, tree, steps, secrets, new_leaves, context.encode(), random)
    private = {step.node: pair.private for step, pair in zip(steps, secrets.keys, strict=True)}
    private[2 * own] = leaf_keys.private
    return _Made(UpdatePath(leaf, nodes), PathOut(steps, secrets), private, context)
