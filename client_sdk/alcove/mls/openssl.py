"""Primitives of OpenSSL, through `cryptography`: an optional extra, imported only when asked for.

AES-GCM, the NIST curves, X448 and Ed448. OpenSSL draws ECDSA's nonces itself.
"""

from __future__ import annotations

from typing import ClassVar

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, x448
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alcove.mls.errors import DecryptionFailed, InvalidPublicKey
from alcove.mls.secret import Random

_PRIME = 2**448 - 2**224 - 1
_SIGN = 2**455  # the bit of an encoded Ed448 point that says which of two x it has
_RAW, _RAW_FORMAT = serialization.Encoding.Raw, serialization.PublicFormat.Raw
_POINT = serialization.Encoding.X962
_UNCOMPRESSED = serialization.PublicFormat.UncompressedPoint


class AesGcm:
    """NIST SP 800-38D, with keys of 16 or 32 bytes."""

    nonce_size, tag_size = 12, 16

    def __init__(self, key_size: int) -> None:
        self.key_size = key_size
        self.number = {16: 0x0001, 32: 0x0002}[key_size]

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        return AESGCM(key).encrypt(nonce, plaintext, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        if len(ciphertext) < self.tag_size:
            raise DecryptionFailed
        try:
            return AESGCM(key).decrypt(nonce, ciphertext, aad)
        except InvalidTag:
            raise DecryptionFailed from None


class X448:
    """DHKEM(X448)'s group (RFC 7748)."""

    kem_number = 0x0021
    secret_size = 64
    private_size = public_size = 56

    def candidate(self, random: bytes) -> bytes | None:
        return random

    def public_key(self, private: bytes) -> bytes:
        key = x448.X448PrivateKey.from_private_bytes(private)
        return key.public_key().public_bytes(_RAW, _RAW_FORMAT)

    def exchange(self, private: bytes, public: bytes) -> bytes:
        try:
            peer = x448.X448PublicKey.from_public_bytes(public)
            return x448.X448PrivateKey.from_private_bytes(private).exchange(peer)
        except ValueError:
            raise InvalidPublicKey from None

    def check(self, public: bytes) -> None:
        if len(public) != self.public_size:
            raise InvalidPublicKey
        if int.from_bytes(public, "little") >= _PRIME:
            raise InvalidPublicKey("not in canonical form")  # see sodium.py
        # Small-order points are found by an exchange with a scalar that is no secret.
        self.exchange(b"\x04" + bytes(54) + b"\x80", public)


class NistCurve:
    """DHKEM and ECDSA over one NIST curve. Public keys are uncompressed points."""

    _kinds: ClassVar[dict[int, tuple[ec.EllipticCurve, hashes.HashAlgorithm, int, int, int]]] = {
        256: (ec.SECP256R1(), hashes.SHA256(), 0x0010, 32, 0xFF),
        384: (ec.SECP384R1(), hashes.SHA384(), 0x0011, 48, 0xFF),
        521: (ec.SECP521R1(), hashes.SHA512(), 0x0012, 66, 0x01),
    }

    def __init__(self, bits: int) -> None:
        curve, digest, self.kem_number, self.private_size, self._mask = self._kinds[bits]
        self._curve, self._ecdsa = curve, ec.ECDSA(digest)
        self.secret_size: int = digest.digest_size
        self.public_size = 1 + 2 * self.private_size

    def _private(self, private: bytes) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(private, "big"), self._curve)

    def _public(self, public: bytes) -> ec.EllipticCurvePublicKey:
        if len(public) != self.public_size or public[0] != 0x04:
            raise InvalidPublicKey
        try:
            # This checks that the point is on the curve. It cannot be the neutral one.
            return ec.EllipticCurvePublicKey.from_encoded_point(self._curve, public)
        except ValueError:
            raise InvalidPublicKey from None

    def candidate(self, random: bytes) -> bytes | None:
        masked = bytes((random[0] & self._mask,)) + random[1:]
        try:
            self._private(masked)  # refuses zero and what is not below the order
        except ValueError:
            return None
        return masked

    def generate(self, random: Random) -> bytes:
        for _ in range(256):
            private = self.candidate(random(self.private_size))
            if private is not None:
                return private
        raise InvalidPublicKey("the source of randomness makes no key")

    def public_key(self, private: bytes) -> bytes:
        return self._private(private).public_key().public_bytes(_POINT, _UNCOMPRESSED)

    def exchange(self, private: bytes, public: bytes) -> bytes:
        return self._private(private).exchange(ec.ECDH(), self._public(public))

    def check(self, public: bytes) -> None:
        self._public(public)

    def sign(self, private: bytes, public: bytes, message: bytes) -> bytes:
        return self._private(private).sign(message, self._ecdsa)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        try:
            self._public(public).verify(signature, message, self._ecdsa)
        except (InvalidSignature, InvalidPublicKey):
            return False
        return True


class Ed448:
    """RFC 8032. Private and public keys are 57 bytes."""

    def generate(self, random: Random) -> bytes:
        return random(57)

    def public_key(self, private: bytes) -> bytes:
        key = ed448.Ed448PrivateKey.from_private_bytes(private)
        return key.public_key().public_bytes(_RAW, _RAW_FORMAT)

    def sign(self, private: bytes, public: bytes, message: bytes) -> bytes:
        return ed448.Ed448PrivateKey.from_private_bytes(private).sign(message)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        try:
            ed448.Ed448PublicKey.from_public_bytes(public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def check(self, public: bytes) -> None:
        """OpenSSL looks at the length only. Under a key of small order it takes a signature that
        anybody can make."""
        if len(public) != 57:
            raise InvalidPublicKey
        y = int.from_bytes(public, "little") & ~_SIGN
        if y >= _PRIME:
            raise InvalidPublicKey("not in canonical form")
        if y in (0, 1, _PRIME - 1):  # of the four points of small order
            raise InvalidPublicKey("small order")
