"""What a publish costs at the store: the node's CPU and that of Redis, in memory and on Redis.

    python -m bench.store [--blobs 20000]

One sender in each of 100 rooms, 560 bytes a blob, 50 publications in a turn. Both stores run in one
process, one after the other, several times in turn, so that a busy machine is fair to both. Another
node that hears the same rooms comes on top. CPU is counted, not time. The median of the rounds and
the best one are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import redis
from alcove_protocol.frames import BlobClass
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed
from alcove_server.store.interface import Publication, Store, StoredBlob, Taken
from alcove_server.store.memory.store import MemoryStore
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse

from tests.redis_store.groups import Standalone

ROOMS: Final = [number.to_bytes(32, "big") for number in range(1, 101)]
GENERATION, HEAD, SENDER = b"generatn", b"h" * 32, b"s" * 32
OPENING: Final = Signed(b"entry 0", bytes(64))
BLOB: Final = b"x" * 560
TURN: Final = 50
ROUNDS: Final = 5


class Ear:
    """A listener that hears and does nothing."""

    def __init__(self) -> None:
        self.heard = 0

    def on_blob(self, room: bytes, generation: bytes, blob: StoredBlob) -> None:
        self.heard += 1

    def on_passed(self, room: bytes, sender: bytes, message: bytes) -> None:
        pass

    def on_ring(self, room: bytes) -> None:
        pass

    def on_away(self, room: bytes) -> None:
        pass


async def publish(
    store: Store, blobs: int, ids: Iterator[bytes], other: Ear | None = None
) -> float:
    """Publish so many blobs, and wait until the `other` node heard them too. Return the seconds of
    this process's CPU for each."""
    done = asyncio.Event()
    left = 0

    def on_done(publication: Publication, outcome: Taken | Exception) -> None:
        nonlocal left
        assert isinstance(outcome, Taken), outcome
        left -= 1
        if not left:
            done.set()

    base = Position(GENERATION, 0).encode()
    started = time.process_time()
    for start in range(0, blobs, TURN):
        left = TURN
        done.clear()
        for at in range(start, start + TURN):
            room = ROOMS[at % len(ROOMS)]
            store.publish_soon(
                Publication(room, SENDER, next(ids), base, BlobClass.APPLICATION, 600, BLOB, HEAD),
                on_done,
            )
        await done.wait()
    while other is not None and other.heard < blobs:  # noqa: ASYNC110  # another node hears it
        await asyncio.sleep(0.001)
    return (time.process_time() - started) / blobs


def cpu_of(port: int) -> float:
    """The seconds of CPU that a Redis server used."""
    with redis.Redis(port=port) as asked:
        said = asked.info("cpu")
        return float(said["used_cpu_user"]) + float(said["used_cpu_sys"])


async def opened(store: Store) -> Store:
    store.listen(Ear())
    for room in ROOMS:
        store.watch(room)
        await store.open(room, OPENING, HEAD, GENERATION)
    return store


async def measure(blobs: int) -> None:
    ids = iter(partial(os.urandom, 16), b"")
    memory_cost, node_cost, redis_cost, other_cost = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        async with Standalone(Path(folder) / "redis") as alone:
            for _ in range(ROUNDS):
                await alone.server.ask("FLUSHALL")
                memory = await opened(MemoryStore(time.monotonic))
                on_redis = await opened(RedisStore(parse(alone.url)))
                memory_cost.append(await publish(memory, blobs, ids))
                before = cpu_of(alone.server.port)
                node_cost.append(await publish(on_redis, blobs, ids))
                redis_cost.append((cpu_of(alone.server.port) - before) / blobs)
                ear, other = Ear(), RedisStore(parse(alone.url))
                other.listen(ear)
                for room in ROOMS:
                    other.watch(room)
                    await other.head(room)
                together = await publish(on_redis, blobs, ids, ear)
                other_cost.append(together - node_cost[-1])
                for store in (memory, on_redis, other):
                    await store.close()
    for name, costs in (
        ("node, memory store", memory_cost),
        ("node, Redis store", node_cost),
        ("another node", other_cost),
        ("Redis", redis_cost),
    ):
        median, least = statistics.median(costs) * 1e6, min(costs) * 1e6
        print(f"{name:20} {median:6.1f} µs a publish, {least:.1f} in the best round")


def main() -> None:
    parser = argparse.ArgumentParser(description="What a publish costs at the store.")
    parser.add_argument("--blobs", type=int, default=20_000, help="in a round")
    asyncio.run(measure(parser.parse_args().blobs))


if __name__ == "__main__":
    main()
