"""One frame of the private line (docs/protocol.md 10).

    slot 0 ‖ … ‖ slot F−1 ‖ body ‖ body ‖ zeros          desk_size bytes in all

There is a slot for each facilitator, by their position in the state, and always two bodies. A slot
is sealed to its facilitator and says which body is theirs, with its key. So each may get another
text, or the same, and neither the relay nor another facilitator sees which. An empty slot is a
fresh public key and random bytes: it looks like the others.

A body begins with SHA-256 of the newest heartbeat that its sender's client was given. No relay
knows that before a facilitator sends it. So a frame that opens shows that its sender lived then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from alcove_protocol.statements import HASH_SIZE

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.facilitator_seals import DeskFrame, open_slot, seal_slot
from alcove.group.keys import ROOM_SUITE, takes_seals
from alcove.group.sealing import Psk
from alcove.mls.secret import Random

_TAG: Final = 16
_KEY: Final = 32
_SLOT_CONTENT: Final = 1 + _KEY
SLOT: Final = 32 + _SLOT_CONTENT + _TAG
"""Bytes of a slot: an encapsulated key, which body it is and that body's key, a tag."""
_LENGTH: Final = 2
_NONCE: Final = bytes(12)
"""The nonce of a body. Its key is drawn for this body alone, so it seals once."""
NO_BEAT: Final = bytes(HASH_SIZE)
"""In the place of a heartbeat's hash: this client was given none yet."""


@dataclass(frozen=True, slots=True)
class DeskBody:
    """What is inside a body: SHA-256 of the newest heartbeat, and what is said. Empty is nothing.
    `repr` leaves the text out."""

    beat: bytes
    content: bytes = field(default=b"", repr=False)

    def encode(self, size: int) -> bytes:
        """Padded with zeros to `size` bytes. Raises `ValueError` when it does not fit."""
        said = self.beat + len(self.content).to_bytes(_LENGTH, "big") + self.content
        if len(said) > size:
            raise ValueError("the content does not fit a frame")
        return said.ljust(size, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> "DeskBody":
        """Raises `NotTrusted` (`cannot_open`)."""
        start = HASH_SIZE + _LENGTH
        size = int.from_bytes(data[HASH_SIZE:start], "big")
        if len(data) < start + size or any(data[start + size :]):
            raise _altered()
        return cls(data[:HASH_SIZE], data[start : start + size])


@dataclass(frozen=True, slots=True)
class DeskRoute:
    """Where a frame belongs: room, epoch, the sender's relay key, the sender's number of it."""

    room: bytes
    epoch: int
    sender: bytes
    tick: int

    def bound_to(self, bodies: bytes) -> DeskFrame:
        """What each slot is sealed with: the route, and both bodies as they travel."""
        digest = sha256(bodies).digest()
        return DeskFrame(self.room, self.epoch, self.sender, self.tick, digest)


@dataclass(frozen=True, slots=True)
class DeskSlot:
    """For whom a slot is, by the `desk_key` of their leaf, and which body they get. Without a key
    it is empty."""

    desk_key: bytes | None
    body: int


def body_size(size: int, slots: int) -> int:
    """Bytes of what is inside one body, in a frame of `size` bytes."""
    return (size - SLOT * slots) // 2 - _TAG


def seal_frame(
    route: DeskRoute,
    size: int,
    bodies: tuple[DeskBody, DeskBody],
    slots: Sequence[DeskSlot],
    own: mls.HpkeKeyPair,
    psk: Psk,
    random: Random,
) -> bytes:
    """A frame of exactly `size` bytes. `own` is the sender's desk key, `psk` the epoch's."""
    inside, aead = body_size(size, len(slots)), mls.ciphersuite(ROOM_SUITE).hpke.aead
    keys = (random(_KEY), random(_KEY))
    sealed = b"".join(
        aead.seal(key, _NONCE, b"", body.encode(inside))
        for key, body in zip(keys, bodies, strict=True)
    )
    frame = route.bound_to(sealed)
    packed = [_slot(frame, slot, keys[slot.body], own, psk, random) for slot in slots]
    return (b"".join(packed) + sealed).ljust(size, b"\0")


def _slot(
    frame: DeskFrame, slot: DeskSlot, key: bytes, own: mls.HpkeKeyPair, psk: Psk, random: Random
) -> bytes:
    """A facilitator with a key to which nothing may be sealed gets nothing."""
    if slot.desk_key is not None and takes_seals(slot.desk_key):
        return seal_slot(frame, slot.desk_key, own, bytes([slot.body]) + key, psk, random)
    nobody = mls.ciphersuite(ROOM_SUITE).hpke_keypair(random)
    nobody.wipe()
    return nobody.public + random(_SLOT_CONTENT + _TAG)


@dataclass(frozen=True, slots=True)
class DeskPlace:
    """A facilitator's place among all of them, in the state of one epoch."""

    position: int
    slots: int


def open_frame(
    route: DeskRoute,
    blob: bytes,
    place: DeskPlace,
    desk: mls.HpkeKeyPair,
    sender_desk_key: bytes,
    psk: Psk,
) -> DeskBody:
    """The body for the facilitator of this place. Raises `NotTrusted` (`cannot_open`)."""
    start, size = SLOT * place.slots, body_size(len(blob), place.slots) + _TAG
    bodies = blob[start : start + 2 * size]
    slot = blob[SLOT * place.position : SLOT * (place.position + 1)]
    said = open_slot(route.bound_to(bodies), desk, sender_desk_key, slot, psk)
    if len(said) != _SLOT_CONTENT or said[0] > 1:
        raise _altered()
    body = bodies[said[0] * size : (said[0] + 1) * size]
    try:
        return DeskBody.decode(
            mls.ciphersuite(ROOM_SUITE).hpke.aead.open(said[1:], _NONCE, b"", body)
        )
    except mls.MLSError:
        raise _altered() from None


def _altered() -> NotTrusted:
    return NotTrusted("cannot_open", "Something sealed did not open; it was altered.")
