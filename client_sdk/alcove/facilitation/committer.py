"""A facilitator's commits: one at a time, staged, sent, and merged when the relay took it.

intents ──plan──▶ staged ──published──▶ merged
                    │
                    ├─ stale, epoch moved      → dropped, planned anew on the new state
                    ├─ stale, epoch stands     → the same bytes on the burned commit's position
                    ├─ refused otherwise       → set aside; of several intents each goes alone,
                    │                            and a single one fails. When the log brings it
                    │                            after all, it is merged. After many, fresh keys
                    └─ connection lost         → the same bytes, first thing after `resume`

Admissions that wait go into one commit. Every commit makes what others have on its way stale, so
after each one the others have a turn before the next that waits here. A removal waits for nobody.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.codec import pack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove import mls
from alcove.errors import PASSING, AlcoveError, NotNow, Refused
from alcove.facilitation.desk_fitting import with_desk_settings
from alcove.facilitation.in_flight import InFlight, PendingUpdate, fitting, needs_entry, sign_entry
from alcove.facilitation.intents import CommitPlan, Intent, not_now
from alcove.facilitation.overdue import Overdue
from alcove.facilitation.removal_intent import RemoveMembers
from alcove.group.admission import leaf_extensions, listing_of
from alcove.group.extensions import ROSTER_EXTENSION, leaf_extension, room_extension
from alcove.group.framing import handshake_padding
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.rights import NotAllowed, judge
from alcove.group.sealing import seal_welcome
from alcove.relay.ports import Ports

OnTaken = Callable[[InFlight, Position], None]
"""Is called when the relay took the commit, at this position."""

AT_ONCE: Final = 16
"""Intents that one commit makes true, when they can go together."""
OTHERS_TURN: Final = 1.0
"""Seconds between a commit and the next one that waited for it. In them the others follow it, and
send what it made stale."""
ASIDE_MOST: Final = 15
"""Commits of one epoch that the relay refused, and may have taken. The group keeps one more, so
none is lost: the only facilitator could not follow it, and no other can let them in again."""


class Committer:
    """The queue of intents, and the one commit in flight. `before_sent` is called before each time
    that the relay is given it: what is asked of the relay then comes first."""

    def __init__(
        self,
        membership: Membership,
        identity: Identity,
        ports: Ports,
        *,
        on_taken: OnTaken,
        ready: Callable[[], bool],
        before_sent: Callable[[], None] = lambda: None,
    ) -> None:
        self._before_sent = before_sent
        self._membership = membership
        self._identity = identity
        self._link = ports.link
        self._clock = ports.clock
        self._wall = ports.wall
        self._random = ports.random
        self._on_taken = on_taken
        self._ready = ready
        self._queue: deque[Intent] = deque()
        self._turn_ends = 0.0
        self._most = AT_ONCE
        self._alone = 0
        self._staging = False
        self.welcomes_most = limits.WELCOMES
        """Bytes of all Welcomes of one commit. Fewer go together where one is large."""
        self.in_flight: InFlight | None = None
        self._aside: list[InFlight] = []
        self._closed: AlcoveError | None = None
        self._overdue = Overdue(ports)
        self.updates: list[PendingUpdate] = []

    def want(self, *intents: Intent) -> None:
        """Queue these. The same intent twice counts once."""
        for intent in intents:
            self._enqueue(intent)
        self.pump()

    def _enqueue(self, intent: Intent) -> None:
        if self._closed is not None:
            intent.done(self._closed)
            return
        if intent.awaited:
            self._overdue.asked()
        pending = self.in_flight.intents if self.in_flight is not None else ()
        if intent.awaited or (intent not in pending and intent not in self._queue):
            place = max((n for n, one in enumerate(self._queue, 1) if one.urgent), default=0)
            self._queue.insert(place if intent.urgent else len(self._queue), intent)

    def pump(self) -> None:
        """Send the commit in flight, or stage the next."""
        if not self._link.live or not self._ready():
            return
        if self.in_flight is None:
            self._stage_next()
        if self.in_flight is not None and not self.in_flight.sent and not self._staging:
            self._send(self.in_flight)

    def _stage_next(self) -> None:
        if self._staging:
            return  # an intent that was told its end wants the next thing
        self._staging = True
        try:
            while self._queue and self.in_flight is None and self._may_go_on():
                if len(self._aside) >= ASIDE_MOST:
                    # An honest relay has no reason to refuse it, and it begins a new epoch.
                    self._try((), CommitPlan(force_path=True))
                    break
                intents, plan = self._gather()
                if plan is not None:
                    self._try(intents, plan)
        finally:
            self._staging = False

    def _may_go_on(self) -> bool:
        return self._queue[0].urgent or self._clock() >= self._turn_ends

    def _gather(self) -> tuple[list[Intent], CommitPlan | None]:
        """The next intents that one commit can make true, and that commit."""
        found: list[Intent] = []
        whole: CommitPlan | None = None
        most = 1 if self._alone else self._most
        self._alone = max(0, self._alone - 1)
        while self._queue and len(found) < most and (whole is None or whole.gathers):
            intent = self._queue.popleft()
            plan = self._plan(intent)
            if plan is None:
                continue
            if whole is not None and not plan.gathers:
                self._queue.appendleft(intent)
                break
            found.append(intent)
            whole = plan if whole is None else whole.with_other(plan)
        return found, whole

    def _plan(self, intent: Intent) -> CommitPlan | None:
        """None when nothing is to be committed for it. Then it was told so."""
        try:
            plan = intent.plan(self._membership)
        except NotNow as error:
            intent.done(error)
            return None
        except (mls.MLSError, Malformed) as error:
            intent.done(not_now(error.code))
            return None
        if plan is None:
            intent.done(None)  # it is true already, or nothing is left to do
        return plan

    def _try(self, intents: Sequence[Intent], plan: CommitPlan) -> None:
        try:
            whole = plan.whole(self._membership.state)
            self.in_flight = self._stage(intents, with_desk_settings(self._membership, whole))
        except _WelcomesTooLarge:
            self._most = len(intents) // 2
            self._queue.extendleft(reversed(intents))
        except (mls.MLSError, Malformed, NotAllowed) as error:
            self._give_up(intents, not_now(error.code))

    def _give_up(self, intents: Sequence[Intent], error: AlcoveError) -> None:
        """Of several intents one is to blame, and it is not known which: each goes alone."""
        if len(intents) > 1:
            self._alone += len(intents)
            self._queue.extendleft(reversed(intents))
            return
        for intent in intents:
            intent.done(error)

    def _forget_old_updates(self) -> None:
        present = self._membership.group.epoch_authenticator
        self.updates = [item for item in self.updates if item.authenticator == present]

    def _stage(self, intents: Sequence[Intent], plan: CommitPlan) -> InFlight:
        membership = self._membership
        group = membership.group
        self._forget_old_updates()
        self.updates = fitting(membership, plan, self.updates, int(self._wall()))
        updates = list(self.updates)
        listing = mls.Extension(ROSTER_EXTENSION, listing_of(membership.roster).encode())
        staged = group.commit(
            proposals=plan.proposals,
            carried=[item.proposal for item in updates],
            force_path=plan.force_path,
            leaf_extensions=self._new_leaf_extensions(plan),
            group_info_extensions=(listing,),
            padding=handshake_padding,
            rng=self._random,
            now=int(self._wall()),
        )
        try:
            judge(group, staged)  # as all others will: what they burn must not be merged here
            return self._put_in_flight(intents, plan, staged, updates)
        except (mls.MLSError, Malformed, NotAllowed, _WelcomesTooLarge):
            staged.drop()
            raise

    def _new_leaf_extensions(self, plan: CommitPlan) -> tuple[mls.Extension, ...] | None:
        """What the committer's leaf says from now on, if the person accepted another agreement
        since, or it came by the standby. A facilitator proposes no Update that could carry it."""
        group, accepted = self._membership.group, plan.accepts or self._membership.accepted
        leaf = group.member(group.own_index)
        if leaf is None:
            return None
        said = leaf_extension(leaf)
        if said.agreement == accepted and said.appointment is None:
            return None
        return leaf_extensions(self._identity, accepted)

    def _put_in_flight(
        self,
        intents: Sequence[Intent],
        plan: CommitPlan,
        staged: mls.StagedCommit,
        updates: list[PendingUpdate],
    ) -> InFlight:
        group = self._membership.group
        welcomes = None
        if plan.welcome_to and staged.welcome is not None:
            welcomes = pack_list(
                [
                    relay_key
                    + seal_welcome(group.group_id, reply_key, staged.welcome, psk, self._random)
                    for relay_key, reply_key, psk in plan.welcome_to
                ]
            )
            if len(welcomes) > self.welcomes_most and len(intents) > 1:
                raise _WelcomesTooLarge
        return InFlight(
            tuple(intents),
            plan,
            staged,
            room_extension(staged.after),
            pack_list([*(item.message for item in updates), staged.message]),
            welcomes,
            self._random(frames.ID_SIZE),
            group,
        )

    def _send(self, item: InFlight) -> None:
        membership = self._membership
        try:
            needed = needs_entry(item, membership)
            entry = sign_entry(item, membership, self._identity) if needed else None
        except Malformed as error:
            self._fail(item, not_now(error.code))  # the list that this client knows is wrong
            return
        self._before_sent()
        item.entry, item.sent = entry, True
        if item.state.facilitator_keys() - membership.state.facilitator_keys():
            membership.may_have_appointed = True
        base = membership.base

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
        self._aside.clear()
        self._overdue.again()
        self._on_taken(item, position)
        for intent in item.intents:
            intent.done(None)
        waiting, self._queue = self._queue, deque[Intent]()
        # An urgent one is looked at in its turn: one before it may make it needed, as an unpause.
        self._queue.extend(one for one in waiting if one.urgent or self._plan(one) is not None)
        if self._queue:
            self._turn_ends = self._clock() + OTHERS_TURN
        self.pump()

    def _fail(self, item: InFlight, error: AlcoveError) -> None:
        """The relay did not take it, or lied: `came` knows it. One for no intent goes again."""
        if not item.intents:
            return
        self.in_flight = None
        item.staged.set_aside()
        self._aside.append(item)
        self._give_up(item.intents, error)
        self.pump()

    def seen(self, blob: bytes, entry: Signed | None, position: Position) -> bool:
        """A commit came from the log. True when it is the one in flight: the relay took it."""
        item = self.in_flight
        if item is None or item.blob != blob:
            return False
        item.entry = entry
        self._taken(item, position)
        return True

    def came(self, blob: bytes) -> None:
        """The log brought this commit and it was merged. If the relay had refused it, what failed
        then has become true, and those who wait for it are told."""
        for item in [item for item in self._aside if item.blob == blob]:
            self._aside.remove(item)
            for intent in item.intents:
                intent.done(None)

    def base_moved(self) -> None:
        """The relay took another commit. A new epoch drops the staged one, and its intent stays."""
        group = self._membership.group
        self._forget_old_updates()
        self._aside = [item for item in self._aside if item.group is group]
        item = self.in_flight
        if item is not None:
            if item.group is not group:
                self.in_flight = None
                item.staged.drop()
                self._queue.extendleft(reversed(item.intents))
            else:
                item.sent = False
        self.pump()

    def plan_anew(self) -> None:
        """The list is another, by an entry whose commit was refused: what is in flight may be about
        one that it keeps out now. A commit that was merged does so in any case (`base_moved`)."""
        item = self.in_flight
        if item is not None and item.intents and item.group is self._membership.group:
            self.in_flight = None
            item.staged.set_aside()
            self._aside.append(item)
            self._queue.extendleft(reversed(item.intents))

    def new_log(self) -> None:
        """The relay lost its memory. It may have taken the commit in flight before that, and some
        may have followed it. So the same commit goes again, and its entry says who is a member:
        with the memory, the knocks that it answers are gone."""
        if self.in_flight is not None and self.in_flight.welcomes is not None:
            self.in_flight.restate = True

    def tick(self) -> None:
        """Tell the person when what they wait for is not made, whatever the relay says of it."""
        self._overdue.tick(waits=any(intent.awaited for intent in self._wanted))

    @property
    def _wanted(self) -> tuple[Intent, ...]:
        """What is in flight, and what waits."""
        in_flight = self.in_flight.intents if self.in_flight is not None else ()
        return (*in_flight, *self._queue)

    def connection_lost(self) -> None:
        if self.in_flight is not None:
            self.in_flight.sent = False

    @property
    def doubtful(self) -> bool:
        """Whether the relay said of a commit of this epoch that it did not take it."""
        return bool(self._aside)

    @property
    def idle(self) -> bool:
        return self.in_flight is None and not self._queue

    @property
    def removing(self) -> bool:
        """Whether a removal was asked for that the relay has not taken yet. That can take long:
        the relay is busy, or says nothing."""
        return any(isinstance(intent, RemoveMembers) for intent in self._wanted)

    def close(self, error: AlcoveError) -> None:
        """Commit nothing any more. Every intent, pending or to come, fails with this error."""
        self._closed = error
        pending = self._wanted
        if self.in_flight is not None:
            self.in_flight.staged.drop()
            self.in_flight = None
        self._aside, self._queue = [], deque()
        for intent in pending:
            intent.done(error)


class _WelcomesTooLarge(Exception):
    """The Welcomes of several intents do not fit one frame together."""
