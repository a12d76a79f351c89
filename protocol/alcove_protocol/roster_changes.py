"""What one roster entry changes: the operations on the list, the seats, and the 43 bytes of each.

Two kinds of key are on the list without a seat in the room, in the role of a standby. A *link's*
key is that of a printed link. It only lets its holder ask, and put an *entrant's* key on the list:
a fresh key of whoever comes by the link. `paused` marks the entrant's. A facilitator adds and
removes both. Beyond that a standby key signs two kinds of entry, and nothing else (docs/protocol.md
8, "The standby"):

    the link's      the entrant's key is added, and takes the place of an earlier one
    the entrant's   it becomes a facilitator, and the link's key goes: the link is spent
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from alcove_protocol.errors import Malformed
from alcove_protocol.statements import DOOR_ID_SIZE, KEY_SIZE

NO_DOOR: Final = bytes(DOOR_ID_SIZE)
CHANGE_SIZE: Final = 1 + KEY_SIZE + DOOR_ID_SIZE + 2


class Role(IntEnum):
    PARTICIPANT = 0
    FACILITATOR = 1
    STANDBY = 2


class Op(IntEnum):
    """What one change does to the list. The fields that an operation does not use are zero."""

    RESET = 0  # empty the list; the ADDs after it restate it (after a burned commit)
    ADD = 1  # a newcomer by a door: a use of it is consumed
    REMOVE = 2  # a facilitator removes a member, or one that is ABSENT, and revokes their door, or
    # with `paused` keeps it
    CHANGE = 3  # another role or pause for a member
    REJOIN = 4  # the same member with fresh HPKE keys: a Welcome, no change of the list
    LEFT = 5  # a member asked to go, and the entry carries the signed leave: their door stays
    ABSENT = 6  # a member's connection was lost for long: their door stays, and they may come back


class RoomFlag(IntFlag):
    NONE = 0
    LOCKED = 1  # the relay takes no knocks
    LISTEN_ONLY = 2  # only facilitators post


FLAGS: Final = RoomFlag.LOCKED | RoomFlag.LISTEN_ONLY


@dataclass(frozen=True, slots=True)
class Seat:
    """One member on the list."""

    door: bytes = NO_DOOR
    role: Role = Role.PARTICIPANT
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """43 bytes: operation, relay key (32), door id (8), role, paused.

    The fields that the operation does not use are zero: otherwise they are signed without being
    part of the list's digest. Raises `Malformed` (`bad_field`).
    """

    op: Op
    key: bytes
    seat: Seat = Seat()

    def __post_init__(self) -> None:
        if not self._unused_is_zero():
            raise Malformed("bad_field", "A change holds what its operation does not use.")

    def _unused_is_zero(self) -> bool:
        seat = self.seat
        if self.op is Op.ADD:  # a standby key came by no door; `paused` says that it enters
            return seat.role is not Role.STANDBY or seat.door == NO_DOOR
        if self.op is Op.CHANGE:
            return seat.door == NO_DOOR and seat.role is not Role.STANDBY
        if self.op is Op.REMOVE:
            return seat in (Seat(), Seat(paused=True))
        return seat == Seat() and not (self.op is Op.RESET and any(self.key))

    @property
    def keeps_door(self) -> bool:
        """Whether a REMOVE leaves the door open that the member came by."""
        return self.op is Op.REMOVE and self.seat.paused

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


LINK: Final = Seat(role=Role.STANDBY)
"""The seat of a link's key."""
ENTRANT: Final = Seat(role=Role.STANDBY, paused=True)
"""The seat of a key that enters by the link."""


def seated_as(seats: Mapping[bytes, Seat], seat: Seat) -> frozenset[bytes]:
    """The keys on the list with this very seat."""
    return frozenset(key for key, found in seats.items() if found == seat)


def check_standbys(before: Mapping[bytes, Seat], changes: Iterable[Change]) -> None:
    """A facilitator's entry removes a standby key, and changes nothing else about it: it has no
    leaf that could be let in again, or be paused. Raises `Malformed` (`bad_roster`)."""
    standbys = set(seated_as(before, LINK) | seated_as(before, ENTRANT))
    for change in changes:
        if change.op is Op.RESET:
            standbys.clear()
        elif change.op is Op.ADD:
            standbys |= {change.key} if change.seat.role is Role.STANDBY else set()
        elif change.key in standbys and change.op is not Op.REMOVE:
            raise Malformed("bad_roster", "A standby key can only be removed.")


def check_counts_of_standbys(seats: Mapping[bytes, Seat]) -> None:
    """One link's key at most, and with it one key that enters. Raises `Malformed`
    (`bad_roster`)."""
    links, entrants = seated_as(seats, LINK), seated_as(seats, ENTRANT)
    if not len(entrants) <= len(links) <= 1:
        raise Malformed("bad_roster", "A room has one standby, and one key that enters by it.")


def check_by_standby(seats: Mapping[bytes, Seat], signer: bytes, changes: Sequence[Change]) -> None:
    """What a standby key may change. Raises `Malformed` (`bad_roster`)."""
    links, entrants = seated_as(seats, LINK), seated_as(seats, ENTRANT)
    enters = signer in links and _enters(entrants, changes)
    lists = signer in entrants and _lists(links, signer, changes)
    if not enters and not lists:
        raise Malformed("bad_roster", "A standby key may not change this.")


def _enters(entrants: frozenset[bytes], changes: Sequence[Change]) -> bool:
    """Whether the changes put one fresh key on the list, in the place of an earlier one."""
    former = [Change(Op.REMOVE, key) for key in entrants]
    added = changes[-1:]
    return list(changes[:-1]) == former and [(one.op, one.seat) for one in added] == [
        (Op.ADD, ENTRANT)
    ]


def _lists(links: frozenset[bytes], signer: bytes, changes: Sequence[Change]) -> bool:
    """Whether the changes make the signer a facilitator, and spend the link."""
    spent = [Change(Op.REMOVE, key) for key in links]
    return list(changes) == [Change(Op.CHANGE, signer, Seat(role=Role.FACILITATOR)), *spent]
