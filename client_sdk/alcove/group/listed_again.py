"""The list of members in a log that lost entries: commits come again there, with other entries.

    entry 4 ── A: entry 5 ── B: entry 6          what this client followed
            └─ A: entry 5' ── B: entry 6'        the same commits in the log that was brought back

An entry names the one before it and the base of its commit, so it cannot come again as it was. A
facilitator signs another one with the same effect (docs/protocol.md section 9).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.roster import (
    NO_HASH,
    Change,
    Op,
    Role,
    Roster,
    RosterEntry,
    Seat,
    apply_changes,
    entry_hash,
    extend,
    list_digest,
)
from alcove_protocol.statements import KEY_SIZE, Signed

from alcove.group.keys import SigningKey
from alcove.group.merged import MergedCommit

_CHAIN: Final = (Label.OPEN, Label.ROSTER)
_GOES: Final = (Op.REMOVE, Op.LEFT, Op.ABSENT)


def same_list(one: Roster, other: Roster) -> bool:
    """Whether two lists say the same."""
    return _says(one) == _says(other)


def _says(roster: Roster) -> tuple[object, ...]:
    return dict(roster.seats), roster.flags, roster.slow, roster.lobby


def entry_again(lost: MergedCommit, at: Roster, base: Position, relay: SigningKey) -> Signed | None:
    """The entry with which a lost commit goes again, where the log's list is `at`: afterwards it is
    as it was after the commit. None when it is so already, and nobody is to be kept off it.

    It carries no Welcome. Newcomers are restated, as the knocks that they came by are gone.
    """
    after = lost.after
    if same_list(after, at) and not _barred(lost):
        return None
    changes = _changes(lost, at)
    seats = apply_changes(at.seats, changes, at.away)
    entry = RosterEntry(
        at.room,
        at.counter + 1,
        at.head,
        relay.public,
        base.encode(),
        lost.digest,
        NO_HASH,
        b"".join(change.encode() for change in changes),
        int(after.flags),
        after.slow,
        list_digest(at.room, seats, after.flags, after.slow),
        lobby=after.lobby if after.lobby != at.lobby else None,
        leaves=_decoded(lost.entry).leaves if lost.entry is not None else None,
    )
    return relay.sign(Label.ROSTER, entry)


def _changes(lost: MergedCommit, at: Roster) -> list[Change]:
    """Those of the lost entry, where they have no Welcome and follow the same list. Otherwise the
    list after it is restated, and who went goes from it by name: a removed key stays out, and a
    leave is told as one."""
    changes = _decoded(lost.entry).decoded_changes() if lost.entry is not None else ()
    own = [one for one in changes if one.op is not Op.REJOIN]
    lets_in = (one.op is Op.RESET or _admits(one) for one in own)
    # Where it is not known who is away, the key is put on the list first: each log takes that.
    known = _barred(lost) <= (at.away or frozenset())
    if not any(lets_in) and same_list(lost.before, at) and known:
        return own
    gone = [one for one in own if one.op in _GOES and one.key not in lost.after.seats]
    seats = _with_gone(lost, gone)
    restated = [Change(Op.ADD, key, seats[key]) for key in sorted(seats)]
    return [Change(Op.RESET, bytes(KEY_SIZE)), *restated, *gone]


def _barred(lost: MergedCommit) -> frozenset[bytes]:
    """The keys that the lost entry removed, and that an ABSENT had taken off the list before."""
    changes = _decoded(lost.entry).decoded_changes() if lost.entry is not None else ()
    removed = (one.key for one in changes if one.op is Op.REMOVE)
    return frozenset(key for key in removed if key not in lost.before.seats)


def _decoded(entry: Signed) -> RosterEntry:
    return RosterEntry.decode(entry.body, limit=limits.ENTRY)


def _admits(change: Change) -> bool:
    return change.op is Op.ADD and change.seat.role is not Role.STANDBY


def _with_gone(lost: MergedCommit, gone: list[Change]) -> Mapping[bytes, Seat]:
    seats = {one.key: lost.before.seats.get(one.key, Seat()) for one in gone}
    return seats | dict(lost.after.seats)


@dataclass(frozen=True, slots=True)
class Branch:
    """The list as the log has it, from `fork` on, the head of the last entry that is the same."""

    fork: bytes
    before: Roster
    roster: Roster
    entries: tuple[Signed, ...] = ()

    @classmethod
    def at(cls, roster: Roster) -> "Branch":
        return cls(roster.head, roster, roster)

    def follow(self, digest: bytes, entry: Signed) -> "Branch":
        """One more commit came again. Raises `Malformed` when its entry does not follow."""
        after, verified = extend(self.roster, entry)
        if verified.statement.commit != digest:
            raise Malformed("bad_roster", "The entry is of another commit.")
        return Branch(self.fork, self.roster, after, (*self.entries, entry))

    def chain(self, known: Sequence[Signed]) -> list[Signed]:
        """The chain of this branch, where `known` is the one that this client followed."""
        heads = ({entry_hash(label, one.body) for label in _CHAIN} for one in known)
        place = next((n for n, head in enumerate(heads, 1) if self.fork in head), 0)
        return [*known[:place], *self.entries]
