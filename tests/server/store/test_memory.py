"""The memory store keeps the contract, gives back all bytes, and bounds the cost of each call."""

import gc
import sys
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed
from alcove_server.store.budget import (
    BLOB_OVERHEAD,
    CHAIN_FACTOR,
    ITEM_OVERHEAD,
    PAGE_BLOBS,
    PUBLISH_IDS,
    RECORD_OVERHEAD,
    REQUESTS,
    ROOM_OVERHEAD,
    Budget,
    StoreBounds,
)
from alcove_server.store.interface import RosterStep, SeatedRoom, StoredBlob
from alcove_server.store.memory.store import _EXPIRED_AT_ONCE, _EXPIRED_BY_A_CALL, MemoryStore
from alcove_server.testing.embedded import ManualClock
from hypothesis import settings

from tests.server.store.bench import (
    ANN,
    BEN,
    GENERATION,
    HEAD,
    HOST,
    NEXT,
    OPENING,
    OTHER,
    ROOM,
    Bench,
    but,
    step,
)
from tests.server.store.contract import StoreContract
from tests.server.store.model import StoreMachine


def memory(bounds: StoreBounds | None = None) -> Bench:
    clock = ManualClock()
    return Bench(MemoryStore(clock, bounds), clock)


def in_memory() -> tuple[Bench, MemoryStore]:
    """A bench with its store, whose bytes a test counts."""
    bench = memory()
    assert isinstance(bench.store, MemoryStore)
    return bench, bench.store


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def make(self) -> Iterator[Callable[[StoreBounds | None], Bench]]:
        made: list[Bench] = []

        def make(bounds: StoreBounds | None) -> Bench:
            made.append(memory(bounds))
            return made[-1]

        yield make
        for bench in made:
            bench.close()

    def test_the_number_of_rooms_is_bounded(
        self, make: Callable[[StoreBounds | None], Bench]
    ) -> None:
        bench = make(self.small)
        bench.open(ROOM)
        bench.open(OTHER)
        third = bench.store.open(b"T" * 32, OPENING, HEAD, GENERATION)
        assert bench.refusal(third) == "busy"
        bench.clock.advance(limits.ABANDONED_AFTER)
        bench.do(bench.store.expire(10))
        bench.open(b"T" * 32)


class MemoryMachine(StoreMachine):
    def make_bench(self) -> Bench:
        return memory()


TestMemoryStateful = MemoryMachine.TestCase
TestMemoryStateful.settings = settings(max_examples=60, stateful_step_count=40)


