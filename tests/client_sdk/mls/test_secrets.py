"""Secrets do not print, do not compare to bytes, and can be dropped; the surface is explicit."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import traceback

import pytest
from alcove import mls
from alcove.mls import errors
from alcove.mls.secret_tree import RatchetKind

from tests.client_sdk.mls.support import NOW, SUITE, epoch_of, person, room


def test_a_secret_shows_its_length_and_nothing_else() -> None:
    secret = mls.Secret(b"do not show this")
    for text in (repr(secret), str(secret), f"{secret}", repr([secret]), f"{secret!s:>30}".strip()):
        assert text.strip("[]") == "Secret(16 bytes)"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        hash(secret)
    assert secret == mls.Secret(b"do not show this")
    assert secret != mls.Secret(b"something else..")
    assert secret != b"do not show this"


def test_a_wiped_secret_is_gone_and_its_copy_is_not() -> None:
    secret = mls.Secret(b"value")
    buffer, other = secret._buffer, secret.copy()
    secret.wipe()
    secret.wipe()
    assert buffer is not None
    assert not any(buffer)
    assert repr(secret) == "Secret(wiped)"
    assert len(secret) == 0
    with pytest.raises(mls.SecretWiped):
        secret.expose()
    assert other.expose() == b"value"


def test_nothing_of_a_group_prints_its_secrets() -> None:
    these = room("bob")
    group = these["alice"]
    epoch = epoch_of(group)
    key = epoch.secret_tree.ratchet(0, RatchetKind.APPLICATION).next()
    canaries = [epoch.secrets.init_secret, epoch.private[0], epoch.signer.private]
    staged = group.commit(now=NOW)
    received = these["bob"].receive(group.encrypt(b"a canary in the text"))
    assert isinstance(received, mls.ReceivedApplication)
    content = mls.AuthenticatedContent.decode(received.content)
    leaf = person("canary", leaf_extensions=()).bundle
    shown = "".join(
        repr(item) for item in (group, epoch, staged, received, content, leaf, key, *canaries)
    )
    for canary in canaries:
        value = canary.expose()
        assert repr(value)[2:-1] not in shown
        assert value.hex() not in shown
    assert "canary" not in shown
    assert key.key.hex() not in shown
    assert repr(key.key) not in shown


def test_errors_have_a_code_and_a_sentence_each_and_carry_nothing_private() -> None:
    classes: list[type[errors.MLSError]] = [
        c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.MLSError)
    ]
    assert len({c.code for c in classes}) == len(classes)
    for kind in classes:
        assert str(kind()).endswith((".", ")."))
        assert kind.__name__ in (errors.__doc__ or "")
    these = room("bob-the-canary")
    message = bytearray(these["alice"].encrypt(b"text"))
    message[-1] ^= 1
    with pytest.raises(mls.MLSError) as caught:
        these["bob-the-canary"].receive(bytes(message))
    assert "canary" not in "".join(traceback.format_exception_only(caught.value))


def test_halves_of_a_key_pair_must_belong_together() -> None:
    one, two = SUITE.signature_keypair(os.urandom), SUITE.signature_keypair(os.urandom)
    with pytest.raises(mls.InvalidPublicKey):
        mls.SignatureKeyPair(SUITE, one.private, two.public)
    with pytest.raises(mls.InvalidPublicKey):
        mls.SignatureKeyPair.from_private(SUITE, mls.Secret(b"short"))


def test_hpke_with_a_psk_opens_only_with_it() -> None:
    keys = SUITE.hpke_keypair(os.urandom)
    psk, info = os.urandom(32), b"info"
    enc, box = SUITE.hpke.seal(
        keys.public, info, b"aad", b"knock", os.urandom, psk=psk, psk_id=b"door"
    )
    opened = SUITE.hpke.open(enc, keys, info, b"aad", box, psk=psk, psk_id=b"door")
    assert opened == b"knock"
    for wrong in (
        {"psk": os.urandom(32), "psk_id": b"door"},
        {"psk": psk, "psk_id": b"other"},
        {},
    ):
        with pytest.raises(mls.DecryptionFailed):
            SUITE.hpke.open(enc, keys, info, b"aad", box, **wrong)
    with pytest.raises(mls.DecryptionFailed):
        SUITE.hpke.open(b"", keys, info, b"aad", box, psk=psk, psk_id=b"door")
    with pytest.raises(ValueError):
        SUITE.hpke.seal(keys.public, info, b"", b"", os.urandom, psk=psk)


def test_the_public_names_are_the_listed_ones() -> None:
    assert len(set(mls.__all__)) == len(mls.__all__)
    for name in mls.__all__:
        assert hasattr(mls, name)
    for name in ("Group", "KeyPackageBundle", "StagedCommit", "ciphersuite", "InvalidCommit"):
        assert name in mls.__all__


def test_suite_three_needs_libsodium_alone() -> None:
    program = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "cryptography":
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import os
from alcove import mls
suite = mls.ciphersuite(3)
signer = suite.signature_keypair(os.urandom)
group = mls.Group.create(
    suite, b"id", signer, mls.Credential.basic(b""), mls.Capabilities(),
    policy=mls.Policy(max_leaves=2, max_lifetime=2**64 - 1),
    lifetime=mls.Lifetime.unlimited(),
    now=0,
)
group.commit(now=0).merge().encrypt(b"text")
for number in (1, 2, 4, 5, 6, 7, mls.POST_QUANTUM):
    try:
        mls.ciphersuite(number)
    except mls.SuiteUnavailable:
        continue
    raise SystemExit(f"suite {number} came from nowhere")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_unknown_suites_are_named() -> None:
    for number in (0, 8, 0x0A0A, 0x004D):
        with pytest.raises(mls.UnknownSuite):
            mls.ciphersuite(number)


def test_a_bundle_is_used_once() -> None:
    bob = person("bob")
    bob.bundle.wipe()
    assert bob.bundle.init_keys.private.wiped
    assert bob.bundle.leaf_keys.private.wiped
