"""People and groups for the tests, and what a dishonest member would need: signing and sealing
anything at all under its own keys."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alcove import mls
from alcove.mls import messages
from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.epoch import Epoch
from alcove.mls.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    Sender,
    WireFormat,
    sign_content,
)
from alcove.mls.private_message import no_padding
from alcove.mls.proposals import Commit, Proposal

from tests.client_sdk.mls import invariants

SUITE = mls.ciphersuite(0x0003)
ALWAYS = mls.Lifetime.unlimited()
NOW = 1_800_000_000
"""The clock of every test, in seconds since 1970."""


def limits(**changes: Any) -> mls.Policy:
    """Bounds wide enough for anything that a test does, but for `changes`."""
    wide: dict[str, Any] = {"max_leaves": 16_384, "max_lifetime": 2**64 - 1}
    return mls.Policy(**{**wide, **changes})


POLICY = limits()


def capabilities(
    extensions: tuple[int, ...] = (), proposals: tuple[int, ...] = ()
) -> mls.Capabilities:
    return mls.Capabilities(
        ciphersuites=(SUITE.number,), extensions=extensions, proposals=proposals
    )


@dataclass
class Person:
    """A person with a signature key and a fresh KeyPackage."""

    name: str
    signer: mls.SignatureKeyPair
    bundle: mls.KeyPackageBundle

    @property
    def add(self) -> mls.Add:
        return mls.Add(self.bundle.key_package)

    @property
    def credential(self) -> mls.Credential:
        return mls.Credential.basic(self.name.encode())

    def renew(self) -> Person:
        """The same person with a new KeyPackage."""
        return person(self.name, self.signer)


def person(
    name: str,
    signer: mls.SignatureKeyPair | None = None,
    suite: CipherSuite = SUITE,
    caps: mls.Capabilities | None = None,
    lifetime: mls.Lifetime = ALWAYS,
    leaf_extensions: tuple[mls.Extension, ...] = (),
    credential: mls.Credential | None = None,
) -> Person:
    signer = signer or suite.signature_keypair(os.urandom)
    bundle = mls.KeyPackageBundle.create(
        suite,
        signer,
        credential or mls.Credential.basic(name.encode()),
        caps or capabilities(),
        lifetime,
        leaf_extensions,
        rng=os.urandom,
    )
    return Person(name, signer, bundle)


def found(
    suite: CipherSuite = SUITE,
    policy: mls.Policy | None = None,
    extensions: tuple[mls.Extension, ...] = (),
    caps: mls.Capabilities | None = None,
    group_id: bytes = b"a room",
    signer: mls.SignatureKeyPair | None = None,
    leaf_extensions: tuple[mls.Extension, ...] = (),
) -> mls.Group:
    """A group of one, Alice."""
    return mls.Group.create(
        suite,
        group_id,
        signer or suite.signature_keypair(os.urandom),
        mls.Credential.basic(b"alice"),
        caps or capabilities(),
        leaf_extensions,
        extensions,
        policy=policy or POLICY,
        lifetime=ALWAYS,
        now=NOW,
    )


@dataclass
class Room:
    """All members' groups, by the name of the member."""

    groups: dict[str, mls.Group]
    people: dict[str, Person]

    def __getitem__(self, name: str) -> mls.Group:
        return self.groups[name]

    def index(self, name: str) -> int:
        return self.groups[name].own_index

    def others(self, name: str) -> list[str]:
        return [other for other in self.groups if other != name]

    def settle(self, name: str, staged: mls.StagedCommit, newcomers: Iterable[Person] = ()) -> None:
        """All members take a commit. The removed go, newcomers join, and all must agree. What holds
        of the tree and its keys after every commit is worked out anew."""
        following = {}
        invariants.check_path({group.own_index: group for group in self.groups.values()}, staged)
        for other in self.others(name):
            received = self.groups[other].receive(staged.message)
            assert isinstance(received, mls.StagedCommit)
            if not received.removes_me:
                following[other] = received.merge()
        following[name] = staged.merge()
        for newcomer in newcomers:
            assert staged.welcome is not None
            following[newcomer.name] = mls.Group.join(
                staged.welcome, newcomer.bundle, newcomer.signer, policy=POLICY, now=NOW
            )
            self.people[newcomer.name] = newcomer
        self.groups = following
        invariants.check_room(following.values())
        self.agree()

    def agree(self) -> None:
        assert len({group.epoch_authenticator for group in self.groups.values()}) == 1
        assert len({group.ratchet_tree() for group in self.groups.values()}) == 1
        for name, group in self.groups.items():
            message = group.encrypt(name.encode())
            for other in self.others(name):
                received = self.groups[other].receive(message)
                assert isinstance(received, mls.ReceivedApplication)
                assert received.plaintext == name.encode()
                assert received.sender == group.own_index

    def propose_update(self, name: str) -> bytes:
        """A member proposes an Update to all others. Returns its reference."""
        message = self.groups[name].propose_update()
        refs = set()
        for other in self.others(name):
            received = self.groups[other].receive(message)
            assert isinstance(received, mls.ReceivedProposal)
            refs.add(received.ref)
        (ref,) = refs
        return ref


