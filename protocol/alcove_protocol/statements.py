"""Signed statements: exact bytes, a label, an Ed25519 signature (RFC 8032).

The signature is over the label's bytes and the statement's encoding as it travelled. A reader
verifies those bytes first and decodes them afterwards. No reader encodes a statement again, so two
encoders cannot disagree about the signed bytes. `Signed` is what arrived, and `Verified` is a
statement whose signature holds: only `verify` makes one from the other.
"""

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError, CryptoError

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.records import AtMost, Exactly, Record

KEY_SIZE = 32
SIGNATURE_SIZE = 64
HASH_SIZE = 32
DOOR_ID_SIZE = 8

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement as it travels, not yet verified."""

    body: bytes
    signature: bytes

    def encode(self) -> bytes:
        """The signature, then the body: one item of a list."""
        return self.signature + self.body

    @classmethod
    def decode(cls, data: bytes) -> "Signed":
        """Raises `Malformed` (`truncated`)."""
        if len(data) <= SIGNATURE_SIZE:
            raise Malformed("truncated", "A signed statement is cut off.")
        return cls(data[SIGNATURE_SIZE:], data[:SIGNATURE_SIZE])


@dataclass(frozen=True, slots=True)
class Verified(Generic[R]):
    """A statement whose signature by `key` holds."""

    statement: R
    key: bytes
    signed: Signed


def signature_holds(label: Label, body: bytes, signature: bytes, key: bytes) -> bool:
    """Whether `key` signed `body` under `label`."""
    if len(signature) != SIGNATURE_SIZE or len(key) != KEY_SIZE:
        return False
    try:
        crypto_sign_open(signature + label.bytes + body, key)
    except (BadSignatureError, CryptoError, ValueError):
        return False
    return True


def verify(kind: type[R], label: Label, signed: Signed, key: bytes) -> Verified[R]:
    """Verify first, decode after. Raises `Malformed` (`bad_signature`, or as `Record.decode`)."""
    if not signature_holds(label, signed.body, signed.signature, key):
        raise Malformed("bad_signature", "The signature is wrong.")
    return Verified(kind.decode(signed.body), key, signed)


@dataclass(frozen=True, slots=True)
class Opening(Record):
    """Roster entry 0, label `open`, signed by the room's root key, which is then wiped.

    `previous` is the room id itself, so the entry can stand nowhere else. It names the first
    facilitator's keys: `relay_key` (Ed25519, for the relay), `mls_key` (Ed25519, the MLS signature
    key) and `hpke_key` (X25519, to which facilitators' secrets are sealed).
    """

    version: Annotated[int, AtMost(1, least=1)]
    previous: Annotated[bytes, Exactly(HASH_SIZE)]
    root_key: Annotated[bytes, Exactly(KEY_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    mls_key: Annotated[bytes, Exactly(KEY_SIZE)]
    hpke_key: Annotated[bytes, Exactly(KEY_SIZE)]
    members: Annotated[int, AtMost(limits.MEMBERS_MAX, least=2)]
    ttl: Annotated[int, AtMost(limits.TTL_MAX, least=limits.TTL_MIN)]


@dataclass(frozen=True, slots=True)
class ChallengeAnswer(Record):
    """Authentication, label `challenge`, signed by the relay key, and by the door key at a door.

    `offered` is the list of subprotocols exactly as the client sent it in the upgrade. An attacker
    that changes it on the way, to talk the version down, makes the signature wrong at the relay.
    """

    version: Annotated[int, AtMost(1, least=1)]
    offered: Annotated[str, AtMost(limits.OFFERED)]
    host: Annotated[str, AtMost(limits.HOST)]
    room: Annotated[bytes, Exactly(HASH_SIZE)]
    role: Annotated[str, AtMost(limits.ROLE_NAME)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    door: Annotated[bytes, Exactly(DOOR_ID_SIZE)] | None
    nonce: Annotated[bytes, Exactly(32)]


@dataclass(frozen=True, slots=True)
class DoorStatement(Record):
    """The relay's half of an invite, label `door`, signed by a facilitator's relay key.

    `uses` 0 revokes the door for good. `ttl` counts from when the relay takes it, on its clock.
    `card_number` and `card_hash` (SHA-256 of the sealed card) name the room card that goes with it;
    a higher number replaces a lower one.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    door: Annotated[bytes, Exactly(DOOR_ID_SIZE)]
    door_key: Annotated[bytes, Exactly(KEY_SIZE)]
    uses: Annotated[int, AtMost(limits.USES_MAX)]
    ttl: Annotated[int, AtMost(limits.DOOR_TTL_MAX)]
    card_number: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    card_hash: Annotated[bytes, Exactly(HASH_SIZE)]


@dataclass(frozen=True, slots=True)
class Appointment(Record):
    """A new facilitator, label `appoint`, signed by the appointer's MLS key."""

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    appointer: Annotated[bytes, Exactly(KEY_SIZE)]
    mls_key: Annotated[bytes, Exactly(KEY_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    hpke_key: Annotated[bytes, Exactly(KEY_SIZE)]


@dataclass(frozen=True, slots=True)
class Card(Record):
    """What a newcomer reads before the knock, label `card`, signed by a facilitator's MLS key.

    It travels sealed under the door's card key. `opening` is the signed roster entry 0 and
    `appointments` a list of signed appointments. They lead from the room id in the invite to the
    key that signed this card, so that a newcomer need not trust the relay. Knocks are sealed to
    `lobby_key`, an X25519 key. `agreement` is the text that every member accepted.
    `suite` is the MLS ciphersuite of the group, in which the newcomer's KeyPackage must be.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    number: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    signer: Annotated[bytes, Exactly(KEY_SIZE)]
    opening: Annotated[bytes, AtMost(limits.STATEMENT)]
    appointments: Annotated[bytes, AtMost(limits.ENTRY)]
    lobby_key: Annotated[bytes, Exactly(KEY_SIZE)]
    title: Annotated[str, AtMost(limits.TITLE)]
    agreement_version: Annotated[int, AtMost(2**32 - 1, least=1)]
    agreement: Annotated[str, AtMost(limits.AGREEMENT)]
    languages: Annotated[str, AtMost(limits.LANGUAGES)]
    helplines: Annotated[str, AtMost(limits.HELPLINES)]
    members: Annotated[int, AtMost(limits.MEMBERS_MAX)]
    ttl: Annotated[int, AtMost(limits.TTL_MAX)]
    suite: Annotated[int, AtMost(2**16 - 1, least=1)]


@dataclass(frozen=True, slots=True)
class LeaveStatement(Record):
    """A member asks to leave, label `leave`, signed by their relay key."""

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]


@dataclass(frozen=True, slots=True)
class EndStatement(Record):
    """The end of the room, label `end`, signed by a facilitator's relay key."""

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]


@dataclass(frozen=True, slots=True)
class ReseatStatement(Record):
    """The room again after a relay lost it, label `reseat`, signed by a facilitator's relay key.

    `head` is the hash of the last roster entry, `commit` SHA-256 of the last commit's blob, or 32
    zeros when nothing was committed yet.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    head: Annotated[bytes, Exactly(HASH_SIZE)]
    commit: Annotated[bytes, Exactly(HASH_SIZE)]
