"""PrivateMessage (RFC 9420, section 6.3): content encrypted under the sender's next key, and
its sender encrypted beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.codec import Opaque, Reader, Struct, Uint64, opaque, opaque_size, uint32
from alcove.mls.errors import MalformedMessage, TooLarge, UnknownSender
from alcove.mls.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    SenderType,
    WireFormat,
    content_type_codec,
)
from alcove.mls.policy import Policy
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Random, Secret
from alcove.mls.secret_tree import Borrowed, MessageKey, RatchetKind, SecretTree

Padding = Callable[[int], int]
"""From the length of a content in bytes (with its signature) to the length it is padded to."""

_GUARD = 4
_SENDER_DATA = 8 + _GUARD
_MESSAGE_HEAD = 4  # version and wire format
_EPOCH, _MEMBER, _KIND = 8, 5, 1  # bytes in a FramedContent; a member is a type and a leaf index


def no_padding(length: int) -> int:
    return length


def power_of_two_padding(least: int) -> Padding:
    """Pad to the next power of two, at least `least` bytes."""

    def padding(length: int) -> int:
        return max(least, 1 << max(length - 1, 0).bit_length())

    return padding


@dataclass(frozen=True, slots=True)
class PrivateMessage(Struct):
    """`PrivateMessage`. The first four fields are in clear, and authenticated."""

    group_id: Opaque
    epoch: Uint64
    content_type: Annotated[ContentType, content_type_codec]
    authenticated_data: Opaque
    encrypted_sender_data: Opaque
    ciphertext: Opaque


@dataclass(frozen=True, slots=True)
class SenderData:
    """`SenderData`: which key to use. The guard keeps a nonce from being used twice, should a
    client restored from a backup use a generation twice."""

    leaf_index: int
    generation: int
    reuse_guard: bytes

    def encode(self) -> bytes:
        return uint32.write(self.leaf_index) + uint32.write(self.generation) + self.reuse_guard

    @classmethod
    def decode(cls, data: bytes) -> SenderData:
        reader = Reader(data)
        value = cls(reader.uint32(), reader.uint32(), reader.take(_GUARD))
        reader.finish()
        return value


def sender_data_key(
    suite: CipherSuite, sender_data_secret: Secret, ciphertext: bytes
) -> tuple[bytes, bytes]:
    """Key and nonce, from a sample of the ciphertext: its first Nh bytes, or all of it (6.3.2)."""
    expand, sample = suite.expander(sender_data_secret.expose()), ciphertext[: suite.size]
    key = expand("key", sample, suite.aead.key_size)
    return key, expand("nonce", sample, suite.aead.nonce_size)


def _guarded(key: MessageKey, guard: bytes) -> bytes:
    """The nonce with its first four bytes XORed by the guard."""
    head = int.from_bytes(key.nonce[:_GUARD], "big") ^ int.from_bytes(guard, "big")
    return head.to_bytes(_GUARD, "big") + key.nonce[_GUARD:]


def _ratchet_kind(content_type: ContentType) -> RatchetKind:
    if content_type is ContentType.APPLICATION:
        return RatchetKind.APPLICATION
    return RatchetKind.HANDSHAKE


def _head(content: FramedContent | PrivateMessage) -> bytes:
    """`SenderDataAAD`, with which `PrivateContentAAD` begins."""
    kind = content_type_codec.write(content.content_type)
    return opaque(content.group_id) + content.epoch.to_bytes(8, "big") + kind


def protect_private(
    suite: CipherSuite,
    secret_tree: SecretTree,
    sender_data_secret: Secret,
    authenticated: AuthenticatedContent,
    padding: Padding,
    policy: Policy,
    random: Random,
) -> PrivateMessage:
    """Encrypt a member's content under that member's next key. Raises `TooLarge`.

    The size is judged before a key is taken, so that a refusal costs no generation.
    """
    content = authenticated.content
    leaf_index = content.sender.leaf_index
    if leaf_index is None:
        raise UnknownSender("only members encrypt")
    plaintext = _pad(_body(content) + authenticated.auth_data(), padding, policy)
    if _message_size(suite, content, len(plaintext)) > policy.max_message:
        raise TooLarge("message")
    ratchet = secret_tree.ratchet(leaf_index, _ratchet_kind(content.content_type))
    proposal = content.content_type is ContentType.PROPOSAL
    if proposal and ratchet.generation > policy.max_proposal_generation:
        raise TooLarge("proposals of one epoch")
    key = ratchet.next()
    data = SenderData(leaf_index, key.generation, random(_GUARD))
    head = _head(content)
    aad = head + opaque(content.authenticated_data)
    ciphertext = suite.aead.seal(key.key, _guarded(key, data.reuse_guard), aad, plaintext)
    sender_key, sender_nonce = sender_data_key(suite, sender_data_secret, ciphertext)
    sealed = suite.aead.seal(sender_key, sender_nonce, head, data.encode())
    return PrivateMessage(
        content.group_id,
        content.epoch,
        content.content_type,
        content.authenticated_data,
        sealed,
        ciphertext,
    )


def _message_size(suite: CipherSuite, content: FramedContent, plaintext: int) -> int:
    """Bytes of the `MLSMessage` that a padded content becomes."""
    tag = suite.aead.tag_size
    sealed = opaque_size(_SENDER_DATA + tag) + opaque_size(plaintext + tag)
    head = _MESSAGE_HEAD + len(_head(content))
    return head + opaque_size(len(content.authenticated_data)) + sealed


def _body(content: FramedContent) -> bytes:
    """The encoded body alone, of a member's content: what a `PrivateMessageContent` begins with."""
    vectors = opaque_size(len(content.group_id)) + opaque_size(len(content.authenticated_data))
    return content.encode()[vectors + _EPOCH + _MEMBER + _KIND :]


