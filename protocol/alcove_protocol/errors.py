"""Refusals: a code for a program and one sentence for a person.

    AlcoveProtocolError
    ├── Malformed          the bytes are not what the protocol says; `code` tells how
    └── Refusal            the relay understood and said no; `code` is one of REFUSALS

Codes are stable: clients act on them. Sentences may be improved and translated.
"""

from types import MappingProxyType
from typing import Final


class AlcoveProtocolError(Exception):
    """Base of everything this package raises. `code` is for programs, `str()` for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Malformed(AlcoveProtocolError):
    """Bytes from outside that are not what the protocol says. Nothing of them was used.

    `code` is a key of `FAULTS` or of `REFUSALS`; `text` is a sentence, often a more precise one.
    """


FAULTS: Final = MappingProxyType(
    {
        # the encoding
        "truncated": "The encoding is cut off.",
        "trailing": "Bytes stand after the end.",
        "too_deep": "Maps are nested too deep.",
        "too_many_elements": "There are too many elements.",
        "too_much_text": "There is too much text.",
        "bad_type": "A value is of a type that this protocol does not use.",
        "bad_number": "A number is negative or too large.",
        "bad_text": "Text is not UTF-8.",
        "duplicate_key": "A key stands twice.",
        "too_many_items": "A list has too many items.",
        # what is encoded
        "unknown_kind": "The frame is of an unknown kind.",
        "bad_field": "A field is missing, unknown, of the wrong type or out of its bounds.",
        "bad_length": "A byte string does not have the length that it must have.",
        "bad_padding": "The padding is wrong.",
        # what is signed
        "bad_signature": "The signature is wrong.",
        "wrong_room": "The entry does not open this room.",
        # invites
        "bad_invite": "This is not a complete invite link; copy it whole.",
        "invite_version": "This invite needs a newer version of Alcove.",
    }
)
"""Every code of `Malformed`, but for those that `REFUSALS` has as well, with its sentence."""

REFUSALS: Final = MappingProxyType(
    {
        # the connection
        "malformed": "The message could not be understood; the two programs may differ in version.",
        "too_large": "The message is larger than the relay takes.",
        "version": "This relay speaks another version of Alcove; update the older of the two.",
        "not_authenticated": "The relay does not know yet who is asking.",
        "auth_failed": "The relay could not verify the keys that were shown.",
        "wrong_host": "The keys were shown for another relay address.",
        "not_allowed": "Only a facilitator can do that.",
        "rate_limited": "Too much at once; wait a moment and try again.",
        "busy": "The relay is full at the moment; try again later.",
        "draining": "The relay is restarting; the connection will be made again.",
        "unavailable": "The relay cannot store anything at the moment; nothing was lost.",
        "replaced": "The same keys connected again elsewhere; this connection gave way.",
        "slow_consumer": "The connection was too slow to keep up; it will be made again.",
        "idle": "Nothing was heard for too long.",
        # rooms
        "unknown_room": "The relay does not know this room; a facilitator can bring it back.",
        "room_exists": "A different room is already open under this id.",
        "ended": "The room was ended by its facilitator.",
        "removed": "You were removed from this room.",
        "not_member": "These keys do not belong to a member of this room.",
        "read_only": "No facilitator is present, so nobody can post for now.",
        "paused": "A facilitator has paused you; you can listen, but not post for now.",
        "locked": "The room is closed to newcomers at the moment.",
        "room_full": "The room is full.",
        # doors and knocks
        "unknown_door": "This invite is not valid, or it was revoked. Ask for a new one.",
        "door_expired": "This invite has expired. Ask for a new one.",
        "door_used": "This invite has been used up. Ask for a new one.",
        "door_revoked": "This invite was revoked. Ask for a new one.",
        "too_many_doors": "The room has too many invites; revoke one first.",
        "too_many_knocks": "Too many people are waiting at the moment; try again in a few minutes.",
        "already_waiting": "You are already waiting to be let in.",
        "unknown_knock": "That person is no longer waiting.",
        # order
        "stale": "The room has moved on; the message is built anew and sent again.",
        "bad_roster": "The change does not follow from the room's signed history.",
        "roster_conflict": "Two different histories of this room exist; do not trust it.",
        "bad_statement": "A signature or a field of the request is wrong.",
    }
)
"""Every code that a relay may answer, with its sentence."""


class Refusal(AlcoveProtocolError):
    """A request that was understood and refused. `code` is a key of `REFUSALS`."""

    def __init__(self, code: str, text: str | None = None) -> None:
        super().__init__(code, text if text is not None else REFUSALS[code])
