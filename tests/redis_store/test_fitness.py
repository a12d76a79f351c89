"""Servers that would lose or keep what they must not are refused, with what to change."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import pytest
from alcove_protocol import limits
from alcove_server.store.redis.fitness import check
from alcove_server.store.redis.server_fitness import judge
from alcove_server.store.values import UnfitStore
from alcove_server.store_address import parse

from tests.redis_store.groups import Standalone, WithSentinel
from tests.redis_store.server import SETTINGS, free_ports

BYTES = 512 * limits.MIB


@pytest.mark.parametrize(
    ("setting", "value", "back"),
    [
        ("save", "3600 1", ""),
        ("appendonly", "yes", "no"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
        ("slowlog-log-slower-than", "10000", "-1"),
        ("maxmemory", "100mb", "1gb"),
    ],
)
async def test_a_setting_that_loses_or_keeps_is_refused(
    tmp_path: Path, setting: str, value: str, back: str
) -> None:
    async with Standalone(tmp_path, **{setting: value}) as alone:
        with pytest.raises(UnfitStore, match=f"{setting}.* set "):
            await check(parse(alone.url), 0, BYTES)
        await alone.server.ask("CONFIG", "SET", setting, back)
        await check(parse(alone.url), 0, BYTES)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("repl-diskless-sync", "no"),
        ("repl-diskless-load", "disabled"),
        ("rdb-del-sync-files", "no"),
    ],
)
def test_a_replica_must_start_without_a_file(setting: str, value: str) -> None:
    settings = {**SETTINGS, "maxmemory": "0"} | {setting: value}
    judge(settings, 0, False)
    with pytest.raises(UnfitStore, match=f"set {setting} {SETTINGS[setting]}"):
        judge(settings, 0, True)


def test_a_server_without_a_bound_is_refused() -> None:
    with pytest.raises(UnfitStore, match="maxmemory 0, less than store-bytes"):
        judge({**SETTINGS, "maxmemory": "0"}, BYTES, False)


async def test_replicas_that_nobody_waits_for_are_refused(tmp_path: Path) -> None:
    async with WithSentinel(tmp_path, down_after=4_000) as group:
        await check(parse(group.url), 2, BYTES)
        with pytest.raises(UnfitStore, match=r"2 replicas .* store-replicas is 1"):
            await check(parse(group.url), 1, BYTES)
        direct = parse(f"redis://127.0.0.1:{group.databases[0].port}")
        with pytest.raises(UnfitStore, match=r"2 replicas .* store-replicas is 0"):
            await check(direct, 0, BYTES)
        # It could confirm in the place of the other one, and a failover would lose that.
        await group.databases[1].ask("CONFIG", "SET", "replica-priority", "0")
        for url in (parse(group.url), direct):
            with pytest.raises(UnfitStore, match=r"2 replicas .* store-replicas is 1"):
                await check(url, 1, BYTES)
        with pytest.raises(UnfitStore, match="no Sentinel watches a service"):
            await check(parse(group.url.replace("/alcove", "/other")), 2, BYTES)
        await group.databases[2].ask("CONFIG", "SET", "slowlog-log-slower-than", "5")
        with pytest.raises(UnfitStore, match="slow log"):
            await check(direct, 2, BYTES)
        for sentinel in group.sentinels:
            await sentinel.ask("SENTINEL", "SET", "alcove", "down-after-milliseconds", "1000")
        with pytest.raises(UnfitStore, match="down-after-milliseconds 1000"):
            await check(parse(group.url), 2, BYTES)


async def test_a_server_alone_is_no_cluster(alone: Standalone) -> None:
    with pytest.raises(UnfitStore, match="no Redis Cluster: name it redis://"):
        await check(parse(f"redis+cluster://127.0.0.1:{alone.server.port}"), 0, BYTES)


async def test_settings_that_cannot_be_read_are_said_loudly(
    alone: Standalone, caplog: pytest.LogCaptureFixture
) -> None:
    await alone.server.ask("ACL", "SETUSER", "shy", "on", ">secret", "~*", "&*", "+@all", "-config")
    with caplog.at_level(logging.ERROR):
        await check(parse(f"redis://shy:secret@127.0.0.1:{alone.server.port}"), 0, BYTES)
    assert "cannot promise" in caplog.text


async def test_an_unfit_store_is_one_sentence_and_the_relay_does_not_start(tmp_path: Path) -> None:
    async with Standalone(tmp_path, appendonly="yes") as alone:
        relay = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "alcove_server", "--port", "0", "--store", alone.url),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await relay.communicate()
        assert said.count(b"\n") == 1
        assert b"set appendonly no" in said
        assert relay.returncode == 1


async def test_a_server_that_is_not_there_is_one_sentence() -> None:
    (nobody,) = free_ports(1)
    with pytest.raises(UnfitStore, match="cannot be reached") as unfit:
        await check(parse(f"redis://user:secret@127.0.0.1:{nobody}"), 0, BYTES)
    assert "secret" not in str(unfit.value)
