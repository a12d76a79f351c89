"""Whether a facilitator holds the room: the heartbeats that came, and what follows from them.

A facilitator's heartbeat every 30 s carries the epoch authenticator and the log hash under an MLS
signature. So silence, a split of the group and two versions of the conversation all show within
one beat, as long as any path between the members is left.

    OPEN ──no facilitator present──▶ READ_ONLY            a beat ──▶ OPEN
      ├──no beat, or none that covers what was sent──▶ NOT_HEARD   such a beat ──▶ OPEN
      └──a beat, or two members, saw another log──▶ SPLIT          the person decides, or its
                                                                   sender agrees later ──▶ OPEN
"""

from collections.abc import Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.position import Position
from alcove_protocol.roster import NO_HASH

from alcove import events
from alcove.events import RoomState
from alcove.group.membership import Membership
from alcove.messages.alarms import UNKNOWN, Alarms
from alcove.messages.attendance import Attendance
from alcove.messages.coverage import Coverage
from alcove.messages.log_hash import Compared, LogHash
from alcove.messages.muted import muted
from alcove.messages.payload import HeartbeatHeard
from alcove.messages.quorum import Quorum
from alcove.messages.stream import Stream
from alcove.relay.ports import Ports

ANSWER_EXPECTED: Final = 5.0
"""Seconds in which the relay can say that it heard no facilitator either. When it does not say so,
it may be keeping the beats from this client."""
SETTLING: Final = limits.HEARTBEAT_INTERVAL + ANSWER_EXPECTED
"""Seconds after a new connection in which a late beat is still on its way. The outbox waits, and
nothing is said of it. It is granted once for each message that waits for its beat."""
LATELY: Final = 60.0
"""Seconds within which another facilitator's beat named a log hash, so that the next one will."""

_LAST_LEFT: Final = (
    " has left, and no other facilitator is here. Nobody can post any more. The room ends by "
    "itself within half an hour; until then you can read what is here. /leave leaves."
)


