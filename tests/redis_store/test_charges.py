"""The lobby, doors and Welcomes of a room cost on Redis what they cost in memory, and end alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

import pytest
import redis
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.statements import Signed
from alcove_server.store.interface import RosterStep
from alcove_server.store.memory.store import MemoryStore
from alcove_server.store.redis import records
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse
from alcove_server.testing.embedded import ManualClock

from tests.randomness import SEED
from tests.redis_store.groups import Standalone
from tests.server.store.bench import HEAD, HOST, ROOM, Bench

pytestmark = pytest.mark.interpreted
LIFE: Final = 1700
"""Seconds of a run: a room without a beat lives for half an hour, and so no blob ends."""
KEYS: Final = [bytes([number]) * 32 for number in range(1, 7)]
DOORS: Final = [b"door-one", b"door-two", b"door-new"]


class Both:
    """One act after the other, on two stores whose clocks agree."""

    def __init__(self, alone: Standalone, seed: int) -> None:
        self._choose = random.Random(seed)
        self._alone = alone
        clocks = ManualClock(), ManualClock()
        self._benches = (
            Bench(MemoryStore(clocks[0]), clocks[0]),
            Bench(RedisStore(parse(alone.url), clock=clocks[1]), clocks[1]),
        )
        self._ids = (b"%16d" % number for number in range(10_000))
        self._counter = 0
        self._base = 0
        self._head = HEAD
        for bench in self._benches:
            bench.open()
            bench.store.watch(ROOM)

    def close(self) -> None:
        for bench in self._benches:
            bench.close()

    def _do(self, make: Callable[[Bench], Coroutine[Any, Any, object]]) -> None:
        """Do the same on both. They answer the same."""

        def said(bench: Bench) -> object:
            try:
                return bench.do(make(bench))
            except Refusal as refusal:
                return refusal.code

        memory, on_redis = map(said, self._benches)
        assert on_redis == memory

    def act(self) -> None:
        """Some act, or some minutes."""
        choose = self._choose
        acts = (
            self._put, self._put, self._revoke, self._knock, self._knock, self._knock,
            self._settle, self._settle, self._withdraw, self._add, self._add, self._take,
            self._commit, self._wait,
        )  # fmt: skip
        choose.choice(acts)()
        for bench in self._benches:
            bench.do(bench.store.expire(10))

    def _put(self) -> None:
        card = bytes(self._choose.randrange(200))
        door = self._benches[0].door(
            self._choose.choice(DOORS), ttl=self._choose.choice([200, 2e4])
        )
        number = self._choose.randrange(1, 9)
        made = type(door)(door.id, door.key, 2, door.expires_at, number, card)
        self._do(lambda bench: bench.store.put_door(ROOM, made, self._head))

    def _revoke(self) -> None:
        door = self._choose.choice(DOORS)
        self._do(lambda bench: bench.store.revoke_door(ROOM, door, self._head))

    def _knock(self) -> None:
        key, door, id = self._choose.choice(KEYS), self._choose.choice(DOORS), next(self._ids)
        blob = bytes(self._choose.randrange(500))
        self._do(lambda bench: bench.store.knock(ROOM, key, door, id, blob))

    def _add(self) -> None:
        kind = self._choose.choice([LobbyKind.REQUEST, LobbyKind.REQUEST, LobbyKind.LEAVE])
        key, id, blob = self._choose.choice(KEYS), next(self._ids), bytes(50)
        self._do(lambda bench: bench.store.add_item(ROOM, kind, key, id, blob))

    def _waiting(self) -> bytes:
        page = self._benches[0].do(self._benches[0].store.read_lobby(ROOM, 0, False))
        return self._choose.choice([item.id for item in page.items] or [bytes(16)])

    def _settle(self) -> None:
        id, reason = self._waiting(), self._choose.choice([None, b"", b"not tonight"])
        self._do(lambda bench: bench.store.settle(ROOM, id, reason))

    def _withdraw(self) -> None:
        key = self._choose.choice(KEYS)
        self._do(lambda bench: bench.store.withdraw(ROOM, key))

    def _take(self) -> None:
        key = self._choose.choice(KEYS)
        self._do(lambda bench: bench.store.take_refusal(ROOM, key))

    def _commit(self) -> None:
        """Members go, another one gets a Welcome."""
        self._counter += 1
        gone = frozenset(self._choose.sample(KEYS, 2))
        head = b"%32d" % self._counter
        entry = Signed(b"entry %d" % self._counter, bytes(64))
        taken = RosterStep(entry, self._counter, head, {}, frozenset(), gone, gone, {KEYS[0]: head})
        made = self._benches[0].publication(
            b"commit", BlobClass.COMMIT, sender=HOST, base=self._base, roster=self._head, step=taken
        )
        numbers = {bench.publish(made) for bench in self._benches}
        (self._base,), self._head = numbers, head

    def _wait(self) -> None:
        seconds = self._choose.choice([30, 100, 300])
        if self._benches[0].clock.now + seconds < LIFE:
            for bench in self._benches:
                bench.clock.advance(seconds)

    def compare(self) -> None:
        """What waits, and what all of it costs."""
        self._do(lambda bench: bench.store.read_lobby(ROOM, 0, True))
        for door in DOORS:
            self._do(lambda bench, door=door: bench.store.door(ROOM, door))  # type: ignore[misc]
        memory = self._benches[0].store
        assert isinstance(memory, MemoryStore)
        with redis.Redis(port=self._alone.server.port) as asked:
            meta = asked.get(records.tag_of(ROOM) + records.META)
        fields = records._META.unpack(meta)
        assert fields[9] + fields[10] == memory._rooms[ROOM].budget.used


@pytest.fixture
def both(alone: Standalone, request: pytest.FixtureRequest) -> Iterator[Both]:
    with redis.Redis(port=alone.server.port) as asked:
        asked.flushall()
    made = Both(alone, SEED * 1000 + request.param)
    yield made
    made.close()


@pytest.mark.parametrize("both", range(2), indirect=True)
def test_the_lobby_costs_and_ends_as_in_memory(both: Both) -> None:
    for _ in range(100):
        both.act()
        both.compare()
