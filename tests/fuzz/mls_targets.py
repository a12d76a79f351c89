"""The parsers of MLS: each structure by itself, and all that a client does with a message."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from alcove import mls
from alcove.mls.codec import Struct
from alcove.mls.framing import (
    AuthenticatedContent,
    FramedContent,
    PublicMessage,
    WireFormat,
    unwrap,
    wrap,
)
from alcove.mls.nodes import LeafNode, ParentNode
from alcove.mls.private_message import PrivateMessage, SenderData
from alcove.mls.proposals import Commit, proposal_codec
from alcove.mls.psk import PreSharedKeyID
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.treekem import UpdatePath
from alcove.mls.welcome import GroupInfo, GroupSecrets, Welcome

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    Person,
    Room,
    capabilities,
    dropped,
    epoch_of,
    forge,
    person,
    room,
    seal,
)
from tests.fuzz.target import Target

REFUSALS = (mls.MLSError,)


class Scene:
    """A room of four after some commits, with a person invited, and messages of every kind."""

    def __init__(self) -> None:
        these: Room = room("bob", "carol", "dave")
        these.settle("carol", these["carol"].commit(now=NOW))
        self.zoe: Person = person("zoe")
        self.these, self.alice, self.bob = these, these["alice"], these["bob"]
        self.info = self.alice.group_info()
        commit = dropped(self.alice.commit([self.zoe.add, mls.Remove(3)], now=NOW))
        assert commit.welcome is not None
        self.welcome = commit.welcome
        psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
        self.proposals: list[mls.Proposal] = [
            mls.Remove(3),
            self.zoe.add,
            psk,
            mls.ReInit(b"next", 1, SUITE.number, (mls.Extension(0xF001, b"data"),)),
            mls.GroupContextExtensions((mls.Extension(3, b"\x00\x00\x00"),)),
            mls.CustomProposal(0xF001, b"data"),
            mls.ExternalInit(bytes(32)),
        ]
        self.commits = [commit.content, dropped(self.alice.commit(now=NOW)).content]
        self.group_id = self.alice.group_id
        newcomer = mls.propose_oneself(
            self.zoe.signer, self.group_id, self.alice.epoch, self.zoe.bundle.key_package
        )
        external = mls.Group.join_externally(
            self.info, self.zoe.signer, self.zoe.credential, capabilities(), policy=POLICY, now=NOW
        )
        self.messages = [
            self.alice.encrypt(b"text", b"data"),
            self.alice.propose(mls.Remove(3), now=NOW),
            self.alice.propose(self.zoe.add, "public", now=NOW),
            self.alice.propose_update(wire_format="public"),
            commit.message,
            dropped(self.alice.commit(wire_format="public", now=NOW)).message,
            external.message,
            newcomer,
        ]

    def bodies(self) -> list[Commit]:
        contents = [AuthenticatedContent.decode(data).content.body for data in self.commits]
        return [body for body in contents if isinstance(body, Commit)]


scene = cache(Scene)


def _leaf() -> LeafNode:
    return scene().zoe.bundle.key_package.leaf_node


def _nodes(kind: type[Any]) -> list[bytes]:
    nodes = epoch_of(scene().alice).tree.nodes
    return [node.encode() for node in nodes if isinstance(node, kind)]


def _public(kind: WireFormat) -> list[bytes]:
    return [body for found, body in map(unwrap, scene().messages) if found is kind]


def _paths() -> list[bytes]:
    return [body.path.encode() for body in scene().bodies() if body.path is not None]


def _contents() -> list[bytes]:
    return [AuthenticatedContent.decode(data).content.encode() for data in scene().commits]


_SENDER = mls.ExternalSender(bytes(32), mls.Credential.basic(b"service"))
_PSK_IDS = [
    mls.PreSharedKeyID.external(SUITE, b"id", os.urandom),
    mls.PreSharedKeyID.of_epoch(SUITE, b"a room", 3, os.urandom),
]

STRUCTURES: dict[type[Struct], Callable[[], list[bytes]]] = {
    mls.Capabilities: lambda: [_leaf().capabilities.encode()],
    mls.Credential: lambda: [
        _leaf().credential.encode(),
        mls.Credential(2, (b"one", b"two")).encode(),
    ],
    mls.Extension: lambda: [mls.Extension(0xF001, b"data").encode()],
    mls.ExternalSender: lambda: [_SENDER.encode()],
    mls.GroupContext: lambda: [scene().alice.context.encode()],
    mls.KeyPackage: lambda: [scene().zoe.bundle.key_package.encode()],
    mls.Lifetime: lambda: [mls.Lifetime.unlimited().encode()],
    mls.RequiredCapabilities: lambda: [mls.RequiredCapabilities((1,), (2, 3), (1,)).encode()],
    mls.HpkeCiphertext: lambda: [mls.HpkeCiphertext(bytes(32), bytes(48)).encode()],
    AuthenticatedContent: lambda: scene().commits,
    Commit: lambda: [body.encode() for body in scene().bodies()],
    FramedContent: _contents,
    GroupInfo: lambda: [scene().info[4:]],
    GroupSecrets: lambda: [
        GroupSecrets(mls.Secret(bytes(32)), None, tuple(_PSK_IDS)).encode(),
    ],
    LeafNode: lambda: _nodes(LeafNode),
    ParentNode: lambda: _nodes(ParentNode),
    PreSharedKeyID: lambda: [psk.encode() for psk in _PSK_IDS],
    PrivateMessage: lambda: _public(WireFormat.PRIVATE_MESSAGE),
    PublicMessage: lambda: _public(WireFormat.PUBLIC_MESSAGE),
    UpdatePath: _paths,
    Welcome: lambda: [scene().welcome[4:]],
}


def _round_trip(kind: type[Struct]) -> Callable[[bytes], object]:
    """What is read is written as the same bytes: no value has two encodings."""

    def run(data: bytes) -> None:
        assert kind.decode(data).encode() == data

    return run


def _tree(data: bytes) -> None:
    assert RatchetTree.decode(data, 64).encode() == data


def _proposal(data: bytes) -> None:
    assert proposal_codec.write(proposal_codec.decode(data)) == data


def _sender_data(data: bytes) -> None:
    assert SenderData.decode(data).encode() == data


def _key_package(data: bytes) -> None:
    mls.KeyPackage.decode(data).verify(SUITE, POLICY, NOW)


def _join(data: bytes) -> None:
    zoe = scene().zoe
    mls.Group.join(data, zoe.bundle, zoe.signer, policy=POLICY, now=NOW)


def _join_externally(data: bytes) -> None:
    zoe = scene().zoe
    mls.Group.join_externally(
        data, zoe.signer, zoe.credential, capabilities(), policy=POLICY, now=NOW
    )


def _receive(data: bytes) -> None:
    scene().bob.receive(data)


def _insider_public(data: bytes) -> None:
    """A member signs any commit at all: what lies behind the signature is fuzzed too."""
    commit = Commit.decode(data)
    content = forge(scene().alice, commit, wire_format=WireFormat.PUBLIC_MESSAGE)
    scene().bob.receive(seal(scene().alice, content))


def _insider_proposal(data: bytes) -> None:
    proposal = proposal_codec.decode(data)
    alice = scene().alice
    content = forge(alice, Commit((proposal,), None), wire_format=WireFormat.PUBLIC_MESSAGE)
    scene().bob.receive(seal(alice, content))


def _insider_info(data: bytes) -> None:
    """A member signs any GroupInfo at all, for a client that joins from outside."""
    info, alice = GroupInfo.decode(data), scene().alice
    signature = SUITE.sign_with_label(epoch_of(alice).signer, "GroupInfoTBS", info.tbs())
    signed = GroupInfo(
        info.group_context, info.extensions, info.confirmation_tag, info.signer, signature
    )
    _join_externally(wrap(WireFormat.GROUP_INFO, signed.encode()))


def _proposal_seeds() -> list[bytes]:
    return [proposal_codec.write(proposal) for proposal in scene().proposals]


def targets() -> list[Target]:
    structures = [
        Target(f"mls.{kind.__name__}", _round_trip(kind), REFUSALS, seeds)
        for kind, seeds in STRUCTURES.items()
    ]

    def commits() -> list[bytes]:
        return [body.encode() for body in scene().bodies()]

    def of(name: str, run: Callable[[bytes], object], seeds: Callable[[], list[bytes]]) -> Target:
        return Target(f"mls.{name}", run, REFUSALS, seeds)

    return [
        *structures,
        of("Proposal", _proposal, _proposal_seeds),
        of("SenderData", _sender_data, lambda: [bytes(12)]),
        of("ratchet_tree", _tree, lambda: [scene().alice.ratchet_tree()]),
        of("peek", mls.peek, lambda: scene().messages),
        of("unwrap", unwrap, lambda: scene().messages),
        of("verify_key_package", _key_package, STRUCTURES[mls.KeyPackage]),
        of("join", _join, lambda: [scene().welcome]),
        of("join_externally", _join_externally, lambda: [scene().info]),
        of("receive", _receive, lambda: scene().messages),
        of("receive_signed_commit", _insider_public, commits),
        of("receive_signed_proposal", _insider_proposal, _proposal_seeds),
        of("join_signed_group_info", _insider_info, lambda: [scene().info[4:]]),
    ]
