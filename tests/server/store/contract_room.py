"""What every `Store` must do with whole rooms."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed
from alcove_server.store.budget import StoreBounds
from alcove_server.store.interface import (
    RoomHead,
    RosterMoved,
    SeatedCommit,
    SeatedRoom,
)

from tests.server.store.bench import (
    ANN,
    BEN,
    GENERATION,
    HEAD,
    NEXT,
    OPENING,
    ROOM,
    START,
    Bench,
    Benched,
)


class RoomContract(Benched):
    """A part of `StoreContract`."""

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
            store.waiting_among(ROOM, [BEN]),
            store.withdraw(ROOM, BEN),
            store.add_item(ROOM, LobbyKind.REQUEST, ANN, bytes(16), b"request"),
            store.settle(ROOM, bytes(16)),
            store.read_lobby(ROOM, 0, False),
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
        bench.do(bench.store.expire(10))
        assert bench.do(bench.store.head(ROOM)) is None

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

    def test_the_commit_of_a_restored_room_keeps_its_entry(self, bench: Bench) -> None:
        """Otherwise a member that is one commit behind has another list than all others."""
        entry = Signed(b"entry 1", bytes(64))
        seated = SeatedRoom(ROOM, (OPENING, entry), NEXT, GENERATION, b"commit", (), entry)
        bench.do(bench.store.reseat(seated, None))
        (blob,) = bench.do(bench.store.read(ROOM, Position(GENERATION, 0), 1)).blobs
        assert (blob.blob, blob.entry) == (b"commit", entry)

    def test_a_restored_room_begins_with_its_last_commits(self, bench: Bench) -> None:
        """A member that missed some follows them, each with its entry. The last one is the base."""
        entry = Signed(b"entry 1", bytes(64))
        earlier = (SeatedCommit(b"older", entry), SeatedCommit(b"old"))
        seated = SeatedRoom(ROOM, (OPENING, entry), NEXT, GENERATION, b"commit", earlier=earlier)
        bench.do(bench.store.reseat(seated, None))
        assert bench.head() == RoomHead(GENERATION, 3, 3, 1, NEXT, 0)
        page = bench.do(bench.store.read(ROOM, Position(GENERATION, 0), 1 << 20))
        found = [(blob.number, blob.blob, blob.entry) for blob in page.blobs]
        assert found == [(1, b"older", entry), (2, b"old", None), (3, b"commit", None)]
        assert page.commit == sha256(b"commit").digest()

    def test_a_refused_door_leaves_the_count_of_bytes_right(
        self, make: Callable[[StoreBounds | None], Bench]
    ) -> None:
        """What ends when a door is put is counted as free, also when the door is refused."""
        bench = make(self.small)
        bench.open()
        large = b"c" * (limits.MIB * 3 // 4)
        bench.put(replace(bench.door(ttl=10.0), card=large))
        bench.put(bench.door(b"door-two"))
        bench.clock.advance(20)
        other = replace(bench.door(b"door-two"), key=b"L" * 32, card_number=2)
        assert bench.refusal(bench.store.put_door(ROOM, other, HEAD)) == "bad_statement"
        bench.put(replace(bench.door(b"door-thr"), card=large))

    def test_a_room_is_not_seated_with_too_many_doors(self, bench: Bench) -> None:
        bench.open()
        bench.publish(bench.publication())
        doors = tuple(bench.door(b"door%4d" % at) for at in range(limits.DOORS + 1))
        seated = SeatedRoom(ROOM, (OPENING,), NEXT, b"another.", b"commit", doors)
        assert bench.refusal(bench.store.reseat(seated, HEAD)) == "too_many_doors"
        assert bench.head().generation == GENERATION
        assert bench.read() == [1]

    @pytest.mark.parametrize(
        ("commit", "keys", "code"),
        [(bytes(limits.MIB), (b"K",), "busy"), (b"", (b"K", b"L"), "bad_statement")],
    )
    def test_a_room_that_cannot_be_seated_anew_stays_as_it_was(
        self,
        make: Callable[[StoreBounds | None], Bench],
        commit: bytes,
        keys: tuple[bytes, ...],
        code: str,
    ) -> None:
        """There is no room for its commit, or one door comes under two keys."""
        bench = make(self.small)
        bench.open()
        bench.put(bench.door(b"door-old"))
        bench.knock(door=b"door-old")
        bench.publish(bench.publication(b"kept", id=b"p" * 16))
        head = bench.head()
        doors = tuple(
            replace(bench.door(), key=key * 32, card_number=number)
            for number, key in enumerate(keys, start=1)
        )
        seated = SeatedRoom(ROOM, (OPENING,), NEXT, b"another.", commit, doors)
        assert bench.refusal(bench.store.reseat(seated, HEAD)) == code
        assert bench.head() == head
        assert bench.read() == [1]
        assert bench.do(bench.store.published(ROOM, ANN, b"p" * 16)) == Position(GENERATION, 1)
        assert bench.lobby() == [(1, LobbyKind.KNOCK, b"k" * 16)]
        assert bench.found() is None
        assert bench.found(b"door-old") is not None
        bench.clock.advance(60)
        assert bench.read() == []
        bench.clock.advance(limits.ABANDONED_AFTER)
        bench.do(bench.store.expire(10))

    def test_a_room_without_a_commit_begins_at_zero(self, bench: Bench) -> None:
        bench.do(bench.store.reseat(SeatedRoom(ROOM, (OPENING,), HEAD, GENERATION, b"", ()), None))
        assert bench.head() == RoomHead(GENERATION, 0, 0, 0, HEAD, 0)
        assert bench.publish(bench.publication()) == 1

    def test_the_store_is_ready(self, bench: Bench) -> None:
        assert bench.do(bench.store.ready())
