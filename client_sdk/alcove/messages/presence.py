"""Whether a facilitator holds the room: the heartbeats that came, and what follows from them.

A facilitator's heartbeat every 30 s carries the epoch authenticator and the log hash under an MLS
signature. So silence, a split of the group and two versions of the conversation all show within
one beat, as long as any path between the members is left.
"""

from typing import Final

from alcove_protocol import limits
from alcove_protocol.position import Position
from alcove_protocol.roster import NO_HASH

from alcove import events
from alcove.events import RoomState
from alcove.group.membership import Membership
from alcove.messages.conversation import HeartbeatHeard
from alcove.messages.stream import Stream
from alcove.relay.ports import Ports

ANSWER_EXPECTED: Final = 5.0
"""Seconds in which the relay can say that it heard no facilitator either. When it does not say so,
it may be keeping the beats from this client."""


class Presence:
    """The room's state as this client may truthfully call it."""

    def __init__(self, membership: Membership, stream: Stream, ports: Ports) -> None:
        self._membership = membership
        self._stream = stream
        self._emit = ports.emit
        self._clock = ports.clock
        self._heard: dict[bytes, float] = {}
        self._last_heard = ports.clock()
        self._said_goodbye = False
        self._relay_says_read_only = False
        self._split = False
        self.state = RoomState.OPEN

    def heard(self, beat: HeartbeatHeard) -> None:
        """A facilitator's heartbeat came. Its signature and its right were checked."""
        self._relay_says_read_only = False
        if beat.body.leaving:
            self._heard.pop(beat.sender, None)
            self._said_goodbye = not self._heard
        else:
            self._heard[beat.sender] = self._last_heard = self._clock()
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
        """A member's log hash differs from this client's."""
        self._split = True
        self.tick()

    def relay_says(self, *, read_only: bool) -> None:
        """The relay has answered whether it heard a facilitator."""
        self._relay_says_read_only = read_only
        self.tick()

    @property
    def in_doubt(self) -> bool:
        """No facilitator was heard for long: ask the relay whether it heard one."""
        return self._clock() - self._last_heard > limits.READ_ONLY_AFTER

    def holding(self) -> None:
        """The relay has just heard this client, which is a facilitator's."""
        self._last_heard = self._clock()
        self._relay_says_read_only = self._said_goodbye = False
        self.tick()

    def rejoined(self) -> None:
        """This client is in the group anew. The facilitators have a full interval to be heard."""
        self._last_heard = self._clock()
        self._split = False
        self.tick()

    @property
    def may_post(self) -> bool:
        """Senders keep silent while no facilitator holds the room. Receivers never judge by it."""
        return self.state is RoomState.OPEN or self.state is RoomState.SPLIT

    def heard_within(self, key: bytes, seconds: float) -> bool:
        """Whether this facilitator's last heartbeat is at most so old."""
        return self._clock() - self._heard.get(key, float("-inf")) <= seconds

    def tick(self) -> None:
        silent = self._clock() - self._last_heard > limits.READ_ONLY_AFTER + ANSWER_EXPECTED
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
