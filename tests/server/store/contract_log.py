"""What every `Store` must do with blobs, and with the roster entries that go with them."""

import os
from collections.abc import Callable

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import COMMITS, BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_server.store.budget import BLOB_FRAME, PAGE_BLOBS, PUBLISH_IDS, StoreBounds
from alcove_server.store.interface import (
    RosterMoved,
    Stale,
)

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
    START,
    Bench,
    Benched,
    but,
    step,
)


class LogContract(Benched):
    """A part of `StoreContract`."""

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
        wrong = but(taken, base=Position(GENERATION, 9).encode(), roster=NEXT)
        assert bench.publish(wrong) == 1
        bench.beat()
        assert bench.publish(bench.publication()) == 3
        bench.clock.advance(limits.READ_ONLY_AFTER)
        assert bench.read() == []
        assert bench.do(bench.store.published(ROOM, ANN, taken.id)) == Position(GENERATION, 1)

    def test_an_id_is_the_senders_own(self, bench: Bench) -> None:
        bench.open()
        first = bench.publication()
        assert bench.publish(first) == 1
        assert bench.publish(but(first, sender=BEN)) == 2

    def test_refusals_are_not_recorded(self, bench: Bench) -> None:
        bench.open()
        publication = bench.publication(base=4)
        assert bench.refusal(bench.store.publish(publication)) == "stale"
        assert bench.do(bench.store.published(ROOM, ANN, publication.id)) is None
        assert bench.publish(but(publication, base=START.encode())) == 1

    def test_an_id_outlives_its_blob_by_an_hour(self, bench: Bench) -> None:
        bench.open()
        publication = bench.publication(ttl=100)
        bench.publish(publication)
        self.keep_alive(bench, 100 + limits.PUBLISH_RECORD - 1)
        assert bench.publish(publication) == 1
        bench.clock.advance(1)
        bench.beat()
        assert bench.publish(publication) > 1

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

    @pytest.mark.parametrize("blob_class", sorted(COMMITS))
    def test_a_commit_becomes_the_base(self, bench: Bench, blob_class: BlobClass) -> None:
        bench.open()
        assert bench.publish(bench.publication(blob_class=blob_class)) == 1
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

    def test_a_page_says_whether_the_room_is_read_only(self, bench: Bench) -> None:
        def read_only() -> bool:
            return bench.do(bench.store.read(ROOM, START, 1)).read_only

        bench.open()
        assert not read_only()
        bench.clock.advance(limits.READ_ONLY_AFTER - 1)
        assert not read_only()
        bench.clock.advance(1)
        assert read_only()
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, sender=HOST))
        assert read_only()
        bench.beat(base=1)
        assert not read_only()
        bench.clock.advance(limits.READ_ONLY_AFTER)
        assert read_only()

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
        two = 2 * (100 + BLOB_FRAME)
        assert bench.read(0, 1) == [1]
        assert bench.read(1, two) == [2, 3]
        assert bench.read(1, two - 1) == [2]
        page = bench.do(bench.store.read(ROOM, Position(GENERATION, 3), two))
        assert ([blob.number for blob in page.blobs], page.up_to) == ([4, 5], 5)
        assert page.complete
        page = bench.do(bench.store.read(ROOM, START, two))
        assert (page.up_to, page.complete) == (2, False)

    def test_a_page_counts_the_entry_too(self, bench: Bench) -> None:
        bench.open()
        bench.publish(bench.publication(b"x" * 100))
        taken = step()
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=taken))
        both = 104 + len(taken.entry.body) + len(taken.entry.signature) + 2 * BLOB_FRAME
        assert bench.read(0, both) == [1, 2]
        assert bench.read(0, both - 1) == [1]

    def test_a_page_has_so_many_blobs_however_small_they_are(self, bench: Bench) -> None:
        bench.open()
        for _ in range(PAGE_BLOBS + 2):
            bench.publish(bench.publication(b"x"))
        page = bench.do(bench.store.read(ROOM, Position(GENERATION, 1), 2**30))
        assert [blob.number for blob in page.blobs] == list(range(2, PAGE_BLOBS + 2))
        assert (page.up_to, page.complete) == (PAGE_BLOBS + 1, False)
        page = bench.do(bench.store.read(ROOM, Position(GENERATION, page.up_to), 2**30))
        assert ([blob.number for blob in page.blobs], page.complete) == ([PAGE_BLOBS + 2], True)

    def test_pages_have_all_that_is_unexpired_whatever_was_dropped(self, bench: Bench) -> None:
        """Thousands of blobs end together, between blobs that stay and before the last blob."""
        bench.open()
        count = 10 * PAGE_BLOBS
        stay = list(range(1000, count, 1000))
        for number in range(1, count):
            bench.publish(bench.publication(b"x", ttl=85 if number in stay else 80))
        bench.publish(bench.publication(b"x", BlobClass.COMMIT))
        bench.clock.advance(80)
        for _ in range(4):
            assert self.paged(bench, 0) == [*stay, count]
            assert self.paged(bench, stay[-1]) == [count]
            lost = [self.lost(bench, after) for after in (0, count - 2, count - 1)]
            assert lost == [True, True, False]
            bench.do(bench.store.expire(10))
        bench.clock.advance(5)
        assert self.paged(bench, 0) == [count]
        assert not self.lost(bench, count - 1)

    def paged(self, bench: Bench, after: int) -> list[int]:
        """Return the numbers in all pages after a number. Each page must bring the reader on."""
        numbers: list[int] = []
        while True:
            page = bench.do(bench.store.read(ROOM, Position(GENERATION, after), 2**30))
            numbers += [blob.number for blob in page.blobs]
            assert all(after < blob.number <= page.up_to for blob in page.blobs)
            if page.complete:
                assert page.up_to == page.position.number
                return numbers
            assert page.up_to > after
            after = page.up_to

    def test_what_is_lost_is_told_for_each_position(self, bench: Bench) -> None:
        """Application blobs end in any order. The end of other blobs is no loss."""
        bench.open()
        ends = (50, 20, 40, 20, 70, 30, 60)
        for ttl in ends:
            bench.publish(bench.publication(ttl=ttl))
            bench.publish(bench.publication(blob_class=BlobClass.BEAT, sender=HOST, ttl=10))
        for passed in range(10, 80, 10):
            bench.clock.advance(10)
            for after in range(2 * len(ends) + 1):
                gone = [at for at, ttl in enumerate(ends) if ttl <= passed and 2 * at + 1 > after]
                assert self.lost(bench, after) is bool(gone), (passed, after)

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
        elsewhere = but(large, room=OTHER, id=os.urandom(16))
        bench.publish(elsewhere)
        elsewhere = but(elsewhere, id=os.urandom(16), base=Position(GENERATION, 1).encode())
        assert bench.refusal(bench.store.publish(elsewhere)) == "busy"
        bench.do(bench.store.end(OTHER, OPENING, HEAD))
        bench.clock.advance(limits.ABANDONED_AFTER)
        bench.do(bench.store.expire(10))
        bench.open()
        bench.publish(large)

    def test_what_members_send_leaves_space_to_remove_them(
        self, make: Callable[[StoreBounds | None], Bench]
    ) -> None:
        bench = make(self.small)
        bench.open()
        bench.put(bench.door())
        for _ in range(25):
            bench.publish(bench.publication(b"x" * 30_000))
        assert bench.refusal(bench.store.publish(bench.publication(b"x" * 30_000))) == "busy"
        asked = bench.store.add_item(ROOM, LobbyKind.REQUEST, ANN, b"r" * 16, b"x" * 30_000)
        assert bench.refusal(asked) == "busy"
        bench.do(bench.store.add_item(ROOM, LobbyKind.LEAVE, ANN, b"l" * 16, b"leave"))
        bench.beat()
        bench.publish(bench.publication(b"x" * 100_000, BlobClass.COMMIT, sender=HOST))

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
        assert not bench.waits(BEN)
        assert bench.lobby() == []
        assert bench.lobby(1) == [(2, LobbyKind.GONE, b"k" * 16)]
        pending = bench.do(bench.store.welcome(ROOM, BEN))
        assert pending is not None
        assert (pending.welcome, pending.position.number) == (b"welcome", number)
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) is None

    def test_new_keys_in_the_place_of_others_use_up_nothing(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door(uses=1))
        bench.knock()
        bench.knock(ANN, id=b"a" * 16)
        both = {BEN: b"door-one", ANN: b"door-one"}
        taken = step(admitted=both, replacing=frozenset({BEN}))
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, sender=HOST, step=taken))
        assert not bench.waits(BEN)
        door = bench.found()
        assert door is not None
        assert (door.uses_left, door.closed) == (0, "door_used")  # Ann's use

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

    def test_a_member_that_is_gone_leaves_nothing(self, bench: Bench) -> None:
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
