"""The short way and the generic way read and write the same."""

from collections.abc import Callable

import pytest
from alcove_protocol import limits
from alcove_protocol.codec import pack
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import BlobIs, Publish, Published, Request, from_client
from alcove_protocol.position import Position
from alcove_server import hot
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.integers(0, limits.REQUEST_NUMBER) | st.sampled_from(
    [0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, limits.REQUEST_NUMBER]
)
POSITIONS = st.builds(Position, st.binary(min_size=8, max_size=8), NUMBERS)
CONTENTS = st.binary(min_size=1, max_size=600) | st.sampled_from(
    [b"x" * size for size in (255, 256, 65_535, 65_536, limits.HANDSHAKE_BLOB)]
)


@given(
    NUMBERS,
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=16, max_size=16),
    st.integers(1, 3),
    st.integers(limits.TTL_MIN, limits.TTL_MAX),
    CONTENTS,
)
def test_a_publish_is_read_alike(
    n: int, id: bytes, base: bytes, blob_class: int, ttl: int, content: bytes
) -> None:
    frame = Publish(n, id, base, blob_class, ttl, content)
    data = frame.to_bytes()
    assert hot._PUBLISH.match(data)
    assert hot.decode(data, limits.FRAME) == from_client(data) == frame


def either(data: bytes, limit: int) -> tuple[Request | str, Request | str]:
    return outcome(lambda: hot.decode(data, limit)), outcome(lambda: from_client(data, limit=limit))


def outcome(decode: Callable[[], Request]) -> Request | str:
    try:
        return decode()
    except Malformed as fault:
        return fault.code


@given(
    st.fixed_dictionaries(
        {
            "t": st.just("publish"),
            "n": NUMBERS,
            "id": st.binary(min_size=15, max_size=17),
            "base": st.binary(min_size=16, max_size=16),
            "blob_class": st.integers(0, 4),
            "ttl": st.integers(0, 2**33),
            "blob": st.binary(max_size=300),
        }
    )
)
def test_what_is_out_of_bounds_is_refused_alike(value: dict[str, bytes | int | str]) -> None:
    short, generic = either(pack(value), limits.FRAME)
    assert short == generic


@given(st.data())
def test_bytes_that_were_altered_are_read_alike(data: st.DataObject) -> None:
    good = Publish(7, b"i" * 16, b"b" * 16, 2, 60, b"content").to_bytes()
    at = data.draw(st.integers(0, len(good)))
    cut = data.draw(st.integers(0, 3))
    bent = good[:at] + data.draw(st.binary(max_size=3)) + good[at + cut :]
    short, generic = either(bent, limits.FRAME)
    assert short == generic


@pytest.mark.parametrize("number", [2**53, 2**63, 2**64 - 1])
def test_a_number_that_not_every_language_holds_is_refused_alike(number: int) -> None:
    good = Publish(1, b"i" * 16, b"b" * 16, 2, 60, b"content").to_bytes()
    bent = good.replace(b"\xa1n\x01", b"\xa1n\xcf" + number.to_bytes(8, "big"))
    assert either(bent, limits.FRAME) == ("bad_number", "bad_number")


def test_a_frame_over_the_limit_is_refused_alike() -> None:
    data = Publish(7, b"i" * 16, b"b" * 16, 2, 60, b"x" * 500).to_bytes()
    assert either(data, 400) == ("too_large", "too_large")


def test_other_frames_take_the_generic_way() -> None:
    with pytest.raises(Malformed):
        hot.decode(b"\x81\xa1t\xa4none", limits.FRAME)


@given(POSITIONS, st.integers(1, 3), NUMBERS, CONTENTS)
def test_a_blob_is_written_alike(
    position: Position, blob_class: int, age: int, content: bytes
) -> None:
    frame = BlobIs(position.encode(), blob_class, age, content)
    assert hot.blob(position.encode(), blob_class, age, content) == frame.to_bytes()


@given(NUMBERS, POSITIONS)
def test_an_answer_is_written_alike(n: int, position: Position) -> None:
    assert hot.published(n, position.encode()) == Published(n, position.encode()).to_bytes()
