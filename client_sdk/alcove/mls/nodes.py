"""What stands at the nodes of the ratchet tree (RFC 9420, sections 7.1 to 7.3).

A leaf is a member: keys, credential, capabilities, signed by the member. A parent node is a
public key whose private key the members below it share.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Self

from alcove.mls.ciphersuite import CipherSuite, SignatureKeyPair
from alcove.mls.codec import (
    KeptStruct,
    Opaque,
    Reader,
    Struct,
    Uint16,
    Uint16Vector,
    Uint32Vector,
    Uint64,
    enumeration,
    nothing,
    opaque,
    opaque_codec,
    switch,
    uint8,
    uint32,
    unpack_uint16,
)
from alcove.mls.credential import Credential, CredentialType
from alcove.mls.errors import InvalidCredential, InvalidLeaf, InvalidPublicKey, InvalidSignature
from alcove.mls.policy import Policy
from alcove.mls.reader import FIELD, INTEGER, OBJECT

MLS10 = 1
"""`ProtocolVersion mls10`."""

_LABEL = "LeafNodeTBS"


class LeafNodeSource(IntEnum):
    """How a leaf came into the tree."""

    KEY_PACKAGE = 1
    UPDATE = 2
    COMMIT = 3


class ExtensionType(IntEnum):
    """The extension types of the RFC, which every client supports without listing them."""

    APPLICATION_ID = 1
    RATCHET_TREE = 2
    REQUIRED_CAPABILITIES = 3
    EXTERNAL_PUB = 4
    EXTERNAL_SENDERS = 5


DEFAULT_EXTENSIONS = frozenset(int(kind) for kind in ExtensionType)
DEFAULT_PROPOSALS = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class Extension(Struct):
    """`Extension`: a type and data that only its users can read."""

    type: Uint16
    data: Opaque

    def __repr__(self) -> str:
        return f"Extension(type={self.type:#06x}, {len(self.data)} bytes)"


def find_extension(extensions: Iterable[Extension], kind: int) -> bytes | None:
    """The data of the extension of that type."""
    for extension in extensions:
        if extension.type == kind:
            return extension.data
    return None


def has_duplicates(extensions: tuple[Extension, ...]) -> bool:
    """Whether a type occurs twice, which no list of extensions may have (13.4)."""
    return len({extension.type for extension in extensions}) != len(extensions)


@dataclass(frozen=True, slots=True)
class Capabilities(KeptStruct):
    """`Capabilities`: what a client supports beyond the defaults of the RFC (7.2)."""

    versions: Uint16Vector = (MLS10,)
    ciphersuites: Uint16Vector = ()
    extensions: Uint16Vector = ()
    proposals: Uint16Vector = ()
    credentials: Uint16Vector = (int(CredentialType.BASIC),)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        # Most members of a group have the same capabilities: parse each distinct one once.
        start = reader.position
        vectors = [reader.opaque() for _ in range(5)]
        data = reader.since(start)
        known: Self | None = reader.shared.get(data)
        if known is None:
            reader.charge(OBJECT + 6 * FIELD + INTEGER * len(data) // 2)
            known = reader.shared[data] = cls(*map(unpack_uint16, vectors))
            known.keep(data)
        return known

    def supports(self, required: RequiredCapabilities) -> bool:
        """Whether everything required is listed or a default (11.1)."""
        extensions, proposals = set(required.extension_types), set(required.proposal_types)
        return (
            extensions - DEFAULT_EXTENSIONS <= set(self.extensions)
            and proposals - DEFAULT_PROPOSALS <= set(self.proposals)
            and set(required.credential_types) <= set(self.credentials)
        )


@dataclass(frozen=True, slots=True)
class RequiredCapabilities(Struct):
    """The `required_capabilities` extension (11.1)."""

    extension_types: Uint16Vector = ()
    proposal_types: Uint16Vector = ()
    credential_types: Uint16Vector = ()


@dataclass(frozen=True, slots=True)
class Lifetime(Struct):
    """Seconds since the Unix epoch, both ends included."""

    not_before: Uint64
    not_after: Uint64

    @classmethod
    def unlimited(cls) -> Lifetime:
        return cls(0, 2**64 - 1)


_SOURCE = enumeration(LeafNodeSource, uint8)


@dataclass(frozen=True, slots=True)
class LeafNode(KeptStruct):
    """`LeafNode` (7.2). `lifetime` is there when `source` is KEY_PACKAGE, `parent_hash` when it
    is COMMIT."""

    encryption_key: Opaque
    signature_key: Opaque
    credential: Credential
    capabilities: Capabilities
    source: Annotated[LeafNodeSource, _SOURCE]
    lifetime: Annotated[Lifetime | None, switch("source", {1: Lifetime, 2: nothing, 3: nothing})]
    parent_hash: Annotated[
        bytes | None, switch("source", {1: nothing, 2: nothing, 3: opaque_codec})
    ]
    extensions: tuple[Extension, ...]
    signature: Opaque

    def extension(self, kind: int) -> bytes | None:
        """The data of the extension of that type."""
        return find_extension(self.extensions, kind)

    def tbs(self, group_id: bytes, leaf_index: int) -> bytes:
        """`LeafNodeTBS`. A leaf from a KeyPackage is signed before its group is known."""
        encoding = self.encode()
        unsigned = encoding[: len(encoding) - len(opaque(self.signature))]
        if self.source is LeafNodeSource.KEY_PACKAGE:
            return unsigned
        return unsigned + opaque(group_id) + uint32.write(leaf_index)


@dataclass(frozen=True, slots=True)
class ParentNode(Struct):
    """`ParentNode` (7.1). `unmerged_leaves` are leaf indices, in increasing order."""

    encryption_key: Opaque
    parent_hash: Opaque
    unmerged_leaves: Uint32Vector


Node = LeafNode | ParentNode


@dataclass(frozen=True, slots=True)
class LeafContent:
    """What a member puts into a new leaf of any source."""

    credential: Credential
    capabilities: Capabilities
    extensions: tuple[Extension, ...] = ()


def sign_leaf(
    suite: CipherSuite,
    signer: SignatureKeyPair,
    content: LeafContent,
    encryption_key: bytes,
    *,
    lifetime: Lifetime | None = None,
    parent_hash: bytes | None = None,
    group_id: bytes = b"",
    leaf_index: int = 0,
) -> LeafNode:
    """A signed leaf. Its source follows from what is given: a lifetime for a KeyPackage, a
    parent hash for a commit, neither for an Update."""
    source = LeafNodeSource.UPDATE
    if lifetime is not None:
        source = LeafNodeSource.KEY_PACKAGE
    elif parent_hash is not None:
        source = LeafNodeSource.COMMIT
    fields = (
        encryption_key,
        signer.public,
        content.credential,
        content.capabilities,
        source,
        lifetime,
        parent_hash,
        content.extensions,
    )
    unsigned = LeafNode(*fields, b"")
    signature = suite.sign_with_label(signer, _LABEL, unsigned.tbs(group_id, leaf_index))
    leaf = LeafNode(*fields, signature)
    leaf.keep(unsigned.encode()[:-1] + opaque(signature))  # instead of the empty signature
    return leaf


def check_leaf(
    suite: CipherSuite,
    leaf: LeafNode,
    policy: Policy,
    *,
    group_id: bytes = b"",
    leaf_index: int = 0,
    now: int | None,
) -> None:
    """The rules of section 7.3 that concern one leaf by itself: signature, keys, credential,
    extensions, lifetime. `now` is None for a client that follows a commit. Raises `InvalidLeaf`
    or `InvalidCredential`."""
    check_unsigned_leaf(suite, leaf, policy, now)
    try:
        tbs = leaf.tbs(group_id, leaf_index)
        suite.verify_with_label(leaf.signature_key, _LABEL, tbs, leaf.signature)
    except InvalidSignature as error:
        raise InvalidLeaf("the signature does not verify") from error


def check_unsigned_leaf(
    suite: CipherSuite, leaf: LeafNode, policy: Policy, now: int | None
) -> None:
    """All of `check_leaf` but the signature, which a client need not verify on its own leaf.
    Raises `InvalidLeaf` or `InvalidCredential`."""
    if len(leaf.encode()) > policy.max_leaf:
        raise InvalidLeaf("it is larger than the limits allow")
    check_credential(leaf.credential, leaf.capabilities, policy)
    if leaf.extensions:
        if has_duplicates(leaf.extensions):
            raise InvalidLeaf("an extension occurs twice")
        kinds = {extension.type for extension in leaf.extensions} - DEFAULT_EXTENSIONS
        if not kinds <= set(leaf.capabilities.extensions):
            raise InvalidLeaf("an extension is not among the capabilities")
    if leaf.lifetime is not None:
        check_lifetime(leaf.lifetime, policy, now)
    try:
        suite.hpke.kem.check(leaf.encryption_key)
        suite.signatures.check(leaf.signature_key)
    except InvalidPublicKey as error:
        raise InvalidLeaf("a key is not valid") from error


def check_credential(
    credential: Credential, capabilities: Capabilities | None, policy: Policy
) -> None:
    """Raises `InvalidCredential`."""
    if credential.type == CredentialType.X509 and not policy.accept_x509:
        raise InvalidCredential("X.509 is not accepted")
    if capabilities is not None and credential.type not in capabilities.credentials:
        raise InvalidCredential("the type is not among the capabilities")


def check_lifetime(lifetime: Lifetime, policy: Policy, now: int | None) -> None:
    """Raises `InvalidLeaf`. `now` is in seconds since 1970. It is None when another's commit is
    followed: members with different clocks would part over it, so only the length is judged."""
    if not 0 <= lifetime.not_after - lifetime.not_before <= policy.max_lifetime:
        raise InvalidLeaf("the lifetime is too long")
    if now is not None and not lifetime.not_before <= now <= lifetime.not_after:
        raise InvalidLeaf("the lifetime does not include now")
