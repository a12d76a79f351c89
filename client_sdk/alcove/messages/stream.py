"""The stream `room` as one client receives it: position, holes, duplicates, log hash.

Every blob and every `published` moves the cursor by exactly one. A jump is a hole: after `resume`
it is what has expired meanwhile, in a running connection it is what the relay withheld.
"""

from enum import Enum, auto
from hashlib import sha256

from alcove_protocol import frames
from alcove_protocol.position import Position

from alcove.messages.log_hash import LogHash, Seen, log_start


class Step(Enum):
    BEHIND = auto()  # handled before, or of another log: to be ignored
    NEXT = auto()
    AFTER_EXPIRY = auto()  # numbers are missing that the relay may say have expired
    AFTER_HOLE = auto()  # numbers are missing that it withheld


class Stream:
    """Positions and hashes only: what a blob means is for others to say."""

    def __init__(self, room: bytes, cursor: Position) -> None:
        self._room = room
        self._replay_until = cursor.number
        self.cursor = cursor
        self.log = LogHash()
        self.seen = Seen()

    def resumed(self, answer: frames.Resumed) -> bool:
        """Take the relay's answer. True when the log began anew under another generation."""
        head = Position.decode(answer.head)
        self._replay_until = head.number
        if head.generation == self.cursor.generation:
            return False
        self.cursor = Position(head.generation, 0)
        self.log.drop_anchor()
        return True

    def restart(self, cursor: Position) -> None:
        """In the group anew, from here on."""
        self.cursor = cursor
        self._replay_until = cursor.number
        self.log.drop_anchor()

    def start_log(self, position: Position, confirmed_transcript_hash: bytes) -> None:
        """The base of a new log is here: everybody in this epoch begins with the same value."""
        self.log.drop_anchor()
        self.log.anchor(position, log_start(self._room, confirmed_transcript_hash))

    def advance(self, position: Position, blob_class: int, blob: bytes) -> Step:
        """Move to this position."""
        if position.generation != self.cursor.generation or position.number <= self.cursor.number:
            return Step.BEHIND
        step = Step.NEXT
        if position.number != self.cursor.number + 1:
            self.log.drop_anchor()
            expired = position.number <= self._replay_until + 1
            step = Step.AFTER_EXPIRY if expired else Step.AFTER_HOLE
        self.cursor = position
        self.log.append(position, blob_class, sha256(blob).digest())
        return step

    def published(self, position: Position, blob_class: int, blob: bytes) -> Step:
        """Move to where the relay says that one's own blob is.

        `published` comes after the blobs before it, so a replay is over by then, whatever end the
        relay claimed for it: a number that is missing from here on was withheld.
        """
        step = self.advance(position, blob_class, blob)
        self._replay_until = min(self._replay_until, self.cursor.number - 1)
        return step
