"""The wire format: both directions agree, and nothing has two encodings."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from alcove import mls
from alcove.mls.codec import (
    MAX_ELEMENTS,
    Codec,
    Reader,
    Struct,
    opaque,
    optional,
    uint8,
    uint16,
    varint,
    vector,
)
from alcove.mls.framing import AuthenticatedContent, FramedContent, PublicMessage
from alcove.mls.nodes import LeafNode, ParentNode
from alcove.mls.private_message import PrivateMessage, SenderData
from alcove.mls.proposals import Commit, Proposal, proposal_codec
from alcove.mls.psk import PreSharedKeyID
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.treekem import UpdatePath
from alcove.mls.welcome import GroupInfo, GroupSecrets, Welcome
from hypothesis import given
from hypothesis import strategies as st

from tests.client_sdk.mls.support import capabilities, person, room

STRUCTURES: list[type[Any]] = [
    mls.Capabilities,
    mls.Credential,
    mls.Extension,
    mls.ExternalSender,
    mls.GroupContext,
    mls.KeyPackage,
    mls.Lifetime,
    mls.RequiredCapabilities,
    AuthenticatedContent,
    Commit,
    FramedContent,
    GroupInfo,
    GroupSecrets,
    LeafNode,
    ParentNode,
    PreSharedKeyID,
    PrivateMessage,
    PublicMessage,
    UpdatePath,
    Welcome,
]

u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (16, 32, 64))
short = st.binary(max_size=80)
numbers = st.lists(u16, max_size=5).map(tuple)
extensions = st.lists(st.builds(mls.Extension, u16, short), max_size=3).map(tuple)
credentials = st.one_of(
    short.map(mls.Credential.basic),
    st.lists(short, max_size=3).map(lambda chain: mls.Credential(2, tuple(chain))),
)
caps = st.builds(mls.Capabilities, *([numbers] * 5))


def _leaf(draw: st.DrawFn) -> LeafNode:
    source = draw(st.sampled_from(mls.LeafNodeSource))
    lifetime = mls.Lifetime(draw(u64), draw(u64))
    return LeafNode(
        draw(short),
        draw(short),
        draw(credentials),
        draw(caps),
        source,
        lifetime if source == mls.LeafNodeSource.KEY_PACKAGE else None,
        draw(short) if source == mls.LeafNodeSource.COMMIT else None,
        draw(extensions),
        draw(short),
    )


leaves = st.composite(_leaf)()
packages = st.builds(mls.KeyPackage, u16, u16, short, leaves, extensions, short)
proposals: st.SearchStrategy[Proposal] = st.one_of(
    packages.map(mls.Add),
    leaves.map(mls.Update),
    u32.map(mls.Remove),
    st.builds(mls.ReInit, short, u16, u16, extensions),
    short.map(mls.ExternalInit),
    extensions.map(mls.GroupContextExtensions),
    st.builds(mls.CustomProposal, st.integers(8, 65535), short),
)


@given(proposals)
def test_proposals_survive_the_wire(proposal: Proposal) -> None:
    encoded = proposal_codec.write(proposal)
    assert proposal_codec.decode(encoded) == proposal
    assert proposal_codec.write(proposal_codec.decode(encoded)) == encoded


@given(st.builds(mls.GroupContext, u16, u16, short, u64, short, short, extensions))
def test_group_contexts_survive_the_wire(context: mls.GroupContext) -> None:
    assert mls.GroupContext.decode(context.encode()) == context


@given(leaves, st.builds(ParentNode, short, short, st.lists(u32, max_size=4).map(tuple)))
def test_nodes_survive_the_wire(leaf: LeafNode, parent: ParentNode) -> None:
    assert LeafNode.decode(leaf.encode()) == leaf
    assert ParentNode.decode(parent.encode()) == parent
    tree = RatchetTree([leaf, parent, None, None, leaf, None, None])
    again = RatchetTree.decode(tree.encode(), 64)
    assert again.nodes == tree.nodes


@given(st.integers(0, 2**30 - 1))
def test_lengths_survive_the_wire_in_the_fewest_bytes(value: int) -> None:
    encoded = varint(value)
    assert Reader(encoded).varint() == value
    assert len(encoded) == (1 if value < 64 else 2 if value < 16384 else 4)


def test_lengths_have_a_limit() -> None:
    with pytest.raises(mls.MalformedMessage):
        varint(2**30)


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda kind: kind.__name__)
@given(data=st.binary(max_size=300))
def test_bytes_are_refused_or_read_to_the_one_value_they_encode(
    structure: type[Struct], data: bytes
) -> None:
    try:
        value = structure.decode(data)
    except mls.MalformedMessage:
        return
    assert value.encode() == data


@given(data=st.binary(max_size=300))
def test_trees_and_sender_data_are_refused_or_read(data: bytes) -> None:
    with suppress(mls.MalformedMessage, mls.InvalidTree):
        assert RatchetTree.decode(data, 64).encode() == data
    with suppress(mls.MalformedMessage):
        assert SenderData.decode(data).encode() == data


def _real() -> list[tuple[type[Struct], bytes]]:
    these = room("bob")
    package = person("carol", caps=capabilities(extensions=(0xF000,))).bundle.key_package
    leaf = these["alice"].member(0)
    assert leaf is not None
    return [
        (mls.KeyPackage, package.encode()),
        (LeafNode, leaf.encode()),
        (mls.GroupContext, these["alice"].context.encode()),
        (GroupInfo, these["alice"].group_info()[4:]),
    ]


@pytest.mark.parametrize(("structure", "encoded"), _real(), ids=lambda item: None)
def test_every_truncation_and_extension_is_malformed(
    structure: type[Struct], encoded: bytes
) -> None:
    for length in range(len(encoded)):
        with pytest.raises(mls.MalformedMessage):
            structure.decode(encoded[:length])
    with pytest.raises(mls.MalformedMessage):
        structure.decode(encoded + b"\x00")


def test_presence_is_zero_or_one_and_enumerations_are_closed() -> None:
    maybe = optional(uint8)
    assert maybe.decode(b"\x00") is None
    assert maybe.decode(b"\x01\x07") == 7
    with pytest.raises(mls.MalformedMessage):
        maybe.decode(b"\x02\x07")
    with pytest.raises(mls.MalformedMessage):
        mls.Sender.decode(b"\x05")
    with pytest.raises(mls.MalformedMessage):
        mls.Credential.decode(b"\x00\x03\x00")


def test_vectors_must_end_with_their_last_element() -> None:
    numbers: Codec[tuple[int, ...]] = vector(uint16)
    assert numbers.decode(b"\x04\x00\x01\x00\x02") == (1, 2)
    for bad in (b"\x03\x00\x01\x00", b"\x04\x00\x01", opaque(b"\x00")):
        with pytest.raises(mls.MalformedMessage):
            numbers.decode(bad)
    with pytest.raises(mls.MalformedMessage):
        uint16.write(65536)
    with pytest.raises(mls.TooLarge):
        vector(uint8).decode(opaque(bytes(MAX_ELEMENTS + 1)))
