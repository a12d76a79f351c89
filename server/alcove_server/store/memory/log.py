"""The stream `room` in memory: blobs by number, and the publish ids of each sender.

Numbers are given out without holes, and expiry makes holes. So blobs are kept in parts by number,
and a part is dropped with its last blob. A search among the parts finds where a page begins, and a
walk over a few of them fills it.

No page contains a blob past its end. Such blobs are dropped a bounded number at a time. Only the
part and `_lost_next` refer to a blob, and `expire` removes it from both.
"""

from bisect import bisect_left
from collections import deque
from hashlib import sha256
from heapq import heappop, heappush
from math import inf
from typing import Final

from alcove_protocol.frames import COMMITS, BlobClass
from alcove_protocol.position import Position
from alcove_protocol.roster import NO_HASH
from alcove_protocol.statements import Signed

from alcove_server.store.budget import (
    MEMBERS_PART,
    PAGE_BLOBS,
    PUBLISH_IDS,
    RECORD_OVERHEAD,
    Budget,
)
from alcove_server.store.interface import (
    Page,
    Publication,
    StoredBlob,
    blob_size,
    lifetime,
    on_the_wire,
)

_PART: Final = 256
"""Numbers whose blobs form one part."""
_LOOKED_AT: Final = 4 * PAGE_BLOBS
"""Blobs examined for one page, about 0.1 ms. Expired blobs that are not dropped yet count too."""

_SENDERS: Final = 20
"""Senders whose records one step looks at: about 1 ms."""
_DROPPED_AFTER = 30
"""Seconds for which the record of an id may outlive its end, unused. Dropping records means a walk
through all of a room's records, so it is done rarely."""


_APPLICATION: Final = BlobClass.APPLICATION


def size_of(publication: Publication) -> int:
    """Return the bytes that a publication takes of the budget, without its Welcomes."""
    step = publication.step
    return blob_size(publication.blob, step.entry if step is not None else None) + RECORD_OVERHEAD


