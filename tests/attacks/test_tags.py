"""Truncated and empty tags: an authenticator of any other length than its own is none."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls.framing import WireFormat, unwrap, wrap
from alcove.mls.private_message import PrivateMessage

from tests.client_sdk.mls.support import NOW, SUITE, dropped, forge, person, room, seal, snapshot
from tests.client_sdk.mls.validation import forging

SUITES = (1, 2, 3, 4, 5, 6, 7, mls.ciphersuite(3).number)


def cuts(data: bytes, most: int = 96) -> list[bytes]:
    """Every shorter form of the end, down to nothing of it, and one byte too many."""
    shorter = [data[:size] for size in range(max(0, len(data) - most), len(data))]
    return [*shorter, b"", data + b"\x00"]


@pytest.mark.parametrize("number", sorted(set(SUITES)))
def test_an_aead_takes_a_tag_of_its_own_length_only(number: int) -> None:
    aead = mls.ciphersuite(number).hpke.aead
    key, nonce = bytes(aead.key_size), bytes(aead.nonce_size)
    for plaintext in (b"", b"x", bytes(100)):
        sealed = aead.seal(key, nonce, b"aad", plaintext)
        assert aead.open(key, nonce, b"aad", sealed) == plaintext
        for cut in cuts(sealed, 200):
            with pytest.raises(mls.DecryptionFailed):
                aead.open(key, nonce, b"aad", cut)


@pytest.mark.parametrize("number", sorted(set(SUITES)))
def test_a_mac_is_compared_whole(number: int) -> None:
    suite = mls.ciphersuite(number)
    key = mls.Secret(bytes(suite.size))
    tag = suite.mac(key, b"data")
    assert suite.check_mac(key, b"data", tag)
    assert not any(suite.check_mac(key, b"data", cut) for cut in cuts(tag))


@pytest.mark.parametrize("field", ["ciphertext", "encrypted_sender_data"])
def test_a_message_with_a_cut_tag_is_refused_and_changes_nothing(field: str) -> None:
    these = room("bob")
    _kind, body = unwrap(these["alice"].encrypt(b"text"))
    message = PrivateMessage.decode(body)
    before = snapshot(these["bob"])
    for cut in cuts(getattr(message, field)):
        changes: dict[str, Any] = {field: cut}
        altered = replace(message, **changes)
        with pytest.raises(mls.MLSError):
            these["bob"].receive(wrap(WireFormat.PRIVATE_MESSAGE, altered.encode()))
        assert snapshot(these["bob"]) == before
    received = these["bob"].receive(wrap(WireFormat.PRIVATE_MESSAGE, message.encode()))
    assert isinstance(received, mls.ReceivedApplication)


def test_a_membership_tag_of_another_length_is_refused() -> None:
    these = room("bob")
    staged = these["alice"].commit(wire_format="public", now=NOW)
    content = mls.AuthenticatedContent.decode(staged.content)
    for size in (*range(32), 33, 64):
        message = forging.public(content, bytes(size))
        forging.refused(these["bob"], message, mls.CommitUnreadable, "the membership tag is wrong")


def test_a_confirmation_tag_of_another_length_is_refused() -> None:
    these = room("bob")
    staged = dropped(these["alice"].commit(now=NOW))
    content = mls.AuthenticatedContent.decode(staged.content)
    assert content.confirmation_tag is not None
    for cut in cuts(content.confirmation_tag):
        message = seal(these["alice"], replace(content, confirmation_tag=cut))
        forging.refused(these["bob"], message, mls.ConfirmationMismatch, "does not confirm")


@pytest.mark.parametrize("size", [*range(0, 32, 5), 31, 33])
def test_a_confirmation_tag_of_another_length_lets_nobody_in(size: int) -> None:
    zoe = person("zoe")
    message = forging.welcome_with(
        room("bob")["alice"],
        zoe,
        lambda info: replace(info, confirmation_tag=(info.confirmation_tag * 2)[:size]),
    )
    with pytest.raises(mls.InvalidWelcome, match="the confirmation tag is wrong"):
        forging.join(message, zoe)


def test_a_signature_of_another_length_is_refused() -> None:
    these = room("bob")
    content = forge(these["alice"], b"text")
    for cut in cuts(content.signature):
        message = seal(these["alice"], replace(content, signature=cut))
        with pytest.raises(mls.InvalidSignature):
            these["bob"].receive(message)


def test_a_welcome_with_a_cut_tag_lets_nobody_in() -> None:
    these, zoe = room("bob"), person("zoe")
    message = these["alice"].commit([zoe.add], now=NOW).welcome
    assert message is not None
    welcome = mls.Welcome.decode(message[4:])
    (item,) = welcome.secrets
    box = item.encrypted_group_secrets
    cut_info = [
        replace(welcome, encrypted_group_info=c) for c in cuts(welcome.encrypted_group_info)
    ]
    cut_box: list[mls.Welcome] = []
    for cut in cuts(box.ciphertext):
        changed: Any = replace(item, encrypted_group_secrets=replace(box, ciphertext=cut))
        cut_box.append(replace(welcome, secrets=(changed,)))
    for altered in (*cut_info, *cut_box):
        with pytest.raises(mls.MLSError):
            forging.join(wrap(WireFormat.WELCOME, altered.encode()), zoe)
    assert forging.join(message, zoe).epoch == these["alice"].epoch + 1


def test_what_hpke_sealed_opens_with_its_whole_tag_only() -> None:
    keys = SUITE.hpke.generate(os.urandom)
    enc, sealed = SUITE.hpke.seal(keys.public, b"info", b"aad", b"text", os.urandom)
    for cut in cuts(sealed):
        with pytest.raises(mls.DecryptionFailed):
            SUITE.hpke.open(enc, keys, b"info", b"aad", cut)
    for cut in cuts(enc):
        with pytest.raises(mls.DecryptionFailed):
            SUITE.hpke.open(cut, keys, b"info", b"aad", sealed)
