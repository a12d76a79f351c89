"""deploy/redis: a server starts with these settings, and the relay's user may do all that the
contract needs and nothing that shows another's commands."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
import redis
from alcove_protocol import limits
from alcove_server.store.budget import StoreBounds
from alcove_server.store.redis.fitness import check
from alcove_server.store.redis.scripts import SOURCES
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse
from alcove_server.testing.embedded import ManualClock

from tests.redis_store.groups import SLOTS, until_said
from tests.redis_store.node import Node, id_of
from tests.redis_store.server import RedisServer, free_ports, until
from tests.server.store.bench import ANN, ROOM, Bench
from tests.server.store.contract import StoreContract

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy" / "redis"
RELAY: Final = ("alcove", "CHANGE-ME-RELAY")


class Deployed(RedisServer):
    """A server with the settings of deploy/redis, but for its port and its folders. The user `test`
    may do everything."""

    def __init__(self, folder: Path, port: int, more: str = "") -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder / "one", port, {}, sentinel=False)
        acl = folder / "users.acl"
        acl.write_text((DEPLOY / "users.acl").read_text() + "user test on >test ~* &* +@all\n")
        text = (DEPLOY / "redis.conf").read_text()
        text = text.replace("\nport 6379", f"\nport {port}")
        text = text.replace("/var/lib/redis", str(self.folder))
        self.configuration.write_text(text.replace("/etc/redis/users.acl", str(acl)) + more)

    @property
    def url(self) -> str:
        return f"redis://{':'.join(RELAY)}@127.0.0.1:{self.port}"

    def as_(self, user: str, password: str) -> redis.Redis:
        return redis.Redis(port=self.port, username=user, password=password)

    async def _answers(self) -> bool:
        try:
            return (await self.ask("PING")).startswith(b"-NOAUTH")
        except OSError:
            return False


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    loop = asyncio.new_event_loop()
    (port,) = free_ports(1)
    server = Deployed(tmp_path_factory.mktemp("deployed"), port)
    loop.run_until_complete(server.start())
    yield server
    loop.run_until_complete(server.kill())
    loop.close()


async def test_the_relay_finds_its_settings_fit(deployed: Deployed) -> None:
    await check(parse(deployed.url), 0, 512 * limits.MIB)


@pytest.mark.parametrize("command", ["MONITOR", "FLUSHALL", "SLOWLOG GET", "KEYS *", "GET other"])
def test_the_relay_may_not_do_what_it_need_not(deployed: Deployed, command: str) -> None:
    with deployed.as_(*RELAY) as asked, pytest.raises(redis.exceptions.NoPermissionError):
        asked.execute_command(*command.split())


def test_the_relay_may_run_every_command_of_its_scripts() -> None:
    """Also those of a branch that the contract does not take."""
    called = set(re.findall(r"\bcall\('([A-Z]+)'", b"".join(SOURCES.values()).decode()))
    (line,) = re.findall(r"^user alcove .*$", (DEPLOY / "users.acl").read_text(), re.MULTILINE)
    granted = set(re.findall(r"\+([a-z]+)", line))
    assert {"SET", "ZADD"} <= called
    assert {command.lower() for command in called} <= granted


def test_where_there_is_no_cluster_nobody_makes_one(deployed: Deployed) -> None:
    """Its user may copy rooms to any server, so it waits for a password to be set."""
    with (
        deployed.as_("cluster", "CHANGE-ME-CLUSTER") as asked,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        asked.ping()


CLUSTERING: Final = [
    *("CLUSTER MEET 192.0.2.10 6379", "CLUSTER ADDSLOTS 1", "CLUSTER REPLICATE id"),
    *("CLUSTER SET-CONFIG-EPOCH 1", "CLUSTER SETSLOT 1 STABLE", "CLUSTER GETKEYSINSLOT 1 10"),
    *("CLUSTER FAILOVER", "CLUSTER FORGET id", "CLUSTER INFO", "CLUSTER NODES", "INFO", "PING"),
    *("MIGRATE 192.0.2.10 6379 {room}m 0 1000", "RESTORE-ASKING {room}m 0 blob"),
]
"""What `redis-cli --cluster` says to make one, to look at it and to move slots."""


@pytest.mark.parametrize("command", CLUSTERING)
def test_a_cluster_can_be_made_with_the_users_that_there_are(
    deployed: Deployed, command: str
) -> None:
    with deployed.as_("test", "test") as asked:
        said = asked.execute_command("ACL DRYRUN", "cluster", *command.split())
    assert said == b"OK"


@pytest.mark.parametrize("command", ["GET {room}m", "MONITOR", "FLUSHALL", "CONFIG GET save"])
def test_who_makes_a_cluster_has_no_other_rights(deployed: Deployed, command: str) -> None:
    with deployed.as_("test", "test") as asked:
        said = asked.execute_command("ACL DRYRUN", "cluster", *command.split())
    assert b"no permissions" in said


async def test_a_replica_and_a_sentinel_may_do_what_they_need(tmp_path: Path) -> None:
    one, two, watching = free_ports(3)
    copying = f"\nreplicaof 127.0.0.1 {one}\nmasteruser replica\nmasterauth CHANGE-ME-REPLICA\n"
    primary = Deployed(tmp_path / "primary", one)
    replica = Deployed(tmp_path / "replica", two, copying)
    text = (DEPLOY / "sentinel.conf").read_text().replace("192.0.2.10 6379 2", f"127.0.0.1 {one} 1")
    text = text.replace("alcove 4000", "alcove 1000").replace("port 26379", f"port {watching}")
    sentinel = RedisServer.sentinel(tmp_path / "sentinel", watching, [])
    sentinel.configuration.write_text(f"{text}\ndir {sentinel.folder}\nprotected-mode no\n")
    servers = (primary, replica, sentinel)
    try:
        for server in servers:
            await server.start()
        await until_said(sentinel, "INFO sentinel", b"status=ok,", b"slaves=1,")
        await primary.kill()

        async def promoted() -> bool:
            with replica.as_("test", "test") as asked:
                return bool(asked.info("replication")["role"] == "master")

        await until(promoted)
    finally:
        for server in servers:
            await server.kill()


def test_orphan_boot_is_in_the_command_and_waits_for_the_sentinels() -> None:
    """In the settings it would be gone after the first failover."""
    unit = (DEPLOY / "orphan-boot.conf").read_text()
    assert re.search(r"^ExecStart=/\S+ .*--replicaof \S+ \d+$", unit, re.MULTILINE)
    assert not re.search(r"^\s*replicaof", (DEPLOY / "redis.conf").read_text(), re.MULTILINE)
    noticed = re.search(
        r"down-after-milliseconds alcove (\d+)", (DEPLOY / "sentinel.conf").read_text()
    )
    waits = re.search(r"^RestartSec=(\d+)$", unit, re.MULTILINE)
    assert noticed is not None
    assert waits is not None
    assert int(waits[1]) * 1000 > int(noticed[1])


def keys(unit: str) -> dict[str, str]:
    """The last value of each key of a drop-in for systemd."""
    lines = (DEPLOY / unit).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))


def test_a_server_of_a_cluster_waits_with_what_its_unit_may_run() -> None:
    """Debian's unit has `NoExecPaths=/`, and lets nothing run but Redis."""
    unit = keys("start-delay.conf")
    program, seconds = unit["ExecStartPre"].split()
    assert unit["ExecPaths"] == program
    timeout = re.search(r"^cluster-node-timeout (\d+)", (DEPLOY / "cluster.conf").read_text(), re.M)
    assert timeout is not None
    assert int(seconds) * 1000 >= 2 * int(timeout[1])
    assert "redis-server /etc/redis/cluster.conf " in unit["ExecStart"]
    assert "include /etc/redis/redis.conf" in (DEPLOY / "cluster.conf").read_text()


