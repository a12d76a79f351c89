"""The parsers of what a client and a relay say to each other, and of what people pass on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from alcove_protocol import codec
from alcove_protocol.card import AgreementText, pack_agreement, unpack_agreement
from alcove_protocol.errors import AlcoveProtocolError
from alcove_protocol.frames import FROM_CLIENT, FROM_RELAY, from_client, from_relay
from alcove_protocol.invite import SECRET_SIZE, Invite, InviteRole, door_id_of
from alcove_protocol.padding import pad, unpad
from alcove_protocol.position import Position
from alcove_protocol.records import Record, _Field, _fields
from alcove_protocol.roster import Change, Op, RosterEntry
from alcove_protocol.statements import Signed

from tests.fuzz.target import Target
from tests.protocol.support import RECORDS, ROOM

REFUSALS = (AlcoveProtocolError,)


def _least(field: _Field) -> Any:
    if field.type is bool:
        return False
    if field.type is int:
        return field.least
    return b"\x07" * field.least if field.type is bytes else "x" * field.least


def _most(field: _Field) -> Any:
    if field.type is bool:
        return True
    if field.type is int:
        return field.most
    size = max(field.least, min(field.most, 600))
    return b"\x07" * size if field.type is bytes else "é" * (size // 2)


def _examples(kind: type[Record]) -> list[Record]:
    fields = _fields(kind).items()
    least = {name: None if field.optional else _least(field) for name, field in fields}
    return [kind(**least), kind(**{name: _most(field) for name, field in fields})]


def _encoded(kinds: Iterable[type[Record]]) -> Callable[[], list[bytes]]:
    return lambda: [example.encode() for kind in kinds for example in _examples(kind)]


def _record(kind: type[Record]) -> Callable[[bytes], object]:
    def run(data: bytes) -> None:
        record = kind.decode(data)
        assert kind.decode(record.encode()) == record

    return run


def _invite(data: bytes) -> None:
    invite = Invite.parse(data.decode("utf-8", "replace"))
    assert Invite.parse(invite.url()) == invite


def _invite_seeds() -> list[bytes]:
    secret = bytes(SECRET_SIZE)
    door = door_id_of(ROOM, secret)
    invite = Invite(next(iter(InviteRole)), door, ROOM, "https://alcove.example", secret)
    return [invite.url().encode(), invite.url("https://other.example").encode()]


def _entry(data: bytes) -> None:
    entry = RosterEntry.decode(data)
    entry.decoded_changes()
    entry.decoded_leaves()


def _entry_seeds() -> list[bytes]:
    return [example.encode() for example in _examples(RosterEntry)]


def _agreement(data: bytes) -> None:
    assert unpack_agreement(pack_agreement(unpack_agreement(data))) == unpack_agreement(data)


def _agreement_seeds() -> list[bytes]:
    texts = [AgreementText("en", "Be kind.", "Be kind."), AgreementText("fr", "", "Soyez doux.")]
    return [pack_agreement(texts[:count]) for count in (1, 2)]


def _change_seeds() -> list[bytes]:
    return [bytes((op,)) + bytes(size) for op in Op for size in (0, 8, 32, 40, 73)]


def targets() -> list[Target]:
    def of(name: str, run: Callable[[bytes], object], seeds: Callable[[], list[bytes]]) -> Target:
        return Target(f"wire.{name}", run, REFUSALS, seeds)

    return [
        of("from_client", from_client, _encoded(FROM_CLIENT.values())),
        of("from_relay", from_relay, _encoded(FROM_RELAY.values())),
        of("unpack", codec.unpack, _encoded(RECORDS)),
        *(of(kind.__name__, _record(kind), _encoded([kind])) for kind in RECORDS),
        of("Invite", _invite, _invite_seeds),
        of("roster_entry", _entry, _entry_seeds),
        of("agreement", _agreement, _agreement_seeds),
        of("Change", Change.decode, _change_seeds),
        of("Signed", Signed.decode, lambda: [Signed(b"body", bytes(64)).encode()]),
        of("Position", Position.decode, lambda: [bytes(24), bytes(8)]),
        of("unpad", unpad, lambda: [pad(b"content", most=4096)]),
    ]
