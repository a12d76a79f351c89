"""A Cluster that would lose or keep what it must not is refused, with what to change."""

from __future__ import annotations

import pytest
from alcove_protocol import limits
from alcove_server.store.redis.fitness import check
from alcove_server.store.values import UnfitStore
from alcove_server.store_address import parse

from tests.redis_store.groups import Cluster
from tests.redis_store.server import free_ports

BYTES = 512 * limits.MIB


async def test_a_cluster_as_it_should_be_is_fit(cluster: Cluster) -> None:
    await check(parse(cluster.url), 1, BYTES)


async def test_a_relay_starts_while_a_server_of_its_url_is_away(cluster: Cluster) -> None:
    (nobody,) = free_ports(1)
    at = cluster.url.removeprefix("redis+cluster://")
    await check(parse(f"redis+cluster://127.0.0.1:{nobody},{at}"), 1, BYTES)


async def test_a_cluster_is_named_as_one(cluster: Cluster) -> None:
    with pytest.raises(UnfitStore, match=r"name it redis\+cluster://"):
        await check(parse(f"redis://127.0.0.1:{cluster.servers[0].port}"), 1, BYTES)


@pytest.mark.parametrize(
    ("setting", "value", "back"),
    [
        ("cluster-allow-replica-migration", "yes", "no"),
        ("cluster-require-full-coverage", "yes", "no"),
        ("cluster-node-timeout", "20000", "2000"),
        ("appendonly", "yes", "no"),
        ("repl-diskless-load", "disabled", "swapdb"),
    ],
)
@pytest.mark.parametrize("member", [2, 5])
async def test_a_setting_of_any_server_is_refused(
    cluster: Cluster, setting: str, value: str, back: str, member: int
) -> None:
    server = cluster.servers[member]
    await server.ask("CONFIG", "SET", setting, value)
    try:
        with pytest.raises(UnfitStore, match=f"{setting} {value}: .* set {setting} "):
            await check(parse(cluster.url), 1, BYTES)
    finally:
        await server.ask("CONFIG", "SET", setting, back)


async def test_replicas_that_nobody_waits_for_are_refused(cluster: Cluster) -> None:
    replicas = cluster.servers[3:]
    for never in ("no", "yes"):  # one that is never promoted could confirm in another's place
        for server in replicas:
            await server.ask("CONFIG", "SET", "cluster-replica-no-failover", never)
        try:
            with pytest.raises(UnfitStore, match=r"1 replicas .* store-replicas is 0"):
                await check(parse(cluster.url), 0, BYTES)
        finally:
            for server in replicas:
                await server.ask("CONFIG", "SET", "cluster-replica-no-failover", "no")


async def test_too_few_replicas_are_refused(cluster: Cluster) -> None:
    with pytest.raises(UnfitStore, match="has 1 replicas, and store-replicas is 2"):
        await check(parse(cluster.url), 2, BYTES)


async def test_a_cluster_without_some_slots_is_refused(cluster: Cluster) -> None:
    for server in cluster.servers:
        await server.ask("CLUSTER", "DELSLOTS", "0")
    try:
        with pytest.raises(UnfitStore, match="serves 16383 of 16384 slots"):
            await check(parse(cluster.url), 1, BYTES)
    finally:
        await cluster.servers[0].ask("CLUSTER", "ADDSLOTS", "0")
