"""Text messages, which the protocol has none of, are judged without being held as text."""

import tracemalloc

import pytest
from alcove_protocol import limits
from alcove_server.net.incoming import check_utf8


def test_wide_characters_take_no_more_memory_than_their_bytes() -> None:
    text = "\U0001f54a".encode() * (limits.MIB // 4)
    tracemalloc.start()
    try:
        check_utf8(text)
        assert tracemalloc.get_traced_memory()[1] < limits.MIB // 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("at", [0, 1, 16 * limits.KIB - 1, 16 * limits.KIB, 40_000])
def test_what_is_not_utf8_is_found_in_every_slice(at: int) -> None:
    check_utf8(b"a" * at + "\U0001f54a".encode() + b"a" * 9)
    for wrong in (b"\xff", b"\xf0\x9f\x95", b"\xed\xa0\x80"):
        for after in (b"", b"a" * 40_000):
            with pytest.raises(UnicodeDecodeError):
                check_utf8(b"a" * at + wrong + after)
