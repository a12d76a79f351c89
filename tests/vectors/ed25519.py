"""Ed25519 at the edge: what the cofactorless equation with canonical S and R takes, and refuses.

Points of small order and sums with them are made here, since no honest signer makes one. The
verdict is that of `signature_holds`.
"""

import hashlib

from alcove_protocol.labels import Label
from alcove_protocol.statements import signature_holds
from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_is_valid_point,
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
)

from tests.vectors.parts import Case

ORDER = 2**252 + 27742317777372353535851937790883648493
FIELD = 2**255 - 19
TORSION = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
"""A point of order 8 (RFC 8032's curve)."""
IDENTITY = (1).to_bytes(32, "little")
ORDER_2 = (FIELD - 1).to_bytes(32, "little")
LABEL = Label.CHALLENGE
OTHER_MESSAGE = Label.END.bytes + b"body"


def _scalar(name: str) -> bytes:
    return crypto_core_ed25519_scalar_reduce(hashlib.sha512(name.encode()).digest())


def _hash(r: bytes, key: bytes, message: bytes) -> bytes:
    digest = hashlib.sha512(r + key + message).digest()
    return crypto_core_ed25519_scalar_reduce(digest)


def _base(scalar: bytes) -> bytes:
    return crypto_scalarmult_ed25519_base_noclamp(scalar)


def _signature(private: bytes, nonce: bytes, r: bytes, key: bytes, message: bytes) -> bytes:
    """S = nonce + k · private, for the claimed R and key."""
    k = _hash(r, key, message)
    return r + crypto_core_ed25519_scalar_add(nonce, crypto_core_ed25519_scalar_mul(k, private))


def _case(name: str, key: bytes, body: bytes, signature: bytes) -> Case:
    return {
        "name": name,
        "label": LABEL.value,
        "key": key.hex(),
        "body": body.hex(),
        "signature": signature.hex(),
        "holds": signature_holds(LABEL, body, signature, key),
    }


def _body_with(key: bytes, r: bytes, multiple: bool) -> bytes:
    """A body for which k is, or is not, a multiple of 8."""
    for number in range(1000):
        body = b"body %d" % number
        k = int.from_bytes(_hash(r, key, LABEL.bytes + body), "little")
        if (k % 8 == 0) is multiple:
            return body
    raise AssertionError("one in eight is a multiple of eight")


def cases() -> list[Case]:
    private, nonce = _scalar("private"), _scalar("nonce")
    key, r = _base(private), _base(nonce)
    body = b"body"
    message = LABEL.bytes + body
    good = _signature(private, nonce, r, key, message)
    s = int.from_bytes(good[32:], "little")
    torsion_r = crypto_core_ed25519_add(r, TORSION)
    mixed = crypto_core_ed25519_add(key, TORSION)
    aligned, unaligned = _body_with(mixed, r, True), _body_with(mixed, r, False)
    zero = bytes(32)
    assert crypto_core_ed25519_is_valid_point(key)
    found = [
        _case("honest", key, body, good),
        _case("another body", key, body + b"x", good),
        _case("another label", key, body, _signature(private, nonce, r, key, OTHER_MESSAGE)),
        _case("S + L", key, body, good[:32] + (s + ORDER).to_bytes(32, "little")),
        _case("S with its top bit", key, body, good[:63] + bytes([good[63] | 0x80])),
        _case("R with torsion", key, body, _signature(private, nonce, torsion_r, key, message)),
        _case("R is the identity", key, body, _signature(private, zero, IDENTITY, key, message)),
        _case("R of order 2", key, body, _signature(private, zero, ORDER_2, key, message)),
        _case("R not canonical", key, body, (FIELD + 1).to_bytes(32, "little") + good[32:]),
        _case("R on no curve", key, body, (2).to_bytes(32, "little") + good[32:]),
        _case(
            "a key with torsion, k a multiple of 8",
            mixed,
            aligned,
            _signature(private, nonce, r, mixed, LABEL.bytes + aligned),
        ),
        _case(
            "a key with torsion, k no multiple of 8",
            mixed,
            unaligned,
            _signature(private, nonce, r, mixed, LABEL.bytes + unaligned),
        ),
        _case("a key of order 8", TORSION, body, _signature(zero, nonce, r, TORSION, message)),
        _case("an identity key", IDENTITY, body, _signature(zero, nonce, r, IDENTITY, message)),
        _case("a key that is not canonical", (FIELD + 1).to_bytes(32, "little"), body, good),
        _case("a key on no curve", (2).to_bytes(32, "little"), body, good),
        _case("zeros", bytes(32), body, bytes(64)),
    ]
    return found


EXPECTED = {"honest", "a key with torsion, k a multiple of 8"}
"""Cases that hold. All others are refused."""


def check(case: Case) -> None:
    label = Label(case["label"])
    body, signature, key = (bytes.fromhex(case[name]) for name in ("body", "signature", "key"))
    assert signature_holds(label, body, signature, key) is case["holds"], case["name"]
    assert case["holds"] is (case["name"] in EXPECTED), case["name"]
