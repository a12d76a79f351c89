"""What makes a client ask the relay again, because what it was told may not be all."""

from collections.abc import Callable

from alcove_protocol import frames, limits
from alcove_protocol.frames import BlobClass, RelayAnswer
from alcove_protocol.position import Position

from alcove.engine.following import Following
from alcove.group.membership import Membership
from alcove.messages.presence import Presence
from alcove.messages.stream import Advance, Stream
from alcove.relay.ports import Ports


class Doubts:
    """Looks at time and positions. `denied` says whether the relay refused something that it may
    have taken all the same: a relay does not send clients what they published."""

    def __init__(
        self,
        membership: Membership,
        stream: Stream,
        following: Following,
        presence: Presence,
        ports: Ports,
        *,
        denied: Callable[[], bool],
        gap: Callable[[], None],
    ) -> None:
        self._membership = membership
        self._stream = stream
        self._following = following
        self._presence = presence
        self._link = ports.link
        self._clock = ports.clock
        self._denied = denied
        self._gap = gap
        self._ask_at = 0.0
        self._asked_from: Position | None = None
        self._told_lost: tuple[Position, Position] | None = None
        """This client's position and the log's last one when it was last told of a loss between."""

    def advance(self, position: Position, blob_class: int, blob: bytes) -> Advance:
        """As `Stream.advance`, or LATER when a number before this one is missing that can be this
        client's own. Then it comes again from before the hole, once."""
        cursor = self._stream.cursor
        if self._may_be_mine(position):
            return Advance.LATER
        step = self._stream.advance(position, blob_class, blob)
        # What was missing in a running connection had not expired then, whatever a replay lacks.
        if step is not Advance.AFTER_EXPIRY or cursor != self._asked_from:
            return step
        self._stream.log.drop_anchor()
        return Advance.AFTER_HOLE

    def published(self, position: Position, blob_class: BlobClass, blob: bytes) -> Advance:
        """As `Stream.published`, or LATER as in `advance`. A commit waits for nothing: what is
        missing is of the epoch before it."""
        if blob_class != BlobClass.COMMIT and self._may_be_mine(position):
            return Advance.LATER
        return self._stream.published(position, int(blob_class), blob)

    def _may_be_mine(self, position: Position) -> bool:
        if self._link.hang_up:
            return True  # it is about to come back
        cursor = self._stream.cursor
        if not self._denied() or not self._stream.withheld_before(position):
            return False
        if self._asked_from == cursor:
            return False
        self._asked_from = cursor
        self._link.hang_up = True
        return True

    def lacks_base(self) -> bool:
        """Whether this client missed the relay's last commit. A late one that was not asked for yet
        is asked for first, by a new connection."""
        late = self._following.overdue()
        if late is None or not self._link.live:
            return False
        if not self._following.lacks(late.base, self._membership.base):
            return False
        if not late.resumed:
            self._link.hang_up = True
        elif self._membership.commits_alone:
            self._following.in_step = True  # no other client can have made the one that is claimed
            return False
        return late.resumed

    def ask_presence(self, pump: Callable[[], None]) -> None:
        """Resume at the present position: no blob comes again, and the relay says whether it heard
        a facilitator. Once in each interval of heartbeats. What it kept back before comes now, or
        is told as lost: without a facilitator no heartbeat shows that anything is missing."""
        if not self._presence.in_doubt or self._clock() < self._ask_at:
            return
        self._ask_at = self._clock() + limits.HEARTBEAT_INTERVAL
        position = self._stream.cursor

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Resumed):
                if self._stream.is_of_another_log(answer):
                    self._link.hang_up = True
                elif answer.lost and position == self._stream.cursor:
                    self._lost(answer)
                self._presence.relay_says(read_only=answer.read_only)
                pump()

        self._link.request(lambda n: frames.Resume(n, position.encode(), 0), answered)

    def _lost(self, answer: frames.Resumed) -> None:
        """Messages behind this client's position never came, and have expired. What waits for a log
        to be settled is asked for and told by itself."""
        if self._following.waits:
            return
        self._stream.resumed(answer)
        if self.note_loss(answer):
            self._gap()

    def note_loss(self, answer: frames.Resumed) -> bool:
        """Note what an answer to `resume` says of messages behind this client's position. Return
        whether some were lost, and this is the first answer that says it of this position and this
        head of the log: each later one says it again."""
        lost = self._stream.cursor, Position.decode(answer.head)
        if not answer.lost or lost == self._told_lost:
            return False
        self._told_lost = lost
        return True