def _content_head(message: PrivateMessage, leaf_index: int) -> bytes:
    """The encoding of a member's FramedContent up to its body."""
    return b"".join(
        (
            opaque(message.group_id),
            message.epoch.to_bytes(_EPOCH, "big"),
            SenderType.MEMBER.to_bytes(1, "big"),
            leaf_index.to_bytes(4, "big"),
            opaque(message.authenticated_data),
            content_type_codec.write(message.content_type),
        )
    )


def _pad(content: bytes, padding: Padding, policy: Policy) -> bytes:
    length = padding(len(content))
    if length < len(content):
        raise ValueError("padding cannot shorten")
    if length > policy.max_message:
        raise TooLarge("padded content")
    return content.ljust(length, b"\x00")


@dataclass(frozen=True, slots=True)
class Unprotected:
    """A decrypted message. Check its signature, then consume its key."""

    authenticated: AuthenticatedContent
    generation: int
    borrowed: Borrowed


def open_sender_data(
    suite: CipherSuite, sender_data_secret: Secret, message: PrivateMessage
) -> SenderData:
    """Raises `DecryptionFailed` or `MalformedMessage`."""
    key, nonce = sender_data_key(suite, sender_data_secret, message.ciphertext)
    sealed = message.encrypted_sender_data
    return SenderData.decode(suite.open_sealed(key, nonce, _head(message), sealed))


def unprotect_private(
    suite: CipherSuite,
    secret_tree: SecretTree,
    sender: SenderData,
    tree: RatchetTree,
    message: PrivateMessage,
) -> Unprotected:
    """Decrypt. Raises `DecryptionFailed`, `MalformedMessage`, `UnknownSender`,
    `GenerationConsumed`, `GenerationForgotten`, `GenerationTooFar` or `GenerationOutOfRange`. No
    key is consumed yet."""
    if tree.leaf(sender.leaf_index) is None:
        raise UnknownSender
    ratchet = secret_tree.ratchet(sender.leaf_index, _ratchet_kind(message.content_type))
    borrowed = ratchet.open(sender.generation)
    nonce = _guarded(borrowed.key, sender.reuse_guard)
    aad = _head(message) + opaque(message.authenticated_data)
    plaintext = suite.open_sealed(borrowed.key.key, nonce, aad, message.ciphertext)
    authenticated = _read_content(message, sender.leaf_index, plaintext)
    return Unprotected(authenticated, sender.generation, borrowed)


def _read_content(
    message: PrivateMessage, leaf_index: int, plaintext: bytes
) -> AuthenticatedContent:
    """Read `PrivateMessageContent` as the FramedContent that was signed. Raises
    `MalformedMessage`."""
    reader = Reader(_content_head(message, leaf_index) + plaintext)
    content = FramedContent.read(reader)
    read_auth = AuthenticatedContent.read_auth
    authenticated = read_auth(WireFormat.PRIVATE_MESSAGE, content, reader)
    padding = reader.take(reader.remaining)
    if padding.count(0) != len(padding):
        # Otherwise padding would be a hidden channel (6.3.1).
        raise MalformedMessage("padding is not zero")
    return authenticated
