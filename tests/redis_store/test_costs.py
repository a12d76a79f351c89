"""What one script does stays small however much a room holds: a server runs one at a time, for all.

A cost is the number of commands that a script calls, which no machine changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, Final

import pytest
import redis
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed
from alcove_server.store.budget import LOBBY_PAGE, PUBLISH_IDS
from alcove_server.store.interface import Parking, SeatedRoom, StoredDoor
from alcove_server.store.redis import records
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse
from alcove_server.testing.embedded import ManualClock

from tests.redis_store.groups import Standalone
from tests.server.store.bench import GENERATION, HEAD, HOST, NEXT, ROOM, Bench, but, step

pytestmark = pytest.mark.interpreted
SLACK: Final = 20


class Counted:
    """A store, and a look at its server from outside."""

    def __init__(self, alone: Standalone) -> None:
        self.server = redis.Redis(port=alone.server.port)
        self.server.flushall()
        self.clock = ManualClock()
        self.store = RedisStore(parse(alone.url), clock=self.clock)
        self.bench = Bench(self.store, self.clock)
        self.bench.open()

    def calls(self, work: Coroutine[Any, Any, object]) -> dict[str, int]:
        """How often each command was called meanwhile."""
        self.server.config_resetstat()
        self.bench.do(work)
        stats = self.server.info("commandstats")
        calls = {name.removeprefix("cmdstat_"): one["calls"] for name, one in stats.items()}
        calls.pop("config|resetstat", None)  # Valkey counts the look itself
        return calls

    def beat(self) -> dict[str, int]:
        blob = self.bench.publication(blob_class=BlobClass.BEAT, sender=HOST, ttl=90)
        return self.calls(self.bench.store.publish(blob))

    def speak(self, senders: int) -> None:
        for number in range(senders):
            blob = self.bench.publication(sender=b"%32d" % number)
            self.bench.do(self.bench.store.publish(blob))

    def end_of(self, name: bytes) -> int:
        """The milliseconds since 1970 at which a key of the room ends."""
        asked: Any = self.server  # its types want text
        found: int = asked.pexpiretime(records.tag_of(ROOM) + name)
        return found

    def left(self, name: bytes) -> int:
        """Milliseconds for which a key of the room is there."""
        found: Any = self.server.pttl(records.tag_of(ROOM) + name)
        return int(found)


@pytest.fixture
def counted(alone: Standalone) -> Iterator[Counted]:
    made = Counted(alone)
    yield made
    made.bench.close()
    made.server.close()


def test_a_beat_costs_as_much_in_a_room_of_many_senders(counted: Counted) -> None:
    def cost() -> int:
        """Of three, because one of them may renew the records of ids, by Redis' own clock."""
        return min(sum(counted.beat().values()) for _ in range(3))

    counted.speak(3)
    few = cost()
    counted.speak(300)
    assert cost() <= few


def test_the_ids_of_a_sender_are_remembered_for_as_long_as_the_room(counted: Counted) -> None:
    counted.speak(2)
    for seconds in (1, 5, SLACK, 30, 3, 30):
        counted.clock.advance(seconds)
        counted.beat()
        counted.speak(3)
        for number in range(3):
            left = counted.left(b"r" + b"%32d" % number)
            assert counted.left(b"m") <= left
            tags, ids = (counted.end_of(kind + b"%32d" % number) for kind in (b"i", b"r"))
            assert tags <= ids < tags + 1000  # or ids would be added to a key without an end
            assert left <= counted.left(b"m") + 1000 * (SLACK + 2)


def door(number: int, seconds: float) -> StoredDoor:
    return StoredDoor(b"%8d" % number, bytes(32), 5, seconds, 1, b"card")


def test_doors_that_end_together_are_taken_apart_once(counted: Counted) -> None:
    store = counted.bench.store
    for number in range(60):
        counted.bench.do(store.put_door(ROOM, door(number, 5.0), HEAD))
    counted.clock.advance(10)
    counts = counted.calls(store.door(ROOM, door(0, 0).id))
    assert counts["hgetall"] == 1
    assert counts["hset"] == 60


def test_doors_that_are_revoked_together_are_taken_apart_once(counted: Counted) -> None:
    store, doors = counted.bench.store, [door(number, 500.0) for number in range(120)]
    for one in doors[:60]:
        counted.bench.do(store.put_door(ROOM, one, HEAD))
        counted.bench.do(store.revoke_door(ROOM, one.id, HEAD))
    for one in doors[60:]:
        counted.bench.do(store.put_door(ROOM, one, HEAD))
    gone = step(revoked=frozenset(one.id for one in doors))
    counts = counted.calls(
        store.publish(counted.bench.publication(blob_class=BlobClass.COMMIT, step=gone))
    )
    assert counts["hgetall"] <= 2


