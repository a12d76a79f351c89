"""A facilitator's commits: one at a time, staged, sent, and merged when the relay took it.

intent ──plan──▶ staged ──published──▶ merged
                   │
                   ├─ stale, epoch moved      → dropped, planned anew on the new state
                   ├─ stale, epoch stands     → the same bytes on the new base (a burned commit
                   │                            took the position)
                   ├─ refused otherwise       → dropped, the intent fails with the relay's code
                   └─ connection lost         → the same bytes, first thing after `resume`
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.codec import pack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.roster import (
    NO_HASH,
    Change,
    RoomFlag,
    RosterEntry,
    apply_changes,
    list_digest,
)
from alcove_protocol.statements import Signed

from alcove import mls
from alcove.errors import AlcoveError, NotNow, Refused
from alcove.facilitation.intents import CommitPlan, Intent
from alcove.group.admission import leaf_extensions, listing_of
from alcove.group.extensions import ROSTER_EXTENSION, leaf_extension, room_extension
from alcove.group.framing import handshake_padding
from alcove.group.keys import Identity
from alcove.group.membership import Membership, flags_of
from alcove.group.sealing import seal_welcome
from alcove.relay.ports import Ports


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

    intent: Intent
    staged: mls.StagedCommit
    blob: bytes
    welcomes: bytes | None
    changes: tuple[Change, ...]
    flags: RoomFlag
    slow: int
    needs_entry: bool
    lobby_key: bytes
    publish_id: bytes
    epoch: int
    leaves: tuple[Signed, ...] = ()
    entry: Signed | None = None
    sent: bool = False


OnTaken = Callable[[InFlight, Position], None]
"""Is called when the relay took the commit, at this position."""

PASSING: Final = frozenset({"unavailable", "busy", "rate_limited"})
"""Refusals after which the same commit goes again, at the next occasion."""


class Committer:
    """The queue of intents, and the one commit in flight."""

    def __init__(
        self,
        membership: Membership,
        identity: Identity,
        ports: Ports,
        *,
        on_taken: OnTaken,
        ready: Callable[[], bool],
    ) -> None:
        self._membership = membership
        self._identity = identity
        self._link = ports.link
        self._wall = ports.wall
        self._random = ports.random
        self._on_taken = on_taken
        self._ready = ready
        self._queue: deque[Intent] = deque()
        self.in_flight: InFlight | None = None
        self.updates: list[PendingUpdate] = []

    def want(self, intent: Intent) -> None:
        """Queue an intent. The same one twice counts once."""
        pending = self.in_flight.intent if self.in_flight is not None else None
        if intent.awaited or (intent != pending and intent not in self._queue):
            self._queue.append(intent)
        self.pump()

    def pump(self) -> None:
        """Send the commit in flight, or stage the next."""
        if not self._link.live or not self._ready():
            return
        if self.in_flight is None:
            self._stage_next()
        if self.in_flight is not None and not self.in_flight.sent:
            self._send(self.in_flight)

    def _stage_next(self) -> None:
        while self._queue and self.in_flight is None:
            intent = self._queue.popleft()
            try:
                plan = intent.plan(self._membership)
                if plan is not None:
                    self.in_flight = self._stage(intent, plan)
            except (mls.MLSError, Malformed) as error:
                intent.done(NotNow(error.code, "The group cannot make this change now."))
                continue
            if plan is None:
                intent.done(None)  # it is true already, or nothing is left to do

    def _fit_updates(self, plan: CommitPlan) -> None:
        """Drop each pending Update that does not go with the plan, or with those before it. The
        others stay: no member can keep another's keys from being renewed."""
        self._forget_old_updates()
        pending, self.updates = self.updates, []
        if not pending or self._goes_with(plan, pending):
            self.updates = pending
            return
        for item in pending:
            if self._goes_with(plan, [*self.updates, item]):
                self.updates.append(item)

    def _goes_with(self, plan: CommitPlan, updates: list[PendingUpdate]) -> bool:
        carried = [item.proposal for item in updates]
        try:
            self._membership.group.check_changes(carried, plan.proposals, now=int(self._wall()))
        except (mls.MLSError, Malformed):
            return False
        return True

    def _forget_old_updates(self) -> None:
        present = self._membership.group.epoch_authenticator
        self.updates = [item for item in self.updates if item.authenticator == present]

    def _stage(self, intent: Intent, plan: CommitPlan) -> InFlight:
        membership = self._membership
        group = membership.group
        self._fit_updates(plan)
        updates = list(self.updates)
        listing = mls.Extension(ROSTER_EXTENSION, listing_of(membership.roster).encode())
        staged = group.commit(
            proposals=plan.proposals,
            carried=[item.proposal for item in updates],
            force_path=plan.force_path,
            leaf_extensions=self._new_leaf_extensions(),
            group_info_extensions=(listing,),
            padding=handshake_padding,
            rng=self._random,
            now=int(self._wall()),
        )
        try:
            return self._put_in_flight(intent, plan, staged, updates)
        except (mls.MLSError, Malformed):
            staged.drop()
            raise

    def _new_leaf_extensions(self) -> tuple[mls.Extension, ...] | None:
        """What the committer's leaf says from now on, if the person accepted another agreement
        since. A facilitator proposes no Update that could carry it."""
        group, accepted = self._membership.group, self._membership.accepted
        leaf = group.member(group.own_index)
        if leaf is None or leaf_extension(leaf).agreement == accepted:
            return None
        return leaf_extensions(self._identity, accepted)

    def _put_in_flight(
        self,
        intent: Intent,
        plan: CommitPlan,
        staged: mls.StagedCommit,
        updates: list[PendingUpdate],
    ) -> InFlight:
        membership = self._membership
        group = membership.group
        welcomes = None
        if plan.welcome_to and staged.welcome is not None:
            welcomes = pack_list(
                [
                    relay_key
                    + seal_welcome(group.group_id, reply_key, staged.welcome, psk, self._random)
                    for relay_key, reply_key, psk in plan.welcome_to
                ]
            )
        state, roster = room_extension(staged.after), membership.roster
        flags, slow, lobby_key = flags_of(state), state.slow, state.lobby_key
        moved = (flags, slow, lobby_key) != (roster.flags, roster.slow, roster.lobby)
        return InFlight(
            intent,
            staged,
            pack_list([*(item.message for item in updates), staged.message]),
            welcomes,
            plan.changes,
            flags,
            slow,
            bool(plan.changes) or membership.restate or moved,
            lobby_key,
            self._random(frames.ID_SIZE),
            group.epoch,
            plan.leaves,
        )

    def _sign_entry(self, item: InFlight) -> Signed:
        roster = self._membership.roster
        changes = item.changes
        if self._membership.restate:
            changes = (*self._membership.listing(), *changes)
        seats = apply_changes(roster.seats, changes)
        entry = RosterEntry(
            roster.room,
            roster.counter + 1,
            roster.head,
            self._identity.relay.public,
            self._membership.base.encode(),
            sha256(item.blob).digest(),
            sha256(item.welcomes).digest() if item.welcomes is not None else NO_HASH,
            b"".join(change.encode() for change in changes),
            int(item.flags),
            item.slow,
            list_digest(roster.room, seats, item.flags, item.slow),
            # A member that was held or away finds it in the chain. After a burned commit the chain
            # may name another key than the group's.
            lobby=item.lobby_key if item.lobby_key != roster.lobby else None,
            leaves=pack_list([leave.encode() for leave in item.leaves]) if item.leaves else None,
        )
        return self._identity.relay.sign(Label.ROSTER, entry)

    def _send(self, item: InFlight) -> None:
        item.entry = self._sign_entry(item) if item.needs_entry else None
        item.sent = True
        entry, base = item.entry, self._membership.base

        def frame(n: int) -> frames.Request:
            return frames.Publish(
                n,
                item.publish_id,
                base.encode(),
                int(frames.BlobClass.COMMIT),
                limits.TTL_MAX,
                item.blob,
                entry.body if entry is not None else None,
                entry.signature if entry is not None else None,
                item.welcomes,
            )

        try:
            self._link.request(frame, lambda answer: self._answered(item, base, answer))
        except Malformed as error:
            self._fail(item, NotNow(error.code, "The group is too large for this change."))

    def _answered(self, item: InFlight, base: Position, answer: RelayAnswer | None) -> None:
        if self.in_flight is not item:
            return  # a replay has brought it in the meantime
        item.sent = False
        if isinstance(answer, frames.Published):
            self._taken(item, Position.decode(answer.position))
        elif isinstance(answer, frames.RequestRefused) and answer.code == "stale":
            # Either the commit that won is here, so plan anew, or it is still on its way.
            if self._membership.base != base:
                self.base_moved()
        elif isinstance(answer, frames.RequestRefused) and answer.code not in PASSING:
            self._fail(item, Refused.by_relay(answer.code))

    def _taken(self, item: InFlight, position: Position) -> None:
        self.in_flight = None
        self.updates.clear()
        self._on_taken(item, position)
        item.intent.done(None)
        self.pump()

    def _fail(self, item: InFlight, error: AlcoveError) -> None:
        self.in_flight = None
        item.staged.drop()
        item.intent.done(error)
        self.pump()

    def seen(self, blob: bytes, entry: Signed | None, position: Position) -> bool:
        """A commit came from the log. True when it is the one in flight: the relay took it."""
        item = self.in_flight
        if item is None or item.blob != blob:
            return False
        item.entry = entry
        self._taken(item, position)
        return True

    def base_moved(self) -> None:
        """The relay took another commit. A new epoch drops the staged one, and its intent stays."""
        group = self._membership.group
        self._forget_old_updates()
        item = self.in_flight
        if item is not None:
            if item.epoch != group.epoch:
                self.in_flight = None
                item.staged.drop()
                self._queue.appendleft(item.intent)
            else:
                item.sent = False
        self.pump()

    def connection_lost(self) -> None:
        if self.in_flight is not None:
            self.in_flight.sent = False

    @property
    def idle(self) -> bool:
        return self.in_flight is None and not self._queue

    def close(self, error: AlcoveError) -> None:
        """Commit nothing any more. Every pending intent fails with this error."""
        pending = [*([self.in_flight.intent] if self.in_flight else []), *self._queue]
        if self.in_flight is not None:
            self.in_flight.staged.drop()
        self.in_flight = None
        self._queue.clear()
        for intent in pending:
            intent.done(error)
