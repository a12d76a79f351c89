"""A running hash of the stream `room`, by which members compare what they saw.

LogHash    h after each blob, for a window of positions that a peer may name
Seen       hashes of recent blobs: the same blob twice is a duplicate, not an attack
"""

from collections import OrderedDict
from hashlib import sha256
from typing import Final

from alcove_protocol.labels import hash_with
from alcove_protocol.position import Position

WINDOW: Final = 4096
"""Past positions at which log hashes can be compared, and blobs that are recognised again."""


def log_start(room: bytes, confirmed_transcript_hash: bytes) -> bytes:
    """h at the opening, or at the base of a new generation."""
    return hash_with("log start", room, confirmed_transcript_hash)


def log_next(h: bytes, number: int, blob_class: int, blob_hash: bytes) -> bytes:
    return hash_with("log", h, number.to_bytes(8, "big"), bytes([blob_class]), blob_hash)


class LogHash:
    """The log hash and its recent values. Without an anchor there is nothing to compare."""

    def __init__(self) -> None:
        self._values: OrderedDict[Position, bytes] = OrderedDict()
        self._at: Position | None = None
        self._since: Position | None = None
        self._blobs: OrderedDict[int, tuple[int, bytes]] = OrderedDict()

    @property
    def anchored(self) -> bool:
        return self._at is not None

    @property
    def current(self) -> tuple[Position, bytes] | None:
        return None if self._at is None else (self._at, self._values[self._at])

    def drop_anchor(self) -> None:
        """After a gap: compare nothing until a facilitator's value is adopted."""
        self._at = self._since = None
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

    def can_anchor(self, position: Position, end: Position) -> bool:
        """Whether every blob after this position, to `end`, is here: else the value would go on
        over a hole, and differ from all others'."""
        missing = end.number - position.number
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
        """Whether a peer saw what this client saw up to there. None when it cannot tell."""
        mine = self._values.get(position)
        return None if mine is None else mine == value


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
