"""What the API refuses to make, made: leaves, KeyPackages, commits, Welcomes and GroupInfos that
are right in everything (signatures, paths, confirmation tags) but break one rule.

`lawless` lets a member commit without judging the list; `forge_…` sign altered structures with the
keys of whoever acts; `refused…` hold that the others refuse with one error, named to the word,
and are as they were before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from alcove import mls
from alcove.mls.framing import PublicMessage, WireFormat, wrap
from alcove.mls.nodes import LeafNode
from alcove.mls.proposals import Commit, Proposal, ProposalOrRef, ProposalRef
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.welcome import GroupInfo, sign_group_info

from tests.client_sdk.mls import support
from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    Person,
    capabilities,
    epoch_of,
    forge,
    release,
    seal,
    snapshot,
)

SUITE = support.SUITE
create_commit: Any = import_module("alcove.mls.create_commit")
external: Any = import_module("alcove.mls.external")
welcome: Any = import_module("alcove.mls.welcome")
"""Modules in which a member acts dishonestly for the length of a block."""

GREASE = (0x0A0A, 0x1A1A, 0xEAEA)


# -- refusals


def refused(
    group: mls.Group,
    message: bytes,
    error: type[mls.MLSError],
    detail: str,
    store: mls.PskStore | None = None,
) -> None:
    """The group refuses a message with that error, for that reason, and stays as it was, but for
    the ratchet of a sender whose message was authentic."""
    before = snapshot(group)
    with pytest.raises(error, match=re.escape(detail)) as caught:
        group.receive(message, store or mls.PskStore())
    assert type(caught.value) is error
    after = snapshot(group)
    assert before[:6] == after[:6]
    assert before[7] == after[7]


def list_refused(these: Sequence[mls.Group], message: bytes, detail: str) -> None:
    """Every receiver finds the commit's proposals invalid."""
    for group in these:
        refused(group, message, mls.InvalidProposalList, detail)


def cannot_commit(
    group: mls.Group, error: type[mls.MLSError], detail: str, *proposals: Proposal, **how: Any
) -> None:
    """An honest member does not make such a commit either."""
    release(group)
    before = snapshot(group)
    with pytest.raises(error, match=re.escape(detail)) as caught:
        group.commit(proposals, **{"now": NOW, **how})
    assert type(caught.value) is error
    assert snapshot(group) == before


def not_joined(error: type[mls.MLSError], detail: str, join: Callable[[], object]) -> None:
    """The client that should join refuses to."""
    with pytest.raises(error, match=re.escape(detail)) as caught:
        join()
    assert type(caught.value) is error


# -- commits


def _nothing(*_arguments: object, **_named: object) -> None:
    return None


@contextmanager
def lawless() -> Iterator[pytest.MonkeyPatch]:
    """A member that commits in this block judges nothing."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (create_commit, "check_list"),
            (create_commit, "check_applied"),
            (create_commit, "check_own_path"),
            (create_commit, "check_new_keys"),
            (external, "check_list"),
        ):
            patch.setattr(module, name, _nothing)
        yield patch


def lawless_commit(
    group: mls.Group, *proposals: Proposal, references: Sequence[bytes] = (), **how: Any
) -> mls.StagedCommit:
    """A complete commit, path and confirmation tag right, of a list that was not judged."""
    with lawless():
        release(group)
        return group.commit(proposals, references, **{"now": NOW, **how})


def pathless(group: mls.Group, *items: ProposalOrRef) -> bytes:
    """A signed commit without a path, of a list that could not even be applied."""
    return seal(group, forge(group, Commit(items, None)))


def commit_with_leaf(
    group: mls.Group, alter: Callable[[LeafNode], LeafNode], *proposals: Proposal
) -> mls.StagedCommit:
    """A commit whose path has an altered leaf, signed anew by its owner."""
    real = create_commit.sign_leaf
    own, group_id = group.own_index, group.group_id

    def sign(suite: Any, signer: Any, content: Any, key: bytes, **how: Any) -> LeafNode:
        leaf: LeafNode = alter(real(suite, signer, content, key, **how))
        return sign_leaf(leaf, signer, group_id, own)

    with lawless() as patch:
        patch.setattr(create_commit, "sign_leaf", sign)
        release(group)
        return group.commit(proposals, force_path=True, now=NOW)


def send_proposal(group: mls.Group, proposal: Proposal, *receivers: mls.Group) -> bytes:
    """A member proposes what it should not; the reference, at all receivers and its own."""
    content = forge(group, proposal)
    message = seal(group, content)
    ref = group.suite.proposal_ref(content.encode())
    for receiver in receivers:
        received = receiver.receive(message)
        assert isinstance(received, mls.ReceivedProposal)
        assert received.ref == ref
    group._cache.add(mls.CachedProposal(ref, proposal, content.content.sender), 0)
    return ref


def by_reference(ref: bytes) -> ProposalRef:
    return mls.ProposalRef(ref)


def public(content: mls.AuthenticatedContent, tag: bytes | None = None) -> bytes:
    return wrap(WireFormat.PUBLIC_MESSAGE, PublicMessage(content, tag).encode())


# -- leaves and KeyPackages


def sign_leaf(
    leaf: LeafNode, signer: mls.SignatureKeyPair, group_id: bytes = b"", index: int = 0
) -> LeafNode:
    signature = SUITE.sign_with_label(signer, "LeafNodeTBS", leaf.tbs(group_id, index))
    return replace(leaf, signature=signature)


def key_package(who: Person, *, resign: bool = True, **changes: Any) -> mls.KeyPackage:
    """A KeyPackage with changed fields, signed again by its owner or not."""
    package = replace(who.bundle.key_package, **changes)
    if not resign:
        return package
    signature = SUITE.sign_with_label(who.signer, "KeyPackageTBS", package.tbs())
    return replace(package, signature=signature)


def key_package_with_leaf(who: Person, *, resign: bool = True, **changes: Any) -> mls.KeyPackage:
    """A KeyPackage whose leaf has changed fields; the leaf is signed again, or only the whole."""
    leaf = replace(who.bundle.key_package.leaf_node, **changes)
    return key_package(who, leaf_node=sign_leaf(leaf, who.signer) if resign else leaf)


def update_of(group: mls.Group, *, resign: bool = True, **changes: Any) -> mls.Update:
    """An Update of a member's leaf with a fresh key and changed fields."""
    leaf = group.member(group.own_index)
    assert leaf is not None
    fresh: dict[str, Any] = {
        "encryption_key": SUITE.hpke_keypair(os.urandom).public,
        "source": mls.LeafNodeSource.UPDATE,
        "lifetime": None,
        "parent_hash": None,
    }
    if not resign:
        leaf = sign_leaf(replace(leaf, **fresh), epoch_of(group).signer, b"other", 0)
        return mls.Update(replace(leaf, **changes))
    leaf = replace(leaf, **{**fresh, **changes})
    signer = epoch_of(group).signer
    return mls.Update(sign_leaf(leaf, signer, group.group_id, group.own_index))


