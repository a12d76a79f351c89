"""Processing another's commit (RFC 9420, section 12.4.2).

First comes what every member sees alike, which raises `InvalidCommit`. Then comes what concerns me
alone, my path ciphertext and pre-shared keys, which raises `CannotFollow`. The confirmation tag is
last: if it is wrong although the path's keys match mine, it is wrong for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alcove.mls import key_schedule
from alcove.mls.epoch import Epoch, Standpoint, begin_epoch
from alcove.mls.errors import (
    CannotFollow,
    ConfirmationMismatch,
    InvalidCommit,
    InvalidPath,
    InvalidProposalList,
    MissingProposal,
    OwnCommit,
    PathRequired,
    PskMismatch,
)
from alcove.mls.framing import Sender, SenderType, VerifiedContent
from alcove.mls.proposal_cache import CachedProposal
from alcove.mls.proposal_list import (
    Applied,
    CommittedProposal,
    Rules,
    apply_list,
    check_applied,
    check_list,
    check_replaced,
)
from alcove.mls.proposals import Commit, ProposalRef
from alcove.mls.psk import NO_PSKS, PskStore
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Scratch, Secret
from alcove.mls.transition import (
    Inputs,
    Transition,
    burning,
    check_not_last,
    derive_epoch,
    find_psks,
    keep_keys,
    provisional_context,
    take_path,
)
from alcove.mls.treekem import Step, UpdatePath, decrypt_path


def process(
    epoch: Epoch,
    verified: VerifiedContent,
    cache: Mapping[bytes, CachedProposal],
    own_updates: Mapping[bytes, Secret],
    store: PskStore = NO_PSKS,
    approve: Callable[[Transition], None] | None = None,
) -> Transition:
    """Work out another's commit. Raises `InvalidCommit` or `CannotFollow` errors, and nothing
    else. `epoch` is not changed, and no secret of a refused commit is left. A commit of my own
    raises `OwnCommit` once it was judged as all members judge it.

    `own_updates` has the private keys of my Updates of this epoch, by public key. `approve` sees
    the commit once all that every member sees alike was checked, and before anything that only I
    can see. What it raises is raised, so an application's refusal comes before a `CannotFollow`.
    """
    content = verified.content
    if not isinstance(content.body, Commit):
        raise InvalidCommit("not a commit")
    check_not_last(epoch.context, InvalidCommit)
    commit = content.body
    items = _resolve(commit, content.sender, cache)
    committer = content.sender.leaf_index
    rules = Rules(epoch.suite, epoch.policy, epoch.context, epoch.tree, committer, now=None)
    with burning(InvalidProposalList):
        check_list(rules, items)
        applied = apply_list(rules, items)
    steps: tuple[Step, ...] = ()
    changed = {*applied.added, *applied.updated}
    if committer is None:
        committer = applied.tree.leftmost_blank()
    if commit.path is not None:
        if content.sender.leaf_index is None:
            with burning(InvalidProposalList):
                check_replaced(rules, applied, commit.path.leaf_node.signature_key)
        with burning(InvalidPath):
            steps = take_path(rules, applied, content.sender, committer, commit.path)
        changed.add(committer)
    elif applied.path_required:
        raise PathRequired
    _check_result(epoch, applied, changed)
    transition = Transition(
        committer=committer,
        proposals=items,
        applied=applied,
        new_leaf=None if commit.path is None else commit.path.leaf_node,
        context=provisional_context(epoch.suite, epoch.context, applied),
        authenticated=verified.authenticated,
        next=None,
    )
    if approve is not None:
        approve(transition)
    if content.sender.leaf_index == epoch.own_index:
        raise OwnCommit
    if epoch.own_index in applied.removed:
        confirmed = epoch.transcript_with(verified.authenticated)
        return transition.entering(transition.context.after(confirmed), None)
    with Scratch() as scratch:
        return _follow(scratch, epoch, transition, commit.path, steps, own_updates, store)


def _check_result(epoch: Epoch, applied: Applied, changed: set[int]) -> None:
    """What all members see alike once the list and the path are applied. Raises
    `InvalidProposalList`."""
    with burning(InvalidProposalList):
        check_applied(epoch.context, applied, changed)
    with Scratch() as scratch:
        # A joiner's KEM output must be one. This comes before what parts the members: one that
        # the commit removes leaves the group, and one that cannot open its path is held.
        _init_secret(scratch, epoch, applied)


def _resolve(
    commit: Commit, committer: Sender, cache: Mapping[bytes, CachedProposal]
) -> tuple[CommittedProposal, ...]:
    """The commit's proposals, references looked up. Raises `MissingProposal`, or
    `InvalidProposalList` for a reference in an external commit, known or not: else a stranger with
    a GroupInfo could hold up all members by a reference to nothing."""
    items = []
    for item in commit.proposals:
        if isinstance(item, ProposalRef):
            if committer.type is SenderType.NEW_MEMBER_COMMIT:
                raise InvalidProposalList("a reference in an external commit")
            known = cache.get(item.value)
            if known is None:
                raise MissingProposal
            items.append(CommittedProposal(known.proposal, known.origin, True))
        else:
            items.append(CommittedProposal(item, committer, False))
    return tuple(items)


def _follow(
    scratch: Scratch,
    epoch: Epoch,
    transition: Transition,
    path: UpdatePath | None,
    steps: tuple[Step, ...],
    own_updates: Mapping[bytes, Secret],
    store: PskStore,
) -> Transition:
    """The part of processing that needs my own secrets."""
    suite, applied, authenticated = epoch.suite, transition.applied, transition.authenticated
    psks = scratch.temporary(find_psks(epoch, applied.psks, store))
    private = epoch.private
    if epoch.own_index in applied.updated:
        private = _own_update(epoch, applied.tree, own_updates)
    new_keys: dict[int, Secret] = {}
    commit_secret = scratch.temporary(suite.zeros())
    if path is not None:
        new_keys, commit_secret = decrypt_path(
            suite,
            applied.tree,
            steps,
            path,
            epoch.own_index,
            private,
            applied.new_leaves(),
            transition.context.encode(),
        )
        scratch.temporary(commit_secret)
        for key in new_keys.values():
            scratch.result(key)
    init_secret = _init_secret(scratch, epoch, applied)
    inputs = Inputs(init_secret, commit_secret, psks)
    interim = epoch.interim_transcript_hash
    context, joiner, secrets = derive_epoch(
        suite, interim, authenticated, transition.context, inputs
    )
    scratch.temporary(joiner)
    scratch.result(secrets)
    tag = authenticated.confirmation_tag or b""
    if not suite.check_mac(secrets.confirmation_key, context.confirmed_transcript_hash, tag):
        # A pre-shared key from elsewhere may have another value here than for the others. The
        # group's own resumption keys are the same for all: then it is the tag that is false.
        own = all(epoch.has_psk(psk) for psk in applied.psks)
        raise ConfirmationMismatch if own else PskMismatch
    keys = keep_keys(private, applied.tree, new_keys)
    past = epoch.next_past_psks()
    me = Standpoint(suite, epoch.policy, epoch.signer, epoch.own_index, keys, past)
    following = begin_epoch(me, context, applied.tree, secrets, tag, applied.reinit)
    return transition.entering(context, following)


def _init_secret(scratch: Scratch, epoch: Epoch, applied: Applied) -> Secret:
    """The init secret: my epoch's, or the external joiner's (8.3), which ends with `scratch`."""
    if applied.external_init is None:
        return epoch.secrets.init_secret
    with burning(InvalidProposalList):
        kem_output = applied.external_init.kem_output
        secret = key_schedule.receive_external_init(epoch.suite, epoch.secrets, kem_output)
        return scratch.temporary(secret)


def _own_update(
    epoch: Epoch, tree: RatchetTree, own_updates: Mapping[bytes, Secret]
) -> dict[int, Secret]:
    """My private keys once my own Update took effect: the path above my leaf is blank."""
    leaf = tree.leaf(epoch.own_index)
    secret = None if leaf is None else own_updates.get(leaf.encryption_key)
    if secret is None:
        raise CannotFollow("the key of an Update of mine is gone")
    return {2 * epoch.own_index: secret}
