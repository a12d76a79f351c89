"""One order: how a client follows the numbers of the log, and what the log hash covers."""

from hashlib import sha256

import pytest
from alcove.messages.log_hash import WINDOW, Compared, LogHash, Seen, log_next, log_start
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


def test_a_log_opens_with_commits_alone() -> None:
    """A heartbeat or a message ends it, and so does a number that is missing."""
    made, missing = stream(), stream()
    for one in (made, missing):
        one.resumed(resumed(at(9, ELSEWHERE)))
    for number, blob_class in ((1, 1), (2, 1), (3, 3), (4, 1)):
        made.advance(at(number, ELSEWHERE), blob_class, b"blob %d" % number)
        assert made.opens(at(number, ELSEWHERE)) is (number < 3)
    missing.advance(at(2, ELSEWHERE), 1, b"blob")
    assert not missing.opens(at(2, ELSEWHERE))


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


def test_an_anchor_is_of_this_log_and_before_what_came() -> None:
    log = LogHash()
    for number in (6, 7):
        log.append(at(number), 2, bytes(32))
    assert log.can_anchor(at(5), at(7))
    assert not log.can_anchor(Position(bytes(8), 5), at(7))
    assert not log.can_anchor(at(8), at(7))
    assert not log.can_anchor(at(4), at(7))


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


def replay(made: Stream, head: int, *, lost: bool = False) -> None:
    position = at(head).encode()
    made.resumed(frames.Resumed(1, position, position, bytes(32), lost, False, 0, False))


def after(value: bytes, *numbers: int) -> bytes:
    """The log hash after messages with these numbers."""
    for number in numbers:
        value = log_next(value, number, 2, sha256(bytes([number])).digest())
    return value


def test_a_heartbeat_changes_no_log_hash() -> None:
    made = stream()
    made.advance(at(6), 3, b"beat")
    assert made.log.current == (at(6), bytes(32))


def in_doubt() -> Stream:
    """A client to which a replay to number 12 brought 8 and 12, and the relay said that no message
    had expired."""
    made = stream()
    replay(made, 12)
    for number in (8, 12):
        assert made.advance(at(number), 2, bytes([number])) is Advance.AFTER_EXPIRY
    return made


def test_a_hash_in_doubt_is_named_to_nobody_and_no_member_confirms_it() -> None:
    made = in_doubt()
    assert (made.log.anchored, made.log.current) == (False, None)
    assert made.log.agrees(at(12), after(bytes(32), 8, 12)) is True
    assert made.log.agrees(at(12), bytes(32)) is None
    assert made.log.agrees(at(5), b"x" * 32) is False  # of before the doubt
    assert not made.log.anchored


def test_a_facilitators_value_ends_the_doubt() -> None:
    made = in_doubt()
    assert made.log.compare(at(9), after(bytes(32), 8)) is Compared.UNKNOWN
    assert made.log.compare(at(8), after(bytes(32), 8)) is Compared.AGREES
    assert not made.log.anchored  # 9 to 11 may have been messages
    assert made.log.agrees(at(8), bytes(32)) is False
    assert made.log.compare(at(12), after(bytes(32), 8, 12)) is Compared.AGREES
    assert made.log.current == (at(12), after(bytes(32), 8, 12))
    assert made.log.compare(at(12), bytes(32)) is Compared.DIFFERS


@pytest.mark.parametrize("missing", [6, 9, 11])
def test_a_facilitators_value_shows_what_a_replay_left_out(missing: int) -> None:
    made = in_doubt()
    theirs = after(bytes(32), *sorted({missing, 8, 12}))
    assert made.log.compare(at(12), theirs) is Compared.MISSED
    assert made.log.compare(at(12), theirs) is Compared.UNKNOWN
    made.adopt(at(12), theirs)
    assert made.log.current == (at(12), theirs)


def test_of_before_the_doubt_another_value_is_no_gap() -> None:
    made = in_doubt()
    assert made.log.compare(at(5), b"x" * 32) is Compared.DIFFERS


def test_no_hash_goes_on_over_messages_that_expired() -> None:
    made = stream()
    replay(made, 9, lost=True)
    assert made.advance(at(8), 2, b"blob") is Advance.AFTER_EXPIRY
    assert made.log.compare(at(8), bytes(32)) is Compared.UNKNOWN


def test_a_hash_with_an_anchor_takes_no_other() -> None:
    made = in_doubt()
    made.adopt(at(12), bytes(32))
    assert made.log.agrees(at(12), after(bytes(32), 8, 12)) is True
