"""What ended is nowhere: on no primary, on no replica, in no file and in no log of a server.

Each kind of content has a canary of its own. Each search is shown to find it where it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.statements import Signed
from alcove_server.store.interface import Parking, StoredDoor
from alcove_server.store.redis import wire
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse
from alcove_server.testing.embedded import ManualClock

from tests.redis_store.faults.kinds import follow
from tests.redis_store.groups import Standalone, WithSentinel
from tests.redis_store.node import Node, id_of, publication
from tests.redis_store.searching import backlog, files, keys_and_values, places_of, slow_log
from tests.redis_store.server import RedisServer, until
from tests.server.store.bench import (
    ANN,
    BEN,
    GENERATION,
    HEAD,
    HOST,
    NEXT,
    OPENING,
    ROOM,
    but,
    step,
)

DOOR, CLOSING = b"canary-door-id-1", b"canary-door-id-2"


def canary(name: str, size: int = 0) -> bytes:
    return b"canary-%b-" % name.encode() + b"." * max(0, size - 8 - len(name))


SHORT, LONG, COMMIT = canary("short-blob"), canary("long-blob"), canary("commit")
KNOCK, REQUEST, LEAVE = canary("knock"), canary("request"), canary("leave")
VAULT, LATER, TALK = canary("vault"), canary("later"), canary("talk")
REASON, WELCOME, CARD = canary("reason"), canary("welcome"), canary("card")
PARKED = canary("parked")
EXPIRED_CARD, ENTRY, KEY = canary("card-of-an-hour"), canary("entry"), canary("newcomer", 32)
ENDING: Final = (
    *(PARKED, VAULT, SHORT, LONG, COMMIT, KNOCK, TALK, REQUEST, REASON, WELCOME, EXPIRED_CARD, KEY),
)
"""What ends in its time, while the room goes on."""
STAYING: Final = (LEAVE, CARD, ENTRY)
"""What ends with the room."""


class Furnished:
    """A room with everything in it, at one node whose clock is the test's."""

    def __init__(self, url: str, replicas: int) -> None:
        self.clock = ManualClock()
        self.node = Node(url)
        self.node.store = self.store = RedisStore(parse(url), None, replicas, self.clock)
        self.store.watch(ROOM)
        self.roster = HEAD
        self.base = 0

    async def furnish(self) -> None:
        store = self.store
        await self.node.open()
        for id, life, card in ((DOOR, 1e6, CARD), (CLOSING, 3600.0, EXPIRED_CARD)):
            await store.put_door(ROOM, StoredDoor(id, b"k" * 32, 9, life, 1, card), HEAD)
        await store.knock(ROOM, b"1" * 32, DOOR, id_of(1), KNOCK)
        await store.settle(ROOM, id_of(1), REASON)
        await store.knock(ROOM, KEY, DOOR, id_of(2), KNOCK)
        await store.add_talk(ROOM, KEY, HOST, id_of(10), TALK)
        await store.add_item(ROOM, LobbyKind.REQUEST, ANN, id_of(3), REQUEST)
        await store.add_item(ROOM, LobbyKind.LEAVE, ANN, id_of(4), LEAVE)
        await store.add_item(ROOM, LobbyKind.VAULT, HOST, id_of(8), VAULT)
        entry = replace(step(welcomes={BEN: WELCOME}), entry=Signed(ENTRY, bytes(64)))
        commit = but(publication(id_of(5), COMMIT), blob_class=BlobClass.COMMIT, step=entry)
        self.base = (await store.publish(commit)).number
        self.roster = NEXT
        await store.park(ROOM, ANN, Parking(id_of(11), b"t" * 32, PARKED))
        await self.publish(id_of(6), SHORT, 1)
        await self.publish(id_of(7), LONG, 3600)

    async def publish(
        self, id: bytes, blob: bytes, ttl: int, blob_class: BlobClass = BlobClass.APPLICATION
    ) -> None:
        base = GENERATION + self.base.to_bytes(8, "big")
        said = but(publication(id, blob, ttl), base=base, roster=self.roster, blob_class=blob_class)
        await self.store.publish(but(said, sender=HOST))

    async def says_later(self) -> bool:
        """Whether a server has taken what is said after its promotion."""
        try:
            await self.publish(id_of(9), LATER, 3600)
        except Refusal:
            return False
        return True

    async def end(self) -> None:
        """End the room, sooner or later: what has no answer may have happened."""

        async def ended() -> bool:
            try:
                await self.store.end(ROOM, OPENING, self.roster)
            except Refusal as refusal:
                return refusal.code == "ended"
            return True

        await until(ended)

    async def pass_time(self, seconds: float) -> None:
        """Time passes in a room that a facilitator holds."""
        end, number = self.clock.now + seconds, 1000
        while self.clock.now < end:
            self.clock.advance(900)
            number += 1
            await self.publish(id_of(number), b"beat", 90, BlobClass.BEAT)
            await self.store.expire(10)


