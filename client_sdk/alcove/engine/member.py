"""A member's client: what comes over the stream, and what goes out.

All parts of a membership are wired here and nowhere else:

    Stream ── positions, holes, log hash          Conversation ── messages in and out
    Membership ── group, state, roster            Presence ── is anybody holding the room
    Publisher ── the outbox's next message        OwnUpdates ── fresh keys for one's own leaf
    Facilitator ── only when this member is one: commits, lobby, doors

`ready` is the one condition under which anything is published: connected, resumed, in step with the
relay's last commit, and not held.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.frames import BlobClass
from alcove_protocol.position import Position
from alcove_protocol.statements import Opening, Signed

from alcove import events, mls
from alcove.engine.key_updates import OwnUpdates
from alcove.engine.presence import Presence
from alcove.engine.publisher import Publisher
from alcove.errors import NotTrusted
from alcove.events import ConnectionState
from alcove.facilitation.committer import InFlight
from alcove.facilitation.facilitator import Facilitator
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.membership import Burned, Held, Membership, Merged, PutOut
from alcove.group.sealing import RequestBody, open_welcome, seal_request
from alcove.joining.newcomer import enter, make_key_package
from alcove.messages.conversation import Conversation
from alcove.messages.stream import Step, Stream
from alcove.relay.link import Answer, Link

ASK_AGAIN: Final = 60.0
"""Seconds after which a rejoin that nobody granted is asked for again."""
BASE_PATIENCE: Final = 10.0
"""Seconds after `resume` in which the commits that were missed must have come."""


class Inside:
    """Everything between two Welcomes, or from the opening on."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        opening: Opening,
        cursor: Position,
        link: Link,
        emit: Callable[[events.Event], None],
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._identity = identity
        self.membership = membership
        self._opening = opening
        self._link = link
        self._emit = emit
        self._clock = clock
        self._wall = wall
        self._random = random
        self.stream = Stream(opening.previous, cursor)
        self.presence = Presence(membership, self.stream, emit, clock)
        self.conversation = Conversation(
            membership, self.stream, emit, clock, random, self.presence.split
        )
        self.publisher = Publisher(
            membership,
            self.conversation,
            self.presence,
            link,
            emit,
            random,
            self._published,
        )
        self.publisher.ready = lambda: self.ready
        self.facilitator: Facilitator | None = None
        self.put_out: Callable[[bool], None] = lambda by_wish: None
        self.on_first_resume: Callable[[], None] = lambda: None
        self._resumed = False
        self._ever_resumed = False
        self._in_step = True
        self._held = False
        self._new_log = False
        self._expected_base: tuple[Position, float] | None = None
        self._rejoin: tuple[mls.KeyPackageBundle, mls.HpkeKeyPair] | None = None
        self._ask_at = 0.0
        self._others_at = 0.0
        self._updates = OwnUpdates(identity, membership, clock, random, self._request)
        self._beat_at = 0.0
        self._doubt_at = 0.0
        self._alarmed_at: Position | None = None

    @property
    def ready(self) -> bool:
        return self._link.live and self._resumed and self._in_step and not self._held

    # --- the connection ------------------------------------------------------------------------

    def authenticated(self) -> None:
        lobby = self.facilitator.lobby.number if self.facilitator is not None else 0
        position = self.stream.cursor.encode()
        self._link.request(lambda n: frames.Resume(n, position, lobby), self._resume_answered)

    def _resume_answered(self, answer: frames.Request | None) -> None:
        if not isinstance(answer, frames.Resumed):
            if answer is not None:
                self._link.hang_up = True
            return
        self.presence.relay_says(read_only=answer.read_only)
        first, self._ever_resumed = not self._ever_resumed, True
        new_log = self.stream.resumed(answer)
        base = Position.decode(answer.base)
        group = self.membership.group
        if new_log:
            self._new_log = True
            self._in_step = answer.commit == self.membership.commit_hash
            if self._in_step:
                self.membership.base = base
            self._expected_base = (base, self._clock() + BASE_PATIENCE)
            if group.epoch == 0:
                self.stream.start_log(base, group.context.confirmed_transcript_hash)
        else:
            self._expected_base = (base, self._clock() + BASE_PATIENCE)
        if not first:
            self._emit(events.ConnectionChanged(ConnectionState.RESUMED))
        if (answer.lost or new_log) and not first:
            self._gap()
        self._resumed = True
        if self.facilitator is not None:
            self.facilitator.resumed(new_log)
            self._beat_at = self._clock()
        if self._held:
            self._ask_rejoin()
        if first:
            self.on_first_resume()
            self._emit(events.RoomChanged(self.presence.state))
        self.tick()
        self.pump()

    def _gap(self) -> None:
        self._emit(events.Gap(None))
        self.conversation.forgive_holes()

    def _ask_presence(self) -> None:
        """Resume where one is: nothing comes again, and the relay says whether the room is held."""
        self._doubt_at = self._clock() + limits.HEARTBEAT_INTERVAL
        position = self.stream.cursor.encode()

        def answered(answer: frames.Request | None) -> None:
            if isinstance(answer, frames.Resumed):
                self.presence.relay_says(read_only=answer.read_only)
                self.pump()

        self._link.request(lambda n: frames.Resume(n, position, 0), answered)

    def disconnected(self) -> None:
        self._resumed = False
        self.conversation.outbox.connection_lost()
        if self.facilitator is not None:
            self.facilitator.committer.connection_lost()

    # --- what comes ----------------------------------------------------------------------------

    def blob(self, frame: frames.BlobIs) -> None:
        """One blob of the stream `room`."""
        position = Position.decode(frame.position)
        step = self.stream.advance(position, frame.blob_class, frame.blob)
        if step is Step.BEHIND:
            return
        if step is Step.AFTER_HOLE:
            self._gap()
        if frame.blob_class == BlobClass.COMMIT:
            self._commit(frame, position)
        elif not self._held:
            self._application(frame)
        elif frame.blob_class == BlobClass.BEAT:
            self._others_at = self._clock()
        self._sound_alarm()
        self.pump()

    def _published(self, position: Position, blob_class: BlobClass, blob: bytes) -> None:
        """One's own blob has this position. Numbers before it that never came were withheld."""
        if self.stream.published(position, int(blob_class), blob) is Step.AFTER_HOLE:
            self._gap()

    def _application(self, frame: frames.BlobIs) -> None:
        own = self.conversation.in_flight_blob(frame.blob)
        if own is not None:
            self.conversation.own_sent(own)
            return
        beat = self.conversation.receive(frame.blob_class, frame.blob, frame.age)
        if beat is not None:
            self.presence.heard(beat)

    def _commit(self, frame: frames.BlobIs, position: Position) -> None:
        signed = frame.entry is not None and frame.signature is not None
        entry = Signed(frame.entry or b"", frame.signature or b"") if signed else None
        digest = sha256(frame.blob).digest()
        membership = self.membership
        if self.facilitator is not None and self.facilitator.committer.seen(
            frame.blob, entry, position
        ):
            pass  # it was mine, and `taken` has merged it
        elif digest == membership.commit_hash:
            membership.base = position
            self._in_step = True
            if entry is not None and self._new_log:
                membership.replace_last_entry(entry)
        elif digest == membership.previous_hash:
            membership.base = position  # I am one step ahead: the next one comes again
        else:
            self._judge(frame.blob, entry, position)
        if self._new_log and position.number == 1 and not self._held:
            self._start_log(position)

    def _start_log(self, position: Position) -> None:
        if self._in_step:
            context = self.membership.group.context
            self.stream.start_log(position, context.confirmed_transcript_hash)

    def _judge(self, blob: bytes, entry: Signed | None, position: Position) -> None:
        outcome = self.membership.take(blob, entry, position)
        if self._held and isinstance(outcome, Burned | Held):
            return  # nothing new: I have asked to be let in again
        if isinstance(outcome, Merged):
            if self._held:
                self._let_go()  # an authentic commit on my epoch: I was right to stay
            self._in_step = True
            self._merged(outcome, own=False)
        elif isinstance(outcome, Burned):
            text = "A change of the group was wrong; everybody has refused it."
            self._emit(events.Problem("commit_refused", text))
            if self.facilitator is not None:
                self.facilitator.committer.base_moved()
        elif isinstance(outcome, Held):
            self._hold()
        elif isinstance(outcome, PutOut):
            self.put_out(outcome.by_wish)

    def taken(self, item: InFlight, position: Position) -> None:
        """The relay took this client's commit: merge it."""
        self._published(position, BlobClass.COMMIT, item.blob)
        self.membership.base = position
        self._in_step = True
        self._merged(self.membership.merge(item.staged, item.blob, item.entry), own=True)

    def _merged(self, outcome: Merged, *, own: bool) -> None:
        for person in outcome.joined:
            self._emit(events.Joined(person.name))
        for person in outcome.gone:
            self.conversation.someone_left(person.key)
            by_wish = person.relay_key in outcome.by_wish
            self._emit(events.Left(person.name) if by_wish else events.Removed(person.name))
        if self.facilitator is not None:
            self.facilitator.merged(own=own)
            if not own:
                self.facilitator.committer.base_moved()
            if outcome.joined or outcome.rejoined:
                self._beat_at = self._clock()  # newcomers take their anchor from a heartbeat
        self._sound_alarm()
        self.tick()

    def _sound_alarm(self) -> None:
        """Once for each commit: every heartbeat would find the same difference."""
        alarm, self.membership.alarm = self.membership.alarm, None
        base = self.membership.base
        if alarm is not None and self._alarmed_at != base:
            self._alarmed_at = base
            text = "The relay's list of members does not match the group's; do not trust the relay."
            self._emit(events.Problem("roster_mismatch", text))

    # --- held, and back again ------------------------------------------------------------------

    def _hold(self) -> None:
        """Keep the epoch, send nothing, ask to be let in anew."""
        self._held = True
        self._others_at = self._clock()
        text = "A change of the group was missed; asking a facilitator to be let in again."
        self._emit(events.Problem("held", text))
        self._ask_rejoin()

    def _let_go(self) -> None:
        """Held no more, in the epoch that was kept."""
        self._held, self._in_step = False, True
        if self._rejoin is not None:
            self._wipe_rejoin(self._rejoin)
        self.presence.rejoined()

    def _wipe_rejoin(self, rejoin: tuple[mls.KeyPackageBundle, mls.HpkeKeyPair]) -> None:
        rejoin[0].wipe()
        rejoin[1].private.wipe()
        self._rejoin = None

    def _nobody_moved_on(self) -> bool:
        """A facilitator who is held goes on in the old epoch when for 90 s nobody is heard who
        could be in the new one: else a commit that nobody can follow would end the room."""
        silent = self._clock() - self._others_at > limits.READ_ONLY_AFTER
        return self._held and self.facilitator is not None and self._resumed and silent

    def _ask_rejoin(self) -> None:
        self._ask_at = self._clock() + ASK_AGAIN
        if not self._link.live:
            return
        if self._rejoin is None:
            accepted = self.membership.state.agreement
            bundle = make_key_package(self._identity, accepted, self._wall(), self._random)
            self._rejoin = (bundle, mls.ciphersuite(ROOM_SUITE).hpke_keypair(self._random))
        bundle, reply = self._rejoin
        self._request(RequestBody("rejoin", bundle.key_package.encode(), reply.public))

    def _request(
        self,
        body: RequestBody,
        answered: Answer = lambda answer: None,
    ) -> None:
        """Ask the facilitators for something, sealed to the lobby key."""
        room, state = self._opening.previous, self.membership.state
        own = self._identity.relay.public
        sealed = seal_request(room, state.lobby_key, own, body, self._random)
        request_id = self._random(16)
        self._link.request(lambda n: frames.LobbyRequest(n, request_id, sealed), answered)

    def welcomed(self, frame: frames.WelcomeIs) -> None:
        """The Welcome of a rejoin that this client asked for. Any other is ignored."""
        if self._rejoin is None:
            return
        bundle, reply = self._rejoin
        entry = Signed(frame.entry, frame.signature)
        accepted = self.membership.state.agreement
        try:
            welcome = open_welcome(self._opening.previous, reply, frame.welcome)
            again = enter(
                welcome,
                bundle,
                self._identity,
                self._opening,
                accepted,
                entry,
                frame,
                now=self._wall(),
            )
        except NotTrusted as error:
            self._emit(events.Problem(error.code, error.text))
            return
        self._wipe_rejoin(self._rejoin)
        self.membership.restart(again)
        self._held, self._in_step, self._new_log = False, True, False
        self.stream.restart(Position.decode(frame.position))
        self.presence.rejoined()
        self._emit(events.ConnectionChanged(ConnectionState.REJOINED))
        self._gap()
        self._resumed = False
        if self.facilitator is not None:
            # A commit in flight is of the group that was left; taken now, it would lead back.
            self.facilitator.committer.base_moved()
        self.authenticated()

    # --- what goes out -------------------------------------------------------------------------

    def pump(self) -> None:
        """Publish what can be: commits first, then the next message."""
        if self.facilitator is not None:
            self.facilitator.committer.pump()
        self.publisher.pump()

    def beat(self, *, leaving: bool = False) -> None:
        """A facilitator's heartbeat; refused, it is tried again a second later."""
        self._beat_at = self._clock() + limits.HEARTBEAT_INTERVAL

        def again() -> None:
            self._beat_at = self._clock() + 1.0

        self.publisher.beat(leaving=leaving, refused=again)

    # --- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        self.conversation.tick()
        now = self._clock()
        if self.facilitator is not None:
            self.facilitator.tick()
            if self.ready and now >= self._beat_at:
                self.beat()
        in_doubt = self.facilitator is None and self.presence.in_doubt
        if in_doubt and self.ready and now >= self._doubt_at:
            self._ask_presence()
        self.presence.tick()
        if self._nobody_moved_on():
            self._let_go()
        if self._held and now >= self._ask_at:
            self._ask_rejoin()
        if self._expected_base is not None and now >= self._expected_base[1]:
            base, self._expected_base = self._expected_base[0], None
            if self._behind(base):
                self._hold()
        if self.ready and self.facilitator is None:
            self._updates.tick()

    def _behind(self, base: Position) -> bool:
        """Whether the relay's base at `resume` is a commit that never came."""
        mine = self.membership.base
        missing = base.generation == mine.generation and base.number > mine.number
        return (missing or not self._in_step) and self._link.live and not self._held

    def wipe(self) -> None:
        """Forget every key and every word."""
        self.membership.group.wipe()
        self.conversation.forget()
        if self._rejoin is not None:
            self._wipe_rejoin(self._rejoin)
