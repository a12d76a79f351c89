"""What a ciphersuite is made of, as interfaces, and HKDF (RFC 5869) over hashlib.

No primitive is written here: hashes are hashlib's, the rest is libsodium's (`sodium.py`) or
OpenSSL's (`openssl.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol

from alcove.mls.secret import Random

_INNER = bytes(x ^ 0x36 for x in range(256))
_OUTER = bytes(x ^ 0x5C for x in range(256))

Mac = Callable[[bytes], bytes]
"""HMAC under one key."""


class Kdf:
    """HKDF and HMAC with one hash. Sizes in bytes: `size` is Nh, the length of an output."""

    __slots__ = ("_begin", "_block", "_unsalted", "name", "number", "size", "zeros")

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number
        probe: hashlib._Hash = getattr(hashlib, name)(b"")
        # To copy a fresh hash is half the work of having OpenSSL look the algorithm up again.
        self._begin = probe.copy
        self.size: int = probe.digest_size
        self._block: int = probe.block_size
        self.zeros = bytes(self.size)
        self._unsalted = self.keyed(b"")

    def hash(self, data: bytes) -> bytes:
        state = self._begin()
        state.update(data)
        return state.digest()

    def keyed(self, key: bytes) -> Mac:
        """HMAC (RFC 2104) with its two key blocks hashed once, for several messages.

        This is twice as fast as `hmac.digest`, and the key schedule is little else than HMAC.
        """
        if len(key) > self._block:
            key = self.hash(key)
        block = key.ljust(self._block, b"\x00")
        inner, outer = self._begin(), self._begin()
        inner.update(block.translate(_INNER))
        outer.update(block.translate(_OUTER))
        copy_inner, copy_outer = inner.copy, outer.copy

        def mac(message: bytes) -> bytes:
            first = copy_inner()
            first.update(message)
            second = copy_outer()
            second.update(first.digest())
            return second.digest()

        return mac

    def mac(self, key: bytes, message: bytes) -> bytes:
        """HMAC of one message."""
        if len(key) > self._block:
            key = self.hash(key)
        block = key.ljust(self._block, b"\x00")
        first = self._begin()
        first.update(block.translate(_INNER) + message)
        second = self._begin()
        second.update(block.translate(_OUTER) + first.digest())
        return second.digest()

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        """HKDF-Extract. An empty salt is Nh zeros, which HMAC's own padding makes of it."""
        return self.mac(salt, ikm) if salt else self._unsalted(ikm)

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """HKDF-Expand, at most 255 times Nh bytes."""
        if length <= self.size:
            return self.mac(prk, info + b"\x01")[:length]
        return self.expand_keyed(self.keyed(prk), info, length)

    def expand_keyed(self, mac: Mac, info: bytes, length: int) -> bytes:
        """HKDF-Expand under a key from `keyed`."""
        if length <= self.size:
            return mac(info + b"\x01")[:length]
        if length > 255 * self.size:
            raise ValueError("HKDF-Expand gives at most 255 blocks")
        block, output = b"", b""
        counter = 1
        while len(output) < length:
            block = mac(block + info + bytes((counter,)))
            output += block
            counter += 1
        return output[:length]


class Aead(Protocol):
    """Nk, Nn and Nt bytes: key, nonce and tag. `open` raises `DecryptionFailed`."""

    number: int
    key_size: int
    nonce_size: int
    tag_size: int

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes: ...
    def open(self, key: bytes, nonce: bytes, aad: bytes, ciphertext: bytes) -> bytes: ...


class Curve(Protocol):
    """Diffie-Hellman of one KEM (RFC 9180, section 7.1). Keys are its serialised forms."""

    kem_number: int
    secret_size: int  # Nsecret: what the KEM outputs
    private_size: int  # Nsk
    public_size: int  # Npk, which is Nenc too

    def candidate(self, random: bytes) -> bytes | None:
        """A private key of `private_size` random bytes. None when they must be drawn again."""
        ...

    def public_key(self, private: bytes) -> bytes: ...
    def exchange(self, private: bytes, public: bytes) -> bytes:
        """Raises `InvalidPublicKey`, also when the shared point is the neutral one."""
        ...

    def check(self, public: bytes) -> None:
        """Raises `InvalidPublicKey` for what no honest member can have as a key."""
        ...


class Kem(Protocol):
    """A key encapsulation mechanism (RFC 9180, section 4). Sizes in bytes: Nsecret, Nsk, Npk and
    Nenc. Pairs of keys are (private, public)."""

    number: int
    secret_size: int
    private_size: int
    public_size: int
    output_size: int

    def generate(self, random: Random) -> tuple[bytes, bytes]: ...
    def derive(self, ikm: bytes) -> tuple[bytes, bytes]:
        """Always the same pair for the same input."""
        ...

    def public_key(self, private: bytes) -> bytes: ...
    def encapsulate(self, public: bytes, random: Random) -> tuple[bytes, bytes]:
        """(shared secret, output). Raises `InvalidPublicKey`."""
        ...

    def decapsulate(self, output: bytes, private: bytes, public: bytes) -> bytes:
        """Raises `InvalidPublicKey` when `output` is none."""
        ...

    def check(self, public: bytes) -> None:
        """Raises `InvalidPublicKey` for what no honest member can have as a key."""
        ...


class SignatureScheme(Protocol):
    """Signatures. Private keys are the native strings (EdDSA) or big-endian scalars (ECDSA)."""

    def generate(self, random: Random) -> bytes: ...
    def public_key(self, private: bytes) -> bytes: ...
    def sign(self, private: bytes, public: bytes, message: bytes) -> bytes: ...
    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool: ...
    def check(self, public: bytes) -> None:
        """Raises `InvalidPublicKey`."""
        ...
