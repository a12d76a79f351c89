"""Seals of facilitation: the vault, the private line, answers to a standby, the talk at the door.

No command sends any but the vault yet. Their bytes are final (docs/protocol.md 10), and
`protocol/vectors` has each. Every seal has a pre-shared key.
"""

from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.statements import Signed

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.keys import ROOM_SUITE, check_hpke_key
from alcove.group.sealing import EPOCH_SIZE, Psk, open_padded, seal_padded
from alcove.mls.secret import Random

_ENC: Final = 32
_TICK_SIZE: Final = 8
VAULT_BUCKET: Final = 4 * limits.KIB
ANSWER_BUCKET: Final = limits.HANDSHAKE_BUCKET
TALK_BUCKET: Final = limits.KIB


# --- the vault --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VaultRoute:
    """From which relay key to which, in which room. The relay cannot hand a vault to another."""

    room: bytes
    sender: bytes
    recipient: bytes

    def context(self, epoch: bytes) -> tuple[bytes, bytes]:
        return Label.VAULT.bytes + self.room + epoch, self.sender + self.recipient


def seal_vault(
    route: VaultRoute, desk_key: bytes, vault: Signed, psk: Psk, random: Random
) -> bytes:
    """A signed `VaultBody`, to the `desk_key` of the recipient's leaf: the epoch of the request PSK
    in 8 bytes, then what is sealed. Raises `Malformed` when nothing may be sealed to the key."""
    check_hpke_key(desk_key)
    info, aad = route.context(psk.id)
    return psk.id + seal_padded(desk_key, info, aad, vault.encode(), VAULT_BUCKET, psk, random)


def open_vault(route: VaultRoute, desk: mls.HpkeKeyPair, sealed: bytes, psk: Psk) -> Signed:
    """Raises `NotTrusted` (`cannot_open`). The signature is not verified here."""
    info, aad = route.context(psk.id)
    if sealed[:EPOCH_SIZE] != psk.id or len(sealed) > limits.VAULT:
        raise _altered()
    content = open_padded(desk, info, aad, sealed[EPOCH_SIZE:], psk)
    try:
        return Signed.decode(content)
    except Malformed:
        raise _altered() from None


# --- the private line ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeskFrame:
    """What a slot is bound to: room, epoch, the sender's relay key, the tick, and SHA-256 of both
    bodies. Without the bodies a facilitator with the key of one could put another there."""

    room: bytes
    epoch: int
    sender: bytes
    tick: int
    bodies: bytes

    def context(self) -> tuple[bytes, bytes]:
        epoch = self.epoch.to_bytes(EPOCH_SIZE, "big")
        tick = self.tick.to_bytes(_TICK_SIZE, "big")
        info = Label.DESK.bytes + self.room + epoch
        return info, self.room + epoch + self.sender + tick + self.bodies


def seal_slot(
    frame: DeskFrame,
    desk_key: bytes,
    own: mls.HpkeKeyPair,
    content: bytes,
    psk: Psk,
    random: Random,
) -> bytes:
    """`enc ‖ ciphertext` in mode AuthPSK, from the sender's desk key to the recipient's. Nothing is
    padded: every slot has one size. There is no signature, because what is said in distress must be
    no proof that can be handed on. Raises `Malformed` when nothing may be sealed to the key."""
    check_hpke_key(desk_key)
    info, aad = frame.context()
    hpke = mls.ciphersuite(ROOM_SUITE).hpke
    enc, ciphertext = hpke.seal(
        desk_key, info, aad, content, random, psk=psk.secret, psk_id=psk.id, sender=own
    )
    return enc + ciphertext


def open_slot(
    frame: DeskFrame, desk: mls.HpkeKeyPair, sender_desk_key: bytes, sealed: bytes, psk: Psk
) -> bytes:
    """Raises `NotTrusted` (`cannot_open`)."""
    info, aad = frame.context()
    hpke = mls.ciphersuite(ROOM_SUITE).hpke
    enc, ciphertext = sealed[:_ENC], sealed[_ENC:]
    try:
        return hpke.open(
            enc,
            desk,
            info,
            aad,
            ciphertext,
            psk=psk.secret,
            psk_id=psk.id,
            sender=sender_desk_key,
        )
    except mls.MLSError:
        raise _altered() from None


# --- answers, and the talk at the door ------------------------------------------------------------


def standby_psk(secret: bytes, mls_key: bytes) -> Psk:
    """Of answers to a standby: the room's state has it, and the link gives it."""
    return Psk(secret, mls_key)


def return_psk(desk_key: bytes, mls_key: bytes) -> Psk:
    """Of answers to a lone facilitator, by members that came in after the epoch that it parked.

    `desk_key` (32 bytes) is the public desk key in its leaf, and `mls_key` its MLS signature key.
    Leaves are sealed wherever they go outside the group. So the relay does not know the desk key:
    members beside it do, and those that read its knock. Its owner has it without a group.
    """
    return Psk(desk_key, mls_key)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: in which room, to what (the id of an ask or a knock), and whose (relay key)."""

    room: bytes
    to: bytes
    sender: bytes


def seal_answer(reply: Reply, key: bytes, content: bytes, psk: Psk, random: Random) -> bytes:
    """A member's answer to an asker's reply key, with `standby_psk`; to a lone facilitator with
    `request_psk` of the epoch that it parked, or `return_psk`. Raises `Malformed` when nothing may
    be sealed to the key."""
    check_hpke_key(key)
    info = Label.STANDBY.bytes + reply.room + reply.to
    return seal_padded(key, info, reply.sender, content, ANSWER_BUCKET, psk, random)


def open_answer(reply: Reply, keys: mls.HpkeKeyPair, sealed: bytes, psk: Psk) -> bytes:
    """Raises `NotTrusted` (`cannot_open`)."""
    info = Label.STANDBY.bytes + reply.room + reply.to
    return open_padded(keys, info, reply.sender, sealed, psk)


def seal_talk(reply: Reply, key: bytes, content: bytes, psk: Psk, random: Random) -> bytes:
    """One line of the talk at the door, with the door's PSK: to the newcomer's reply key, or to the
    lobby key. Raises `Malformed` when nothing may be sealed to the key."""
    check_hpke_key(key)
    info = Label.KNOCK.bytes + reply.room + b"talk" + reply.to
    return seal_padded(key, info, reply.sender, content, TALK_BUCKET, psk, random)


def open_talk(reply: Reply, keys: mls.HpkeKeyPair, sealed: bytes, psk: Psk) -> bytes:
    """Raises `NotTrusted` (`cannot_open`)."""
    info = Label.KNOCK.bytes + reply.room + b"talk" + reply.to
    return open_padded(keys, info, reply.sender, sealed, psk)


def _altered() -> NotTrusted:
    return NotTrusted("cannot_open", "Something sealed did not open; it was altered.")
