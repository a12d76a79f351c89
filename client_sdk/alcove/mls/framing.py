"""Message framing (RFC 9420, sections 6, 6.1 and 6.2): content, its authentication, and
PublicMessage.

    FramedContent ──sign──► AuthenticatedContent ──► PublicMessage or PrivateMessage ──► MLSMessage

An `AuthenticatedContent` has been read, not checked. `VerifiedContent` is made by
`verify_content` alone: functions that act on a message ask for that type.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Self

from alcove.mls.ciphersuite import CipherSuite, SignatureKeyPair
from alcove.mls.codec import (
    KeptStruct,
    Opaque,
    Reader,
    Struct,
    Uint64,
    enumeration,
    nothing,
    opaque,
    opaque_codec,
    switch,
    uint8,
    uint16,
    uint32,
)
from alcove.mls.errors import InvalidMessage, MalformedMessage, UnknownSender
from alcove.mls.group_context import GroupContext, external_senders
from alcove.mls.nodes import MLS10, LeafNode
from alcove.mls.proposals import EXTERNAL_ALLOWED, Add, Commit, Proposal, proposal_codec
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Secret

_LABEL = "FramedContentTBS"


class WireFormat(IntEnum):
    PUBLIC_MESSAGE = 1
    PRIVATE_MESSAGE = 2
    WELCOME = 3
    GROUP_INFO = 4
    KEY_PACKAGE = 5


class ContentType(IntEnum):
    APPLICATION = 1
    PROPOSAL = 2
    COMMIT = 3


class SenderType(IntEnum):
    MEMBER = 1
    EXTERNAL = 2
    NEW_MEMBER_PROPOSAL = 3
    NEW_MEMBER_COMMIT = 4


wire_format_codec = enumeration(WireFormat, uint16)
content_type_codec = enumeration(ContentType, uint8)


@dataclass(frozen=True, slots=True)
class Sender(Struct):
    """`Sender`: `index` is a leaf index (MEMBER) or a place in `external_senders` (EXTERNAL)."""

    type: Annotated[SenderType, enumeration(SenderType, uint8)]
    index: Annotated[int | None, switch("type", {1: uint32, 2: uint32, 3: nothing, 4: nothing})]

    @classmethod
    def member(cls, leaf_index: int) -> Sender:
        return cls(SenderType.MEMBER, leaf_index)

    @property
    def leaf_index(self) -> int | None:
        """The sender's leaf index. None for a sender that is no member."""
        return self.index if self.type is SenderType.MEMBER else None


@dataclass(frozen=True, slots=True)
class FramedContent(KeptStruct):
    """`FramedContent`. `body` is application data, a proposal, or a commit."""

    group_id: Opaque
    epoch: Uint64
    sender: Sender
    authenticated_data: Opaque
    content_type: Annotated[ContentType, content_type_codec]
    body: Annotated[
        bytes | Proposal | Commit,
        switch("content_type", {1: opaque_codec, 2: proposal_codec, 3: Commit}),
    ]

    def __repr__(self) -> str:
        return f"FramedContent({self.content_type.name}, epoch={self.epoch}, …)"


@dataclass(frozen=True, slots=True)
class AuthenticatedContent(Struct):
    """`AuthenticatedContent`, not verified. A commit has a confirmation tag, nothing else has."""

    wire_format: WireFormat
    content: FramedContent
    signature: bytes
    confirmation_tag: bytes | None

    @classmethod
    def read(cls, reader: Reader) -> Self:
        wire_format = wire_format_codec.read(reader)
        return cls.read_auth(wire_format, FramedContent.read(reader), reader)

    @classmethod
    def read_auth(cls, wire_format: WireFormat, content: FramedContent, reader: Reader) -> Self:
        """Read the `FramedContentAuthData` that follows a content."""
        signature = reader.opaque()
        tag = reader.opaque() if content.content_type is ContentType.COMMIT else None
        return cls(wire_format, content, signature, tag)

    def encode(self) -> bytes:
        return self.until_signature() + self._tag()

    def until_signature(self) -> bytes:
        """For a commit, the `ConfirmedTranscriptHashInput` (8.2)."""
        return (
            wire_format_codec.write(self.wire_format)
            + self.content.encode()
            + opaque(self.signature)
        )

    def auth_data(self) -> bytes:
        """`FramedContentAuthData`."""
        return opaque(self.signature) + self._tag()

    def _tag(self) -> bytes:
        return b"" if self.confirmation_tag is None else opaque(self.confirmation_tag)


@dataclass(frozen=True, slots=True)
class VerifiedContent:
    """Content with the right signature and framing. `leaf` is the sender's, if it is a member."""

    authenticated: AuthenticatedContent
    leaf: LeafNode | None

    @property
    def content(self) -> FramedContent:
        return self.authenticated.content


def content_tbs(wire_format: WireFormat, content: FramedContent, context: bytes) -> bytes:
    """`FramedContentTBS`: with the GroupContext for members and external commits only (6.1)."""
    tbs = uint16.write(MLS10) + wire_format_codec.write(wire_format) + content.encode()
    if content.sender.type in (SenderType.MEMBER, SenderType.NEW_MEMBER_COMMIT):
        return tbs + context
    return tbs


