"""What every `Store` must do with a log that a client brought back."""

from collections.abc import Mapping

import pytest
from alcove_protocol import limits
from alcove_protocol.statements import Signed
from alcove_server.store.interface import SeatedRoom, Vote

from tests.server.store.bench import (
    ANN,
    BEN,
    GENERATION,
    HEAD,
    NEXT,
    OPENING,
    ROOM,
    Bench,
    Benched,
)

AGAIN = b"another."


def seated(*more: Signed, head: bytes = HEAD, generation: bytes = GENERATION) -> SeatedRoom:
    return SeatedRoom(ROOM, (OPENING, *more), head, generation, b"", ())


def votes(bench: Bench, generation: bytes, age: float) -> Mapping[bytes, Vote]:
    """The votes of this log, which began so many seconds ago."""
    found = bench.do(bench.store.unsettled(ROOM))
    assert found is not None
    assert found.generation == generation
    assert found.age == pytest.approx(age)
    return found.votes


class VotesContract(Benched):
    """A part of `StoreContract`."""

    def test_a_log_that_was_opened_is_settled(self, bench: Bench) -> None:
        bench.open()
        bench.do(bench.store.vote(ROOM, GENERATION, ANN, Vote(HEAD, 0, False)))
        assert bench.do(bench.store.unsettled(ROOM)) is None

    def test_a_log_that_was_brought_back_keeps_the_first_vote_of_each_key(
        self, bench: Bench
    ) -> None:
        bench.do(bench.store.reseat(seated(), None))
        first, other = Vote(HEAD, 3, False), Vote(NEXT, 2, True)
        for key, vote in ((ANN, first), (BEN, other), (ANN, other)):
            bench.do(bench.store.vote(ROOM, GENERATION, key, vote))
        bench.clock.advance(7)
        assert votes(bench, GENERATION, 7) == {ANN: first, BEN: other}

    def test_a_void_vote_takes_the_place_of_any(self, bench: Bench) -> None:
        bench.do(bench.store.reseat(seated(), None))
        void = Vote(bytes(32), 0, True, True)
        for vote in (Vote(HEAD, 3, False), void, Vote(NEXT, 3, True)):
            bench.do(bench.store.vote(ROOM, GENERATION, ANN, vote))
        assert votes(bench, GENERATION, 0) == {ANN: void}

    def test_a_settled_log_stays_settled(self, bench: Bench) -> None:
        bench.do(bench.store.reseat(seated(), None))
        bench.do(bench.store.settle_log(ROOM, AGAIN))
        assert bench.do(bench.store.unsettled(ROOM)) is not None
        bench.do(bench.store.settle_log(ROOM, GENERATION))
        bench.do(bench.store.vote(ROOM, GENERATION, ANN, Vote(HEAD, 0, False)))
        assert bench.do(bench.store.unsettled(ROOM)) is None

    def test_each_new_log_begins_without_votes(self, bench: Bench) -> None:
        bench.do(bench.store.reseat(seated(), None))
        bench.do(bench.store.vote(ROOM, GENERATION, ANN, Vote(HEAD, 0, False)))
        bench.clock.advance(60)
        longer = seated(Signed(b"entry 1", bytes(64)), head=NEXT, generation=AGAIN)
        bench.do(bench.store.reseat(longer, HEAD))
        bench.do(bench.store.vote(ROOM, GENERATION, BEN, Vote(HEAD, 0, False)))
        assert votes(bench, AGAIN, 0) == {}

    def test_an_end_is_lifted_by_the_chain_that_goes_past_it(self, bench: Bench) -> None:
        bench.open()
        said, other = Signed(b"the end", bytes(64)), Signed(b"no end", bytes(64))
        bench.do(bench.store.end(ROOM, said, HEAD))
        assert bench.head().generation == GENERATION
        longer = seated(Signed(b"entry 1", bytes(64)), head=NEXT, generation=AGAIN)
        assert bench.refusal(bench.store.reseat(longer, None, over=other)) == "ended"
        bench.do(bench.store.reseat(longer, None, over=said))
        head = bench.head()
        assert (head.ended, head.generation, head.counter) == (None, AGAIN, 1)
        bench.clock.advance(limits.ABANDONED_AFTER)
        bench.do(bench.store.expire(10))
        assert bench.do(bench.store.head(ROOM)) is None

    def test_a_part_of_the_chain_is_read(self, bench: Bench) -> None:
        entries = tuple(Signed(b"entry %d" % number, bytes(64)) for number in range(1, 5))
        bench.do(bench.store.reseat(seated(*entries), None))
        chain = (OPENING, *entries)
        assert bench.do(bench.store.chain(ROOM, 1, 2)) == chain[1:3]
        assert bench.do(bench.store.chain(ROOM, 3, 9)) == chain[3:]
        assert bench.do(bench.store.chain(ROOM, 9)) == ()
