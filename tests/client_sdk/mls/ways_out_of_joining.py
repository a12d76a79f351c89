"""The ways out of a Welcome and of an external commit. Each returns what lives on."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls import welcome
from alcove.mls.welcome import PathSecret

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    Room,
    epoch_of,
    found,
    limits,
    person,
    release,
)
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.ways_out import receive, refuse


def welcomes_refused(these: Room) -> object:
    alice, zoe = these["alice"], person("zoe")
    plain = alice.commit([zoe.add], force_path=True, now=NOW)
    assert plain.welcome is not None
    message = plain.welcome
    signer = SUITE.signature_keypair(os.urandom)
    bundle = zoe.bundle
    for error, how in (
        (mls.InvalidWelcome, {"known_groups": (alice.group_id,)}),
        (mls.InvalidWelcome, {"predecessor": these["bob"]}),
        (mls.TooLarge, {"policy": limits(max_leaves=2)}),
    ):
        # Mypy infers no lambda with defaults.
        refuse(error, lambda how=how: forging.join(message, zoe, **how))  # type: ignore[misc]
    refuse(
        mls.InvalidWelcome,
        lambda: mls.Group.join(message, bundle, signer, policy=POLICY, now=NOW),
    )

    def no_tag(info: Any) -> Any:
        return replace(info, confirmation_tag=bytes(32))

    made = [
        forging.welcome_with(alice, zoe, no_tag),
        forging.welcome_to_tree(alice, zoe, lambda tree: tree.set_leaf(2, bundle_leaf(zoe))),
    ]
    false = PathSecret(mls.Secret(b"x" * 32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(welcome, "_path_secret_for", lambda *_: false)
        made.append(forging.lawless_commit(alice, zoe.add, force_path=True).welcome or b"")
        patch.setattr(welcome, "_path_secret_for", lambda *_: None)
        made.append(forging.lawless_commit(alice, zoe.add, force_path=True).welcome or b"")
    for bad in made:
        # Mypy infers no lambda with defaults.
        refuse(mls.MLSError, lambda bad=bad: forging.join(bad, zoe))  # type: ignore[misc]
    release(alice)
    return these, zoe, signer, false.path_secret


def bundle_leaf(who: Any) -> Any:
    return who.bundle.key_package.leaf_node


def welcome_with_a_pre_shared_key(these: Room) -> object:
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    zoe, store = person("zoe"), mls.PskStore({b"id": mls.Secret(b"a" * 32)})
    staged = these["alice"].commit([psk, zoe.add], psks=store, now=NOW)
    assert staged.welcome is not None
    message = staged.welcome
    refuse(mls.PskMissing, lambda: forging.join(message, zoe))
    other = mls.PskStore({b"id": mls.Secret(b"b" * 32)})
    refuse(mls.InvalidWelcome, lambda: forging.join(message, zoe, psks=other))
    staged.drop()
    return these, zoe, store, other, forging.join(message, zoe, psks=store)


def welcome_dropped_or_group_wiped(these: Room) -> object:
    zoe = person("zoe")
    message = these["alice"].commit([zoe.add], force_path=True, now=NOW).welcome
    assert message is not None
    opened = mls.Group.open_welcome(message, zoe.bundle, zoe.signer, policy=POLICY, now=NOW)
    opened.drop()
    opened.drop()
    refuse(mls.StagedCommitSpent, opened.accept)
    forging.join(message, zoe).wipe()
    zoe.bundle.wipe()
    return these, zoe.signer


def external_commits(these: Room) -> object:
    info, zoe = these["alice"].group_info(), person("zoe")
    psk = mls.PreSharedKeyID.external(SUITE, b"id", os.urandom)
    unlisted = (mls.Extension(0xF123, b""),)

    def join(**how: Any) -> mls.StagedCommit:
        return forging.join_externally(info, signer=zoe.signer, **how)

    refuse(mls.InvalidLeaf, lambda: join(leaf_extensions=unlisted))
    refuse(mls.MissingPsk, lambda: join(psk_ids=(psk,)))
    store = mls.PskStore({b"id": mls.Secret(b"a" * 32)})
    refuse(mls.InvalidLeaf, lambda: join(psk_ids=(psk,), psks=store, leaf_extensions=unlisted))
    alone = found()
    small = alone.group_info()  # smaller than a commit that joins it
    policy = limits(max_message=len(small))
    refuse(mls.TooLarge, lambda: forging.join_externally(small, signer=zoe.signer, policy=policy))
    refuse(mls.InvalidProposal, lambda: join(remove=7))
    refuse(mls.TooLarge, lambda: join(policy=limits(max_leaves=3)))
    join().drop()
    refuse(mls.InvalidProposal, lambda: join(remove=these.index("bob")))
    staged = forging.join_externally(
        info, signer=these.people["bob"].signer, remove=these.index("bob")
    )
    refuse(mls.RemovedFromGroup, receive(these.groups.pop("bob"), staged.message).merge)
    for name in ("alice", "carol"):
        these.groups[name] = receive(these[name], staged.message).merge()
    staged.merge().wipe()
    return these, zoe, store, alone, epoch_of(alone).signer


def external_commit_refused(these: Room) -> object:
    info, signer = these["alice"].group_info(), SUITE.signature_keypair(os.urandom)
    staged = forging.join_externally(info, signer=signer)
    other = mls.AuthenticatedContent.decode(staged.content)
    message = forging.public(replace(other, confirmation_tag=bytes(32)))
    refuse(mls.ConfirmationMismatch, lambda: these["bob"].receive(message))
    staged.drop()
    return these, signer


WAYS: list[Callable[[Room], object]] = [
    welcomes_refused,
    welcome_with_a_pre_shared_key,
    welcome_dropped_or_group_wiped,
    external_commits,
    external_commit_refused,
]
