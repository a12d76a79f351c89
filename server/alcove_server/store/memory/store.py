"""The memory store: rooms of one process. What the process forgets is gone, and that is its merit.

Each method runs without suspending, so each is atomic as it stands. Rooms expire lazily, when they
are touched, and by `sweep`; `_ends` orders rooms by when something of theirs ends next. Either
drops a bounded number of blobs; what has expired and is here still is in no page.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.budget import Budget, StoreBounds
from alcove_server.store.interface import (
    Door,
    Page,
    PendingWelcome,
    Publication,
    RoomHead,
    SeatedRoom,
    StoredItem,
    Taken,
)
from alcove_server.store.memory.room import Room

_EXPIRED_AT_ONCE: Final = 100
"""Blobs dropped by who touches a room where more are due, 0.1 ms: more than one takes the place of,
so a log grows by none that sweeps have not come to."""
_EXPIRED_IN_SWEEP: Final = 5000
"""Blobs dropped in one sweep of all rooms: about 5 ms. The rest is in no answer meanwhile."""


class MemoryStore:
    """`Store` in this process. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float], bounds: StoreBounds | None = None) -> None:
        self._clock = clock
        self._bounds = bounds if bounds is not None else StoreBounds()
        self._budget = Budget(self._bounds.store_bytes)
        self._rooms: dict[bytes, Room] = {}
        self._ended: dict[bytes, tuple[Signed, float]] = {}
        self._ends: list[tuple[float, bytes]] = []  # rooms and tombstones, some entries outdated
        self._scheduled: dict[bytes, float] = {}
        self._to_tell: set[bytes] = set()

    @property
    def used(self) -> int:
        """Bytes in use by all rooms."""
        return self._budget.used

    # --- rooms ------------------------------------------------------------------------------

    async def open(self, room: bytes, entry: Signed, head: bytes, generation: bytes) -> None:
        found = self._find(room)
        if found is not None:
            if found.chain[0].body != entry.body:
                raise Refusal("room_exists")
            return
        self._seat(SeatedRoom(room, (entry,), head, generation, b"", ()))

    async def reseat(self, seated: SeatedRoom, expected: bytes | None) -> None:
        found = self._find(seated.room)
        if found is None:
            if expected is not None:
                raise Refusal("unknown_room")
            self._seat(seated)
            return
        found.expect_roster(expected if expected is not None else b"")
        used = found.budget.used
        self._delete(seated.room)
        try:
            self._seat(seated)
        except Refusal:
            found.budget.restore(used)  # all or nothing: the room is as it was
            self._rooms[seated.room] = found
            raise
        self._to_tell.add(seated.room)

    def _seat(self, seated: SeatedRoom) -> None:
        if len(self._rooms) >= self._bounds.rooms:
            raise Refusal("busy")
        budget = Budget(self._bounds.room_bytes, self._budget)
        try:
            room = Room(seated, self._clock(), budget)
        except Refusal:
            budget.give(budget.used)
            raise
        self._rooms[seated.room] = room
        self._schedule(seated.room, room.due)

    async def head(self, room: bytes) -> RoomHead | None:
        try:
            found = self._find(room)
        except Refusal:
            return RoomHead(b"", 0, 0, 0, b"", 0, self._ended[room][0])
        return found.head() if found is not None else None

    async def chain(self, room: bytes, start: int) -> tuple[Signed, ...]:
        return tuple(self._room(room).chain[start:])

    async def end(self, room: bytes, statement: Signed, roster: bytes) -> None:
        self._room(room).expect_roster(roster)
        self._delete(room)
        end = self._clock() + limits.TOMBSTONE
        self._ended[room] = (statement, end)
        if len(self._ended) > self._bounds.rooms:  # the oldest comes first
            del self._ended[next(iter(self._ended))]
        self._scheduled.pop(room, None)
        self._schedule(room, end)

    # --- the log ----------------------------------------------------------------------------

    async def publish(self, publication: Publication) -> Taken:
        return self.publish_now(publication)

    def publish_now(self, publication: Publication) -> Taken:
        room = self._room(publication.room)
        taken = room.publish(self._clock(), publication)
        self._schedule(publication.room, room.due)
        return taken

    async def published(self, room: bytes, sender: bytes, id: bytes) -> Position | None:
        found = self._room(room)
        number = found.records.find(self._clock(), sender, id)
        return found.log.position(number) if number is not None else None

    async def read(self, room: bytes, after: Position, most: int) -> Page:
        return self._room(room).read(self._clock(), after, most)

    # --- doors ------------------------------------------------------------------------------

    async def put_door(self, room: bytes, door: Door, roster: bytes) -> None:
        found = self._room(room)
        found.expect_roster(roster)
        found.doors.put(self._clock(), door)
        self._look(room, found)

    async def revoke_door(self, room: bytes, door: bytes, roster: bytes) -> None:
        found = self._room(room)
        found.expect_roster(roster)
        if found.doors.find(self._clock(), door) is None:
            raise Refusal("unknown_door")
        found.revoke(self._clock(), frozenset({door}))
        self._look(room, found)

    async def door(self, room: bytes, door: bytes) -> Door | None:
        return self._room(room).doors.find(self._clock(), door)

    # --- the lobby --------------------------------------------------------------------------

    async def knock(self, room: bytes, key: bytes, door: bytes, id: bytes, blob: bytes) -> None:
        found, now = self._room(room), self._clock()
        if found.lobby.knock_of(key) is None:
            at = found.doors.find(now, door)
            if at is None:
                raise Refusal("unknown_door")
            if at.closed is not None:
                raise Refusal(at.closed)
        found.lobby.knock(now, key, door, id, blob)
        self._look(room, found)

    async def waiting(self, room: bytes, key: bytes) -> bytes | None:
        knock = self._room(room).lobby.knock_of(key)
        return knock.id if knock is not None else None

    async def withdraw(self, room: bytes, key: bytes) -> None:
        found = self._room(room)
        found.lobby.settle_knock(self._clock(), key)
        self._look(room, found)

    async def add_item(
        self, room: bytes, kind: LobbyKind, key: bytes, id: bytes, blob: bytes
    ) -> None:
        found = self._room(room)
        found.lobby.add(self._clock(), kind, key, id, blob)
        self._look(room, found)

    async def settle(self, room: bytes, id: bytes, reason: bytes | None = None) -> None:
        found = self._room(room)
        found.lobby.settle(self._clock(), id, reason)
        self._look(room, found)

    async def lobby(self, room: bytes, after: int, settled: bool) -> tuple[StoredItem, ...]:
        return self._room(room).lobby.items(after, settled)

    async def take_refusal(self, room: bytes, key: bytes) -> tuple[bytes, bytes] | None:
        return self._room(room).lobby.take_refusal(self._clock(), key)

    # --- Welcomes ---------------------------------------------------------------------------

    async def welcome(self, room: bytes, key: bytes) -> PendingWelcome | None:
        return self._room(room).welcomes.find(self._clock(), key)

    async def welcomed(self, room: bytes, key: bytes, position: Position) -> None:
        welcomes = self._room(room).welcomes
        pending = welcomes.find(self._clock(), key)
        if pending is None or pending.position.generation != position.generation:
            return
        if pending.position.number <= position.number:
            welcomes.drop(key)

    # --- time -------------------------------------------------------------------------------

    async def now(self) -> float:
        return self._clock()

    async def sweep(self, most: int) -> frozenset[bytes]:
        now, left = self._clock(), _EXPIRED_IN_SWEEP
        looked_at: list[bytes] = []
        for _ in range(most):
            if not self._ends or self._ends[0][0] > now:
                break
            at, room = heappop(self._ends)
            if self._scheduled.get(room) == at:
                del self._scheduled[room]
                left -= self._expire(room, now, left)
                looked_at.append(room)
        for room in looked_at:  # only now: one where more is due would be the next again
            self._go_on(room, now)
        told = frozenset(self._to_tell)
        self._to_tell.clear()
        return told

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        self._rooms.clear()

    def _find(self, room: bytes) -> Room | None:
        """A room as it is now. Raises `Refusal` (`ended`)."""
        now = self._clock()
        found = self._rooms.get(room)
        if found is None:
            ended = self._ended.get(room)
            if ended is not None and ended[1] > now:
                raise Refusal("ended")
            self._ended.pop(room, None)
            return None
        if found.due <= now:
            self._expire(room, now, _EXPIRED_AT_ONCE)
            self._go_on(room, now)
            return self._rooms.get(room)
        return found

    def _room(self, room: bytes) -> Room:
        found = self._find(room)
        if found is None:
            raise Refusal("unknown_room")
        return found

    def _expire(self, id: bytes, now: float, most: int) -> int:
        """Drop what is past its end in a room, or the room; how many blobs one by one, at most
        so many."""
        room = self._rooms.get(id)
        if room is None:
            ended = self._ended.get(id)
            if ended is not None and ended[1] <= now:
                del self._ended[id]
            return 0
        if room.abandoned_at <= now:
            self._delete(id)
            self._to_tell.add(id)
            return 0
        dropped = room.log.expire(now, most)
        if room.expire(now):
            self._to_tell.add(id)
        return dropped

    def _go_on(self, id: bytes, now: float) -> None:
        """Look again when the next thing of a room ends; at what is due already, after the rooms
        that wait longer."""
        room = self._rooms.get(id)
        if room is not None:
            self._schedule(id, max(room.due, now))

    def _delete(self, id: bytes) -> None:
        room = self._rooms.pop(id)
        room.budget.give(room.budget.used)

    def _look(self, id: bytes, room: Room) -> None:
        """Something of a room may end earlier than all before."""
        room.look()
        self._schedule(id, room.due)

    def _schedule(self, room: bytes, at: float) -> None:
        """Look at a room at a time. Only an earlier time than the known one makes a new entry, so
        the heap holds few outdated ones."""
        if at < self._scheduled.get(room, inf):
            self._scheduled[room] = at
            heappush(self._ends, (at, room))
