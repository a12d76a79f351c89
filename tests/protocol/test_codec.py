"""Strict MessagePack: what it takes, what it refuses with which code, what that may cost."""

import struct
import tracemalloc

import msgpack  # type: ignore[import-untyped]  # it has no types
import pytest
from alcove_protocol import limits
from alcove_protocol.codec import Value, pack, pack_list, scan, split, unpack, unpack_list
from hypothesis import example, given
from hypothesis import strategies as st

from tests.growth import LINEAR, growth
from tests.protocol.support import refused, taken


def one(value: bytes) -> bytes:
    """A map with the key "a" and this encoded value."""
    return b"\x81\xa1a" + value


def nested(depth: int) -> bytes:
    return b"\x81\xa1a" * (depth - 1) + b"\x80"


def pairs(count: int) -> bytes:
    head = bytes([0x80 | count]) if count < 16 else b"\xde" + count.to_bytes(2, "big")
    return head + b"".join(b"\xa2" + f"{n:02}".encode() + b"\x00" for n in range(count))


REFUSED = {
    "nothing": (b"", "truncated"),
    "not a map: array": (b"\x91\x00", "bad_type"),
    "not a map: number": (b"\x00", "bad_type"),
    "not a map: nil": (b"\xc0", "bad_type"),
    "array": (one(b"\x90"), "bad_type"),
    "array of 16 bits": (one(b"\xdc\x00\x00"), "bad_type"),
    "array of 32 bits that claims the most": (one(b"\xdd" + b"\xff" * 4), "bad_type"),
    "nil": (one(b"\xc0"), "bad_type"),
    "never used": (one(b"\xc1"), "bad_type"),
    "float": (one(b"\xca" + struct.pack(">f", 1.5)), "bad_type"),
    "double": (one(b"\xcb" + struct.pack(">d", 1.5)), "bad_type"),
    "not a number": (one(b"\xcb" + struct.pack(">d", float("nan"))), "bad_type"),
    "negative fixed": (one(b"\xff"), "bad_type"),
    "signed of 8 bits": (one(b"\xd0\xff"), "bad_type"),
    "signed of 16 bits": (one(b"\xd1\xff\xff"), "bad_type"),
    "signed of 32 bits": (one(b"\xd2\xff\xff\xff\xff"), "bad_type"),
    "signed of 64 bits": (one(b"\xd3" + b"\xff" * 8), "bad_type"),
    "signed, but positive": (one(b"\xd0\x01"), "bad_type"),
    "fixed extension": (one(b"\xd4\x01\x00"), "bad_type"),
    "timestamp": (one(b"\xd6\xff\x00\x00\x00\x00"), "bad_type"),
    "extension of 8 bits": (one(b"\xc7\x00\x01"), "bad_type"),
    "2^53": (one(b"\xcf" + (2**53).to_bytes(8, "big")), "bad_number"),
    "2^64 - 1": (one(b"\xcf" + b"\xff" * 8), "bad_number"),
    "a key twice": (b"\x82\xa1a\x00\xa1a\x01", "duplicate_key"),
    "a key twice in two encodings": (b"\x82\xa1a\x00\xd9\x01a\x01", "duplicate_key"),
    "a key twice within": (one(b"\x82\xa1a\x00\xa1a\x01"), "duplicate_key"),
    "key of bytes": (b"\x81\xc4\x01a\x00", "bad_type"),
    "key of bytes beside the same text": (b"\x82\xa1a\x00\xc4\x01a\x00", "bad_type"),
    "key that is a number": (b"\x81\x01\x00", "bad_type"),
    "key that is a boolean": (b"\x81\xc3\x00", "bad_type"),
    "key that is a map": (b"\x81\x80\x00", "bad_type"),
    "nine deep": (nested(9), "too_deep"),
    "a thousand deep": (nested(1000), "too_deep"),
    "32 pairs": (pairs(32), "too_many_elements"),
    "claims 2^32 - 1 pairs": (b"\xdf" + b"\xff" * 4, "too_many_elements"),
    "claims 65 pairs, holds none": (b"\xde\x00\x41", "too_many_elements"),
    "bytes after the end": (b"\x80\x00", "trailing"),
    "a second map": (b"\x80\x80", "trailing"),
    "no value": (b"\x81\xa1a", "truncated"),
    "no length": (one(b"\xc5\x00"), "truncated"),
    "a length and nothing": (one(b"\xc6\xff\xff\xff\xff"), "truncated"),
    "text cut off": (one(b"\xa5four"), "truncated"),
    "number cut off": (one(b"\xcf\x00"), "truncated"),
    "not UTF-8": (one(b"\xa1\xff"), "bad_text"),
    "key not UTF-8": (b"\x81\xa1\xff\x00", "bad_text"),
    "half of a surrogate pair": (one(b"\xa3\xed\xa0\x80"), "bad_text"),
    "overlong NUL": (one(b"\xa2\xc0\x80"), "bad_text"),
    "too much text": (one(b"\xdb\x00\x00\x80\x00" + b"a" * 0x8000), "too_much_text"),
    "too much text in keys": (
        b"\x81\xdb\x00\x00\x80\x01" + b"a" * 0x8001 + b"\x00",
        "too_much_text",
    ),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_each_refusal_has_its_code(data: bytes, code: str) -> None:
    with refused(code):
        unpack(data)


def test_more_bytes_than_the_limit() -> None:
    assert unpack(one(b"\x00"), limit=4) == {"a": 0}
    with refused("too_large"):
        unpack(one(b"\x00"), limit=3)


TAKEN: dict[str, tuple[bytes, dict[str, Value]]] = {
    "empty": (b"\x80", {}),
    "empty with a long length": (b"\xdf\x00\x00\x00\x00", {}),
    "a number in each form": (
        b"\x85\xa1a\x05\xa1b\xcc\x05\xa1c\xcd\x00\x05\xa1d\xce\x00\x00\x00\x05"
        b"\xa1e\xcf\x00\x00\x00\x00\x00\x00\x00\x05",
        dict.fromkeys("abcde", 5),
    ),
    "2^53 - 1": (one(b"\xcf" + (2**53 - 1).to_bytes(8, "big")), {"a": 2**53 - 1}),
    "bytes in each form": (
        b"\x83\xa1a\xc4\x01z\xa1b\xc5\x00\x01z\xa1c\xc6\x00\x00\x00\x01z",
        dict.fromkeys("abc", b"z"),
    ),
    "text in each form": (
        b"\x84\xa1a\xa1z\xa1b\xd9\x01z\xa1c\xda\x00\x01z\xa1d\xdb\x00\x00\x00\x01z",
        dict.fromkeys("abcd", "z"),
    ),
    "true and false": (b"\x82\xa1a\xc3\xa1b\xc2", {"a": True, "b": False}),
    "keys in any order": (b"\x82\xa1b\x00\xa1a\x00", {"b": 0, "a": 0}),
    "the same key in two maps": (one(b"\x81\xa1a\x00"), {"a": {"a": 0}}),
}  # fmt: skip


@pytest.mark.parametrize(("data", "value"), TAKEN.values(), ids=TAKEN.keys())
def test_what_is_taken(data: bytes, value: dict[str, Value]) -> None:
    found = unpack(data)
    assert found == value
    # 1 == True in Python, so equality alone would not tell a number from a boolean
    assert [type(item) for item in found.values()] == [type(item) for item in value.values()]


def test_the_bounds_themselves_are_taken() -> None:
    deepest = unpack(nested(limits.DEPTH))
    for _ in range(limits.DEPTH - 2):
        inner = deepest["a"]
        assert isinstance(inner, dict)
        deepest = inner
    assert deepest == {"a": {}}
    assert len(unpack(pairs(31))) == 31
    text = "a" * (limits.TEXT_TOTAL - 5)  # the key is 2 bytes, the head of the text 3
    assert unpack(pack({"k": text})) == {"k": text}


UNPACKABLE: dict[str, tuple[object, str]] = {
    "nil": (None, "bad_type"),
    "negative": (-1, "bad_type"),
    "2^53": (2**53, "bad_number"),
    "2^64": (2**64, "bad_type"),
    "float": (1.0, "bad_type"),
    "list": ([1], "bad_type"),
    "something else": (object(), "bad_type"),
    "half of a surrogate pair": ("\ud800", "bad_text"),
    "number as a key": ({1: 2}, "bad_type"),
}


@pytest.mark.parametrize(("value", "code"), UNPACKABLE.values(), ids=UNPACKABLE.keys())
def test_nothing_is_packed_that_nobody_would_unpack(value: object, code: str) -> None:
    with refused(code):
        unpack(pack({"a": value}))  # type: ignore[dict-item]  # wrong on purpose


numbers = st.integers(0, 2**53 - 1)
leaves = numbers | st.binary(max_size=40) | st.text(max_size=20) | st.booleans()
maps: st.SearchStrategy[dict[str, Value]] = st.dictionaries(
    st.text(max_size=8),
    st.recursive(leaves, lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_size=4,
)


@given(maps)
def test_what_is_packed_comes_back(value: dict[str, Value]) -> None:
    packed = taken(pack, value, frozenset({"too_deep", "too_many_elements"}))
    if packed is not None:
        assert unpack(packed) == value
        assert msgpack.unpackb(packed) == value


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"\x84" + tail))
@example(b"\x81" * 10_000)
@example(b"\x81\xa1a" * 10_000)
def test_arbitrary_bytes_raise_nothing_but_malformed(data: bytes) -> None:
    value = taken(unpack, data)
    assert value is None or unpack(pack(value)) == value


