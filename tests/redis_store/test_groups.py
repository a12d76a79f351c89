"""The servers that tests run on are what operators run: they replicate, and fail over."""

from __future__ import annotations

from pathlib import Path

from tests.redis_store.faults.kinds import follow
from tests.redis_store.groups import Cluster, Standalone, WithSentinel, replicate, until_said


async def test_a_server_alone_comes_back_empty_and_writes_no_file(tmp_path: Path) -> None:
    async with Standalone(tmp_path) as alone:
        assert await alone.server.ask("SET", "k", "v", "PX", "60000") == b"+OK\r\n"
        await alone.server.restart()
        assert await alone.server.ask("GET", "k") == b"$-1\r\n"
        assert alone.server.written() == frozenset()


async def test_sentinel_promotes_a_replica_that_has_everything(tmp_path: Path) -> None:
    async with WithSentinel(tmp_path, down_after=1_000) as group:
        first = await group.primary()
        assert await first.ask("SET", "k", "v", "PX", "600000") == b"+OK\r\n"
        replicate(first, 2)
        await first.kill()
        second = await group.next_primary()
        assert second is not first
        assert await second.ask("GET", "k") == b"$1\r\nv\r\n"
        await first.start()  # it comes back as a replica, and never as an empty primary
        assert not (await first.ask("ROLE")).startswith(b"*3\r\n$6\r\nmaster")
        assert all(not server.written() for server in group.databases)


async def test_a_promoted_server_comes_back_as_no_primary_either(tmp_path: Path) -> None:
    """Sentinel has a server that it promotes rewrite its settings, without `replicaof`."""
    async with WithSentinel(tmp_path, down_after=1_000) as group:
        first = await group.primary()
        await first.kill()
        promoted = await group.next_primary()
        await first.start()
        await follow(group, promoted)
        for sentinel in group.sentinels:  # the failover is over
            question = "SENTINEL GET-MASTER-ADDR-BY-NAME alcove"
            await until_said(sentinel, question, b"\r\n%d\r\n" % promoted.port)
        assert await promoted.ask("SET", "k", "v", "PX", "600000") == b"+OK\r\n"
        replicate(promoted, 2)
        await promoted.restart()  # before any Sentinel notices, and empty
        others = [server for server in group.databases if server is not promoted]
        assert (await promoted.ask("ROLE")).startswith(b"*5\r\n$5\r\nslave")
        assert [await server.ask("GET", "k") for server in others] == [b"$1\r\nv\r\n"] * 2


async def test_a_cluster_serves_every_slot_with_a_replica_each(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        answers = [
            await server.ask("SET", "{room}k", "v", "PX", "60000") for server in cluster.servers
        ]
        assert answers.count(b"+OK\r\n") == 1
        assert sum(answer.startswith(b"-MOVED") for answer in answers) == 5
        assert all(server.written() <= {"nodes.conf"} for server in cluster.servers)
