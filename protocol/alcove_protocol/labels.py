"""The registry of labels. Every signature and every hash of the protocol begins with one.

A label is `alcove v1 NAME` and a NUL. The NUL keeps any label from being the beginning of another,
so a signature made for one purpose can never be read as made for another.
"""

from enum import Enum
from hashlib import sha256
from typing import Final

VERSION: Final = 1
SUBPROTOCOL: Final = "alcove.v1"


class Label(Enum):
    """What a signature is for, and so which key makes it."""

    OPEN = "open"  # roster entry 0, by the room's root key
    CHALLENGE = "challenge"  # authentication, by a relay key or a door key
    DOOR = "door"  # an invite's public half, by a facilitator's relay key
    CARD = "card"  # a room card, by a facilitator's MLS key
    KNOCK = "knock"  # HPKE info of what is sealed at the door, and the short code
    ROSTER = "roster"  # a roster entry, by a facilitator's relay key
    APPOINT = "appoint"  # a new facilitator, by the appointer's MLS key
    LEAVE = "leave"  # a member's wish to go, by their relay key
    END = "end"  # the end of the room, by a facilitator's relay key
    RESEAT = "reseat"  # the room again after a relay lost it, by a member's relay key
    VAULT = "vault"  # what facilitators share, by the sender's MLS key; also HPKE info
    REQUEST = "request"  # a member's request to the facilitators, by the member's MLS key
    DESK = "desk"  # HPKE info of the private line
    STEP_DOWN = "step down"  # a facilitator's wish to be one no more, by their MLS key
    # A wish to be let in without facilitators, by the asker's MLS key; also HPKE info.
    STANDBY = "standby"
    PARK = "park"  # the additional data of what a client parks for the holder of its ticket
    HEARTBEAT = "heartbeat"  # reserved: heartbeats are MLS messages
    HANDOVER = "handover"  # reserved

    @property
    def bytes(self) -> bytes:
        """`alcove v1 NAME` and a NUL."""
        return b"alcove v%d %s\0" % (VERSION, self.value.encode())


def room_id_of(root_key: bytes) -> bytes:
    """Return a room's id: 32 bytes that commit to its root key, so that no relay can replace it."""
    return sha256(b"alcove v1 room" + root_key).digest()


def hash_with(label: str, *parts: bytes) -> bytes:
    """Return SHA-256 of `alcove v1 LABEL`, a NUL, and the parts.

    Every part but the last has a fixed length: otherwise two lists of parts have one hash.
    """
    return sha256(b"alcove v%d %s\0" % (VERSION, label.encode()) + b"".join(parts)).digest()