@pytest.mark.parametrize("unit", ["orphan-boot.conf", "start-delay.conf"])
def test_nothing_of_a_server_s_memory_reaches_a_disk(unit: str) -> None:
    assert keys(unit)["LimitCORE"] == "0"
    assert keys(unit)["MemorySwapMax"] == "0"


async def test_a_server_of_a_cluster_is_fit_and_the_relay_may_serve_there(tmp_path: Path) -> None:
    (port,) = free_ports(1, highest=55_535)
    more = (DEPLOY / "cluster.conf").read_text().replace("include /etc/redis/redis.conf", "")
    server = Deployed(tmp_path / "member", port, "\n" + more)
    await server.start()
    try:
        with server.as_("test", "test") as asked:
            asked.execute_command("CLUSTER ADDSLOTSRANGE", 0, SLOTS - 1)

        async def serves() -> bool:
            with server.as_("test", "test") as asked:
                return bool(asked.execute_command("CLUSTER INFO")["cluster_state"] == "ok")

        await until(serves)
        url = server.url.replace("redis://", "redis+cluster://")
        await check(parse(url), 0, 512 * limits.MIB)
        node = Node(url)
        await node.open()
        node.store.connected(ROOM, ANN, lambda: None)
        assert (await node.publish(id_of(1))).number == 1
        assert await node.store.ready()
        await node.close()
    finally:
        await server.kill()


class TestAsDeployed(StoreContract):
    small = StoreBounds(room_bytes=limits.MIB)

    @pytest.fixture
    def make(self, deployed: Deployed) -> Iterator[Callable[[StoreBounds | None], Bench]]:
        made: list[Bench] = []

        def make(bounds: StoreBounds | None) -> Bench:
            clock = ManualClock()
            made.append(Bench(RedisStore(parse(deployed.url), bounds, clock=clock), clock))
            return made[-1]

        yield make
        for bench in made:
            bench.close()
        with deployed.as_("test", "test") as asked:
            asked.flushall()
