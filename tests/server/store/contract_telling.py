"""What every `Store` must tell its node, and in which order."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.statements import Signed
from alcove_server.store.interface import RosterMoved, SeatedRoom, Stale, Taken

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
    Benched,
    but,
    step,
)

Change = Callable[[Bench], Coroutine[Any, Any, object]]


def commit(bench: Bench) -> Coroutine[Any, Any, object]:
    return bench.store.publish(bench.publication(blob_class=BlobClass.COMMIT, step=step()))


def knock(bench: Bench) -> Coroutine[Any, Any, object]:
    return bench.store.knock(ROOM, ANN, b"door-one", b"a" * 16, b"knock")


def withdraw(bench: Bench) -> Coroutine[Any, Any, object]:
    return bench.store.withdraw(ROOM, BEN)


def settle(bench: Bench) -> Coroutine[Any, Any, object]:
    return bench.store.settle(ROOM, b"k" * 16, b"no")


def ask(bench: Bench) -> Coroutine[Any, Any, object]:
    return bench.store.add_item(ROOM, LobbyKind.REQUEST, ANN, bytes(16), b"request")


def end(bench: Bench) -> Coroutine[Any, Any, object]:
    return bench.store.end(ROOM, Signed(b"the end", bytes(64)), HEAD)


def seat_again(bench: Bench) -> Coroutine[Any, Any, object]:
    return bench.store.reseat(SeatedRoom(ROOM, (OPENING,), NEXT, b"another.", b"", ()), HEAD)


CHANGES = pytest.mark.parametrize("change", [commit, knock, withdraw, settle, ask, end, seat_again])


class TellingContract(Benched):
    """A part of `StoreContract`."""

    def waiting_room(self, bench: Bench) -> None:
        """A watched room where one newcomer waits."""
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.store.watch(ROOM)

    # --- blobs ------------------------------------------------------------------------------

    @pytest.mark.parametrize("blob_class", BlobClass)
    def test_a_blob_is_told_before_its_publish_is_answered(
        self, bench: Bench, blob_class: BlobClass
    ) -> None:
        bench.open()
        bench.store.watch(ROOM)
        publication = bench.publication(blob_class=blob_class)
        bench.soon(publication)
        assert bench.told() == [(ROOM, GENERATION, publication.id), publication.id]
        awaited = bench.publication(base=bench.head().base)
        bench.publish(awaited)
        assert bench.told() == [(ROOM, GENERATION, awaited.id)]

    def test_a_told_blob_is_the_blob_that_is_read(self, bench: Bench) -> None:
        bench.open()
        bench.store.watch(ROOM)
        bench.soon(bench.publication(b"said", sender=BEN, ttl=77))
        (told,) = bench.listener.blobs
        page = bench.do(bench.store.read(ROOM, bench.at(0), 2**20))
        names = ("number", "blob_class", "id", "sender", "taken_at", "expires_at", "blob", "entry")
        assert [[getattr(blob, name) for name in names] for blob in page.blobs] == [
            [getattr(told, name) for name in names]
        ]
        assert told.blob == b"said"

    def test_what_is_published_soon_is_answered_once_in_the_order_of_the_calls(
        self, bench: Bench
    ) -> None:
        bench.open()
        bench.store.watch(ROOM)
        publications = [bench.publication() for _ in range(5)]
        bench.soon(*publications)
        ids = [one.id for one in publications]
        assert [told for told in bench.told() if isinstance(told, bytes)] == ids
        taken = bench.outcomes()
        assert [one.number for one in taken if isinstance(one, Taken)] == [1, 2, 3, 4, 5]

    def test_an_id_that_was_taken_is_answered_and_not_told_again(self, bench: Bench) -> None:
        bench.open()
        bench.store.watch(ROOM)
        publication = bench.publication()
        bench.soon(publication, publication)
        assert bench.told().count((ROOM, GENERATION, publication.id)) == 1
        first, second = bench.outcomes()
        assert isinstance(first, Taken)
        assert isinstance(second, Taken)
        assert first.position == second.position

    def test_a_refused_publish_is_answered_and_not_told(self, bench: Bench) -> None:
        bench.open()
        bench.store.watch(ROOM)
        unknown = but(bench.publication(), room=OTHER)
        bench.soon(bench.publication(base=7), bench.publication(roster=NEXT), unknown)
        stale, moved, refused = bench.outcomes()
        assert isinstance(stale, Stale)
        assert stale.base == bench.at(0)
        assert isinstance(moved, RosterMoved)
        assert isinstance(refused, Refusal)
        assert refused.code == "unknown_room"
        assert bench.listener.blobs == []

    # --- everything else --------------------------------------------------------------------

    @CHANGES
    def test_a_change_rings_before_it_is_answered(self, bench: Bench, change: Change) -> None:
        self.waiting_room(bench)
        bench.told()
        bench.do(change(bench))
        assert bench.told() == [ROOM]

    @CHANGES
    def test_a_room_that_is_not_watched_does_not_ring(self, bench: Bench, change: Change) -> None:
        self.waiting_room(bench)
        bench.store.unwatch(ROOM)
        bench.store.watch(OTHER)
        bench.do(change(bench))
        assert bench.told() == []

    def test_a_call_that_changes_nothing_does_not_ring(self, bench: Bench) -> None:
        self.waiting_room(bench)
        bench.do(ask(bench))
        bench.told()
        bench.knock()
        bench.do(ask(bench))
        assert bench.refusal(bench.store.settle(ROOM, b"x" * 16)) == "unknown_knock"
        with pytest.raises(RosterMoved):
            bench.do(bench.store.end(ROOM, OPENING, NEXT))
        assert bench.told() == []

    def test_a_room_may_be_watched_before_it_is_there(self, bench: Bench) -> None:
        bench.store.watch(ROOM)
        bench.open()
        bench.soon(bench.publication())
        assert len(bench.listener.blobs) == 1

    # --- time -------------------------------------------------------------------------------

    def test_an_expired_knock_rings_where_it_is_watched(self, bench: Bench) -> None:
        self.waiting_room(bench)
        bench.told()
        bench.clock.advance(limits.KNOCK_TTL)
        bench.do(bench.store.expire(10))
        assert bench.told() == [ROOM]
        bench.do(bench.store.expire(10))
        assert bench.told() == []

    def test_a_knock_found_expired_by_a_reader_is_rung_by_the_next_expire(
        self, bench: Bench
    ) -> None:
        self.waiting_room(bench)
        bench.told()
        bench.clock.advance(limits.KNOCK_TTL)
        assert bench.lobby() == []
        bench.do(bench.store.expire(10))
        assert bench.told() == [ROOM]

    def test_expired_blobs_alone_do_not_ring(self, bench: Bench) -> None:
        bench.open()
        bench.store.watch(ROOM)
        bench.publish(bench.publication(ttl=10))
        bench.told()
        bench.clock.advance(10)
        bench.do(bench.store.expire(10))
        assert bench.told() == []

    def test_a_forgotten_room_rings_where_it_is_watched(self, bench: Bench) -> None:
        bench.open()
        bench.open(OTHER)
        bench.store.watch(ROOM)
        bench.clock.advance(limits.ABANDONED_AFTER)
        bench.do(bench.store.expire(10))
        assert bench.told() == [ROOM]
        assert bench.do(bench.store.head(ROOM)) is None
        assert bench.do(bench.store.head(OTHER)) is None

    # --- one look for what belongs together -------------------------------------------------

    def test_one_look_tells_all_that_a_newcomer_is_judged_by(self, bench: Bench) -> None:
        def look(key: bytes, door: bytes = b"door-one") -> tuple[object, ...]:
            found = bench.do(bench.store.at_door(ROOM, door, key))
            return found.head, found.door, found.waiting

        assert look(BEN) == (None, None, False)
        self.waiting_room(bench)
        assert look(BEN) == (bench.head(), bench.found(), True)
        assert look(ANN) == (bench.head(), bench.found(), False)
        assert look(BEN, b"nowhere.") == (bench.head(), None, True)
        bench.do(end(bench))
        assert look(BEN) == (bench.head(), None, False)
        assert bench.head().ended is not None

    def test_one_look_tells_which_of_many_keys_wait(self, bench: Bench) -> None:
        self.waiting_room(bench)
        bench.do(knock(bench))
        waiting = bench.store.waiting_among(ROOM, [ANN, HOST, BEN])
        assert bench.do(waiting) == {ANN, BEN}
        bench.do(withdraw(bench))
        assert bench.do(bench.store.waiting_among(ROOM, [ANN, BEN])) == {ANN}

    def test_a_page_of_the_lobby_tells_when_it_was_read(self, bench: Bench) -> None:
        self.waiting_room(bench)
        bench.clock.advance(7)
        page = bench.do(bench.store.read_lobby(ROOM, 0, False))
        (item,) = page.items
        assert (item.key, page.now - item.taken_at) == (BEN, 7)
