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
ID_SIZE = 16
APPOINTMENT_SIZE = 238
"""What one signed appointment takes in a list, its length included."""

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
    facilitator's keys: `relay_key` (Ed25519, for the relay) and `mls_key` (Ed25519, the MLS
    signature key). Both equal those of the facilitator's leaf.
    """

    version: Annotated[int, AtMost(1, least=1)]
    previous: Annotated[bytes, Exactly(HASH_SIZE)]
    root_key: Annotated[bytes, Exactly(KEY_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    mls_key: Annotated[bytes, Exactly(KEY_SIZE)]
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
    `card_number` and `card_hash` (SHA-256 of the sealed card) name the room card that goes with it.
    A higher number replaces a lower one. `card_number` in `card` says how numbers are made.
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
    """A new facilitator, label `appoint`, signed by the appointer's MLS key.

    It names no HPKE key: what is for a facilitator is sealed to the key in the facilitator's own
    leaf. Otherwise an appointer could name a key of their own, and read what is for the other.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    appointer: Annotated[bytes, Exactly(KEY_SIZE)]
    mls_key: Annotated[bytes, Exactly(KEY_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]


@dataclass(frozen=True, slots=True)
class LeaveStatement(Record):
    """A member asks to leave, label `leave`, signed by their relay key.

    `counter` is that of the last roster entry that the member knows. It is at least the counter of
    the entry that seated the member, so that a leave of an earlier stay cannot be used again. An
    exact head would make the leave void as soon as another commit comes first.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER)]


@dataclass(frozen=True, slots=True)
class EndStatement(Record):
    """The end of the room, label `end`, signed by a facilitator's relay key.

    `counter` and `head` are those of the last roster entry. The relay takes only its own head. A
    client that was away takes a counter that is at least its own.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    head: Annotated[bytes, Exactly(HASH_SIZE)]


@dataclass(frozen=True, slots=True)
class StepDownStatement(Record):
    """A facilitator asks to be one no more, label `step down`, signed by their MLS key.

    It travels in a request to the facilitators, and another facilitator commits it. It holds in its
    epoch alone, so that an old wish does not demote a facilitator who was appointed again.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    mls_key: Annotated[bytes, Exactly(KEY_SIZE)]
    epoch: Annotated[int, AtMost(limits.REQUEST_NUMBER)]


@dataclass(frozen=True, slots=True)
class ReseatStatement(Record):
    """The room again after a relay lost it, label `reseat`, signed by a member's relay key.

    `head` is the hash of the last roster entry, `commit` SHA-256 of the last commit's blob, or 32
    zeros when nothing was committed yet.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    head: Annotated[bytes, Exactly(HASH_SIZE)]
    commit: Annotated[bytes, Exactly(HASH_SIZE)]


@dataclass(frozen=True, slots=True)
class AskStatement(Record):
    """A request to be let in without a facilitator, label `standby`, signed by `mls_key`.

    The asker holds a printed standby link, or is a facilitator that comes back by a ticket: then
    `epoch` is the one that it parked, whose secret seals the answers of members that know it.
    `relay_key` is the key that the asker connects with. The answer is sealed to `reply_key`
    (X25519). `counter` is that of the last roster entry that the asker knows, or 0.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    id: Annotated[bytes, Exactly(ID_SIZE)]
    mls_key: Annotated[bytes, Exactly(KEY_SIZE)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    reply_key: Annotated[bytes, Exactly(KEY_SIZE)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    epoch: Annotated[int, AtMost(limits.REQUEST_NUMBER)] | None = None
