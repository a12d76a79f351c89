"""What the scripts keep and give back, as bytes: the same layout on both sides.

A stored blob is number (8), taken at (8, double), ends at (8, double), class (1), id (16), sender
(32, zeros for none), the length of its entry's body (4), then body and signature (64) if there is
an entry, and the blob. All numbers are big-endian.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from struct import Struct
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # it has no types
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import SIGNATURE_SIZE, Signed

from alcove_server.store.values import (
    Page,
    Publication,
    RoomHead,
    RosterStep,
    StoredBlob,
    StoredDoor,
    StoredItem,
    Unsettled,
    Vote,
)

_BLOB: Final = Struct(">Qdd B16s32sI")
_TAIL: Final = Struct(">B16s32sI")
_META: Final = Struct(">B8sQQQ32s32sQdQQQdQd20s20sQddd")
_PAGE: Final = Struct(">8sQQ32sQBdB20s")
_HEAD: Final = Struct(">16s32sII20sQI")
_TIME: Final = Struct(">d")
_VOTE: Final = Struct(">32sQ??")
NO_SENDER: Final = bytes(32)
CLASSES: Final = {int(one): one for one in BlobClass}
META: Final = b"m"
LAYOUT: Final = 2
"""The version of all that lies in a room and is pushed, as in `meta.lua`."""


def tag_of(room: bytes) -> bytes:
    """Return what all keys of a room begin with. Redis Cluster places keys by it."""
    return b"{" + urlsafe_b64encode(room).rstrip(b"=") + b"}"


def head_of(publication: Publication, life: int, reign: bytes, most: int, size: int) -> bytes:
    """Return the fixed part of a publication's arguments."""
    kept = life + limits.PUBLISH_RECORD
    return _HEAD.pack(publication.base, publication.roster, life, kept, reign, most, size)


def tail_of(blob_class: int, id: bytes, sender: bytes, blob: bytes, entry: Signed | None) -> bytes:
    """Return a stored blob without its number and times."""
    if entry is None:
        return _TAIL.pack(blob_class, id, sender or NO_SENDER, 0) + blob
    head = _TAIL.pack(blob_class, id, sender or NO_SENDER, len(entry.body))
    return head + entry.body + entry.signature + blob


def blob_of(raw: bytes, start: int = 0) -> StoredBlob:
    """Read a stored blob, which starts there."""
    number, taken_at, ends, blob_class, id, sender, body = _BLOB.unpack_from(raw, start)
    at, entry = start + _BLOB.size, None
    if body:
        entry = Signed(raw[at : at + body], raw[at + body : at + body + SIGNATURE_SIZE])
        at += body + SIGNATURE_SIZE
    author = b"" if sender == NO_SENDER else sender
    return StoredBlob(number, CLASSES[blob_class], id, author, taken_at, ends, raw[at:], entry)


def room_head(raw: bytes) -> RoomHead:
    """Read a meta record."""
    _, generation, number, base, counter, roster, _, lobby, *_ = _META.unpack(raw)
    return RoomHead(generation, number, base, counter, roster, lobby)


def page_of(reply: list[bytes]) -> tuple[Page, bytes]:
    """Read a page of the log, and the reign under which its last number was given."""
    generation, number, base, commit, up_to, lost, now, quiet, reign = _PAGE.unpack(reply[0])
    page = Page(
        Position(generation, number),
        Position(generation, base),
        commit,
        tuple(map(blob_of, reply[1:])),
        up_to,
        bool(lost),
        up_to == number,
        now,
        bool(quiet),
    )
    return page, reign


def time_of(raw: bytes) -> float:
    """Read a time."""
    found: float = _TIME.unpack(raw)[0]
    return found


def step_of(step: RosterStep) -> bytes:
    """Return the arguments of a roster entry."""
    return packed(
        {
            "body": step.entry.body,
            "signature": step.entry.signature,
            "counter": step.counter,
            "head": step.head,
            "admitted": dict(step.admitted),
            "spent": step.spent,
            "revoked": list(step.revoked),
            "settled": list(step.settled),
            "gone": list(step.gone),
            "welcomes": dict(step.welcomes),
        }
    )


def of_vote(vote: Vote) -> bytes:
    """Return a vote of a log that was brought back."""
    return _VOTE.pack(vote.head, vote.common, vote.beyond, vote.void)


def unsettled_of(reply: list[bytes]) -> Unsettled | None:
    """Read the votes of a log."""
    if not reply:
        return None
    generation, age, *rest = reply
    votes = {key: Vote(*_VOTE.unpack(raw)) for key, raw in zip(rest[::2], rest[1::2], strict=True)}
    return Unsettled(generation, float(age), votes)


def door_arguments(door: StoredDoor) -> dict[str, object]:
    """Return a new door. Its end counts from the time of the script."""
    return {
        "key": door.key,
        "uses": door.uses_left,
        "ends": door.expires_at,
        "card": door.card_number,
        "by": door.by,
    }


def door_of(id: bytes, raw: bytes, card: bytes) -> StoredDoor:
    """Read a door."""
    found = unpacked(raw)
    closed = found[b"closed"].decode() or None
    text = b"" if closed is not None else card
    return StoredDoor(
        id,
        found[b"key"],
        int(found[b"uses"]),
        float(found[b"ends"]),
        int(found[b"card"]),
        text,
        closed,
        found.get(b"by", b""),  # one of an earlier version has none
    )


def item_of(raw: bytes, blob: bytes) -> StoredItem:
    """Read an item of the lobby."""
    found = unpacked(raw)
    ends = float(found[b"ends"])
    return StoredItem(
        int(found[b"number"]),
        LobbyKind(int(found[b"kind"])),
        found[b"id"],
        found[b"key"],
        float(found[b"taken"]),
        float("inf") if ends < 0 else ends,
        blob,
        found[b"door"] or None,
        bool(found[b"revoked"]),
        found.get(b"to", b""),
    )


def packed(value: object) -> bytes:
    """Return msgpack that the server's Lua reads as the same bytes."""
    raw: bytes = msgpack.packb(value, use_bin_type=False)
    return raw


def unpacked(raw: bytes) -> Any:  # a map of bytes, numbers and booleans, made by our own scripts
    """Read msgpack that a script wrote."""
    return msgpack.unpackb(raw, raw=True, strict_map_key=False)
