"""Sections 12.4.3 and 12.4.3.1: joining by a Welcome."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls import founding
from alcove.mls import welcome as welcome_module
from alcove.mls.framing import WireFormat, wrap
from alcove.mls.nodes import ParentNode
from alcove.mls.psk import psk_secret
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.welcome import GroupInfo, PathSecret

from tests.client_sdk.mls.support import NOW, Person, Room, capabilities, found, person, room
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import SUITE


def _refused(
    error: type[mls.MLSError], detail: str, message: bytes, who: Person, **how: Any
) -> None:
    forging.not_joined(error, detail, lambda: forging.join(message, who, **how))


def _altered(error: type[mls.MLSError], detail: str, **changes: Any) -> None:
    """A Welcome to a group of two whose signed GroupInfo has changed fields is refused."""
    zoe = person("zoe")
    message = forging.welcome_with(room("bob")["alice"], zoe, lambda i: replace(i, **changes))
    _refused(error, detail, message, zoe)


# -- GroupInfo (12.4.3)


def test_a_group_info_signed_by_another_key() -> None:
    """12.4.3-1"""
    _altered(mls.InvalidGroupInfo, "the signature does not verify", signer=1)


@pytest.mark.parametrize("index", [3, 8, 2**32 - 1])
def test_a_group_info_signed_by_a_blank_leaf(index: int) -> None:
    """12.4.3-2"""
    _altered(mls.InvalidGroupInfo, "its signer is no member", signer=index)


def test_a_group_that_one_is_in_already() -> None:
    """12.4.3-3"""
    these, zoe = room("bob"), person("zoe")
    message = these["alice"].commit([zoe.add], now=NOW).welcome
    assert message is not None
    known = {these["alice"].group_id}
    _refused(mls.InvalidWelcome, "one is in already", message, zoe, known_groups=known)
    info = these["alice"].group_info()
    detail = "of a group that one is in already"
    forging.not_joined(
        mls.InvalidGroupInfo,
        detail,
        lambda: forging.join_externally(info, known_groups=known),
    )
    signer = these.people["bob"].signer
    forging.join_externally(info, known_groups=known, signer=signer, remove=1)


def test_a_group_with_an_extension_that_the_newcomer_does_not_support() -> None:
    """12.4.3-4"""
    caps = capabilities(extensions=(0xF001,))
    alice = found(caps=caps, extensions=(mls.Extension(0xF001, b""),))
    zoe = person("zoe")
    staged = forging.lawless_commit(alice, zoe.add)
    assert staged.welcome is not None
    detail = "a member does not support an extension of the group"
    _refused(mls.InvalidTree, detail, staged.welcome, zoe)
    info = alice.group_info()
    forging.not_joined(mls.InvalidLeaf, detail, lambda: forging.join_externally(info))


def test_unknown_extensions_of_a_group_info_are_ignored() -> None:
    """12.4.3-5"""
    extensions = tuple(mls.Extension(kind, os.urandom(9)) for kind in forging.GREASE)
    these, zoe = room("bob"), person("zoe")
    staged = these["alice"].commit([zoe.add], group_info_extensions=extensions, now=NOW)
    these.settle("alice", staged, [zoe])
    info = these["alice"].group_info(extensions)
    assert forging.join_externally(info).is_external


def test_a_group_info_with_an_extension_twice() -> None:
    """12.4.3-6"""
    one = mls.Extension(0xF001, b"")
    these, zoe = room("bob"), person("zoe")

    def twice(info: GroupInfo) -> GroupInfo:
        return replace(info, extensions=(*info.extensions, one, one))

    message = forging.welcome_with(these["alice"], zoe, twice)
    _refused(mls.InvalidGroupInfo, "an extension occurs twice", message, zoe)
    with pytest.raises(mls.InvalidGroupInfo, match="occurs twice"):
        these["alice"].group_info((one, one))


# -- the Welcome itself (12.4.3.1)


def test_a_welcome_for_another_key_package() -> None:
    """12.4.3.1-1"""
    bob, zoe = person("bob"), person("zoe")
    message = found().commit([bob.add], now=NOW).welcome
    assert message is not None
    _refused(mls.NotForThisKeyPackage, "not for this KeyPackage", message, zoe)
    _refused(mls.NotForThisKeyPackage, "not for this KeyPackage", message, bob.renew())


def test_a_welcome_of_another_suite_than_the_key_packages() -> None:
    """12.4.3.1-2"""
    bob = person("bob")
    message = found().commit([bob.add], now=NOW).welcome
    assert message is not None
    welcome = replace(mls.Welcome.decode(message[4:]), cipher_suite=1)
    message = wrap(WireFormat.WELCOME, welcome.encode())
    _refused(mls.NotForThisKeyPackage, "another ciphersuite", message, bob)


@pytest.mark.parametrize("place", ["secrets", "info"])
def test_a_welcome_that_does_not_open(place: str) -> None:
    """12.4.3.1-3"""
    bob = person("bob")
    message = found().commit([bob.add], now=NOW).welcome
    assert message is not None
    welcome = mls.Welcome.decode(message[4:])
    if place == "info":
        data = bytearray(welcome.encrypted_group_info)
        data[-1] ^= 1
        welcome = replace(welcome, encrypted_group_info=bytes(data))
    else:
        (item,) = welcome.secrets
        box = mls.HpkeCiphertext(item.encrypted_group_secrets.kem_output, bytes(80))
        welcome = replace(welcome, secrets=(replace(item, encrypted_group_secrets=box),))
    message = wrap(WireFormat.WELCOME, welcome.encode())
    _refused(mls.InvalidWelcome, "it does not open", message, bob)


def test_a_welcome_with_a_pre_shared_key_that_is_not_at_hand() -> None:
    """12.4.3.1-4"""
    bob = person("bob")
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    store = mls.PskStore({b"id": mls.Secret(b"k" * 32)})
    message = found().commit([psk, bob.add], psks=store, now=NOW).welcome
    assert message is not None
    _refused(mls.PskMissing, "pre-shared key that is not at hand", message, bob)
    wrong = mls.PskStore({b"id": mls.Secret(b"z" * 32)})
    _refused(mls.InvalidWelcome, "it does not open", message, bob, psks=wrong)
    assert forging.join(message, bob, psks=store).epoch == 1


def test_a_welcome_that_continues_two_groups() -> None:
    """12.4.3.1-5"""
    these = room("bob")
    old, bob = these["alice"], person("bob")
    psks = [
        mls.PreSharedKeyID.of_epoch(SUITE, old.group_id, old.epoch, os.urandom, usage)
        for usage in (mls.ResumptionPSKUsage.BRANCH, mls.ResumptionPSKUsage.REINIT)
    ]
    store = mls.PskStore(resumption={(old.group_id, old.epoch): old.resumption_psk})
    assert psk_secret(SUITE, [(psk, old.resumption_psk) for psk in psks])
    proposals = [mls.PreSharedKey(psk) for psk in psks]
    group = found(group_id=b"branch")
    message = forging.lawless_commit(group, *proposals, bob.add, psks=store).welcome
    assert message is not None
    detail = "several pre-shared keys for founding a group"
    _refused(mls.InvalidWelcome, detail, message, bob, predecessor=these["bob"])


@pytest.mark.parametrize("same", [True, False])
def test_a_welcome_with_too_many_pre_shared_keys_or_one_twice(same: bool) -> None:
    """12.4.3.1-21: before any of them is looked for."""
    group, bob = found(), person("bob")
    psks = [mls.PreSharedKeyID.external(SUITE, b"id", os.urandom) for _ in range(129)]
    psks = [psks[0]] * 2 if same else psks
    store = mls.PskStore({b"id": mls.Secret(b"k" * 32)})
    proposals = [mls.PreSharedKey(psk) for psk in psks]
    message = forging.lawless_commit(group, *proposals, bob.add, psks=store).welcome
    assert message is not None
    detail = "one pre-shared key twice" if same else "too many pre-shared keys"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mls.PskStore, "find", None)  # nothing is looked for
        _refused(mls.InvalidWelcome, detail, message, bob, psks=store)


def test_a_group_info_of_another_version_or_suite() -> None:
    """12.4.3.1-6"""
    both: tuple[dict[str, Any], ...] = ({"version": 2}, {"cipher_suite": 1})
    for changes in both:
        these, zoe = room("bob"), person("zoe")

        def alter(info: GroupInfo, changes: dict[str, Any] = changes) -> GroupInfo:
            return replace(info, group_context=replace(info.group_context, **changes))

        message = forging.welcome_with(these["alice"], zoe, alter)
        _refused(mls.InvalidGroupInfo, "another version or ciphersuite", message, zoe)


def test_a_tree_that_is_not_the_one_of_the_group() -> None:
    """12.4.3.1-7"""
    these, zoe = room("bob", "carol"), person("zoe")
    staged = these["alice"].commit([zoe.add], with_tree=False, now=NOW)
    assert staged.welcome is not None
    old = these["alice"].ratchet_tree()
    detail = "not the tree that the GroupContext names"
    _refused(mls.InvalidTree, detail, staged.welcome, zoe, ratchet_tree=old)
    forging.join(staged.welcome, zoe, ratchet_tree=staged.merge().ratchet_tree())


def test_a_tree_with_an_invalid_leaf() -> None:
    """12.4.3.1-8"""
    for changes, detail in (
        ({"signature": bytes(64)}, "the signature does not verify"),
        ({"credential": mls.Credential.basic(b"other")}, "the signature does not verify"),
        ({"extensions": (mls.Extension(0xF001, b""),)}, "not among the capabilities"),
    ):
        these, zoe = room("bob"), person("zoe")

        def alter(tree: RatchetTree, changes: dict[str, Any] = changes) -> None:
            leaf = tree.leaf(1)
            assert leaf is not None
            tree.set_leaf(1, replace(leaf, **changes))

        message = forging.welcome_to_tree(these["alice"], zoe, alter)
        _refused(mls.InvalidTree, detail, message, zoe)


def _settled() -> Room:
    these = room("bob", "carol", "dave")
    these.settle("alice", these["alice"].commit(now=NOW))
    these.settle("carol", these["carol"].commit(now=NOW))
    return these


@pytest.mark.parametrize("entries", [(4,), (400,), (2,), (1, 0), (1, 1)])
def test_an_unmerged_leaf_that_is_no_member_below_its_node(entries: tuple[int, ...]) -> None:
    """12.4.3.1-9"""
    these, zoe = _settled(), person("zoe")

    def alter(tree: RatchetTree) -> None:
        node = tree.nodes[1]
        assert isinstance(node, ParentNode)
        tree.set_parent(1, replace(node, unmerged_leaves=entries))

    message = forging.welcome_to_tree(these["alice"], zoe, alter)
    detail = "unmerged leaves are not in order" if entries[0] == 1 else "no member below its node"
    _refused(mls.InvalidTree, detail, message, zoe)


def test_an_unmerged_leaf_unknown_to_a_node_between() -> None:
    """12.4.3.1-10"""
    these, zoe = _settled(), person("zoe")

    def alter(tree: RatchetTree) -> None:
        node = tree.nodes[3]
        assert isinstance(node, ParentNode)
        tree.set_parent(3, replace(node, unmerged_leaves=(1, *node.unmerged_leaves)))

    message = forging.welcome_to_tree(these["alice"], zoe, alter)
    _refused(mls.InvalidTree, "an unmerged leaf is unknown to a node between", message, zoe)


def test_a_parent_key_that_another_node_has() -> None:
    """12.4.3.1-11"""
    these, zoe = _settled(), person("zoe")

    def alter(tree: RatchetTree) -> None:
        one, other = tree.nodes[1], tree.nodes[5]
        assert isinstance(one, ParentNode)
        assert isinstance(other, ParentNode)
        tree.set_parent(1, replace(one, encryption_key=other.encryption_key))

    message = forging.welcome_to_tree(these["alice"], zoe, alter)
    _refused(mls.InvalidTree, "two nodes with one encryption key", message, zoe)


def test_a_tree_with_one_signature_key_twice() -> None:
    """12.4.3.1-12"""
    these = room("bob")
    zoe = person("zoe", these.people["bob"].signer)
    message = forging.lawless_commit(these["alice"], zoe.add).welcome
    assert message is not None
    _refused(mls.InvalidTree, "two members with one signature key", message, zoe)


def test_a_tree_with_a_parent_key_that_is_none_of_the_suite() -> None:
    """12.4.3.1-13"""
    these, zoe = room("bob", "carol"), person("zoe")
    real: Any = forging.create_commit.set_path

    def weak(suite: Any, tree: RatchetTree, leaf: int, steps: Any, keys: list[bytes]) -> bytes:
        return bytes(real(suite, tree, leaf, steps, [bytes(32), *keys[1:]]))

    with forging.lawless() as patch:
        patch.setattr(forging.create_commit, "set_path", weak)
        message = these["alice"].commit([zoe.add], force_path=True, now=NOW).welcome
    assert message is not None
    _refused(mls.InvalidTree, "A public key is not valid", message, zoe)


def test_a_tree_without_the_newcomer() -> None:
    """12.4.3.1-14"""
    these, zoe = room("bob"), person("zoe")
    real: Any = forging.create_commit.apply_list
    other = person("other").bundle.key_package.leaf_node

    def apply(rules: Any, items: Any) -> Any:
        applied = real(rules, items)
        applied.tree.set_leaf(2, other)
        return applied

    with forging.lawless() as patch:
        patch.setattr(forging.create_commit, "apply_list", apply)
        message = these["alice"].commit([zoe.add], now=NOW).welcome
    assert message is not None
    _refused(mls.InvalidWelcome, "the new member is not in the tree", message, zoe)


@pytest.mark.parametrize(
    ("secret", "detail"),
    [
        (PathSecret(mls.Secret(bytes(32))), "a path secret of other keys than the tree's"),
        (None, "keys above the new member are missing"),
    ],
)
def test_a_path_secret_of_other_keys_or_missing(secret: PathSecret | None, detail: str) -> None:
    """12.4.3.1-15"""
    these, zoe = room("bob"), person("zoe")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(welcome_module, "_path_secret_for", lambda _transition, _leaf: secret)
        message = these["alice"].commit([zoe.add], force_path=True, now=NOW).welcome
    assert message is not None
    _refused(mls.InvalidWelcome, detail, message, zoe)


def test_a_path_secret_for_a_blank_node() -> None:
    """12.4.3.1-16"""
    these, zoe = room("bob"), person("zoe")
    secret = PathSecret(mls.Secret(bytes(32)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(welcome_module, "_path_secret_for", lambda _transition, _leaf: secret)
        staged = these["alice"].commit([zoe.add], now=NOW)
    assert staged.welcome is not None
    assert not staged.has_path
    _refused(mls.InvalidWelcome, "a path secret for a blank node", staged.welcome, zoe)


def test_a_group_info_with_a_false_confirmation_tag() -> None:
    """12.4.3.1-17"""
    _altered(mls.InvalidWelcome, "the confirmation tag is wrong", confirmation_tag=bytes(32))
    _altered(mls.InvalidWelcome, "the confirmation tag is wrong", confirmation_tag=b"")


def test_a_group_info_signed_by_the_newcomer_itself() -> None:
    """12.4.3.1-18"""
    these, zoe = room("bob"), person("zoe")
    real: Any = welcome_module.sign_group_info
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            welcome_module,
            "sign_group_info",
            lambda suite, _key, _index, *rest: real(suite, zoe.signer, 2, *rest),
        )
        message = these["alice"].commit([zoe.add], now=NOW).welcome
    assert message is not None
    _refused(mls.InvalidWelcome, "signed by the new member itself", message, zoe)


def test_a_welcome_opened_with_another_signature_key() -> None:
    """12.4.3.1-19"""
    bob = person("bob")
    message = found().commit([bob.add], now=NOW).welcome
    assert message is not None
    other = replace(bob, signer=SUITE.signature_keypair(os.urandom))
    _refused(mls.InvalidWelcome, "the KeyPackage is of another signature key", message, other)


def test_a_message_that_is_no_welcome() -> None:
    """12.4.3.1-20"""
    alice, bob = found(), person("bob")
    _refused(mls.InvalidWelcome, "not a Welcome", alice.group_info(), bob)


@pytest.mark.parametrize(
    ("extensions", "detail"),
    [
        ((mls.Extension(5, b"\xff\xff garbage"),), "prefix 11"),
        ((mls.Extension(3, b"\x00"),), "truncated"),
        ((mls.Extension(2, b"junk"), mls.Extension(4, b"junk")), "does not belong"),
        (
            (mls.Extension(2, b"junk"), mls.Extension(4, b"junk"), mls.Extension(1, b"x")),
            "does not belong",
        ),
        ((mls.Extension(1, b"x"),), "does not belong"),
        ((mls.Extension(3, bytes(3)), mls.Extension(3, bytes(3))), "occurs twice"),
    ],
)
def test_a_group_whose_extensions_a_member_would_refuse(
    extensions: tuple[mls.Extension, ...], detail: str
) -> None:
    """12.4.3-7"""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("check_extensions", "check_members"):
            patch.setattr(founding, name, lambda *_judged, **_how: None)
        alice = found(extensions=extensions)
    zoe = person("zoe")
    with forging.lawless():
        message = alice.commit([zoe.add], now=NOW).welcome
    assert message is not None
    info = alice.group_info()
    for join in (lambda: forging.join(message, zoe), lambda: forging.join_externally(info)):
        forging.not_joined(mls.InvalidGroupInfo, detail, join)
