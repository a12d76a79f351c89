"""What waits to be sent: first in, first out, one in flight.

A message keeps its id, its counter and the id of its publish while it is here, so all members show
it once, however often it is sent. It is encrypted anew only when the epoch has moved. While the
epoch stands, the same bytes go again: never two messages under one MLS generation.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from alcove_protocol import frames
from alcove_protocol.records import Record

from alcove.mls.secret import Random

UNCONFIRMED: Final = "The relay had not answered yet; others may have read this."
"""Said of a message that is given up before it is known what became of it."""
MOST: Final = 256
"""Messages that may wait. A further one is refused, and the person is told."""


@dataclass(slots=True)
class Outgoing:
    """One message on its way. `blob` is its encryption in `epoch`, when there is one."""

    id: bytes
    counter: int
    kind: str
    body: bytes = field(repr=False)
    ttl: int
    publish_id: bytes
    ref: str | None = None
    shown: bool = True  # whether events tell what becomes of it
    blob: bytes = b""
    epoch: int = -1
    in_flight: bool = False
    given: bool = False  # whether the relay was given something of it before
    repeated: bool = False  # whether that was under this `publish_id`
    unanswered: bool = False  # whether a connection was lost before the relay answered
    told_queued: bool = False
    taken_back: bool = False  # whether its author wants it retracted as soon as it is there

    def given_in(self, epoch: int) -> bool:
        """Whether its bytes of this epoch are made, so that the relay may have them."""
        return self.in_flight or (bool(self.blob) and self.epoch == epoch)

    def renumber(self, counter: int, random: Random) -> None:
        """Give it another counter, and so other bytes. By a publish id that the relay was given it
        may know the old ones, and answer with their place: the new counter would be a hole. So an
        answer that is still on its way is for nothing."""
        self.counter, self.blob, self.epoch = counter, b"", -1
        if self.given:
            self.publish_id = random(frames.ID_SIZE)
            self.in_flight = self.repeated = False

    def void(self, void: Record, kind: str) -> None:
        """Give up the content but keep the counter, so that a hole always means a drop."""
        self.kind, self.body = kind, void.encode()
        self.blob, self.epoch, self.shown = b"", -1, False


class Outbox:
    """The queue. Its owner publishes `head` and removes it when the relay has it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._queue: deque[Outgoing] = deque()
        self._given_up: deque[Outgoing] = deque(maxlen=MOST)
        self._counter = 0

    def __len__(self) -> int:
        return len(self._queue)

    def next_counter(self) -> int:
        self._counter += 1
        return self._counter

    def begin_anew(self) -> None:
        """A commit added this member's leaf anew, and the others know no counter of it any more."""
        self._counter = 0
        for item in self._queue:
            item.renumber(self.next_counter(), self._random)

    def append(self, item: Outgoing) -> None:
        self._queue.append(item)

    def put_first(self, item: Outgoing, epoch: int) -> None:
        """Put an item before all that were not encrypted in this epoch. Counters keep the order of
        the queue, so those behind it each take the next one's."""
        items = list(self._queue)
        given = [known for known in items if known.given_in(epoch)]
        later = [known for known in items if not known.given_in(epoch)]
        counters = [*(known.counter for known in later), item.counter]
        for known, counter in zip([item, *later], counters, strict=True):
            known.renumber(counter, self._random)
        self._queue = deque([*given, item, *later])

    def begins_with(self, kind: str, epoch: int) -> bool:
        """Whether one of this kind goes before all that were not encrypted in this epoch, and the
        relay was never given it. Another in front of it would say nothing more."""
        later = (item for item in self._queue if not item.given_in(epoch))
        first = next(later, None)
        return first is not None and first.kind == kind and not first.given

    @property
    def full(self) -> bool:
        return len(self._queue) >= MOST

    @property
    def head(self) -> Outgoing | None:
        return self._queue[0] if self._queue else None

    def give_up(self, item: Outgoing) -> None:
        """Remember what the relay says that it did not take. It may deliver it all the same."""
        if item.blob:
            self._given_up.append(replace(item, in_flight=False))

    def known(self, blob: bytes, epoch: int) -> Outgoing | None:
        """The item with these bytes, the head or one that was given up. What is of another epoch is
        read by nobody, wherever the relay puts it."""
        items = [*self._given_up, *([self._queue[0]] if self._queue else [])]
        return next((item for item in items if item.blob == blob and item.epoch == epoch), None)

    def doubtful(self, epoch: int) -> bool:
        """Whether the relay said of something that it did not take it, and can still deliver it."""
        return any(item.epoch == epoch for item in self._given_up)

    def remove(self, item: Outgoing) -> None:
        """The relay has this item. No receiver takes another one with its counter or with an
        earlier one, so what was given up before can no longer come."""
        self._queue = deque(known for known in self._queue if known.id != item.id)
        later = [known for known in self._given_up if known.counter > item.counter]
        self._given_up = deque(later, maxlen=MOST)

    def connection_lost(self) -> None:
        """No answer can come any more. The head goes again, as it is."""
        for item in self._queue:
            item.unanswered = item.unanswered or item.in_flight
            item.in_flight = False

    def waiting(self) -> tuple[Outgoing, ...]:
        return tuple(self._queue)
