"""Numbers at their ends: generations, leaf indexes, epochs, HPKE's lengths."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls.ciphersuite import CipherSuite, Expander
from alcove.mls.framing import SenderType, WireFormat, unwrap, wrap
from alcove.mls.nodes import ParentNode
from alcove.mls.private_message import (
    PrivateMessage,
    _head,
    open_sender_data,
    sender_data_key,
)
from alcove.mls.ratchet_tree import RatchetTree

from tests.client_sdk.mls.support import NOW, SUITE, epoch_of, forge, person, room, seal, snapshot
from tests.client_sdk.mls.validation import forging

TOP = 0x8000_0000
ENDS = (TOP - 1, TOP, TOP + 1, 2**32 - 2, 2**32 - 1)


def with_sender_data(group: mls.Group, message: bytes, **changes: Any) -> bytes:
    """A message of the group whose sender data say another leaf or generation, sealed rightly."""
    epoch = epoch_of(group)
    suite, secret = epoch.suite, epoch.secrets.sender_data_secret
    _kind, body = unwrap(message)
    private = PrivateMessage.decode(body)
    data = open_sender_data(suite, secret, private)
    altered = replace(data, **changes)
    key, nonce = sender_data_key(suite, secret, private.ciphertext)
    sealed = suite.aead.seal(key, nonce, _head(private), altered.encode())
    again = replace(private, encrypted_sender_data=sealed)
    return wrap(WireFormat.PRIVATE_MESSAGE, again.encode())


class Counted:
    """How many keys were derived while it was on."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count, real = 0, CipherSuite.expander

        def expander(suite: CipherSuite, secret: bytes) -> Expander:
            self.count += 1
            return real(suite, secret)

        patch.setattr(CipherSuite, "expander", expander)


@pytest.mark.parametrize("generation", ENDS)
def test_a_far_generation_costs_nothing_and_changes_nothing(
    generation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    these = room("bob")
    messages = {
        mls.GenerationTooFar: these["alice"].encrypt(b"text"),
        mls.GenerationOutOfRange: these["alice"].propose(mls.Remove(1), now=NOW),
        mls.CommitUnreadable: these["alice"].commit(now=NOW).message,
    }
    before = snapshot(these["bob"])
    counted = Counted(monkeypatch)
    for error, message in messages.items():
        far = with_sender_data(these["alice"], message, generation=generation)
        with pytest.raises(error):
            these["bob"].receive(far)
    assert counted.count < 40  # the ratchets of one member, and three sender-data keys
    assert snapshot(these["bob"]) == before
    assert isinstance(these["bob"].receive(messages[mls.GenerationTooFar]), mls.ReceivedApplication)


@pytest.mark.parametrize("index", [TOP, TOP + 1, TOP | 2, 2**31 - 1, 2**32 - 1])
def test_a_leaf_index_with_its_top_bit_names_nobody(index: int) -> None:
    """Nor does one that a shift to a node index would wrap around to a member."""
    these = room("bob", "carol")
    alice, bob = these["alice"], these["bob"]
    text = with_sender_data(alice, alice.encrypt(b"text"), leaf_index=index)
    forging.refused(bob, text, mls.UnknownSender, "not in the group")
    commit = with_sender_data(alice, alice.commit(now=NOW).message, leaf_index=index)
    forging.refused(bob, commit, mls.CommitUnreadable, "not in the group")
    sender = mls.Sender.member(index)
    public = forge(alice, mls.Remove(2), wire_format=WireFormat.PUBLIC_MESSAGE, sender=sender)
    tag_needed = seal(alice, public)
    forging.refused(bob, tag_needed, mls.UnknownSender, "not in the group")
    removal = forging.pathless(alice, mls.Remove(index))
    forging.list_refused([bob], removal, "no such member to remove")
    outside = mls.Sender(SenderType.EXTERNAL, index)
    message = forging.public(
        forge(alice, mls.Remove(1), wire_format=WireFormat.PUBLIC_MESSAGE, sender=outside)
    )
    forging.refused(bob, message, mls.UnknownSender, "not in the group")


@pytest.mark.parametrize("index", [TOP, TOP | 1, 2**32 - 1])
def test_a_tree_or_group_info_with_such_an_index_lets_nobody_in(index: int) -> None:
    zoe = person("zoe")
    message = forging.welcome_with(room("bob")["alice"], zoe, lambda i: replace(i, signer=index))
    with pytest.raises(mls.InvalidGroupInfo, match="its signer is no member"):
        forging.join(message, zoe)

    def alter(tree: RatchetTree) -> None:
        node = tree.nodes[1]
        assert isinstance(node, ParentNode)
        tree.set_parent(1, replace(node, unmerged_leaves=(index,)))

    these = room("bob", "carol", "dave")
    these.settle("alice", these["alice"].commit(now=NOW))
    message = forging.welcome_to_tree(these["alice"], zoe, alter)
    with pytest.raises(mls.InvalidTree, match="no member below its node"):
        forging.join(message, zoe)


# --- HPKE -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 3])
def test_an_export_has_the_length_asked_for_or_none(number: int) -> None:
    """HKDF gives 255 blocks. A length beyond them, or one that wraps around, is refused."""
    hpke = mls.ciphersuite(number).hpke
    keys = hpke.generate(os.urandom)
    enc, context = hpke.setup_sender(keys.public, b"info", os.urandom)
    receiver = hpke.setup_receiver(enc, keys, b"info")
    most = 255 * hpke.kdf.size
    for length in (0, 1, hpke.kdf.size - 1, hpke.kdf.size, hpke.kdf.size + 1, most):
        secret = context.export(b"use", length)
        assert len(secret.expose()) == length
        assert secret == receiver.export(b"use", length)
    for length in (most + 1, 2**16 - 1):
        with pytest.raises(ValueError, match="255 blocks"):
            context.export(b"use", length)
    for length in (2**16, 2**16 + 32, 2**32, -1):
        with pytest.raises((ValueError, OverflowError)):
            context.export(b"use", length)


def test_hpke_seals_empty_and_large_alike() -> None:
    hpke = SUITE.hpke
    keys = hpke.generate(os.urandom)
    for size in (0, 1, 15, 16, 17, 2**16 - 1, 2**16, 2**17):
        text, info, aad = bytes(size), os.urandom(size % 997), os.urandom(size % 991)
        enc, sealed = hpke.seal(keys.public, info, aad, text, os.urandom)
        assert len(sealed) == size + hpke.aead.tag_size
        assert hpke.open(enc, keys, info, aad, sealed) == text


def test_no_counter_of_hpke_exists_that_could_come_to_its_end() -> None:
    """Every call of `seal` and every box of a `sealer` encapsulates anew, so no two messages share
    a key. What is set up for exports cannot seal at all."""
    hpke = SUITE.hpke
    keys = hpke.generate(os.urandom)
    for context in (
        hpke.setup_sender(keys.public, b"info", os.urandom)[1],
        hpke.setup_receiver(hpke.kem.encapsulate(keys.public, os.urandom)[1], keys, b"info"),
    ):
        assert [name for name in dir(context) if not name.startswith("_")] == ["export"]
    sealer = hpke.sealer(b"info")
    boxes = [sealer(keys.public, b"text", os.urandom) for _ in range(50)]
    boxes += [hpke.seal(keys.public, b"info", b"", b"text", os.urandom) for _ in range(50)]
    assert len({enc for enc, _sealed in boxes}) == len({sealed for _enc, sealed in boxes}) == 100
