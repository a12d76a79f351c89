"""One blob that two keys read differently.

AES-GCM and ChaCha20-Poly1305 do not commit to their key: whoever knows two keys can make one
ciphertext that opens under both, as two texts. The first test makes one. Nothing here can prevent
it; the others show why it gains nothing: every reading is signed, and what two people must agree
about is compared by hash.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import cast

import pytest
from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.admission import accept_welcome
from alcove.group.sealing import open_card
from alcove.joining.card import check_card
from alcove.mls.framing import WireFormat, unwrap, wrap
from alcove.mls.private_message import PrivateMessage, open_sender_data
from alcove_protocol import limits
from alcove_protocol.card import Card, pack_agreement, unpack_agreement
from alcove_protocol.frames import CardIs
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from tests.client_sdk.mls.support import epoch_of, room
from tests.end_to_end.evil.rogue import group_of, room_of, state_of
from tests.end_to_end.evil.rooms import three
from tests.end_to_end.world import Client

_PRIME = 2**130 - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF


def _stream(key: bytes, nonce: bytes, size: int, counter: int) -> bytes:
    cipher = Cipher(ChaCha20(key, counter.to_bytes(4, "little") + nonce), mode=None)
    return cipher.encryptor().update(bytes(size))


def _authenticator(key: bytes, nonce: bytes) -> tuple[int, int]:
    """r and s of Poly1305 for this key and nonce (RFC 8439, section 2.6)."""
    block = _stream(key, nonce, 32, 0)
    return int.from_bytes(block[:16], "little") & _CLAMP, int.from_bytes(block[16:], "little")


def _polynomial(r: int, blocks: list[bytes]) -> int:
    value = 0
    for block in blocks:
        value = (value + int.from_bytes(block + b"\x01", "little")) * r % _PRIME
    return value


def two_readings(one: bytes, other: bytes, nonce: bytes) -> bytes:
    """A ciphertext that opens under both keys, without `aad`, of three blocks.

    The tags are equal when the polynomials of the two keys differ by s2 - s1, which one free block
    solves: the equation is linear in it. About every fourth try gives a block of 16 bytes.
    """
    (r1, s1), (r2, s2) = _authenticator(one, nonce), _authenticator(other, nonce)
    lengths = (0).to_bytes(8, "little") + (48).to_bytes(8, "little")
    for _ in range(1000):
        first, last = os.urandom(16), os.urandom(16)
        blocks = [first, bytes(16), last, lengths]
        # With x in the second block, a key's polynomial is P(0) + x * r**3.
        zero1, zero2 = _polynomial(r1, blocks), _polynomial(r2, blocks)
        slope = (pow(r1, 3, _PRIME) - pow(r2, 3, _PRIME)) % _PRIME
        x = (zero2 + s2 - zero1 - s1) * pow(slope, -1, _PRIME) % _PRIME
        if x >= 2**128:
            continue
        body = [first, x.to_bytes(16, "little"), last]
        tag = (_polynomial(r1, [*body, lengths]) + s1) % 2**128
        return b"".join(body) + tag.to_bytes(16, "little")
    raise AssertionError("a chance of less than 2**-400")


def test_one_ciphertext_opens_under_two_keys() -> None:
    """What does not hold: the AEADs of MLS do not commit to a key."""
    aead, nonce = mls.ciphersuite(3).hpke.aead, bytes(12)
    one, other = os.urandom(32), os.urandom(32)
    for _ in range(50):
        sealed = two_readings(one, other, nonce)
        try:
            read = aead.open(one, nonce, b"", sealed), aead.open(other, nonce, b"", sealed)
        except mls.DecryptionFailed:
            continue  # the two sums passed 2**130 - 5 differently; the next try
        assert read[0] != read[1]
        return
    raise AssertionError("no ciphertext of two readings in 50 tries")


def test_in_a_group_all_members_read_with_one_key_and_a_signed_text() -> None:
    """Two readings need two keys. Which key opens a message is fixed by its sender data, which are
    sealed under a key of all; and what opens must carry the sender's signature over itself."""
    these = room("bob", "carol")
    message = these["alice"].encrypt(b"text")
    _kind, body = unwrap(message)
    private = PrivateMessage.decode(body)
    data = set()
    for name in ("bob", "carol"):
        epoch = epoch_of(these[name])
        found = open_sender_data(epoch.suite, epoch.secrets.sender_data_secret, private)
        data.add((found.leaf_index, found.generation, found.reuse_guard))
    assert len(data) == 1
    heard = [these[name].receive(message) for name in ("bob", "carol")]
    texts = {item.plaintext for item in heard if isinstance(item, mls.ReceivedApplication)}
    assert texts == {b"text"}
    # Any other ciphertext under the same key is refused: none of its readings is signed.
    swapped = replace(private, ciphertext=os.urandom(len(private.ciphertext)))
    with pytest.raises(mls.DecryptionFailed):
        these["bob"].receive(wrap(WireFormat.PRIVATE_MESSAGE, swapped.encode()))


def test_two_cards_for_one_door_lead_to_one_agreement_or_to_nothing() -> None:
    """A facilitator that gives out two links of one door can make one card blob with two readings,
    both signed. Each newcomer binds the agreement that they read by its hash; only the text whose
    hash the group has lets anybody in."""
    world, ann, _bob, _cleo = three()
    invite = Invite.parse(ann.invite())
    world.knock(ann.invite(), "Eve")
    shown = world.seen(CardIs)[-1]
    genuine = Card.decode(open_card(invite, shown.number, shown.card).body, limit=limits.CARD)
    first = unpack_agreement(genuine.agreement)[0]
    published = replace(first, text="Whatever is said here is published.")
    other = replace(genuine, agreement=pack_agreement([published]))
    signer = ann.engine.identity.mls_signer()
    cards = [
        check_card(signer.sign(Label.CARD, card), room_of(ann), shown.number)
        for card in (genuine, other)
    ]
    assert cards[0].agreement == state_of(ann).agreement
    assert cards[1].agreement != state_of(ann).agreement
    joined = cast(mls.StagedJoin, Shown(ann))  # it reads nothing else of it
    accept_welcome(joined, cards[0].opening, room_of(ann), cards[0].agreement)
    with pytest.raises(NotTrusted, match="ground rules"):
        accept_welcome(joined, cards[1].opening, room_of(ann), cards[1].agreement)


class Shown:
    """What `accept_welcome` looks at, of a Welcome that this member signs."""

    def __init__(self, client: Client) -> None:
        group = group_of(client)
        leaf = group.member(group.own_index)
        assert leaf is not None
        self.group_context, self.signer = group.context, mls.GroupMember(group.own_index, leaf)
