"""What ended is nowhere: on no primary, on no replica, in no file and in no log of a server."""

from __future__ import annotations

from pathlib import Path

import redis
from alcove_protocol.frames import BlobClass
from alcove_server.store.interface import Publication, StoredDoor

from tests.redis_store.groups import WithSentinel
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import RedisServer, until
from tests.server.store.bench import ANN, HEAD, OPENING, ROOM, START

CANARY = b"canary-in-the-coal-mine"


def found(server: RedisServer) -> list[bytes]:
    """The keys of a server, and its slow log."""
    with redis.Redis(port=server.port) as asked:
        slow = asked.execute_command("SLOWLOG", "GET")
        keys = [key for key in asked.scan_iter(count=1000) if not key.startswith(b"alcove:")]
    return [*keys, *slow]


def holds_canary(server: RedisServer) -> bool:
    with redis.Redis(port=server.port) as asked:
        dumps = [asked.dump(key) or b"" for key in asked.scan_iter(count=1000)]
    files = [path.read_bytes() for path in server.folder.rglob("*") if path.is_file()]
    return any(CANARY in one for one in [*dumps, *files])


async def test_nothing_of_a_room_stays_after_its_end(tmp_path: Path) -> None:
    async with WithSentinel(tmp_path) as group:
        node = Node(group.url, replicas=2)
        await node.open()
        await node.publish(id_of(1), CANARY, ttl=1)
        await node.publish(id_of(2), CANARY, ttl=3600)
        await node.store.publish(
            Publication(ROOM, ANN, id_of(3), START.encode(), BlobClass.COMMIT, 0, CANARY, HEAD)
        )
        door = StoredDoor(b"d" * 16, b"k" * 32, 3, 600.0, 1, CANARY, None)
        await node.store.put_door(ROOM, door, HEAD)
        await node.store.knock(ROOM, b"n" * 32, b"d" * 16, id_of(4), CANARY)
        assert all(holds_canary(server) for server in group.databases)

        async def first_is_gone() -> bool:
            return not any(b"b1" in key for server in group.databases for key in found(server))

        await until(first_is_gone)  # by its own end
        await node.store.end(ROOM, OPENING, HEAD)
        for server in group.databases:
            (end,) = found(server)  # the signed statement and nothing else
            assert end.endswith(b"}end")
            assert not holds_canary(server)
            assert server.written() == frozenset()
        await node.close()


async def test_the_replication_backlog_is_rolled_over(tmp_path: Path) -> None:
    async with WithSentinel(tmp_path) as group:
        primary = group.databases[0]
        node = Node(group.url, replicas=2)
        await node.open()

        async def offset() -> int:
            said = await primary.ask("INFO", "replication")
            return int(said.partition(b"master_repl_offset:")[2].partition(b"\r\n")[0])

        before = await offset()

        async def rolled() -> bool:
            return await offset() > before + 3 * 4096

        await until(rolled)  # although nobody says anything
        await node.close()