class Log:
    """One generation of a room's log."""

    def __init__(self, generation: bytes, budget: Budget) -> None:
        self.generation = generation
        self.number = 0
        self.base = 0
        self.encoded_base = self.position(0).encode()
        self.commit = NO_HASH
        self.due = inf
        self._budget = budget
        self._parts: dict[int, dict[int, StoredBlob]] = {}  # number // _PART: number: blob
        self._order: list[int] = []  # the keys of `_parts`, ascending
        self._ends: list[tuple[float, int]] = []
        self._lost_up_to = 0  # the highest number of an application blob that has expired
        # Application blobs that end before every later one, so that numbers and ends both ascend.
        # The last of them that is past its end has the highest number of all expired blobs.
        self._lost_next: deque[StoredBlob] = deque()

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
        """Give a blob the next number. Takes the space of its id's record too, so that nothing can
        fail between the two; that is `PublishRecords`' to give back. Raises `Refusal` (`busy`)."""
        end, number = now + lifetime(blob_class, ttl), self.number + 1
        stored = StoredBlob(number, blob_class, id, sender, now, end, blob, entry)
        part = MEMBERS_PART if blob_class is _APPLICATION else 1
        self._budget.take(blob_size(blob, entry) + RECORD_OVERHEAD, part)
        self.number = number
        if blob_class is _APPLICATION:
            lost_next = self._lost_next
            while lost_next and lost_next[-1].expires_at >= end:
                lost_next.pop()
            lost_next.append(stored)
        elif blob_class in COMMITS:
            self.base, self.commit = number, sha256(blob).digest()
            self.encoded_base = self.position(number).encode()
        numbered = self._parts.get(number // _PART)
        if numbered is None:
            numbered = self._parts[number // _PART] = {}
            self._order.append(number // _PART)
        numbered[number] = stored
        heappush(self._ends, (end, number))
        if end < self.due:
            self.due = end
        return stored

    def read(self, now: float, after: Position, most: int, read_only: bool) -> Page:
        """As `Store.read`."""
        known = after.generation == self.generation and after.number <= self.number
        start = after.number if known else 0
        found, up_to = self._unexpired(now, start, most)
        self._note_lost(now)
        return Page(
            self.position(self.number),
            self.position(self.base),
            self.commit,
            tuple(found),
            up_to,
            not known or self._lost_up_to > start,
            up_to == self.number,
            now,
            read_only,
        )

    def _unexpired(self, now: float, start: int, most: int) -> tuple[list[StoredBlob], int]:
        """Return unexpired blobs after a number, and the number up to which they are complete."""
        found: list[StoredBlob] = []
        size, looked, up_to = 0, 0, start
        for at in range(bisect_left(self._order, (start + 1) // _PART), len(self._order)):
            for blob in self._parts[self._order[at]].values():
                if blob.number <= start:
                    continue
                if looked == _LOOKED_AT or len(found) == PAGE_BLOBS:
                    return found, up_to
                looked += 1
                if blob.expires_at > now:
                    size += on_the_wire(blob)
                    if found and size > most:
                        return found, up_to
                    found.append(blob)
                up_to = blob.number
        return found, self.number

    def _note_lost(self, now: float) -> None:
        """Update `_lost_up_to`."""
        lost_next = self._lost_next
        while lost_next and lost_next[0].expires_at <= now:
            self._lost_up_to = lost_next.popleft().number

    def expire(self, now: float, most: int) -> int:
        """Drop at most `most` blobs past their end. Return the count."""
        self._note_lost(now)
        dropped = 0
        while dropped < most and self._ends and self._ends[0][0] <= now:
            self._drop(heappop(self._ends)[1])
            dropped += 1
        self.due = self._ends[0][0] if self._ends else inf
        return dropped

    def _drop(self, number: int) -> None:
        part = self._parts[number // _PART]
        gone = part.pop(number)
        self._budget.give(blob_size(gone.blob, gone.entry))
        if not part:
            del self._parts[number // _PART]
            del self._order[bisect_left(self._order, number // _PART)]


class PublishRecords:
    """The newest `PUBLISH_IDS` publish ids of each sender. A record outlives its blob. The budget
    counts it from the publish on, and gets its bytes back here."""

    def __init__(self, budget: Budget) -> None:
        self.due = inf
        self._budget = budget
        self._unseen: list[bytes] = []  # senders that this walk has still to look at
        self._least = inf  # the first end that this walk has seen
        self._taken: dict[bytes, dict[bytes, tuple[int, float]]] = {}

    def find(self, now: float, sender: bytes, id: bytes) -> int | None:
        """Return the number that the id was given, if its record is still there."""
        of_sender = self._taken.get(sender)
        record = of_sender.get(id) if of_sender is not None else None
        return record[0] if record is not None and record[1] > now else None

    def add(self, sender: bytes, id: bytes, number: int, end: float) -> None:
        """Remember an id until `end`. Beyond `PUBLISH_IDS`, forget the sender's oldest."""
        of_sender = self._taken.get(sender)
        if of_sender is None:
            of_sender = self._taken[sender] = {}
        if id in of_sender:  # its record was past its end
            self._forget(of_sender, id)
        of_sender[id] = (number, end)
        if len(of_sender) > PUBLISH_IDS:
            self._forget(of_sender, next(iter(of_sender)))  # the oldest
        if end + _DROPPED_AFTER < self.due:
            self.due = end + _DROPPED_AFTER

    def _forget(self, of_sender: dict[bytes, tuple[int, float]], id: bytes) -> None:
        del of_sender[id]
        self._budget.give(RECORD_OVERHEAD)

    def drop(self, sender: bytes) -> None:
        self._budget.give(RECORD_OVERHEAD * len(self._taken.pop(sender, ())))

    def expire(self, now: float) -> None:
        """Drop the ended records of some senders. The walk through the others goes on a second
        later: a room of a thousand may have 128,000 records."""
        if not self._unseen:
            self._unseen, self._least = list(self._taken), inf
        for _ in range(min(_SENDERS, len(self._unseen))):
            sender = self._unseen.pop()
            of_sender = self._taken.get(sender)
            if of_sender is None:
                continue
            for id in [id for id, (_, end) in of_sender.items() if end <= now]:
                self._forget(of_sender, id)
            if not of_sender:
                del self._taken[sender]
            self._least = min([self._least, *[end for _, end in of_sender.values()]])
        self.due = now + 1 if self._unseen else self._least + _DROPPED_AFTER
