"""What every `Store` must do. A store's own test file subclasses `StoreContract`, gives it a store
on a clock of the test's, and so runs all of it."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed
from alcove_server.embedded import ManualClock
from alcove_server.store.bounds import CLOSED_DOORS, PUBLISH_IDS, REQUESTS, StoreBounds
from alcove_server.store.interface import (
    Door,
    Publication,
    RoomHead,
    RosterMoved,
    RosterStep,
    SeatedRoom,
    Stale,
    Store,
)

T = TypeVar("T")

ROOM, OTHER = b"R" * 32, b"O" * 32
HEAD, NEXT = b"h" * 32, b"n" * 32
HOST, ANN, BEN = b"H" * 32, b"A" * 32, b"B" * 32
GENERATION = b"generatn"
OPENING = Signed(b"entry 0", bytes(64))
START = Position(GENERATION, 0)


class Bench:
    """A store, its clock, and short words for what a test does to it."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self._loop = asyncio.new_event_loop()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self.do(self.store.close())
        self._loop.close()

    def refusal(self, work: Coroutine[Any, Any, object]) -> str:
        with pytest.raises(Refusal) as refusal:
            self.do(work)
        return refusal.value.code

    def open(self, room: bytes = ROOM) -> None:
        self.do(self.store.open(room, OPENING, HEAD, GENERATION))

    def publication(
        self,
        blob: bytes = b"blob",
        blob_class: BlobClass = BlobClass.APPLICATION,
        *,
        sender: bytes = ANN,
        id: bytes | None = None,
        base: int = 0,
        ttl: int = 60,
        roster: bytes = HEAD,
        step: RosterStep | None = None,
    ) -> Publication:
        id = os.urandom(16) if id is None else id
        at = Position(GENERATION, base)
        return Publication(ROOM, sender, id, at, blob_class, ttl, blob, roster, step)

    def publish(self, publication: Publication) -> int:
        position = self.do(self.store.publish(publication)).position
        assert position.generation == GENERATION
        return position.number

    def beat(self, base: int = 0, roster: bytes = HEAD) -> int:
        return self.publish(
            self.publication(b"beat", BlobClass.BEAT, sender=HOST, base=base, roster=roster, ttl=90)
        )

    def door(self, id: bytes = b"door-one", uses: int = 2, ttl: float = 1000.0) -> Door:
        return Door(id, b"K" * 32, uses, ttl, 1, b"card")

    def put(self, door: Door) -> None:
        self.do(self.store.put_door(ROOM, door, HEAD))

    def found(self, id: bytes = b"door-one") -> Door | None:
        return self.do(self.store.door(ROOM, id))

    def knock(self, key: bytes = BEN, door: bytes = b"door-one", id: bytes = b"k" * 16) -> None:
        self.do(self.store.knock(ROOM, key, door, id, b"knock"))

    def lobby(self, after: int = 0) -> list[tuple[int, LobbyKind, bytes]]:
        items = self.do(self.store.lobby(ROOM, after))
        return [(item.number, item.kind, item.id) for item in items]

    def read(self, after: int = 0, most: int = 2**30) -> list[int]:
        page = self.do(self.store.read(ROOM, Position(GENERATION, after), most))
        return [blob.number for blob in page.blobs]

    def head(self, room: bytes = ROOM) -> RoomHead:
        head = self.do(self.store.head(room))
        assert head is not None
        return head


def step(
    counter: int = 1,
    head: bytes = NEXT,
    *,
    admitted: dict[bytes, bytes] | None = None,
    revoked: frozenset[bytes] = frozenset(),
    gone: frozenset[bytes] = frozenset(),
    welcomes: dict[bytes, bytes] | None = None,
) -> RosterStep:
    settled = gone | frozenset(admitted or {})
    entry = Signed(b"entry %d" % counter, bytes(64))
    return RosterStep(entry, counter, head, admitted or {}, revoked, settled, gone, welcomes or {})


