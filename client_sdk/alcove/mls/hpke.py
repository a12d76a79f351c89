"""Hybrid public-key encryption (RFC 9180) in all four modes: one message, or an export.

Without a PSK and a sender's key it is mode base. `psk` makes it mode PSK. A sender's key makes it
mode Auth, and both AuthPSK: then the recipient knows that it comes from the holder of that key, and
can prove it to no other, because the recipient can make the same.

Only the first message of a context is ever sealed, so its nonce is the context's base nonce,
and no sequence number exists that could be used twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alcove.mls.errors import DecryptionFailed, InvalidPublicKey
from alcove.mls.kem import DhKem, Labelled
from alcove.mls.primitives import Aead, Kdf, Kem
from alcove.mls.secret import Random, Secret

_MODE_BASE, _MODE_PSK, _MODE_AUTH = 0x00, 0x01, 0x02
"""Mode AuthPSK is the sum of the last two (RFC 9180, section 5)."""


@dataclass(frozen=True, slots=True)
class HpkeKeyPair:
    """A key pair of a KEM. `public` is its serialised form (RFC 9180, section 7.1.1)."""

    private: Secret
    public: bytes

    def wipe(self) -> None:
        """Drop the private key."""
        self.private.wipe()


Sealer = Callable[[bytes, bytes, Random], tuple[bytes, bytes]]
"""Seals to one public key: called with key, plaintext and randomness, returns (`enc`, ciphertext).
Raises `InvalidPublicKey`."""


class Context:
    """What both sides share after encapsulation (RFC 9180, section 5.1), for one message."""

    __slots__ = ("_aead", "_labelled", "_schedule", "_secret")

    def __init__(self, labelled: Labelled, aead: Aead, secret: bytes, schedule: bytes) -> None:
        self._labelled, self._aead = labelled, aead
        self._secret, self._schedule = secret, schedule

    def __repr__(self) -> str:
        return "Context(…)"

    def _key_and_nonce(self) -> tuple[bytes, bytes]:
        aead, info = self._aead, self._labelled.info
        kdf = self._labelled.kdf
        expand, mac = kdf.expand_keyed, kdf.keyed(self._secret)
        key = expand(mac, info(b"key", self._schedule, aead.key_size), aead.key_size)
        nonce = info(b"base_nonce", self._schedule, aead.nonce_size)
        return key, expand(mac, nonce, aead.nonce_size)

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
    """HPKE with one KEM, KDF and AEAD."""

    def __init__(self, kem: Kem, kdf: Kdf, aead: Aead) -> None:
        self.kem, self.kdf, self.aead = kem, kdf, aead
        numbers = b"".join(item.number.to_bytes(2, "big") for item in (kem, kdf, aead))
        self._suite = Labelled(kdf, b"HPKE" + numbers)
        self._no_psk_id = self._suite.extract(b"", b"psk_id_hash", b"")  # a constant of the suite

    def generate(self, random: Random) -> HpkeKeyPair:
        """A fresh key pair."""
        private, public = self.kem.generate(random)
        return HpkeKeyPair(Secret(private), public)

    def derive_key_pair(self, ikm: Secret) -> HpkeKeyPair:
        """DeriveKeyPair (RFC 9180, section 7.1.3): always the same pair for the same secret."""
        private, public = self.kem.derive(ikm.expose())
        return HpkeKeyPair(Secret(private), public)

    def setup_sender(
        self,
        public: bytes,
        info: bytes,
        random: Random,
        *,
        psk: bytes = b"",
        psk_id: bytes = b"",
        sender: HpkeKeyPair | None = None,
    ) -> tuple[bytes, Context]:
        """(`enc`, context) for the holder of `public`. Raises `InvalidPublicKey`."""
        if sender is None:
            secret, output = self.kem.encapsulate(public, random)
        else:
            own = sender.private.expose()
            secret, output = self._dh_kem.encapsulate_from(public, own, sender.public, random)
        return output, self._begin(secret, info, psk, psk_id, authentic=sender is not None)

    def setup_receiver(
        self,
        enc: bytes,
        keys: HpkeKeyPair,
        info: bytes,
        *,
        psk: bytes = b"",
        psk_id: bytes = b"",
        sender: bytes | None = None,
    ) -> Context:
        """The sender's context. Raises `InvalidPublicKey` when `enc` or `sender` is none."""
        private = keys.private.expose()
        if sender is None:
            secret = self.kem.decapsulate(enc, private, keys.public)
        else:
            secret = self._dh_kem.decapsulate_from(enc, private, keys.public, sender)
        return self._begin(secret, info, psk, psk_id, authentic=sender is not None)

    @property
    def _dh_kem(self) -> DhKem:
        """Raises `ValueError` for a KEM without authentication, as X-Wing is."""
        if not isinstance(self.kem, DhKem):
            raise ValueError("this KEM does not authenticate a sender")
        return self.kem

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
        sender: HpkeKeyPair | None = None,
    ) -> tuple[bytes, bytes]:
        """(`enc`, ciphertext). With `psk` (at least 32 bytes of entropy) it is mode PSK."""
        enc, context = self.setup_sender(
            public, info, random, psk=psk, psk_id=psk_id, sender=sender
        )
        return enc, context.seal(aad, plaintext)

    def sealer(self, info: bytes) -> Sealer:
        """Seal several messages with the same `info`, which is hashed once, and no `aad`.

        The hash lives as long as the sealer, which the caller drops with the commit. A cache in
        the suite would keep what is derived from a group after the group is gone.
        """
        schedule = self._schedule(_MODE_BASE, b"", info)

        def seal(public: bytes, plaintext: bytes, random: Random) -> tuple[bytes, bytes]:
            secret, output = self.kem.encapsulate(public, random)
            return output, self._context(secret, schedule, b"").seal(b"", plaintext)

        return seal

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
        sender: bytes | None = None,
    ) -> bytes:
        """The plaintext. Raises `DecryptionFailed`."""
        try:
            context = self.setup_receiver(enc, keys, info, psk=psk, psk_id=psk_id, sender=sender)
        except InvalidPublicKey:
            raise DecryptionFailed from None
        return context.open(aad, ciphertext)

    def _schedule(self, mode: int, psk_id: bytes, info: bytes) -> bytes:
        """`key_schedule_context` (RFC 9180, section 5.1)."""
        psk_id_hash = self._no_psk_id
        if psk_id:
            psk_id_hash = self._suite.extract(b"", b"psk_id_hash", psk_id)
        return bytes((mode,)) + psk_id_hash + self._suite.extract(b"", b"info_hash", info)

    def _begin(
        self, shared: bytes, info: bytes, psk: bytes, psk_id: bytes, *, authentic: bool
    ) -> Context:
        if bool(psk) != bool(psk_id):
            raise ValueError("a PSK and its identifier come together (RFC 9180, section 5.1)")
        mode = (_MODE_PSK if psk else _MODE_BASE) | (_MODE_AUTH if authentic else _MODE_BASE)
        return self._context(shared, self._schedule(mode, psk_id, info), psk)

    def _context(self, shared: bytes, schedule: bytes, psk: bytes) -> Context:
        secret = self._suite.extract(shared, b"secret", psk)
        return Context(self._suite, self.aead, secret, schedule)