def test_the_accounting_comes_back_to_where_it_was() -> None:
    bench, store = in_memory()
    bench.open()
    empty = store.used
    assert empty >= ROOM_OVERHEAD
    bench.put(bench.door(uses=1))
    bench.knock()
    bench.do(store.add_item(ROOM, LobbyKind.REQUEST, ANN, bytes(16), b"request"))
    taken: RosterStep = step(admitted={BEN: b"door-one"}, welcomes={BEN: b"w" * 5000})
    bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=taken))
    bench.publish(bench.publication(b"x" * 9000, base=1, roster=b"n" * 32))
    assert store.used > empty + 14_000
    for _ in range(limits.REJOIN_WINDOW // 600 * 3):
        bench.clock.advance(600)
        bench.beat(base=1, roster=b"n" * 32)
    bench.clock.advance(limits.HEARTBEAT_TTL)
    bench.do(store.expire(10))
    records = store._rooms[ROOM].records
    known = sum(len(ids) for ids in records._taken.values())
    chain = CHAIN_FACTOR * len(taken.entry.body)
    assert store.used == empty + chain + known * RECORD_OVERHEAD
    bench.clock.advance(limits.ABANDONED_AFTER)
    bench.do(store.expire(10))
    assert store.used == 0
    bench.close()


def test_a_room_that_could_not_be_seated_anew_is_counted_as_before() -> None:
    bench = memory(StoreContract.small)
    store = bench.store
    assert isinstance(store, MemoryStore)
    bench.open()
    bench.publish(bench.publication(b"x" * 9000))
    used = store.used
    seated = SeatedRoom(ROOM, (OPENING,), NEXT, b"another.", bytes(limits.MIB), ())
    assert bench.refusal(store.reseat(seated, HEAD)) == "busy"
    assert store.used == used
    bench.clock.advance(limits.ABANDONED_AFTER)
    bench.do(store.expire(10))
    assert store.used == 0
    bench.close()


def test_after_expiry_no_object_holds_the_blob() -> None:
    bench = memory()
    bench.open()
    bench.publish(bench.publication(b"a blob that nobody else holds", ttl=10))
    bench.clock.advance(10)
    bench.do(bench.store.expire(10))
    alive = [one for one in gc.get_objects() if isinstance(one, StoredBlob)]
    assert not [one for one in alive if one.blob == b"a blob that nobody else holds"]
    bench.close()


def test_expire_drops_watched_and_other_rooms_and_no_more_than_it_may() -> None:
    bench, store = in_memory()
    rooms = [bytes([number]) * 32 for number in range(5)]
    for room in rooms:
        bench.open(room)
    store.watch(rooms[0])
    store.watch(rooms[4])
    one = store.used // 5
    bench.clock.advance(limits.ABANDONED_AFTER)
    left = []
    for _ in range(3):
        bench.do(store.expire(2))
        left.append(store.used // one)
    assert left == [3, 1, 0]
    assert bench.told() == [rooms[0], rooms[4]]
    bench.close()


def test_expire_drops_no_more_blobs_than_it_may_and_misses_no_room() -> None:
    bench, store = in_memory()
    rooms = [bytes([number]) * 32 for number in range(3)]
    for room in rooms:
        bench.open(room)
    empty, most = store.used, _EXPIRED_AT_ONCE * (1 + BLOB_OVERHEAD)
    for room in rooms:
        for _ in range(_EXPIRED_AT_ONCE // 2 + 1):
            bench.publish(but(bench.publication(b"x", ttl=10), room=room))
    bench.do(store.add_item(rooms[-1], LobbyKind.REQUEST, ANN, bytes(16), b"request"))
    bench.clock.advance(10)
    full = store.used
    bench.do(store.expire(100))
    assert store.used == full - most
    bench.do(store.expire(100))
    records = 3 * PUBLISH_IDS * RECORD_OVERHEAD
    assert store.used == empty + len(b"request") + ITEM_OVERHEAD + records
    bench.close()


def test_full_rooms_that_are_abandoned_together_are_dropped_in_parts() -> None:
    bench, store = in_memory()
    rooms = [bytes([number]) * 32 for number in range(4)]
    for room in rooms:
        bench.open(room)
        for _ in range(_EXPIRED_AT_ONCE // 2):
            bench.publish(but(bench.publication(b"x", ttl=86_400), room=room))
    bench.clock.advance(limits.ABANDONED_AFTER)
    left = [len(store._rooms)]
    while bench.do(store.expire(100)):
        left.append(len(store._rooms))
    left.append(len(store._rooms))
    assert left[-1] == store.used == 0
    assert max(before - after for before, after in pairwise(left)) <= 2
    bench.close()


def test_a_call_that_names_a_room_drops_no_more_blobs_than_it_may() -> None:
    bench, store = in_memory()
    bench.open()
    for _ in range(5 * _EXPIRED_BY_A_CALL):
        bench.publish(bench.publication(b"x", ttl=10))
    bench.clock.advance(10)
    full, most = store.used, _EXPIRED_BY_A_CALL * (1 + BLOB_OVERHEAD)
    assert bench.read() == []
    assert store.used == full - most
    bench.publish(bench.publication(b"y"))
    assert store.used == full - 2 * most + 1 + BLOB_OVERHEAD
    assert bench.read() == [5 * _EXPIRED_BY_A_CALL + 1]
    bench.close()


def steps(work: Coroutine[Any, Any, object]) -> int:
    """Return the number of lines that a call of the store runs, counting each turn of a loop."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with pytest.raises(StopIteration):
            work.send(None)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.interpreted
def test_a_page_costs_the_same_in_any_log_and_anywhere_in_it() -> None:
    """With and without holes, and with expired blobs that are not dropped yet."""
    bench = memory()
    bench.open()
    count = 30 * PAGE_BLOBS
    for number in range(1, count + 1):
        bench.publish(bench.publication(b"x", ttl=10 if number % 3 == 0 else 60))

    def most_steps() -> int:
        return max(
            steps(bench.store.read(ROOM, Position(GENERATION, after), 2**30))
            for after in (0, count // 3, count // 2, count - 1, count)
        )

    least = steps(bench.store.read(ROOM, Position(GENERATION, 0), 2**30))
    for seconds in (0, 10, 50):
        bench.clock.advance(seconds)
        for _ in range(4):
            assert most_steps() < 6 * least
            bench.do(bench.store.expire(1))
    bench.close()


def lobbied(members: int) -> tuple[Bench, frozenset[bytes]]:
    """A room whose members each have as many requests as they may."""
    bench = memory()
    bench.open()
    keys = [b"%32d" % number for number in range(members)]
    for id in range(REQUESTS * members):
        key = keys[id % members]
        bench.do(bench.store.add_item(ROOM, LobbyKind.REQUEST, key, b"%16d" % id, b"r"))
    return bench, frozenset(keys)


def steps_of_a_commit_that_drops(members: int) -> int:
    bench, keys = lobbied(members)
    doors = frozenset(b"%8d" % number for number in range(members))
    taken = step(gone=keys, revoked=doors)
    commit = bench.publication(blob_class=BlobClass.COMMIT, step=taken)
    count = steps(bench.store.publish(commit))
    assert bench.lobby() == []
    bench.close()
    return count


def steps_of_the_end_of_what_was_asked_by(members: int) -> int:
    bench, _ = lobbied(members)
    for _ in range(limits.REJOIN_WINDOW // 900 - 1):
        bench.clock.advance(900)
        bench.beat()
    bench.clock.advance(900)
    count = steps(bench.store.expire(1))
    assert bench.lobby() == []
    bench.close()
    return count


@pytest.mark.interpreted
def test_a_request_costs_the_same_however_many_wait() -> None:
    few, _ = lobbied(3)
    many, _ = lobbied(300)
    asked = [
        steps(bench.store.add_item(ROOM, LobbyKind.REQUEST, b"%32d" % 1, b"i" * 16, b"r"))
        for bench in (few, many)
    ]
    assert asked[1] <= asked[0] + 10
    few.close()
    many.close()


@pytest.mark.interpreted
@pytest.mark.parametrize(
    "cost", [steps_of_a_commit_that_drops, steps_of_the_end_of_what_was_asked_by]
)
def test_what_many_asked_for_is_settled_at_a_cost_of_its_own(cost: Callable[[int], int]) -> None:
    """Ten times as many requests cost ten times as much, not a hundred times."""
    assert cost(400) < 12 * cost(40)


def test_a_budget_takes_all_or_nothing() -> None:
    whole = Budget(10)
    part = Budget(8, whole)
    part.take(6)
    other = Budget(8, whole)
    with pytest.raises(Exception, match="full"):
        other.take(5)
    with pytest.raises(Exception, match="full"):
        part.take(3)
    assert (whole.used, part.used, other.used) == (6, 6, 0)


def test_what_outlives_its_blob_is_counted_until_it_goes() -> None:
    bench, store = in_memory()
    bench.open()
    empty = store.used
    for _ in range(10):
        bench.publish(bench.publication(b"x", ttl=10))
    assert store.used == empty + 10 * (1 + BLOB_OVERHEAD + RECORD_OVERHEAD)
    bench.clock.advance(10)
    bench.do(store.expire(10))
    assert store.used == empty + 10 * RECORD_OVERHEAD
    for _ in range(PUBLISH_IDS):  # the newest push the oldest out
        bench.publish(bench.publication(b"x", ttl=10))
    bench.clock.advance(10)
    bench.do(store.expire(10))
    assert store.used == empty + PUBLISH_IDS * RECORD_OVERHEAD
    gone = step(gone=frozenset({ANN}))
    bench.publish(bench.publication(b"x", blob_class=BlobClass.COMMIT, sender=HOST, step=gone))
    entry = (1 + CHAIN_FACTOR) * len(gone.entry.body)
    assert store.used == empty + 1 + BLOB_OVERHEAD + RECORD_OVERHEAD + entry
    bench.close()


def test_settled_items_refusals_and_ends_are_counted() -> None:
    bench, store = in_memory()
    bench.open()
    bench.put(bench.door())
    before = store.used
    bench.knock()
    bench.do(store.settle(ROOM, b"k" * 16, b"a reason"))
    assert store.used == before + 2 * ITEM_OVERHEAD + len(b"a reason")
    assert bench.do(store.take_refusal(ROOM, BEN)) is not None
    assert store.used == before + ITEM_OVERHEAD
    ending = Signed(b"the end", bytes(64))
    bench.do(store.end(ROOM, ending, HEAD))
    assert store.used == len(ending.body) + ITEM_OVERHEAD
    bench.clock.advance(limits.TOMBSTONE)
    bench.do(store.expire(10))
    assert store.used == 0
    bench.close()


def test_records_of_many_senders_are_dropped_some_at_a_time() -> None:
    bench, store = in_memory()
    bench.open()
    empty = store.used
    for number in range(100):
        sender = number.to_bytes(32, "big")
        bench.publish(bench.publication(b"x", sender=sender, ttl=10))
    for _ in range(4):
        bench.clock.advance(1000)
        bench.beat()
    counts = [store.used]
    while store.used > empty + 4 * (RECORD_OVERHEAD + BLOB_OVERHEAD + len(b"beat")):
        bench.clock.advance(1)
        bench.do(store.expire(10))
        counts.append(store.used)
        assert len(counts) < 20
    assert max(then - now for then, now in pairwise(counts)) <= 40 * RECORD_OVERHEAD
    bench.close()