def asked(counted: Counted, count: int) -> None:
    for number in range(count):
        work = counted.bench.store.add_item(
            ROOM, LobbyKind.REQUEST, b"%32d" % number, b"%16d" % number, b"request"
        )
        counted.bench.do(work)


def test_a_page_of_a_long_lobby_costs_no_more_than_one_of_a_short_one(counted: Counted) -> None:
    store = counted.bench.store
    asked(counted, LOBBY_PAGE)
    short = sum(counted.calls(store.read_lobby(ROOM, 0, True)).values())
    asked(counted, 4 * LOBBY_PAGE)
    assert sum(counted.calls(store.read_lobby(ROOM, 0, True)).values()) <= short
    page = counted.bench.do(store.read_lobby(ROOM, 0, True))
    assert (len(page.items), page.more) == (LOBBY_PAGE, True)
    assert len(counted.bench.lobby()) == 4 * LOBBY_PAGE


def test_a_request_beside_many_costs_no_more(counted: Counted) -> None:
    def request() -> int:
        store = counted.bench.store
        asking = store.add_item(ROOM, LobbyKind.REQUEST, b"A" * 32, b"A" * 16, b"request")
        count = sum(counted.calls(asking).values())
        counted.bench.do(store.settle(ROOM, b"A" * 16, None, HOST))
        return count

    asked(counted, 1)
    few = request()
    asked(counted, 300)
    assert request() <= few + 25  # of the settled ones it looks at a few


def test_an_entry_that_concerns_many_keys_asks_for_them_together(counted: Counted) -> None:
    counted.speak(700)
    gone = step(gone=frozenset(b"%32d" % number for number in range(700)))
    publication = counted.bench.publication(blob_class=BlobClass.COMMIT, step=gone)
    counts = counted.calls(counted.bench.store.publish(publication))
    assert sum(counts.values()) < 60
    for kind in (b"i", b"r"):
        assert not counted.server.exists(records.tag_of(ROOM) + kind + b"%32d" % 5)


def spoken(counted: Counted, ttls: list[int]) -> None:
    """Blobs, one after the other."""
    for ttl in ttls:
        counted.clock.advance(0.001)
        counted.bench.do(counted.bench.store.publish(counted.bench.publication(ttl=ttl)))


def ends(counted: Counted) -> int:
    """How many ends of application blobs the room lists."""
    found: Any = counted.server.llen(records.tag_of(ROOM) + b"l")
    return int(found)


def test_blobs_that_ended_together_are_noted_with_few_looks(counted: Counted) -> None:
    spoken(counted, [60] * 1_000 + [600] * 10)
    counted.clock.advance(61)
    counted.beat()  # the room is there still, and this looks at nothing
    counts = counted.calls(counted.bench.store.read(ROOM, Position(GENERATION, 999), 1 << 20))
    assert counts["lindex"] <= 25
    assert ends(counted) == 10
    page = counted.bench.do(counted.bench.store.read(ROOM, Position(GENERATION, 1_000), 1 << 20))
    assert not page.lost
    assert counted.bench.do(counted.bench.store.read(ROOM, Position(GENERATION, 999), 1 << 20)).lost


def test_a_blob_that_ends_first_takes_the_place_of_many_with_few_looks(counted: Counted) -> None:
    spoken(counted, [50, *[600] * 1_000])
    short = counted.bench.publication(ttl=60)
    counts = counted.calls(counted.bench.store.publish(short))
    assert counts["lindex"] <= 25
    assert ends(counted) == 2
    counted.clock.advance(61)
    page = counted.bench.do(counted.bench.store.read(ROOM, Position(GENERATION, 1_001), 1 << 20))
    assert page.lost


def test_a_blob_behind_many_costs_no_more(counted: Counted) -> None:
    def cost() -> dict[str, int]:
        counted.clock.advance(0.001)
        blob = counted.bench.publication(ttl=600)
        return counted.calls(counted.bench.store.publish(blob))

    spoken(counted, [600])
    few = cost()
    spoken(counted, [600] * 100)
    many = cost()
    assert many == few
    assert sum(many.values()) <= 10  # all that one publish asks of Redis, with the script itself


