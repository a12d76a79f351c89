"""Padding: powers of two from 256, nothing but zeros, one form for each content."""

import pytest
from alcove_protocol import limits
from alcove_protocol.padding import bucket, pad, unpad
from hypothesis import given
from hypothesis import strategies as st

from tests.growth import LINEAR, growth
from tests.protocol.support import refused, taken

MOST = 4096


@given(st.binary(max_size=MOST - 4))
def test_contents_come_back(content: bytes) -> None:
    padded = pad(content, most=MOST)
    assert unpad(padded) == content
    assert padded[: 4 + len(content)] == len(content).to_bytes(4, "big") + content
    assert len(padded) >= 256
    assert len(padded).bit_count() == 1
    assert len(padded) == 256 or len(padded) < 2 * (4 + len(content))


@pytest.mark.parametrize(
    ("size", "padded"),
    [(0, 256), (1, 256), (256, 256), (257, 512), (512, 512), (513, 1024), (2**20, 2**20)],
)
def test_buckets(size: int, padded: int) -> None:
    assert bucket(size, most=limits.HANDSHAKE_BUCKET) == padded


def test_more_than_the_largest_bucket() -> None:
    assert len(pad(bytes(MOST - 4), most=MOST)) == MOST
    with refused("too_large"):
        pad(bytes(MOST - 3), most=MOST)
    with refused("too_large"):
        bucket(0, most=255)
    # what is no power of two bounds as the one below it
    with refused("too_large"):
        pad(bytes(MOST - 3), most=2 * MOST - 1)


GOOD = pad(b"content", most=MOST)
BAD = {
    "nothing": b"",
    "a part of the length": b"\0\0\0",
    "no bucket": GOOD[:-1],
    "smaller than the floor": GOOD[:128],
    "far smaller than the floor": bytes(64),
    "a byte more": GOOD + b"\0",
    "a larger bucket than needed": GOOD + bytes(256),
    "between two buckets": (280).to_bytes(4, "big") + bytes(296),
    "length in the last bytes of no bucket": (295).to_bytes(4, "big") + bytes(296),
    "a length beyond the end": (253).to_bytes(4, "big") + bytes(252),
    "a length of 4 GiB": b"\xff" * 4 + bytes(252),
    "not zeros at the end": GOOD[:-1] + b"\1",
    "not zeros after the content": GOOD[:11] + b"\1" + GOOD[12:],
}


@pytest.mark.parametrize("padded", BAD.values(), ids=BAD.keys())
def test_bad_padding(padded: bytes) -> None:
    assert unpad(GOOD) == b"content"
    with refused("bad_padding"):
        unpad(padded)


@given(st.binary(max_size=600) | st.binary(max_size=40).map(lambda head: head.ljust(256, b"\0")))
def test_what_is_taken_has_one_form(padded: bytes) -> None:
    content = taken(unpad, padded, frozenset({"bad_padding"}))
    assert content is None or pad(content, most=len(padded)) == padded


def test_the_zeros_of_a_large_bucket_cost_little() -> None:
    def padded(size: int) -> bytes:
        return pad(bytes(size // 2), most=limits.HANDSHAKE_BUCKET)

    assert len(unpad(padded(limits.HANDSHAKE_BUCKET))) == limits.HANDSHAKE_BUCKET // 2
    assert growth(padded, unpad, limits.HANDSHAKE_BUCKET) < LINEAR


def test_the_largest_agreement_fits_on_a_card() -> None:
    written = limits.AGREEMENT + limits.HELPLINES + limits.TITLE + limits.LANGUAGES
    assert (
        len(pad(bytes(written + limits.STATEMENT), most=limits.CARD_BUCKET)) == limits.CARD_BUCKET
    )
    assert limits.CARD == limits.CARD_BUCKET + limits.SEAL_OVERHEAD
    assert limits.CARD + limits.STATEMENT < limits.FRAME_BEFORE_AUTH
