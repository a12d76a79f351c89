"""The GroupContext (RFC 9420, section 8.1): what all members of an epoch agree on."""

from __future__ import annotations

from dataclasses import dataclass

from alcove.mls.codec import Codec, KeptStruct, Opaque, Uint16, Uint64, vector
from alcove.mls.credential import ExternalSender
from alcove.mls.nodes import Extension, ExtensionType, RequiredCapabilities, find_extension

_EXTERNAL_SENDERS: Codec[tuple[ExternalSender, ...]] = vector(
    Codec(ExternalSender.read, ExternalSender.encode)
)


@dataclass(frozen=True, slots=True)
class GroupContext(KeptStruct):
    """`GroupContext`. It is part of every signature of a member and of every key derived."""

    version: Uint16
    cipher_suite: Uint16
    group_id: Opaque
    epoch: Uint64
    tree_hash: Opaque
    confirmed_transcript_hash: Opaque
    extensions: tuple[Extension, ...]

    def after(self, confirmed_transcript_hash: bytes) -> GroupContext:
        """The same with the transcript that led to it."""
        return GroupContext(
            self.version,
            self.cipher_suite,
            self.group_id,
            self.epoch,
            self.tree_hash,
            confirmed_transcript_hash,
            self.extensions,
        )

    def extension(self, kind: int) -> bytes | None:
        """The data of the extension of that type."""
        return find_extension(self.extensions, kind)


def required_capabilities(extensions: tuple[Extension, ...]) -> RequiredCapabilities:
    """What the group demands of its members. Without the extension, nothing (11.1).
    Raises `MalformedMessage`."""
    data = find_extension(extensions, ExtensionType.REQUIRED_CAPABILITIES)
    return RequiredCapabilities() if data is None else RequiredCapabilities.decode(data)


def external_senders(extensions: tuple[Extension, ...]) -> tuple[ExternalSender, ...]:
    """The outsiders that may propose (12.1.8.1). Raises `MalformedMessage`."""
    data = find_extension(extensions, ExtensionType.EXTERNAL_SENDERS)
    return () if data is None else _EXTERNAL_SENDERS.decode(data)


def encode_external_senders(senders: tuple[ExternalSender, ...]) -> Extension:
    """The `external_senders` extension: a vector of senders, not one sender."""
    return Extension(ExtensionType.EXTERNAL_SENDERS, _EXTERNAL_SENDERS.write(senders))
