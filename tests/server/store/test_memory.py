"""The memory store keeps the contract, and gives back all that it took."""

import gc
from collections.abc import Callable, Iterator

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_server.embedded import ManualClock
from alcove_server.store.bounds import ROOM_OVERHEAD, Budget, StoreBounds
from alcove_server.store.interface import RosterStep, SeatedRoom, StoredBlob
from alcove_server.store.memory import MemoryStore
from hypothesis import settings

from tests.server.store.bench import ANN, BEN, HEAD, NEXT, OPENING, ROOM, Bench, step
from tests.server.store.contract import StoreContract
from tests.server.store.model import StoreMachine


def memory(bounds: StoreBounds | None = None) -> Bench:
    clock = ManualClock()
    return Bench(MemoryStore(clock, bounds), clock)


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


class MemoryMachine(StoreMachine):
    def make_bench(self) -> Bench:
        return memory()


TestMemoryStateful = MemoryMachine.TestCase
TestMemoryStateful.settings = settings(max_examples=60, stateful_step_count=40)


def test_the_accounting_comes_back_to_where_it_was() -> None:
    bench = memory()
    store = bench.store
    assert isinstance(store, MemoryStore)
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
    bench.do(store.sweep(10))
    assert store.used == empty + len(taken.entry.body)
    bench.clock.advance(limits.ABANDONED_AFTER)
    bench.do(store.sweep(10))
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
    bench.do(store.sweep(10))
    assert store.used == 0
    bench.close()


def test_after_expiry_no_object_holds_the_blob() -> None:
    bench = memory()
    bench.open()
    bench.publish(bench.publication(b"a blob that nobody else holds", ttl=10))
    bench.clock.advance(10)
    bench.do(bench.store.sweep(10))
    alive = [one for one in gc.get_objects() if isinstance(one, StoredBlob)]
    assert not [one for one in alive if one.blob == b"a blob that nobody else holds"]
    bench.close()


def test_a_sweep_looks_at_no_more_rooms_than_it_may() -> None:
    bench = memory()
    for number in range(5):
        bench.open(bytes([number]) * 32)
    bench.clock.advance(limits.ABANDONED_AFTER)
    swept = [len(bench.do(bench.store.sweep(2))) for _ in range(3)]
    assert swept == [2, 2, 1]
    bench.close()


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
