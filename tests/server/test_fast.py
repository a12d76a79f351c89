"""The short way and the generic way read and write the same."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from alcove_protocol import limits
from alcove_protocol.codec import pack
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import BlobClass, BlobIs, Publish, Published, Request, from_client
from alcove_protocol.position import Position
from alcove_server.wire import fast_in, fast_out
from alcove_server.wire.fast_in import Post
from alcove_server.wire.fast_out import framed
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from bench.fanout import native, returning
from bench.fanout.wires import BLOB

R = TypeVar("R")
POST = ("n", "id", "base", "blob_class", "ttl", "blob")

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
    assert fast_in._PUBLISH.match(data)
    assert alike(fast_in.decode(data, limits.FRAME), from_client(data))
    assert from_client(data) == frame


def alike(short: Post | Request | str, generic: Request | str) -> bool:
    """Whether the short way read what the generic way did."""
    if isinstance(short, Post) and isinstance(generic, Publish):
        return all(getattr(short, name) == getattr(generic, name) for name in POST)
    return not isinstance(short, Post) and short == generic


def either(data: bytes, limit: int) -> tuple[Post | Request | str, Request | str]:
    return outcome(lambda: fast_in.decode(data, limit)), outcome(
        lambda: from_client(data, limit=limit)
    )


def outcome(decode: Callable[[], R]) -> R | str:
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
    assert alike(short, generic)


@given(st.data())
def test_bytes_that_were_altered_are_read_alike(data: st.DataObject) -> None:
    good = Publish(7, b"i" * 16, b"b" * 16, 2, 60, b"content").to_bytes()
    at = data.draw(st.integers(0, len(good)))
    cut = data.draw(st.integers(0, 3))
    bent = good[:at] + data.draw(st.binary(max_size=3)) + good[at + cut :]
    short, generic = either(bent, limits.FRAME)
    assert alike(short, generic)


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
        fast_in.decode(b"\x81\xa1t\xa4none", limits.FRAME)


@given(POSITIONS, st.sampled_from(BlobClass), NUMBERS, CONTENTS, st.sampled_from([b"", b"k" * 32]))
def test_a_blob_is_written_alike(
    position: Position, blob_class: BlobClass, age: int, content: bytes, sender: bytes
) -> None:
    frame = BlobIs(position.encode(), blob_class, age, content, key=sender or None)
    written = fast_out.blob(position.encode(), blob_class, age, content, sender)
    assert written == Frame(Opcode.BINARY, frame.to_bytes()).serialize(mask=False)


@given(NUMBERS, POSITIONS)
def test_an_answer_is_written_alike(n: int, position: Position) -> None:
    frame = Frame(Opcode.BINARY, Published(n, position.encode()).to_bytes())
    assert fast_out.published(n, position.encode()) == frame.serialize(mask=False)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_payload_is_framed_as_the_library_does(size: int) -> None:
    assert framed(bytes(size)) == Frame(Opcode.BINARY, bytes(size)).serialize(mask=False)


@pytest.mark.parametrize("extra", [{"signature": bytes(64)}, {"welcomes": b"w"}])
def test_what_goes_with_an_entry_does_not_go_without(extra: dict[str, bytes]) -> None:
    frame = Publish(7, b"i" * 16, b"b" * 16, 1, 60, b"content", **extra)
    with pytest.raises(Malformed):
        fast_in.decode(frame.to_bytes(), limits.FRAME)


def test_the_load_generators_find_the_content_of_a_blob() -> None:
    """They know its place, and do not decode. Every benchmark stands still when it moves."""
    content = b"c" * BLOB
    frame = BlobIs(b"p" * 16, BlobClass.APPLICATION, 3, content, key=b"k" * 32).to_bytes()
    assert frame.startswith(returning.BLOB_HEAD)
    assert frame[returning.CLASS_AT] == BlobClass.APPLICATION
    assert frame[-returning.KEY_BYTES - BLOB : -returning.KEY_BYTES] == content
    source = (Path(native.__file__).parent / "generator.c").read_text()
    assert f"key = {returning.KEY_BYTES};" in source
    assert f"\\x{frame[0]:02x}\\xa1t\\xa4" in source
