"""A room's roster as the relay needs it: the list, and what its history means for keys and doors.

Only `begin` and `follow` make a `RosterHistory`, and both verify. So a `RosterHistory` is a
verified chain, wherever its bytes were kept. docs/protocol.md section 8.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.roster import (
    NO_DOOR,
    Change,
    Op,
    Role,
    RoomFlag,
    Roster,
    RosterEntry,
    extend,
    open_roster,
)
from alcove_protocol.statements import Signed, Verified

from alcove_server.rooms.chain_space import ChainSpace

_AT_ONCE: Final = 2500
"""Work on a chain before others have their turn, about 2 ms. An entry counts one for each member on
its list, because the list is hashed whole, and `_SIGNATURE` more."""
_SIGNATURE: Final = 250


@dataclass(frozen=True, slots=True)
class RosterHistory:
    """The list after some entry. `removed` keys may not come back, `revoked` doors closed with
    them, and `facilitators` held the role at some time.

    Each removed key has the entry that removed it, so a removed client need not believe the relay.
    The entry is the object that the chain holds, so it takes no memory of its own. An entry too
    large for its frame is None."""

    roster: Roster
    removed: Mapping[bytes, Signed | None]
    revoked: frozenset[bytes]
    facilitators: frozenset[bytes]
    leading: frozenset[bytes]
    """Keys that hold the role now. Worked out once here, because each frame of the private line
    asks, of which every client sends one at each tick."""
    posters: frozenset[bytes]
    """Keys that may publish application blobs. Worked out once here, because each publish asks."""
    space: ChainSpace
    """Whose bytes the chain consists of."""
    absent: Mapping[bytes, bytes]
    """Keys that an ABSENT took off the list, each with the door that it came by. They may come back
    without a knock, and use up nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one entry did. `added` maps keys to doors. A restated list brings in the `restated` keys
    and leaves out the `dropped` ones without a change that names them."""

    added: dict[bytes, bytes]
    restated: dict[bytes, bytes]
    rejoined: frozenset[bytes]
    removed: frozenset[bytes]
    left: frozenset[bytes]
    dropped: frozenset[bytes]
    revoked: frozenset[bytes]
    promoted: frozenset[bytes]
    returned: frozenset[bytes]
    """Keys that an ABSENT had taken off the list."""
    absent: frozenset[bytes]
    replacing: frozenset[bytes]
    """Added keys that come by the door of a key which the entry removes with that door kept: the
    same place for new keys, so no use of the door."""

    @property
    def gone(self) -> frozenset[bytes]:
        """All keys that are no longer on the list."""
        return self.removed | self.left | self.dropped

    @property
    def seated(self) -> frozenset[bytes]:
        """All keys for which the commit may carry a Welcome."""
        return frozenset(self.added) | frozenset(self.restated) | self.rejoined | self.returned


def begin(signed: Signed, room: bytes) -> RosterHistory:
    """The history at entry 0. Raises `Malformed`, as `open_roster`."""
    roster, _ = open_roster(signed, room)
    return RosterHistory(
        roster,
        MappingProxyType({}),
        frozenset(),
        roster.facilitators(),
        roster.facilitators(),
        _posters(roster),
        ChainSpace.begin(_size(signed), roster.members),
        MappingProxyType({}),
    )


def follow(
    history: RosterHistory, signed: Signed
) -> tuple[RosterHistory, Verified[RosterEntry], Outcome]:
    """The history after one more entry. Raises `Malformed`, as `extend`."""
    roster, entry = extend(history.roster, signed)
    outcome = _outcome(history, roster, entry.statement)
    before, now = history.leading, roster.facilitators()
    after = RosterHistory(
        roster,
        _removed(history, roster, outcome, signed),
        history.revoked | outcome.revoked,
        history.facilitators | now,
        now,
        _posters(roster),
        history.space.after(entry.statement.signer, before, now, _size(signed)),
        _absent(history, roster, outcome),
    )
    return after, entry, outcome


def fits(history: RosterHistory, entry: RosterEntry, size: int) -> bool:
    """Whether an entry of `size` signed bytes has its place in the chain, `chain_space`."""
    changes = list(entry.decoded_changes())
    if changes and changes[0].op is Op.RESET:  # other ADDs admit newcomers
        changes = [one for one in changes if one.op is not Op.RESET and one.op is not Op.ADD]
    removes = bool(changes) and all(_takes_away(history, change) for change in changes)
    return history.space.fits(entry.signer, history.leading, size, removes)


def _takes_away(history: RosterHistory, change: Change) -> bool:
    """Whether it takes a member off the list, or a facilitator's part from one."""
    if change.op is Op.CHANGE:
        return change.key in history.facilitators and change.seat.role is Role.PARTICIPANT
    return change.op is Op.REMOVE


