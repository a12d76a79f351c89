"""Primitives of libsodium, through PyNaCl: X25519, ChaCha20-Poly1305, Ed25519."""

from __future__ import annotations

from nacl import bindings
from nacl.exceptions import CryptoError

from alcove.mls.errors import DecryptionFailed, InvalidPublicKey
from alcove.mls.secret import Random

_SIGNATURE_SIZE = 64
_PRIME = 2**255 - 19
_TOP = 2**255
"""The bit of an encoding that X25519 ignores, and that says which x an Ed25519 point has."""

# The points of small order on Curve25519 and its twist, in every encoding below 2**255 (bit 255
# is ignored by X25519). An exchange with one of them gives zero for any secret of ours, and
# libsodium refuses it. They are refused in leaves beforehand: otherwise one member could publish
# such a key and no one could encrypt a path to the group any more.
_SMALL_ORDER = frozenset(
    int.from_bytes(bytes.fromhex(point), "little")
    for point in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)

# The y coordinates of the eight points of small order on Ed25519's curve, of both signs of x. Under
# such a key anybody can make a signature that some verifiers take.
_SMALL_ORDER_25519 = frozenset(
    {
        0,
        1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        _PRIME - 1,
    }
)


class X25519:
    """DHKEM(X25519)'s group (RFC 7748)."""

    kem_number = 0x0020
    secret_size = private_size = public_size = 32

    def candidate(self, random: bytes) -> bytes | None:
        return random  # every string is a private key: X25519 clamps it

    def public_key(self, private: bytes) -> bytes:
        return bindings.crypto_scalarmult_base(private)

    def exchange(self, private: bytes, public: bytes) -> bytes:
        if len(public) != self.public_size:
            raise InvalidPublicKey
        try:
            return bindings.crypto_scalarmult(private, public)
        except (CryptoError, RuntimeError):
            raise InvalidPublicKey from None

    def check(self, public: bytes) -> None:
        if len(public) != self.public_size:
            raise InvalidPublicKey
        u = int.from_bytes(public, "little")
        if u & ~_TOP in _SMALL_ORDER:
            raise InvalidPublicKey("small order")
        # X25519 ignores bit 255 and reduces the rest, so one key has several encodings. Only the
        # canonical one is taken: then keys that differ as bytes are different keys, and a member
        # cannot pass off its old key as a new one.
        if u >= _PRIME:
            raise InvalidPublicKey("not in canonical form")


class ChaCha20Poly1305:
    """RFC 8439."""

    number = 0x0003
    key_size, nonce_size, tag_size = 32, 12, 16

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        return bindings.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)

    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes:
        if len(ciphertext) < self.tag_size:
            raise DecryptionFailed
        try:
            return bindings.crypto_aead_chacha20poly1305_ietf_decrypt(ciphertext, aad, nonce, key)
        except CryptoError:
            raise DecryptionFailed from None


class Ed25519:
    """RFC 8032. A private key is the 32-byte seed."""

    def generate(self, random: Random) -> bytes:
        return random(32)

    def public_key(self, private: bytes) -> bytes:
        return bindings.crypto_sign_seed_keypair(private)[0]

    def sign(self, private: bytes, public: bytes, message: bytes) -> bytes:
        # libsodium's secret key is seed and public key. Signing with a public key that does not
        # belong to the seed would give the seed away: `SignatureKeyPair` makes sure of that.
        return bindings.crypto_sign(message, private + public)[:_SIGNATURE_SIZE]

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        if len(public) != 32 or len(signature) != _SIGNATURE_SIZE:
            return False
        try:
            bindings.crypto_sign_open(signature + message, public)
        except CryptoError:
            return False
        return True

    def check(self, public: bytes) -> None:
        if len(public) != 32:
            raise InvalidPublicKey
        y = int.from_bytes(public, "little") & ~_TOP
        if y >= _PRIME:
            raise InvalidPublicKey("not in canonical form")
        if y in _SMALL_ORDER_25519:
            raise InvalidPublicKey("small order")