class Presence:
    """The room's state as this client may truthfully call it."""

    def __init__(
        self,
        membership: Membership,
        stream: Stream,
        ports: Ports,
        alarms: Alarms,
        *,
        on_missed: Callable[[], None],
    ) -> None:
        """`on_missed` is called when a heartbeat shows that messages were missed."""
        self._on_missed = on_missed
        self._membership = membership
        self._stream = stream
        self._alarms = alarms
        self._emit = ports.emit
        self._clock = ports.clock
        self.attendance = Attendance(membership, ports, lambda: stream.cursor)
        self._anchoring: dict[bytes, float] = {}
        self._last_heard = ports.clock()
        self._said_goodbye = False
        self.gone: set[bytes] = set()
        self._away: set[bytes] = set()
        self._relay_says_read_only = False
        self._differing_beats: dict[bytes, tuple[Position, LogHash]] = {}
        self._agreed: set[bytes] = set()
        self._differing: dict[bytes, Position] = {}
        """Members that name another log hash, and where this client was when they first did."""
        self._contradicted: set[bytes] = set()
        self._named: set[bytes] = set()
        self.connected = True
        self._settling_until = ports.clock() + SETTLING
        self._settled = False
        self._no_anchor_since: float | None = None
        self.coverage = Coverage(lambda: stream.log, ports.clock)
        self.state, self._tells = RoomState.OPEN, False
        self._told: tuple[RoomState, int] | None = None
        here = limits.READ_ONLY_AFTER
        self._quorum = Quorum(membership, lambda key: self.attendance.within(key, here))
        self.missing = 0
        """Facilitators that are lacking for others to post, while the room is read-only for it."""

    # --- beats ---------------------------------------------------------------------------------

    def heard(self, beat: HeartbeatHeard) -> bool:
        """A facilitator's heartbeat came. Its signature and its right were checked. Return whether
        its sender is there by it: not by a goodbye, nor by a late one."""
        counts = False
        self._relay_says_read_only = False
        if self._clock() - self._last_heard > limits.READ_ONLY_AFTER:
            self._settle()
        self._away.discard(beat.sender)
        if beat.body.leaving:
            self._goodbye(beat.sender)
            self.attendance.goodbye(beat.sender)
            self.gone.add(beat.sender)
            self._said_goodbye = not (self.attendance or self._membership.own.facilitator)
        else:
            self.gone.discard(beat.sender)
            counts = self.attendance.beat(beat.sender, Position.decode(beat.payload.position))
            self._last_heard = self._clock()
            self._said_goodbye = False
        self._quorum.heard(started=beat.body.started)
        group = self._membership.group
        if beat.body.epoch == group.epoch and beat.body.authenticator != group.epoch_authenticator:
            self._beat_differs(beat.sender)
        self._compare(beat)
        if beat.body.roster != self._membership.roster.head:
            self._membership.list_differs(beat.sender)
        self.tick()
        return counts

    def _goodbye(self, sender: bytes) -> None:
        """This facilitator leaves. Nothing else tells of the last one: the others cannot take
        them off the list."""
        others = self._membership.facilitator_keys - self.gone - {sender}
        person = self._membership.find_key(sender)
        if person is not None and sender not in self.gone and not others:
            text = f"{person.name}{_LAST_LEFT}"
            self._alarms.problem("last_facilitator_left", text, sender, person.name)

    def _compare(self, beat: HeartbeatHeard) -> None:
        """Hold the log that the beat names against this client's."""
        if beat.payload.log != NO_HASH:
            self._anchoring[beat.sender] = self._clock()
        here, named = self._stream.cursor, Position.decode(beat.payload.position)
        if named.generation != here.generation or named.number >= here.number:
            # Its sender has another log than the one it came in, or its number was changed. In a
            # true log a beat names a position before its own.
            self._beat_differs(beat.sender)
        elif beat.payload.log == NO_HASH:
            if named.number == 0:
                self.begin_log(here)
        else:
            match self._stream.log.compare(named, beat.payload.log):
                case Compared.AGREES:
                    self._beat_agrees(beat.sender, named)
                case Compared.MISSED:
                    self._on_missed()
                case Compared.DIFFERS:
                    self._beat_differs(beat.sender)
                case Compared.UNKNOWN:
                    self._stream.adopt(named, beat.payload.log)

    def begin_log(self, position: Position) -> None:
        """A facilitator without an anchor begins the log hash anew, with the beat at `position`."""
        transcript = self._membership.group.context.confirmed_transcript_hash
        self._stream.start_log(position, transcript)

    @property
    def begins_log(self) -> bool:
        """Whether this client, a facilitator's, has no anchor and no other facilitator to give it
        one. Else no beat would cover what members say, and every outbox would stop."""
        if self._stream.log.anchored:
            return False
        others = self._membership.facilitator_keys - {self._membership.own.key}
        if not others:
            return True
        since = self._no_anchor_since
        waited = since is not None and self._clock() - since > SETTLING
        lately = self._clock() - LATELY
        return waited and not any(self._anchoring.get(key, lately) > lately for key in others)

    # --- what tells a split --------------------------------------------------------------------

    def split(self) -> None:
        """A heartbeat came that no member of this epoch can have sent."""
        self._differing_beats[UNKNOWN] = self._stream.cursor, self._stream.log
        self._agreed.clear()
        self.tick()

    def _beat_differs(self, sender: bytes) -> None:
        """This facilitator saw another log, or says so. The person is told who."""
        if sender not in self._differing_beats:
            person = self._membership.find_key(sender)
            name = None if person is None else person.name
            text = f"{name or 'A facilitator'} facilitates, and saw other messages than you did."
            self._alarms.problem("conversation_differs", text, sender, name)
        self._differing_beats[sender] = self._stream.cursor, self._stream.log

    def _beat_agrees(self, sender: bytes, named: Position) -> None:
        """This facilitator saw what this client saw, up to the position that the beat names.

        It clears what members said, who are believed no more until the comparison begins anew. It
        clears what this facilitator's own beats said before that position. In an unbroken log that
        is proof, since two logs that differ once differ for ever. After a gap the comparison began
        anew, and it is the person who decides.
        """
        # Their log is another for ever, so what they go on to say of it tells nothing new.
        self._contradicted |= {
            who
            for who, at in self._differing.items()
            if at.generation == named.generation and at.number <= named.number
        }
        self._differing.clear()
        if self.coverage.agreed(named):
            self._settled = False
        if self._goes_over(self._differing_beats.get(sender), named):
            del self._differing_beats[sender]
        if self._goes_over(self._differing_beats.get(UNKNOWN), named):
            self._agreed.add(sender)
            if self._agreed >= self._coverers():  # else it may be of one who is in another branch
                del self._differing_beats[UNKNOWN]

    def _goes_over(self, beat: tuple[Position, LogHash] | None, named: Position) -> bool:
        """Whether the log goes over this differing beat, in the same log: a relay can show another
        one, and then the same numbers again."""
        if beat is None or beat[1] is not self._stream.log:
            return False
        return beat[0].number <= named.number and beat[1].reaches(beat[0])

    def differs(self, sender: bytes, name: str) -> None:
        """A member's message names another log hash. One member alone may be lying, so it takes
        two for a split, or the only other one."""
        if sender not in self._named:
            self._named.add(sender)
            text = f"{name} says that they saw other messages than you did."
            self._alarms.problem("conversation_differs", text, sender, name)
        if sender not in self._contradicted:
            self._differing.setdefault(sender, self._stream.cursor)
        self.tick()

    @property
    def _is_split(self) -> bool:
        if not self._differing and not self._differing_beats:
            return False
        # Members that are gone do not count: one person could leave, come again and be two.
        others = {person.key for person in self._membership.people()} - {self._membership.own.key}
        facilitators = self._membership.facilitator_keys | {UNKNOWN}
        beats = self._differing_beats.keys() & facilitators
        return bool(beats) or len(self._differing.keys() & others) >= max(1, min(2, len(others)))

    # --- the relay and the connection ----------------------------------------------------------

    def relay_says(self, *, read_only: bool) -> None:
        """The relay has answered whether it heard a facilitator."""
        self._relay_says_read_only = read_only
        self.tick()

    @property
    def nobody_is_connected(self) -> bool:
        """Whether the relay says that no facilitator is connected, and none was heard since."""
        return self._relay_says_read_only

    def resumed(self) -> None:
        """Connected again: the beats of the meantime are on their way."""
        self.connected = True
        self._settle()

    def disconnected(self) -> None:
        """No beat can come. That says nothing of the facilitators, so nothing is said of them."""
        self.connected = False

    def _settle(self) -> None:
        if not self._settled:
            self._settled = True
            self._settling_until = self._clock() + SETTLING

    @property
    def in_doubt(self) -> bool:
        """No facilitator was heard for long: ask the relay whether it heard one."""
        return self._clock() - self._last_heard > limits.READ_ONLY_AFTER

    @property
    def abandoned(self) -> bool:
        """No facilitator was heard for so long that the relay deletes the room."""
        return self._clock() - self._last_heard > limits.ABANDONED_AFTER

    def holding(self) -> None:
        """The relay has just heard this client, which is a facilitator's."""
        self._last_heard = self._clock()
        self._relay_says_read_only = self._said_goodbye = False
        self.attendance.line_is_good()
        self.tick()

    def rejoined(self) -> None:
        """This client is in the group anew. The facilitators have a full interval to be heard. What
        was sent still waits for its beat: a relay can keep several Welcomes of this client and hand
        them over after a removal, each into an older epoch than the removal's."""
        self._clear_split()
        self.released()

    def released(self) -> None:
        """This client was right to keep its epoch. What was sent in it still waits for its beat."""
        self._last_heard = self._clock()
        self.tick()

    def _clear_split(self) -> None:
        self._differing_beats.clear()
        self._differing.clear()
        self._contradicted.clear()
        self._named.clear()

    def decide(self) -> bool:
        """The person has read what is wrong and wants to send all the same. False when nothing is.

        It holds until the next sign of it: after a split, until another beat differs, and else for
        another 90 s. Silent facilitators count as away until they are heard.
        """
        if self.state not in (RoomState.SPLIT, RoomState.NOT_HEARD):
            return False
        if self._is_split:
            self._clear_split()
            self._stream.log.drop_anchor()  # and take the next beat's, to compare from there on
        if self._membership.own.facilitator:
            self.others_are_away()
        self.coverage.forget()
        self._last_heard = self._clock()
        self.tick()
        return True

    def others_are_away(self) -> None:
        """Wait for no other facilitator until they are heard."""
        self._away |= self._coverers()

    # --- the state -----------------------------------------------------------------------------

    def _coverers(self) -> set[bytes]:
        """The facilitators whose beats can cover what this client sends."""
        keys = self._membership.facilitator_keys - {self._membership.own.key}
        return set(keys) - self.gone - self._away

    @property
    def _uncovered(self) -> bool:
        return self.coverage.overdue and bool(self._coverers())

    @property
    def may_post(self) -> bool:
        """Senders keep silent while no facilitator holds the room. Receivers never judge by it.

        A facilitator holds the room alone too, but not while the others do not hear what it sends.
        """
        if self._is_split or self._uncovered:
            return False
        if not self._membership.own.facilitator and (self._silent or self._quorum.missing()):
            return False  # told later, when a beat could have come
        return self._membership.own.facilitator or self.state is RoomState.OPEN

    @property
    def may_repeat(self) -> bool:
        """Whether what gives nothing away may go: a void, or bytes that the relay has already."""
        facilitator = self._membership.own.facilitator
        return not self._is_split and (facilitator or self.state is not RoomState.READ_ONLY)

    def heard_within(self, key: bytes, seconds: float) -> bool:
        """Whether this facilitator's last heartbeat is at most so old."""
        return self.attendance.within(key, seconds)

    @property
    def _silent(self) -> bool:
        """Whether no facilitator was heard, and the relay had the time to say so."""
        return self._clock() - self._last_heard > limits.READ_ONLY_AFTER + ANSWER_EXPECTED

    @property
    def _all_said_goodbye(self) -> bool:
        """Whether the last facilitator that was heard has left. Right after a newcomer came in, the
        others may be there unheard: their beats are on the way."""
        told, late = self.state is RoomState.READ_ONLY, self._clock() > self._settling_until
        return self._said_goodbye and (told or late or not self._coverers())

    @property
    def started(self) -> bool:
        """Whether as many facilitators were there as the room needs to start."""
        self._quorum.missing()
        return self._quorum.started

    def tell(self) -> None:
        """Tell the state once it is known, and from then on each change."""
        self._tells = True
        self.tick()

    def tick(self) -> None:
        now = self._clock()
        self.attendance.tick()
        if self._stream.log.anchored:
            self._no_anchor_since = None
        elif self._no_anchor_since is None:
            self._no_anchor_since = now
            self._contradicted.clear()  # the comparison begins anew
        if self._membership.own.facilitator and not self._coverers():
            self.coverage.forget()  # said alone: a later facilitator cannot cover it
        if muted(self._membership) is not None:
            self.coverage.rest()
        # This device may have slept, or been without a connection. Then the silence is its own.
        told = self.state is RoomState.NOT_HEARD
        could_come = self.connected and now > self._settling_until
        silent = self._silent and (told or could_come)
        uncovered = self._uncovered and (could_come or (told and not self.connected))
        lacking = self._quorum.missing()
        if not could_come:  # those that are there may not have been heard yet
            lacking = min(lacking, max(self.missing, self._quorum.unfilled()))
        if self._is_split:
            state = RoomState.SPLIT
        elif self._all_said_goodbye or self._relay_says_read_only:
            state = RoomState.READ_ONLY
        elif silent or uncovered:
            state = RoomState.NOT_HEARD
        elif lacking:
            state = RoomState.READ_ONLY
        else:
            state = RoomState.OPEN
        self.state, self.missing = state, lacking if state is RoomState.READ_ONLY else 0
        known = could_come or self._quorum.known or state is not RoomState.OPEN
        if self._tells and known and self._told != (self.state, self.missing):
            self._told = self.state, self.missing
            self._emit(events.RoomChanged(self.state, self.missing))
