"""Public keys that no honest member has, for every curve that a suite lists.

Under a signature key of small order anybody can sign, and what is encrypted to one opens for all.
Where a curve has no such point, or the library refuses it, the test says so by trying.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.openssl import Ed448
from alcove.mls.sodium import _SMALL_ORDER

from tests.client_sdk.mls.support import NOW, POLICY, SUITE, person, room
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import refused

P25519, P448 = 2**255 - 19, 2**448 - 2**224 - 1
SUITES = [1, 2, 3, 4, 5, 6, 7, mls.POST_QUANTUM]


def _double(y: int, d: int, a: int, p: int) -> int | None:
    """The y of twice a point of a·x² + y² = 1 + d·x²·y². None when no point has this y."""
    x2 = (1 - y * y) * pow(a - d * y * y, -1, p) % p
    if x2 and pow(x2, (p - 1) // 2, p) != 1:
        return None
    return (y * y - a * x2) * pow(2 - a * x2 - y * y, -1, p) % p


def _order(y: int, d: int, a: int, p: int) -> int:
    """The order of a point as a power of two, by doubling it until it is neutral."""
    order = 1
    while y != 1:
        following = _double(y, d, a, p)
        assert following is not None
        y, order = following, 2 * order
        assert order <= 8
    return order


ED25519 = (-121665 * pow(121666, -1, P25519) % P25519, -1, P25519)
ED448 = (-39081 % P448, 1, P448)
Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL_ED25519 = [0, 1, P25519 - 1, Y8, P25519 - Y8]
SMALL_ED448 = [0, 1, P448 - 1]


def test_the_points_of_small_order_are_these() -> None:
    """The cofactors are 8 and 4. The neutral point and that of order 2 have one x each, all others
    two, so these are all eight and all four."""
    assert sorted(_order(y, *ED25519) for y in SMALL_ED25519) == [1, 2, 4, 8, 8]
    assert sorted(_order(y, *ED448) for y in SMALL_ED448) == [1, 2, 4]


@pytest.mark.parametrize("number", SUITES)
def test_a_key_that_the_suite_makes_is_good(number: int) -> None:
    suite = mls.ciphersuite(number)
    for _ in range(5):
        suite.signatures.check(suite.signature_keypair(os.urandom).public)
        suite.hpke.kem.check(suite.hpke_keypair(os.urandom).public)


def _bad_signature_keys(suite: CipherSuite) -> list[bytes]:
    size = len(suite.signature_keypair(os.urandom).public)
    if size == 57:
        ys, prime, sign = SMALL_ED448, P448, 2**455
    elif size == 32:
        ys, prime, sign = SMALL_ED25519, P25519, 2**255
    else:  # a NIST curve has prime order, and the neutral point no uncompressed form
        return [bytes(size), b"\x04" + bytes(size - 1), b"\x00", b"\x02" + bytes(size // 2)]
    beyond = [prime + y for y in (0, 1, 3)]
    return [(y | bit).to_bytes(size, "little") for y in (*ys, *beyond) for bit in (0, sign)]


@pytest.mark.parametrize("number", SUITES)
def test_a_signature_key_of_small_order_is_none(number: int) -> None:
    suite = mls.ciphersuite(number)
    good = suite.signature_keypair(os.urandom).public
    for key in (*_bad_signature_keys(suite), good[:-1], good + b"\x00", b""):
        with pytest.raises(mls.InvalidPublicKey):
            suite.signatures.check(key)


@pytest.mark.parametrize("number", SUITES)
def test_an_encryption_key_of_small_order_is_none(number: int) -> None:
    suite = mls.ciphersuite(number)
    good = suite.hpke_keypair(os.urandom).public
    size = {133: 133, 97: 97, 65: 65, 56: 56}.get(len(good), 32)
    head = good[: len(good) - size]  # of the post-quantum suite: the lattice's half
    bad = [bytes(size), b"\x01" + bytes(size - 1), b"\x04" + bytes(size - 1)]
    if size in (32, 56):
        prime = P448 if size == 56 else P25519
        bad = [y.to_bytes(size, "little") for y in (0, 1, prime - 1, prime, prime + 1)]
    for key in (*(head + one for one in bad), good[:-1], good + b"\x00", b""):
        with pytest.raises(mls.InvalidPublicKey):
            suite.hpke.kem.check(key)


def test_openssl_takes_a_signature_that_anybody_made_under_such_a_key() -> None:
    """So it is the check of the key that keeps it out, and not the verification."""
    for text in (b"any text", b"at all"):
        assert Ed448().verify(bytes(57), text, bytes(114))
    with pytest.raises(mls.InvalidPublicKey, match="small order"):
        Ed448().check(bytes(57))


def test_a_key_package_that_anybody_could_have_signed_is_refused() -> None:
    suite = mls.ciphersuite(4)
    package = person("mallory", suite=suite).bundle.key_package
    leaf = replace(package.leaf_node, signature_key=bytes(57), signature=bytes(114))
    package = replace(package, leaf_node=leaf, signature=bytes(114))
    with pytest.raises(mls.InvalidKeyPackage, match="a key is not valid"):
        package.verify(suite, POLICY, NOW)


# -- encodings of one key


@pytest.mark.parametrize("point", sorted(_SMALL_ORDER))
@pytest.mark.parametrize("bit", [0, 2**255])
def test_a_point_of_small_order_is_no_key_in_any_encoding(point: int, bit: int) -> None:
    encoding = (point | bit).to_bytes(32, "little")
    for suite in (SUITE, mls.ciphersuite(1)):
        with pytest.raises(mls.InvalidPublicKey, match="small order"):
            suite.hpke.kem.check(encoding)


@pytest.mark.parametrize("number", [1, 3, 4, mls.POST_QUANTUM])
def test_a_key_has_one_encoding(number: int) -> None:
    suite = mls.ciphersuite(number)
    public = suite.hpke_keypair(os.urandom).public
    suite.hpke.kem.check(public)
    if number != 4:
        with pytest.raises(mls.InvalidPublicKey, match="canonical"):
            suite.hpke.kem.check(public[:-1] + bytes((public[-1] | 0x80,)))
    prime, size = (2**448 - 2**224 - 1, 56) if number == 4 else (2**255 - 19, 32)
    # Five is on the curve or its twist, and so is its other encoding, beyond the prime.
    beyond = (prime + 5).to_bytes(size, "little")
    with pytest.raises(mls.InvalidPublicKey, match="canonical"):
        suite.hpke.kem.check(public[: len(public) - size] + beyond)


def test_an_old_key_with_its_unused_bit_set_is_no_new_key() -> None:
    these = room("bob", "carol")
    old = these["bob"].member(1)
    assert old is not None
    key = old.encryption_key
    flipped = key[:31] + bytes((key[31] ^ 0x80,))
    update = forging.update_of(these["bob"], encryption_key=flipped)
    ref = forging.send_proposal(these["bob"], update, these["alice"], these["carol"])
    with pytest.raises(mls.InvalidLeaf, match="a key is not valid"):
        these["alice"].commit((), [ref], now=NOW)
    staged = forging.commit_with_leaf(
        these["bob"], lambda leaf: replace(leaf, encryption_key=flipped)
    )
    refused(these["alice"], staged.message, mls.InvalidPath, "a key is not valid")