class StoreContract:
    """Subclasses give the fixture `bench`, with `small` bounds where a test asks for them."""

    small = StoreBounds(rooms=2, room_bytes=limits.MIB, store_bytes=3 * limits.MIB // 2)

    @pytest.fixture
    def bench(self, make: Callable[[StoreBounds | None], Bench]) -> Bench:
        return make(None)

    # --- rooms ------------------------------------------------------------------------------

    def test_a_room_is_opened_once(self, bench: Bench) -> None:
        assert bench.do(bench.store.head(ROOM)) is None
        bench.open()
        bench.do(bench.store.open(ROOM, OPENING, HEAD, b"another."))
        assert bench.head() == RoomHead(GENERATION, 0, 0, 0, HEAD, 0)
        other = bench.store.open(ROOM, Signed(b"another", bytes(64)), HEAD, GENERATION)
        assert bench.refusal(other) == "room_exists"

    def test_an_unknown_room_is_refused_everywhere(self, bench: Bench) -> None:
        store = bench.store
        for work in (
            store.chain(ROOM, 0),
            store.publish(bench.publication()),
            store.published(ROOM, ANN, bytes(16)),
            store.read(ROOM, START, 1),
            store.put_door(ROOM, bench.door(), HEAD),
            store.revoke_door(ROOM, b"door-one", HEAD),
            store.door(ROOM, b"door-one"),
            store.knock(ROOM, BEN, b"door-one", bytes(16), b"knock"),
            store.waiting(ROOM, BEN),
            store.withdraw(ROOM, BEN),
            store.add_item(ROOM, LobbyKind.REQUEST, ANN, bytes(16), b"request"),
            store.settle(ROOM, bytes(16)),
            store.lobby(ROOM, 0),
            store.take_refusal(ROOM, BEN),
            store.welcome(ROOM, BEN),
            store.welcomed(ROOM, BEN, START),
            store.end(ROOM, OPENING, HEAD),
        ):
            assert bench.refusal(work) == "unknown_room"

    def test_the_end_leaves_the_statement_for_a_day(self, bench: Bench) -> None:
        bench.open()
        bench.publish(bench.publication())
        with pytest.raises(RosterMoved):
            bench.do(bench.store.end(ROOM, OPENING, NEXT))
        said = Signed(b"the end", bytes(64))
        bench.do(bench.store.end(ROOM, said, HEAD))
        assert bench.head().ended == said
        assert bench.refusal(bench.store.read(ROOM, START, 1)) == "ended"
        assert bench.refusal(bench.store.open(ROOM, OPENING, HEAD, GENERATION)) == "ended"
        seated = SeatedRoom(ROOM, (OPENING,), HEAD, GENERATION, b"", ())
        assert bench.refusal(bench.store.reseat(seated, None)) == "ended"
        bench.clock.advance(limits.TOMBSTONE)
        assert bench.do(bench.store.head(ROOM)) is None
        bench.open()

    def test_a_room_without_a_beat_is_forgotten(self, bench: Bench) -> None:
        bench.open()
        bench.clock.advance(limits.ABANDONED_AFTER - 1)
        bench.beat()
        bench.clock.advance(limits.ABANDONED_AFTER - 1)
        assert bench.head().number == 1
        bench.clock.advance(1)
        assert bench.do(bench.store.sweep(10)) == {ROOM}
        assert bench.do(bench.store.head(ROOM)) is None

    def test_the_number_of_rooms_is_bounded(
        self, make: Callable[[StoreBounds | None], Bench]
    ) -> None:
        bench = make(self.small)
        bench.open(ROOM)
        bench.open(OTHER)
        third = bench.store.open(b"T" * 32, OPENING, HEAD, GENERATION)
        assert bench.refusal(third) == "busy"
        bench.clock.advance(limits.ABANDONED_AFTER)
        bench.do(bench.store.sweep(10))
        bench.open(b"T" * 32)

    # --- the log ----------------------------------------------------------------------------

    def test_numbers_have_no_holes(self, bench: Bench) -> None:
        bench.open()
        assert [bench.publish(bench.publication()) for _ in range(3)] == [1, 2, 3]
        assert bench.read() == [1, 2, 3]
        assert bench.read(2) == [3]

    def test_an_id_is_looked_up_first(self, bench: Bench) -> None:
        bench.open()
        taken = bench.publication()
        assert bench.publish(taken) == 1
        bench.clock.advance(limits.READ_ONLY_AFTER)
        wrong = replace(taken, base=Position(GENERATION, 9), roster=NEXT)
        assert bench.publish(wrong) == 1
        assert not bench.do(bench.store.publish(taken)).fresh
        bench.beat()
        assert bench.do(bench.store.publish(bench.publication())).fresh
        bench.clock.advance(limits.READ_ONLY_AFTER)
        assert bench.read() == []
        assert bench.do(bench.store.published(ROOM, ANN, taken.id)) == Position(GENERATION, 1)

    def test_an_id_is_the_senders_own(self, bench: Bench) -> None:
        bench.open()
        first = bench.publication()
        assert bench.publish(first) == 1
        assert bench.publish(replace(first, sender=BEN)) == 2

    def test_refusals_are_not_recorded(self, bench: Bench) -> None:
        bench.open()
        publication = bench.publication(base=4)
        assert bench.refusal(bench.store.publish(publication)) == "stale"
        assert bench.do(bench.store.published(ROOM, ANN, publication.id)) is None
        assert bench.publish(replace(publication, base=START)) == 1

    def test_an_id_outlives_its_blob_by_an_hour(self, bench: Bench) -> None:
        bench.open()
        publication = bench.publication(ttl=100)
        bench.publish(publication)
        self.keep_alive(bench, 100 + limits.PUBLISH_RECORD - 1)
        assert bench.publish(publication) == 1
        bench.clock.advance(1)
        bench.beat()
        assert bench.publish(publication) > 1

    def keep_alive(self, bench: Bench, seconds: float) -> None:
        """Let time pass in a room that a facilitator holds."""
        while seconds > 0:
            step = min(seconds, 600)
            bench.clock.advance(step)
            seconds -= step
            bench.beat()

    def test_the_newest_ids_of_each_sender_are_remembered(self, bench: Bench) -> None:
        bench.open()
        theirs = bench.publication(sender=BEN)
        bench.publish(theirs)
        publications = [bench.publication() for _ in range(PUBLISH_IDS + 1)]
        for publication in publications:
            bench.publish(publication)
        ids = [publications[0].id, publications[1].id]
        found = [bench.do(bench.store.published(ROOM, ANN, id)) for id in ids]
        assert found == [None, Position(GENERATION, 3)]
        assert bench.publish(theirs) == 1

    def test_a_moved_roster_is_told_before_a_stale_base(self, bench: Bench) -> None:
        bench.open()
        with pytest.raises(RosterMoved):
            bench.publish(bench.publication(roster=NEXT, base=7))

    def test_a_commit_becomes_the_base(self, bench: Bench) -> None:
        bench.open()
        assert bench.publish(bench.publication(blob_class=BlobClass.COMMIT)) == 1
        with pytest.raises(Stale) as stale:
            bench.publish(bench.publication())
        assert stale.value.base == Position(GENERATION, 1)
        assert bench.publish(bench.publication(base=1)) == 2
        page = bench.do(bench.store.read(ROOM, START, 2**20))
        assert (page.position.number, page.base.number) == (2, 1)

    def test_posting_needs_a_recent_beat(self, bench: Bench) -> None:
        bench.open()
        bench.clock.advance(limits.READ_ONLY_AFTER)
        assert bench.refusal(bench.store.publish(bench.publication())) == "read_only"
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, sender=HOST))
        assert bench.refusal(bench.store.publish(bench.publication(base=1))) == "read_only"
        bench.beat(base=1)
        bench.publish(bench.publication(base=1))

    def test_a_blob_lives_as_long_as_its_class_says(self, bench: Bench) -> None:
        bench.open()
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, ttl=10))
        bench.publish(bench.publication(base=1, ttl=200))
        bench.publish(bench.publication(blob_class=BlobClass.BEAT, base=1, ttl=10_000))
        bench.clock.advance(limits.HEARTBEAT_TTL - 0.1)
        assert bench.read() == [1, 2, 3]
        bench.clock.advance(0.1)
        assert bench.read() == [1, 2]
        bench.clock.advance(110)
        assert bench.read() == [1]
        assert self.lost(bench, 0)
        assert self.lost(bench, 1)
        assert not self.lost(bench, 2)

    def lost(self, bench: Bench, after: int) -> bool:
        return bench.do(bench.store.read(ROOM, Position(GENERATION, after), 1)).lost

    def test_another_generation_or_a_number_of_the_future_reads_all(self, bench: Bench) -> None:
        bench.open()
        bench.publish(bench.publication())
        for after in (Position(b"another.", 1), Position(GENERATION, 2)):
            page = bench.do(bench.store.read(ROOM, after, 1))
            assert ([blob.number for blob in page.blobs], page.lost) == ([1], True)

    def test_a_page_is_about_as_large_as_asked(self, bench: Bench) -> None:
        bench.open()
        for _ in range(5):
            bench.publish(bench.publication(b"x" * 100))
        assert bench.read(0, 1) == [1]
        assert bench.read(1, 250) == [2, 3]
        page = bench.do(bench.store.read(ROOM, Position(GENERATION, 3), 250))
        assert ([blob.number for blob in page.blobs], page.complete) == ([4, 5], True)
        assert not bench.do(bench.store.read(ROOM, START, 250)).complete

    def test_memory_is_bounded_for_a_room_and_in_all(
        self, make: Callable[[StoreBounds | None], Bench]
    ) -> None:
        bench = make(self.small)
        bench.open(ROOM)
        bench.open(OTHER)
        large = bench.publication(b"x" * (limits.MIB // 2), BlobClass.COMMIT, ttl=10)
        bench.publish(large)
        full = bench.publication(b"x" * (limits.MIB // 2), BlobClass.COMMIT, base=1)
        assert bench.refusal(bench.store.publish(full)) == "busy"
        assert bench.head().number == 1
        elsewhere = replace(large, room=OTHER, id=os.urandom(16))
        bench.publish(elsewhere)
        elsewhere = replace(elsewhere, id=os.urandom(16), base=Position(GENERATION, 1))
        assert bench.refusal(bench.store.publish(elsewhere)) == "busy"
        bench.do(bench.store.end(OTHER, OPENING, HEAD))
        bench.clock.advance(limits.ABANDONED_AFTER)
        bench.do(bench.store.sweep(10))
        bench.open()
        bench.publish(large)

    # --- roster steps -----------------------------------------------------------------------

    def test_a_step_is_taken_with_its_commit(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        taken = step(admitted={BEN: b"door-one"}, welcomes={BEN: b"welcome"})
        number = bench.publish(
            bench.publication(blob_class=BlobClass.COMMIT, sender=HOST, step=taken)
        )
        head = bench.head()
        assert (head.roster, head.counter, head.base) == (NEXT, 1, number)
        assert bench.do(bench.store.chain(ROOM, 0)) == (OPENING, taken.entry)
        assert bench.do(bench.store.chain(ROOM, 1)) == (taken.entry,)
        page = bench.do(bench.store.read(ROOM, START, 1))
        assert page.blobs[0].entry == taken.entry
        door = bench.found()
        assert door is not None
        assert door.uses_left == 1
        assert bench.do(bench.store.waiting(ROOM, BEN)) is None
        assert bench.lobby() == []
        assert bench.lobby(1) == [(2, LobbyKind.GONE, b"k" * 16)]
        pending = bench.do(bench.store.welcome(ROOM, BEN))
        assert pending is not None
        assert (pending.welcome, pending.position.number) == (b"welcome", number)
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) is None

    def test_a_step_that_cannot_be_taken_leaves_everything(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door(uses=1))
        bench.knock()
        bench.knock(ANN, id=b"a" * 16)
        before = (bench.head(), bench.found(), bench.lobby())
        both = {BEN: b"door-one", ANN: b"door-one"}
        cases = (
            (step(admitted=both), "door_used"),
            (step(admitted={BEN: b"door-two"}), "unknown_knock"),
            (step(admitted={HOST: b"door-one"}), "unknown_knock"),
        )
        for taken, code in cases:
            commit = bench.publication(blob_class=BlobClass.COMMIT, step=taken)
            assert bench.refusal(bench.store.publish(commit)) == code
            assert (bench.head(), bench.found(), bench.lobby()) == before

    def test_a_step_without_room_leaves_everything(
        self, make: Callable[[StoreBounds | None], Bench]
    ) -> None:
        bench = make(self.small)
        bench.open()
        bench.put(bench.door())
        bench.knock()
        before = (bench.head(), bench.found(), bench.lobby())
        taken = step(admitted={BEN: b"door-one"}, welcomes={BEN: b"w" * limits.MIB})
        commit = bench.publication(blob_class=BlobClass.COMMIT, step=taken)
        assert bench.refusal(bench.store.publish(commit)) == "busy"
        assert (bench.head(), bench.found(), bench.lobby()) == before

    def test_who_is_gone_leaves_nothing(self, bench: Bench) -> None:
        bench.open()
        theirs = bench.publication()
        bench.publish(theirs)
        bench.do(bench.store.add_item(ROOM, LobbyKind.LEAVE, ANN, b"l" * 16, b"leave"))
        welcome = step(welcomes={ANN: b"welcome"})
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=welcome))
        gone = step(2, b"m" * 32, gone=frozenset({ANN}), revoked=frozenset({b"door-one"}))
        bench.publish(
            bench.publication(blob_class=BlobClass.COMMIT, base=2, roster=NEXT, step=gone)
        )
        assert bench.do(bench.store.welcome(ROOM, ANN)) is None
        assert bench.do(bench.store.published(ROOM, ANN, theirs.id)) is None
        assert bench.lobby() == []

    def test_a_welcome_waits_until_its_member_resumes_from_it(self, bench: Bench) -> None:
        bench.open()
        commit = bench.publication(blob_class=BlobClass.COMMIT, step=step(welcomes={BEN: b"w"}))
        number = bench.publish(commit)
        for position, waits in (
            (Position(GENERATION, number - 1), True),
            (Position(b"another.", number), True),
            (Position(GENERATION, number), False),
        ):
            bench.do(bench.store.welcomed(ROOM, BEN, position))
            assert (bench.do(bench.store.welcome(ROOM, BEN)) is not None) is waits

    # --- doors ------------------------------------------------------------------------------

    def test_a_door_closes_with_its_last_use_its_time_or_a_revocation(self, bench: Bench) -> None:
        bench.open()
        for id in (b"door-one", b"door-two"):
            bench.put(bench.door(id, uses=1))
        bench.put(bench.door(b"door-new", ttl=10.0))
        bench.knock()
        admit = step(admitted={BEN: b"door-one"})
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=admit))
        bench.do(bench.store.revoke_door(ROOM, b"door-two", NEXT))
        bench.clock.advance(10)
        for id, code in (
            (b"door-one", "door_used"),
            (b"door-two", "door_revoked"),
            (b"door-new", "door_expired"),
        ):
            door = bench.found(id)
            assert door is not None
            assert (door.closed, door.card, door.key) == (code, b"", b"K" * 32)
            knock = bench.store.knock(ROOM, ANN, id, b"x" * 16, b"knock")
            assert bench.refusal(knock) == code
            again = bench.store.put_door(ROOM, bench.door(id), NEXT)
            assert bench.refusal(again) == code

    def test_a_revoked_door_admits_who_waits_marked(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.do(bench.store.revoke_door(ROOM, b"door-one", HEAD))
        (item,) = bench.do(bench.store.lobby(ROOM, 0))
        assert item.door_revoked
        admit = step(admitted={BEN: b"door-one"})
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=admit))

    def test_a_card_is_replaced_by_a_higher_number(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.put(bench.door())
        newer = replace(bench.door(uses=9, ttl=9.0), card=b"newer")
        assert bench.refusal(bench.store.put_door(ROOM, newer, HEAD)) == "bad_statement"
        other_key = replace(newer, card_number=2, key=b"x" * 32)
        assert bench.refusal(bench.store.put_door(ROOM, other_key, HEAD)) == "bad_statement"
        bench.put(replace(newer, card_number=2))
        door = bench.found()
        assert door is not None
        assert (door.card, door.uses_left, door.closed) == (b"newer", 2, None)
        bench.clock.advance(9)
        door = bench.found()
        assert door is not None
        assert door.closed is None

    def test_doors_are_bounded_open_and_closed(self, bench: Bench) -> None:
        bench.open()
        for number in range(CLOSED_DOORS + 1):
            id = b"%8d" % number
            bench.put(bench.door(id))
            bench.do(bench.store.revoke_door(ROOM, id, HEAD))
        assert bench.found(b"%8d" % 0) is None
        assert bench.found(b"%8d" % 1) is not None
        for number in range(limits.DOORS):
            bench.put(bench.door(b"open%4d" % number))
        assert bench.refusal(bench.store.put_door(ROOM, bench.door(), HEAD)) == "too_many_doors"
        assert bench.refusal(bench.store.revoke_door(ROOM, b"nowhere.", HEAD)) == "unknown_door"

    def test_doors_are_for_who_judged_by_this_roster(self, bench: Bench) -> None:
        bench.open()
        for work in (
            bench.store.put_door(ROOM, bench.door(), NEXT),
            bench.store.revoke_door(ROOM, b"door-one", NEXT),
        ):
            with pytest.raises(RosterMoved):
                bench.do(work)

    def test_a_closed_door_is_forgotten_a_day_after_its_time(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door(ttl=10.0))
        self.keep_alive(bench, 10 + limits.TOMBSTONE - 1)
        assert bench.found() is not None
        self.keep_alive(bench, 1)
        assert bench.found() is None

    # --- the lobby --------------------------------------------------------------------------

    def test_a_knock_is_taken_once(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.knock()
        assert bench.lobby() == [(1, LobbyKind.KNOCK, b"k" * 16)]
        assert bench.do(bench.store.waiting(ROOM, BEN)) == b"k" * 16
        again = bench.store.knock(ROOM, BEN, b"door-one", b"x" * 16, b"knock")
        assert bench.refusal(again) == "already_waiting"
        nowhere = bench.store.knock(ROOM, ANN, b"nowhere.", b"x" * 16, b"knock")
        assert bench.refusal(nowhere) == "unknown_door"

    def test_knocks_are_bounded_and_forgotten(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        for number in range(limits.KNOCKS):
            bench.knock(b"%32d" % number, id=b"%16d" % number)
        many = bench.store.knock(ROOM, BEN, b"door-one", b"x" * 16, b"knock")
        assert bench.refusal(many) == "too_many_knocks"
        bench.clock.advance(limits.KNOCK_TTL)
        assert bench.do(bench.store.sweep(10)) == {ROOM}
        assert bench.lobby() == []
        first = bench.do(bench.store.take_refusal(ROOM, b"%32d" % 0))
        assert first == (b"%16d" % 0, b"")
        bench.knock()

    def test_a_reason_waits_for_who_knocked_and_is_told_once(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.do(bench.store.settle(ROOM, b"k" * 16, b"sealed"))
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) == (b"k" * 16, b"sealed")
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) is None
        assert bench.refusal(bench.store.settle(ROOM, b"k" * 16)) == "unknown_knock"

    def test_a_reason_is_forgotten(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.do(bench.store.settle(ROOM, b"k" * 16, b"sealed"))
        bench.clock.advance(limits.KNOCK_TTL)
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) is None

    def test_a_withdrawn_knock_is_settled_without_a_reason(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.do(bench.store.withdraw(ROOM, BEN))
        assert bench.refusal(bench.store.withdraw(ROOM, BEN)) == "unknown_knock"
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) is None
        assert bench.lobby(1) == [(2, LobbyKind.GONE, b"k" * 16)]

    def test_requests_are_bounded_for_each_member(self, bench: Bench) -> None:
        bench.open()
        ids = [bytes([number]) * 16 for number in range(REQUESTS + 1)]
        for id in [*ids, ids[-1]]:
            bench.do(bench.store.add_item(ROOM, LobbyKind.REQUEST, ANN, id, b"update"))
        assert [id for _, _, id in bench.lobby()] == ids[1:]
        assert bench.lobby(REQUESTS + 1)[-1][1:] == (LobbyKind.GONE, ids[0])
        refuse = bench.store.settle(ROOM, ids[-1], b"reason")
        assert bench.refusal(refuse) == "unknown_knock"

    def test_a_leave_stays_until_the_roster_says_so(self, bench: Bench) -> None:
        bench.open()
        for id in (b"l" * 16, b"m" * 16):
            bench.do(bench.store.add_item(ROOM, LobbyKind.LEAVE, ANN, id, b"leave"))
        self.keep_alive(bench, 2 * limits.REJOIN_WINDOW)
        assert bench.lobby() == [(1, LobbyKind.LEAVE, b"l" * 16)]

    # --- seating again ----------------------------------------------------------------------

    def test_a_room_is_seated_in_the_place_of_the_one_that_was_named(self, bench: Bench) -> None:
        chain = (OPENING, Signed(b"entry 1", bytes(64)))
        seated = SeatedRoom(ROOM, chain, NEXT, b"another.", b"commit", (bench.door(uses=3),))
        assert bench.refusal(bench.store.reseat(seated, HEAD)) == "unknown_room"
        bench.open()
        bench.put(bench.door(b"door-old"))
        bench.publish(bench.publication())
        for expected in (None, NEXT):
            with pytest.raises(RosterMoved):
                bench.do(bench.store.reseat(seated, expected))
        bench.do(bench.store.reseat(seated, HEAD))
        assert bench.head() == RoomHead(b"another.", 1, 1, 1, NEXT, 0)
        page = bench.do(bench.store.read(ROOM, Position(b"another.", 0), 1))
        (blob,) = page.blobs
        assert (blob.blob, blob.blob_class, blob.sender) == (b"commit", BlobClass.COMMIT, b"")
        assert bench.found(b"door-old") is None
        door = bench.found()
        assert door is not None
        assert door.uses_left == 3
        assert bench.do(bench.store.chain(ROOM, 0)) == chain

    def test_a_room_without_a_commit_begins_at_zero(self, bench: Bench) -> None:
        bench.do(bench.store.reseat(SeatedRoom(ROOM, (OPENING,), HEAD, GENERATION, b"", ()), None))
        assert bench.head() == RoomHead(GENERATION, 0, 0, 0, HEAD, 0)
        assert bench.publish(bench.publication()) == 1

    def test_the_store_is_ready(self, bench: Bench) -> None:
        assert bench.do(bench.store.ready())
        assert bench.do(bench.store.now()) >= 0
