"""The hybrid post-quantum suite: X-Wing against its published vectors, HPKE over it, groups."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alcove import mls
from alcove.mls.errors import InvalidPublicKey
from alcove.mls.sodium import ChaCha20Poly1305, Ed25519

from tests.client_sdk.mls.support import NOW, POLICY, capabilities, found, person, room

SUITE = mls.ciphersuite(mls.POST_QUANTUM)
VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "xwing_vectors.json").read_text())


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize("case", VECTORS["kem"], ids=range(len(VECTORS["kem"])))
def test_the_vectors_of_the_draft(case: dict[str, str]) -> None:
    kem = SUITE.hpke.kem
    assert case["seed"] == case["sk"]
    assert kem.public_key(raw(case["sk"])) == raw(case["pk"])
    assert kem.decapsulate(raw(case["ct"]), raw(case["sk"]), raw(case["pk"])) == raw(case["ss"])
    # `cryptography` lets no caller choose ML-KEM's randomness: of encapsulation, X25519's half
    # is compared with the vector, and the whole by taking it back.
    shared, output = kem.encapsulate(raw(case["pk"]), lambda size: raw(case["eseed"])[32:][:size])
    assert output[1088:] == raw(case["ct"])[1088:]
    assert kem.decapsulate(output, raw(case["sk"]), raw(case["pk"])) == shared


def test_the_vector_of_hpke_over_it() -> None:
    case = VECTORS["hpke"]
    keys = mls.HpkeKeyPair(mls.Secret(raw(case["skRm"])), raw(case["pkRm"]))
    hpke = mls.Hpke(SUITE.hpke.kem, SUITE.kdf, ChaCha20Poly1305())  # the vector's AEAD
    shared = hpke.kem.decapsulate(raw(case["enc"]), raw(case["skRm"]), keys.public)
    assert shared == raw(case["shared_secret"])
    box = case["encryption"]
    info, aad = raw(case["info"]), raw(box["aad"])
    opened = hpke.open(raw(case["enc"]), keys, info, aad, raw(box["ct"]))
    assert opened == raw(box["pt"])
    context = hpke.setup_receiver(raw(case["enc"]), keys, info)
    for export in case["exports"]:
        value = context.export(raw(export["exporter_context"]), export["L"])
        assert value == mls.Secret(raw(export["exported_value"]))


def test_its_sizes_are_the_draft_s() -> None:
    kem = SUITE.hpke.kem
    keys = SUITE.hpke_keypair(os.urandom)
    shared, output = kem.encapsulate(keys.public, os.urandom)
    assert (len(keys.private), len(keys.public), len(output), len(shared)) == (32, 1216, 1120, 32)
    assert SUITE.number == mls.POST_QUANTUM == 0x004F
    assert kem.number == 0x647A
    # The first row of draft-ietf-mls-pq-ciphersuites-06: AES-128-GCM, SHA-256, Ed25519.
    assert (SUITE.aead.number, SUITE.aead.key_size) == (0x0001, 16)
    assert (SUITE.kdf.number, SUITE.size) == (0x0001, 32)
    assert isinstance(SUITE.signatures, Ed25519)


def test_what_is_no_key_and_no_ciphertext_is_refused() -> None:
    kem = SUITE.hpke.kem
    keys = SUITE.hpke_keypair(os.urandom)
    private = keys.private.expose()
    too_large = b"\xff" * 3 + keys.public[3:]  # coefficients that are not below q
    small_order = keys.public[:1184] + bytes(32)
    for wrong in (b"", keys.public[:-1], keys.public + b"\0", too_large, small_order):
        with pytest.raises(InvalidPublicKey):
            kem.check(wrong)
        with pytest.raises(InvalidPublicKey):
            kem.encapsulate(wrong, os.urandom)
    shared, output = kem.encapsulate(keys.public, os.urandom)
    for cut in (b"", output[:-1], output + b"\0", output[:1088] + bytes(32)):
        with pytest.raises(InvalidPublicKey):
            kem.decapsulate(cut, private, keys.public)
        with pytest.raises(mls.DecryptionFailed):
            SUITE.hpke.open(cut, keys, b"", b"", bytes(32))
    with pytest.raises(InvalidPublicKey):
        kem.decapsulate(output, private[:-1], keys.public)
    # Both halves count: a change in either gives another secret, and says nothing.
    for place in (0, 1087, 1088):
        altered = bytearray(output)
        altered[place] ^= 1
        assert kem.decapsulate(bytes(altered), private, keys.public) != shared


def test_a_room_in_it_lives() -> None:
    these = room("bob", "carol", "dave", suite=SUITE)
    these.agree()
    these.settle("alice", these["alice"].commit(references=[these.propose_update("bob")], now=NOW))
    these.settle("carol", these["carol"].commit([mls.Remove(these.index("dave"))], now=NOW))
    erin = person("erin", suite=SUITE)
    these.settle("bob", these["bob"].commit([erin.add], force_path=True, now=NOW), [erin])
    assert sorted(these.groups) == ["alice", "bob", "carol", "erin"]
    info = these["alice"].group_info()
    signer = SUITE.signature_keypair(os.urandom)
    frank = mls.Credential.basic(b"frank")
    staged = mls.Group.join_externally(info, signer, frank, capabilities(), policy=POLICY, now=NOW)
    received = these["alice"].receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    assert received.merge().epoch_authenticator == staged.merge().epoch_authenticator


def test_key_packages_of_another_suite_stay_out() -> None:
    with pytest.raises(mls.InvalidKeyPackage):
        found(suite=SUITE).commit([person("bob").add], now=NOW)
    with pytest.raises(mls.InvalidKeyPackage):
        found().commit([person("bob", suite=SUITE).add], now=NOW)


def test_without_ml_kem_the_suite_says_so() -> None:
    program = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[-1] == "mlkem":
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from alcove import mls
try:
    mls.ciphersuite(mls.POST_QUANTUM)
except mls.SuiteUnavailable as error:
    assert error.code == "suite_unavailable"
else:
    raise SystemExit("the suite came from nowhere")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
