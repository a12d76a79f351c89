"""The Redis store keeps the whole contract on a Cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from alcove_protocol import limits
from alcove_server.store.budget import StoreBounds
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse
from alcove_server.testing.embedded import ManualClock
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.redis_store.groups import Cluster
from tests.server.store.bench import Bench
from tests.server.store.contract import StoreContract
from tests.server.store.model import StoreMachine


async def empty(cluster: Cluster) -> None:
    for server in cluster.servers:
        await server.ask("FLUSHALL")  # a replica refuses, and copies it from its primary


class TestOnACluster(StoreContract):
    small = StoreBounds(room_bytes=limits.MIB)

    @pytest.fixture
    def make(self, cluster: Cluster) -> Iterator[Callable[[StoreBounds | None], Bench]]:
        made: list[Bench] = []

        def make(bounds: StoreBounds | None) -> Bench:
            clock = ManualClock()
            store = RedisStore(parse(cluster.url), bounds, replicas=1, clock=clock)
            made.append(Bench(store, clock))
            return made[-1]

        yield make
        for bench in made:
            bench.close()
        asyncio.run(empty(cluster))


class ClusterMachine(StoreMachine):
    """The model against a Cluster that `test_the_model` gives."""

    cluster: Cluster

    def make_bench(self) -> Bench:
        asyncio.run(empty(self.cluster))
        clock = ManualClock()
        return Bench(RedisStore(parse(self.cluster.url), clock=clock), clock)


def test_the_model(cluster: Cluster) -> None:
    ClusterMachine.cluster = cluster
    run_state_machine_as_test(
        ClusterMachine, settings=settings(deadline=None, max_examples=20, stateful_step_count=30)
    )
