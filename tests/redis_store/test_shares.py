"""What one part of the network may put into a store on Redis, whatever it puts."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.statements import Signed
from alcove_server.store.budget import PART_LEAST, UNCOUNTED, Holding, Payer, StoreBounds
from alcove_server.store.interface import Publication, RosterStep, SeatedRoom, Stale, StoredDoor
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse
from alcove_server.testing.embedded import ManualClock

from tests.redis_store.groups import Standalone
from tests.server.store.bench import ANN, GENERATION, HEAD, NEXT, OPENING, ROOM, START, Bench

pytestmark = pytest.mark.interpreted
MOST: Final = StoreBounds(store_bytes=5 * PART_LEAST)
"""So that a network may have the least that each may have."""
DOOR: Final = StoredDoor(b"door-one", bytes(32), 5, 3600.0, 1, bytes(30_000))


class Puts:
    """The acts of clients of one network on a store on Redis."""

    def __init__(self, bench: Bench, clock: ManualClock) -> None:
        self.bench = bench
        self.holding = Holding(clock=clock)
        self.payer = Payer(self.holding)
        self._opened = 0

    @property
    def counted(self) -> int:
        self.holding.leases.settle()
        return self.holding.leases.total

    def code(self, work: Coroutine[Any, Any, object]) -> str:
        """How it was refused, or nothing."""
        try:
            self.bench.do(work)
        except Refusal as refusal:
            return refusal.code
        return ""

    def open(self) -> bytes:
        self._opened += 1
        room = os.urandom(32)
        self.bench.do(self.bench.store.open(room, OPENING, HEAD, GENERATION, self.holding))
        return room

    def say(
        self, room: bytes, size: int, kind: BlobClass = BlobClass.APPLICATION, base: bytes = b""
    ) -> str:
        blob, at = os.urandom(size), base or START.encode()
        made = Publication(room, ANN, os.urandom(16), at, kind, 600, blob, HEAD, None, self.payer)
        return self.code(self.bench.store.publish(made))

    def fill(self, room: bytes) -> int:
        """Bytes that a room took."""
        taken = 0
        while not self.say(room, 30_000):
            taken += 30_000
        return taken


@pytest.fixture
def puts(alone: Standalone) -> Iterator[Puts]:
    clock = ManualClock()
    bench = Bench(RedisStore(parse(alone.url), MOST, clock=clock), clock)
    yield Puts(bench, clock)
    bench.close()


def test_the_rooms_of_one_network_do_not_silence_those_of_others(puts: Puts) -> None:
    others = Puts(puts.bench, puts.bench.clock)
    theirs = others.open()
    rooms = [puts.open() for _ in range(5)]
    taken = sum(map(puts.fill, rooms))
    assert PART_LEAST // 2 < taken < PART_LEAST
    puts.payer = Payer(puts.holding)  # of another client of the network
    assert puts.fill(rooms[-1]) == 0
    assert not others.say(theirs, 30_000)


def test_beside_an_attacker_of_the_same_network_a_small_room_goes_on(puts: Puts) -> None:
    theirs = puts.open()
    puts.holding.leases.add(PART_LEAST - puts.counted, 1e9)
    assert not puts.say(theirs, 2_000)
    assert not puts.say(theirs, 400, BlobClass.BEAT)
    assert puts.say(theirs, UNCOUNTED) == "busy"
    with pytest.raises(Refusal, match="full"):
        puts.open()


def _commit(room: bytes, puts: Puts) -> Publication:
    blob = os.urandom(200_000)
    base = puts.bench.do(puts.bench.store.head(room))
    assert base is not None
    at = GENERATION + base.base.to_bytes(8, "big")
    return Publication(
        room, ANN, os.urandom(16), at, BlobClass.COMMIT, 600, blob, HEAD, None, puts.payer
    )


def test_each_kind_of_act_counts_and_for_as_long_as_it_may_lie_there(puts: Puts) -> None:
    store, clock, payer = puts.bench.store, puts.bench.clock, puts.payer
    room = puts.open()
    found = [puts.counted]

    def counts(work: Coroutine[Any, Any, object]) -> int:
        assert not puts.code(work)
        found.append(puts.counted)
        return found[-1] - found[-2]

    assert 30_000 < counts(store.put_door(room, DOOR, HEAD, payer)) < 31_000
    assert 9_000 < counts(store.knock(room, ANN, DOOR.id, b"k" * 16, bytes(9_000), payer)) < 10_000
    request = store.add_item(room, LobbyKind.REQUEST, ANN, b"r" * 16, bytes(20_000), b"", payer)
    assert 20_000 < counts(request) < 21_000
    step = RosterStep(
        Signed(bytes(700), bytes(64)), 1, NEXT, {}, frozenset(), frozenset(), frozenset(),
        {ANN: bytes(50_000)},
    )  # fmt: skip
    publication = _commit(room, puts).with_step(step)
    assert 251_000 < counts(store.publish(publication)) < 253_000
    seated = SeatedRoom(
        os.urandom(32), (OPENING,), HEAD, GENERATION, bytes(60_000), (DOOR,), None, False,
        puts.holding,
    )  # fmt: skip
    assert 94_000 < counts(store.reseat(seated, None)) < 96_000
    clock.advance(limits.REJOIN_WINDOW + 60)
    assert puts.counted < 2_000  # of chains
    clock.advance(limits.DOOR_TTL_MAX)
    assert puts.counted == 0


def test_what_is_refused_counts_for_nobody(puts: Puts) -> None:
    store, payer = puts.bench.store, puts.payer
    room = puts.open()
    puts.holding.leases.add(PART_LEAST, 1e9)
    before = puts.counted
    assert puts.code(store.put_door(room, replace(DOOR, card=bytes(40_000)), HEAD, payer)) == "busy"
    assert (
        puts.code(store.knock(room, ANN, b"no-door.", b"k" * 16, bytes(900), payer))
        == "unknown_door"
    )
    with pytest.raises(Stale):
        puts.bench.do(store.publish(_stale(room, puts)))
    assert puts.counted == before
    assert not puts.say(room, 100)
    assert puts.counted > before


def _stale(room: bytes, puts: Puts) -> Publication:
    at = GENERATION + (77).to_bytes(8, "big")
    return Publication(
        room, ANN, os.urandom(16), at, BlobClass.COMMIT, 600, bytes(999), HEAD, None, puts.payer
    )


def test_a_client_without_limits_has_none(puts: Puts) -> None:
    room = os.urandom(32)
    puts.bench.do(puts.bench.store.open(room, OPENING, HEAD, GENERATION))
    blob = Publication(
        room, ANN, os.urandom(16), START.encode(), BlobClass.APPLICATION, 60, bytes(900), HEAD
    )
    puts.bench.do(puts.bench.store.publish(blob))
    assert room != ROOM
    assert puts.counted == 0