def test_ids_that_begin_alike_are_told_apart(counted: Counted) -> None:
    store, bench = counted.bench.store, counted.bench
    alike = [but(bench.publication(), id=b"same" + b"%12d" % number) for number in range(300)]
    bench.soon(*alike)
    newest = alike[-PUBLISH_IDS:]
    for number, blob in enumerate(newest, len(alike) - len(newest) + 1):
        assert bench.do(store.publish(blob)).number == number
    kept = [
        counted.server.strlen(records.tag_of(ROOM) + kind + blob.sender) for kind in (b"i", b"r")
    ]
    assert kept[1] == 8 * kept[0]
    assert kept[1] < 32 * (PUBLISH_IDS + 32)
    assert bench.do(store.publish(alike[0])).number == len(alike) + 1  # forgotten long ago


def parked(counted: Counted, count: int) -> None:
    for number in range(count):
        parking = Parking(b"%16d" % number, bytes(32), bytes(4136))
        counted.bench.do(counted.store.park(ROOM, b"%32d" % number, parking))


def test_tickets_whose_keys_leave_the_list_together_are_dropped_together(counted: Counted) -> None:
    parked(counted, 300)
    gone = step(gone=frozenset(b"%32d" % number for number in range(300)))
    publication = counted.bench.publication(blob_class=BlobClass.COMMIT, step=gone)
    counts = counted.calls(counted.bench.store.publish(publication))
    assert sum(counts.values()) < 70
    for name in (b"p", b"pk", b"pe"):
        assert not counted.server.exists(records.tag_of(ROOM) + name)


def test_tickets_that_end_together_are_dropped_some_at_a_time(counted: Counted) -> None:
    parked(counted, 300)
    counted.clock.advance(limits.TICKET)
    counted.beat()
    left = records.tag_of(ROOM) + b"pe"
    parking = Parking(b"another slot    ", bytes(32), b"sealed")
    counts = counted.calls(counted.store.park(ROOM, b"A" * 32, parking))
    assert sum(counts.values()) < 40
    assert counted.server.zcard(left) == 201
    for number in range(300):
        assert counted.bench.do(counted.store.parked(ROOM, b"%16d" % number, bytes(32))) is None
    for _ in range(2):
        counted.bench.do(counted.store.park(ROOM, b"A" * 32, parking))
    assert counted.server.zcard(left) == 1


def test_the_end_of_a_long_log_is_deleted_in_many_scripts(counted: Counted) -> None:
    store, many = counted.bench.store, 4_500
    counted.bench.soon(
        *(counted.bench.publication(sender=b"%32d" % (n % 7), ttl=600) for n in range(many))
    )
    counted.server.config_resetstat()
    counted.bench.do(store.end(ROOM, Signed(b"the end", bytes(64)), HEAD))
    stats: Any = counted.server.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] == 1 + 2  # 2,000 blobs at a time
    keys = counted.server.keys(records.tag_of(ROOM).replace(b"\\", b"") + b"*")
    assert keys == [records.tag_of(ROOM) + b"end"]


def test_what_is_left_of_an_earlier_log_is_not_told_in_a_new_one(counted: Counted) -> None:
    """As when the relay died before it was deleted."""
    bench, store = counted.bench, counted.bench.store
    bench.soon(*(bench.publication(sender=b"%32d" % (n % 7), ttl=600) for n in range(4_500)))
    patched = pytest.MonkeyPatch()
    with patched.context() as patch:
        patch.setattr(RedisStore, "_sweep", lambda self, room: asyncio.sleep(0))
        seated = SeatedRoom(ROOM, (Signed(b"entry 0", bytes(64)),), NEXT, b"another.")
        bench.do(store.reseat(seated, HEAD))
    left = records.tag_of(ROOM) + b"b%d"
    assert counted.server.exists(left % 1, left % 2, left % 4_500) == 2
    blob = bench.publication(blob_class=BlobClass.COMMIT, sender=HOST)
    commit = but(blob, roster=NEXT, base=b"another." + bytes(8))
    bench.do(store.publish(commit))
    assert counted.server.exists(left % 1) == 0
    page = bench.do(store.read(ROOM, Position(b"another.", 0), 1 << 30))
    assert [one.number for one in page.blobs] == [1]
    bench.do(counted.store._sweep(ROOM))
    assert counted.server.exists(left % 2, left % 2_500) == 0
    again = bench.do(store.read(ROOM, Position(b"another.", 0), 1 << 30))
    assert [one.id for one in again.blobs] == [one.id for one in page.blobs]
