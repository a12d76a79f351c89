"""A room restored after the relay lost its memory. docs/protocol.md section 9.

Pure, as `rules`. Any client that shows the chain and signs as a member of its last entry may
restore the room. The chain proves itself from the room id on, so a relay that knows nothing of the
room can check all of it. It cannot tell a chain from an earlier part of it: `settling`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from enum import Enum
from hashlib import sha256
from typing import Final

from alcove_protocol import limits
from alcove_protocol.card import card_counter
from alcove_protocol.codec import unpack_list
from alcove_protocol.errors import Malformed, Refusal
from alcove_protocol.frames import Reseat, SeatedDoor
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_HASH, RosterEntry
from alcove_protocol.statements import (
    DoorStatement,
    EndStatement,
    ReseatStatement,
    Signed,
    signature_holds,
)

from alcove_server.rooms.roster_history import RosterHistory
from alcove_server.rooms.roster_verifier import Breathe
from alcove_server.rooms.rules import statement
from alcove_server.rooms.seated_chain import Pause, head_of
from alcove_server.store.interface import SeatedCommit, SeatedRoom, StoredDoor

ENTRIES = 10_000
"""Entries of one chain: more than fit into `limits.ROSTER_CHAIN`."""
_DOOR_STEPS: Final = 6.0
_CARD_BYTES: Final = 8 * limits.KIB
"""Steps (`ports.turn`) of verifying a door, and bytes of its card that count as one step more."""


class Comparison(Enum):
    """How a chain compares with the one in the store."""

    NEW = "it is longer"
    KNOWN = "it is the same, or an earlier part of it"
    OTHER = "neither begins with the other"


async def room(
    frame: Reseat,
    id: bytes,
    key: bytes,
    generation: bytes,
    verify: Callable[[Sequence[Signed], bytes, Breathe], Awaitable[RosterHistory]],
    breathe: Breathe,
    pause: Pause,
) -> tuple[SeatedRoom, RosterHistory]:
    """The room as a member brings it, and its roster. Raises `Refusal` (`bad_roster`,
    `bad_statement`, `not_member`), and what `verify`, `breathe` and `pause` raise."""
    try:
        chain = tuple([Signed.decode(item) for item in unpack_list(frame.chain, most=ENTRIES)])
        history = await verify(chain, id, breathe)
    except Malformed:
        raise Refusal("bad_roster") from None
    if not history.roster.is_member(key):
        raise Refusal("not_member")
    commit = sha256(frame.commit).digest() if frame.commit else NO_HASH
    said = named(frame, id, key)
    if (said.head, said.commit) != (history.roster.head, commit):
        raise Refusal("bad_statement")
    entries = _entries_of(chain)
    try:
        blobs = unpack_list(frame.earlier or b"", most=limits.EARLIER_COMMITS)
    except Malformed:
        raise Refusal("bad_statement") from None
    if not all(blobs) or (blobs and not frame.commit):
        raise Refusal("bad_statement")
    earlier = tuple(SeatedCommit(blob, entries.get(sha256(blob).digest())) for blob in blobs)
    doors = await doors_of(frame, history, key, pause)
    head, entry = history.roster.head, entries.get(commit)
    if entry is not chain[-1]:
        entry = None
    seated = SeatedRoom(id, chain, head, generation, frame.commit, doors, entry, earlier=earlier)
    return seated, history


def named(frame: Reseat, id: bytes, key: bytes) -> ReseatStatement:
    """What a member says of its chain. Raises `Refusal` (`bad_statement`)."""
    said = statement(ReseatStatement, Label.RESEAT, Signed(frame.statement, frame.signature), key)
    if (said.room, said.relay_key) != (id, key):
        raise Refusal("bad_statement")
    return said


async def doors_of(
    frame: Reseat, history: RosterHistory, key: bytes, pause: Pause
) -> tuple[StoredDoor, ...]:
    """The doors that a facilitator put, with what is left of them. Raises `Refusal`
    (`bad_statement`; `not_allowed` when another member brings any), and what `pause` raises."""
    if frame.doors and not history.roster.is_facilitator(key):
        raise Refusal("not_allowed")
    return tuple([door async for door in _doors(frame.doors, history, key, pause)])


def _entries_of(chain: tuple[Signed, ...]) -> dict[bytes, Signed]:
    """The last entries, by the hash of the commit that each is of. A member who missed commits
    needs them, else its roster ends before everybody's. A commit without one leaves the chain as it
    was."""
    last = chain[1:][-1 - limits.EARLIER_COMMITS :]
    return {RosterEntry.decode(one.body, limit=limits.ENTRY).commit: one for one in last}


async def _doors(
    packed: bytes, history: RosterHistory, key: bytes, pause: Pause
) -> AsyncIterator[StoredDoor]:
    try:
        items = unpack_list(packed, most=limits.DOORS)
        doors = [SeatedDoor.decode(item) for item in items]
    except Malformed:
        raise Refusal("bad_statement") from None
    for door in doors:
        await pause(_DOOR_STEPS + len(door.card) / _CARD_BYTES)
        seated = _door(door, history, key)
        # A door that closed with a removal stays closed, even if a facilitator remembers it open.
        if seated.id not in history.revoked and seated.uses_left and seated.expires_at:
            yield seated


def _door(door: SeatedDoor, history: RosterHistory, key: bytes) -> StoredDoor:
    """A door with what is left of it. The facilitator that brings it must have put it: trying the
    keys of others would cost minutes in a stranger's room with a thousand facilitators."""
    if not signature_holds(Label.DOOR, door.statement, door.signature, key):
        raise Refusal("bad_statement")
    try:
        put = DoorStatement.decode(door.statement)
    except Malformed:
        raise Refusal("bad_statement") from None
    if put.room != history.roster.room or sha256(door.card).digest() != put.card_hash:
        raise Refusal("bad_statement")
    if card_counter(put.card_number) > history.roster.counter:
        raise Refusal("bad_statement")
    # The relay must believe the facilitator what is left, but not more than was put.
    left, ttl = min(door.uses_left, put.uses), min(door.ttl_left, put.ttl)
    number = put.card_number
    return StoredDoor(put.door, put.door_key, left, float(ttl), number, door.card, by=key)


def compare(seated: Sequence[Signed], brought: Sequence[Signed]) -> tuple[Comparison, int]:
    """Compare a chain with the one in the store, entry by entry, as signed. Return how they compare
    and the counter of the last entry that both have."""
    shorter = min(len(seated), len(brought))
    for counter in range(shorter):
        if seated[counter].body != brought[counter].body:
            return Comparison.OTHER, counter - 1
    new = len(brought) > len(seated)
    return Comparison.NEW if new else Comparison.KNOWN, shorter - 1


def goes_past(chain: Sequence[Signed], ended: Signed) -> bool:
    """Whether a verified chain goes on after the head for which a facilitator ended the room: then
    the end was signed by one who did not know the rest."""
    said = EndStatement.decode(ended.body)
    return len(chain) > said.counter + 1 and head_of(chain, said.counter) == said.head
