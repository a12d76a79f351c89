"""Statements: a signature is of one key, under one label, over these bytes."""

from typing import Any

import pytest
from alcove_protocol import limits
from alcove_protocol.card import Card
from alcove_protocol.codec import pack
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label, hash_with
from alcove_protocol.records import Record
from alcove_protocol.roster import RosterEntry
from alcove_protocol.sealed import RequestBody, VaultBody
from alcove_protocol.statements import (
    Appointment,
    AskStatement,
    ChallengeAnswer,
    DoorStatement,
    EndStatement,
    LeaveStatement,
    Opening,
    ReseatStatement,
    Signed,
    StepDownStatement,
    signature_holds,
    verify,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.support import DOOR, FACILITATOR, OTHER, ROOM, public, records_of, refused, sign

LABELS: dict[Label, type[Record]] = {
    Label.OPEN: Opening,
    Label.CHALLENGE: ChallengeAnswer,
    Label.DOOR: DoorStatement,
    Label.CARD: Card,
    Label.ROSTER: RosterEntry,
    Label.APPOINT: Appointment,
    Label.LEAVE: LeaveStatement,
    Label.END: EndStatement,
    Label.RESEAT: ReseatStatement,
    Label.STEP_DOWN: StepDownStatement,
    Label.STANDBY: AskStatement,
    Label.REQUEST: RequestBody,
    Label.VAULT: VaultBody,
}
NEVER_SIGNED = {Label.KNOCK, Label.DESK, Label.PARK, Label.HEARTBEAT, Label.HANDOVER}
KEY = public(FACILITATOR)


def test_every_label_has_its_statement() -> None:
    assert set(LABELS) | NEVER_SIGNED == set(Label)
    assert len(set(LABELS.values())) == len(LABELS)


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label.value)
@given(data=st.data())
def test_what_a_key_signed_is_verified(label: Label, data: st.DataObject) -> None:
    statement = data.draw(records_of(LABELS[label]))
    signed = sign(label, statement.encode(), FACILITATOR)
    verified = verify(LABELS[label], label, signed, KEY)
    assert (verified.statement, verified.key, verified.signed) == (statement, KEY, signed)
    assert Signed.decode(signed.encode()) == signed


@pytest.mark.parametrize("label", Label, ids=lambda label: label.value)
def test_a_signature_holds_under_its_own_label_only(label: Label) -> None:
    signed = sign(label, b"body", FACILITATOR)
    held = [other for other in Label if signature_holds(other, b"body", signed.signature, KEY)]
    assert held == [label]


@given(st.sampled_from(list(Label)), st.sampled_from(list(Label)), st.binary(max_size=40))
def test_no_body_makes_one_label_another(one: Label, other: Label, body: bytes) -> None:
    """Even a body that its signer chose: what one label begins, no other can continue."""
    assert (one is other) == (other.bytes + body).startswith(one.bytes)


def test_labels_are_ascii_with_one_nul_at_the_end() -> None:
    for label in Label:
        assert label.bytes == f"alcove v1 {label.value}\0".encode("ascii")
        assert label.bytes.index(0) == len(label.bytes) - 1
    hashed = {"list", "agreement", "log", "log start"}
    assert hashed.isdisjoint(label.value for label in Label)
    assert len({hash_with(name, b"x") for name in hashed}) == len(hashed)
    assert hash_with("log", b" start") != hash_with("log start", b"")


LEAVE = LeaveStatement(ROOM, KEY, 0)
SIGNED = sign(Label.LEAVE, LEAVE.encode(), FACILITATOR)
CONTAINING = FACILITATOR.sign(Label.LEAVE.bytes + b"x" + Label.END.bytes + LEAVE.encode())
FORGED: dict[str, tuple[Label, Signed, bytes]] = {
    "another label": (Label.END, SIGNED, KEY),
    "another key": (Label.LEAVE, SIGNED, public(OTHER)),
    "signed by another": (Label.LEAVE, sign(Label.LEAVE, SIGNED.body, OTHER), KEY),
    "signed without label": (
        Label.LEAVE,
        Signed(SIGNED.body, FACILITATOR.sign(SIGNED.body).signature),
        KEY,
    ),
    "signed without the NUL": (
        Label.LEAVE,
        Signed(SIGNED.body, FACILITATOR.sign(Label.LEAVE.bytes[:-1] + SIGNED.body).signature),
        KEY,
    ),
    "another body": (
        Label.LEAVE,
        Signed(LeaveStatement(bytes(32), KEY, 0).encode(), SIGNED.signature),
        KEY,
    ),
    "a byte more": (Label.LEAVE, Signed(SIGNED.body + b"\0", SIGNED.signature), KEY),
    "no body": (Label.LEAVE, Signed(b"", SIGNED.signature), KEY),
    "the same in another encoding": (
        Label.LEAVE,
        Signed(b"\xde\x00\x03" + SIGNED.body[1:], SIGNED.signature),
        KEY,
    ),
    "a signature of zeros": (Label.LEAVE, Signed(SIGNED.body, bytes(64)), KEY),
    "a body within a body, its beginning shifted into the signature": (
        Label.END,
        Signed(LEAVE.encode(), CONTAINING.signature + Label.LEAVE.bytes + b"x"),
        KEY,
    ),
    "a signature cut off": (Label.LEAVE, Signed(SIGNED.body, SIGNED.signature[:-1]), KEY),
    "a signature too long": (Label.LEAVE, Signed(SIGNED.body, SIGNED.signature + b"\0"), KEY),
    "no signature": (Label.LEAVE, Signed(SIGNED.body, b""), KEY),
    "a key cut off": (Label.LEAVE, SIGNED, KEY[:-1]),
    "no key": (Label.LEAVE, SIGNED, b""),
    "a key of zeros": (Label.LEAVE, Signed(SIGNED.body, bytes(64)), bytes(32)),
}