def sign_content(
    suite: CipherSuite,
    signer: SignatureKeyPair,
    wire_format: WireFormat,
    content: FramedContent,
    context: bytes,
) -> bytes:
    """The signature of `FramedContentAuthData`."""
    return suite.sign_with_label(signer, _LABEL, content_tbs(wire_format, content, context))


def verify_content(
    suite: CipherSuite,
    authenticated: AuthenticatedContent,
    context: GroupContext,
    tree: RatchetTree,
) -> VerifiedContent:
    """Check the signature by the key that the sender's type calls for (6.1).

    Raises `UnknownSender`, `InvalidSignature`, or `InvalidMessage` for a content that such a
    sender may not send.
    """
    content = authenticated.content
    key, leaf = _signature_key(content, context, tree)
    tbs = content_tbs(authenticated.wire_format, content, context.encode())
    suite.verify_with_label(key, _LABEL, tbs, authenticated.signature)
    return VerifiedContent(authenticated, leaf)


def verify_with_key(
    suite: CipherSuite, authenticated: AuthenticatedContent, context: bytes, public: bytes
) -> None:
    """Check a signature against a context and key kept from then, as for a report. Raises
    `InvalidSignature`."""
    tbs = content_tbs(authenticated.wire_format, authenticated.content, context)
    suite.verify_with_label(public, _LABEL, tbs, authenticated.signature)


def _signature_key(
    content: FramedContent, context: GroupContext, tree: RatchetTree
) -> tuple[bytes, LeafNode | None]:
    sender, body = content.sender, content.body
    if sender.type is SenderType.MEMBER:
        leaf = tree.leaf(sender.index or 0)
        if leaf is None:
            raise UnknownSender
        return leaf.signature_key, leaf
    if sender.type is SenderType.NEW_MEMBER_COMMIT:
        if not isinstance(body, Commit) or body.path is None:
            raise InvalidMessage("an external commit without a path")
        return body.path.leaf_node.signature_key, None
    if isinstance(body, bytes | Commit):
        raise InvalidMessage("only members send this")
    if sender.type is SenderType.NEW_MEMBER_PROPOSAL:
        if not isinstance(body, Add):
            raise InvalidMessage("a newcomer may only propose to be added")
        return body.key_package.leaf_node.signature_key, None
    if body.type not in EXTERNAL_ALLOWED:
        raise InvalidMessage("not a proposal for an external sender")
    senders, place = external_senders(context.extensions), sender.index or 0
    if place >= len(senders):
        raise UnknownSender
    return senders[place].signature_key, None


# -- PublicMessage (6.2)


@dataclass(frozen=True, slots=True)
class PublicMessage(Struct):
    """`PublicMessage`: signed, not encrypted. Members add a tag that only members can make."""

    authenticated: AuthenticatedContent
    membership_tag: bytes | None

    @classmethod
    def read(cls, reader: Reader) -> Self:
        content = FramedContent.read(reader)
        read_auth = AuthenticatedContent.read_auth
        authenticated = read_auth(WireFormat.PUBLIC_MESSAGE, content, reader)
        is_member = content.sender.type is SenderType.MEMBER
        return cls(authenticated, reader.opaque() if is_member else None)

    def encode(self) -> bytes:
        encoding = self.authenticated.content.encode() + self.authenticated.auth_data()
        return encoding if self.membership_tag is None else encoding + opaque(self.membership_tag)


def _tbm(authenticated: AuthenticatedContent, context: bytes) -> bytes:
    """`AuthenticatedContentTBM`."""
    tbs = content_tbs(authenticated.wire_format, authenticated.content, context)
    return tbs + authenticated.auth_data()


def protect_public(
    suite: CipherSuite, membership_key: Secret, authenticated: AuthenticatedContent, context: bytes
) -> PublicMessage:
    """Raises `InvalidMessage` for application data, which is never sent unencrypted."""
    if authenticated.content.content_type is ContentType.APPLICATION:
        raise InvalidMessage("application data is always encrypted")
    tag = None
    if authenticated.content.sender.type is SenderType.MEMBER:
        tag = suite.mac(membership_key, _tbm(authenticated, context))
    return PublicMessage(authenticated, tag)


def unprotect_public(
    suite: CipherSuite, membership_key: Secret, message: PublicMessage, context: bytes
) -> AuthenticatedContent:
    """Check the membership tag, without which a stranger could send what a member once signed
    elsewhere. Raises `InvalidMessage`."""
    authenticated = message.authenticated
    if authenticated.content.content_type is ContentType.APPLICATION:
        raise InvalidMessage("application data is always encrypted")
    if message.membership_tag is not None:
        tbm = _tbm(authenticated, context)
        if not suite.check_mac(membership_key, tbm, message.membership_tag):
            raise InvalidMessage("the membership tag is wrong")
    return authenticated


# -- MLSMessage


def wrap(wire_format: WireFormat, body: bytes) -> bytes:
    """`MLSMessage` of a version 1.0 body."""
    return uint16.write(MLS10) + wire_format_codec.write(wire_format) + body


def unwrap(message: bytes) -> tuple[WireFormat, bytes]:
    """The wire format and the still encoded body of an `MLSMessage`. Raises `MalformedMessage`."""
    reader = Reader(message)
    if reader.uint16() != MLS10:
        raise MalformedMessage("another protocol version")
    wire_format = wire_format_codec.read(reader)
    return wire_format, reader.take(reader.remaining)
