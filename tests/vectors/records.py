"""Records and strict decoding: the smallest of each kind, and what is wrong with each field."""

from typing import Any

import msgpack  # type: ignore[import-untyped]  # it has no types
from alcove.group.door_texts import TalkBody
from alcove.group.extensions import LeafExtension, RoomExtension, RosterExtension
from alcove.group.parked import ParkedBody
from alcove.group.sealing import KnockBody, RefusalBody
from alcove.group.standby_entry import StandbyAnswer
from alcove.messages.payload import BODIES, Payload
from alcove_protocol import limits
from alcove_protocol.codec import unpack
from alcove_protocol.frames import FROM_CLIENT, FROM_RELAY, Frame, from_client, from_relay
from alcove_protocol.records import Record, _Field, _fields

from tests.protocol.support import OTHERS, STATEMENTS
from tests.vectors.parts import Case, code_of

KINDS: dict[str, type[Record]] = {
    kind.__name__: kind
    for kind in (
        *STATEMENTS,
        *OTHERS,
        KnockBody,
        RefusalBody,
        TalkBody,
        StandbyAnswer,
        RoomExtension,
        LeafExtension,
        RosterExtension,
        ParkedBody,
        Payload,
        *BODIES.values(),
    )
}
READERS: dict[str, Any] = {
    **{name: kind.decode for name, kind in KINDS.items()},
    "client frame": from_client,
    "relay frame": from_relay,
    "map": unpack,
}


SMALL = 64
"""Bytes of a field whose bounds are tried; larger ones would make the file large."""


def _least(field: _Field) -> Any:
    return {
        bool: False,
        int: field.least,
        str: "a" * field.least,
        bytes: b"\x61" * field.least,
    }[field.type]


def _most(field: _Field) -> Any:
    """The largest value of a small field; the smallest of a large one, to keep the file small."""
    size = field.most if field.most <= SMALL else max(field.least, 1)
    if field.type is int:
        return field.most
    return {bool: True, str: "a" * size, bytes: b"\x61" * size}[field.type]


def _wrong(field: _Field) -> dict[str, Any]:
    found: dict[str, Any] = {"another type": 1 if field.type in (bytes, str) else b""}
    if field.type is int:
        found["too small"] = field.least - 1
        found["too large"] = field.most + 1
    elif field.type is not bool:
        letter: Any = "a" if field.type is str else b"a"
        if field.least:
            found["too short"] = letter * (field.least - 1)
        if field.most <= SMALL:
            found["too long"] = letter * (field.most + 1)
    return {
        name: value
        for name, value in found.items()
        if not (type(value) is int and not 0 <= value <= limits.REQUEST_NUMBER)
    }


def _case(reader: str, name: str, data: bytes) -> Case:
    code = code_of(lambda: READERS[reader](data))
    return {"reader": reader, "name": name, "bytes": data.hex(), "code": code}


def _of(reader: str, label: str, fields: dict[str, _Field], head: dict[str, Any]) -> list[Case]:
    least = {name: _least(field) for name, field in fields.items() if not field.optional}
    most = {name: _most(field) for name, field in fields.items()}

    def case(name: str, values: dict[str, Any]) -> Case:
        return _case(reader, f"{label}: {name}", msgpack.packb({**head, **values}))

    cases = [case("least", least), case("most", most)]
    cases.append(case("keys in another order", dict(reversed(most.items()))))
    cases.append(case("an unknown key", {**least, "unknown": 1}))
    for name, field in fields.items():
        if not field.optional:
            without = {key: value for key, value in least.items() if key != name}
            cases.append(case(f"without {name}", without))
        for fault, value in _wrong(field).items():
            cases.append(case(f"{name} {fault}", {**most, name: value}))
    return cases


def _frames(reader: str, kinds: dict[str, type[Frame]]) -> list[Case]:
    return [
        case
        for kind, frame in kinds.items()
        for case in _of(reader, kind, _fields(frame), {"t": kind})
    ]


ENCODINGS: dict[str, bytes] = {
    "empty map": b"\x80",
    "nothing": b"",
    "no map": b"\x01",
    "bytes after the end": b"\x80\x00",
    "cut off in a key": b"\x81\xa2a",
    "cut off before the value": b"\x81\xa1a",
    "nil": b"\x81\xa1a\xc0",
    "an array": b"\x81\xa1a\x90",
    "a float": b"\x81\xa1a\xcb" + bytes(8),
    "a negative number": b"\x81\xa1a\xff",
    "a signed number": b"\x81\xa1a\xd0\x01",
    "an extension": b"\x81\xa1a\xd4\x00\x00",
    "the largest number": b"\x81\xa1a\xcf\x00\x1f" + b"\xff" * 6,
    "2^53": b"\x81\xa1a\xcf\x00\x20" + bytes(6),
    "a number in a longer form": b"\x81\xa1a\xcd\x00\x01",
    "a length in a longer form": b"\x81\xd9\x01a\x01",
    "a map in a longer form": b"\xde\x00\x01\xa1a\x01",
    "a key twice": b"\x82\xa1a\x01\xa1a\x02",
    "a key that is a number": b"\x81\x01\x01",
    "a key that is bytes": b"\x81\xc4\x01a\x01",
    "text that is not UTF-8": b"\x81\xa1a\xa1\xff",
    "half of a surrogate pair": b"\x81\xa1a\xa3\xed\xa0\x80",
    "maps 8 deep": b"\x81\xa1a" * 7 + b"\x80",
    "maps 9 deep": b"\x81\xa1a" * 8 + b"\x80",
    "63 elements": b"\xde\x00\x1f" + b"".join(b"\xa2%02d\x01" % n for n in range(31)),
    "65 elements": b"\xde\x00\x20" + b"".join(b"\xa2%02d\x01" % n for n in range(32)),
}


def cases() -> list[Case]:
    """One case for each way in which an encoding or a field can be right or wrong."""
    found = [_case("map", name, data) for name, data in ENCODINGS.items()]
    for name, kind in KINDS.items():
        found += _of(name, name, _fields(kind), {})
    found += _frames("client frame", FROM_CLIENT)  # type: ignore[arg-type]  # values of many types
    found += _frames("relay frame", FROM_RELAY)  # type: ignore[arg-type]  # values of many types
    return found


def check(case: Case) -> None:
    """The reader says what the case says."""
    data = bytes.fromhex(case["bytes"])
    assert code_of(lambda: READERS[case["reader"]](data)) == case["code"], case["name"]
