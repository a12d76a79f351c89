"""A running hash of the stream `room`, by which members compare what they saw.

LogHash    h after each blob, for a window of positions that a peer may name
Seen       hashes of recent blobs: the same blob twice is a duplicate, not an attack
"""

from collections import OrderedDict
from enum import Enum, auto
from hashlib import sha256
from typing import Final

from alcove_protocol.frames import BlobClass
from alcove_protocol.labels import hash_with
from alcove_protocol.position import Position

WINDOW: Final = 4096
"""Past positions at which log hashes can be compared, and blobs that are recognised again."""


def log_start(room: bytes, confirmed_transcript_hash: bytes) -> bytes:
    """h at the opening, or at the base of a new generation."""
    return hash_with("log start", room, confirmed_transcript_hash)


def log_next(h: bytes, number: int, blob_class: int, blob_hash: bytes) -> bytes:
    """h after one more blob. Heartbeats change nothing: they expire first, and a member who was
    away for longer than that goes on without them."""
    if blob_class == BlobClass.BEAT:
        return h
    return hash_with("log", h, number.to_bytes(8, "big"), bytes([blob_class]), blob_hash)


class Compared(Enum):
    """What a facilitator's log hash says of this client's."""

    AGREES = auto()
    DIFFERS = auto()
    MISSED = auto()  # what a replay left out were messages, and no heartbeats only
    UNKNOWN = auto()


class LogHash:
    """The log hash and its recent values. Without an anchor there is nothing to compare."""

    def __init__(self) -> None:
        self._values: OrderedDict[Position, bytes] = OrderedDict()
        self._at: Position | None = None
        self._since: Position | None = None
        self._sure_to: int | None = None
        """The number before the first one that was missing in a replay, until a facilitator's value
        shows that heartbeats only were missing. None when there is no such doubt."""
        self._missing_to = 0
        self._blobs: OrderedDict[int, tuple[int, bytes]] = OrderedDict()

    @property
    def anchored(self) -> bool:
        return self._at is not None and self._sure_to is None

    @property
    def current(self) -> tuple[Position, bytes] | None:
        if self._at is None or self._sure_to is not None:
            return None
        return self._at, self._values[self._at]

    def drop_anchor(self) -> None:
        """After a gap: compare nothing until a facilitator's value is adopted."""
        self._at = self._since = self._sure_to = None
        self._values.clear()
        self._blobs.clear()

    def anchor(self, position: Position, value: bytes) -> None:
        """Begin at this value, and go on over the blobs received since that position."""
        self._at = self._since = position
        self._values[position] = value
        for number in sorted(n for n in self._blobs if n > position.number):
            blob_class, blob_hash = self._blobs[number]
            self._step(Position(position.generation, number), blob_class, blob_hash)
        self._blobs.clear()

    def pass_over(self, position: Position) -> None:
        """Numbers up to this one are missing in a replay. If all of them were heartbeats that have
        expired, the hash goes on over them. A facilitator's value shows it (`compare`)."""
        if self._at is None:
            self._blobs.clear()
            return
        if self._sure_to is None:
            self._sure_to = self._at.number
        self._missing_to = position.number
        self._values[position] = self._values[self._at]
        self._at = position

    def doubts(self, position: Position) -> bool:
        """Whether numbers before this position are missing, and may have been more than beats."""
        return self._sure_to is not None and position.number > self._sure_to

    def compare(self, position: Position, value: bytes) -> Compared:
        """Hold a facilitator's value against this client's. It settles a doubt, one way or the
        other: when messages are missing, there is no anchor any more."""
        doubted, mine = self.doubts(position), self._values.get(position)
        if mine is None:
            return Compared.UNKNOWN
        if mine != value and doubted:
            self.drop_anchor()
            return Compared.MISSED
        if mine != value:
            return Compared.DIFFERS
        if doubted:
            self._sure_to = None if position.number >= self._missing_to else position.number
        return Compared.AGREES

    def can_anchor(self, position: Position, end: Position) -> bool:
        """Whether every blob after this position, to `end`, is here: else the value would go on
        over a hole, and differ from all others'."""
        missing = end.number - position.number
        if self._at is not None:
            return False  # it has one, and the position is of before it, or of what is missing
        if position.generation != end.generation or not 0 <= missing <= len(self._blobs):
            return False
        return all(n in self._blobs for n in range(position.number + 1, end.number + 1))

    def reaches(self, position: Position) -> bool:
        """Whether the blob at this position is one that the hash goes over."""
        if self._at is None or self._since is None or position.generation != self._at.generation:
            return False
        return self._since.number < position.number <= self._at.number

    def has(self, position: Position) -> bool:
        """Whether the blob at this position was received since the last gap."""
        return self.reaches(position) or (self._at is None and position.number in self._blobs)

    def append(self, position: Position, blob_class: int, blob_hash: bytes) -> None:
        """One more blob. Without an anchor it is kept until there is one."""
        if self._at is None:
            self._blobs[position.number] = (blob_class, blob_hash)
            if len(self._blobs) > WINDOW:
                self._blobs.popitem(last=False)
        else:
            self._step(position, blob_class, blob_hash)

    def _step(self, position: Position, blob_class: int, blob_hash: bytes) -> None:
        assert self._at is not None  # both callers have an anchor
        value = log_next(self._values[self._at], position.number, blob_class, blob_hash)
        self._at = position
        self._values[position] = value
        if len(self._values) > WINDOW:
            self._values.popitem(last=False)

    def agrees(self, position: Position, value: bytes) -> bool | None:
        """Whether a member saw what this client saw up to there. None when it cannot tell: a
        member's word settles no doubt."""
        mine = self._values.get(position)
        if mine is None or (mine != value and self.doubts(position)):
            return None
        return mine == value


class Seen:
    """Hashes of handled blobs. The oldest is forgotten first."""

    def __init__(self) -> None:
        self._hashes: OrderedDict[bytes, None] = OrderedDict()

    def first_time(self, blob: bytes) -> bool:
        digest = sha256(blob).digest()
        if digest in self._hashes:
            return False
        self._hashes[digest] = None
        if len(self._hashes) > WINDOW:
            self._hashes.popitem(last=False)
        return True
