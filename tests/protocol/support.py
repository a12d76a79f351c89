"""What these tests share: keys from fixed seeds, signing, records made at random, refusals."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from alcove_protocol import statements
from alcove_protocol.card import AgreementText, Card
from alcove_protocol.errors import FAULTS, REFUSALS, Malformed
from alcove_protocol.frames import FROM_CLIENT, FROM_RELAY, Frame, SeatedDoor
from alcove_protocol.labels import Label, room_id_of
from alcove_protocol.records import Record, _Field, _fields
from alcove_protocol.roster import RosterEntry
from alcove_protocol.sealed import RequestBody, VaultBody
from alcove_protocol.statements import Opening, Signed
from hypothesis import strategies as st
from nacl.signing import SigningKey

FRAMES: tuple[type[Frame], ...] = (*FROM_CLIENT.values(), *FROM_RELAY.values())
STATEMENTS: tuple[type[Record], ...] = (
    statements.Opening,
    statements.ChallengeAnswer,
    statements.DoorStatement,
    statements.Appointment,
    Card,
    statements.LeaveStatement,
    statements.EndStatement,
    statements.StepDownStatement,
    statements.ReseatStatement,
    statements.AskStatement,
    RosterEntry,
)
OTHERS: tuple[type[Record], ...] = (SeatedDoor, AgreementText, RequestBody, VaultBody)
RECORDS: tuple[type[Record], ...] = (*FRAMES, *STATEMENTS, *OTHERS)


@contextmanager
def refused(code: str) -> Iterator[None]:
    """The block raises `Malformed` with this code, and with a sentence."""
    with pytest.raises(Malformed) as caught:
        yield
    assert caught.value.code == code
    assert caught.value.text.endswith(".")


A = TypeVar("A")
T = TypeVar("T")
CODES = frozenset(FAULTS) | frozenset(REFUSALS)


def taken(read: Callable[[A], T], data: A, codes: frozenset[str] = CODES) -> T | None:
    """What `read` makes of `data`, or None when it raises `Malformed` with one of the codes."""
    try:
        return read(data)
    except Malformed as error:
        code = error.code
    assert code in codes
    return None


def key_of(byte: int) -> SigningKey:
    return SigningKey(bytes([byte]) * 32)


def public(key: SigningKey) -> bytes:
    return bytes(key.verify_key)


def sign(label: Label, body: bytes, key: SigningKey) -> Signed:
    return Signed(body, key.sign(label.bytes + body).signature)


ROOT, FACILITATOR, NEWCOMER, OTHER = (key_of(byte) for byte in (1, 2, 5, 9))
ROOM = room_id_of(public(ROOT))
DOOR = b"\x07" * 8


def opening(**changed: Any) -> Opening:
    values: dict[str, Any] = {
        "version": 1,
        "previous": ROOM,
        "root_key": public(ROOT),
        "relay_key": public(FACILITATOR),
        "mls_key": public(key_of(3)),
        "members": 4,
        "ttl": 1800,
    }
    return Opening(**{**values, **changed})


def _values(field: _Field) -> st.SearchStrategy[Any]:
    if field.type is bool:
        return st.booleans()
    if field.type is int:
        return st.integers(field.least, field.most)
    if field.type is str:
        return st.text(min_size=field.least, max_size=max(field.least, min(field.most // 4, 40)))
    return st.binary(min_size=field.least, max_size=max(field.least, min(field.most, 80)))


def records_of(kind: type[Record]) -> st.SearchStrategy[Any]:
    """Instances within the bounds that the annotations give."""
    made: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in _fields(kind).items():
        values = _values(field)
        made[name] = st.none() | values if field.optional else values
    return st.builds(kind, **made)


def describe(kind: type[Record]) -> str:
    """The fields of a record as the document writes them."""
    return ", ".join(f"`{name}` {_bounds(field)}" for name, field in _fields(kind).items())


def _bounds(field: _Field) -> str:
    name = {bytes: "bytes", int: "int", str: "text", bool: "bool"}[field.type]
    most = "2^53-1" if field.most == 2**53 - 1 else str(field.most)
    if field.type is bool:
        size = ""
    elif field.least == field.most:
        size = f" {most}"
    elif field.least:
        size = f" {field.least} to {most}"
    else:
        size = f" to {most}"
    return name + size + (" (optional)" if field.optional else "")
