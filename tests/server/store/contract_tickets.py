"""What every `Store` must do with what members park for the holders of their tickets."""

from collections.abc import Callable
from dataclasses import replace

from alcove_protocol import limits
from alcove_protocol.frames import BlobClass
from alcove_server.store.budget import StoreBounds
from alcove_server.store.interface import Parked, Parking, SeatedRoom

from tests.server.store.bench import ANN, BEN, GENERATION, HEAD, OPENING, ROOM, Bench, Benched, step

SLOT, OTHER_SLOT = b"s" * 16, b"o" * 16
TOKEN, WRONG = b"t" * 32, b"w" * 32
PARKING = Parking(SLOT, TOKEN, b"sealed")


def park(bench: Bench, parking: Parking = PARKING, key: bytes = ANN) -> None:
    bench.do(bench.store.park(ROOM, key, parking))


def parked(bench: Bench, token: bytes = TOKEN, slot: bytes = SLOT) -> Parked | None:
    return bench.do(bench.store.parked(ROOM, slot, token))


class TicketsContract(Benched):
    """A part of `StoreContract`."""

    def test_what_is_parked_is_found_by_its_token_for_ten_minutes(self, bench: Bench) -> None:
        bench.open()
        park(bench)
        bench.clock.advance(limits.TICKET - 1)
        assert parked(bench) == Parked(ANN, b"sealed")
        assert parked(bench, slot=OTHER_SLOT) is None
        bench.clock.advance(1)
        assert parked(bench) is None

    def test_parked_anew_it_begins_anew_in_the_place_of_the_former(self, bench: Bench) -> None:
        bench.open()
        park(bench)
        bench.clock.advance(limits.TICKET - 1)
        park(bench, replace(PARKING, blob=b"newer"))
        bench.clock.advance(limits.TICKET - 1)
        assert parked(bench) == Parked(ANN, b"newer")
        park(bench, replace(PARKING, slot=OTHER_SLOT))
        assert parked(bench) is None
        assert parked(bench, slot=OTHER_SLOT) == Parked(ANN, b"sealed")

    def test_after_five_wrong_tokens_it_is_gone(self, bench: Bench) -> None:
        bench.open()
        park(bench)
        for _ in range(limits.TICKET_TRIES - 1):
            assert parked(bench, WRONG) is None
        assert parked(bench) == Parked(ANN, b"sealed")
        assert parked(bench, WRONG) is None
        assert parked(bench) is None

    def test_fetched_it_is_kept_for_a_minute_and_never_longer(self, bench: Bench) -> None:
        bench.open()
        bench.do(bench.store.fetched(ROOM, SLOT))  # of nothing
        park(bench)
        bench.do(bench.store.fetched(ROOM, SLOT))
        bench.clock.advance(limits.TICKET_FETCHED - 1)
        bench.do(bench.store.fetched(ROOM, SLOT))
        assert parked(bench) == Parked(ANN, b"sealed")
        bench.clock.advance(1)
        assert parked(bench) is None
        park(bench)
        bench.clock.advance(limits.TICKET - 1)
        bench.do(bench.store.fetched(ROOM, SLOT))
        bench.clock.advance(1)
        assert parked(bench) is None

    def test_it_goes_with_its_key_and_with_the_room(self, bench: Bench) -> None:
        bench.open()
        park(bench)
        park(bench, replace(PARKING, slot=OTHER_SLOT), BEN)
        bench.do(bench.store.unpark(ROOM, b"n" * 32))  # who parked nothing
        bench.do(bench.store.unpark(ROOM, ANN))
        assert parked(bench) is None
        park(bench)
        gone = step(gone=frozenset({ANN}))
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=gone))
        assert parked(bench) is None
        assert parked(bench, slot=OTHER_SLOT) == Parked(BEN, b"sealed")
        bench.do(bench.store.end(ROOM, OPENING, b"n" * 32))
        assert bench.refusal(bench.store.parked(ROOM, OTHER_SLOT, TOKEN)) == "ended"

    def test_it_goes_when_the_room_is_brought_back(self, bench: Bench) -> None:
        bench.open()
        park(bench)
        again = SeatedRoom(ROOM, (OPENING,), HEAD, b"another.")
        bench.do(bench.store.reseat(again, HEAD))
        assert GENERATION != b"another."
        assert parked(bench) is None

    def test_a_slot_has_one_key_and_a_key_one_slot(self, bench: Bench) -> None:
        bench.open()
        park(bench)
        assert bench.refusal(bench.store.park(ROOM, BEN, PARKING)) == "bad_statement"
        assert parked(bench) == Parked(ANN, b"sealed")

    def test_it_counts_as_other_items_do(self, make: Callable[[StoreBounds | None], Bench]) -> None:
        bench = make(StoreBounds(room_bytes=limits.MIB))
        bench.open()
        large = replace(PARKING, blob=bytes(limits.MIB // 4))
        for number in (1, 2):
            park(bench, replace(large, slot=bytes([number]) * 16), bytes([number]) * 32)
        third = bench.store.park(ROOM, BEN, replace(large, slot=bytes([3]) * 16))
        assert bench.refusal(third) == "busy"
        park(bench, replace(large, slot=bytes([4]) * 16), bytes([2]) * 32)  # in its former's place
        bench.do(bench.store.unpark(ROOM, bytes([1]) * 32))
        park(bench, replace(large, slot=bytes([3]) * 16), BEN)
        bench.clock.advance(limits.TICKET)
        bench.do(bench.store.expire(10))
        for number in (5, 6):
            park(bench, replace(large, slot=bytes([number]) * 16), bytes([number]) * 32)
