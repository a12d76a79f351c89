"""The stream `room` in memory: blobs by number, and who published which id.

Numbers have no holes when they are given out; expiry makes holes. Nothing but `Log.blobs` ever
refers to a blob, so removing it there removes it everywhere.
"""

from collections.abc import Iterator
from hashlib import sha256
from heapq import heappop, heappush
from math import inf

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass
from alcove_protocol.position import Position
from alcove_protocol.roster import NO_HASH
from alcove_protocol.statements import Signed

from alcove_server.store.bounds import BLOB_OVERHEAD, PUBLISH_IDS, Budget
from alcove_server.store.interface import Page, Publication, StoredBlob

_EXPIRED_AT_ONCE = 1000
"""Blobs dropped in one step of the sweeper. A reader drops all that is due first."""

_SWEPT_AFTER = 30
"""Seconds for which an id's record may take its place after its end, when it is in no answer: to
sweep is to look through all records of a room, so that is done rarely."""


def lifetime(blob_class: BlobClass, ttl: int) -> int:
    """How many seconds the relay keeps a blob. docs/protocol.md section 9."""
    if blob_class is BlobClass.COMMIT:
        return limits.REJOIN_WINDOW
    if blob_class is BlobClass.BEAT:
        return min(ttl, limits.HEARTBEAT_TTL)
    return ttl


def _size(blob: StoredBlob) -> int:
    entry = len(blob.entry.body) if blob.entry is not None else 0
    return len(blob.blob) + entry + BLOB_OVERHEAD


def size_of(publication: Publication) -> int:
    """What a publication takes of the budget, in bytes, its Welcomes not counted."""
    step = publication.step
    entry = len(step.entry.body) if step is not None else 0
    return len(publication.blob) + entry + BLOB_OVERHEAD


class Log:
    """One generation of a room's log."""

    def __init__(self, generation: bytes, budget: Budget) -> None:
        self.generation = generation
        self.number = 0
        self.base = 0
        self.encoded_base = self.position(0).encode()
        self.commit = NO_HASH
        self.blobs: dict[int, StoredBlob] = {}
        self.due = inf
        self._budget = budget
        self._ends: list[tuple[float, int]] = []
        self._lost_up_to = 0  # the highest number of an application blob that has expired

    def position(self, number: int) -> Position:
        return Position(self.generation, number)

    def append(
        self,
        now: float,
        sender: bytes,
        id: bytes,
        blob_class: BlobClass,
        ttl: int,
        blob: bytes,
        entry: Signed | None,
    ) -> StoredBlob:
        """Give a blob the next number. Raises `Refusal` (`busy`)."""
        end = now + lifetime(blob_class, ttl)
        stored = StoredBlob(self.number + 1, blob_class, id, sender, now, end, blob, entry)
        self._budget.take(_size(stored))
        self.number += 1
        if blob_class is BlobClass.COMMIT:
            self.base, self.commit = self.number, sha256(blob).digest()
            self.encoded_base = self.position(self.number).encode()
        self.blobs[self.number] = stored
        heappush(self._ends, (end, self.number))
        self.due = self._ends[0][0]
        return stored

    def read(self, now: float, after: Position, most: int, read_only: bool) -> Page:
        """As `Store.read`."""
        while self.due <= now:
            self.expire(now)
        known = after.generation == self.generation and after.number <= self.number
        start = after.number if known else 0
        found: list[StoredBlob] = []
        size, complete, lost = 0, True, not known or self._lost_up_to > start
        for blob in self._after(start):
            size += len(blob.blob)
            if found and size > most:
                complete = False
                break
            found.append(blob)
        return Page(
            self.position(self.number),
            self.position(self.base),
            self.commit,
            tuple(found),
            lost,
            complete,
            now,
            read_only,
        )

    def _after(self, start: int) -> Iterator[StoredBlob]:
        if self.number - start <= len(self.blobs):
            numbers = range(start + 1, self.number + 1)
            return (self.blobs[number] for number in numbers if number in self.blobs)
        return (blob for number, blob in self.blobs.items() if number > start)

    def expire(self, now: float) -> None:
        """Drop blobs whose end has come, a bounded number of them."""
        for _ in range(_EXPIRED_AT_ONCE):
            if not self._ends or self._ends[0][0] > now:
                break
            blob = self.blobs.pop(heappop(self._ends)[1])
            self._budget.give(_size(blob))
            if blob.blob_class is BlobClass.APPLICATION:
                self._lost_up_to = max(self._lost_up_to, blob.number)
        self.due = self._ends[0][0] if self._ends else inf


class PublishRecords:
    """Which ids were taken, for each sender the newest `PUBLISH_IDS`; they outlive their blobs."""

    def __init__(self) -> None:
        self.due = inf
        self._taken: dict[bytes, dict[bytes, tuple[int, float]]] = {}

    def find(self, now: float, sender: bytes, id: bytes) -> int | None:
        """The number that was given, if the record is still there."""
        of_sender = self._taken.get(sender)
        record = of_sender.get(id) if of_sender is not None else None
        return record[0] if record is not None and record[1] > now else None

    def add(self, sender: bytes, id: bytes, number: int, end: float) -> None:
        """Remember an id until `end`, at the cost of the sender's oldest when there are many."""
        of_sender = self._taken.get(sender)
        if of_sender is None:
            of_sender = self._taken[sender] = {}
        of_sender[id] = (number, end)
        if len(of_sender) > PUBLISH_IDS:
            del of_sender[next(iter(of_sender))]  # the oldest
        if end + _SWEPT_AFTER < self.due:
            self.due = end + _SWEPT_AFTER

    def drop(self, sender: bytes) -> None:
        self._taken.pop(sender, None)

    def expire(self, now: float) -> None:
        for sender, of_sender in list(self._taken.items()):
            for id in [id for id, (_, end) in of_sender.items() if end <= now]:
                del of_sender[id]
            if not of_sender:
                del self._taken[sender]
        ends = (end for of_sender in self._taken.values() for _, end in of_sender.values())
        self.due = min(ends, default=inf) + _SWEPT_AFTER


def check_size(publication: Publication) -> None:
    """Raises `Refusal` (`too_large`) when a blob is larger than its class may be."""
    commit = publication.blob_class is BlobClass.COMMIT
    most = limits.HANDSHAKE_BLOB if commit else limits.APPLICATION_BLOB
    if len(publication.blob) > most:
        raise Refusal("too_large")
