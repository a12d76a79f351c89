"""Vectors of single operations: crypto-basics, key-schedule, psk_secret, secret-tree,
transcript-hashes, tree-math, deserialization."""

from __future__ import annotations

import os

from alcove.mls import key_schedule, tree_math
from alcove.mls.ciphersuite import HpkeCiphertext, SignatureKeyPair
from alcove.mls.codec import Reader, uint32, varint
from alcove.mls.framing import AuthenticatedContent
from alcove.mls.group_context import GroupContext
from alcove.mls.hpke import HpkeKeyPair
from alcove.mls.private_message import sender_data_key
from alcove.mls.proposals import Commit
from alcove.mls.psk import PreSharedKeyID, PSKType, psk_secret
from alcove.mls.secret_tree import RatchetKind, SecretTree
from alcove.mls.transcript import confirmed_transcript_hash, interim_transcript_hash

from tests.client_sdk.mls.vectors.case import POLICY, Case, equal, raw, secret, suite_of


def crypto_basics(case: Case) -> None:
    suite = suite_of(case)
    ref = case["ref_hash"]
    equal(suite.ref_hash(ref["label"].encode(), raw(ref["value"])), ref["out"], "ref_hash")
    item = case["expand_with_label"]
    found = suite.expand_with_label(
        secret(item["secret"]), item["label"], raw(item["context"]), item["length"]
    )
    equal(found, item["out"], "expand_with_label")
    item = case["derive_secret"]
    equal(suite.derive_secret(secret(item["secret"]), item["label"]), item["out"], "derive_secret")
    item = case["derive_tree_secret"]
    generation = uint32.write(item["generation"])
    expand = suite.expander(raw(item["secret"]))
    equal(expand(item["label"], generation, item["length"]), item["out"], "derive_tree_secret")
    item = case["sign_with_label"]
    public, label, content = raw(item["pub"]), item["label"], raw(item["content"])
    suite.verify_with_label(public, label, content, raw(item["signature"]))
    signer = SignatureKeyPair(suite, secret(item["priv"]), public)
    suite.verify_with_label(public, label, content, suite.sign_with_label(signer, label, content))
    item = case["encrypt_with_label"]
    keys = HpkeKeyPair(secret(item["priv"]), raw(item["pub"]))
    label, context = item["label"], raw(item["context"])
    sealed = HpkeCiphertext(raw(item["kem_output"]), raw(item["ciphertext"]))
    opened = suite.decrypt_with_label(keys, label, context, sealed)
    equal(opened, item["plaintext"], "decrypt_with_label")
    again = suite.encrypt_with_label(keys.public, label, context, opened.expose(), os.urandom)
    opened = suite.decrypt_with_label(keys, label, context, again)
    equal(opened, item["plaintext"], "encrypt_with_label")


def schedule(case: Case) -> None:
    suite, init = suite_of(case), secret(case["initial_init_secret"])
    for number, epoch in enumerate(case["epochs"]):
        context = GroupContext(
            1,
            suite.number,
            raw(case["group_id"]),
            number,
            raw(epoch["tree_hash"]),
            raw(epoch["confirmed_transcript_hash"]),
            (),
        ).encode()
        equal(context, epoch["group_context"], "group_context")
        psk = secret(epoch["psk_secret"]) if epoch.get("psk_secret") else suite.zeros()
        joiner = key_schedule.joiner_secret(suite, init, secret(epoch["commit_secret"]), context)
        equal(joiner, epoch["joiner_secret"], "joiner_secret")
        welcome = key_schedule.welcome_secret(suite, joiner, psk)
        equal(welcome, epoch["welcome_secret"], "welcome_secret")
        secrets = key_schedule.epoch_secrets(suite, joiner, psk, context)
        for name in (
            "init_secret",
            "sender_data_secret",
            "encryption_secret",
            "exporter_secret",
            "epoch_authenticator",
            "external_secret",
            "confirmation_key",
            "membership_key",
            "resumption_psk",
        ):
            equal(getattr(secrets, name), epoch[name], name)
        pair = key_schedule.external_key_pair(suite, secrets)
        equal(pair.public, epoch["external_pub"], "external_pub")
        item = epoch["exporter"]
        label, exporter_context = item["label"], raw(item["context"])
        exported = key_schedule.export(suite, secrets, label, exporter_context, item["length"])
        equal(exported, item["secret"], "exporter")
        init = secrets.init_secret


def psks(case: Case) -> None:
    suite = suite_of(case)
    items = []
    for item in case["psks"]:
        nonce = raw(item["psk_nonce"])
        psk = PreSharedKeyID(PSKType.EXTERNAL, raw(item["psk_id"]), None, nonce)
        items.append((psk, secret(item["psk"])))
    equal(psk_secret(suite, items), case["psk_secret"], "psk_secret")


def secret_tree(case: Case) -> None:
    suite = suite_of(case)
    item = case["sender_data"]
    key, nonce = sender_data_key(suite, secret(item["sender_data_secret"]), raw(item["ciphertext"]))
    equal(key, item["key"], "sender_data key")
    equal(nonce, item["nonce"], "sender_data nonce")
    size = tree_math.power_of_two(len(case["leaves"]))
    tree = SecretTree(suite, secret(case["encryption_secret"]), size, POLICY)
    for leaf, generations in enumerate(case["leaves"]):
        for item in generations:
            for kind in RatchetKind:
                borrowed = tree.ratchet(leaf, kind).open(item["generation"])
                borrowed.consume()
                name = kind.name.lower()
                equal(borrowed.key.key, item[f"{name}_key"], f"{name}_key")
                equal(borrowed.key.nonce, item[f"{name}_nonce"], f"{name}_nonce")


def transcript(case: Case) -> None:
    suite = suite_of(case)
    content = AuthenticatedContent.decode(raw(case["authenticated_content"]))
    assert isinstance(content.content.body, Commit), "not a commit"
    before = raw(case["interim_transcript_hash_before"])
    confirmed = confirmed_transcript_hash(suite, before, content.until_signature())
    equal(confirmed, case["confirmed_transcript_hash_after"], "confirmed_transcript_hash")
    tag = content.confirmation_tag or b""
    assert suite.check_mac(secret(case["confirmation_key"]), confirmed, tag), "confirmation_tag"
    interim = interim_transcript_hash(suite, confirmed, tag)
    equal(interim, case["interim_transcript_hash_after"], "interim_transcript_hash")


def tree_mathematics(case: Case) -> None:
    size, width = case["n_leaves"], case["n_nodes"]
    equal(tree_math.node_width(size), width, "n_nodes")
    top = tree_math.root(size)
    equal(top, case["root"], "root")
    for node in range(width):
        leaf, is_root = tree_math.is_leaf(node), node == top
        equal(None if leaf else tree_math.left(node), case["left"][node], "left")
        equal(None if leaf else tree_math.right(node), case["right"][node], "right")
        equal(None if is_root else tree_math.parent(node), case["parent"][node], "parent")
        equal(None if is_root else tree_math.sibling(node), case["sibling"][node], "sibling")


def deserialization(case: Case) -> None:
    header = raw(case["vlbytes_header"])
    reader = Reader(header)
    equal(reader.varint(), case["length"], "length")
    reader.finish()
    equal(varint(case["length"]), case["vlbytes_header"], "vlbytes_header")
