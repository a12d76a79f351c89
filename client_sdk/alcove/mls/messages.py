"""Messages of one epoch: signed and protected on the way out, unprotected and verified on the
way in (RFC 9420, section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from alcove.mls.epoch import Epoch
from alcove.mls.errors import (
    CommitUnreadable,
    GenerationOutOfRange,
    GenerationTooFar,
    InvalidMessage,
    MLSError,
    OwnMessage,
    TooLarge,
    WrongEpoch,
    WrongGroup,
)
from alcove.mls.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    PublicMessage,
    Sender,
    VerifiedContent,
    WireFormat,
    protect_public,
    sign_content,
    unprotect_public,
    unwrap,
    verify_content,
    wrap,
)
from alcove.mls.nodes import LeafNode
from alcove.mls.private_message import (
    Padding,
    PrivateMessage,
    open_sender_data,
    protect_private,
    unprotect_private,
)
from alcove.mls.proposals import Commit, Proposal
from alcove.mls.secret import Random


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A member: the leaf index holds for one epoch only."""

    index: int
    leaf: LeafNode


@dataclass(frozen=True, slots=True)
class Header:
    """What a message to a group shows without a key. Nothing of it is authenticated yet."""

    wire_format: WireFormat
    group_id: bytes
    epoch: int
    content_type: ContentType


@dataclass(frozen=True, slots=True)
class ReceivedApplication:
    """An application message, verified. `content` is the encoded AuthenticatedContent: with the
    epoch's GroupContext and the sender's key, others can check its signature."""

    sender: int
    leaf: LeafNode
    plaintext: bytes
    authenticated_data: bytes
    content: bytes
    epoch: int
    generation: int

    def __repr__(self) -> str:
        return f"ReceivedApplication(sender={self.sender}, epoch={self.epoch}, …)"


@dataclass(frozen=True, slots=True)
class ReceivedProposal:
    """A proposal, verified to be its sender's and not judged yet. `sender` is None from outside."""

    sender: int | None
    origin: Sender
    proposal: Proposal
    ref: bytes
    authenticated_data: bytes
    content: bytes


def peek(message: bytes) -> Header:
    """Read a message's header. Raises `MalformedMessage`, or `InvalidMessage` when it is a Welcome,
    a GroupInfo or a KeyPackage."""
    return _header(*_parse(message))


def _parse(message: bytes) -> tuple[WireFormat, PublicMessage | PrivateMessage]:
    wire_format, body = unwrap(message)
    if wire_format is WireFormat.PRIVATE_MESSAGE:
        return wire_format, PrivateMessage.decode(body)
    if wire_format is WireFormat.PUBLIC_MESSAGE:
        return wire_format, PublicMessage.decode(body)
    raise InvalidMessage("not a message to a group")


def _header(wire_format: WireFormat, parsed: PublicMessage | PrivateMessage) -> Header:
    shown: FramedContent | PrivateMessage
    shown = parsed.authenticated.content if isinstance(parsed, PublicMessage) else parsed
    return Header(wire_format, shown.group_id, shown.epoch, shown.content_type)


# -- out


def sign_message(
    epoch: Epoch, body: bytes | Proposal, wire_format: WireFormat, authenticated_data: bytes
) -> AuthenticatedContent:
    """Application data or a proposal of mine, signed."""
    kind = ContentType.APPLICATION if isinstance(body, bytes) else ContentType.PROPOSAL
    sender = Sender.member(epoch.own_index)
    context = epoch.context
    content = FramedContent(context.group_id, context.epoch, sender, authenticated_data, kind, body)
    signature = sign_content(epoch.suite, epoch.signer, wire_format, content, context.encode())
    return AuthenticatedContent(wire_format, content, signature, None)


def protect(
    epoch: Epoch, authenticated: AuthenticatedContent, padding: Padding, random: Random
) -> bytes:
    """The `MLSMessage` of a content of mine. Raises `TooLarge`."""
    suite, secrets = epoch.suite, epoch.secrets
    if authenticated.wire_format is WireFormat.PUBLIC_MESSAGE:
        context = epoch.context.encode()
        public = protect_public(suite, secrets.membership_key, authenticated, context)
        message = wrap(WireFormat.PUBLIC_MESSAGE, public.encode())
        if len(message) > epoch.policy.max_message:
            raise TooLarge("message")
        return message
    private = protect_private(
        suite,
        epoch.secret_tree,
        secrets.sender_data_secret,
        authenticated,
        padding,
        epoch.policy,
        random,
    )
    return wrap(WireFormat.PRIVATE_MESSAGE, private.encode())


# -- in


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """A message that proved to be its sender's."""

    verified: VerifiedContent
    generation: int | None


