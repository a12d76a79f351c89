"""KeyPackages (RFC 9420, section 10): what one needs to be added to a group. Used once."""

from __future__ import annotations

import os
from dataclasses import dataclass

from alcove.mls.ciphersuite import CipherSuite, SignatureKeyPair
from alcove.mls.codec import KeptStruct, Opaque, Uint16, opaque
from alcove.mls.credential import Credential
from alcove.mls.errors import InvalidKeyPackage, InvalidPublicKey, InvalidSignature, MLSError
from alcove.mls.hpke import HpkeKeyPair
from alcove.mls.nodes import (
    MLS10,
    Capabilities,
    Extension,
    LeafContent,
    LeafNode,
    LeafNodeSource,
    Lifetime,
    check_leaf,
    has_duplicates,
    sign_leaf,
)
from alcove.mls.policy import Policy
from alcove.mls.secret import Random

_LABEL = "KeyPackageTBS"


@dataclass(frozen=True, slots=True)
class KeyPackage(KeptStruct):
    """`KeyPackage`. Unverified until `verify` has passed."""

    version: Uint16
    cipher_suite: Uint16
    init_key: Opaque
    leaf_node: LeafNode
    extensions: tuple[Extension, ...]
    signature: Opaque

    def ref(self, suite: CipherSuite) -> bytes:
        """`KeyPackageRef` (5.2)."""
        return suite.key_package_ref(self.encode())

    def tbs(self) -> bytes:
        """`KeyPackageTBS`."""
        encoding = self.encode()
        return encoding[: len(encoding) - len(opaque(self.signature))]

    def verify(self, suite: CipherSuite, policy: Policy, now: int | None) -> None:
        """The rules of 10.1 that need no group. Raises `InvalidKeyPackage`.

        `now` is in seconds since 1970. It is None only for a client that follows another's commit
        (see `check_lifetime`). A client that is about to add has a clock.
        """
        if self.version != MLS10 or self.cipher_suite != suite.number:
            raise InvalidKeyPackage("for another version or ciphersuite")
        if self.leaf_node.source is not LeafNodeSource.KEY_PACKAGE:
            raise InvalidKeyPackage("its leaf is of another source")
        if self.init_key == self.leaf_node.encryption_key:
            raise InvalidKeyPackage("one key for two uses")
        if has_duplicates(self.extensions):
            raise InvalidKeyPackage("an extension occurs twice")
        try:
            suite.hpke.kem.check(self.init_key)
            check_leaf(suite, self.leaf_node, policy, now=now)
            public = self.leaf_node.signature_key
            suite.verify_with_label(public, _LABEL, self.tbs(), self.signature)
        except (InvalidPublicKey, InvalidSignature) as error:
            raise InvalidKeyPackage(str(error)) from error
        except MLSError as error:
            raise InvalidKeyPackage(error.detail) from error


@dataclass(frozen=True, slots=True)
class KeyPackageBundle:
    """A KeyPackage with the private keys of its owner."""

    suite: CipherSuite
    key_package: KeyPackage
    init_keys: HpkeKeyPair
    leaf_keys: HpkeKeyPair

    @classmethod
    def create(
        cls,
        suite: CipherSuite,
        signer: SignatureKeyPair,
        credential: Credential,
        capabilities: Capabilities,
        lifetime: Lifetime,
        leaf_extensions: tuple[Extension, ...] = (),
        extensions: tuple[Extension, ...] = (),
        rng: Random = os.urandom,
    ) -> KeyPackageBundle:
        """A fresh KeyPackage, signed by `signer`."""
        init_keys, leaf_keys = suite.hpke_keypair(rng), suite.hpke_keypair(rng)
        content = LeafContent(credential, capabilities, tuple(leaf_extensions))
        leaf = sign_leaf(suite, signer, content, leaf_keys.public, lifetime=lifetime)
        fields = (MLS10, suite.number, init_keys.public, leaf, tuple(extensions))
        signature = suite.sign_with_label(signer, _LABEL, KeyPackage(*fields, b"").tbs())
        return cls(suite, KeyPackage(*fields, signature), init_keys, leaf_keys)

    def wipe(self) -> None:
        """Drop both private keys: a KeyPackage is used once (16.8)."""
        self.init_keys.wipe()
        self.leaf_keys.wipe()