@given(maps, st.data())
def test_mutated_bytes_raise_nothing_but_malformed(
    value: dict[str, Value], data: st.DataObject
) -> None:
    packed = bytearray(msgpack.packb(value))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(packed[: data.draw(st.integers(0, len(packed)))])
    for candidate in (bytes(packed), cut):
        mutant = taken(unpack, candidate)
        assert mutant is None or unpack(pack(mutant)) == mutant


def filled(size: int, head: bytes, item: bytes) -> bytes:
    return head + item * ((size - len(head)) // len(item))


SIZES = (limits.FRAME_BEFORE_AUTH, limits.FRAME)
HOSTILE = {
    "nested maps": (b"", b"\x81\xa1a"),
    "maps as keys": (b"", b"\x81"),
    "empty arrays": (b"\x81\xa1a\xdd\x00\xff\xff\xff", b"\x90"),
    "empty maps": (b"\xdf\x00\x00\xff\xff", b"\xa1a\x80"),
    "numbers": (b"\xdf\x00\x00\xff\xff", b"\xce\xff\xff\xff\xff"),
    "empty text": (b"\xde\x00\x40", b"\xa0"),
    "extension": (b"\x81\xa1a\xc9\x00\x00\xff\xff\x05", b"\x00"),
}  # fmt: skip


def cost(data: bytes) -> int:
    """Peak of allocated bytes beyond the input, to refuse or to take it."""
    tracemalloc.start()
    taken(unpack, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("head", "item"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_refused_costs_nearly_nothing(head: bytes, item: bytes, size: int) -> None:
    assert cost(filled(size, head, item)) < 16 * limits.KIB

    def refuse(data: bytes) -> None:
        taken(unpack, data)

    assert growth(lambda size: filled(size, head, item), refuse, size) < LINEAR


def largest(size: int) -> bytes:
    """A frame of this size with as much text as it may have."""
    text = "a" * (min(size // 4, limits.TEXT_TOTAL) - 16) + "\U0001f6df"
    return pack({"t": text, "b": bytes(size - len(text.encode()) - 32)})


@pytest.mark.parametrize("size", SIZES)
def test_what_is_taken_costs_at_most_four_times_its_size(size: int) -> None:
    frame = largest(size)
    assert size - 64 <= len(frame) <= size
    assert size // 2 < cost(frame) <= 4 * len(frame)
    assert growth(largest, unpack, size) < LINEAR


def test_many_wide_texts_cost_at_most_four_times_a_small_frame() -> None:
    share = limits.TEXT_TOTAL // 31 - 12
    frame = pack({f"{n:02}": "a" * share + "\U0001f6df" for n in range(31)})
    assert len(frame) < cost(frame) <= 4 * limits.FRAME_BEFORE_AUTH


def test_scan_takes_what_unpack_takes() -> None:
    for data, _ in TAKEN.values():
        scan(data)
    with refused("bad_type"):
        scan(one(b"\x90"))


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_lists_come_back(items: list[bytes]) -> None:
    assert unpack_list(pack_list(items), most=20) == tuple(items)


LIST_CODES = frozenset({"truncated", "too_many_items"})


@given(st.binary(max_size=100))
def test_arbitrary_lists(data: bytes) -> None:
    items = taken(lambda read: unpack_list(read, most=4), data, LIST_CODES)
    if items is not None:
        assert pack_list(items) == data
        assert len(items) <= 4


LISTS = {
    "half a length": (b"\0\0\0", 5, "truncated"),
    "an item cut off": (b"\0\0\0\x02a", 5, "truncated"),
    "a length of 4 GiB": (b"\xff\xff\xff\xffa", 5, "truncated"),
    "one too many": (b"\0\0\0\0" * 3, 2, "too_many_items"),
    "very many empty": (b"\0\0\0\0" * 100_000, 256, "too_many_items"),
}


@pytest.mark.parametrize(("data", "most", "code"), LISTS.values(), ids=LISTS.keys())
def test_bad_lists(data: bytes, most: int, code: str) -> None:
    with refused(code):
        unpack_list(data, most=most)


@given(st.lists(st.binary(min_size=3, max_size=3), max_size=9))
def test_split_is_the_reverse_of_joining(items: list[bytes]) -> None:
    assert split(b"".join(items), 3, most=9) == tuple(items)


@pytest.mark.parametrize(("data", "most"), [(b"abcd", 9), (b"a", 9), (b"abcdef", 1)])
def test_split_refuses(data: bytes, most: int) -> None:
    with refused("bad_length"):
        split(data, 3, most=most)
