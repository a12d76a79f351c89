"""Each holder of a KeyPackage can make a Welcome for it. What the reader spends is counted."""

from __future__ import annotations

import os

import pytest
from alcove import mls
from alcove.mls import key_schedule, tree_hash, tree_math
from alcove.mls.ciphersuite import HpkeCiphertext, encrypt_context
from alcove.mls.framing import WireFormat, wrap
from alcove.mls.group_context import GroupContext
from alcove.mls.nodes import LeafNode, LeafNodeSource, ParentNode
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.welcome import EncryptedGroupSecrets, GroupSecrets, sign_group_info

from tests.client_sdk.mls.support import SUITE, Person, limits, person
from tests.client_sdk.mls.validation import forging


def _hostile_welcome(size: int, bob: Person) -> bytes:
    """A Welcome by a holder of Bob's KeyPackage. Each leaf is unmerged at the root of its tree, and
    none is signed."""
    mallory = SUITE.signature_keypair(os.urandom)
    credential = mls.Credential.basic(b"")
    caps = mls.Capabilities(versions=(), ciphersuites=(), credentials=(1,))
    nodes: list[LeafNode | ParentNode | None] = [None] * (2 * size - 1)
    for leaf in range(size):
        signer, source, parent = (
            (mallory.public, LeafNodeSource.COMMIT, b"\1")
            if leaf == 0
            else (os.urandom(32), LeafNodeSource.UPDATE, None)
        )
        nodes[2 * leaf] = LeafNode(
            os.urandom(32), signer, credential, caps, source, None, parent, (), b""
        )
    nodes[tree_math.root(size)] = ParentNode(os.urandom(32), b"", tuple(range(1, size)))
    tree = RatchetTree(nodes)
    context = GroupContext(1, 3, b"g", 1, tree_hash.root_hash(SUITE, tree), b"", ())
    of_tree = (mls.Extension(2, tree.encode()),)
    info = sign_group_info(SUITE, mallory, 0, context, of_tree, b"")
    joiner = mls.Secret(bytes(32))
    secret = key_schedule.welcome_secret(SUITE, joiner, SUITE.zeros())
    key, nonce = key_schedule.welcome_key_and_nonce(SUITE, secret)
    sealed = SUITE.aead.seal(key, nonce, b"", info.encode())
    package = bob.bundle.key_package
    box = SUITE.hpke.seal(
        package.init_key,
        encrypt_context("Welcome", sealed),
        b"",
        GroupSecrets(joiner, None, ()).encode(),
        os.urandom,
    )
    secrets = EncryptedGroupSecrets(package.ref(SUITE), HpkeCiphertext(*box))
    return wrap(WireFormat.WELCOME, mls.Welcome(3, (secrets,), sealed).encode())


def test_a_whole_welcome_of_anybody_costs_its_reader_n_log_n(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before it checks a signature. Where the caller bounds the leaves, it hashes none."""
    hashes = 0
    real = type(SUITE).hash

    def counted(suite: mls.CipherSuite, data: bytes) -> bytes:
        nonlocal hashes
        hashes += 1
        return real(suite, data)

    bob = person("bob")
    for size in (256, 1024):
        welcome = _hostile_welcome(size, bob)
        with monkeypatch.context() as patch:
            patch.setattr(type(SUITE), "hash", counted)
            hashes = 0
            with pytest.raises(mls.MLSError) as refused_by:
                forging.join(welcome, bob, policy=limits(max_leaves=2 * size))
            assert 0 < hashes <= 3 * size * (size.bit_length() - 1), (size, refused_by.value)
            hashes = 0
            with pytest.raises(mls.TooLarge):
                forging.join(welcome, bob, policy=limits(max_leaves=50))
            assert hashes < 10
