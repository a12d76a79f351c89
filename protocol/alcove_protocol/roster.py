"""The roster: a room's chain of signed entries. Relay and members verify it by the same rules.

Entry 0 is the `Opening`. Every later entry signs the room, its counter, the hash of the entry
before it, the position its commit builds on, the hashes of that commit and of its Welcomes, the
changes, and the digest of the list that results. So nobody can replay, leave out or recombine
entries, and the last hash commits to the whole history.

The relay reads from the list which keys may connect. Members compare it with the MLS tree. When the
two differ, clients tell people. They never refuse a commit for it: otherwise a lying relay could
fork the group.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Final

from alcove_protocol import limits
from alcove_protocol.codec import split
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label, hash_with, room_id_of
from alcove_protocol.position import POSITION_SIZE
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.statements import (
    DOOR_ID_SIZE,
    HASH_SIZE,
    KEY_SIZE,
    Opening,
    Signed,
    Verified,
    verify,
)

NO_DOOR: Final = bytes(DOOR_ID_SIZE)
NO_HASH: Final = bytes(HASH_SIZE)
CHANGE_SIZE: Final = 1 + KEY_SIZE + DOOR_ID_SIZE + 2


class Role(IntEnum):
    PARTICIPANT = 0
    FACILITATOR = 1
    STANDBY = 2


class Op(IntEnum):
    """What one change does to the list. The fields that an operation does not use are zero."""

    RESET = 0  # empty the list; the ADDs after it restate it (after a burned commit)
    ADD = 1  # a newcomer by a door: a use of it is consumed
    REMOVE = 2  # a facilitator removes a member: the member's door is revoked
    CHANGE = 3  # another role or pause for a member
    REJOIN = 4  # the same member with fresh HPKE keys: a Welcome, no change of the list
    LEFT = 5  # a member asked to go: their door stays


class RoomFlag(IntFlag):
    NONE = 0
    LOCKED = 1  # the relay takes no knocks
    LISTEN_ONLY = 2  # only facilitators post


@dataclass(frozen=True, slots=True)
class Seat:
    """One member on the list."""

    door: bytes = NO_DOOR
    role: Role = Role.PARTICIPANT
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """43 bytes: operation, relay key (32), door id (8), role, paused.

    What the operation does not use is zero, or it would be signed without being part of the list's
    digest. Raises `Malformed` (`bad_field`).
    """

    op: Op
    key: bytes
    seat: Seat = Seat()

    def __post_init__(self) -> None:
        if self.op is Op.CHANGE:
            unused_is_zero = self.seat.door == NO_DOOR
        else:
            unused_is_zero = self.op is Op.ADD or self.seat == Seat()
        if not unused_is_zero or (self.op is Op.RESET and any(self.key)):
            raise Malformed("bad_field", "A change holds what its operation does not use.")

    def encode(self) -> bytes:
        seat = self.seat
        return bytes([self.op]) + self.key + seat.door + bytes([seat.role, seat.paused])

    @classmethod
    def decode(cls, data: bytes) -> "Change":
        """Raises `Malformed` (`bad_length`, `bad_field`)."""
        if len(data) != CHANGE_SIZE:
            raise Malformed("bad_length", f"A change has {CHANGE_SIZE} bytes.")
        try:
            op, role = Op(data[0]), Role(data[-2])
        except ValueError:
            raise Malformed("bad_field", "A change has an unknown operation or role.") from None
        if data[-1] > 1:
            raise Malformed("bad_field", "In a change, paused is neither 0 nor 1.")
        key, door = data[1 : 1 + KEY_SIZE], data[1 + KEY_SIZE : 1 + KEY_SIZE + DOOR_ID_SIZE]
        return cls(op, key, Seat(door, role, bool(data[-1])))


@dataclass(frozen=True, slots=True)
class Entry(Record):
    """A roster entry after the first, label `roster`, signed by a facilitator's relay key.

    `base` is the position of the last commit taken when this was made, `commit` SHA-256 of the
    blob it goes with, `welcomes` SHA-256 of the Welcomes as published, or 32 zeros.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER, least=1)]
    previous: Annotated[bytes, Exactly(HASH_SIZE)]
    signer: Annotated[bytes, Exactly(KEY_SIZE)]
    base: Annotated[bytes, Exactly(POSITION_SIZE)]
    commit: Annotated[bytes, Exactly(HASH_SIZE)]
    welcomes: Annotated[bytes, Exactly(HASH_SIZE)]
    changes: Annotated[bytes, AtMost(limits.ENTRY - limits.KIB)]
    flags: Annotated[int, AtMost(3)]
    digest: Annotated[bytes, Exactly(HASH_SIZE)]

    def decoded_changes(self) -> tuple[Change, ...]:
        """Raises `Malformed`."""
        most = 2 * limits.MEMBERS_MAX
        return tuple(Change.decode(item) for item in split(self.changes, CHANGE_SIZE, most=most))


def entry_hash(label: Label, body: bytes) -> bytes:
    """What the next entry names as `previous`: SHA-256 of the label and the entry's exact bytes."""
    return sha256(label.bytes + body).digest()


