"""The Redis store: every room lies under one tag on one server, and one script is one step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from hashlib import sha256
from time import monotonic
from typing import Any, Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import COMMITS, BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.budget import MEMBERS_PART, RECORD_OVERHEAD, StoreBounds, room_share
from alcove_server.store.interface import (
    AtDoor,
    Listener,
    LobbyPage,
    Page,
    PendingWelcome,
    Publication,
    PublishDone,
    RoomHead,
    SeatedRoom,
    Stale,
    StoredDoor,
    Taken,
    blob_size,
    is_too_large,
    lifetime,
)
from alcove_server.store.redis import records
from alcove_server.store.redis.gate import Reply
from alcove_server.store.redis.line import Line
from alcove_server.store.redis.looks import SELDOM, Looks
from alcove_server.store.redis.refusals import failure_of
from alcove_server.store.redis.scripts import DIGESTS
from alcove_server.store.redis.told import Told
from alcove_server.store_address import Address

log = logging.getLogger(__name__)

_BLOB: Final = b"b"


class RedisStore:
    """A `Store` on one Redis server. `clock` is for tests: without it the server's time counts."""

    def __init__(
        self,
        address: Address,
        bounds: StoreBounds | None = None,
        replicas: int = 0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._line = Line(address, replicas, self._on_push, self._on_back, self._to_hold)
        self._bounds = bounds if bounds is not None else StoreBounds()
        self._clock = clock
        self._watched: dict[bytes, bytes] = {}  # channel: room
        self._alive: set[bytes] = set()  # watched rooms that were there at the last look
        self._looks = Looks()
        self._told = Told()
        self._now = clock if clock is not None else monotonic
        self._listener: Listener | None = None
        self._prefixes = {
            name: b"$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n1\r\n" % digest
            for name, digest in DIGESTS.items()
        }

    # --- the line ---------------------------------------------------------------------------

    def _on_push(self, channel: bytes, message: bytes) -> None:
        room, listener = self._watched.get(channel), self._listener
        if room is None or listener is None:
            return
        if message[:1] == _BLOB:
            generation, blob = message[1:9], records.blob_of(message[9:])
            self._told.note(channel, generation, blob.number, self._line.reign)
            listener.on_blob(room, generation, blob)
        else:
            listener.on_ring(room)

    def _on_back(self) -> None:
        """Pushes were missed: every watched room may have changed."""
        for told in self._told.under_another(self._line.reign):
            self._compare(*told)
        if self._listener is not None:
            for room in list(self._watched.values()):
                self._listener.on_ring(room)

    def _compare(self, channel: bytes, generation: bytes, number: int, reign: bytes) -> None:
        """Have the server forget a room that lacks what was told under another reign."""
        here = self._line.reign
        room = self._watched[channel]

        def on_reply(reply: Reply) -> None:
            if reply == b"lost":
                log.warning("a room was forgotten: the primary lacks what its members were told")
            if failure_of(reply) is None:
                self._told.compared(channel, generation, number, here)

        told = (reign, generation, b"%d" % number)
        self._line.send(self._command("fence", room, here, *told), on_reply)

    def _to_hold(self) -> list[bytes]:
        return [self._command("hold", room) for room in self._watched.values()]

    @property
    def _most(self) -> bytes:
        """The bytes that a room may take now: `Budget` with the memory of the server."""
        return self._most_of(1)

    def _most_of(self, part: float) -> bytes:
        """The bytes that a room may take with what may use no more than this part of all."""
        most, health, bounds = self._bounds.room_bytes, self._line.health, self._bounds
        if health is not None:
            left = bounds.store_bytes - health.used
            most = room_share(most, left)
            if health.used >= bounds.store_bytes * part:
                most = 0
        return b"%d" % int(most * part)

    def _command(self, script: str, room: bytes, *arguments: bytes) -> bytes:
        now = b"" if self._clock is None else repr(self._clock()).encode()
        words = (records.tag_of(room) + records.META, now, *arguments)
        return b"".join(
            [
                b"*%d\r\n" % (3 + len(words)),
                self._prefixes[script],
                *[b"$%d\r\n%b\r\n" % (len(word), word) for word in words],
            ]
        )

    async def _run(self, script: str, room: bytes, *arguments: bytes) -> Any:  # what it returns
        answered = asyncio.get_running_loop().create_future()

        def on_reply(reply: Reply) -> None:
            if not answered.done():
                answered.set_result(reply)

        self._line.send(self._command(script, room, *arguments), on_reply)
        reply = await answered
        failure = failure_of(reply)
        if failure is not None:
            raise failure
        return reply

    # --- rooms ------------------------------------------------------------------------------

    async def open(self, room: bytes, entry: Signed, head: bytes, generation: bytes) -> None:
        await self._run("open", room, generation, head, entry.encode(), self._most)

    async def head(self, room: bytes) -> RoomHead | None:
        self._enter()
        kind, *rest = await self._run("head", room)
        return _head(kind, rest)

    def _enter(self) -> None:
        """Refuse without a question while replicas confirm nothing: no answer could be told."""
        if self._line.is_short:
            raise Refusal("unavailable")

    async def chain(self, room: bytes, start: int) -> tuple[Signed, ...]:
        entries = await self._run("chain", room, b"%d" % start)
        return tuple(Signed.decode(entry) for entry in entries)

    async def end(self, room: bytes, statement: Signed, roster: bytes) -> None:
        await self._run("end", room, statement.encode(), roster)

    async def reseat(self, seated: SeatedRoom, expected: bytes | None) -> None:
        doors = [
            {"id": door.id, "text": door.card, **records.door_arguments(door)}
            for door in seated.doors
        ]
        commit, entry = seated.commit, seated.entry
        tail = records.tail_of(BlobClass.COMMIT, bytes(16), b"", commit, entry) if commit else b""
        await self._run(
            "reseat",
            seated.room,
            expected or b"",
            seated.generation,
            seated.head,
            b"%d" % (len(seated.chain) - 1),
            records.packed([entry.encode() for entry in seated.chain]),
            records.packed(doors),
            tail,
            sha256(commit).digest(),
            b"%d" % (blob_size(commit, entry) if commit else 0),
            self._most,
        )

    # --- the log ----------------------------------------------------------------------------

    async def publish(self, publication: Publication) -> Taken:
        answered = asyncio.get_running_loop().create_future()

        def done(_: Publication, outcome: Taken | Exception) -> None:
            if not answered.done():
                answered.set_result(outcome)

        self.publish_soon(publication, done)
        outcome = await answered
        if isinstance(outcome, Exception):
            raise outcome
        taken: Taken = outcome
        return taken

    def publish_soon(self, publication: Publication, done: PublishDone) -> None:
        blob_class, blob, step = publication.blob_class, publication.blob, publication.step
        commit = blob_class in COMMITS
        life = lifetime(blob_class, publication.ttl)
        entry = step.entry if step is not None else None
        size = blob_size(blob, entry) + RECORD_OVERHEAD
        command = self._command(
            "publish" if step is None else "publish_step",
            publication.room,
            records.head_of(publication, life, life + limits.PUBLISH_RECORD, self._line.reign),
            records.tail_of(blob_class, publication.id, publication.sender, blob, entry),
            self._most_of(MEMBERS_PART if blob_class is BlobClass.APPLICATION else 1),
            b"" if is_too_large(blob_class, blob) else b"%d" % size,
            sha256(blob).digest() if commit else b"",
            records.step_of(step) if step is not None else b"",
        )

        def on_reply(reply: Reply) -> None:
            if isinstance(reply, bytes):
                done(publication, Taken(reply[:8], int.from_bytes(reply[8:], "big")))
            elif isinstance(reply, list):
                done(publication, Stale(Position.decode(reply[1])))
            else:
                done(publication, failure_of(reply) or Refusal("unavailable"))

        self._line.send(command, on_reply)

    async def published(self, room: bytes, sender: bytes, id: bytes) -> Position | None:
        found = await self._run("published", room, sender, id)
        return Position.decode(found) if found else None

    async def read(self, room: bytes, after: Position, most: int) -> Page:
        reply = await self._run("read", room, after.encode(), b"%d" % most)
        page, reign = records.page_of(reply)
        channel = records.tag_of(room)
        if channel in self._watched:
            self._told.note(channel, page.position.generation, page.up_to, reign)
        return page

    # --- doors ------------------------------------------------------------------------------

    async def put_door(self, room: bytes, door: StoredDoor, roster: bytes) -> None:
        given = records.packed(records.door_arguments(door))
        await self._run("put_door", room, door.id, given, door.card, roster, self._most)

    async def revoke_door(self, room: bytes, door: bytes, roster: bytes) -> None:
        await self._run("revoke_door", room, door, roster)

    async def door(self, room: bytes, door: bytes) -> StoredDoor | None:
        found = await self._run("door", room, door)
        return records.door_of(door, *found) if found else None

    # --- the lobby --------------------------------------------------------------------------

    async def knock(self, room: bytes, key: bytes, door: bytes, id: bytes, blob: bytes) -> None:
        await self._run("knock", room, key, door, id, blob, self._most_of(MEMBERS_PART))

    async def waiting_among(self, room: bytes, keys: Iterable[bytes]) -> frozenset[bytes]:
        return frozenset(await self._run("waiting", room, *keys))

    async def at_door(self, room: bytes, door: bytes, key: bytes) -> AtDoor:
        self._enter()
        kind, *rest = await self._run("at_door", room, door, key)
        head = _head(kind, rest)
        if head is None or head.ended is not None:
            return AtDoor(head)
        found, card, waiting = rest[1:]
        return AtDoor(head, records.door_of(door, found, card) if found else None, bool(waiting))

    async def withdraw(self, room: bytes, key: bytes) -> None:
        await self._run("withdraw", room, key)

    async def add_item(
        self, room: bytes, kind: LobbyKind, key: bytes, id: bytes, blob: bytes
    ) -> None:
        most = self._most_of(1 if kind is LobbyKind.LEAVE else MEMBERS_PART)
        await self._run("add_item", room, b"%d" % kind, key, id, blob, most)

    async def settle(self, room: bytes, id: bytes, reason: bytes | None = None) -> None:
        await self._run("settle", room, id, b"0" if reason is None else b"1", reason or b"")

    async def read_lobby(self, room: bytes, after: int, settled: bool) -> LobbyPage:
        now, *found = await self._run("lobby_page", room, b"%d" % after, b"%d" % settled)
        items = map(records.item_of, found[::2], found[1::2])
        return LobbyPage(tuple(items), records.time_of(now))

    async def take_refusal(self, room: bytes, key: bytes) -> tuple[bytes, bytes] | None:
        found = await self._run("take_refusal", room, key)
        return (found[:16], found[16:]) if found else None

    # --- Welcomes ---------------------------------------------------------------------------

    async def welcome(self, room: bytes, key: bytes) -> PendingWelcome | None:
        found = await self._run("welcome", room, key)
        if not found:
            return None
        at, welcome, entry = found
        return PendingWelcome(Position.decode(at), welcome, Signed.decode(entry))

    async def welcomed(self, room: bytes, key: bytes, position: Position) -> None:
        await self._run("welcomed", room, key, position.encode())

    # --- time -------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    def watch(self, room: bytes) -> None:
        channel = records.tag_of(room)
        self._watched[channel] = room
        self._alive.add(room)
        self._looks.at(room, self._now())
        self._line.watch(channel)

    def unwatch(self, room: bytes) -> None:
        channel = records.tag_of(room)
        self._watched.pop(channel, None)
        self._alive.discard(room)
        self._looks.forget(room)
        self._told.forget(channel)
        self._line.unwatch(channel)

    async def expire(self, most: int) -> bool:
        looked = self._looks.take(self._now(), most)
        if looked:
            await asyncio.gather(*map(self._look, looked))
        return False  # data ends by itself; the next call looks at further rooms

    async def _look(self, room: bytes) -> None:
        """See whether a watched room is still there, and when to look again."""
        there, seconds = True, SELDOM
        try:
            found, next_end = await self._run("look", room)
            there = bool(found)
            if there:
                seconds = min(SELDOM, max(0.0, float(next_end)))
        except Refusal:
            seconds = 1.0
        if records.tag_of(room) not in self._watched:
            return
        self._looks.at(room, self._now() + seconds)
        if there:
            self._alive.add(room)
        elif room in self._alive:
            self._alive.discard(room)
            if self._listener is not None:
                self._listener.on_ring(room)

    async def ready(self) -> bool:
        try:
            await self._run("head", bytes(32))
        except Refusal:
            return False
        return self._line.is_safe

    async def close(self) -> None:
        await self._line.close()
        self._watched.clear()
        self._listener = None


def _head(kind: bytes, rest: list[bytes]) -> RoomHead | None:
    if kind == b"none":
        return None
    if kind == b"ended":
        return RoomHead(b"", 0, 0, 0, b"", 0, Signed.decode(rest[0]))
    return records.room_head(rest[0])
