"""A member's client: what comes over the stream, and what goes out.

Its parts are wired in `member_parts`. Here each event reaches the parts that it concerns.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final, assert_never

from alcove_protocol import frames, limits
from alcove_protocol.frames import COMMITS, BlobClass, RelayAnswer
from alcove_protocol.position import Position
from alcove_protocol.statements import Opening, Signed

from alcove import events
from alcove.engine.held_member import HeldMember
from alcove.events import ConnectionState
from alcove.facilitation.facilitator import Facilitator, Handover
from alcove.facilitation.in_flight import InFlight
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.outcomes import Burned, Held, Merged, PutOut
from alcove.messages.agreements import Agreements
from alcove.messages.stream import Advance
from alcove.relay.ports import Ports

BEAT_AGAIN: Final = 1.0
"""Seconds after which a refused heartbeat is sent again, and after the last blob of a replay the
first one. In the middle of it one names a number that the others passed long ago: it is late."""


class MemberClient(HeldMember):
    """A client in the room, from its Welcome or from the opening on.

    `on_first_resume` is called when the stream has begun. `put_out` is called when a commit removes
    this member. `handover` gives what an appointed facilitator needs. `stranded`: see `Rejoining`.
    """

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        opening: Opening,
        cursor: Position,
        ports: Ports,
        agreements: Agreements,
        *,
        handover: Callable[[], Handover],
        on_first_resume: Callable[[], None],
        put_out: Callable[[PutOut], None],
        stranded: Callable[[], None],
    ) -> None:
        super().__init__(
            identity, membership, opening, cursor, ports, agreements, stranded, handover
        )
        self._on_first_resume = on_first_resume
        self._put_out = put_out
        self._ever_resumed = False
        self._beat_at = self._blob_at = self._replay_most = 0.0

    def become_facilitator(self, handover: Handover) -> Facilitator:
        """From here on this member's client facilitates: at the opening, or when appointed."""
        self.life.began()
        self.facilitator = Facilitator(
            self._identity,
            self.membership,
            self.presence,
            self.life,
            self._ports,
            handover,
            seen_going=self.seen_going,
            seen_lost=self.seen_lost,
            ask=self.requests.send,
            on_taken=self.own_commit_taken,
            ready=lambda: self.ready,
            may_commit=lambda: self._may_commit,
            before_commit=self._park_first,
        )
        self.agreement_change.came_back()
        return self.facilitator

    # --- the connection ------------------------------------------------------------------------

    @property
    def ever_resumed(self) -> bool:
        """Whether this client followed the room's log over a connection of its own before."""
        return self._ever_resumed

    def authenticated(self) -> None:
        lobby = self.facilitator.lobby.number if self.facilitator is not None else 0
        position = self.stream.cursor.encode()
        self._link.request(lambda n: frames.Resume(n, position, lobby), self._resume_answered)

    def _resume_answered(self, answer: RelayAnswer | None) -> None:
        if not isinstance(answer, frames.Resumed):
            if answer is not None:
                self._link.hang_up = True
            return
        self.presence.resumed()
        self.presence.relay_says(read_only=answer.read_only)
        first, self._ever_resumed = not self._ever_resumed, True
        cursor = self.stream.cursor
        # All but the opener come by a commit in the log. What was kept back may be lost, too.
        began = cursor.number > 0 or self._following.waits
        new_log = self.stream.resumed(answer)
        base = Position.decode(answer.base)
        if new_log:
            self._begin_new_log(answer, base)
        settles = new_log or self.bringing.unsettled
        self.bringing.resumed(answer, new_log=new_log)
        self._following.waits = False
        if self.bringing.unsettled:
            self._following.expect_nothing()
        else:
            self._following.expect(base)
            if settles and not first:
                self._new_log.leave_turn()
        if not first:
            self._emit(events.ConnectionChanged(ConnectionState.RESUMED))
        self._resumed, self._replay_most = True, self._clock() + limits.HEARTBEAT_INTERVAL
        self.life.resumed()
        self.conversation.slow.unsure()
        if self.facilitator is not None:
            self.facilitator.resumed(new_log)
            self._beat_at = self._clock() + (BEAT_AGAIN if self.stream.replays else 0.0)
        if self._following.held and (new_log or self._rejoining.due):
            self._ask_rejoin()  # a relay that lost its memory lost what was asked before
        if first:
            self._on_first_resume()
            self.presence.tell()
            self._rules.look()
            # What the state folds of what a person still sees that was outside.
            self.conversation.folding.look({})
        if began and (self._doubts.note_loss(answer) or self.stream.cursor != cursor):
            self._gap()
        self.bringing.chain.fetch()
        self._new_log.repeat_commit(self.facilitator, self.pump)
        self._new_log.read_admission(self.facilitator)
        self.tick()
        self.pump()

    def _begin_new_log(self, answer: frames.Resumed, base: Position) -> None:
        following, group = self._following, self.membership.group
        following.new_log, following.ahead, self.membership.branch = True, b"", None
        following.in_step = answer.commit == self.membership.commit_hash
        if following.in_step:
            self.membership.base = base
        if group.epoch == 0:
            self.stream.start_log(base, group.context.confirmed_transcript_hash)

    def disconnected(self) -> None:
        self._resumed = False
        self._following.expect_nothing()  # what was on its way comes after the next `resume`
        self.life.disconnected()
        self.presence.disconnected()
        self.conversation.outbox.connection_lost()
        if self.committer is not None:
            self.committer.connection_lost()
        if self.tickets is not None:
            self.tickets.disconnected()

    # --- what comes ----------------------------------------------------------------------------

    def blob(self, frame: frames.BlobIs) -> None:
        """One blob of the stream `room`."""
        if frame.blob_class == BlobClass.BEAT:
            self.desk.beat_came(frame.blob)
        self._new_log.fill_in(frame)
        if self._new_log.keeps_back(frame, self.facilitator):
            return
        position = Position.decode(frame.position)
        self._blob_at = self._clock()
        step = self._doubts.advance(position, frame.blob_class, frame.blob)
        if step in (Advance.BEHIND, Advance.LATER):
            return
        if step is Advance.AFTER_HOLE:
            self._gap()
        if frame.blob_class in COMMITS:
            self._commit(frame, position)
        elif self._own(frame, position):
            pass
        elif self._new_log.is_before(frame.blob, position):
            self._following.pass_over(said=frame.blob_class == BlobClass.APPLICATION)
        elif not self._following.held and not self._following.ahead:
            self._application(frame)
        elif frame.blob_class == BlobClass.BEAT:
            self._following.others_heard()
        else:
            self._following.skipped = True
        self._roster_alarm.sound(behind=self._following.lacks_entries)
        self.pump()

    def _own(self, frame: frames.BlobIs, position: Position) -> bool:
        """Whether it is a message of this client, which was sent then. Held or not."""
        own = self.conversation.own_blob(frame.blob)
        if own is not None:
            self.presence.coverage.numbered(own.id, position)
            self.conversation.own_sent(own, position)
        return own is not None

    def _application(self, frame: frames.BlobIs) -> None:
        beat = self.conversation.receive(frame)
        if beat is not None and self.presence.heard(beat):
            self.life.beat_heard(sha256(frame.blob).digest())

    def _commit(self, frame: frames.BlobIs, position: Position) -> None:
        signed = frame.entry is not None and frame.signature is not None
        entry = Signed(frame.entry or b"", frame.signature or b"") if signed else None
        digest = sha256(frame.blob).digest()
        membership, following = self.membership, self._following
        external = frame.blob_class == BlobClass.EXTERNAL
        if self.committer is not None and self.committer.seen(frame.blob, entry, position):
            pass  # this client's own, and `own_commit_taken` has merged it
        elif digest == membership.commit_hash:
            membership.base = position
            if following.caught_up():
                self._gap()
            if following.new_log:
                membership.came_again(digest, entry)
                self.bringing.chain.fetch()
        elif self._new_log.is_ahead_of(digest, position):
            membership.came_again(digest, entry)
            self._new_log.passed(digest, position)
            self._new_log.repeat_commit(self.facilitator, self.pump)
        else:
            self._follow(frame.blob, entry, position, external=external)
        self._tell_kept_out(self._keep_out())
        if digest == membership.commit_hash:
            self._begin_log_hash(position, external=external)

    def _begin_log_hash(self, position: Position, *, external: bool) -> None:
        """At the last commit that this client merged. A second time changes nothing."""
        self._new_log.begin_log(position)
        if external and not self._following.held:  # it begins anew, as with a new log
            context = self.membership.group.context
            self.stream.start_log(position, context.confirmed_transcript_hash)

    def _follow(
        self, blob: bytes, entry: Signed | None, position: Position, *, external: bool = False
    ) -> None:
        self._following.ahead = b""
        outcome = self.membership.follow(blob, entry, position, external=external)
        kept_out = () if isinstance(outcome, Merged) else self._keep_out()
        if self._following.held and isinstance(outcome, Burned | Held):
            self._tell_kept_out(kept_out)
            return  # nothing else is new: this client has asked to be let in again
        match outcome:
            case Merged():
                if self._following.held:
                    self._release()  # an authentic commit on its epoch: it was right to stay
                self._following.in_step = True
                # Before a heartbeat names the value here: one of now goes out with the merge.
                self._begin_log_hash(position, external=external)
                self._merged(outcome, own=False, blob=blob)
            case Burned():
                if outcome.read or not self._new_log.is_commit_before(blob, position):
                    self._telling.burned(outcome, kept_out=bool(kept_out))
                self._tell_kept_out(kept_out)
                if self.committer is not None:
                    self.committer.base_moved()
            case Held():
                self._tell_kept_out(kept_out)
                self._hold(outcome.leaf)
            case PutOut():
                self._put_out(outcome)
            case _:
                assert_never(outcome)

    def own_commit_taken(self, item: InFlight, position: Position) -> None:
        """The relay took this client's commit: merge it."""
        self._published(position, BlobClass.COMMIT, item.blob)
        self.membership.base = position
        self._following.in_step = True
        outcome = self.membership.merge(item.staged, item.blob, item.entry)
        self._new_log.begin_log(position)
        self._merged(outcome, own=True, blob=item.blob)

    def _merged(self, outcome: Merged, *, own: bool, blob: bytes) -> None:
        self.conversation.epoch_began()
        self._rejoining.followed()
        for person in (*outcome.gone, *outcome.reloaded):
            self.conversation.forget_member(person.key)
        for person in (*outcome.joined, *outcome.rejoined):
            self.conversation.count_anew(person.key)
        for person in outcome.rejoined:
            self.whereabouts.let_in(person.key)
        self._telling.merged(outcome, facilitates=self.facilitator is not None)
        self.act_log.merged(outcome)
        self._tell_kept_out(self._keep_out())
        self._names_let_go.merged(outcome)
        self._rules.look(outcome.by)
        names = {person.key: person.name for person in (*outcome.gone, *outcome.people)}
        self.conversation.folding.look(names, outcome.by)
        self._take_part()
        if self.facilitator is None:
            self.seen_going.moved(outcome)
            self.seen_lost.merged(outcome)
        else:
            self.facilitator.merged(outcome, own=own)
            if not own:
                self.facilitator.committer.came(blob)
                self.facilitator.committer.base_moved()
            if outcome.joined or outcome.rejoined:
                self._beat_at = self._clock()  # newcomers take their anchor from a heartbeat
        if self.entering is not None and self.facilitator is None and not own:
            self.entering.committer.base_moved()
            self.entering.committed(outcome)
        self._roster_alarm.sound(behind=self._following.lacks_entries)
        self._agreement.ask()
        self.agreement_change.merged(outcome, own=own)
        self.tick()

    def _keep_out(self) -> tuple[tuple[str, str], ...]:
        """Do what the list says of those that were let go, whatever became of the commit. Return
        whom it removed, by name, and by whom."""
        found: list[tuple[str, str]] = []
        for one in self.membership.take_kept_out():
            if self.facilitator is not None:
                self.facilitator.kept_out(one)
            else:
                self.seen_lost.kept_out(one.removed | one.dropped)
            names = self._names_let_go.removed(one.removed, self.membership.people())
            found += [(name, one.by) for name in names]
        return tuple(found)

    def _tell_kept_out(self, removed: Iterable[tuple[str, str]]) -> None:
        for name, by in removed:
            self._telling.kept_out(name, by, facilitates=self.facilitator is not None)
            if by:  # one that is none of the group has no name here
                self.act_log.kept_out(name, by)

    # --- what goes out -------------------------------------------------------------------------

    def pump(self) -> None:
        """Publish what can be published: commits first, then the next message."""
        if self.committer is not None:
            self.committer.pump()
        self.publisher.pump()

    def beat(self, *, leaving: bool = False) -> None:
        """Send a facilitator's heartbeat. A refused one goes again a second later.

        Each is encrypted anew. When the relay refused so many that no other client would take the
        next, a new epoch comes first.
        """
        self._beat_at = self._clock() + limits.HEARTBEAT_INTERVAL
        if self.facilitator is not None and not self.conversation.may_encrypt:
            self._beat_at = self._clock() + BEAT_AGAIN
            self.facilitator.refresh_keys()
            return

        def again() -> None:
            self._beat_at = self._clock() + BEAT_AGAIN

        sent = self._clock()
        self.publisher.beat(
            leaving=leaving,
            refused=again,
            taken=lambda digest: self.life.beat_taken(digest, sent),
        )

    def _beat_when_due(self, now: float) -> None:
        # At the start of a new log the replay brings the base first, and with it the anchor.
        begun = self.stream.log.anchored or self.stream.cursor.number > 0
        # Over a slow line a replay takes minutes. A late heartbeat holds the room all the same.
        waited = now >= min(self._blob_at + BEAT_AGAIN, self._replay_most)
        replayed = waited or not self.stream.replays
        if self._following.waits:  # the relay has a commit that is not merged here: it refuses all
            self._beat_at = max(self._beat_at, now + BEAT_AGAIN)
            self._replay_most = now + limits.HEARTBEAT_INTERVAL  # what is kept comes afterwards
        elif self.ready and begun and replayed and now >= self._beat_at:
            self.beat()

    # --- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        self.conversation.tick()
        self._alarms.tick()
        now = self._clock()
        self.membership.tick(now)
        self._agreement.tick()
        self.agreement_change.tick(ready=self.ready)
        if self.facilitator is not None:
            self.facilitator.tick()
            self.whereabouts.tick()
            self._beat_when_due(now)
        self.standby_answers.tick()
        if self.tickets is not None:
            # Before a proof the group may be one that a false answer made up. What was parked
            # before is good, and would be no more.
            self.tickets.tick(ready=self.ready and self.entering is None)
        if self.entering is not None:
            self.entering.tick()
        if self.ready:
            self.stepping_down.tick()
        if self.facilitator is None and self.ready:
            self._doubts.ask_presence(self.pump)
        self.presence.tick()
        # The relay takes no frame of one that entered by a standby's link and is not listed yet.
        if self._link.live and self._resumed and not self.membership.own.entering:
            self.desk.tick()
        if self.presence.coverage.probe_due and self.ready and self.presence.may_repeat:
            self.presence.coverage.probed()
            self.conversation.probe()
        if self._may_release():
            self._release()
        if self._following.held and self._rejoining.due:
            self._ask_rejoin()
        if self._doubts.lacks_base():
            self._hold()
        if self._new_log.look_due(self.facilitator) and self._link.live and self._resumed:
            self._new_log.look(self.facilitator, self.pump)
        if self.ready and not self.bringing.unsettled:
            self._new_log.known = self.stream.cursor.generation
        if self.ready and self.facilitator is None:
            self._key_updates.tick()
