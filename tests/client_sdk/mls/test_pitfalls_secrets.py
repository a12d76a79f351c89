"""Fifteen pitfalls, 13 to 15, and beside them: secrets, state and keys."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls import (
    create_commit,
    key_schedule,
    transition,
    treekem,
    welcome,
)
from alcove.mls import epoch as epoch_module
from alcove.mls.codec import uint8
from alcove.mls.framing import (
    Sender,
    WireFormat,
    wrap,
)
from alcove.mls.nodes import ParentNode
from alcove.mls.proposals import Commit
from alcove.mls.psk import psk_secret
from alcove.mls.welcome import group_info, sign_group_info

from tests.client_sdk.mls.dishonesty import Patch, commit_badly, pathless, refused
from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    capabilities,
    epoch_of,
    forge,
    found,
    limits,
    person,
    room,
    seal,
)

# 13. the exporter hashes its context (8.5); PSK chain order (8.4)


def test_13_the_exporter_hashes_its_context() -> None:
    group = room("bob")["alice"]
    exporter = epoch_of(group).secrets.exporter_secret
    derived = SUITE.derive_secret(exporter, "label")
    right = SUITE.expand_with_label(derived, "exported", SUITE.hash(b"context"), 32)
    wrong = SUITE.expand_with_label(derived, "exported", b"context", 32)
    assert group.export("label", b"context", 32) == right
    assert group.export("label", b"context", 32) != wrong
    assert group.export("label", b"other", 32) != right
    assert len(group.export("label", b"context", 48)) == 48


def test_13_psks_chained_in_another_order_are_refused() -> None:
    these = room("bob")
    store = mls.PskStore({b"one": mls.Secret(b"1" * 32), b"two": mls.Secret(b"2" * 32)})
    psks = [
        mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, name, os.urandom))
        for name in (b"one", b"two")
    ]
    with Patch.context() as misbehave:
        misbehave.setattr(
            transition, "psk_secret", lambda suite, found: psk_secret(suite, found[::-1])
        )
        staged = these["alice"].commit(psks, psks=store, now=NOW)
    with pytest.raises(mls.PskMismatch):
        these["bob"].receive(staged.message, store)


# 14. verify everything on a copy before state changes; delete used keys at once (9.2)


def test_14_a_refused_commit_changes_nothing_and_the_next_is_taken() -> None:
    these = room("bob", "carol")
    ref = these.propose_update("carol")

    def patch(misbehave: Patch) -> None:
        misbehave.setattr(create_commit, "derive_epoch", _with_another_key(transition.derive_epoch))

    staged = commit_badly(these["alice"], patch, references=[ref])
    for name in ("bob", "carol"):
        refused(these[name], staged.message, mls.ConfirmationMismatch)
    these.agree()
    staged.drop()
    these.settle("alice", these["alice"].commit(references=[ref], now=NOW))


def _with_another_key(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(*arguments: Any) -> Any:
        context, joiner, secrets = real(*arguments)
        return context, joiner, replace(secrets, confirmation_key=mls.Secret(bytes(32)))

    return wrong


def test_14_a_used_key_is_gone() -> None:
    these = room("bob")
    message = these["alice"].encrypt(b"once")
    these["bob"].receive(message)
    refused(these["bob"], message, mls.GenerationConsumed)
    with pytest.raises(mls.OwnMessage):
        these["alice"].receive(message)


def test_14_a_forged_message_does_not_burn_the_key_of_whom_it_names() -> None:
    these = room("bob", "carol")
    # Carol knows every ratchet of the epoch; she sends in Alice's name, without her signature.
    alice = Sender.member(these.index("alice"))
    forged = seal(these["carol"], forge(these["carol"], b"forged", sender=alice))
    honest = these["alice"].encrypt(b"honest")
    refused(these["bob"], forged, mls.InvalidSignature)
    received = these["bob"].receive(honest)
    assert isinstance(received, mls.ReceivedApplication)
    assert received.plaintext == b"honest"


def test_14_secrets_on_the_way_to_a_used_key_are_deleted() -> None:
    these = room("bob", "carol", "dave")
    these["bob"].receive(these["carol"].encrypt(b"text"))
    tree = epoch_of(these["bob"]).secret_tree
    # Of the tree of four leaves, the root, Carol's parent and Carol's leaf are consumed.
    assert sorted(tree._nodes) == [1, 6]
    assert epoch_of(these["bob"]).secrets.encryption_secret.wiped


def test_14_old_keys_are_not_carried_into_the_next_epoch() -> None:
    these = room("bob", "carol")
    these.settle("alice", these["alice"].commit(now=NOW))
    old = epoch_of(these["bob"])
    before = {index: secret.expose() for index, secret in old.private.items()}
    these.settle("alice", these["alice"].commit(now=NOW))
    new = epoch_of(these["bob"])
    assert new.private[2].expose() == before[2]
    assert new.private[1].expose() != before[1]
    these.settle("alice", these["alice"].commit([mls.Remove(these.index("carol"))], now=NOW))
    private = epoch_of(these["bob"]).private
    assert set(private) == {1, 2}
    assert treekem.private_keys_match(SUITE, epoch_of(these["bob"]).tree, private)


# 15. key uniqueness; Welcome and GroupInfo signer index; `external_pub` (7.3, 12.4.3)


def test_15_a_key_may_occur_once_in_the_tree() -> None:
    these = room("bob", "carol")
    alice, bob = these["alice"], these.people["bob"]
    with pytest.raises(mls.InvalidLeaf):
        alice.commit([bob.renew().add], now=NOW)  # Bob's signature key is there already
    thief = person("thief")
    stolen = these["bob"].member(1)
    assert stolen is not None
    with Patch.context() as misbehave:
        keys = mls.HpkeKeyPair(mls.Secret(bytes(32)), stolen.encryption_key)
        misbehave.setattr(type(SUITE), "hpke_keypair", lambda _suite, _rng: keys)
        signer = SUITE.signature_keypair(os.urandom)
        with pytest.raises(mls.InvalidKeyPackage):
            person("thief", signer).bundle.key_package.verify(
                SUITE, POLICY, NOW
            )  # init key = leaf key
    leaf = replace(thief.bundle.key_package.leaf_node, encryption_key=stolen.encryption_key)
    signature = SUITE.sign_with_label(thief.signer, "LeafNodeTBS", leaf.tbs(b"", 0))
    leaf = replace(leaf, signature=signature)
    package = replace(thief.bundle.key_package, leaf_node=leaf)
    signature = SUITE.sign_with_label(thief.signer, "KeyPackageTBS", package.tbs())
    package = replace(package, signature=signature)
    package.verify(SUITE, POLICY, NOW)
    with pytest.raises(mls.InvalidLeaf):
        alice.commit([mls.Add(package)], now=NOW)
    refused(these["bob"], pathless(alice, mls.Add(package)), mls.InvalidProposalList)


def test_15_a_path_with_a_key_that_is_in_the_tree_is_refused() -> None:
    these = room("bob", "carol", "dave")
    these.settle("bob", these["bob"].commit(now=NOW))
    stolen = epoch_of(these["alice"]).tree.nodes[3]
    assert isinstance(stolen, ParentNode)

    def patch(misbehave: Patch) -> None:
        keys = mls.HpkeKeyPair(mls.Secret(bytes(32)), stolen.encryption_key)
        misbehave.setattr(type(SUITE), "hpke_keypair", lambda _suite, _rng: keys)

    staged = commit_badly(these["alice"], patch)
    refused(these["bob"], staged.message, mls.InvalidPath)


def test_15_a_welcome_signed_by_a_blank_leaf_or_another_is_refused() -> None:
    for signer_index in (1, 2, 7, 400):
        alice, bob = found(), person("bob")

        def patch(misbehave: Patch, index: int = signer_index) -> None:
            misbehave.setattr(
                welcome,
                "sign_group_info",
                lambda suite, key, _own, *rest: sign_group_info(suite, key, index, *rest),
            )

        staged = commit_badly(alice, patch, proposals=[bob.add])
        assert staged.welcome is not None
        with pytest.raises(mls.InvalidGroupInfo):
            mls.Group.join(staged.welcome, bob.bundle, bob.signer, policy=POLICY, now=NOW)


def test_15_a_welcome_for_another_or_altered_is_refused() -> None:
    alice, bob, carol = found(), person("bob"), person("carol")
    staged = alice.commit([bob.add], now=NOW)
    assert staged.welcome is not None
    with pytest.raises(mls.NotForThisKeyPackage):
        mls.Group.join(staged.welcome, carol.bundle, carol.signer, policy=POLICY, now=NOW)
    for place in range(len(staged.welcome) - 40, len(staged.welcome), 7):
        altered = bytearray(staged.welcome)
        altered[place] ^= 1
        with pytest.raises(mls.MLSError):
            mls.Group.join(bytes(altered), bob.bundle, bob.signer, policy=POLICY, now=NOW)
    mls.Group.join(staged.welcome, bob.bundle, bob.signer, policy=POLICY, now=NOW)
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(
            staged.welcome,
            bob.bundle,
            bob.signer,
            known_groups={alice.group_id},
            policy=POLICY,
            now=NOW,
        )


def test_15_a_welcome_with_a_false_confirmation_tag_is_refused() -> None:
    alice, bob = found(), person("bob")

    def patch(misbehave: Patch) -> None:
        real = epoch_module.begin_epoch
        misbehave.setattr(
            create_commit,
            "begin_epoch",
            lambda me, context, tree, secrets, _tag, reinit: real(
                me, context, tree, secrets, bytes(32), reinit
            ),
        )

    staged = commit_badly(alice, patch, proposals=[bob.add])
    assert staged.welcome is not None
    with pytest.raises(mls.InvalidWelcome):
        mls.Group.join(staged.welcome, bob.bundle, bob.signer, policy=POLICY, now=NOW)


def test_15_external_pub_is_a_length_prefixed_vector() -> None:
    alice = found()
    epoch = epoch_of(alice)
    info = group_info(epoch, (), with_tree=True, with_external_pub=True)
    public_key = key_schedule.external_key_pair(SUITE, epoch.secrets).public
    extension = info.extension(mls.ExtensionType.EXTERNAL_PUB)
    assert extension == uint8.write(32) + public_key

    def join(extensions: tuple[mls.Extension, ...], signer: int = 0) -> mls.StagedCommit:
        false = sign_group_info(
            SUITE, epoch.signer, signer, epoch.context, extensions, epoch.confirmation_tag
        )
        return mls.Group.join_externally(
            wrap(WireFormat.GROUP_INFO, false.encode()),
            SUITE.signature_keypair(os.urandom),
            mls.Credential.basic(b"zoe"),
            capabilities(),
            policy=POLICY,
            now=NOW,
        )

    tree = mls.Extension(mls.ExtensionType.RATCHET_TREE, alice.ratchet_tree())
    bare = mls.Extension(mls.ExtensionType.EXTERNAL_PUB, public_key)
    with pytest.raises(mls.MalformedMessage):
        join((tree, bare))
    with pytest.raises(mls.InvalidGroupInfo):
        join((tree,))
    with pytest.raises(mls.InvalidGroupInfo):
        join((tree, mls.Extension(mls.ExtensionType.EXTERNAL_PUB, extension)), signer=1)
    join((tree, mls.Extension(mls.ExtensionType.EXTERNAL_PUB, extension)))


# Beside the fifteen: a fault that all see burns, a fault that one sees holds (protocol.md, 6)


def test_a_path_secret_of_other_keys_holds_only_its_receiver() -> None:
    these = room("bob", "carol", "dave")

    def patch(misbehave: Patch) -> None:
        original = SUITE.hpke.sealer

        def sealer(info: bytes) -> Any:
            seal = original(info)

            def seal_wrongly(public: bytes, plaintext: bytes, rng: Any) -> Any:
                bob = these["alice"].member(1)
                assert bob is not None
                if public == bob.encryption_key:
                    plaintext = bytes(32)
                return seal(public, plaintext, rng)

            return seal_wrongly

        misbehave.setattr(SUITE.hpke, "sealer", sealer)

    staged = commit_badly(these["alice"], patch)
    refused(these["bob"], staged.message, mls.PathKeyMismatch)
    carol = these["carol"].receive(staged.message)
    assert isinstance(carol, mls.StagedCommit)
    assert carol.epoch_authenticator == staged.epoch_authenticator


def test_a_commit_whose_signature_is_wrong_is_burned() -> None:
    these = room("bob")
    commit = Commit((), None)
    content = forge(these["alice"], commit, signer=SUITE.signature_keypair(os.urandom))
    refused(these["bob"], seal(these["alice"], content), mls.CommitUnreadable)


def test_x509_is_carried_and_refused_by_policy() -> None:
    certificate = mls.Credential(mls.CredentialType.X509, (b"certificate",))
    caps = replace(capabilities(), credentials=(1, 2))
    bob = person("bob", caps=caps, credential=certificate)
    assert mls.KeyPackage.decode(bob.bundle.key_package.encode()) == bob.bundle.key_package
    with pytest.raises(mls.InvalidKeyPackage):
        found(caps=caps).commit([bob.add], now=NOW)
    trusting = found(caps=caps, policy=limits(accept_x509=True))
    trusting.commit([bob.add], now=NOW)


def test_a_low_order_key_is_refused_before_others_encrypt_to_it() -> None:
    these = room("bob", "carol")
    epoch = epoch_of(these["bob"])
    leaf = epoch.tree.leaf(1)
    assert leaf is not None
    weak = mls.LeafNode(
        bytes(32),
        leaf.signature_key,
        leaf.credential,
        leaf.capabilities,
        mls.LeafNodeSource.UPDATE,
        None,
        None,
        (),
        b"",
    )
    signature = SUITE.sign_with_label(
        epoch.signer, "LeafNodeTBS", weak.tbs(these["bob"].group_id, 1)
    )
    with pytest.raises(mls.InvalidLeaf):
        these["bob"].propose(mls.Update(replace(weak, signature=signature)), now=NOW)
    update = forge(these["bob"], mls.Update(replace(weak, signature=signature)))
    message = seal(these["bob"], update)
    received = these["alice"].receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    with pytest.raises(mls.InvalidLeaf):
        these["alice"].commit(references=[received.ref], now=NOW)
