"""The memory store: the rooms of one process. Everything ends with the process.

Each method runs without suspending, so each is atomic. **Expiry.** Nothing here ends by itself.
Each room, watched or not, stands in one queue, `_due`, by the time at which something in it ends
next. `expire` takes rooms from the front of the queue: as many as it is told, and
`_EXPIRED_AT_ONCE` blobs. A room that ends as a whole counts as its blobs. A room that has more to
drop goes behind all that wait longer. So a call's work is bounded, and every room has its turn. A
call that names a room drops a few blobs of it first.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.budget import BLOB_OVERHEAD, Budget, Holding, Pays, StoreBounds
from alcove_server.store.interface import (
    ALL,
    AtDoor,
    Listener,
    LobbyPage,
    Page,
    Parked,
    Parking,
    PendingWelcome,
    Publication,
    PublishDone,
    RoomHead,
    SeatedRoom,
    StoredBlob,
    StoredDoor,
    Taken,
    Unsettled,
    Vote,
    require_place,
)
from alcove_server.store.memory.due_rooms import DueRooms
from alcove_server.store.memory.ended import EndedRooms
from alcove_server.store.memory.room import MemoryRoom

_EXPIRED_BY_A_CALL: Final = 100
"""Expired blobs dropped by a call that names a room, 0.1 ms: more than a call adds to a backlog."""
_EXPIRED_AT_ONCE: Final = 5000
"""Blobs dropped by one `expire`, in all rooms: 5 ms, or 10 ms when a full room ends as a whole."""


class MemoryStore:
    """A `Store` in this process. `clock` gives seconds and never goes back."""

    shared = False

    def __init__(self, clock: Callable[[], float], bounds: StoreBounds | None = None) -> None:
        self._clock = clock
        self._bounds = bounds if bounds is not None else StoreBounds()
        self._budget = Budget(self._bounds.store_bytes)
        self._rooms: dict[bytes, MemoryRoom] = {}
        self._ended = EndedRooms(self._budget, self._bounds.rooms)
        self._due = DueRooms()
        self._to_tell: set[bytes] = set()  # rooms that expired in part since the last `expire`
        self._watched: set[bytes] = set()
        self._listener: Listener | None = None
        self._on_blob: Callable[[bytes, bytes, StoredBlob], None] | None = None  # called for each

    @property
    def used(self) -> int:
        """Bytes that all rooms use."""
        return self._budget.used

    # --- rooms ------------------------------------------------------------------------------

    async def open(
        self,
        room: bytes,
        entry: Signed,
        head: bytes,
        generation: bytes,
        holding: Holding | None = None,
    ) -> None:
        found = self._find(room)
        if found is not None:
            if found.chain[0].body != entry.body:
                raise Refusal("room_exists")
            return
        self._seat(SeatedRoom(room, (entry,), head, generation, opened=True, holding=holding))

    async def reseat(
        self, seated: SeatedRoom, expected: bytes | None, over: Signed | None = None
    ) -> None:
        ended = self._ended.find(seated.room, self._clock())
        if ended is not None and ended[0] == over:
            self._seat(seated)
            self._ended.forget(seated.room)
            self._ring(seated.room)
            return
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
            self._seat(replace(seated, holding=found.budget.holding))
        except Refusal:
            found.budget.begin(used)  # the room is as it was
            self._rooms[seated.room] = found
            raise
        self._to_tell.add(seated.room)
        self._ring(seated.room)

    def _seat(self, seated: SeatedRoom) -> None:
        require_place(self._bounds.rooms - len(self._rooms), seated)
        budget = Budget(self._bounds.room_bytes, self._budget, seated.holding)
        try:
            room = MemoryRoom(seated, self._clock(), budget)
        except Refusal:
            budget.give(budget.used)
            raise
        budget.begin()
        self._rooms[seated.room] = room
        self._due.put(seated.room, room.due)

    async def head(self, room: bytes) -> RoomHead | None:
        ended = self._ended.find(room, self._clock()) if room not in self._rooms else None
        if ended is not None:
            return RoomHead(ended[1], 0, 0, 0, b"", 0, ended[0])
        found = self._find(room)
        return found.head() if found is not None else None

    async def chain(self, room: bytes, start: int, most: int = ALL) -> tuple[Signed, ...]:
        return tuple(self._room(room).chain[start : start + most])

    async def unsettled(self, room: bytes) -> Unsettled | None:
        return self._room(room).unsettled(self._clock())

    async def vote(self, room: bytes, generation: bytes, key: bytes, vote: Vote) -> None:
        self._room(room).vote(generation, key, vote)

    async def settle_log(self, room: bytes, generation: bytes) -> None:
        self._room(room).settle_log(generation)

    async def end(self, room: bytes, statement: Signed, roster: bytes) -> None:
        found = self._room(room)
        found.expect_roster(roster)
        self._delete(room)
        generation, of, now = found.log.generation, found.budget.holding, self._clock()
        end = self._ended.add(room, statement, generation, now, of)
        self._due.forget(room)
        self._due.put(room, end)
        self._ring(room)

    # --- the log ----------------------------------------------------------------------------

    async def publish(self, publication: Publication) -> Taken:
        return self._take(publication)

    def publish_soon(self, publication: Publication, done: PublishDone) -> None:
        try:
            taken = self._take(publication)
        except Exception as error:
            done(publication, error)
            return
        done(publication, taken)

    def _take(self, publication: Publication) -> Taken:
        id, now = publication.room, self._clock()
        room = self._room(id)
        generation = room.log.generation
        known = room.records.find(now, publication.sender, publication.id)
        if known is not None:
            return Taken(generation, known)
        stored = room.publish(now, publication, self._bounds.rooms - len(self._rooms))
        self._due.put(id, room.due)
        if publication.step is not None:
            self._ring(id)
        elif id in self._watched and self._on_blob is not None:
            self._on_blob(id, generation, stored)
        return Taken(generation, stored.number)

    async def published(self, room: bytes, sender: bytes, id: bytes) -> Position | None:
        return self._room(room).published(self._clock(), sender, id)

    async def read(self, room: bytes, after: Position, most: int) -> Page:
        return self._room(room).read(self._clock(), after, most)

    # --- doors ------------------------------------------------------------------------------

    async def put_door(
        self, room: bytes, door: StoredDoor, roster: bytes, payer: Pays = None
    ) -> None:
        found = self._room(room)
        found.expect_roster(roster)
        found.doors.put(self._clock(), door)
        self._look(room, found)

    async def revoke_door(self, room: bytes, door: bytes, roster: bytes) -> None:
        found = self._room(room)
        found.expect_roster(roster)
        found.revoke_one(self._clock(), door)
        self._look(room, found)

    async def door(self, room: bytes, door: bytes) -> StoredDoor | None:
        return self._room(room).doors.find(self._clock(), door)

    # --- the lobby --------------------------------------------------------------------------

    async def knock(
        self, room: bytes, key: bytes, door: bytes, id: bytes, blob: bytes, payer: Pays = None
    ) -> None:
        found = self._room(room)
        found.knock(self._clock(), key, door, id, blob)
        self._look(room, found)

    async def waiting_among(self, room: bytes, keys: Iterable[bytes]) -> frozenset[bytes]:
        lobby = self._room(room).lobby
        return frozenset(key for key in keys if lobby.knock_of(key) is not None)

    async def at_door(self, room: bytes, door: bytes, key: bytes) -> AtDoor:
        head = await self.head(room)
        if head is None or head.ended is not None:
            return AtDoor(head)
        found = self._rooms[room]
        waits = found.lobby.knock_of(key) is not None
        return AtDoor(head, found.doors.find(self._clock(), door), waits)

    async def withdraw(self, room: bytes, key: bytes) -> None:
        found = self._room(room)
        found.lobby.settle_knock(self._clock(), key)
        self._look(room, found)

    async def add_item(
        self,
        room: bytes,
        kind: LobbyKind,
        key: bytes,
        id: bytes,
        blob: bytes,
        to: bytes = b"",
        payer: Pays = None,
    ) -> None:
        found = self._room(room)
        found.lobby.add(self._clock(), kind, key, id, blob, to)
        self._look(room, found)

    async def add_talk(
        self, room: bytes, newcomer: bytes, key: bytes, id: bytes, blob: bytes, payer: Pays = None
    ) -> None:
        found = self._room(room)
        found.lobby.add_talk(self._clock(), newcomer, key, id, blob)
        self._look(room, found)

    async def talk_to(self, room: bytes, newcomer: bytes) -> LobbyPage:
        return LobbyPage(self._room(room).lobby.talk_to(newcomer), self._clock())

    async def settle(
        self, room: bytes, id: bytes, reason: bytes | None = None, by: bytes = b""
    ) -> None:
        found = self._room(room)
        found.lobby.settle(self._clock(), id, reason, by)
        self._look(room, found)

    async def read_lobby(self, room: bytes, after: int, settled: bool) -> LobbyPage:
        return self._room(room).lobby.page(self._clock(), after, settled)

    async def take_refusal(self, room: bytes, key: bytes) -> tuple[bytes, bytes] | None:
        return self._room(room).lobby.take_refusal(self._clock(), key)

    # --- Welcomes and tickets ---------------------------------------------------------------

    async def welcome(self, room: bytes, key: bytes) -> PendingWelcome | None:
        return self._room(room).welcomes.find(self._clock(), key)

    async def welcomed(self, room: bytes, key: bytes, position: Position) -> None:
        self._room(room).welcomes.resumed(self._clock(), key, position)

    async def park(self, room: bytes, key: bytes, parking: Parking, payer: Pays = None) -> None:
        found = self._room(room)
        found.tickets.park(self._clock(), key, parking)
        self._look(room, found)

    async def parked(self, room: bytes, slot: bytes, token_hash: bytes) -> Parked | None:
        return self._room(room).tickets.find(self._clock(), slot, token_hash)

    async def fetched(self, room: bytes, slot: bytes) -> None:
        found = self._room(room)
        found.tickets.fetched(self._clock(), slot)
        self._look(room, found)

    async def unpark(self, room: bytes, key: bytes) -> None:
        self._room(room).tickets.drop(key)

    # --- time -------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        self._listener, self._on_blob = listener, listener.on_blob

    def watch(self, room: bytes) -> None:
        self._watched.add(room)

    def unwatch(self, room: bytes) -> None:
        self._watched.discard(room)

    async def expire(self, most: int) -> bool:
        now, left = self._clock(), _EXPIRED_AT_ONCE
        due = self._due.take(now, most)
        for room in due:
            left -= self._expire(room, now, left)
        for room in due:
            self._go_on(room, now)
        to_tell, self._to_tell = self._to_tell, set()
        for room in to_tell:
            self._ring(room)
        return self._due.any_due(now)

    # There is no other node, and this one knows its own connections.
    def connected(self, room: bytes, key: bytes, on_replaced: Callable[[], None]) -> None: ...

    def disconnected(self, room: bytes, key: bytes) -> None: ...

    def pass_on(self, room: bytes, sender: bytes, message: bytes) -> None: ...

    async def ready(self) -> bool:
        return True

    async def settled(self) -> None: ...

    async def close(self) -> None:
        self._rooms.clear()
        self._watched.clear()
        self._listener = self._on_blob = None

    def _find(self, room: bytes) -> MemoryRoom | None:
        """Return a room as it is now. Raises `Refusal` (`ended`)."""
        now = self._clock()
        found = self._rooms.get(room)
        if found is None:
            if self._ended.find(room, now) is not None:
                raise Refusal("ended")
            return None
        if found.due <= now:
            self._expire(room, now, _EXPIRED_BY_A_CALL)
            self._go_on(room, now)
            return self._rooms.get(room)
        return found

    def _room(self, room: bytes) -> MemoryRoom:
        found = self._find(room)
        if found is None:
            raise Refusal("unknown_room")
        return found

    def _expire(self, id: bytes, now: float, most: int) -> int:
        """Drop what is past its end in a room with at most `most` blobs, or the room itself if
        `most` is any. Return the count of these."""
        room = self._rooms.get(id)
        if room is None:
            self._ended.find(id, now)  # which forgets it when its time is over
            return 0
        if room.abandoned_at <= now:
            if most <= 0:
                return 0
            self._to_tell.add(id)
            held = room.budget.used // BLOB_OVERHEAD
            self._delete(id)
            return held
        dropped = room.log.expire(now, most)
        if room.expire(now):
            self._to_tell.add(id)
        return dropped

    def _go_on(self, id: bytes, now: float) -> None:
        """Queue a room for its next end. One with more due comes after those that wait longer."""
        room = self._rooms.get(id)
        if room is not None:
            self._due.put(id, max(room.due, now))

    def _delete(self, id: bytes) -> None:
        self._rooms.pop(id).budget.end()

    def _look(self, id: bytes, room: MemoryRoom) -> None:
        """Note a change to a room other than a blob: its next end and its lobby may be others."""
        room.look()
        self._due.put(id, room.due)
        if room.lobby.number > room.lobby_rung:
            self._ring(id)

    def _ring(self, id: bytes) -> None:
        """Tell the listener that a room changed, if it is watched: the last act of a step."""
        room = self._rooms.get(id)
        if room is not None:
            room.lobby_rung = room.lobby.number
        if id in self._watched and self._listener is not None:
            self._listener.on_ring(id)
