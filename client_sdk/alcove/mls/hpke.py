"""Hybrid public-key encryption (RFC 9180): DHKEM, modes base and PSK, one message or an export.

Only the first message of a context is ever sealed, so its nonce is the context's base nonce,
and no sequence number exists that could be used twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from alcove.mls.errors import DecryptionFailed, InvalidPublicKey
from alcove.mls.primitives import Aead, Curve, Kdf
from alcove.mls.secret import Random, Secret

_VERSION = b"HPKE-v1"
_MODE_BASE, _MODE_PSK = b"\x00", b"\x01"


@dataclass(frozen=True, slots=True)
class HpkeKeyPair:
    """A key pair of a KEM; `public` is its serialised form (RFC 9180, section 7.1.1)."""

    private: Secret
    public: bytes


@dataclass(frozen=True, slots=True)
class _Labelled:
    """LabeledExtract and LabeledExpand (RFC 9180, section 4) under one suite id."""

    kdf: Kdf
    suite_id: bytes

    def extract(self, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return self.kdf.extract(salt, _VERSION + self.suite_id + label + ikm)

    def expand(self, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        info = length.to_bytes(2, "big") + _VERSION + self.suite_id + label + info
        return self.kdf.expand(prk, info, length)


@dataclass(frozen=True, slots=True)
class Context:
    """What both sides share after encapsulation (RFC 9180, section 5.1), for one message."""

    _labelled: _Labelled
    _aead: Aead
    _secret: bytes
    _schedule: bytes

    def __repr__(self) -> str:
        return "Context(…)"

    def _key_and_nonce(self) -> tuple[bytes, bytes]:
        expand = self._labelled.expand
        key = expand(self._secret, b"key", self._schedule, self._aead.key_size)
        return key, expand(self._secret, b"base_nonce", self._schedule, self._aead.nonce_size)

    def seal(self, aad: bytes, plaintext: bytes) -> bytes:
        key, nonce = self._key_and_nonce()
        return self._aead.seal(key, nonce, aad, plaintext)

    def open(self, aad: bytes, ciphertext: bytes) -> bytes:
        key, nonce = self._key_and_nonce()
        return self._aead.open(key, nonce, aad, ciphertext)

    def export(self, exporter_context: bytes, length: int) -> Secret:
        """A secret for another use (RFC 9180, section 5.3)."""
        size = self._labelled.kdf.size
        exporter = self._labelled.expand(self._secret, b"exp", self._schedule, size)
        return Secret(self._labelled.expand(exporter, b"sec", exporter_context, length))


class Hpke:
    """HPKE with one KEM, KDF and AEAD. The KEM's own KDF is the same in every MLS suite."""

    def __init__(self, curve: Curve, kdf: Kdf, aead: Aead) -> None:
        self.curve, self.kdf, self.aead = curve, kdf, aead
        kem_id = curve.kem_number.to_bytes(2, "big")
        numbers = kem_id + kdf.number.to_bytes(2, "big") + aead.number.to_bytes(2, "big")
        self._kem = _Labelled(kdf, b"KEM" + kem_id)
        self._suite = _Labelled(kdf, b"HPKE" + numbers)
        # The info of all ciphertexts of one path is the same: hash it once.
        self._schedule = lru_cache(maxsize=8)(self._make_schedule)

    def generate(self, random: Random) -> HpkeKeyPair:
        """A fresh key pair."""
        for _ in range(256):  # one try is nearly always enough
            private = self.curve.candidate(random(self.curve.private_size))
            if private is not None:
                return HpkeKeyPair(Secret(private), self.curve.public_key(private))
        raise InvalidPublicKey("the source of randomness makes no key")

    def derive_key_pair(self, ikm: Secret) -> HpkeKeyPair:
        """DeriveKeyPair (RFC 9180, section 7.1.3): always the same pair for the same secret."""
        prk = self._kem.extract(b"", b"dkp_prk", ikm.expose())
        size, private = self.curve.private_size, None
        if self.curve.kem_number >= 0x0020:  # X25519 and X448
            private = self._kem.expand(prk, b"sk", b"", size)
        else:
            for counter in range(256):
                candidate = self._kem.expand(prk, b"candidate", bytes((counter,)), size)
                if (private := self.curve.candidate(candidate)) is not None:
                    break
        if private is None:
            raise InvalidPublicKey("no key can be derived")  # chance below 2**-8000
        return HpkeKeyPair(Secret(private), self.curve.public_key(private))

    def setup_sender(
        self, public: bytes, info: bytes, random: Random, *, psk: bytes = b"", psk_id: bytes = b""
    ) -> tuple[bytes, Context]:
        """(`enc`, context) for the holder of `public`. Raises `InvalidPublicKey`."""
        ephemeral = self.generate(random)
        shared = self.curve.exchange(ephemeral.private.expose(), public)
        secret = self._extract_and_expand(shared, ephemeral.public + public)
        ephemeral.private.wipe()
        return ephemeral.public, self._context(secret, info, psk, psk_id)

    def setup_receiver(
        self, enc: bytes, keys: HpkeKeyPair, info: bytes, *, psk: bytes = b"", psk_id: bytes = b""
    ) -> Context:
        """The sender's context. Raises `InvalidPublicKey` when `enc` is none."""
        shared = self.curve.exchange(keys.private.expose(), enc)
        secret = self._extract_and_expand(shared, enc + keys.public)
        return self._context(secret, info, psk, psk_id)

    def seal(
        self,
        public: bytes,
        info: bytes,
        aad: bytes,
        plaintext: bytes,
        random: Random,
        *,
        psk: bytes = b"",
        psk_id: bytes = b"",
    ) -> tuple[bytes, bytes]:
        """(`enc`, ciphertext). With `psk` (at least 32 bytes of entropy) it is mode PSK."""
        enc, context = self.setup_sender(public, info, random, psk=psk, psk_id=psk_id)
        return enc, context.seal(aad, plaintext)

    def open(
        self,
        enc: bytes,
        keys: HpkeKeyPair,
        info: bytes,
        aad: bytes,
        ciphertext: bytes,
        *,
        psk: bytes = b"",
        psk_id: bytes = b"",
    ) -> bytes:
        """The plaintext. Raises `DecryptionFailed`."""
        try:
            context = self.setup_receiver(enc, keys, info, psk=psk, psk_id=psk_id)
        except InvalidPublicKey:
            raise DecryptionFailed from None
        return context.open(aad, ciphertext)

    def _extract_and_expand(self, shared: bytes, kem_context: bytes) -> bytes:
        prk = self._kem.extract(b"", b"eae_prk", shared)
        return self._kem.expand(prk, b"shared_secret", kem_context, self.curve.secret_size)

    def _make_schedule(self, mode: bytes, psk_id: bytes, info: bytes) -> bytes:
        psk_id_hash = self._suite.extract(b"", b"psk_id_hash", psk_id)
        return mode + psk_id_hash + self._suite.extract(b"", b"info_hash", info)

    def _context(self, shared: bytes, info: bytes, psk: bytes, psk_id: bytes) -> Context:
        if bool(psk) != bool(psk_id):
            raise ValueError("a PSK and its identifier come together (RFC 9180, section 5.1)")
        schedule = self._schedule(_MODE_PSK if psk else _MODE_BASE, psk_id, info)
        secret = self._suite.extract(shared, b"secret", psk)
        return Context(self._suite, self.aead, secret, schedule)
