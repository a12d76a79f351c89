"""A store on the test's clock, with short names for the acts of tests."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed
from alcove_server.store.budget import StoreBounds
from alcove_server.store.interface import (
    Publication,
    RoomHead,
    RosterStep,
    Store,
    StoredBlob,
    StoredDoor,
    StoredItem,
    Taken,
)
from alcove_server.testing.embedded import ManualClock

T = TypeVar("T")

FIELDS = ("room", "sender", "id", "base", "blob_class", "ttl", "blob", "roster", "step")

ROOM, OTHER = b"R" * 32, b"O" * 32
HEAD, NEXT = b"h" * 32, b"n" * 32
HOST, ANN, BEN = b"H" * 32, b"A" * 32, b"B" * 32
GENERATION = b"generatn"
OPENING = Signed(b"entry 0", bytes(64))
START = Position(GENERATION, 0)


def but(publication: Publication, **changes: Any) -> Publication:
    """Return the same publication with some fields changed."""
    same = {name: getattr(publication, name) for name in FIELDS}
    return Publication(**{**same, **changes})


AWAY = "away"


class Recorder:
    """A listener that records what it hears."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.blobs: list[StoredBlob] = []
        self.outcomes: list[Taken | Exception] = []

    def on_blob(self, room: bytes, generation: bytes, blob: StoredBlob) -> None:
        self.told.append((room, generation, blob.id))
        self.blobs.append(blob)

    def on_passed(self, room: bytes, sender: bytes, message: bytes) -> None:
        self.told.append((room, sender, message))

    def on_ring(self, room: bytes) -> None:
        self.told.append(room)

    def on_away(self, room: bytes) -> None:
        self.told.append(AWAY)

    def on_done(self, publication: Publication, outcome: Taken | Exception) -> None:
        self.told.append(publication.id)
        self.outcomes.append(outcome)


class Bench:
    """A store, its clock, and short names for the acts of tests."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self.listener = Recorder()
        store.listen(self.listener)
        self._loop = asyncio.new_event_loop()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self.do(self.store.close())
        self._loop.close()

    def refusal(self, work: Coroutine[Any, Any, object]) -> str:
        with pytest.raises(Refusal) as refusal:
            self.do(work)
        return refusal.value.code

    def open(self, room: bytes = ROOM) -> None:
        self.do(self.store.open(room, OPENING, HEAD, GENERATION))

    def publication(
        self,
        blob: bytes = b"blob",
        blob_class: BlobClass = BlobClass.APPLICATION,
        *,
        sender: bytes = ANN,
        id: bytes | None = None,
        base: int = 0,
        ttl: int = 60,
        roster: bytes = HEAD,
        step: RosterStep | None = None,
    ) -> Publication:
        id = os.urandom(16) if id is None else id
        at = Position(GENERATION, base).encode()
        return Publication(ROOM, sender, id, at, blob_class, ttl, blob, roster, step)

    def publish(self, publication: Publication) -> int:
        position = self.do(self.store.publish(publication)).position
        assert position.generation == GENERATION
        return position.number

    def soon(self, *publications: Publication) -> None:
        """Publish these in one turn, and wait until all are answered."""

        async def publish() -> None:
            answered = asyncio.Queue[None]()

            def on_done(publication: Publication, outcome: Taken | Exception) -> None:
                self.listener.on_done(publication, outcome)
                answered.put_nowait(None)

            for one in publications:
                self.store.publish_soon(one, on_done)
            for _ in publications:
                await answered.get()
            assert answered.empty()

        self.do(publish())

    def told(self) -> list[object]:
        """What the listener heard since the last call: rooms that rang, blobs by room, generation
        and id, and the ids of publications that were answered."""
        told, self.listener.told = self.listener.told, []
        return told

    def outcomes(self) -> list[Taken | Exception]:
        """What became of publications that were answered since the last call."""
        outcomes, self.listener.outcomes = self.listener.outcomes, []
        return outcomes

    def at(self, number: int) -> Position:
        return Position(GENERATION, number)

    def beat(self, base: int = 0, roster: bytes = HEAD) -> int:
        return self.publish(
            self.publication(b"beat", BlobClass.BEAT, sender=HOST, base=base, roster=roster, ttl=90)
        )

    def door(self, id: bytes = b"door-one", uses: int = 2, ttl: float = 1000.0) -> StoredDoor:
        return StoredDoor(id, b"K" * 32, uses, ttl, 1, b"card")

    def put(self, door: StoredDoor) -> None:
        self.do(self.store.put_door(ROOM, door, HEAD))

    def found(self, id: bytes = b"door-one") -> StoredDoor | None:
        return self.do(self.store.door(ROOM, id))

    def knock(self, key: bytes = BEN, door: bytes = b"door-one", id: bytes = b"k" * 16) -> None:
        self.do(self.store.knock(ROOM, key, door, id, b"knock"))

    def waits(self, key: bytes) -> bool:
        return key in self.do(self.store.waiting_among(ROOM, [key]))

    def lobby(self, after: int = 0) -> list[tuple[int, LobbyKind, bytes]]:
        items: list[StoredItem] = []
        more, settled = True, after > 0
        while more:
            page = self.do(self.store.read_lobby(ROOM, after, settled))
            items += page.items
            more, after = page.more, page.items[-1].number if page.items else after
        return [(item.number, item.kind, item.id) for item in items]

    def read(self, after: int = 0, most: int = 2**30) -> list[int]:
        page = self.do(self.store.read(ROOM, Position(GENERATION, after), most))
        return [blob.number for blob in page.blobs]

    def head(self, room: bytes = ROOM) -> RoomHead:
        head = self.do(self.store.head(room))
        assert head is not None
        return head


def step(
    counter: int = 1,
    head: bytes = NEXT,
    *,
    admitted: dict[bytes, bytes] | None = None,
    revoked: frozenset[bytes] = frozenset(),
    gone: frozenset[bytes] = frozenset(),
    welcomes: dict[bytes, bytes] | None = None,
    replacing: frozenset[bytes] = frozenset(),
) -> RosterStep:
    settled = gone | frozenset(admitted or {})
    entry = Signed(b"entry %d" % counter, bytes(64))
    return RosterStep(
        entry, counter, head, admitted or {}, revoked, settled, gone, welcomes or {}, replacing
    )


class Benched:
    """Tests of a store. A subclass gives the store by the fixture `make`, with the bounds that a
    test asks for; `small` are such bounds."""

    small = StoreBounds(rooms=2, room_bytes=limits.MIB, store_bytes=3 * limits.MIB // 2)

    @pytest.fixture
    def bench(self, make: Callable[[StoreBounds | None], Bench]) -> Bench:
        return make(None)

    def keep_alive(self, bench: Bench, seconds: float) -> None:
        """Let time pass in a room that a facilitator holds."""
        while seconds > 0:
            step = min(seconds, 600)
            bench.clock.advance(step)
            seconds -= step
            bench.beat()