@pytest.mark.parametrize(("label", "signed", "key"), FORGED.values(), ids=FORGED.keys())
def test_forged(label: Label, signed: Signed, key: bytes) -> None:
    with refused("bad_signature"):
        verify(LABELS[label], label, signed, key)


ORDER = 2**252 + 27742317777372353535851937790883648493
NEUTRAL = b"\x01" + bytes(31)
SMALL_ORDER = (NEUTRAL, bytes(32), b"\xec" + b"\xff" * 30 + b"\x7f", b"\x01" + bytes(30) + b"\x80")


@pytest.mark.parametrize("key", SMALL_ORDER)
@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_key_of_small_order_signs_nothing(key: bytes, point: bytes) -> None:
    """With such a key, a signature that everybody can make would hold for every body."""
    assert not signature_holds(Label.LEAVE, SIGNED.body, point + bytes(32), key)


def test_a_signature_has_one_form() -> None:
    """RFC 8032 section 5.1.7: S is below the group's order, or each signature would be two."""
    s = int.from_bytes(SIGNED.signature[32:], "little") + ORDER
    again = SIGNED.signature[:32] + s.to_bytes(32, "little")
    assert signature_holds(Label.LEAVE, SIGNED.body, SIGNED.signature, KEY)
    assert not signature_holds(Label.LEAVE, SIGNED.body, again, KEY)


@given(st.integers(0, len(SIGNED.encode()) - 1), st.integers(1, 255))
def test_every_byte_counts(position: int, change: int) -> None:
    data = bytearray(SIGNED.encode())
    data[position] ^= change
    with refused("bad_signature"):
        verify(LeaveStatement, Label.LEAVE, Signed.decode(bytes(data)), KEY)


def test_a_signature_is_looked_at_before_the_body() -> None:
    with refused("bad_signature"):
        verify(LeaveStatement, Label.LEAVE, Signed(b"\xc1", bytes(64)), KEY)
    with refused("bad_type"):
        verify(LeaveStatement, Label.LEAVE, sign(Label.LEAVE, b"\xc1", FACILITATOR), KEY)
    with refused("bad_field"):
        verify(LeaveStatement, Label.LEAVE, sign(Label.LEAVE, b"\x80", FACILITATOR), KEY)


def test_the_order_of_keys_is_free_and_the_bytes_are_kept() -> None:
    body = pack({"relay_key": KEY, "counter": 0, "room": ROOM})
    assert body != LEAVE.encode()
    verified = verify(LeaveStatement, Label.LEAVE, sign(Label.LEAVE, body, FACILITATOR), KEY)
    assert verified.statement == LEAVE
    assert verified.signed.body == body


@pytest.mark.parametrize("size", [0, 1, 63, 64])
def test_a_signed_statement_has_a_body(size: int) -> None:
    with refused("truncated"):
        Signed.decode(bytes(size))


@pytest.mark.parametrize("door", [None, DOOR])
def test_a_challenge_is_answered_with_and_without_a_door(door: bytes | None) -> None:
    role = "member" if door is None else "door"
    answer = ChallengeAnswer(1, "alcove.v1", "relay.example", ROOM, role, KEY, door, bytes(32))
    assert ChallengeAnswer.decode(answer.encode()) == answer
    assert ("door" in answer.to_map()) is (door is not None)


def opening_with(**changed: Any) -> bytes:
    values: dict[str, Any] = dict.fromkeys(
        ("previous", "root_key", "relay_key", "mls_key"), bytes(32)
    )
    return pack({**values, "version": 1, "members": 2, "ttl": limits.TTL_MIN, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 0},
        {"version": 2},
        {"members": 1},
        {"members": limits.MEMBERS_MAX + 1},
        {"ttl": limits.TTL_MIN - 1},
        {"ttl": limits.TTL_MAX + 1},
        {"root_key": bytes(31)},
        {"root_key": bytes(33)},
        {"members": True},
    ],
)
def test_limits_of_an_opening(changed: dict[str, Any]) -> None:
    assert Opening.decode(opening_with()).members == 2
    with refused("bad_field"):
        Opening.decode(opening_with(**changed))


def test_unverified_and_verified_are_two_types() -> None:
    verified = verify(LeaveStatement, Label.LEAVE, SIGNED, KEY)
    assert not isinstance(verified, Signed)
    with pytest.raises(Malformed):
        verify(EndStatement, Label.END, verified.signed, KEY)


def test_a_vault_does_not_print_what_it_holds() -> None:
    secrets = VaultBody(bytes(32), bytes(32), 1, 1, b"L" * 32, b"D" * 40)
    assert VaultBody.decode(secrets.encode()) == secrets
    assert "LLL" not in repr(secrets)
    assert "DDD" not in repr(secrets)