@dataclass(frozen=True, slots=True)
class Roster:
    """The list after some entry, and that entry's hash. Only verified entries make one."""

    room: bytes
    counter: int
    head: bytes
    seats: Mapping[bytes, Seat]
    flags: RoomFlag
    members: int
    ttl: int

    @property
    def digest(self) -> bytes:
        """The hash of the list, its members in the order of their keys."""
        return list_digest(self.room, self.seats, self.flags)

    def facilitators(self) -> frozenset[bytes]:
        return frozenset(key for key, seat in self.seats.items() if seat.role is Role.FACILITATOR)

    def listing(self) -> bytes:
        """The whole list as changes: a RESET, then an ADD for each member."""
        items = [Change(Op.RESET, bytes(KEY_SIZE))]
        items += [Change(Op.ADD, key, self.seats[key]) for key in sorted(self.seats)]
        return b"".join(item.encode() for item in items)

    def is_facilitator(self, key: bytes) -> bool:
        seat = self.seats.get(key)
        return seat is not None and seat.role is Role.FACILITATOR


_ADD: Final = bytes([Op.ADD])
_TAILS: Final = {(role, paused): bytes([role, paused]) for role in Role for paused in (False, True)}


def _by_key(item: tuple[bytes, Seat]) -> bytes:
    return item[0]


def list_digest(room: bytes, seats: Mapping[bytes, Seat], flags: RoomFlag) -> bytes:
    """The hash of a list: its members as ADD items, in the order of their keys."""
    # Not by `Change.encode`: a chain of thousands of entries is one frame, and each needs this.
    items = [
        _ADD + key + seat.door + _TAILS[seat.role, seat.paused]
        for key, seat in sorted(seats.items(), key=_by_key)
    ]
    return hash_with("list", room, bytes([flags]), *items)


def open_roster(signed: Signed, room: bytes) -> tuple[Roster, Verified[Opening]]:
    """Begin a chain at entry 0.

    Raises `Malformed`: `wrong_room` when the root key does not hash to the room id, otherwise as
    `verify`.
    """
    root_key = Opening.decode(signed.body).root_key
    opening = verify(Opening, Label.OPEN, signed, root_key)
    statement = opening.statement
    if room_id_of(root_key) != room or statement.previous != room:
        raise Malformed("wrong_room", "The entry does not open this room.")
    seats = {statement.relay_key: Seat(role=Role.FACILITATOR)}
    roster = Roster(
        room,
        0,
        entry_hash(Label.OPEN, signed.body),
        MappingProxyType(seats),
        RoomFlag.NONE,
        statement.members,
        statement.ttl,
    )
    return roster, opening


def apply_changes(seats: Mapping[bytes, Seat], changes: Iterable[Change]) -> dict[bytes, Seat]:
    """The list after the changes, of which each is about another member.

    The ADDs that restate a list after a RESET do not count there: what is changed besides, in the
    same entry, follows them. Raises `Malformed` (`bad_roster`).
    """
    result = dict(seats)
    changed: set[bytes] = set()
    restates = False
    for position, change in enumerate(changes):
        known = change.key in result
        if change.op is not Op.RESET:
            if change.key in changed:
                raise Malformed("bad_roster", "An entry changes the same member twice.")
            if not (restates and change.op is Op.ADD):
                changed.add(change.key)
        if change.op is Op.RESET:
            if position:
                raise Malformed("bad_roster", "A reset can only come first.")
            restates = True
            result.clear()
        elif change.op is Op.ADD:
            if known:
                raise Malformed("bad_roster", "A key that is added is already on the list.")
            result[change.key] = change.seat
        elif not known:
            raise Malformed("bad_roster", "A key that is changed is not on the list.")
        elif change.op is Op.CHANGE:
            result[change.key] = replace(change.seat, door=result[change.key].door)
        elif change.op in (Op.REMOVE, Op.LEFT):
            del result[change.key]
    return result


def extend(roster: Roster, signed: Signed) -> tuple[Roster, Verified[Entry]]:
    """Return the roster after one more entry.

    Raises `Malformed`:
    - as `verify`
    - `bad_length` or `bad_field` for its changes
    - `room_full` when it seats more members than the room holds
    - `bad_roster` when it does not follow (room, counter, previous hash, signer, digest), when a
      change is not possible, when no facilitator remains, and above `limits.FACILITATORS` of them
    """
    claimed = Entry.decode(signed.body, limit=limits.ENTRY)
    if not roster.is_facilitator(claimed.signer):
        raise Malformed("bad_roster", "The signer is no facilitator.")
    entry = verify(Entry, Label.ROSTER, signed, claimed.signer)
    if (claimed.room, claimed.counter, claimed.previous) != (
        roster.room,
        roster.counter + 1,
        roster.head,
    ):
        raise Malformed("bad_roster", "The entry does not follow the last one.")
    seats = apply_changes(roster.seats, claimed.decoded_changes())
    flags = RoomFlag(claimed.flags)
    if list_digest(roster.room, seats, flags) != claimed.digest:
        raise Malformed("bad_roster", "The list does not have the digest that was signed.")
    facilitators = sum(seat.role is Role.FACILITATOR for seat in seats.values())
    if not 1 <= facilitators <= limits.FACILITATORS:
        raise Malformed("bad_roster", "A room has at least one facilitator, and not so many.")
    if len(seats) > roster.members:
        raise Malformed("room_full", "There are more members than the room holds.")
    head = entry_hash(Label.ROSTER, signed.body)
    after = replace(
        roster,
        counter=claimed.counter,
        head=head,
        seats=MappingProxyType(seats),
        flags=flags,
    )
    return after, entry
