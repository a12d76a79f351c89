"""Frames that the relay sends from more than one place: goodbyes, blobs and lobby items."""

from __future__ import annotations

from alcove_protocol.errors import REFUSALS
from alcove_protocol.frames import BlobIs, Bye, LobbyItem
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.interface import StoredBlob, StoredItem
from alcove_server.wire import fast_out


def bye(code: str, statement: Signed | None = None) -> Bye:
    """The last frame of a connection, with a code of `REFUSALS`."""
    if statement is None:
        return Bye(code, REFUSALS[code])
    return Bye(code, REFUSALS[code], statement.body, statement.signature)


def draining(delay: int) -> Bye:
    """The last frame for a client that is to come back after `delay` seconds."""
    return Bye("draining", REFUSALS["draining"], delay=delay)


def away(delay: int) -> Bye:
    """The last frame for a client whose room cannot be served, to come back after `delay`
    seconds."""
    return Bye("unavailable", REFUSALS["unavailable"], delay=delay)


def blob_frame(generation: bytes, blob: StoredBlob, now: float) -> bytes:
    """A stored blob as it is sent at time `now` of the store's clock, framed."""
    entry, age = blob.entry, max(0, int(now - blob.taken_at))
    at, blob_class = Position(generation, blob.number).encode(), blob.blob_class
    if entry is None:
        return fast_out.blob(at, blob_class, age, blob.blob, blob.sender)
    key = blob.sender or None
    frame = BlobIs(at, blob_class, age, blob.blob, entry.body, entry.signature, key)
    return fast_out.framed(frame.to_bytes())


def item_frame(item: StoredItem, now: float) -> LobbyItem:
    """A lobby item as it is sent at time `now` of the store's clock."""
    age = max(0, int(now - item.taken_at))
    return LobbyItem(
        item.number, item.kind, item.id, item.key, age, item.blob, item.door, item.door_revoked
    )
