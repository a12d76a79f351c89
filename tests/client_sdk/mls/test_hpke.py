"""HPKE against the test vectors of RFC 9180, appendix A, in all four modes and both directions."""

import json
from pathlib import Path
from typing import Any

import pytest
from alcove import mls
from alcove.mls import openssl, sodium
from alcove.mls.errors import DecryptionFailed, InvalidPublicKey
from alcove.mls.hpke import Hpke, HpkeKeyPair
from alcove.mls.kem import DhKem
from alcove.mls.primitives import Aead, Curve, Kdf
from alcove.mls.secret import Secret

CASES = json.loads((Path(__file__).parent / "hpke_vectors.json").read_text())["cases"]
BY_NAME = {f"{case['suite']}, {case['mode']}": case for case in CASES}
SHA256, SHA512 = Kdf("sha256", 1), Kdf("sha512", 3)
KEMS: dict[int, tuple[Curve, Kdf]] = {
    0x0010: (openssl.NistCurve(256), SHA256),
    0x0012: (openssl.NistCurve(521), SHA512),
    0x0020: (sodium.X25519(), SHA256),
}
AEADS: dict[int, Aead] = {
    1: openssl.AesGcm(16),
    2: openssl.AesGcm(32),
    3: sodium.ChaCha20Poly1305(),
}
KDFS = {1: SHA256, 3: SHA512}

RFC9180 = pytest.mark.parametrize("case", BY_NAME.values(), ids=BY_NAME.keys())
OURS = BY_NAME["DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, AuthPSK"]


def hpke_of(case: dict[str, Any]) -> Hpke:
    curve, kdf = KEMS[case["kem_id"]]
    return Hpke(DhKem(curve, kdf), KDFS[case["kdf_id"]], AEADS[case["aead_id"]])


def pair(case: dict[str, Any], who: str) -> HpkeKeyPair | None:
    if f"sk{who}m" not in case:
        return None
    private, public = (bytes.fromhex(case[f"{half}{who}m"]) for half in ("sk", "pk"))
    return HpkeKeyPair(Secret(private), public)


def hexes(case: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(case.get(name, "")) for name in names]


@RFC9180
def test_the_first_message_of_each_suite_and_mode(case: dict[str, Any]) -> None:
    hpke, recipient, sender = hpke_of(case), pair(case, "R"), pair(case, "S")
    assert recipient is not None
    info, aad, plain, sealed, enc, psk, psk_id, ephemeral = hexes(
        case, "info", "aad", "pt", "ct", "enc", "psk", "psk_id", "skEm"
    )

    def random(size: int) -> bytes:
        return ephemeral

    made = hpke.seal(
        recipient.public, info, aad, plain, random, psk=psk, psk_id=psk_id, sender=sender
    )
    assert made == (enc, sealed)
    known = sender.public if sender is not None else None
    opened = hpke.open(enc, recipient, info, aad, sealed, psk=psk, psk_id=psk_id, sender=known)
    assert opened == plain


@RFC9180
def test_the_exports_of_each_suite_and_mode(case: dict[str, Any]) -> None:
    hpke, recipient, sender = hpke_of(case), pair(case, "R"), pair(case, "S")
    assert recipient is not None
    info, enc, psk, psk_id = hexes(case, "info", "enc", "psk", "psk_id")
    known = sender.public if sender is not None else None
    context = hpke.setup_receiver(enc, recipient, info, psk=psk, psk_id=psk_id, sender=known)
    for exporter_context, length, value in case["exports"]:
        exported = context.export(bytes.fromhex(exporter_context), length)
        assert exported.expose().hex() == value


def test_the_vectors_have_every_mode() -> None:
    assert {case["mode"] for case in CASES} == {"Base", "PSK", "Auth", "AuthPSK"}
    assert len(CASES) == 24


@pytest.mark.parametrize("wrong", ["no sender", "another sender", "no PSK", "another PSK", "id"])
def test_a_seal_of_mode_auth_psk_opens_with_sender_and_psk_only(wrong: str) -> None:
    hpke, recipient, sender = hpke_of(OURS), pair(OURS, "R"), pair(OURS, "S")
    assert recipient is not None
    assert sender is not None
    info, aad, sealed, enc, psk, psk_id = hexes(OURS, "info", "aad", "ct", "enc", "psk", "psk_id")
    known: bytes | None = sender.public
    match wrong:
        case "no sender":
            known = None
        case "another sender":
            known = recipient.public
        case "no PSK":
            psk = psk_id = b""
        case "another PSK":
            psk = bytes(32)
        case _:
            psk_id = b"another"
    with pytest.raises(DecryptionFailed):
        hpke.open(enc, recipient, info, aad, sealed, psk=psk, psk_id=psk_id, sender=known)


@pytest.mark.parametrize("key", [bytes(32), bytes([1]) + bytes(31), b"short"])
def test_a_sender_of_small_order_or_no_key_is_none(key: bytes) -> None:
    suite = mls.ciphersuite(3)
    keys = suite.derive_key_pair(Secret(bytes(32)))
    with pytest.raises(InvalidPublicKey):
        suite.hpke.setup_receiver(keys.public, keys, b"", sender=key)
    with pytest.raises(DecryptionFailed):
        suite.hpke.open(keys.public, keys, b"", b"", bytes(48), sender=key)


def test_the_hybrid_kem_authenticates_no_sender() -> None:
    hpke = mls.ciphersuite(mls.POST_QUANTUM).hpke
    keys = hpke.derive_key_pair(Secret(bytes(32)))
    with pytest.raises(ValueError, match="authenticate"):
        hpke.seal(keys.public, b"", b"", b"", lambda n: bytes(n), sender=keys)
    with pytest.raises(ValueError, match="authenticate"):
        hpke.setup_receiver(bytes(1120), keys, b"", sender=keys.public)
