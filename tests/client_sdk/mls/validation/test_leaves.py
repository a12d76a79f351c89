"""Section 7.3: when a LeafNode is valid. Each test breaks one rule, with every signature right."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls.nodes import LeafNode

from tests.client_sdk.mls.support import NOW, capabilities, found, limits, person, room
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import SUITE, list_refused, refused

_X509 = mls.Credential(mls.CredentialType.X509, (b"certificate",))
_BOTH = replace(capabilities(), credentials=(1, 2))


def _add_refused(package: mls.KeyPackage, detail: str) -> None:
    """Neither does an honest member commit it, nor do others take it from a dishonest one."""
    these, add = room("bob", "carol"), mls.Add(package)
    with pytest.raises(mls.MLSError, match=detail):
        these["alice"].commit([add], now=NOW)
    staged = forging.lawless_commit(these["alice"], add)
    list_refused([these["bob"], these["carol"]], staged.message, detail)


def test_a_credential_that_policy_refuses() -> None:
    """7.3-1"""
    bob = person("bob", caps=_BOTH, credential=_X509)
    _add_refused(bob.bundle.key_package, "X.509 is not accepted")


def test_a_leaf_signed_by_another_key() -> None:
    """7.3-2"""
    package = forging.key_package_with_leaf(person("zoe"), resign=False, signature=bytes(64))
    _add_refused(package, "the signature does not verify")
    package = forging.key_package_with_leaf(
        person("zoe"), resign=False, credential=mls.Credential.basic(b"somebody else")
    )
    _add_refused(package, "the signature does not verify")


def test_a_leaf_without_a_required_capability() -> None:
    """7.3-3"""
    caps = capabilities(extensions=(0xF001,), proposals=(0xF002,))
    for required in (
        mls.RequiredCapabilities(extension_types=(0xF001,)),
        mls.RequiredCapabilities(proposal_types=(0xF002,)),
        mls.RequiredCapabilities(credential_types=(2,)),
    ):
        data = required.encode()
        extension = mls.Extension(mls.ExtensionType.REQUIRED_CAPABILITIES, data)
        able = replace(caps, credentials=(1, 2))
        alice, bob = found(caps=able, extensions=(extension,)), person("bob", caps=able)
        staged = alice.commit([bob.add], now=NOW)
        assert staged.welcome is not None
        alice, joined = staged.merge(), forging.join(staged.welcome, bob)
        forging.cannot_commit(alice, mls.InvalidLeaf, "a required capability", person("zoe").add)
        bad = forging.lawless_commit(alice, person("zoe").add)
        list_refused([joined], bad.message, "a member lacks a required capability")


def test_a_credential_type_that_others_do_not_support() -> None:
    """7.3-4"""
    policy = limits(accept_x509=True)
    these = room("bob", policy=policy)
    zoe = person("zoe", caps=_BOTH, credential=_X509)
    staged = forging.lawless_commit(these["alice"], zoe.add)
    list_refused([these["bob"]], staged.message, "a credential type that not all members support")


def test_a_member_that_does_not_support_a_credential_type_in_use() -> None:
    """7.3-5"""
    alice = found(caps=_BOTH, policy=limits(accept_x509=True))
    bob = person("bob", caps=_BOTH, credential=_X509)
    staged = alice.commit([bob.add], now=NOW)
    assert staged.welcome is not None
    joined = forging.join(staged.welcome, bob, policy=limits(accept_x509=True))
    bad = forging.lawless_commit(staged.merge(), person("zoe").add)
    list_refused([joined], bad.message, "a credential type that not all members support")


def test_a_credential_of_a_type_that_its_owner_does_not_list() -> None:
    """7.3-6"""
    zoe = person("zoe", caps=replace(capabilities(), credentials=(2,)))
    _add_refused(zoe.bundle.key_package, "the type is not among the capabilities")


def test_a_sender_of_a_key_package_looks_at_the_clock() -> None:
    """7.3-7"""
    alice, old = found(), person("old", lifetime=mls.Lifetime(1000, 2000))
    for now in (999, 2001):
        detail = "the lifetime does not include now"
        forging.cannot_commit(alice, mls.InvalidKeyPackage, detail, old.add, now=now)
        with pytest.raises(mls.InvalidKeyPackage, match=detail):
            alice.propose(old.add, now=now)
    assert alice.proposals == ()
    assert alice.commit([old.add], now=1000).added == (1,)


def test_a_joiner_looks_at_the_clock_and_a_follower_does_not() -> None:
    """7.3-8"""
    these = room("carol")
    bob = person("bob", lifetime=mls.Lifetime(1000, 2000))
    staged = these["alice"].commit([bob.add], now=1500)
    # Members with different clocks must not part over a commit.
    assert isinstance(these["carol"].receive(staged.message), mls.StagedCommit)
    welcome = staged.welcome
    assert welcome is not None
    forging.not_joined(
        mls.InvalidTree, "the lifetime", lambda: forging.join(welcome, bob, now=2001)
    )
    forging.join(welcome, bob, now=2000)


def test_a_lifetime_that_ends_before_it_begins_or_is_too_long() -> None:
    """7.3-9"""
    zoe = person("zoe", lifetime=mls.Lifetime(2000, 1000))
    _add_refused(zoe.bundle.key_package, "the lifetime is too long")
    policy = limits(max_lifetime=1000)
    for span, accepted in ((1000, True), (1001, False)):
        package = person("zoe", lifetime=mls.Lifetime(5, 5 + span)).bundle.key_package
        if accepted:
            package.verify(SUITE, policy, 5)
        else:
            with pytest.raises(mls.InvalidKeyPackage, match="the lifetime is too long"):
                package.verify(SUITE, policy, 5)


def test_a_leaf_extension_that_is_not_among_the_capabilities() -> None:
    """7.3-10"""
    zoe = person("zoe", leaf_extensions=(mls.Extension(0xF001, b""),))
    _add_refused(zoe.bundle.key_package, "an extension is not among the capabilities")


def test_a_leaf_extension_that_occurs_twice() -> None:
    """7.3-11"""
    one = mls.Extension(0xF001, b"")
    caps = capabilities(extensions=(0xF001,))
    zoe = person("zoe", caps=caps, leaf_extensions=(one, one))
    _add_refused(zoe.bundle.key_package, "an extension occurs twice")


def test_a_key_package_whose_leaf_is_of_another_source() -> None:
    """7.3-12"""
    package = forging.key_package_with_leaf(
        person("zoe"), source=mls.LeafNodeSource.UPDATE, lifetime=None
    )
    _add_refused(package, "its leaf is of another source")


@pytest.mark.parametrize("source", [mls.LeafNodeSource.KEY_PACKAGE, mls.LeafNodeSource.COMMIT])
def test_an_update_whose_leaf_is_of_another_source(source: mls.LeafNodeSource) -> None:
    """7.3-13"""
    these = room("bob", "carol")
    lifetime = mls.Lifetime.unlimited() if source is mls.LeafNodeSource.KEY_PACKAGE else None
    parent_hash = bytes(32) if source is mls.LeafNodeSource.COMMIT else None
    update = forging.update_of(
        these["bob"], source=source, lifetime=lifetime, parent_hash=parent_hash
    )
    _update_refused(these["alice"], these["carol"], these["bob"], update, "of another source")


def _update_refused(
    alice: mls.Group, carol: mls.Group, bob: mls.Group, update: mls.Update, detail: str
) -> None:
    ref = forging.send_proposal(bob, update, alice, carol)
    with pytest.raises(mls.MLSError, match=detail):
        alice.commit(references=[ref], now=NOW)
    staged = forging.lawless_commit(alice, references=[ref])
    list_refused([carol], staged.message, detail)


def test_an_update_that_keeps_its_key() -> None:
    """7.3-14"""
    these = room("bob", "carol")
    leaf = these["bob"].member(1)
    assert leaf is not None
    update = forging.update_of(these["bob"], encryption_key=leaf.encryption_key)
    detail = "an Update without a new key"
    _update_refused(these["alice"], these["carol"], these["bob"], update, detail)


def test_an_update_signed_for_another_place_or_group() -> None:
    """7.3-15"""
    these = room("bob", "carol")
    update = forging.update_of(these["bob"], resign=False)
    detail = "the signature does not verify"
    _update_refused(these["alice"], these["carol"], these["bob"], update, detail)


@pytest.mark.parametrize("source", [mls.LeafNodeSource.KEY_PACKAGE, mls.LeafNodeSource.UPDATE])
def test_a_path_whose_leaf_is_of_another_source(source: mls.LeafNodeSource) -> None:
    """7.3-16"""
    these = room("bob")
    lifetime = mls.Lifetime.unlimited() if source is mls.LeafNodeSource.KEY_PACKAGE else None

    def alter(leaf: LeafNode) -> LeafNode:
        return replace(leaf, source=source, lifetime=lifetime, parent_hash=None)

    staged = forging.commit_with_leaf(these["alice"], alter)
    refused(these["bob"], staged.message, mls.InvalidPath, "its leaf is of another source")


def test_a_signature_key_that_another_member_has() -> None:
    """7.3-17"""
    these = room("bob", "carol")
    again = person("again", these.people["bob"].signer)
    detail = "two members with one signature key"
    forging.cannot_commit(these["alice"], mls.InvalidLeaf, detail, again.add)
    staged = forging.lawless_commit(these["alice"], again.add)
    list_refused([these["bob"], these["carol"]], staged.message, detail)


def test_an_encryption_key_that_another_node_has() -> None:
    """7.3-18"""
    these = room("bob", "carol")
    leaf = these["alice"].member(1)
    assert leaf is not None
    package = forging.key_package_with_leaf(person("thief"), encryption_key=leaf.encryption_key)
    staged = forging.lawless_commit(these["alice"], mls.Add(package))
    list_refused([these["bob"]], staged.message, "two nodes with one encryption key")
    update = forging.update_of(these["carol"], encryption_key=leaf.encryption_key)
    ref = forging.send_proposal(these["carol"], update, these["alice"], these["bob"])
    staged = forging.lawless_commit(these["alice"], references=[ref])
    list_refused([these["bob"]], staged.message, "two nodes with one encryption key")


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), bytes(32)])
def test_an_encryption_key_that_is_none_of_the_suite(key: bytes) -> None:
    """7.3-19"""
    package = forging.key_package_with_leaf(person("zoe"), encryption_key=key)
    staged = room("bob")
    # No member could encrypt to it, so the commit is forged without a path or a Welcome.
    message = forging.pathless(staged["alice"], mls.Add(package))
    list_refused([staged["bob"]], message, "a key is not valid")


def test_a_leaf_that_does_not_support_an_extension_of_the_group() -> None:
    """7.3-20"""
    caps = capabilities(extensions=(0xF001,))
    alice = found(caps=caps, extensions=(mls.Extension(0xF001, b""),))
    bob = person("bob", caps=caps)
    staged = alice.commit([bob.add], now=NOW)
    assert staged.welcome is not None
    alice, joined = staged.merge(), forging.join(staged.welcome, bob)
    detail = "a member does not support an extension of the group"
    forging.cannot_commit(alice, mls.InvalidLeaf, detail, person("zoe").add)
    bad = forging.lawless_commit(alice, person("zoe").add)
    list_refused([joined], bad.message, detail)


def test_a_path_whose_leaf_breaks_any_of_these_rules() -> None:
    """7.3-21"""
    these = room("bob")
    alterations = [
        ({"extensions": (mls.Extension(0xF001, b""),)}, "an extension is not among"),
        ({"credential": _X509}, "X.509 is not accepted"),
        ({"capabilities": replace(capabilities(), credentials=(2,))}, "the type is not among"),
        ({"encryption_key": bytes(32)}, "a key is not valid"),
    ]
    for changes, detail in alterations:
        staged = forging.commit_with_leaf(
            these["alice"],
            # Mypy infers no lambda with defaults.
            lambda leaf, changes=changes: replace(leaf, **changes),  # type: ignore[misc]
        )
        refused(these["bob"], staged.message, mls.InvalidPath, detail)


def test_grease_in_a_leaf_is_ignored() -> None:
    """7.3-22"""
    caps = mls.Capabilities(
        versions=(1, *forging.GREASE),
        ciphersuites=(SUITE.number, *forging.GREASE),
        extensions=forging.GREASE,
        proposals=forging.GREASE,
        credentials=(1, *forging.GREASE),
    )
    extensions = tuple(mls.Extension(kind, os.urandom(9)) for kind in forging.GREASE)
    zoe = person("zoe", caps=caps, leaf_extensions=extensions)
    these = room("bob")
    these.settle("alice", these["alice"].commit([zoe.add], now=NOW), [zoe])
    these.settle("zoe", these["zoe"].commit(now=NOW))
    leaf = these["bob"].member(2)
    assert leaf is not None
    assert leaf.capabilities == caps
    assert leaf.extensions == extensions


def test_a_key_in_another_form_than_the_canonical_one() -> None:
    """7.3-24"""
    key = person("zoe").bundle.key_package.leaf_node.encryption_key
    flipped = key[:31] + bytes((key[31] ^ 0x80,))
    _add_refused(
        forging.key_package_with_leaf(person("zoe"), encryption_key=flipped), "a key is not valid"
    )
    these = room("bob", "carol")
    old = these["bob"].member(1)
    assert old is not None
    same = old.encryption_key[:31] + bytes((old.encryption_key[31] ^ 0x80,))
    update = forging.update_of(these["bob"], encryption_key=same)
    ref = forging.send_proposal(these["bob"], update, these["alice"], these["carol"])
    staged = forging.lawless_commit(these["alice"], references=[ref])
    forging.list_refused([these["carol"]], staged.message, "a key is not valid")
