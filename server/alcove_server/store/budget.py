"""The store's own limits: a named number and its reason. Sizes are bytes, times are seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.statements import Signed

from alcove_server.store.leases import Leases, end_of

BLOB_OVERHEAD: Final = 256
"""Bytes that a blob costs beside its content: objects and index entries."""
RECORD_OVERHEAD: Final = 256
"""Bytes that the record of a publish id costs. It outlives its blob by an hour."""
CHAIN_FACTOR: Final = 8
"""Bytes that a byte of the chain costs in all: itself, and the list that the node makes of it, in
which a member takes some 400 bytes and in the chain 43."""
ITEM_OVERHEAD: Final = 512
"""Bytes that a lobby item, a door or a Welcome costs beside its content."""
ROOM_OVERHEAD: Final = 4 * limits.KIB
"""Bytes that an empty room costs."""
PUBLISH_IDS: Final = 128
"""Publish ids remembered for one relay key. A client has few unanswered publishes at a time, so
the newest ids are enough. Each key has a list of its own, so no member can push out the ids of
another."""
REQUESTS: Final = 4
"""Open requests of one member. A fifth request replaces the oldest and is not refused, because an
Update for an earlier epoch is worthless."""
VAULTS: Final = limits.FACILITATORS
"""Vaults of one facilitator, each for another member. One more takes the place of the oldest."""
CLOSED_DOORS: Final = 64
"""Closed doors that are kept, without their cards, so that a newcomer is told why they closed."""
SHARE: Final = 16
"""A room may take at most one part in so many of the bytes that are left for all rooms. An attacker
who fills rooms to crowd others out only approaches the bound: twenty full rooms leave three tenths
for the others."""
SMALL: Final = 2 * limits.MIB
"""Bytes that a room may take whatever `SHARE` says, while any are left: one commit of the largest
size, or an hour of conversation."""
PART_SHARE: Final = 4
"""The rooms that one part of the network opened may take one part in so many of the bytes, and of
the rooms, that are left for all. Those of a part that stands for this many or more may take as much
as they leave. So an attacker in one network gets a fifth of the store, and a provider's half."""
PART_LEAST: Final = 2 * SMALL
PART_LEAST_ROOMS: Final = 20
"""Bytes and rooms of a part of the network whatever `PART_SHARE` says, while any are left."""
UNCOUNTED: Final = 32 * limits.KIB
"""Bytes of a room that its part of the network is not asked for, so that neighbours of an attacker
can go on talking in their small rooms, and end them. The number of rooms bounds these: half of all
rooms take 160 MB so."""
MEMBERS_PART: Final = 3 / 4
"""The part of a room's bytes, and of all bytes, that messages, knocks and requests may take. The
rest is for commits, heartbeats and leaves: a member that fills a room must not keep its
facilitators from removing that member, nor let the room be abandoned for want of a heartbeat."""
BLOB_FRAME: Final = 138
"""The most bytes that a frame adds to a blob and its entry. Pages count it: of blobs of one
byte, a page would otherwise be a hundred times as large on the wire."""
PAGE_BLOBS: Final = 500
"""Blobs in a page, however small they are: about 1 ms to frame and send."""
LOBBY_PAGE: Final = 100
"""Items of the lobby in a page. A lobby may have thousands, and to gather these would hold up the
rooms of all."""
SETTLED: Final = 1024
"""Settled items that are kept for facilitators who resume."""


def tombstone_size(statement: Signed) -> int:
    """Return the bytes that the end of a room costs."""
    return len(statement.body) + ITEM_OVERHEAD


@dataclass(frozen=True, slots=True)
class StoreBounds:
    """The bounds that an operator may choose."""

    rooms: int = 10_000
    room_bytes: int = 64 * limits.MIB
    store_bytes: int = 512 * limits.MIB


