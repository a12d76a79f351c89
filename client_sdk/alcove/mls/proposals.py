"""Proposals and the Commit that puts them into effect (RFC 9420, sections 12.1 and 12.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, ClassVar

from alcove.mls.codec import Codec, Opaque, Reader, Struct, Uint16, Uint32, opaque, uint8, uint16
from alcove.mls.errors import MalformedMessage
from alcove.mls.key_package import KeyPackage
from alcove.mls.nodes import Extension, LeafNode
from alcove.mls.psk import PreSharedKeyID
from alcove.mls.treekem import UpdatePath


class ProposalType(IntEnum):
    """The proposal types of the RFC, which every client supports without listing them."""

    ADD = 1
    UPDATE = 2
    REMOVE = 3
    PSK = 4
    REINIT = 5
    EXTERNAL_INIT = 6
    GROUP_CONTEXT_EXTENSIONS = 7


@dataclass(frozen=True, slots=True)
class Add(Struct):
    """Add the owner of a KeyPackage (12.1.1)."""

    type: ClassVar[int] = ProposalType.ADD
    key_package: KeyPackage


@dataclass(frozen=True, slots=True)
class Update(Struct):
    """Replace the sender's own leaf (12.1.2)."""

    type: ClassVar[int] = ProposalType.UPDATE
    leaf_node: LeafNode


@dataclass(frozen=True, slots=True)
class Remove(Struct):
    """Remove the member at a leaf index (12.1.3)."""

    type: ClassVar[int] = ProposalType.REMOVE
    removed: Uint32


@dataclass(frozen=True, slots=True)
class PreSharedKey(Struct):
    """Mix a pre-shared key into the next epoch (12.1.4)."""

    type: ClassVar[int] = ProposalType.PSK
    psk: PreSharedKeyID


@dataclass(frozen=True, slots=True)
class ReInit(Struct):
    """End this group, to begin another with the same members (12.1.5)."""

    type: ClassVar[int] = ProposalType.REINIT
    group_id: Opaque
    version: Uint16
    cipher_suite: Uint16
    extensions: tuple[Extension, ...]


@dataclass(frozen=True, slots=True)
class ExternalInit(Struct):
    """A joiner's own init secret, in an external commit only (12.1.6)."""

    type: ClassVar[int] = ProposalType.EXTERNAL_INIT
    kem_output: Opaque


@dataclass(frozen=True, slots=True)
class GroupContextExtensions(Struct):
    """Replace all extensions of the GroupContext (12.1.7)."""

    type: ClassVar[int] = ProposalType.GROUP_CONTEXT_EXTENSIONS
    extensions: tuple[Extension, ...]


@dataclass(frozen=True, slots=True)
class CustomProposal:
    """A proposal of a type that the RFC does not define, its content as `opaque data<V>`.

    The RFC gives proposals no length, so a type whose content is no such vector cannot be
    carried. It is parsed so that it can be refused by its type.
    """

    type: int
    data: bytes


Proposal = (
    Add
    | Update
    | Remove
    | PreSharedKey
    | ReInit
    | ExternalInit
    | GroupContextExtensions
    | CustomProposal
)

_KINDS: dict[int, type[Struct]] = {
    kind.type: kind
    for kind in (Add, Update, Remove, PreSharedKey, ReInit, ExternalInit, GroupContextExtensions)
}

PATH_REQUIRED = frozenset(
    {
        ProposalType.UPDATE,
        ProposalType.REMOVE,
        ProposalType.EXTERNAL_INIT,
        ProposalType.GROUP_CONTEXT_EXTENSIONS,
    }
)
"""Proposal types whose commit must have a path (12.4). A custom type has one, to be safe."""

EXTERNAL_ALLOWED = frozenset(
    {
        ProposalType.ADD,
        ProposalType.REMOVE,
        ProposalType.PSK,
        ProposalType.REINIT,
        ProposalType.GROUP_CONTEXT_EXTENSIONS,
    }
)
"""Proposal types that may come from an `external` sender (12.1.8)."""


def _read_proposal(reader: Reader) -> Proposal:
    kind = reader.uint16()
    structure = _KINDS.get(kind)
    if structure is None:
        return CustomProposal(kind, reader.opaque())
    # The table maps a type to its own structure.
    return structure.read(reader)  # type: ignore[return-value]


def _write_proposal(proposal: Proposal) -> bytes:
    if isinstance(proposal, CustomProposal):
        return uint16.write(proposal.type) + opaque(proposal.data)
    return uint16.write(proposal.type) + proposal.encode()


proposal_codec: Codec[Proposal] = Codec(_read_proposal, _write_proposal)


@dataclass(frozen=True, slots=True)
class ProposalRef(Struct):
    """A proposal sent before, named by the hash of its AuthenticatedContent (5.2)."""

    value: Opaque


ProposalOrRef = Proposal | ProposalRef

_BY_VALUE, _BY_REFERENCE = 1, 2


def _read_proposal_or_ref(reader: Reader) -> ProposalOrRef:
    kind = reader.uint8()
    if kind == _BY_VALUE:
        return _read_proposal(reader)
    if kind == _BY_REFERENCE:
        return ProposalRef.read(reader)
    raise MalformedMessage("neither a proposal nor a reference")


def _write_proposal_or_ref(item: ProposalOrRef) -> bytes:
    if isinstance(item, ProposalRef):
        return uint8.write(_BY_REFERENCE) + item.encode()
    return uint8.write(_BY_VALUE) + _write_proposal(item)


_proposal_or_ref: Codec[ProposalOrRef] = Codec(_read_proposal_or_ref, _write_proposal_or_ref)


@dataclass(frozen=True, slots=True)
class Commit(Struct):
    """`Commit` (12.4)."""

    proposals: tuple[Annotated[ProposalOrRef, _proposal_or_ref], ...]
    path: UpdatePath | None