# -- Welcomes and GroupInfos


def forged_info(group: mls.Group, signer: int | None = None, **changes: Any) -> GroupInfo:
    """A GroupInfo of a member with changed fields, signed again."""
    info = GroupInfo.decode(group.group_info()[4:])
    info = replace(info, **changes)
    return sign_group_info(
        SUITE,
        epoch_of(group).signer,
        info.signer if signer is None else signer,
        info.group_context,
        info.extensions,
        info.confirmation_tag,
    )


def wrap_info(info: GroupInfo) -> bytes:
    return wrap(WireFormat.GROUP_INFO, info.encode())


def join_externally(info: bytes, **how: Any) -> mls.StagedCommit:
    signer = how.pop("signer", None) or SUITE.signature_keypair(os.urandom)
    caps = how.pop("caps", None) or capabilities()
    credential = how.pop("credential", None) or mls.Credential.basic(b"zoe")
    how = {"policy": POLICY, "now": NOW, **how}
    return mls.Group.join_externally(info, signer, credential, caps, **how)


def lawless_join(info: bytes, *more: Proposal, **how: Any) -> mls.StagedCommit:
    """An external commit that its maker did not judge, with more proposals than allowed."""
    with lawless() as patch:
        real: Any = external.build

        def build(base: Any, items: Any, wire: Any, applied: Any, plan: Any) -> Any:
            return real(base, items, [*wire, *more], applied, replace(plan, force_path=True))

        patch.setattr(external, "build", build)
        return join_externally(info, **how)


def welcome_with(
    group: mls.Group,
    newcomer: Person,
    alter: Callable[[GroupInfo], GroupInfo],
    *more: Proposal,
    **how: Any,
) -> bytes:
    """A Welcome whose GroupInfo was altered, then signed and encrypted."""
    real = welcome.sign_group_info

    def sign(suite: Any, signer: Any, index: int, context: Any, extensions: Any, tag: Any) -> Any:
        info = alter(GroupInfo(context, extensions, tag, index, b""))
        return real(
            suite, signer, info.signer, info.group_context, info.extensions, info.confirmation_tag
        )

    with lawless() as patch:
        patch.setattr(welcome, "sign_group_info", sign)
        release(group)
        staged = group.commit([newcomer.add, *more], **{"now": NOW, **how})
    assert staged.welcome is not None
    return staged.welcome


def welcome_to_tree(
    group: mls.Group, newcomer: Person, alter: Callable[[RatchetTree], None], **how: Any
) -> bytes:
    """A Welcome to a group whose tree a dishonest committer altered, hash and all."""
    real: Any = create_commit.apply_list

    def apply(rules: Any, items: Any) -> Any:
        applied = real(rules, items)
        alter(applied.tree)
        return applied

    with lawless() as patch:
        patch.setattr(create_commit, "apply_list", apply)
        release(group)
        staged = group.commit([newcomer.add], **{"now": NOW, **how})
    assert staged.welcome is not None
    return staged.welcome


def join(message: bytes, who: Person, **how: Any) -> mls.Group:
    return mls.Group.join(message, who.bundle, who.signer, **{"policy": POLICY, "now": NOW, **how})
