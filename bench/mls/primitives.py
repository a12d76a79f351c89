"""What one primitive costs, called as directly as Python can: the bricks of the floor.

Nothing of `alcove` is used here. HMAC is the faster of two ways, hashlib's C function and copies of
pre-keyed SHA-256 objects, which is what the key schedule can be at best.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import statistics
import time
from collections.abc import Callable
from hashlib import sha3_256, sha256, shake_256
from typing import Any

from alcove.mls import POST_QUANTUM
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl import bindings

X_WING = POST_QUANTUM
_BATCHES = 5
_BATCH_SECONDS = 0.0015
_PRE_KEYED = hashlib.sha256(b"\x36" * 64)


def _pre_keyed_hmac(message: bytes) -> bytes:
    inner = _PRE_KEYED.copy()
    inner.update(message)
    outer = _PRE_KEYED.copy()
    outer.update(inner.digest())
    return outer.digest()


class Primitives:
    """The cost of each primitive of a suite, in microseconds, measured when first asked for."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._known: dict[tuple[str, int], float] = {}
        self._makers: dict[str, Callable[[int], Callable[[], Any]]] = {
            "exchange": self._exchange,
            "base": self._base,
            "sign": self._sign,
            "verify": self._verify,
            "aead": self._aead,
            "hash": lambda size: _bound(lambda data: sha256(data).digest(), os.urandom(size)),
            "hmac": lambda size: _bound(_hmac, os.urandom(32), os.urandom(size)),
            "hmac_again": lambda size: _bound(_pre_keyed_hmac, os.urandom(size)),
            "keygen": self._keygen,
            "encapsulate": self._encapsulate,
            "decapsulate": self._decapsulate,
        }

    def cost(self, name: str, size: int = 0) -> float:
        """Microseconds of one call on `size` bytes."""
        known = self._known.get((name, size))
        if known is None:
            known = self._known[name, size] = _measure(self._makers[name](size))
        return known

    def again(self) -> None:
        """Forget what was measured: the machine may be in another mood now."""
        self._known.clear()

    @staticmethod
    def _exchange(_size: int) -> Callable[[], Any]:
        public = bindings.crypto_scalarmult_base(os.urandom(32))
        return _bound(bindings.crypto_scalarmult, os.urandom(32), public)

    @staticmethod
    def _base(_size: int) -> Callable[[], Any]:
        return _bound(bindings.crypto_scalarmult_base, os.urandom(32))

    @staticmethod
    def _sign(size: int) -> Callable[[], Any]:
        _public, secret = bindings.crypto_sign_seed_keypair(os.urandom(32))
        return _bound(bindings.crypto_sign, os.urandom(size), secret)

    @staticmethod
    def _verify(size: int) -> Callable[[], Any]:
        public, secret = bindings.crypto_sign_seed_keypair(os.urandom(32))
        signed = bindings.crypto_sign(os.urandom(size), secret)
        return _bound(bindings.crypto_sign_open, signed, public)

    def _aead(self, size: int) -> Callable[[], Any]:
        key, nonce, text, aad = os.urandom(32), os.urandom(12), os.urandom(size), bytes(16)
        if self._number in (0x0001, X_WING):
            return _bound(lambda: AESGCM(key[:16]).encrypt(nonce, text, aad))
        seal = bindings.crypto_aead_chacha20poly1305_ietf_encrypt
        return _bound(seal, text, aad, nonce, key)

    # What only X-Wing needs. Each of the two curve operations is counted apart.

    @staticmethod
    def _keygen(_size: int) -> Callable[[], Any]:
        ikm = os.urandom(32)

        def work() -> bytes:
            seed = shake_256(shake_256(ikm).digest(32)).digest(96)[:64]
            return MLKEM768PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()

        return work

    @staticmethod
    def _encapsulate(_size: int) -> Callable[[], Any]:
        public = MLKEM768PrivateKey.generate().public_key().public_bytes_raw()

        def work() -> bytes:
            secret, _output = MLKEM768PublicKey.from_public_bytes(public).encapsulate()
            return sha3_256(secret + bytes(102)).digest()

        return work

    @staticmethod
    def _decapsulate(_size: int) -> Callable[[], Any]:
        seed = os.urandom(64)
        public = MLKEM768PrivateKey.from_seed_bytes(seed).public_key()
        _secret, output = public.encapsulate()

        def work() -> bytes:
            private = MLKEM768PrivateKey.from_seed_bytes(seed)
            return sha3_256(private.decapsulate(output) + bytes(102)).digest()

        return work


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _bound(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: function(*arguments)


def _measure(work: Callable[[], Any]) -> float:
    """The median of some batches, in microseconds."""
    begun = time.process_time()
    work()
    count = max(1, int(_BATCH_SECONDS / max(time.process_time() - begun, 1e-7)))
    batches = []
    for _ in range(_BATCHES):
        begun = time.process_time()
        for _ in range(count):
            work()
        batches.append((time.process_time() - begun) / count)
    return statistics.median(batches) * 1e6
