"""Small help for the checks: a case is a JSON object, its bytes are hex."""

from __future__ import annotations

from typing import Any

from alcove.mls.ciphersuite import CipherSuite, SignatureKeyPair, ciphersuite
from alcove.mls.policy import Policy
from alcove.mls.secret import Secret

Case = dict[str, Any]

# Vectors exercise the format, not our taste: nothing is too old, too large or too far back.
POLICY = Policy(
    max_leaves=16_384,
    max_lifetime=2**64 - 1,
    past_resumption_psks=1000,
    accept_x509=True,
    members_of_any_time=True,
)
"""The vectors' leaves expired long ago."""
NOW = 1_800_000_000


def raw(value: str) -> bytes:
    return bytes.fromhex(value)


def secret(value: str) -> Secret:
    return Secret(raw(value))


def suite_of(case: Case) -> CipherSuite:
    return ciphersuite(case["cipher_suite"])


def equal(found: object, expected: object, what: str) -> None:
    """Raise `AssertionError` naming what differs."""
    if isinstance(found, Secret):
        found = found.expose()
    if isinstance(expected, str) and isinstance(found, bytes):
        expected = raw(expected)
    if found != expected:
        raise AssertionError(f"{what} differs")


def signer_of(suite: CipherSuite, private: str) -> SignatureKeyPair:
    """The pair of a private key; ECDSA scalars may come without their leading zeros."""
    return SignatureKeyPair.from_private(suite, secret(private))
