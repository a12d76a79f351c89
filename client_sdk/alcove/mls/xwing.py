"""X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 in one KEM. Experimental.

An attacker must break both the lattice and the elliptic curve to read what it protects. ML-KEM
(FIPS 203) is OpenSSL's or AWS-LC's through `cryptography`, X25519 libsodium's, SHA-3 hashlib's.
Only the draft's way of putting them together is here. A private key is its seed of 32 bytes.
"""

from __future__ import annotations

from hashlib import sha3_256, shake_256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

from alcove.mls.errors import InvalidPublicKey, SuiteUnavailable
from alcove.mls.secret import Random
from alcove.mls.sodium import X25519

_LABEL = rb"\./" + rb"/^" + b"\\"
_LATTICE_PUBLIC, _LATTICE_OUTPUT = 1184, 1088
_SEED, _CURVE = 32, 32


class XWing:
    """The KEM. Raises `SuiteUnavailable` when the library below has no ML-KEM."""

    number = 0x647A
    secret_size, private_size = 32, _SEED
    public_size, output_size = _LATTICE_PUBLIC + _CURVE, _LATTICE_OUTPUT + _CURVE

    def __init__(self) -> None:
        self._curve = X25519()
        try:
            MLKEM768PrivateKey.from_seed_bytes(bytes(64))
        except UnsupportedAlgorithm:
            raise SuiteUnavailable from None

    def generate(self, random: Random) -> tuple[bytes, bytes]:
        private = random(_SEED)
        return private, self.public_key(private)

    def derive(self, ikm: bytes) -> tuple[bytes, bytes]:
        """DeriveKeyPair (the draft, "Use in HPKE", as OpenMLS does it)."""
        private = shake_256(ikm).digest(_SEED)
        return private, self.public_key(private)

    def public_key(self, private: bytes) -> bytes:
        lattice, curve = self._expand(private)
        return lattice.public_key().public_bytes_raw() + self._curve.public_key(curve)

    @staticmethod
    def _expand(private: bytes) -> tuple[MLKEM768PrivateKey, bytes]:
        """expandDecapsulationKey. Raises `InvalidPublicKey` for a key of another length."""
        if len(private) != _SEED:
            raise InvalidPublicKey("not a private key of X-Wing")
        expanded = shake_256(private).digest(96)
        return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), expanded[64:]

    def encapsulate(self, public: bytes, random: Random) -> tuple[bytes, bytes]:
        """(shared secret, ciphertext). ML-KEM's share of the randomness is drawn by the library
        below. `random` gives X25519's."""
        lattice, curve = self._lattice_key(public), public[_LATTICE_PUBLIC:]
        ephemeral = random(_CURVE)
        curve_output = self._curve.public_key(ephemeral)
        curve_secret = self._curve.exchange(ephemeral, curve)
        lattice_secret, lattice_output = lattice.encapsulate()
        shared = self._combine(lattice_secret, curve_secret, curve_output, curve)
        return shared, lattice_output + curve_output

    def decapsulate(self, output: bytes, private: bytes, public: bytes) -> bytes:
        """Raises `InvalidPublicKey` for a ciphertext of another length, or a curve point of small
        order, which no honest sender makes. Any other wrong ciphertext gives a wrong secret."""
        if len(output) != self.output_size:
            raise InvalidPublicKey
        lattice, curve = self._expand(private)
        curve_output = output[_LATTICE_OUTPUT:]
        curve_secret = self._curve.exchange(curve, curve_output)
        lattice_secret = lattice.decapsulate(output[:_LATTICE_OUTPUT])
        return self._combine(lattice_secret, curve_secret, curve_output, public[_LATTICE_PUBLIC:])

    @staticmethod
    def _combine(lattice: bytes, curve: bytes, curve_output: bytes, curve_public: bytes) -> bytes:
        return sha3_256(lattice + curve + curve_output + curve_public + _LABEL).digest()

    def _lattice_key(self, public: bytes) -> MLKEM768PublicKey:
        """ML-KEM's half, after the check of FIPS 203, section 7.2."""
        if len(public) != self.public_size:
            raise InvalidPublicKey
        try:
            return MLKEM768PublicKey.from_public_bytes(public[:_LATTICE_PUBLIC])
        except ValueError:
            raise InvalidPublicKey from None

    def check(self, public: bytes) -> None:
        """Raises `InvalidPublicKey`."""
        self._lattice_key(public)
        self._curve.check(public[_LATTICE_PUBLIC:])
