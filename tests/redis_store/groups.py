"""Groups of servers: one alone, a pair, three with three Sentinels, a Cluster."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import redis

from tests.redis_store.server import RedisServer, free_ports, until

SERVICE: Final = "alcove"
"""The name by which Sentinels know the group."""
DOWN_AFTER: Final = 4_000
"""Milliseconds: a primary that restarts must be noticed before it serves again, empty."""
FAILOVER: Final = 6_000
"""Milliseconds: after so long a Sentinel leads a server that came back to the primary."""
SLOTS: Final = 16_384


class Group:
    """Servers that start and end together."""

    def __init__(self, servers: Iterable[RedisServer]) -> None:
        self.servers = tuple(servers)

    async def __aenter__(self) -> Self:
        try:
            await asyncio.gather(*(server.start() for server in self.servers))
            await self._join()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def _end(self) -> None:
        await asyncio.gather(*(server.kill() for server in self.servers))

    async def _join(self) -> None:
        """Wait until the servers know each other."""


class Standalone(Group):
    """One server, without replicas."""

    def __init__(self, folder: Path, **settings: str) -> None:
        (port,) = free_ports(1)
        super().__init__([RedisServer.database(folder / "one", port, **settings)])

    @property
    def server(self) -> RedisServer:
        return self.servers[0]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server.port}"


class Pair(Group):
    """A primary with a replica. `now` is the server that nodes are led to."""

    def __init__(self, folder: Path) -> None:
        one, two = free_ports(2)
        self.one = self.now = RedisServer.database(folder / "one", one)
        self.two = RedisServer.database(folder / "two", two, replicaof=f"127.0.0.1 {one}")
        super().__init__([self.one, self.two])

    async def _join(self) -> None:
        await until_replicas(self.one, 1)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.one.port}"

    async def promote(self) -> None:
        """Lead the nodes to the second server. It is a primary of its own from now on, and what
        the first one takes afterwards is lost."""
        replicate(self.one, 1)
        await self.two.ask("REPLICAOF", "NO", "ONE")


class WithSentinel(Group):
    """A primary, two replicas and three Sentinels.

    Each server starts as a replica of an address at which nothing listens ("orphan boot"), so that
    one that comes back empty is never a primary by itself. The first primary is made by hand, once.
    """

    def __init__(self, folder: Path, down_after: int = DOWN_AFTER) -> None:
        *databases, one, two, three, nobody = free_ports(7)
        self.databases = tuple(
            RedisServer.database(folder / f"database-{at}", port)
            for at, port in enumerate(databases)
        )
        for server in self.databases:
            server.options = ("--replicaof", f"127.0.0.1 {nobody}")
        watching = [
            ("sentinel monitor", f"{SERVICE} 127.0.0.1 {databases[0]} 2"),
            ("sentinel down-after-milliseconds", f"{SERVICE} {down_after}"),
            ("sentinel failover-timeout", f"{SERVICE} {FAILOVER}"),
            ("sentinel parallel-syncs", f"{SERVICE} 2"),
        ]
        self.sentinels = tuple(
            RedisServer.sentinel(folder / f"sentinel-{port}", port, watching)
            for port in (one, two, three)
        )
        super().__init__([*self.databases, *self.sentinels])

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    async def __aenter__(self) -> Self:
        try:
            await asyncio.gather(*(server.start() for server in self.databases))
            primary, *others = self.databases
            await primary.ask("REPLICAOF", "NO", "ONE")
            for other in others:
                await other.ask("REPLICAOF", "127.0.0.1", str(primary.port))
            await until_replicas(primary, len(others))
            await asyncio.gather(*(server.start() for server in self.sentinels))
            await self._join()
        except BaseException:
            await self._end()
            raise
        return self

    async def _join(self) -> None:
        for sentinel in self.sentinels:
            await until_said(sentinel, "INFO sentinel", b"status=ok,", b"slaves=2,", b"sentinels=3")

    async def primary(self) -> RedisServer:
        """The database that says that it is the primary. Raises `LookupError` when none does."""
        for server in self.databases:
            try:
                if (await server.ask("ROLE")).startswith(b"*3\r\n$6\r\nmaster"):
                    return server
            except OSError:
                continue
        raise LookupError("no database is the primary")

    async def next_primary(self) -> RedisServer:
        """Wait until there is a primary, as after a failover. Raises `TimeoutError`."""

        async def holds() -> bool:
            try:
                await self.primary()
            except LookupError:
                return False
            return True

        await until(holds)
        return await self.primary()


def replicate(primary: RedisServer, replicas: int) -> None:
    """Wait until so many replicas have all that was written until now. `WAIT` is about the writes
    of its own connection, so one is made. Raises `TimeoutError`."""
    with redis.Redis(port=primary.port, single_connection_client=True) as asked:
        asked.set("alcove:replicate", "", px=60_000)
        if asked.wait(replicas, 30_000) < replicas:
            raise TimeoutError("too few replicas are in step")


async def until_said(server: RedisServer, question: str, *answers: bytes) -> None:
    """Wait until the answer of a server contains all of these."""

    async def holds() -> bool:
        said = await server.ask(*question.split())
        return all(answer in said for answer in answers)

    await until(holds)


async def until_replicas(primary: RedisServer, count: int) -> None:
    """Wait until so many replicas are in step."""

    async def holds() -> bool:
        return (await primary.ask("INFO", "replication")).count(b"state=online") >= count

    await until(holds)


async def until_listed(member: RedisServer, *, replicas: int) -> None:
    """Wait until a member of a Cluster knows so many replicas, and which primary each copies."""

    async def holds() -> bool:
        lines = (await member.ask("CLUSTER", "NODES")).splitlines()
        copies = [line for line in lines if b"slave" in line and b" - " not in line]
        return len(copies) >= replicas

    await until(holds)


@dataclass(frozen=True)
class _Member:
    server: RedisServer
    id: str


class Cluster(Group):
    """Three primaries with a replica each, all slots served."""

    def __init__(self, folder: Path) -> None:
        # The bus of a member listens 10,000 above its port.
        ports = free_ports(6, highest=55_535)
        super().__init__(
            RedisServer.database(
                folder / f"member-{at}",
                port,
                cluster_enabled="yes",
                cluster_config_file="nodes.conf",
                cluster_node_timeout="2000",
                cluster_allow_replica_migration="no",
                cluster_require_full_coverage="no",
                cluster_replica_validity_factor="0",
            )
            for at, port in enumerate(ports)
        )

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.servers)
        return f"redis+cluster://{hosts}"

    async def id_of(self, server: RedisServer) -> str:
        """The id of a server in the Cluster."""
        return (await server.ask("CLUSTER", "MYID")).split(b"\r\n")[1].decode()

    async def primary_of(self, slot: int) -> RedisServer:
        """The primary that says that the slot is its own, as soon as there is one."""
        found: list[RedisServer] = []

        async def holds() -> bool:
            for server in self.servers:
                with contextlib.suppress(OSError):
                    said = await server.ask("CLUSTER", "COUNTKEYSINSLOT", str(slot))
                    primary = b"role:master" in await server.ask("INFO", "replication")
                    if primary and said.startswith(b":") and slot in await self._slots_of(server):
                        found.append(server)
            return bool(found)

        await until(holds)
        return found[-1]

    async def _slots_of(self, server: RedisServer) -> set[int]:
        own: set[int] = set()
        nodes = (await server.ask("CLUSTER", "NODES")).decode()
        (line,) = [line for line in nodes.splitlines() if "myself" in line]
        for part in line.split()[8:]:
            if not part.startswith("["):
                first, _, last = part.partition("-")
                own.update(range(int(first), int(last or first) + 1))
        return own

    async def replicas_of(self, primary: RedisServer) -> list[RedisServer]:
        """The servers that copy a primary."""
        port = f"master_port:{primary.port}\r\n".encode()
        return [one for one in self.servers if port in await one.ask("INFO", "replication")]

    async def begin_move(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """As redis-cli does it: from now on a part of the slot may be on each server."""
        await target.ask("CLUSTER", "SETSLOT", str(slot), "IMPORTING", await self.id_of(source))
        await source.ask("CLUSTER", "SETSLOT", str(slot), "MIGRATING", await self.id_of(target))

    @staticmethod
    def move_keys(source: RedisServer, target: RedisServer, keys: Sequence[bytes]) -> None:
        """Move some keys of a slot."""
        with redis.Redis(port=source.port) as asked:
            where = ("127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            asked.execute_command("MIGRATE", *where)

    @staticmethod
    def keys_of(server: RedisServer, slot: int) -> list[bytes]:
        """The keys of a slot that lie on a server."""
        with redis.Redis(port=server.port) as asked:
            asked.set_response_callback("CLUSTER GETKEYSINSLOT", list)  # names are no text
            found: list[bytes] = asked.execute_command("CLUSTER GETKEYSINSLOT", slot, 10_000)
        return found

    async def end_move(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """Move the rest of the keys, and have all servers know it."""
        while keys := self.keys_of(source, slot):
            self.move_keys(source, target, keys)
        id = await self.id_of(target)
        for server in (target, source, *self.servers):
            await server.ask("CLUSTER", "SETSLOT", str(slot), "NODE", id)

    async def _join(self) -> None:
        members = [
            _Member(server, (await server.ask("CLUSTER", "MYID")).split(b"\r\n")[1].decode())
            for server in self.servers
        ]
        first = members[0].server
        for at, member in enumerate(members):
            await member.server.ask("CLUSTER", "SET-CONFIG-EPOCH", str(at + 1))
            await first.ask("CLUSTER", "MEET", "127.0.0.1", str(member.server.port))
        primaries, replicas = members[:3], members[3:]
        for at, primary in enumerate(primaries):
            start, end = SLOTS * at // 3, SLOTS * (at + 1) // 3 - 1
            await primary.server.ask("CLUSTER", "ADDSLOTSRANGE", str(start), str(end))
        for primary, replica in zip(primaries, replicas, strict=True):
            await until_said(replica.server, f"CLUSTER REPLICATE {primary.id}", b"+OK")
        for member in members:
            await until_said(member.server, "CLUSTER INFO", b"cluster_state:ok")
        for primary in primaries:
            await until_replicas(primary.server, 1)
        for member in members:  # each hears of the others' roles in its own time
            await until_listed(member.server, replicas=len(replicas))
