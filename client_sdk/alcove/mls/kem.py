"""Key encapsulation for HPKE (RFC 9180, section 4): the labelled KDF, and DHKEM over a curve.

Suites that RFC 9420 defines use DHKEM. The hybrid one brings its own KEM (`xwing.py`).
"""

from __future__ import annotations

from alcove.mls.errors import InvalidPublicKey
from alcove.mls.primitives import Curve, Kdf
from alcove.mls.secret import Random

_VERSION = b"HPKE-v1"


class Labelled:
    """LabeledExtract and LabeledExpand (RFC 9180, section 4) under one suite id."""

    __slots__ = ("_head", "kdf")

    def __init__(self, kdf: Kdf, suite_id: bytes) -> None:
        self.kdf, self._head = kdf, _VERSION + suite_id

    def extract(self, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return self.kdf.extract(salt, self._head + label + ikm)

    def info(self, label: bytes, info: bytes, length: int) -> bytes:
        """What LabeledExpand gives to HKDF-Expand."""
        return b"".join((length.to_bytes(2, "big"), self._head, label, info))

    def expand(self, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        return self.kdf.expand(prk, self.info(label, info, length), length)


class DhKem:
    """DHKEM (RFC 9180, section 4.1). Its KDF is the suite's in every suite of MLS."""

    def __init__(self, curve: Curve, kdf: Kdf) -> None:
        self._curve = curve
        self.number, self.secret_size = curve.kem_number, curve.secret_size
        self.private_size = curve.private_size
        self.public_size = self.output_size = curve.public_size
        self._labelled = Labelled(kdf, b"KEM" + self.number.to_bytes(2, "big"))
        self.public_key, self.check = curve.public_key, curve.check

    def generate(self, random: Random) -> tuple[bytes, bytes]:
        for _ in range(256):  # one try is nearly always enough
            private = self._curve.candidate(random(self.private_size))
            if private is not None:
                return private, self._curve.public_key(private)
        raise InvalidPublicKey("the source of randomness makes no key")

    def derive(self, ikm: bytes) -> tuple[bytes, bytes]:
        """DeriveKeyPair (RFC 9180, section 7.1.3)."""
        labelled, size, private = self._labelled, self.private_size, None
        prk = labelled.extract(b"", b"dkp_prk", ikm)
        if self.number >= 0x0020:  # X25519 and X448
            private = labelled.expand(prk, b"sk", b"", size)
        else:
            for counter in range(256):
                candidate = labelled.expand(prk, b"candidate", bytes((counter,)), size)
                if (private := self._curve.candidate(candidate)) is not None:
                    break
        if private is None:
            raise InvalidPublicKey("no key can be derived")  # chance below 2**-8000
        return private, self._curve.public_key(private)

    def encapsulate(self, public: bytes, random: Random) -> tuple[bytes, bytes]:
        private, output = self.generate(random)
        shared = self._curve.exchange(private, public)
        return self._extract_and_expand(shared, output + public), output

    def decapsulate(self, output: bytes, private: bytes, public: bytes) -> bytes:
        shared = self._curve.exchange(private, output)
        return self._extract_and_expand(shared, output + public)

    def encapsulate_from(
        self, public: bytes, sender: bytes, sender_public: bytes, random: Random
    ) -> tuple[bytes, bytes]:
        """AuthEncap: the secret is also of the sender's private key."""
        private, output = self.generate(random)
        shared = self._curve.exchange(private, public) + self._curve.exchange(sender, public)
        return self._extract_and_expand(shared, output + public + sender_public), output

    def decapsulate_from(
        self, output: bytes, private: bytes, public: bytes, sender_public: bytes
    ) -> bytes:
        """AuthDecap. Raises `InvalidPublicKey` also for a sender's key that is none."""
        exchange = self._curve.exchange
        shared = exchange(private, output) + exchange(private, sender_public)
        return self._extract_and_expand(shared, output + public + sender_public)

    def _extract_and_expand(self, shared: bytes, kem_context: bytes) -> bytes:
        prk = self._labelled.extract(b"", b"eae_prk", shared)
        return self._labelled.expand(prk, b"shared_secret", kem_context, self.secret_size)