def _size(signed: Signed) -> int:
    return len(signed.body) + len(signed.signature)


def _posters(roster: Roster) -> frozenset[bytes]:
    among = roster.facilitators() if roster.flags & RoomFlag.LISTEN_ONLY else roster.seats
    seats = ((key, roster.seats[key]) for key in among)
    return frozenset(
        key for key, seat in seats if not seat.paused and seat.role is not Role.STANDBY
    )


def _removed(
    history: RosterHistory, after: Roster, outcome: Outcome, signed: Signed
) -> Mapping[bytes, Signed | None]:
    back = history.removed.keys() & after.seats.keys()
    if not back and not outcome.removed:
        return history.removed
    proof = signed if len(signed.body) <= limits.STATEMENT else None
    known = {key: entry for key, entry in history.removed.items() if key not in back}
    return MappingProxyType(known | dict.fromkeys(outcome.removed, proof))


def _absent(history: RosterHistory, after: Roster, outcome: Outcome) -> Mapping[bytes, bytes]:
    """A key that is on the list again, or that was removed, is absent no more."""
    over = history.absent.keys() & (after.seats.keys() | outcome.removed)
    if not over and not outcome.absent:
        return history.absent
    known = {key: door for key, door in history.absent.items() if key not in over}
    seats = history.roster.seats
    return MappingProxyType(known | {key: seats[key].door for key in outcome.absent})


async def verify_chain(
    chain: Iterable[Signed], room: bytes, breathe: Callable[[], Awaitable[None]]
) -> RosterHistory:
    """The history after a whole chain. Raises `Malformed` (`bad_roster` when it is empty).

    Each entry costs a signature, and any client may bring a long chain of its own room. So the
    others have a turn (`breathe`) after some entries.
    """
    history: RosterHistory | None = None
    done = 0
    for signed in chain:
        history = begin(signed, room) if history is None else follow(history, signed)[0]
        done += _SIGNATURE + len(history.roster.seats)
        if done >= _AT_ONCE:
            done = 0
            await breathe()
    if history is None:
        raise Malformed("bad_roster", "The chain is empty.")
    return history


def _outcome(history: RosterHistory, after: Roster, entry: RosterEntry) -> Outcome:
    before = history.roster
    added: dict[bytes, bytes] = {}
    by_op: dict[Op, set[bytes]] = {op: set() for op in Op}
    kept: set[bytes] = set()
    restates = False
    for change in entry.decoded_changes():
        restates = restates or change.op is Op.RESET
        by_op[change.op].add(change.key)
        if change.keeps_door:
            kept.add(change.key)
        # A standby key comes by no door, has no leaf and gets no Welcome.
        by_door = change.op is Op.ADD and change.seat.role is not Role.STANDBY
        if by_door and change.key in after.seats:
            added[change.key] = change.seat.door
    present = after.seats.keys()
    removed = frozenset(by_op[Op.REMOVE] - present)
    left = frozenset((by_op[Op.LEFT] | by_op[Op.ABSENT]) - present)
    known = before.seats.keys()
    came_back = set() if restates else added.keys() & history.absent.keys()
    returned = frozenset(key for key in came_back if added[key] == history.absent[key])
    new = {} if restates else {key: at for key, at in added.items() if key not in returned}
    # One that an ABSENT took off before loses the door that it came by, like one with a seat.
    went = {history.absent[key] for key in removed - kept if key in history.absent}
    doors = {before.seats[key].door for key in removed - kept if key in known} | went
    vacant = [before.seats[key].door for key in removed & kept if key in known]
    return Outcome(
        added=new,
        restated={key: door for key, door in added.items() if restates and key not in known},
        rejoined=frozenset(by_op[Op.REJOIN] & present),
        removed=removed,
        left=left,
        dropped=frozenset(known - present - removed - left),
        revoked=frozenset(doors - {NO_DOOR}),
        promoted=after.facilitators() - before.facilitators(),
        returned=returned,
        absent=frozenset((by_op[Op.ABSENT] & known) - present),
        replacing=_replacing(new, vacant),
    )


def _replacing(added: Mapping[bytes, bytes], vacant: list[bytes]) -> frozenset[bytes]:
    """The keys of `added` for which there is a vacant place of their door, each for one."""
    found: set[bytes] = set()
    for key, door in added.items():
        if door in vacant:
            vacant.remove(door)
            found.add(key)
    return frozenset(found)