def room(*names: str, suite: CipherSuite = SUITE, policy: mls.Policy | None = None) -> Room:
    """Alice's group, to which the named were added in one commit."""
    policy = policy or POLICY
    alice = found(suite, policy)
    people = [person(name, suite=suite, caps=None) for name in names]
    if not people:
        return Room({"alice": alice}, {})
    staged = alice.commit([one.add for one in people], now=NOW)
    groups = {"alice": staged.merge()}
    assert staged.welcome is not None
    for one in people:
        groups[one.name] = mls.Group.join(
            staged.welcome, one.bundle, one.signer, policy=policy, now=NOW
        )
    return Room(groups, {one.name: one for one in people})


def dropped(staged: mls.StagedCommit) -> mls.StagedCommit:
    """A commit that its maker drops, so that it can make another; its bytes are still there."""
    staged.drop()
    return staged


# -- dishonesty


def release(group: mls.Group) -> None:
    """Drop the commit that waits, if one does."""
    if group._staged.pending is not None:
        group._staged.pending.drop()


def epoch_of(group: mls.Group) -> Epoch:
    return group._epoch


def forge(
    group: mls.Group,
    body: bytes | Proposal | Commit,
    *,
    wire_format: WireFormat = WireFormat.PRIVATE_MESSAGE,
    sender: Sender | None = None,
    context: bytes | None = None,
    signer: mls.SignatureKeyPair | None = None,
    confirmation_tag: bytes | None = None,
) -> AuthenticatedContent:
    """Sign anything as a member, or as another sender."""
    epoch = epoch_of(group)
    kind = ContentType.PROPOSAL
    if isinstance(body, bytes):
        kind = ContentType.APPLICATION
    elif isinstance(body, Commit):
        kind = ContentType.COMMIT
        confirmation_tag = bytes(32) if confirmation_tag is None else confirmation_tag
    content = FramedContent(
        group.group_id,
        group.epoch,
        sender or Sender.member(group.own_index),
        b"",
        kind,
        body,
    )
    if context is None:
        context = group.context.encode()
    signature = sign_content(group.suite, signer or epoch.signer, wire_format, content, context)
    return AuthenticatedContent(wire_format, content, signature, confirmation_tag)


def seal(group: mls.Group, content: AuthenticatedContent) -> bytes:
    """Protect anything as a member."""
    return messages.protect(epoch_of(group), content, no_padding, os.urandom)


def snapshot(group: mls.Group) -> tuple[object, ...]:
    """Everything of a group that a refused message must not change."""
    epoch = epoch_of(group)
    ratchets = {
        leaf: (handshakes.generation, messages.generation, sorted(messages._skipped))
        for leaf, (handshakes, messages) in epoch.secret_tree._ratchets.items()
        if handshakes.generation or messages.generation or messages._skipped
    }
    secrets = tuple(
        getattr(epoch.secrets, name).expose()
        for name in epoch.secrets.__dataclass_fields__
        if name != "encryption_secret"
    )
    return (
        epoch.context.encode(),
        epoch.tree.encode(),
        {index: secret.expose() for index, secret in epoch.private.items()},
        epoch.interim_transcript_hash,
        epoch.confirmation_tag,
        secrets,
        ratchets,
        [item.ref for item in group.proposals],
    )
