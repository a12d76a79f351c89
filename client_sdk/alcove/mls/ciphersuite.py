"""The ciphersuites and the labelled operations on them (RFC 9420, sections 5.1, 5.2, 8, 9.1).

A suite is one frozen value, got by its number: `ciphersuite(0x0003)`. There are the seven of the
RFC, and an experimental one that is hybrid post-quantum, `POST_QUANTUM`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from alcove.mls import sodium
from alcove.mls.codec import Opaque, Struct, opaque
from alcove.mls.errors import (
    DecryptionFailed,
    InvalidPublicKey,
    InvalidSignature,
    SuiteUnavailable,
    UnknownSuite,
)
from alcove.mls.hpke import Hpke, HpkeKeyPair
from alcove.mls.kem import DhKem
from alcove.mls.primitives import Aead, Curve, Kdf, SignatureScheme
from alcove.mls.secret import Random, Secret

_PREFIX = b"MLS 1.0 "

Expander = Callable[[str, bytes, int], bytes]
"""ExpandWithLabel under one secret: called with label, context and length."""


@lru_cache(maxsize=1024)
def _kdf_label(label: str, length: int) -> bytes:
    return length.to_bytes(2, "big") + opaque(_PREFIX + label.encode())


@dataclass(frozen=True, slots=True)
class HpkeCiphertext(Struct):
    """`HPKECiphertext` (7.6)."""

    kem_output: Opaque
    ciphertext: Opaque


@dataclass(frozen=True, slots=True)
class SignatureKeyPair:
    """A signature key pair of one suite. Raises `InvalidPublicKey` when the halves do not match.

    The check matters: EdDSA with another's public key gives the private key away.
    """

    suite: CipherSuite
    private: Secret
    public: bytes

    def __post_init__(self) -> None:
        try:
            derived = self.suite.signatures.public_key(self.private.expose())
        except ValueError:
            raise InvalidPublicKey from None
        if derived != self.public:
            raise InvalidPublicKey("the halves of a key pair do not belong together")

    @classmethod
    def generate(cls, suite: CipherSuite, random: Random) -> SignatureKeyPair:
        """A fresh pair."""
        return cls.from_private(suite, Secret(suite.signatures.generate(random)))

    @classmethod
    def from_private(cls, suite: CipherSuite, private: Secret) -> SignatureKeyPair:
        """The pair of a private key in its native form."""
        try:
            return cls(suite, private, suite.signatures.public_key(private.expose()))
        except ValueError:
            raise InvalidPublicKey from None


@dataclass(frozen=True, slots=True, eq=False)
class CipherSuite:
    """One suite. `size` is KDF.Nh in bytes. The AEAD's sizes are in `aead`."""

    number: int
    name: str
    kdf: Kdf
    hpke: Hpke
    signatures: SignatureScheme

    def __repr__(self) -> str:
        return f"CipherSuite(0x{self.number:04x}, {self.name})"

    @property
    def size(self) -> int:
        return self.kdf.size

    @property
    def aead(self) -> Aead:
        return self.hpke.aead

    # -- hashes and MACs

    def hash(self, data: bytes) -> bytes:
        return self.kdf.hash(data)

    def mac(self, key: Secret, data: bytes) -> bytes:
        return self.kdf.mac(key.expose(), data)

    def check_mac(self, key: Secret, data: bytes, tag: bytes) -> bool:
        """Whether the tag is right, in constant time."""
        return hmac.compare_digest(self.mac(key, data), tag)

    def ref_hash(self, label: bytes, value: bytes) -> bytes:
        """RefHash (5.2)."""
        return self.kdf.hash(opaque(label) + opaque(value))

    def key_package_ref(self, key_package: bytes) -> bytes:
        """KeyPackageRef of an encoded KeyPackage."""
        return self.ref_hash(b"MLS 1.0 KeyPackage Reference", key_package)

    def proposal_ref(self, authenticated_content: bytes) -> bytes:
        """ProposalRef: of the AuthenticatedContent that carried it, not of the message (5.2)."""
        return self.ref_hash(b"MLS 1.0 Proposal Reference", authenticated_content)

    # -- key derivation (8)

    def extract(self, salt: Secret, ikm: Secret) -> Secret:
        return Secret(self.kdf.extract(salt.expose(), ikm.expose()))

    def expand_with_label(self, secret: Secret, label: str, context: bytes, length: int) -> Secret:
        info = _kdf_label(label, length) + opaque(context)
        return Secret(self.kdf.expand(secret.expose(), info, length))

    def expander(self, secret: bytes) -> Expander:
        """ExpandWithLabel for several labels under one secret. The key is hashed once."""
        mac, kdf = self.kdf.keyed(secret), self.kdf
        size = kdf.size

        def expand(label: str, context: bytes, length: int) -> bytes:
            info = _kdf_label(label, length) + opaque(context)
            if length <= size:
                return mac(info + b"\x01")[:length]
            return kdf.expand_keyed(mac, info, length)

        return expand

    def derive_secret(self, secret: Secret, label: str) -> Secret:
        return self.expand_with_label(secret, label, b"", self.kdf.size)

    def zeros(self) -> Secret:
        """`0` in the key schedule: Nh zero bytes."""
        return Secret(self.kdf.zeros)

    # -- signatures (5.1.2)

    def signature_keypair(self, random: Random) -> SignatureKeyPair:
        return SignatureKeyPair.generate(self, random)

    def sign_with_label(self, signer: SignatureKeyPair, label: str, content: bytes) -> bytes:
        message = opaque(_PREFIX + label.encode()) + opaque(content)
        return self.signatures.sign(signer.private.expose(), signer.public, message)

    def verify_with_label(
        self, public: bytes, label: str, content: bytes, signature: bytes
    ) -> None:
        """Raises `InvalidSignature`."""
        message = opaque(_PREFIX + label.encode()) + opaque(content)
        if not self.signatures.verify(public, message, signature):
            raise InvalidSignature(label)

    # -- public-key encryption (5.1.3)

    def hpke_keypair(self, random: Random) -> HpkeKeyPair:
        return self.hpke.generate(random)

    def derive_key_pair(self, secret: Secret) -> HpkeKeyPair:
        return self.hpke.derive_key_pair(secret)

    def encrypt_with_label(
        self, public: bytes, label: str, context: bytes, plaintext: bytes, random: Random
    ) -> HpkeCiphertext:
        """Raises `InvalidPublicKey`."""
        info = encrypt_context(label, context)
        return HpkeCiphertext(*self.hpke.seal(public, info, b"", plaintext, random))

    def decrypt_with_label(
        self, keys: HpkeKeyPair, label: str, context: bytes, sealed: HpkeCiphertext
    ) -> Secret:
        """Raises `DecryptionFailed`."""
        info = encrypt_context(label, context)
        opened = self.hpke.open(sealed.kem_output, keys, info, b"", sealed.ciphertext)
        return Secret(opened)

    def open_sealed(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        """The AEAD's opening. Raises `DecryptionFailed`."""
        if len(ciphertext) < self.aead.tag_size:
            raise DecryptionFailed
        return self.aead.open(key, nonce, aad, ciphertext)


def encrypt_context(label: str, context: bytes) -> bytes:
    """`EncryptContext` (5.1.3)."""
    return opaque(_PREFIX + label.encode()) + opaque(context)


_SHA256, _SHA384, _SHA512 = Kdf("sha256", 1), Kdf("sha384", 2), Kdf("sha512", 3)


POST_QUANTUM = 0x004F
"""The number of the hybrid suite: ML-KEM-768 and X25519 (X-Wing), AES-128-GCM, SHA-256, Ed25519,
the first row of draft-ietf-mls-pq-ciphersuites-06. The draft assigns no number. This one is the
number that OpenMLS 0.9 uses, and this line is the only place that sets it. Experimental.

Signatures are those of today. A quantum computer of the future cannot forge them in retrospect.
"""


@cache
def ciphersuite(number: int) -> CipherSuite:
    """The suite of that number. Raises `UnknownSuite`, or `SuiteUnavailable` when it needs
    OpenSSL and the extra is not installed. 0x0003 needs libsodium alone."""
    if number == 0x0003:
        name = "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519"
        return _suite(
            number, name, _SHA256, sodium.X25519(), sodium.ChaCha20Poly1305(), sodium.Ed25519()
        )
    if number == POST_QUANTUM:
        return _post_quantum()
    if number not in range(1, 8):
        raise UnknownSuite
    try:
        from alcove.mls import openssl
    except ImportError:
        raise SuiteUnavailable from None
    curve: Curve
    aead: Aead
    scheme: SignatureScheme
    if number == 0x0001:
        name, kdf = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519", _SHA256
        curve, aead, scheme = sodium.X25519(), openssl.AesGcm(16), sodium.Ed25519()
    elif number == 0x0002:
        name, kdf = "MLS_128_DHKEMP256_AES128GCM_SHA256_P256", _SHA256
        curve = scheme = openssl.NistCurve(256)
        aead = openssl.AesGcm(16)
    elif number == 0x0004:
        name, kdf = "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448", _SHA512
        curve, aead, scheme = openssl.X448(), openssl.AesGcm(32), openssl.Ed448()
    elif number == 0x0005:
        name, kdf = "MLS_256_DHKEMP521_AES256GCM_SHA512_P521", _SHA512
        curve = scheme = openssl.NistCurve(521)
        aead = openssl.AesGcm(32)
    elif number == 0x0006:
        name, kdf = "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448", _SHA512
        curve, aead, scheme = openssl.X448(), sodium.ChaCha20Poly1305(), openssl.Ed448()
    else:
        name, kdf = "MLS_256_DHKEMP384_AES256GCM_SHA384_P384", _SHA384
        curve = scheme = openssl.NistCurve(384)
        aead = openssl.AesGcm(32)
    return _suite(number, name, kdf, curve, aead, scheme)


def _suite(
    number: int, name: str, kdf: Kdf, curve: Curve, aead: Aead, scheme: SignatureScheme
) -> CipherSuite:
    return CipherSuite(number, name, kdf, Hpke(DhKem(curve, kdf), kdf, aead), scheme)


def _post_quantum() -> CipherSuite:
    try:
        from alcove.mls import openssl
        from alcove.mls.xwing import XWing
    except ImportError:
        raise SuiteUnavailable from None
    name = "MLS_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519"
    hpke = Hpke(XWing(), _SHA256, openssl.AesGcm(16))
    return CipherSuite(POST_QUANTUM, name, _SHA256, hpke, sodium.Ed25519())
