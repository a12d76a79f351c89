"""Whether somebody holds the room: heartbeats sent, heartbeats heard, and what follows from them.

A facilitator's heartbeat every 30 s carries the epoch authenticator and the log hash under an MLS
signature. So silence, a split of the group and two versions of the conversation all show within
one beat, as long as any path between the members is left.
"""

from collections.abc import Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.position import Position
from alcove_protocol.roster import NO_HASH

from alcove import events
from alcove.events import RoomState
from alcove.group.membership import Membership
from alcove.messages.conversation import HeartbeatHeard
from alcove.messages.stream import Stream

Emit = Callable[[events.Event], None]

ANSWER_EXPECTED: Final = 5.0
"""Seconds that the relay has to say that it heard no facilitator either; when it does not say so,
the beats are kept from this client, and that is another thing."""


class Presence:
    """The room's state as this client may truthfully call it."""

    def __init__(
        self, membership: Membership, stream: Stream, emit: Emit, clock: Callable[[], float]
    ) -> None:
        self._membership = membership
        self._stream = stream
        self._emit = emit
        self._clock = clock
        self._heard: dict[bytes, float] = {}
        self._anybody = clock()
        self._said_goodbye = False
        self._relay_says_read_only = False
        self._split = False
        self.state = RoomState.OPEN

    def heard(self, beat: HeartbeatHeard) -> None:
        """A facilitator's heartbeat, whose signature and right were checked."""
        self._relay_says_read_only = False
        if beat.body.leaving:
            self._heard.pop(beat.sender, None)
            self._said_goodbye = not self._heard
        else:
            self._heard[beat.sender] = self._anybody = self._clock()
            self._said_goodbye = False
        group = self._membership.group
        if beat.body.epoch == group.epoch and beat.body.authenticator != group.epoch_authenticator:
            self._split = True
        if not self._stream.log.anchored and beat.payload.log != NO_HASH:
            self._anchor(beat)
        if beat.body.roster != self._membership.roster.head and self._membership.alarm is None:
            self._membership.alarm = "roster_mismatch"
        self.tick()

    def _anchor(self, beat: HeartbeatHeard) -> None:
        position = Position.decode(beat.payload.position)
        if position.generation == self._stream.cursor.generation:
            self._stream.log.anchor(position, beat.payload.log)

    def split(self) -> None:
        """A member's log hash differs from mine."""
        self._split = True
        self.tick()

    def relay_says(self, *, read_only: bool) -> None:
        """What the relay answers when it is asked whether it heard a facilitator."""
        self._relay_says_read_only = read_only
        self.tick()

    @property
    def in_doubt(self) -> bool:
        """Nobody was heard for long: ask the relay whether it heard somebody."""
        return self._clock() - self._anybody > limits.READ_ONLY_AFTER

    def holding(self) -> None:
        """This client is a facilitator and has just been heard by the relay."""
        self._anybody = self._clock()
        self._relay_says_read_only = self._said_goodbye = False
        self.tick()

    def rejoined(self) -> None:
        """In the group anew: give the facilitators a full interval to be heard."""
        self._anybody = self._clock()
        self._split = False
        self.tick()

    @property
    def may_post(self) -> bool:
        """Senders keep silent when nobody holds the room; receivers never refuse for it."""
        return self.state is RoomState.OPEN or self.state is RoomState.SPLIT

    def heard_within(self, key: bytes, seconds: float) -> bool:
        """Whether this facilitator's heartbeat came lately."""
        return self._clock() - self._heard.get(key, float("-inf")) <= seconds

    def tick(self) -> None:
        silent = self._clock() - self._anybody > limits.READ_ONLY_AFTER + ANSWER_EXPECTED
        if self._split:
            state = RoomState.SPLIT
        elif self._said_goodbye or self._relay_says_read_only:
            state = RoomState.READ_ONLY
        elif silent:
            state = RoomState.NOT_HEARD
        else:
            state = RoomState.OPEN
        if state is not self.state:
            self.state = state
            self._emit(events.RoomChanged(state))
