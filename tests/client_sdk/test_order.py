"""One order: how a client follows the numbers of the log, and what the log hash covers."""

from hashlib import sha256

import pytest
from alcove.messages.log_hash import WINDOW, LogHash, Seen, log_next, log_start
from alcove.messages.stream import Advance, Stream
from alcove_protocol import frames
from alcove_protocol.position import Position

ROOM, HERE, ELSEWHERE = bytes(32), b"A" * 8, b"B" * 8


def at(number: int, generation: bytes = HERE) -> Position:
    return Position(generation, number)


def stream(number: int = 5) -> Stream:
    """A client that has seen the log up to a number, and has an anchor there."""
    made = Stream(ROOM, at(number))
    made.log.anchor(at(number), bytes(32))
    return made


def resumed(head: Position) -> frames.Resumed:
    return frames.Resumed(1, head.encode(), head.encode(), bytes(32), False, False, 0, False)


def test_the_next_number_moves_the_cursor() -> None:
    made = stream()
    assert made.advance(at(6), 2, b"blob") is Advance.NEXT
    assert made.cursor == at(6)
    assert made.log.current == (at(6), log_next(bytes(32), 6, 2, sha256(b"blob").digest()))


@pytest.mark.parametrize("position", [at(5), at(4), at(1), at(6, ELSEWHERE)])
def test_what_was_handled_or_is_of_another_log_changes_nothing(position: Position) -> None:
    made = stream()
    before = made.log.current
    assert made.advance(position, 2, b"blob") is Advance.BEHIND
    assert (made.cursor, made.log.current) == (at(5), before)


def test_a_number_left_out_is_a_hole_and_ends_the_comparison() -> None:
    made = stream()
    assert made.advance(at(7), 2, b"blob") is Advance.AFTER_HOLE
    assert made.cursor == at(7)
    assert not made.log.anchored


def test_what_is_left_out_of_a_replay_has_expired_and_after_it_is_withheld() -> None:
    made = stream()
    assert made.resumed(resumed(at(9))) is False
    assert (made.cursor, made.log.anchored) == (at(5), True)
    assert made.advance(at(8), 2, b"blob") is Advance.AFTER_EXPIRY
    assert made.advance(at(10), 2, b"blob") is Advance.AFTER_EXPIRY
    assert made.advance(at(12), 2, b"blob") is Advance.AFTER_HOLE


def test_ones_own_answer_ends_a_replay_whatever_end_the_relay_claimed() -> None:
    made = stream()
    made.resumed(resumed(at(100)))
    assert made.published(at(6), 2, b"mine") is Advance.NEXT
    assert made.advance(at(8), 2, b"blob") is Advance.AFTER_HOLE


def test_another_generation_begins_at_nothing_and_compares_nothing() -> None:
    made = stream()
    assert made.resumed(resumed(at(3, ELSEWHERE))) is True
    assert made.cursor == at(0, ELSEWHERE)
    assert not made.log.anchored
    assert made.advance(at(1, ELSEWHERE), 1, b"base") is Advance.NEXT


def test_who_is_in_the_group_anew_begins_there() -> None:
    made = stream()
    made.resumed(resumed(at(100)))
    made.restart(at(20))
    assert (made.cursor, made.log.anchored) == (at(20), False)
    assert made.advance(at(22), 2, b"blob") is Advance.AFTER_HOLE


def test_a_new_log_begins_with_one_value_for_all() -> None:
    one, other = stream(), Stream(ROOM, at(1))
    for made in (one, other):
        made.start_log(at(1), b"transcript")
        assert made.log.current == (at(1), log_start(ROOM, b"transcript"))
    assert one.log.agrees(at(5), bytes(32)) is None


def test_the_log_hash_covers_all_that_a_relay_could_change() -> None:
    blob = sha256(b"blob").digest()
    first = log_next(bytes(32), 6, 2, blob)
    others = (
        log_next(b"x" * 32, 6, 2, blob),
        log_next(bytes(32), 7, 2, blob),
        log_next(bytes(32), 6, 1, blob),
        log_next(bytes(32), 6, 2, sha256(b"another").digest()),
    )
    assert len({first, *others}) == 5
    assert len({log_start(ROOM, b"a"), log_start(ROOM, b"b"), log_start(b"r" * 32, b"a")}) == 3


def test_an_anchor_goes_on_over_what_came_after_it() -> None:
    seen, late = LogHash(), LogHash()
    seen.anchor(at(5), bytes(32))
    for number in (6, 7):
        digest = sha256(bytes([number])).digest()
        seen.append(at(number), 2, digest)
        late.append(at(number), 2, digest)
    assert late.current is None
    late.anchor(at(5), bytes(32))
    assert late.current == seen.current
    assert seen.agrees(at(6), log_next(bytes(32), 6, 2, sha256(b"\x06").digest())) is True
    assert seen.agrees(at(6), bytes(32)) is False
    assert seen.agrees(at(8), bytes(32)) is None
    late.drop_anchor()
    assert (late.current, late.agrees(at(6), bytes(32))) == (None, None)


def test_only_so_much_is_remembered() -> None:
    """Of what came before an anchor, and of blobs that were handled: the oldest go first."""
    log, seen = LogHash(), Seen()
    for number in range(1, WINDOW + 2):
        log.append(at(number), 2, sha256(b"blob").digest())
        assert seen.first_time(number.to_bytes(8, "big"))
    assert len(log._blobs) == WINDOW
    assert seen.first_time((1).to_bytes(8, "big"))
    assert not seen.first_time((WINDOW + 1).to_bytes(8, "big"))


def test_a_blob_is_handled_once() -> None:
    seen = Seen()
    assert [seen.first_time(blob) for blob in (b"a", b"b", b"a")] == [True, True, False]
