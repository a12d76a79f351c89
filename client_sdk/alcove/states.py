"""States of a room and of its connection, as words that programs read."""

from enum import StrEnum
from typing import Literal, TypeAlias


class ConnectionState(StrEnum):
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    RESUMED = "resumed"  # connected again, at the same position
    REJOINED = "rejoined"  # a facilitator let this client in again; what came between is lost


class RoomState(StrEnum):
    OPEN = "open"
    READ_ONLY = "read-only"  # no facilitator was heard for 90 s: no member can post
    NOT_HEARD = "not-heard"
    """No facilitator was heard, or none that had heard this client: it may be cut off. What it
    sends waits."""
    SPLIT = "split"
    """The relay shows members different conversations: do not trust it. What this client sends
    waits until the person decides (`Room.send_anyway`, `Room.leave`)."""


class CloseReason(StrEnum):
    LEFT = "left"
    ENDED = "ended"
    REMOVED = "removed"
    REFUSED = "refused"
    LOST = "lost"
    ERROR = "error"


FacilitatorAct: TypeAlias = Literal[
    "admit",
    "rejoin",
    "left",
    "remove",
    "appoint",
    "demote",
    "pause",
    "unpause",
    "listen_only",
    "listen_only_off",
    "lock",
    "unlock",
    "invite",
    "revoke",
    "lobby_key",
    "ttl",
    "agreement",
    "standby",
    "standby_off",
]
"""What a facilitator can have done. `left` grants a wish, `revoke` is about an invite."""
