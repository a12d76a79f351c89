"""The roster: a room's chain of signed entries. Relay and members verify it by the same rules.

Entry 0 is the `Opening`. Every later entry signs the room, its counter, the hash of the entry
before it, the position its commit builds on, the hashes of that commit and of its Welcomes, the
changes, and the digest of the list that results. So nobody can replay, leave out or recombine
entries, and the last hash commits to the whole history.

The relay reads from the list which keys may connect. Members compare it with the MLS tree. When the
two differ, clients tell people. They never refuse a commit for it: otherwise a lying relay could
fork the group.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Final, assert_never

from alcove_protocol import limits
from alcove_protocol.codec import split, unpack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label, hash_with, room_id_of
from alcove_protocol.position import POSITION_SIZE
from alcove_protocol.records import AtMost, Exactly, Record

# isort: off
from alcove_protocol.roster_changes import (  # also for those that import this module
    CHANGE_SIZE as CHANGE_SIZE,
    ENTRANT as ENTRANT,
    FLAGS as FLAGS,
    LINK as LINK,
    NO_DOOR as NO_DOOR,
    Change as Change,
    Op as Op,
    Role as Role,
    RoomFlag as RoomFlag,
    Seat as Seat,
    check_by_standby,
    check_counts_of_standbys,
    check_standbys,
    seated_as,
)

# isort: on
from alcove_protocol.statements import (
    HASH_SIZE,
    KEY_SIZE,
    LeaveStatement,
    Opening,
    Signed,
    Verified,
    verify,
)

NO_HASH: Final = bytes(HASH_SIZE)


@dataclass(frozen=True, slots=True)
class RosterEntry(Record):
    """A roster entry after the first, label `roster`, signed by a facilitator's relay key.

    `base` is the position of the last commit that the signer knew, `commit` SHA-256 of the blob
    that goes with this entry, and `welcomes` SHA-256 of the Welcomes as published, or 32 zeros.
    `flags` and `slow` (the seconds of slow mode, 0 for none) state the room as it is afterwards.
    `lobby` is the lobby key when this commit changes it: a member who was held or away finds it in
    the chain. `leaves` lists the signed `LeaveStatement` of each LEFT, in the order of the changes.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER, least=1)]
    previous: Annotated[bytes, Exactly(HASH_SIZE)]
    signer: Annotated[bytes, Exactly(KEY_SIZE)]
    base: Annotated[bytes, Exactly(POSITION_SIZE)]
    commit: Annotated[bytes, Exactly(HASH_SIZE)]
    welcomes: Annotated[bytes, Exactly(HASH_SIZE)]
    changes: Annotated[bytes, AtMost(limits.CHANGES)]
    flags: Annotated[int, AtMost(FLAGS)]
    slow: Annotated[int, AtMost(limits.SLOW_MAX)]
    digest: Annotated[bytes, Exactly(HASH_SIZE)]
    lobby: Annotated[bytes, Exactly(KEY_SIZE)] | None = None
    leaves: Annotated[bytes, AtMost(limits.LEAVES)] | None = None

    def decoded_changes(self) -> tuple[Change, ...]:
        """Raises `Malformed`."""
        most = 2 * limits.MEMBERS_MAX
        return tuple(Change.decode(item) for item in split(self.changes, CHANGE_SIZE, most=most))

    def decoded_leaves(self) -> tuple[Signed, ...]:
        """The signed leaves, not yet verified. Raises `Malformed`."""
        items = unpack_list(self.leaves or b"", most=limits.MEMBERS_MAX)
        return tuple(Signed.decode(item) for item in items)


def entry_hash(label: Label, body: bytes) -> bytes:
    """What the next entry names as `previous`: SHA-256 of the label and the entry's exact bytes."""
    return sha256(label.bytes + body).digest()


