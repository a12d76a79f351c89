"""One commit on its way: its parts, the Updates that it carries, and its roster entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from alcove_protocol.codec import pack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.roster import (
    NO_HASH,
    Change,
    Op,
    RosterEntry,
    Seat,
    apply_changes,
    list_digest,
)
from alcove_protocol.statements import Signed

from alcove import mls
from alcove.facilitation.intents import CommitPlan, Intent
from alcove.group.extensions import RoomExtension
from alcove.group.keys import Identity
from alcove.group.listing import flags_of
from alcove.group.membership import Membership


@dataclass(frozen=True, slots=True)
class PendingUpdate:
    """A participant's Update, judged alone. `message` travels with the commit.

    It is of the epoch with this authenticator only: another branch of the group can have an epoch
    of the same number.
    """

    proposal: mls.ReceivedProposal
    message: bytes
    authenticator: bytes


@dataclass(slots=True)
class InFlight:
    """One commit on its way. Only the base in its roster entry may change."""

    intents: tuple[Intent, ...]
    plan: CommitPlan
    staged: mls.StagedCommit
    state: RoomExtension
    """The room's state after it."""
    blob: bytes
    welcomes: bytes | None
    publish_id: bytes
    group: mls.Group
    entry: Signed | None = None
    sent: bool = False
    restate: bool = False
    """Whether the entry restates the list. The relay has lost the knocks that it let in by."""


def fitting(
    membership: Membership, plan: CommitPlan, pending: list[PendingUpdate], now: int
) -> list[PendingUpdate]:
    """The pending Updates without each one that does not go with the plan, or with those before it.
    The others stay: no member can keep another's keys from being renewed. A plan that is wrong
    without any Update, as by a rejoin under another member's key, drops none."""

    def go(updates: list[PendingUpdate]) -> bool:
        carried = [item.proposal for item in updates]
        try:
            membership.group.check_changes(carried, plan.proposals, now=now)
        except (mls.MLSError, Malformed):
            return False
        return True

    if not pending or go(pending) or not go([]):
        return pending
    kept: list[PendingUpdate] = []
    for item in pending:
        if go([*kept, item]):
            kept.append(item)
    return kept


def needs_entry(item: InFlight, membership: Membership) -> bool:
    """Whether a roster entry goes with the commit, on the present base. A commit that was burned
    meanwhile can have left a list that is not the group's."""
    state, roster = item.state, membership.roster
    says = flags_of(state), state.slow, state.lobby_key
    moved = says != (roster.flags, roster.slow, roster.lobby)
    return bool(item.plan.changes) or membership.restate or moved


def sign_entry(item: InFlight, membership: Membership, identity: Identity) -> Signed:
    """The roster entry that goes with the commit, on the present base."""
    roster, state, changes = membership.roster, item.state, item.plan.changes
    flags, leaves = flags_of(state), item.plan.leaves
    # What comes by the standby restates nothing: the relay takes that of no standby key.
    if (membership.restate or item.restate) and not membership.own.entering:
        changes = _restating(membership.listing(), changes, roster.seats)
    seats = apply_changes(roster.seats, changes, roster.away)
    entry = RosterEntry(
        roster.room,
        roster.counter + 1,
        roster.head,
        identity.relay.public,
        membership.base.encode(),
        sha256(item.blob).digest(),
        sha256(item.welcomes).digest() if item.welcomes is not None else NO_HASH,
        b"".join(change.encode() for change in changes),
        int(flags),
        state.slow,
        list_digest(roster.room, seats, flags, state.slow),
        # A member that was held or away finds it in the chain. After a burned commit the chain may
        # name another key than the group's.
        lobby=state.lobby_key if state.lobby_key != roster.lobby else None,
        leaves=pack_list([leave.encode() for leave in leaves]) if leaves else None,
    )
    return identity.relay.sign(Label.ROSTER, entry)


def _restating(
    listing: list[Change], changes: Sequence[Change], before: Mapping[bytes, Seat]
) -> tuple[Change, ...]:
    """The changes after a list that is restated. A key that is removed is on it first, or off it by
    an ABSENT. One that was on the list and has no leaf, as one that entered by the standby or one
    that was let go, is put there for that."""
    listed = {change.key for change in listing}
    gone = [one.key for one in changes if one.op is Op.REMOVE and one.key not in listed]
    first = [Change(Op.ADD, key, before[key]) for key in gone if key in before]
    return (*listing, *first, *changes)