Fresh = Callable[[LeafNode, bytes, int], None]
"""An application's judgement that a message stands where its sender put it, from the sender's leaf,
the plaintext and the generation of its key. It refuses by raising, before the key goes: a signature
covers no generation, so any member can encrypt again what another signed, under the key that the
other's next message needs (16.11)."""


def epoch_for(message: bytes, current: Epoch, past: Iterable[Epoch]) -> Epoch:
    """The epoch that a message is for: a past one for late application data only. Raises
    `MalformedMessage` or `InvalidMessage`."""
    known = {epoch.context.epoch: epoch for epoch in past}
    if not known:
        return current
    if len(message) > current.policy.max_message:
        raise TooLarge("message")  # before it is parsed
    header = peek(message)
    if header.content_type is not ContentType.APPLICATION:
        return current
    return known.get(header.epoch, current)


@contextmanager
def _of_a_commit(header: Header) -> Iterator[None]:
    """Turn the refusal of a commit's framing into one that burns it: every member has all keys of
    handshakes, and sees the same."""
    try:
        yield
    except MLSError as error:
        if header.content_type is not ContentType.COMMIT:
            raise
        raise CommitUnreadable(str(error)) from error


def open_message(
    epoch: Epoch, message: bytes, fresh: Fresh | None = None, most: int | None = None
) -> OpenedMessage:
    """Unprotect and verify a message to this epoch, and consume its key if it is an application
    message. A proposal or commit of my own is read like any other. `most` is the last generation
    under which application data is taken.

    Raises `MalformedMessage`, `InvalidMessage` errors, `DecryptionFailed`, `InvalidSignature`, or
    what `fresh` raises. For a commit it is `CommitUnreadable`, and all members refuse alike. Then
    nothing has changed.
    """
    if len(message) > epoch.policy.max_message:
        raise TooLarge("message")
    wire_format, parsed = _parse(message)
    header = _header(wire_format, parsed)
    if header.group_id != epoch.context.group_id:
        raise WrongGroup
    if header.epoch != epoch.context.epoch:
        raise WrongEpoch
    with _of_a_commit(header):
        if isinstance(parsed, PublicMessage):
            return _open_public(epoch, parsed)
        return _open_private(epoch, parsed, fresh, most)


def _open_public(epoch: Epoch, message: PublicMessage) -> OpenedMessage:
    suite, context = epoch.suite, epoch.context
    key = epoch.secrets.membership_key
    authenticated = unprotect_public(suite, key, message, context.encode())
    return OpenedMessage(verify_content(suite, authenticated, context, epoch.tree), None)


def _open_private(
    epoch: Epoch, message: PrivateMessage, fresh: Fresh | None, most: int | None
) -> OpenedMessage:
    suite, kind = epoch.suite, message.content_type
    sender = open_sender_data(suite, epoch.secrets.sender_data_secret, message)
    if sender.leaf_index == epoch.own_index and kind is ContentType.APPLICATION:
        raise OwnMessage
    too_far = sender.generation > epoch.policy.max_proposal_generation
    if kind is ContentType.PROPOSAL and too_far:
        raise GenerationOutOfRange
    application = kind is ContentType.APPLICATION
    if application and most is not None and sender.generation > most:
        raise GenerationTooFar
    opened = unprotect_private(suite, epoch.secret_tree, sender, epoch.tree, message)
    verified = verify_content(suite, opened.authenticated, epoch.context, epoch.tree)
    body = verified.content.body
    if fresh is not None and verified.leaf is not None and isinstance(body, bytes):
        fresh(verified.leaf, body, opened.generation)
    # Only now is the message its sender's and taken, and only now does its key go.
    opened.borrowed.consume()
    return OpenedMessage(verified, opened.generation)


def received_application(opened: OpenedMessage) -> ReceivedApplication:
    """Raises `InvalidMessage` when it is no application message of a member."""
    content, leaf = opened.verified.content, opened.verified.leaf
    sender = content.sender.leaf_index
    if not isinstance(content.body, bytes) or leaf is None or sender is None:
        raise InvalidMessage("not application data of a member")
    return ReceivedApplication(
        sender=sender,
        leaf=leaf,
        plaintext=content.body,
        authenticated_data=content.authenticated_data,
        content=opened.verified.authenticated.encode(),
        epoch=content.epoch,
        generation=opened.generation or 0,
    )


def received_proposal(epoch: Epoch, opened: OpenedMessage) -> ReceivedProposal:
    """Raises `InvalidMessage` when it is no proposal."""
    content = opened.verified.content
    if isinstance(content.body, bytes | Commit):
        raise InvalidMessage("not a proposal")
    encoded = opened.verified.authenticated.encode()
    return ReceivedProposal(
        sender=content.sender.leaf_index,
        origin=content.sender,
        proposal=content.body,
        ref=epoch.suite.proposal_ref(encoded),
        authenticated_data=content.authenticated_data,
        content=encoded,
    )
