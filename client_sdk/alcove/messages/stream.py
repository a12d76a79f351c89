"""The stream `room` as one client receives it: position, holes, duplicates, log hash.

Every blob and every `published` moves the cursor by exactly one. A jump is a hole: after `resume`
the blobs may have expired, and in a running connection the relay withheld them. What expired are
heartbeats, when the relay said that no message did, and the log hash goes on over them. The next
facilitator's heartbeat shows whether that was true.
"""

from collections import deque
from enum import Enum, auto
from hashlib import sha256
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import BlobClass
from alcove_protocol.position import Position

from alcove.messages.log_hash import LogHash, Seen, log_start

EARLIER: Final = 64
"""Generations before the present one that are remembered. A relay can begin any number of logs."""


class Advance(Enum):
    """What a blob's position says."""

    BEHIND = auto()  # handled before, or of another log: ignore it
    NEXT = auto()
    AFTER_EXPIRY = auto()  # numbers are missing, and they may have expired
    AFTER_HOLE = auto()  # numbers are missing, and the relay withheld them
    LATER = auto()  # not moved: a new connection brings what is missing first


class Stream:
    """Positions and hashes only. It does not look inside blobs."""

    def __init__(self, room: bytes, cursor: Position) -> None:
        self._room = room
        self._replay_until = cursor.number
        self._lost = False
        self.cursor = cursor
        self._earlier: deque[bytes] = deque(maxlen=EARLIER)
        self._opening = 0
        """As many numbers of this log, from its first on, are commits."""
        self.passed = 0
        """Numbers of all generations that this client has passed, those that never came too."""
        self.log = LogHash()
        """Of the numbers since the cursor was last set back, and of no others: a relay can show a
        log, another one, and then the first with other blobs. What stood in an earlier one is not
        in this one, whatever its position."""
        self.seen = Seen()

    def resumed(self, answer: frames.Resumed) -> bool:
        """Follow the relay's answer. True when the log began anew under another generation."""
        head = Position.decode(answer.head)
        self._replay_until, self._lost = head.number, answer.lost
        if head.generation == self.cursor.generation:
            if head.number < self.cursor.number:
                # The relay invented a number, or lost some. What comes next has a lower one.
                self.restart(head)
            return False
        self._earlier.append(self.cursor.generation)
        self.cursor = Position(head.generation, 0)
        self._opening = 0
        self.log = LogHash()
        return True

    def is_of_another_log(self, answer: frames.Resumed) -> bool:
        """Whether the log began anew since this connection's first answer. A client can follow a
        new log only from the first answer of a connection on: it has to come back then."""
        return Position.decode(answer.head).generation != self.cursor.generation

    @property
    def replays(self) -> bool:
        """Whether the answer to `resume` named a later number, which a replay is to bring."""
        return self.cursor.number < self._replay_until

    def restart(self, cursor: Position) -> None:
        """This client is in the group anew, from here on."""
        if cursor.generation != self.cursor.generation:
            self._earlier.append(self.cursor.generation)
        self.cursor = cursor
        self._opening = min(self._opening, cursor.number)
        self._replay_until = cursor.number
        self.log = LogHash()

    def start_log(self, position: Position, confirmed_transcript_hash: bytes) -> None:
        """The base of a new log is here. All members of this epoch begin with the same value."""
        self.log.drop_anchor()
        self.log.anchor(position, log_start(self._room, confirmed_transcript_hash))

    def opens(self, position: Position) -> bool:
        """Whether nothing but commits stands in this log up to here. With them a log begins that
        was brought back, and each of its members has its last one among them."""
        return position.number == self._opening

    def adopt(self, position: Position, value: bytes) -> None:
        """Take a facilitator's log hash as anchor, if no blob since that position is missing."""
        if self.log.can_anchor(position, self.cursor):
            self.log.anchor(position, value)

    def is_before(self, at: Position, start: Position) -> bool:
        """Whether `at` came before `start`, for this client. Of a generation that it never met it
        knows nothing: such a start comes before everything, and such a position too."""
        if at.generation == start.generation:
            return at.number < start.number
        met = [*self._earlier, self.cursor.generation][::-1]  # the latest first
        if start.generation not in met:
            return False
        return at.generation not in met or met.index(at.generation) > met.index(start.generation)

    def withheld_before(self, position: Position) -> bool:
        """Whether numbers before this one are missing, and cannot have expired."""
        same = position.generation == self.cursor.generation
        after_replay = position.number > self._replay_until + 1
        return same and after_replay and position.number > self.cursor.number + 1

    def may_hold(self, position: Position, *, again: bool) -> bool:
        """Whether a blob of this client, which it has not met in the log, can be at this position.

        The relay answers a repetition (`again`) with where the blob is: in this log, and where no
        other blob was received. What is given for the first time comes behind all others.
        """
        if position.generation != self.cursor.generation:
            return False
        ahead = position.number > self.cursor.number
        return ahead or (again and position.number > 0 and not self.log.has(position))

    def advance(self, position: Position, blob_class: int, blob: bytes) -> Advance:
        """Move to this position."""
        if position.generation != self.cursor.generation or position.number <= self.cursor.number:
            return Advance.BEHIND
        step = Advance.NEXT
        if position.number != self.cursor.number + 1:
            expired = position.number <= self._replay_until + 1
            step = Advance.AFTER_EXPIRY if expired else Advance.AFTER_HOLE
            if expired and not self._lost:
                self.log.pass_over(Position(position.generation, position.number - 1))
            else:
                self.log.drop_anchor()
        if position.number == self._opening + 1 and blob_class == BlobClass.COMMIT:
            self._opening += 1
        self.passed += position.number - self.cursor.number
        self.cursor = position
        self.log.append(position, blob_class, sha256(blob).digest())
        return step

    def published(self, position: Position, blob_class: int, blob: bytes) -> Advance:
        """Move to where the relay says that this client's own blob is.

        `published` comes after the blobs before it, so a replay is over by then, even if the relay
        claimed a later end for it. A number that is missing from here on was withheld.
        """
        step = self.advance(position, blob_class, blob)
        if step is not Advance.BEHIND:  # else the replay brought it, and may go on behind it
            self._replay_until = min(self._replay_until, self.cursor.number - 1)
        return step
