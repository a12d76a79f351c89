"""The Redis store keeps the contract on a real server."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
import redis
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass
from alcove_server.store.budget import StoreBounds
from alcove_server.store.redis.records import tag_of
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse
from alcove_server.testing.embedded import ManualClock
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.redis_store.endless import left_endless, watched
from tests.redis_store.groups import Standalone
from tests.server.store.bench import ROOM, Bench
from tests.server.store.contract import StoreContract
from tests.server.store.model import StoreMachine


class TestRedisStore(StoreContract):
    # `store_bytes` is about the memory of the whole server: test_faults.py fills one.
    small = StoreBounds(room_bytes=limits.MIB)

    @pytest.fixture
    def make(self, alone: Standalone) -> Iterator[Callable[[StoreBounds | None], Bench]]:
        made: list[Bench] = []

        def make(bounds: StoreBounds | None) -> Bench:
            clock = ManualClock()
            store = RedisStore(parse(alone.url), bounds, clock=clock)
            made.append(Bench(store, clock))
            return made[-1]

        with watched():
            yield make
            for bench in made:
                bench.close()
        assert left_endless(alone.server.port) == ""
        asyncio.run(alone.server.ask("FLUSHALL"))

    def test_a_look_drops_a_long_blob_at_its_end(self, bench: Bench, alone: Standalone) -> None:
        """Shorter ones are keys with an end of their own."""
        bench.open()
        bench.store.watch(ROOM)
        bench.do(bench.store.expire(1))
        bench.publish(bench.publication(ttl=2000))
        self.keep_alive(bench, 1990)
        bench.do(bench.store.expire(1))
        with redis.Redis(port=alone.server.port) as asked:
            assert asked.hlen(tag_of(ROOM) + b"h") == 1
            bench.clock.advance(10)
            bench.do(bench.store.expire(1))
            assert asked.hlen(tag_of(ROOM) + b"h") == 0

    def test_a_room_is_held_for_a_day_without_a_beat(self, bench: Bench) -> None:
        """While replicas are away no beat gets through, and the node holds its rooms."""
        assert isinstance(bench.store, RedisStore)
        bench.open()
        number = bench.publish(bench.publication(blob_class=BlobClass.COMMIT))
        for _ in range(86_400 // 1700):
            bench.clock.advance(1700)
            bench.do(bench.store._run("hold", ROOM))
            assert bench.head().number == number
        assert bench.refusal(bench.store.publish(bench.publication(base=number))) == "read_only"
        bench.clock.advance(1700)
        bench.do(bench.store._run("hold", ROOM))
        assert bench.do(bench.store.head(ROOM)) is None

    def test_a_beat_ends_the_hold(self, bench: Bench) -> None:
        assert isinstance(bench.store, RedisStore)
        bench.open()
        bench.clock.advance(1700)
        bench.do(bench.store._run("hold", ROOM))
        bench.clock.advance(1000)
        bench.beat()
        bench.publish(bench.publication())
        bench.clock.advance(limits.ABANDONED_AFTER)
        assert bench.do(bench.store.head(ROOM)) is None


class RedisMachine(StoreMachine):
    """The model against a server that `test_the_model` gives."""

    alone: Standalone

    def make_bench(self) -> Bench:
        asyncio.run(self.alone.server.ask("FLUSHALL"))
        clock = ManualClock()
        return Bench(RedisStore(parse(self.alone.url), clock=clock), clock)

    def teardown(self) -> None:
        super().teardown()
        assert left_endless(self.alone.server.port) == ""


def test_the_model(alone: Standalone) -> None:
    RedisMachine.alone = alone
    with watched():
        run_state_machine_as_test(
            RedisMachine, settings=settings(deadline=None, max_examples=50, stateful_step_count=30)
        )


def test_a_script_that_leaves_a_key_without_an_end_is_found(alone: Standalone) -> None:
    def endless(source: str) -> str:
        assert "'NX') end" in source
        return source.replace("'NX') end", "'XX') end")

    asyncio.run(alone.server.ask("FLUSHALL"))
    with watched(endless):
        clock = ManualClock()
        bench = Bench(RedisStore(parse(alone.url), clock=clock), clock)
        bench.open()
        bench.close()
    assert left_endless(alone.server.port) == "open"
    asyncio.run(alone.server.ask("FLUSHALL"))
