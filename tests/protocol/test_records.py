"""Records and frames: every field's type and bounds, both ways."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Annotated, Any, get_args

import msgpack  # type: ignore[import-untyped]  # it has no types
import pytest
from alcove_protocol import frames, limits
from alcove_protocol.codec import Value, pack, unpack
from alcove_protocol.frames import (
    FROM_CLIENT,
    FROM_RELAY,
    Answer,
    BlobClass,
    ClientFrame,
    Done,
    Frame,
    Notice,
    Publish,
    RelayAnswer,
    RelayNotice,
    Request,
    RequestRefused,
    Reseat,
    Withdraw,
    from_client,
    from_relay,
)
from alcove_protocol.records import AtMost, Exactly, Record, _fields
from alcove_protocol.roster import RoomFlag, RosterEntry
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.support import RECORDS, describe, records_of, refused, taken

READERS: tuple[Callable[[bytes], Frame], ...] = (from_client, from_relay)


@dataclass(frozen=True, slots=True)
class Sample(Record):
    number: Annotated[int, AtMost(9, least=2)]
    data: Annotated[bytes, Exactly(3)]
    text: Annotated[str, AtMost(4)]
    flag: bool
    door: Annotated[bytes, AtMost(2)] | None  # optional, and without a default
    note: Annotated[str, AtMost(4)] | None = None


GOOD: dict[str, Value] = {"number": 2, "data": b"abc", "text": "é", "flag": True}


def test_a_good_map() -> None:
    sample = Sample.from_map(GOOD)
    assert sample == Sample(2, b"abc", "é", True, None)
    assert sample.to_map() == GOOD
    full = Sample.from_map({**GOOD, "door": b"", "note": ""})
    assert full == Sample(2, b"abc", "é", True, b"", "")


BAD: dict[str, dict[str, object]] = {
    "number too small": {"number": 1},
    "number too large": {"number": 10},
    "boolean for a number": {"number": True},
    "text for a number": {"number": "2"},
    "number for a boolean": {"flag": 1},
    "text for bytes": {"data": "abc"},
    "bytes for text": {"text": b"a"},
    "bytes too short": {"data": b"ab"},
    "bytes too long": {"data": b"abcd"},
    "text too long in bytes": {"text": "ééé"},
    "half of a surrogate pair": {"text": "\ud800"},
    "map for bytes": {"data": {}},
    "optional of the wrong type": {"note": b""},
    "optional out of bounds": {"note": "12345"},
    "unknown field": {"extra": 1},
    "the name of a method": {"from_map": 1},
    "self": {"self": 1},
    "dunder": {"__class__": 1},
}


@pytest.mark.parametrize("changed", BAD.values(), ids=BAD.keys())
def test_bad_maps(changed: dict[str, Any]) -> None:
    with refused("bad_field"):
        Sample.from_map({**GOOD, **changed})


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_field(name: str) -> None:
    with refused("bad_field"):
        Sample.from_map({key: value for key, value in GOOD.items() if key != name})


UNKNOWN = {"unknown field", "the name of a method", "self", "dunder"}
OUT_OF_BOUNDS = [name for name in BAD if name not in UNKNOWN]


@pytest.mark.parametrize("name", OUT_OF_BOUNDS)
def test_a_record_out_of_bounds_is_not_encoded(name: str) -> None:
    # Values of many types.
    sample = replace(Sample.from_map(GOOD), **BAD[name])  # type: ignore[arg-type]
    with refused("bad_field"):
        sample.encode()


def test_none_is_absent_only_where_a_field_is_optional() -> None:
    sample = Sample.from_map(GOOD)
    with refused("bad_field"):
        replace(sample, data=None).encode()  # type: ignore[arg-type]  # wrong on purpose
    with refused("bad_type"):
        Sample.decode(msgpack.packb({**GOOD, "note": None}))


def test_an_enum_is_the_number_it_is() -> None:
    made = Publish(1, bytes(16), bytes(16), BlobClass.COMMIT, limits.TTL_MIN, b"x")
    assert from_client(made.to_bytes()) == made
    zeros = bytes(32)
    flags = RoomFlag.LOCKED
    entry = RosterEntry(zeros, 1, zeros, zeros, bytes(16), zeros, zeros, b"", flags, 0, zeros)
    assert type(RosterEntry.decode(entry.encode()).flags) is int

    class Negative(IntEnum):
        ONE = -1

    with refused("bad_field"):
        replace(made, blob_class=Negative.ONE).to_bytes()


@dataclass(frozen=True, slots=True)
class Unbounded(Record):
    data: bytes


@dataclass(frozen=True, slots=True)
class Strange(Record):
    data: Annotated[float, AtMost(1)]


@pytest.mark.parametrize("kind", [Unbounded, Strange])
def test_a_field_without_bound_or_of_a_foreign_type_is_an_error_of_ours(kind: type[Record]) -> None:
    with pytest.raises(TypeError):
        kind.from_map({"data": b""})


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_no_bound_is_beyond_the_wire(kind: type[Record]) -> None:
    for field in _fields(kind).values():
        assert 0 <= field.least <= field.most <= limits.REQUEST_NUMBER
        if field.type is bytes:
            assert field.most <= limits.FRAME
        if field.type is str:
            assert field.most < limits.TEXT_TOTAL
    text = sum(field.most for field in _fields(kind).values() if field.type is str)
    assert text + sum(map(len, _fields(kind))) < limits.TEXT_TOTAL
    assert 2 * (len(fields(kind)) + 1) + 1 <= limits.ELEMENTS
    assert describe(kind).count("`") == 2 * len(fields(kind))


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_records_come_back(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(records_of(kind))
    assert kind.decode(record.encode()) == record
    if isinstance(record, Frame):
        # An attribute that the type does not show.
        reader = from_client if FROM_CLIENT.get(kind.KIND) is kind else from_relay  # type: ignore[attr-defined]
        assert reader(record.to_bytes()) == record


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_each_field_of_each_record_is_checked(kind: type[Record]) -> None:
    """One value too long, too short, of another type, missing: each alone is refused."""
    smallest: dict[str, Any] = {
        name: {
            bool: False,
            int: field.least,
            str: "a" * field.least,
            bytes: b"a" * field.least,
        }[field.type]
        for name, field in _fields(kind).items()
    }
    assert kind.from_map(smallest).to_map() == smallest
    for name, field in _fields(kind).items():
        wrong: list[Any] = [1.5, {}, "text" if field.type is not str else b"bytes"]
        if field.type is int:
            wrong += [field.least - 1, field.most + 1, True]
        elif field.type is bool:
            wrong += [0, 1]
        else:
            letter: Any = b"a" if field.type is bytes else "a"
            wrong.append(letter * (field.most + 1))
            wrong += [letter * (field.least - 1)] if field.least else []
        for value in wrong:
            with refused("bad_field"):
                kind.from_map({**smallest, name: value})
        without = {key: value for key, value in smallest.items() if key != name}
        if field.optional:
            assert getattr(kind.from_map(without), name) is None
        else:
            with refused("bad_field"):
                kind.from_map(without)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"n": 1}, "unknown_kind"),
        ({"t": "nothing", "n": 1}, "unknown_kind"),
        ({"t": b"done", "n": 1}, "unknown_kind"),
        ({"t": 1, "n": 1}, "unknown_kind"),
        ({"t": {}, "n": 1}, "unknown_kind"),
        ({"t": "done", "n": 1, "t2": 1}, "bad_field"),
        ({"t": "done"}, "bad_field"),
    ],
)
def test_frames_of_no_kind(value: dict[str, Value], code: str) -> None:
    with refused(code):
        from_relay(pack(value))


def test_each_side_reads_only_what_the_other_sends() -> None:
    with refused("unknown_kind"):
        from_client(Done(1).to_bytes())
    with refused("unknown_kind"):
        from_relay(Withdraw(1).to_bytes())
    assert {kind for kind in FROM_CLIENT if kind in FROM_RELAY} == {"card", "chain", "desk"}


@pytest.mark.parametrize("table", [FROM_CLIENT, FROM_RELAY], ids=["client", "relay"])
def test_each_frame_stands_under_its_own_kind(table: dict[str, type[Frame]]) -> None:
    assert all(name == kind.KIND for name, kind in table.items())
    defined = {cls.__name__ for cls in (*FROM_CLIENT.values(), *FROM_RELAY.values())}
    assert len(defined) == len(FROM_CLIENT) + len(FROM_RELAY)
    assert defined <= set(frames.__all__)


@pytest.mark.parametrize(
    ("base", "union"),
    [(Request, ClientFrame), (Answer, RelayAnswer), (Notice, RelayNotice)],
    ids=["requests", "answers", "notices"],
)
def test_each_union_has_every_frame_of_its_base(base: type[Frame], union: Any) -> None:
    # by name: a dataclass with slots is made twice, and both are subclasses
    names = {kind.__name__ for kind in get_args(union)}
    assert names == {kind.__name__ for kind in base.__subclasses__()}


def test_the_limit_before_authentication() -> None:
    frame = Publish(1, bytes(16), bytes(16), 1, 10, bytes(limits.FRAME_BEFORE_AUTH)).to_bytes()
    assert from_client(frame).n == 1
    with refused("too_large"):
        from_client(frame, limit=limits.FRAME_BEFORE_AUTH)


def test_a_frame_larger_than_the_other_side_takes_is_not_made() -> None:
    made = Reseat(1, b"", bytes(64), bytes(limits.ROSTER_CHAIN), bytes(limits.HANDSHAKE_BLOB), b"")
    with refused("too_large"):
        made.to_bytes()
    assert from_client(replace(made, commit=b"").to_bytes()) == replace(made, commit=b"")


def test_the_largest_publish_fits_in_a_frame() -> None:
    made = Publish(
        1,
        bytes(16),
        bytes(16),
        1,
        10,
        bytes(limits.HANDSHAKE_BLOB),
        bytes(limits.ENTRY),
        bytes(64),
        bytes(limits.WELCOMES),
    )
    assert from_client(made.to_bytes()) == made


@given(st.data())
def test_mutated_frames_raise_nothing_but_malformed(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([*FROM_CLIENT.values(), *FROM_RELAY.values()]))
    packed = bytearray(data.draw(records_of(kind)).to_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    for reader in READERS:
        frame = taken(reader, bytes(packed))
        assert frame is None or reader(frame.to_bytes()) == frame


KEYS = st.sampled_from(["t", "n", "id", "blob", "code", "base"])
KINDS = st.sampled_from(["refused", "knock", "card", "settle"])
LEAVES = st.text(max_size=8) | st.integers(0, 2**53 - 1) | st.binary(max_size=20) | st.booleans()


@given(st.dictionaries(KEYS, KINDS | LEAVES))
def test_arbitrary_maps_raise_nothing_but_malformed(value: dict[str, Value]) -> None:
    for reader in READERS:
        frame = taken(reader, pack(value), frozenset({"unknown_kind", "bad_field"}))
        assert frame is None or unpack(frame.to_bytes()) == value


def test_a_refusal_of_what_could_not_be_read() -> None:
    assert from_relay(
        RequestRefused(0, "truncated", "The encoding is cut off.").to_bytes()
    ) == RequestRefused(0, "truncated", "The encoding is cut off.")
