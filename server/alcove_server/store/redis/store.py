"""The Redis store: every room lies under one tag on one server, and one script is one step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import COMMITS, BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.store.budget import (
    ITEM_OVERHEAD,
    LOBBY_PAGE,
    MEMBERS_PART,
    RECORD_OVERHEAD,
    Holding,
    Lease,
    Pays,
    StoreBounds,
)
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
    Stale,
    StoredDoor,
    Taken,
    Unsettled,
    Vote,
    blob_size,
    is_too_large,
    lifetime,
)
from alcove_server.store.redis import records
from alcove_server.store.redis.gate import Reply
from alcove_server.store.redis.lent import (
    brought,
    give_back,
    holding_of,
    lent,
    opened,
    part_of,
)
from alcove_server.store.redis.refusals import failure_of
from alcove_server.store.redis.watching import Watching
from alcove_server.store_address import Address


class RedisStore:
    """A `Store` on Redis. `clock` is for tests: without it the server's time counts."""

    shared = True

    def __init__(
        self,
        address: Address,
        bounds: StoreBounds | None = None,
        replicas: int = 0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        bounds = bounds if bounds is not None else StoreBounds()
        self._watching = Watching(address, replicas, bounds, clock)
        self._calls = calls = self._watching.calls
        self._run, self._most, self._enter = calls.run, calls.most, calls.enter
        self.watch, self.unwatch = self._watching.watch, self._watching.unwatch
        self.expire, self.close = self._watching.expire, self._watching.close
        self.ready, self.settled = calls.ready, calls.settled

    # --- rooms ------------------------------------------------------------------------------

    async def open(
        self,
        room: bytes,
        entry: Signed,
        head: bytes,
        generation: bytes,
        holding: Holding | None = None,
    ) -> None:
        lease = self._calls.lease(room, holding, 1, opened(len(entry.body)))
        most = self._most(room) if lease is None or lease.fits else b"0"
        with lent(lease):
            await self._run("open", room, generation, head, entry.encode(), most)

    async def head(self, room: bytes) -> RoomHead | None:
        self._enter(room)
        kind, *rest = await self._run("head", room)
        return _head(kind, rest)

    async def chain(self, room: bytes, start: int, most: int = ALL) -> tuple[Signed, ...]:
        entries = await self._run("chain", room, b"%d" % start, b"%d" % (start + most - 1))
        return tuple(Signed.decode(entry) for entry in entries)

    async def end(self, room: bytes, statement: Signed, roster: bytes) -> None:
        await self._run("end", room, statement.encode(), roster)
        await self._sweep(room)

    async def _sweep(self, room: bytes) -> None:
        """Delete what is left of a log that is over, in many short scripts."""
        while await self._run("sweep", room):
            pass

    async def reseat(
        self, seated: SeatedRoom, expected: bytes | None, over: Signed | None = None
    ) -> None:
        doors = [
            {"id": door.id, "text": door.card, **records.door_arguments(door)}
            for door in seated.doors
        ]
        commits = [
            {
                "tail": records.tail_of(BlobClass.COMMIT, bytes(16), b"", one.blob, one.entry),
                "hash": sha256(one.blob).digest(),
                "size": blob_size(one.blob, one.entry),
            }
            for one in seated.commits
        ]
        size = sum([blob_size(one.blob, one.entry) for one in seated.commits])
        lease = self._calls.lease(seated.room, seated.holding, 1, brought(seated, size))
        with lent(lease):
            await self._run(
                "reseat",
                seated.room,
                expected or b"",
                seated.generation,
                seated.head,
                b"%d" % (len(seated.chain) - 1),
                records.packed([entry.encode() for entry in seated.chain]),
                records.packed(doors),
                records.packed(commits),
                self._most(seated.room, lease=lease),
                over.encode() if over is not None else b"",
            )
        await self._sweep(seated.room)

    async def unsettled(self, room: bytes) -> Unsettled | None:
        return records.unsettled_of(await self._run("unsettled", room))

    async def vote(self, room: bytes, generation: bytes, key: bytes, vote: Vote) -> None:
        note = b"HSET" if vote.void else b"HSETNX"
        await self._run("vote", room, generation, key, records.of_vote(vote), note)

    async def settle_log(self, room: bytes, generation: bytes) -> None:
        await self._run("settle_log", room, generation)

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
        channel = self._watching.channel_of(publication.room)
        lease = self._calls.lease_of(channel, publication)

        def on_reply(reply: Reply) -> None:
            if isinstance(reply, bytes):
                if publication.payer is not None:
                    publication.payer.remembered += 1
                done(publication, Taken(reply[:8], int.from_bytes(reply[8:], "big")))
                return
            if isinstance(reply, list):
                failure: Exception = Stale(Position.decode(reply[1]))
            else:
                failure = failure_of(reply) or Refusal("unavailable")
            give_back(lease, failure)
            done(publication, failure)

        publish = partial(self._publish, channel, publication, lease)
        self._calls.lines.send(channel, publish, on_reply)

    def _publish(self, channel: bytes, publication: Publication, lease: Lease | None) -> bytes:
        """The command that publishes. It names the reign of the server to which it is sent."""
        calls, step = self._calls, publication.step
        blob_class, blob = publication.blob_class, publication.blob
        entry = step.entry if step is not None else None
        size = blob_size(blob, entry) + RECORD_OVERHEAD
        most = calls.most_at(channel, part_of(blob_class), lease)
        head = records.head_of(
            publication,
            lifetime(blob_class, publication.ttl),
            calls.reign(channel),
            most,
            0 if is_too_large(blob_class, blob) else size,
        )
        tail = records.tail_of(blob_class, publication.id, publication.sender, blob, entry)
        if step is not None:
            done = sha256(blob).digest(), records.step_of(step)
            return calls.command(channel, "publish_step", head, tail, *done)
        if blob_class in COMMITS:
            return calls.command(channel, "publish", head, tail, sha256(blob).digest())
        return calls.command(channel, "publish", head, tail)

    async def published(self, room: bytes, sender: bytes, id: bytes) -> Position | None:
        found = await self._run("published", room, sender, id)
        return Position.decode(found) if found else None

    async def read(self, room: bytes, after: Position, most: int) -> Page:
        reply = await self._run("read", room, after.encode(), b"%d" % most)
        page, reign = records.page_of(reply)
        self._watching.note(records.tag_of(room), page.position.generation, page.up_to, reign)
        return page

    # --- doors ------------------------------------------------------------------------------

    async def put_door(
        self, room: bytes, door: StoredDoor, roster: bytes, payer: Pays = None
    ) -> None:
        given = records.packed(records.door_arguments(door))
        size = len(door.card) + ITEM_OVERHEAD
        lease = self._calls.lease(room, holding_of(payer), 1, [(size, door.expires_at)])
        with lent(lease):
            most = self._most(room, lease=lease)
            await self._run("put_door", room, door.id, given, door.card, roster, most)

    async def revoke_door(self, room: bytes, door: bytes, roster: bytes) -> None:
        await self._run("revoke_door", room, door, roster)

    async def door(self, room: bytes, door: bytes) -> StoredDoor | None:
        found = await self._run("door", room, door)
        return records.door_of(door, *found) if found else None

    # --- the lobby --------------------------------------------------------------------------

    async def knock(
        self, room: bytes, key: bytes, door: bytes, id: bytes, blob: bytes, payer: Pays = None
    ) -> None:
        given = [(len(blob) + ITEM_OVERHEAD, float(limits.KNOCK_TTL))]
        lease = self._calls.lease(room, holding_of(payer), MEMBERS_PART, given)
        with lent(lease):
            most = self._most(room, MEMBERS_PART, lease)
            await self._run("knock", room, key, door, id, blob, most)

    async def waiting_among(self, room: bytes, keys: Iterable[bytes]) -> frozenset[bytes]:
        return frozenset(await self._run("waiting", room, *keys))

    async def at_door(self, room: bytes, door: bytes, key: bytes) -> AtDoor:
        self._enter(room)
        kind, *rest = await self._run("at_door", room, door, key)
        head = _head(kind, rest)
        if head is None or head.ended is not None:
            return AtDoor(head)
        found, card, waiting = rest[1:]
        return AtDoor(head, records.door_of(door, found, card) if found else None, bool(waiting))

    async def withdraw(self, room: bytes, key: bytes) -> None:
        await self._run("withdraw", room, key)

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
        part = 1 if kind is LobbyKind.LEAVE else MEMBERS_PART
        given = [(len(blob) + ITEM_OVERHEAD, float(limits.REJOIN_WINDOW))]
        lease = self._calls.lease(room, holding_of(payer), part, given)
        with lent(lease):
            most = self._most(room, part, lease)
            await self._run("add_item", room, b"%d" % kind, key, id, blob, most, to)

    async def add_talk(
        self, room: bytes, newcomer: bytes, key: bytes, id: bytes, blob: bytes, payer: Pays = None
    ) -> None:
        given = [(len(blob) + ITEM_OVERHEAD, float(limits.REJOIN_WINDOW))]
        lease = self._calls.lease(room, holding_of(payer), MEMBERS_PART, given)
        with lent(lease):
            most = self._most(room, MEMBERS_PART, lease)
            await self._run("add_talk", room, newcomer, key, id, blob, most)

    async def talk_to(self, room: bytes, newcomer: bytes) -> LobbyPage:
        now, *found = await self._run("talk_to", room, newcomer)
        items = map(records.item_of, found[::2], found[1::2])
        return LobbyPage(tuple(items), records.time_of(now))

    async def settle(
        self, room: bytes, id: bytes, reason: bytes | None = None, by: bytes = b""
    ) -> None:
        given = b"0" if reason is None else b"1"
        await self._run("settle", room, id, given, reason or b"", by)

    async def read_lobby(self, room: bytes, after: int, settled: bool) -> LobbyPage:
        most = b"%d" % LOBBY_PAGE
        now, more, *found = await self._run(
            "lobby_page", room, b"%d" % after, b"%d" % settled, most
        )
        items = map(records.item_of, found[::2], found[1::2])
        return LobbyPage(tuple(items), records.time_of(now), more == b"1")

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

    # --- tickets ----------------------------------------------------------------------------

    async def park(self, room: bytes, key: bytes, parking: Parking, payer: Pays = None) -> None:
        given = [(len(parking.blob) + ITEM_OVERHEAD, float(limits.TICKET))]
        lease = self._calls.lease(room, holding_of(payer), MEMBERS_PART, given)
        with lent(lease):
            most = self._most(room, MEMBERS_PART, lease)
            slot, token, blob = parking.slot, parking.token_hash, parking.blob
            await self._run("park", room, key, slot, token, blob, most)

    async def parked(self, room: bytes, slot: bytes, token_hash: bytes) -> Parked | None:
        found = await self._run("parked", room, slot, token_hash)
        return Parked(*found) if found else None

    async def fetched(self, room: bytes, slot: bytes) -> None:
        await self._run("fetched", room, slot)

    async def unpark(self, room: bytes, key: bytes) -> None:
        await self._run("unpark", room, key)

    # --- time -------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        self._watching.listener = listener

    def connected(self, room: bytes, key: bytes, on_replaced: Callable[[], None]) -> None:
        self._watching.connections.connected(records.tag_of(room), key, on_replaced)

    def disconnected(self, room: bytes, key: bytes) -> None:
        self._watching.connections.disconnected(records.tag_of(room), key)

    def pass_on(self, room: bytes, sender: bytes, message: bytes) -> None:
        self._watching.pass_on(room, sender, message)


def _head(kind: bytes, rest: list[bytes]) -> RoomHead | None:
    if kind == b"none":
        return None
    if kind == b"ended":
        return RoomHead(rest[1], 0, 0, 0, b"", 0, Signed.decode(rest[0]))
    return records.room_head(rest[0])
