"""Faults and refusals: a code for a program and one sentence for a person.

    AlcoveProtocolError
    ├── Malformed          the bytes break the protocol; `code` says how
    └── Refusal            the relay understood the request and refused it; `code` is in REFUSALS

Codes are stable, because clients act on them. Sentences change, and clients translate them.
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
    """Bytes from outside break the protocol. Nothing of them was used.

    `code` is a key of `FAULTS` or of `REFUSALS`. `text` is a sentence, often a more precise one.
    """


FAULTS: Final = MappingProxyType(
    {
        # the encoding
        "truncated": "The encoding is cut off.",
        "trailing": "Bytes follow the end of the encoding.",
        "too_deep": "Maps are nested too deep.",
        "too_many_elements": "There are too many elements.",
        "too_much_text": "There is too much text.",
        "bad_type": "A value is of a type that this protocol does not use.",
        "bad_number": "A number is negative or too large.",
        "bad_text": "Text is not UTF-8.",
        "duplicate_key": "A map has the same key twice.",
        "too_many_items": "A list has too many items.",
        # what is encoded
        "unknown_kind": "The frame is of an unknown kind.",
        "bad_field": "A field is missing, unknown, of the wrong type or out of its bounds.",
        "bad_length": "A byte string has the wrong length.",
        "bad_padding": "The padding is wrong.",
        # what is signed
        "bad_signature": "The signature is wrong.",
        "wrong_room": "The entry does not open this room.",
        # invites
        "bad_invite": "This is not a complete invite link; copy it whole.",
        "invite_version": "This invite needs a newer version of Alcove.",
        # tickets
        "bad_ticket": "This is not a complete ticket; copy it whole.",
    }
)
"""Every code of `Malformed` that is not in `REFUSALS`, with its sentence."""

REFUSALS: Final = MappingProxyType(
    {
        # the connection
        "malformed": "The relay cannot read the message; update the older of the two programs.",
        "too_large": "The message is larger than the relay takes.",
        "version": "This relay uses another version of Alcove; update the older of the two.",
        "not_authenticated": "This connection has not proved its keys yet.",
        "auth_failed": "The relay could not verify the keys of this connection.",
        "wrong_host": "The keys were used for another relay address.",
        "not_allowed": "Only a facilitator can do that.",
        "rate_limited": "You sent too much at once; wait a moment and try again.",
        "slow": "In this room each turn is followed by a pause; try again a little later.",
        "busy": "The relay is full at the moment; try again later.",
        "draining": "The relay is restarting; your client reconnects by itself.",
        "unavailable": "The relay cannot reach its store at the moment; try again later.",
        "replaced": "The same keys connected again, so the relay closed this connection.",
        "slow_consumer": "The connection was too slow; your client reconnects by itself.",
        "idle": "The relay heard nothing on this connection for too long.",
        # rooms
        "unknown_room": "This room is not known here; a facilitator can bring it back.",
        "room_exists": "A different room is already open under this id.",
        "too_many_rooms": "Too many rooms were opened from your network; try again later.",
        "ended": "A facilitator ended this room.",
        "removed": "You are no longer in this room; a facilitator decided so.",
        "unknown_ticket": "The relay does not know this ticket any more. Join with an invite, "
        "under another name if yours is taken, and tell the facilitators.",
        "ticket_in_use": "The program of this ticket is still connected; end it first.",
        "not_member": "You are not listed as a member of this room; ask to be let in again.",
        "facilitated": "A facilitator is present; ask them for an invite.",
        "read_only": "No facilitator is present, so posting is not possible at the moment.",
        "paused": "You can listen, but not post at the moment; a facilitator decided so.",
        "locked": "The room takes nobody new in at the moment; you can ask again later.",
        "unsettled": "The relay lost this room, and members bring it back; try again in a minute.",
        "room_full": "The room is full.",
        "history_full": "The room's history is full; removing members and ending it still work.",
        # doors and knocks
        "unknown_door": "This invite is not valid, or a facilitator revoked it. Ask for a new one.",
        "door_expired": "This invite has expired. Ask for a new one.",
        "door_used": "This invite has no uses left. Ask for a new one.",
        "door_revoked": "A facilitator closed this invite. Ask for a new one.",
        "too_many_doors": "The room has too many invites; revoke one first.",
        "too_many_knocks": "Too many people are waiting at the moment; try again in a few minutes.",
        "talk_full": "No more can be said at the door; a facilitator decides now.",
        "already_waiting": "You are already waiting to be let in.",
        "unknown_knock": "That person is no longer waiting.",
        # order
        "stale": "The room changed in the meantime; your client sends the message again.",
        "bad_roster": "The change does not follow from the room's signed history.",
        "roster_conflict": "Two histories of this room exist. Leave it, and ask a facilitator "
        "another way.",
        "bad_statement": "A signature or a field of the request is wrong.",
    }
)
"""Every code that a relay answers, with its sentence."""


class Refusal(AlcoveProtocolError):
    """The relay understood a request and refused it. `code` is a key of `REFUSALS`."""

    def __init__(self, code: str, text: str | None = None) -> None:
        super().__init__(code, text if text is not None else REFUSALS[code])


class SlowDown(Refusal):
    """In slow mode this key's turn is over. It may send again in `wait` seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("slow")
        self.wait = wait
