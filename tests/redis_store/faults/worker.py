"""A node that can be killed: a store, one reader a room, and members that publish all the time.

    python -m tests.redis_store.faults.worker URL REPLICAS NAME JOURNAL STOP RATE [--reseats]

Each line of the journal is one fact in JSON, written before anything else happens. A reader goes on
where the journal ends, as a client resumes after its node was killed. When the file STOP is there,
it says how it ended: nothing is published any more, and the readers come to the end of their rooms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed
from alcove_server.store.interface import Publication, SeatedRoom, Stale, StoredBlob, Taken
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse

ROOMS: Final = tuple(bytes([number]) * 32 for number in range(1, 4))
HEAD: Final = b"h" * 32
OPENING: Final = Signed(b"entry 0", bytes(64))
SHORT, LONG = 2, 600
"""Seconds that messages live. The short ones end while faults last."""
PAUSE: Final = 0.05


class Journal:
    """Facts, one a line, of this node and of those before it that were killed."""

    def __init__(self, path: Path) -> None:
        self.lines = [json.loads(line) for line in whole_lines(path)]
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        # A node that was killed may have left half a line.
        os.write(self._file, b"\n")

    def write(self, kind: str, **fact: object) -> None:
        os.write(self._file, json.dumps({"kind": kind, **fact}).encode() + b"\n")


def there(path: Path) -> bool:
    return path.exists()


def whole_lines(path: Path) -> list[bytes]:
    if not path.exists():
        return []
    return [line for line in path.read_bytes().split(b"\n") if line.endswith(b"}")]


class Reader:
    """One room as a client of this node sees it."""

    def __init__(self, store: RedisStore, journal: Journal, room: bytes, reseats: bool) -> None:
        self.room = room
        self.at: Position | None = None
        self.base = b""
        self._store = store
        self._journal = journal
        self._reseats = reseats
        self._rung = asyncio.Event()
        self._rung.set()
        for line in journal.lines:
            if line.get("room") == room.hex() and line["kind"] in ("told", "at"):
                self.at = Position(bytes.fromhex(line["generation"]), line["number"])

    def on_blob(self, generation: bytes, blob: StoredBlob) -> None:
        at = self.at
        if self._rung.is_set() or at is None or at != Position(generation, blob.number - 1):
            self._rung.set()
        else:
            self._tell(generation, blob, time.time())

    def ring(self) -> None:
        self._rung.set()

    def _tell(self, generation: bytes, blob: StoredBlob, now: float) -> None:
        self.at = Position(generation, blob.number)
        self._journal.write(
            "told",
            room=self.room.hex(),
            generation=generation.hex(),
            number=blob.number,
            id=blob.id.hex(),
            blob_class=int(blob.blob_class),
            base=blob.blob.hex(),
            late=now - blob.expires_at,
        )
        if blob.blob_class is BlobClass.COMMIT:
            self.base = self.at.encode()

    async def run(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                while not await self._page():
                    pass
            except Refusal as refusal:
                self._rung.set()
                if refusal.code == "unknown_room" and self._reseats:
                    await self._reseat()
                await asyncio.sleep(PAUSE)

    async def _page(self) -> bool:
        """Read on. Whether everything is read."""
        before = self.at
        page = await self._store.read(self.room, before or Position(bytes(8), 0), 2**18)
        generation = page.position.generation
        self.base = page.base.encode()
        if before is None or before.generation != generation:
            self.at = Position(generation, 0)
        if page.lost and before is not None:
            self._journal.write("gap", room=self.room.hex(), generation=generation.hex())
        for blob in page.blobs:
            assert self.at is not None
            if blob.number > self.at.number:  # else a push was quicker
                self._tell(generation, blob, page.now)
        assert self.at is not None
        if page.up_to >= self.at.number:
            self.at = Position(generation, page.up_to)
            self._journal.write(
                "at", room=self.room.hex(), generation=generation.hex(), number=page.up_to
            )
        return page.complete

    async def _reseat(self) -> None:
        room = SeatedRoom(self.room, (OPENING,), HEAD, os.urandom(8), b"", ())
        try:
            await self._store.reseat(room, None)
        except (Refusal, Exception) as error:  # another node was quicker, or nothing answers
            self._journal.write("not reseated", why=type(error).__name__)


class Member:
    """Publishes in one room. What had no answer goes again under its id until it has one."""

    def __init__(
        self,
        store: RedisStore,
        journal: Journal,
        reader: Reader,
        sender: bytes,
        ids: Iterator[bytes],
    ) -> None:
        self._store = store
        self._journal = journal
        self._reader = reader
        self._sender = sender
        self._ids = ids
        self._open: dict[bytes, tuple[BlobClass, int]] = {}
        self._again: list[bytes] = []

    def publish(self, blob_class: BlobClass, ttl: int) -> None:
        if len(self._open) > 500 or not self._reader.base:
            return
        id = next(self._ids)
        self._open[id] = blob_class, ttl
        self._send(id)

    def repeat(self) -> None:
        again, self._again = self._again, []
        for id in again:
            self._send(id)

    @property
    def waits(self) -> bool:
        return bool(self._open)

    def _send(self, id: bytes) -> None:
        blob_class, ttl = self._open[id]
        base = self._reader.base
        self._store.publish_soon(
            Publication(self._reader.room, self._sender, id, base, blob_class, ttl, base, HEAD),
            self._on_done,
        )

    def _on_done(self, publication: Publication, outcome: Taken | Exception) -> None:
        id = publication.id
        if isinstance(outcome, Taken):
            self._open.pop(id, None)
            self._journal.write(
                "taken",
                room=publication.room.hex(),
                generation=outcome.generation.hex(),
                number=outcome.number,
                id=id.hex(),
                application=publication.blob_class is BlobClass.APPLICATION,
            )
        elif isinstance(outcome, Stale) and publication.blob_class is BlobClass.COMMIT:
            self._open.pop(id, None)  # another commit won
            self._journal.write("stale", id=id.hex())
        elif isinstance(outcome, Stale | Refusal):
            self._again.append(id)
            self._reader.ring()
        else:
            raise outcome


class Node:
    """A `Listener` with its readers."""

    def __init__(self, readers: list[Reader]) -> None:
        self._readers = {reader.room: reader for reader in readers}

    def on_blob(self, room: bytes, generation: bytes, blob: StoredBlob) -> None:
        self._readers[room].on_blob(generation, blob)

    def on_passed(self, room: bytes, sender: bytes, message: bytes) -> None:
        """No reader has a private line."""

    def on_ring(self, room: bytes) -> None:
        self._readers[room].ring()

    def on_away(self, room: bytes) -> None:
        """Its clients would be closed. These readers wait."""


async def work(
    url: str, replicas: int, name: str, path: Path, stop: Path, rate: int, reseats: bool
) -> None:
    journal = Journal(path)
    store = RedisStore(parse(url), replicas=replicas)
    readers = [Reader(store, journal, room, reseats) for room in ROOMS]
    store.listen(Node(readers))
    ids = (os.urandom(8) + number.to_bytes(8, "big") for number in count())
    sender = name.encode().ljust(32, b".")
    members = [Member(store, journal, reader, sender, ids) for reader in readers]
    for reader in readers:
        store.watch(reader.room)
        while True:
            try:
                await store.open(reader.room, OPENING, HEAD, b"generatn")
                break
            except Refusal:
                await asyncio.sleep(PAUSE)
    running = [asyncio.create_task(reader.run()) for reader in readers]
    journal.write("start", name=name)
    choose = random.Random(name)  # a schedule, no secret
    each = 1 / rate
    due = time.monotonic()
    ticks = time.monotonic()
    while not there(stop) and not any(task.done() for task in running):
        for member in members:
            member.repeat()
        while due < time.monotonic():
            due = max(due + each, time.monotonic() - 0.5)
            what = choose.random()
            member = choose.choice(members)
            if what < 0.03:
                member.publish(BlobClass.COMMIT, 0)
            elif what < 0.06:
                member.publish(BlobClass.BEAT, 90)
            else:
                member.publish(BlobClass.APPLICATION, SHORT if what < 0.3 else LONG)
        if time.monotonic() - ticks > 1:
            ticks = time.monotonic()
            await store.expire(10)
        await asyncio.sleep(0.005)
    await end(store, readers, members, running)
    journal.write("end", name=name)
    await store.close()


async def end(
    store: RedisStore,
    readers: list[Reader],
    members: list[Member],
    running: list[asyncio.Task[None]],
) -> None:
    """Wait until each publication has its answer, and each reader is where its room is."""
    while any(member.waits for member in members):
        for member in members:
            member.repeat()
        await asyncio.sleep(PAUSE)
    for reader in readers:
        while True:
            assert not any(task.done() for task in running)
            try:
                head = await store.head(reader.room)
            except Refusal:
                head = None
            if head is not None and reader.at == Position(head.generation, head.number):
                break
            reader.ring()
            await asyncio.sleep(PAUSE)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("replicas", type=int)
    parser.add_argument("name")
    parser.add_argument("journal", type=Path)
    parser.add_argument("stop", type=Path)
    parser.add_argument("rate", type=int, help="publications a second")
    parser.add_argument("--reseats", action="store_true")
    given = parser.parse_args()
    asyncio.run(
        work(
            given.url,
            given.replicas,
            given.name,
            given.journal,
            given.stop,
            given.rate,
            given.reseats,
        )
    )


if __name__ == "__main__":
    main()