@dataclass(frozen=True, slots=True)
class Roster:
    """The list after some entry, and that entry's hash. Only verified entries make one.

    `since` tells for each key which entry seated it, for judging leaves. A client that joined later
    does not know it, and a key that is not in it counts as seated by entry 0. `lobby` is the last
    lobby key that an entry named. `away` are the keys whose last change is ABSENT. It is None for a
    client that joined later, which cannot know them: it takes a REMOVE of any key without a seat.
    """

    room: bytes
    counter: int
    head: bytes
    seats: Mapping[bytes, Seat]
    flags: RoomFlag
    members: int
    ttl: int
    slow: int = 0
    lobby: bytes | None = None
    since: Mapping[bytes, int] = field(default_factory=lambda: MappingProxyType({}))
    away: frozenset[bytes] | None = None

    @property
    def digest(self) -> bytes:
        """The hash of the list, its members in the order of their keys."""
        return list_digest(self.room, self.seats, self.flags, self.slow)

    def facilitators(self) -> frozenset[bytes]:
        return frozenset(key for key, seat in self.seats.items() if seat.role is Role.FACILITATOR)

    def standbys(self) -> frozenset[bytes]:
        """The standby keys of the list: the link's, and one that enters by it."""
        return self.links() | self.entrants()

    def links(self) -> frozenset[bytes]:
        """The key of the standby's link, which has no leaf in the group. At most one."""
        return seated_as(self.seats, LINK)

    def entrants(self) -> frozenset[bytes]:
        """The key that enters by the link. Its leaf may be in the group already. At most one."""
        return seated_as(self.seats, ENTRANT)

    def listing(self) -> bytes:
        """The whole list as changes: a RESET, then an ADD for each member."""
        items = [Change(Op.RESET, bytes(KEY_SIZE))]
        items += [Change(Op.ADD, key, self.seats[key]) for key in sorted(self.seats)]
        return b"".join(item.encode() for item in items)

    def is_member(self, key: bytes) -> bool:
        """Whether the key is on the list and has a leaf in the group: a standby key has none."""
        seat = self.seats.get(key)
        return seat is not None and seat.role is not Role.STANDBY

    def is_facilitator(self, key: bytes) -> bool:
        seat = self.seats.get(key)
        return seat is not None and seat.role is Role.FACILITATOR


_ADD: Final = bytes([Op.ADD])
_TAILS: Final = {(role, paused): bytes([role, paused]) for role in Role for paused in (False, True)}


def _by_key(item: tuple[bytes, Seat]) -> bytes:
    return item[0]


def list_digest(room: bytes, seats: Mapping[bytes, Seat], flags: RoomFlag, slow: int = 0) -> bytes:
    """Return the hash of a list: its members as ADD items, in the order of their keys."""
    # Not by `Change.encode`: a chain of thousands of entries is one frame, and each needs this.
    items = [
        _ADD + key + seat.door + _TAILS[seat.role, seat.paused]
        for key, seat in sorted(seats.items(), key=_by_key)
    ]
    return hash_with("list", room, bytes([flags]), slow.to_bytes(2, "big"), *items)


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
        since=MappingProxyType({statement.relay_key: 0}),
        away=frozenset(),
    )
    return roster, opening