def room_share(most: int, left: int) -> int:
    """Return the bytes that one room may take now: `most` are for a room, `left` for all rooms."""
    return min(most, max(SMALL, left // SHARE))


def _no_time() -> float:
    return 0.0


class Holding:
    """What the rooms hold that count for one part of the network: bytes and rooms, as the store in
    this process says it, and `leases` of what was put into another store. `weight` says for how
    many parts it stands. `whole` is what its provider's networks hold together, and has a share of
    its own. `nodes` are the processes that share the store, each with its part of the share."""

    def __init__(
        self,
        weight: int = 1,
        whole: Holding | None = None,
        clock: Callable[[], float] = _no_time,
        nodes: int = 1,
    ) -> None:
        self.used = 0
        self.rooms = 0
        self.ended = 0
        """Rooms of which the end is still kept."""
        self.leases: Final = Leases(clock)
        self.whole: Final = whole
        self.weight: Final = min(weight, PART_SHARE)
        self._parts = PART_SHARE * nodes
        self._least = PART_LEAST // nodes

    @property
    def least(self) -> bool:
        """Whether it holds no more than each may hold in any case, and no room."""
        self.leases.settle()
        return not self.rooms and self.leases.total <= self._least

    @property
    def empty(self) -> bool:
        """Whether it holds nothing, and nothing of its rooms is kept."""
        self.leases.settle()
        return not self.rooms and not self.ended and not self.leases.total

    def may_open(self, left: int) -> bool:
        """Whether one more room may be opened when so many rooms are left for all."""
        if self.rooms >= max(PART_LEAST_ROOMS, left * self.weight // self._parts):
            return False
        return self.whole is None or self.whole.may_open(left)

    def may_take(self, size: int, left: int, part: float) -> bool:
        """Whether so many bytes more may be taken when `left` bytes are left for all, and no more
        than `part` of the share may be in use then."""
        self.leases.settle()
        used = self.used + self.leases.total + size
        if used > max(self._least, left * self.weight // self._parts) * part:
            return False
        return self.whole is None or self.whole.may_take(size, left, part)

    def add(self, rooms: int, size: int) -> None:
        """Count so many rooms and bytes more, or less. Does not fail."""
        self.rooms += rooms
        self.used += size
        if self.whole is not None:
            self.whole.add(rooms, size)

    def remember(self, ends: int) -> None:
        """The ends of so many rooms more are kept, or less."""
        self.ended += ends
        if self.whole is not None:
            self.whole.remember(ends)


class Lease:
    """Bytes that one act put into a store, each with the seconds for which they count. `fits` says
    whether the holding had the space, so that a room that is not small may take them."""

    __slots__ = ("_given", "_holding", "fits")

    def __init__(
        self, holding: Holding, left: int, part: float, given: Sequence[tuple[int, float]]
    ) -> None:
        now = holding.leases.clock()
        self._given = [(size, end_of(now, seconds)) for size, seconds in given]
        self._holding = holding
        total = 0
        for size, _ in given:
            total += size
        self.fits: Final = holding.may_take(total, left, part)
        one: Holding | None = holding
        while one is not None:
            for size, end in self._given:
                one.leases.add(size, end)
            one = one.whole

    def give_back(self) -> None:
        """The store did not take it."""
        one: Holding | None = self._holding
        while one is not None:
            for size, end in self._given:
                one.leases.give_back(size, end)
            one = one.whole


class Payer:
    """For whom counts what one client puts: `holding` is that of its part of the network. None is
    one without limits."""

    __slots__ = ("holding", "remembered")

    def __init__(self, holding: Holding | None) -> None:
        self.holding: Final = holding
        self.remembered = 0
        """Publish ids that the store remembers because of this client, or more."""

    @property
    def record_size(self) -> int:
        """The bytes of one more record of a publish id: the store keeps the newest `PUBLISH_IDS` of
        a key, so further ones take no space."""
        return RECORD_OVERHEAD if self.remembered < PUBLISH_IDS else 0


Pays: TypeAlias = Payer | None


class Budget:
    """Counts bytes in use, up to `most`. A parent counts the bytes of its parts too, and `holding`
    those of the part of the network that opened the room."""

    def __init__(
        self, most: int, parent: Budget | None = None, holding: Holding | None = None
    ) -> None:
        self.used = 0
        self.holding = holding
        self._most = most
        self._parent = parent

    def check(self, size: int, part: float = 1) -> None:
        """Raise `Refusal` (`busy`) where `take` of the size would."""
        after, parent, most = self.used + size, self._parent, self._most
        if parent is not None:
            left = parent._most - parent.used
            most = room_share(most, left)
            parent.check(size, part)
            holding = self.holding if after > UNCOUNTED else None
            if holding is not None and not holding.may_take(size, left, part):
                raise Refusal("busy")
        if after > most * part:
            raise Refusal("busy")

    def take(self, size: int, part: float = 1) -> None:
        """Count `size` bytes as used, of which no more than `part` of all may be in use then.
        Raises `Refusal` (`busy`), and then counts nothing."""
        self.check(size, part)
        self._add(size)

    def give(self, size: int) -> None:
        """Count `size` bytes as free again."""
        self._add(-size)

    def begin(self, size: int = 0) -> None:
        """A room begins, or is as it was before `end`, when it used so many bytes."""
        self._add(size)
        if self.holding is not None:
            self.holding.add(1, 0)

    def end(self) -> None:
        """A room is over, and gives back what it used."""
        self._add(-self.used)
        if self.holding is not None:
            self.holding.add(-1, 0)

    def count_for(self, holding: Holding | None, rooms: int) -> None:
        """The room counts for another part of the network from now on, if that one has the space,
        and a place when so many are left for all. Does not fail."""
        before, parent = self.holding, self._parent
        if holding is None or before is None or holding is before or parent is None:
            return
        left = parent._most - parent.used
        if not holding.may_open(rooms) or not holding.may_take(self.used, left, 1):
            return
        before.add(-1, -self.used)
        holding.add(1, self.used)
        self.holding = holding

    def restore(self, size: int) -> None:
        """Take back bytes that were just given back, or count what may not fail and is small beside
        what it takes the place of. Does not fail."""
        self._add(size)

    def _add(self, size: int) -> None:
        self.used += size
        if self._parent is not None:
            self._parent._add(size)
        if self.holding is not None:
            self.holding.add(0, size)
