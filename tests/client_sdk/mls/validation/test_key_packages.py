"""Sections 10 and 10.1: when a KeyPackage is valid."""

from __future__ import annotations

import os
from typing import Any

import pytest
from alcove import mls
from alcove.mls.framing import WireFormat, unwrap, wrap

from tests.client_sdk.mls.support import NOW, POLICY, person, room
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import SUITE, list_refused


def _refused(package: mls.KeyPackage, detail: str) -> None:
    these = room("bob")
    add = mls.Add(package)
    with pytest.raises(mls.InvalidKeyPackage, match=detail):
        package.verify(SUITE, POLICY, NOW)
    forging.cannot_commit(these["alice"], mls.InvalidKeyPackage, detail, add)
    with pytest.raises(mls.InvalidKeyPackage, match=detail):
        these["alice"].propose(add, now=NOW)
    list_refused([these["bob"]], forging.pathless(these["alice"], add), detail)


def test_a_key_package_for_another_version_or_suite() -> None:
    """10.1-1"""
    alterations: list[dict[str, Any]] = [
        {"version": 2},
        {"cipher_suite": 1},
        {"cipher_suite": 0x0A0A},
    ]
    for changes in alterations:
        package = forging.key_package(person("zoe"), **changes)
        _refused(package, "for another version or ciphersuite")


def test_a_key_package_whose_leaf_is_invalid() -> None:
    """10.1-2"""
    package = forging.key_package_with_leaf(person("zoe"), resign=False, signature=bytes(64))
    _refused(package, "the signature does not verify")


def test_a_key_package_that_is_not_signed_by_its_leafs_key() -> None:
    """10.1-3"""
    package = forging.key_package(person("zoe"), resign=False, signature=bytes(64))
    _refused(package, "A signature does not verify")
    other = SUITE.hpke_keypair(os.urandom).public
    package = forging.key_package(person("zoe"), resign=False, init_key=other)
    _refused(package, "A signature does not verify")


def test_a_key_package_with_one_key_for_two_uses() -> None:
    """10.1-4"""
    zoe = person("zoe")
    key = zoe.bundle.key_package.leaf_node.encryption_key
    _refused(forging.key_package(zoe, init_key=key), "one key for two uses")


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(32)])
def test_a_key_package_whose_init_key_is_none_of_the_suite(key: bytes) -> None:
    """10.1-5"""
    _refused(forging.key_package(person("zoe"), init_key=key), "A public key is not valid")


def test_a_key_package_with_an_extension_twice() -> None:
    """10.1-6"""
    one = mls.Extension(0x0A0A, b"")
    _refused(forging.key_package(person("zoe"), extensions=(one, one)), "occurs twice")


def test_a_key_package_in_a_message_of_another_version() -> None:
    """10.1-7"""
    message = wrap(WireFormat.KEY_PACKAGE, person("zoe").bundle.key_package.encode())
    assert unwrap(message)[0] is WireFormat.KEY_PACKAGE
    with pytest.raises(mls.MalformedMessage, match="another protocol version"):
        unwrap(b"\x00\x02" + message[2:])


def test_unknown_extensions_of_a_key_package_are_ignored() -> None:
    """10.1-8"""
    zoe = person("zoe")
    extensions = tuple(mls.Extension(kind, os.urandom(9)) for kind in forging.GREASE)
    package = forging.key_package(zoe, extensions=extensions)
    package.verify(SUITE, POLICY, NOW)
    these = room("bob")
    staged = these["alice"].commit([mls.Add(package)], now=NOW)
    assert isinstance(these["bob"].receive(staged.message), mls.StagedCommit)