def apply_changes(
    seats: Mapping[bytes, Seat],
    changes: Iterable[Change],
    away: Container[bytes] | None = frozenset(),
) -> dict[bytes, Seat]:
    """Return the list after the changes. No member is changed twice.

    A REMOVE may name a key of `away` too, or any key without a seat where that is None: one that an
    ABSENT took off the list, and that is to stay off (see `Roster`).
    The ADDs that restate a list after a RESET do not count as changes. The other changes of the
    entry follow them. Raises `Malformed` (`bad_roster`).
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
        elif not known and (change.op is not Op.REMOVE or not _may_be_away(change.key, away)):
            raise Malformed("bad_roster", "A key that is changed is not on the list.")
        elif change.op is Op.CHANGE:
            result[change.key] = replace(change.seat, door=result[change.key].door)
        elif change.op is Op.REMOVE or change.op is Op.LEFT or change.op is Op.ABSENT:
            result.pop(change.key, None)
        elif change.op is not Op.REJOIN:
            assert_never(change.op)
    return result


def _may_be_away(key: bytes, away: Container[bytes] | None) -> bool:
    return away is None or key in away


def extend(roster: Roster, signed: Signed) -> tuple[Roster, Verified[RosterEntry]]:
    """Return the roster after one more entry.

    Raises `Malformed`:
    - as `verify`
    - `bad_length` or `bad_field` for its changes
    - `room_full` when it seats more members than the room holds
    - `bad_roster` when it does not follow (room, counter, previous hash, signer, digest), when a
      change is not possible, when no facilitator remains, and above `limits.FACILITATORS` of them
    """
    claimed = RosterEntry.decode(signed.body, limit=limits.ENTRY)
    if not roster.is_facilitator(claimed.signer) and claimed.signer not in roster.standbys():
        raise Malformed("bad_roster", "The signer is no facilitator.")
    entry = verify(RosterEntry, Label.ROSTER, signed, claimed.signer)
    if (claimed.room, claimed.counter, claimed.previous) != (
        roster.room,
        roster.counter + 1,
        roster.head,
    ):
        raise Malformed("bad_roster", "The entry does not follow the last one.")
    changes = claimed.decoded_changes()
    if roster.is_facilitator(claimed.signer):
        check_standbys(roster.seats, changes)
    else:
        _check_of_standby(roster, claimed, changes)
    seats = apply_changes(roster.seats, changes, roster.away)
    _check_leaves(roster, changes, claimed.decoded_leaves())
    flags = RoomFlag(claimed.flags)
    if list_digest(roster.room, seats, flags, claimed.slow) != claimed.digest:
        raise Malformed("bad_roster", "The list does not have the digest that was signed.")
    _check_counts(roster, seats)
    after = replace(
        roster,
        counter=claimed.counter,
        head=entry_hash(Label.ROSTER, signed.body),
        seats=MappingProxyType(seats),
        flags=flags,
        slow=claimed.slow,
        lobby=roster.lobby if claimed.lobby is None else claimed.lobby,
        since=MappingProxyType(_since(roster, claimed, changes)),
        away=_away(roster, seats, changes),
    )
    return after, entry


def _check_counts(roster: Roster, seats: Mapping[bytes, Seat]) -> None:
    roles = [seat.role for seat in seats.values()]
    if not 1 <= roles.count(Role.FACILITATOR) <= limits.FACILITATORS:
        raise Malformed("bad_roster", f"A room has from one to {limits.FACILITATORS} facilitators.")
    check_counts_of_standbys(seats)
    if len(seats) - roles.count(Role.STANDBY) > roster.members:
        raise Malformed("room_full", "There are more members than the room holds.")


def _check_of_standby(roster: Roster, entry: RosterEntry, changes: tuple[Change, ...]) -> None:
    """An entry that a standby key signed changes its own place on the list and no rule of the room.
    The one that lists it brings the new lobby key: it never had the one before."""
    check_by_standby(roster.seats, entry.signer, changes)
    lists = entry.signer in roster.entrants()
    if (entry.flags, entry.slow) != (roster.flags, roster.slow) or entry.leaves is not None:
        raise Malformed("bad_roster", "A standby key changes no rule of the room.")
    if entry.welcomes != NO_HASH or (entry.lobby is not None) is not lists:
        raise Malformed("bad_roster", "A standby key lets nobody in, and lists itself with a key.")


def _check_leaves(roster: Roster, changes: tuple[Change, ...], leaves: tuple[Signed, ...]) -> None:
    """Each LEFT has the leave that its member signed. Otherwise a facilitator could remove a member
    and have all others told that the member wanted to go."""
    left = [change.key for change in changes if change.op is Op.LEFT]
    if len(left) != len(leaves):
        raise Malformed("bad_roster", "Each LEFT needs its signed leave, and nothing else does.")
    for key, signed in zip(left, leaves, strict=True):
        verify_leave(roster, key, signed)


def verify_leave(roster: Roster, key: bytes, signed: Signed) -> None:
    """Check that a member of this list asked to leave, in this stay.

    Raises `Malformed`: as `verify`, or `bad_statement` when it is of another room or key, or its
    counter is before the member's seat or after this list.
    """
    wish = verify(LeaveStatement, Label.LEAVE, signed, key).statement
    if (wish.room, wish.relay_key) != (roster.room, key):
        raise Malformed("bad_statement", "The leave is of another room or member.")
    if not roster.since.get(key, 0) <= wish.counter <= roster.counter:
        raise Malformed("bad_statement", "The leave is of another time.")


def _since(roster: Roster, entry: RosterEntry, changes: tuple[Change, ...]) -> Mapping[bytes, int]:
    """Which entry seated each key.

    A key that a restated list brings back counts as seated by entry 0. The commit that took it off
    the list was burned, so a leave that it signed before is still to be done.
    """
    if changes and changes[0].op is Op.RESET:
        return {key: since for key, since in roster.since.items() if key in roster.seats}
    since = dict(roster.since)
    for change in changes:
        match change.op:
            case Op.ADD:
                since[change.key] = entry.counter
            case Op.REMOVE | Op.LEFT | Op.ABSENT:
                since.pop(change.key, None)
            case Op.RESET | Op.CHANGE | Op.REJOIN:
                pass
            case _:
                assert_never(change.op)
    return since


def _away(
    roster: Roster, seats: Mapping[bytes, Seat], changes: tuple[Change, ...]
) -> frozenset[bytes] | None:
    """The keys that an ABSENT took off the list, and that nothing was done about since."""
    if roster.away is None:
        return None
    gone = {one.key for one in changes if one.op is Op.ABSENT and one.key in roster.seats}
    removed = {one.key for one in changes if one.op is Op.REMOVE}
    away = (roster.away | gone) - removed
    return frozenset(key for key in away if key not in seats)