def there(servers: Collection[RedisServer], canaries: Collection[bytes]) -> list[set[bytes]]:
    """The canaries that each server holds in its keys."""
    held = [keys_and_values(server) for server in servers]
    return [{one for one in canaries if one in content} for content in held]


async def shorts_are_gone(servers: Collection[RedisServer]) -> None:
    """Wait for keys that end by the server's own clock."""

    async def gone() -> bool:
        return not any(there(servers, [SHORT]))

    await until(gone)


async def test_what_ends_in_a_room_that_goes_on_is_on_no_server(tmp_path: Path) -> None:
    async with WithSentinel(tmp_path) as group:
        room = Furnished(group.url, replicas=2)
        await room.furnish()
        everything, ids = {*ENDING, *STAYING}, count(100)

        async def all_there() -> bool:
            """The short blob is said again, for it may end before the last server is searched."""
            await room.publish(id_of(next(ids)), SHORT, 1)
            return there(group.databases, everything) == [everything] * 3

        await until(all_there)
        await room.pass_time(limits.REJOIN_WINDOW + 2 * limits.KNOCK_TTL)
        await shorts_are_gone(group.databases)
        assert there(group.databases, everything) == [set(STAYING)] * 3
        assert [server.written() for server in group.databases] == [frozenset()] * 3
        await room.node.close()


async def test_nothing_of_a_room_stays_after_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not where a replica copied everything, and where servers failed."""
    async with WithSentinel(tmp_path) as group:
        room = Furnished(group.url, replicas=2)
        await room.furnish()
        await shorts_are_gone(group.databases)
        all_of_it = {*ENDING, *STAYING} - {SHORT}
        await group.databases[2].restart()  # it copies all of it
        await follow(group, group.databases[0])
        primary = await group.primary()
        await primary.kill()
        promoted = await group.next_primary()
        await primary.start()
        await follow(group, promoted)
        assert there(group.databases, all_of_it) == [all_of_it] * 3
        await room.node.back()
        await until(room.says_later)
        await room.end()
        assert LATER in backlog(promoted)
        for server in group.databases:
            assert places_of(server, LEAVE) <= {"backlog"}
            assert OPENING.encode() in keys_and_values(server)  # the signed statement
        await roll(promoted, monkeypatch)
        await room.node.close()
        for server in group.databases:
            assert [one for one in {*all_of_it, LATER} if places_of(server, one)] == []
            assert server.written() == frozenset()


async def roll(primary: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filler of some minutes, in some seconds."""

    async def offset() -> int:
        said = await primary.ask("INFO", "replication")
        return int(said.partition(b"master_repl_offset:")[2].partition(b"\r\n")[0])

    before = await offset()
    monkeypatch.setattr(wire, "BEAT", 0.005)

    async def rolled() -> bool:
        return await offset() > before + limits.MIB + 64 * limits.KIB

    await until(rolled)  # although nobody says anything


async def test_a_search_finds_what_a_server_with_other_settings_keeps(tmp_path: Path) -> None:
    """Each place is one where it would be."""
    kept = {"slowlog-log-slower-than": "0", "slowlog-max-len": "9999", "appendonly": "yes"}
    async with Standalone(tmp_path) as alone:
        server = alone.server
        for setting, value in kept.items():
            await server.ask("CONFIG", "SET", setting, value)
        room = Furnished(alone.url, replicas=0)
        await room.furnish()
        await room.store.end(ROOM, OPENING, room.roster)
        assert CARD not in keys_and_values(server)
        assert CARD in slow_log(server)
        assert CARD in files(server)
        await room.node.close()
        assert places_of(server, CARD) == {"files", "slow log"}
        assert server.written()
    async with Standalone(tmp_path / "saved") as alone:
        await alone.server.ask("CONFIG", "SET", "rdbcompression", "no")
        room = Furnished(alone.url, replicas=0)
        await room.furnish()
        await alone.server.ask("SAVE")
        await room.store.end(ROOM, OPENING, room.roster)
        await room.node.close()
        assert places_of(alone.server, CARD) == {"files"}
