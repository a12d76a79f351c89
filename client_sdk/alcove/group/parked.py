"""What a client parks with the relay for the holder of its ticket, sealed under the ticket's key.

With it the same person comes back: their keys, what a request to be let in again needs, and what
the room has to be as new as. It has no invite, no text that was said, no secret of an epoch but the
one that requests are sealed with, and never the standby's secret. A facilitator's has the lobby's
key and the doors' secrets too, for one that comes back alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.invite import door_id_of
from alcove_protocol.labels import VERSION, Label
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.sealed import DOOR_ITEM_SIZE
from alcove_protocol.statements import DOOR_ID_SIZE, HASH_SIZE, KEY_SIZE, SIGNATURE_SIZE
from alcove_protocol.ticket import Ticket
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.extensions import FACILITATOR_SIZE
from alcove.group.keys import ROOM_SUITE, SEED_SIZE, Identity, SigningKey, room_suite
from alcove.mls.secret import Random, Secret

_NONCE: Final = 24
_LENGTH: Final = 4
_BUCKET: Final = 4 * limits.KIB
"""Bytes of the padded content, always: the relay does not learn from them who facilitates."""
_SUITE_MAX: Final = 2**16 - 1


@dataclass(frozen=True, slots=True)
class ParkedBody(Record):
    """The content. `epoch`, `counter` and `head` are the newest that the client knew, and `leaf`
    is the encryption key of its leaf then. `opening` is roster entry 0, `signature ‖ body`.
    `next_commit` is the SHA-256 of a commit that this facilitator has on its way and that lets
    members in, and `next_request` the secret of the epoch that it makes."""

    version: Annotated[int, AtMost(VERSION, least=VERSION)]
    name: Annotated[str, AtMost(limits.NAME)]
    suite: Annotated[int, AtMost(_SUITE_MAX)]
    relay: Annotated[bytes, Exactly(SEED_SIZE)] = field(repr=False)
    signature: Annotated[bytes, Exactly(SEED_SIZE)] = field(repr=False)
    desk: Annotated[bytes, Exactly(KEY_SIZE)] = field(repr=False)
    agreement: Annotated[bytes, Exactly(HASH_SIZE)]
    epoch: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    request: Annotated[bytes, Exactly(KEY_SIZE)] = field(repr=False)
    leaf: Annotated[bytes, AtMost(limits.LEAF_KEY, least=KEY_SIZE)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    head: Annotated[bytes, Exactly(HASH_SIZE)]
    lobby: Annotated[bytes, Exactly(KEY_SIZE)]
    facilitators: Annotated[bytes, AtMost(limits.FACILITATORS * FACILITATOR_SIZE)]
    opening: Annotated[bytes, AtMost(limits.STATEMENT, least=SIGNATURE_SIZE)]
    title: Annotated[str, AtMost(limits.TITLE)]
    lobby_private: Annotated[bytes, Exactly(KEY_SIZE)] | None = field(default=None, repr=False)
    doors: Annotated[bytes, AtMost(limits.DOORS * DOOR_ITEM_SIZE)] | None = field(
        default=None, repr=False
    )
    next_commit: Annotated[bytes, Exactly(HASH_SIZE)] | None = None
    next_request: Annotated[bytes, Exactly(KEY_SIZE)] | None = field(default=None, repr=False)

    def identity(self) -> Identity:
        """The person again. Raises `NotNow` (`suite_unavailable`)."""
        suite = room_suite(self.suite)
        signature = mls.SignatureKeyPair.from_private(suite, Secret(self.signature))
        relay = SigningKey.from_seed(self.relay)
        return Identity(self.name, suite, relay, signature, _hpke(self.desk))

    def lobby_keys(self) -> mls.HpkeKeyPair | None:
        """The lobby's key, of a facilitator."""
        return None if self.lobby_private is None else _hpke(self.lobby_private)

    def door_secrets(self, room: bytes) -> tuple[bytes, ...]:
        """The secrets of the doors, of a facilitator."""
        packed = self.doors or b""
        items = [packed[at : at + DOOR_ITEM_SIZE] for at in range(0, len(packed), DOOR_ITEM_SIZE)]
        secrets = (item[DOOR_ID_SIZE:] for item in items if len(item) == DOOR_ITEM_SIZE)
        return tuple(
            secret
            for secret, item in zip(secrets, items, strict=False)
            if door_id_of(room, secret) == item[:DOOR_ID_SIZE]
        )


def _hpke(private: bytes) -> mls.HpkeKeyPair:
    public = mls.ciphersuite(ROOM_SUITE).hpke.kem.public_key(private)
    return mls.HpkeKeyPair(Secret(private), public)


def seeds_of(identity: Identity) -> tuple[bytes, bytes, bytes]:
    """What `ParkedBody` has of a person's keys: relay, signature, desk."""
    signature = identity.signature.private.expose()[:SEED_SIZE]
    return identity.relay.seed(), signature, identity.desk.private.expose()


def with_doors(body: ParkedBody, doors: Mapping[bytes, bytes]) -> list[bytes]:
    """As many secrets of doors as fit beside the rest, the newest first."""
    place = _BUCKET - _LENGTH - len(body.encode()) - 16
    items = [door + secret for door, secret in doors.items()]
    return items[::-1][: max(0, min(limits.DOORS, place // DOOR_ITEM_SIZE))]


def seal_parked(ticket: Ticket, body: ParkedBody, random: Random) -> bytes:
    """Nonce, then ciphertext. A random 24-byte nonce makes it safe to seal often under one key.
    Raises `Malformed` (`too_large`)."""
    content = body.encode()
    if len(content) > _BUCKET - _LENGTH:
        raise Malformed("too_large", "What is to be parked is too large.")
    padded = (len(content).to_bytes(_LENGTH, "big") + content).ljust(_BUCKET, b"\0")
    nonce = random(_NONCE)
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(
        padded, _aad(ticket), nonce, ticket.key()
    )


def open_parked(ticket: Ticket, sealed: bytes) -> ParkedBody:
    """Raises `NotTrusted` (`bad_ticket`)."""
    try:
        if len(sealed) != limits.PARKED:
            raise Malformed("bad_length", "What was parked has another size.")
        padded = crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed[_NONCE:], _aad(ticket), sealed[:_NONCE], ticket.key()
        )
        size = int.from_bytes(padded[:_LENGTH], "big")
        if any(padded[_LENGTH + size :]):
            raise Malformed("bad_padding", "The padding is not zeros.")
        return ParkedBody.decode(padded[_LENGTH : _LENGTH + size])
    except (CryptoError, Malformed):
        text = "What the relay kept for this ticket does not open. Join with your invite."
        raise NotTrusted("bad_ticket", text) from None


def _aad(ticket: Ticket) -> bytes:
    return Label.PARK.bytes + ticket.room + ticket.slot()
