"""Hybrid public-key encryption (RFC 9180) in all four modes: one message, or exports.

Without a PSK and a sender's key it is mode base. `psk` makes it mode PSK. A sender's key makes it
mode Auth, and both AuthPSK: then the recipient knows that it comes from the holder of that key, and
can prove it to no other, because the recipient can make the same.

Only the first message of a context is ever sealed, under the context's base nonce, in the call
that encapsulates its key. No object that could seal a second one is given out, and no sequence
number exists that could be used twice.
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


class Exporter:
    """What both sides share after encapsulation (RFC 9180, section 5.1), for exports only."""

    __slots__ = ("_labelled", "_schedule", "_secret")

    def __init__(self, labelled: Labelled, secret: bytes, schedule: bytes) -> None:
        self._labelled, self._secret, self._schedule = labelled, secret, schedule

    def __repr__(self) -> str:
        return "Exporter(…)"

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

    def setup_sender(self, public: bytes, info: bytes, random: Random) -> tuple[bytes, Exporter]:
        """(`enc`, exporter) for the holder of `public`, in mode base. Raises `InvalidPublicKey`."""
        schedule = self._schedule(info, b"", b"", authentic=False)
        shared, output = self.kem.encapsulate(public, random)
        return output, Exporter(self._suite, self._secret(shared, b""), schedule)

    def setup_receiver(
        self,
        enc: bytes,
        keys: HpkeKeyPair,
        info: bytes,
        *,
        psk: bytes = b"",
        psk_id: bytes = b"",
        sender: bytes | None = None,
    ) -> Exporter:
        """The sender's exporter. Raises `InvalidPublicKey` when `enc` or `sender` is none."""
        schedule = self._schedule(info, psk, psk_id, authentic=sender is not None)
        shared = self._decapsulate(enc, keys, sender)
        return Exporter(self._suite, self._secret(shared, psk), schedule)

    def _encapsulate(
        self, public: bytes, random: Random, sender: HpkeKeyPair | None
    ) -> tuple[bytes, bytes]:
        if sender is None:
            return self.kem.encapsulate(public, random)
        own = sender.private.expose()
        return self._dh_kem.encapsulate_from(public, own, sender.public, random)

    def _decapsulate(self, enc: bytes, keys: HpkeKeyPair, sender: bytes | None) -> bytes:
        private = keys.private.expose()
        if sender is None:
            return self.kem.decapsulate(enc, private, keys.public)
        return self._dh_kem.decapsulate_from(enc, private, keys.public, sender)

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
        schedule = self._schedule(info, psk, psk_id, authentic=sender is not None)
        return self._seal(public, schedule, aad, plaintext, random, psk, sender)

    def sealer(self, info: bytes) -> Sealer:
        """Seal several messages with the same `info`, which is hashed once, and no `aad`.

        The hash lives as long as the sealer, which the caller drops with the commit. A cache in
        the suite would keep what is derived from a group after the group is gone.
        """
        schedule = self._schedule(info, b"", b"", authentic=False)

        def seal(public: bytes, plaintext: bytes, random: Random) -> tuple[bytes, bytes]:
            return self._seal(public, schedule, b"", plaintext, random)

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
        schedule = self._schedule(info, psk, psk_id, authentic=sender is not None)
        try:
            shared = self._decapsulate(enc, keys, sender)
        except InvalidPublicKey:
            raise DecryptionFailed from None
        key, nonce = self._key_and_nonce(self._secret(shared, psk), schedule)
        return self.aead.open(key, nonce, aad, ciphertext)

    def _seal(
        self,
        public: bytes,
        schedule: bytes,
        aad: bytes,
        plaintext: bytes,
        random: Random,
        psk: bytes = b"",
        sender: HpkeKeyPair | None = None,
    ) -> tuple[bytes, bytes]:
        """Encapsulate a key and seal under it, so no key ever seals twice."""
        shared, output = self._encapsulate(public, random, sender)
        key, nonce = self._key_and_nonce(self._secret(shared, psk), schedule)
        return output, self.aead.seal(key, nonce, aad, plaintext)

    def _schedule(self, info: bytes, psk: bytes, psk_id: bytes, *, authentic: bool) -> bytes:
        """`key_schedule_context` (RFC 9180, section 5.1)."""
        if bool(psk) != bool(psk_id):
            raise ValueError("a PSK and its identifier come together (RFC 9180, section 5.1)")
        mode, psk_id_hash = _MODE_BASE, self._no_psk_id
        if psk:
            mode, psk_id_hash = _MODE_PSK, self._suite.extract(b"", b"psk_id_hash", psk_id)
        mode |= _MODE_AUTH if authentic else _MODE_BASE
        return bytes((mode,)) + psk_id_hash + self._suite.extract(b"", b"info_hash", info)

    def _secret(self, shared: bytes, psk: bytes) -> bytes:
        return self._suite.extract(shared, b"secret", psk)

    def _key_and_nonce(self, secret: bytes, schedule: bytes) -> tuple[bytes, bytes]:
        """The key of the first message, and the base nonce."""
        aead, info = self.aead, self._suite.info
        expand, mac = self.kdf.expand_keyed, self.kdf.keyed(secret)
        key = expand(mac, info(b"key", schedule, aead.key_size), aead.key_size)
        nonce = info(b"base_nonce", schedule, aead.nonce_size)
        return key, expand(mac, nonce, aead.nonce_size)
