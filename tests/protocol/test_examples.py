"""The document and the code say the same, byte for byte: neither can change without the other."""

import hashlib
import re
from functools import cache
from pathlib import Path

import pytest
from alcove_protocol.codec import pack_list
from alcove_protocol.errors import FAULTS, REFUSALS
from alcove_protocol.frames import (
    FROM_CLIENT,
    FROM_RELAY,
    BlobClass,
    BlobIs,
    Frame,
    Publish,
    Refused,
    SeatedDoor,
    from_client,
    from_relay,
)
from alcove_protocol.invite import Invite, InviteRole
from alcove_protocol.labels import Label, hash_with, room_id_of
from alcove_protocol.padding import pad, unpad
from alcove_protocol.position import Position
from alcove_protocol.records import Record
from alcove_protocol.roster import (
    NO_HASH,
    Change,
    Entry,
    Op,
    RoomFlag,
    Seat,
    apply_changes,
    entry_hash,
    extend,
    list_digest,
    open_roster,
)
from alcove_protocol.statements import ChallengeAnswer, DoorStatement, Opening, Signed, verify
from nacl.bindings import crypto_scalarmult_base
from nacl.signing import SigningKey

from tests.protocol.support import STATEMENTS, describe, public, sign

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def section(number: int) -> str:
    found = re.search(rf"^## {number}\. .*?(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[0]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# --- what the document says -------------------------------------------------------------------


@cache
def seeds() -> dict[str, bytes]:
    """The table of section 13: a name, and the byte that its seed is 32 times."""
    rows = re.findall(r"^\| (.+?) \| `([0-9a-f]{2})` \|$", section(13), re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return {name: bytes.fromhex(byte) * 32 for name, byte in rows}


@cache
def written() -> dict[str, str]:
    """Each `name:` of a fenced block, with the indented lines under it joined."""
    found: dict[str, str] = {}
    for block in re.findall(r"^```text\n(.*?)^```$", section(13), re.MULTILINE | re.DOTALL):
        name = ""
        for line in block.splitlines():
            if line.startswith("  "):
                found[name] += line.strip()
            else:
                name = line.removesuffix(":")
                assert line.endswith(":")
                assert name not in found
                found[name] = ""
    return found


# --- what the code says -----------------------------------------------------------------------


@cache
def made() -> dict[str, bytes | str]:
    """The same names, made by the code from the same seeds."""
    root, facilitator, mls, newcomer = (
        SigningKey(seeds()[name])
        for name in ("root", "facilitator, relay", "facilitator, MLS", "newcomer, relay")
    )
    door_id, base = b"\x07" * 8, Position(b"\x09" * 8, 0)
    room = room_id_of(public(root))

    invite = Invite(
        InviteRole.PARTICIPANT, door_id, room, "https://relay.example", seeds()["invite secret"]
    )
    door_key = SigningKey(invite.door_seed())

    answer = ChallengeAnswer(
        1, "alcove.v1", "relay.example", room, "door", public(newcomer), door_id, seeds()["nonce"]
    ).encode()

    opening = Opening(
        1,
        room,
        public(root),
        public(facilitator),
        public(mls),
        crypto_scalarmult_base(seeds()["facilitator, HPKE"]),
        50,
        1800,
    )
    entry_0 = sign(Label.OPEN, opening.encode(), root)
    roster, _ = open_roster(entry_0, room)

    commit, welcomes = b"a commit", pack_list([public(newcomer) + b"a sealed Welcome"])
    change = Change(Op.ADD, public(newcomer), Seat(door_id))
    digest = list_digest(room, apply_changes(roster.seats, [change]), RoomFlag.NONE)
    entry_1 = sign(
        Label.ROSTER,
        Entry(
            room,
            1,
            roster.head,
            public(facilitator),
            base.encode(),
            sha256(commit),
            sha256(welcomes),
            change.encode(),
            0,
            digest,
        ).encode(),
        facilitator,
    )
    door = sign(
        Label.DOOR,
        DoorStatement(room, door_id, public(door_key), 5, 86400, 1, sha256(b"a card")).encode(),
        facilitator,
    )
    publish = Publish(
        7,
        b"\x0a" * 16,
        base.encode(),
        BlobClass.COMMIT,
        86400,
        commit,
        entry_1.body,
        entry_1.signature,
        welcomes,
    )
    first = Position(base.generation, 1).encode()
    blob = BlobIs(first, BlobClass.COMMIT, 0, commit, entry_1.body, entry_1.signature)
    start = hash_with("log start", room, sha256(b"a transcript"))
    number, kind = (1).to_bytes(8, "big"), bytes([BlobClass.COMMIT])
    return {
        "root public key": public(root),
        "room id": room,
        "invite": invite.url(),
        "invite elsewhere": invite.url("https://chat.example"),
        "door seed": invite.door_seed(),
        "door public key": public(door_key),
        "lobby psk": invite.lobby_psk(),
        "card key": invite.card_key(),
        "challenge answer": answer,
        "challenge answer, signature by the relay key": sign(
            Label.CHALLENGE, answer, newcomer
        ).signature,
        "challenge answer, signature by the door key": sign(
            Label.CHALLENGE, answer, door_key
        ).signature,
        "entry 0": entry_0.body,
        "entry 0, signature": entry_0.signature,
        "entry 0, hash": entry_hash(Label.OPEN, entry_0.body),
        "change": change.encode(),
        "digest": digest,
        "entry 1": entry_1.body,
        "entry 1, signature": entry_1.signature,
        "entry 1, hash": entry_hash(Label.ROSTER, entry_1.body),
        "door statement": door.body,
        "door statement, signature": door.signature,
        "agreement hash": hash_with("agreement", room, number, b"Be kind."),
        "padded": pad(b"Hello", most=256),
        "welcomes": welcomes,
        "publish": publish.to_bytes(),
        "blob": blob.to_bytes(),
        "stale": Refused(7, "stale", REFUSALS["stale"], first).to_bytes(),
        "log start": start,
        "log at number 1": hash_with("log", start, number, kind, sha256(commit)),
    }


def read(name: str) -> bytes:
    return bytes.fromhex(written()[name])


# --- they are the same ------------------------------------------------------------------------


def test_the_document_has_every_example_and_no_other() -> None:
    assert list(written()) == list(made())


@pytest.mark.parametrize("name", made())
def test_what_the_code_makes_is_what_the_document_says(name: str) -> None:
    value = made()[name]
    assert written()[name] == (value if isinstance(value, str) else value.hex())


RECORDS: dict[str, type[Record]] = {
    "challenge answer": ChallengeAnswer,
    "entry 0": Opening,
    "entry 1": Entry,
    "door statement": DoorStatement,
}


@pytest.mark.parametrize("name", RECORDS)
def test_records_of_the_document_are_read_and_written_again(name: str) -> None:
    assert RECORDS[name].decode(read(name)).encode() == read(name)


def test_frames_of_the_document_are_read_and_written_again() -> None:
    frames: list[Frame] = [
        from_client(read("publish")),
        from_relay(read("blob")),
        from_relay(read("stale")),
    ]
    assert [frame.to_bytes() for frame in frames] == [
        read(name) for name in ("publish", "blob", "stale")
    ]
    publish, blob, stale = frames
    assert isinstance(publish, Publish)
    assert isinstance(blob, BlobIs)
    assert isinstance(stale, Refused)
    assert (publish.blob, publish.entry) == (blob.blob, blob.entry)
    assert publish.entry == read("entry 1")
    assert publish.signature == read("entry 1, signature")
    assert publish.welcomes == read("welcomes")
    assert stale.base == blob.position
    assert stale.base is not None
    assert Position.decode(stale.base) == Position(b"\x09" * 8, 1)
    assert Position.decode(publish.base).number == 0


def test_the_chain_of_the_document_holds() -> None:
    room = read("room id")
    opening = Signed(read("entry 0"), read("entry 0, signature"))
    roster, _ = open_roster(opening, room)
    assert roster.head == read("entry 0, hash")
    after, verified = extend(roster, Signed(read("entry 1"), read("entry 1, signature")))
    assert after.head == read("entry 1, hash")
    assert after.digest == read("digest") == verified.statement.digest
    assert verified.statement.decoded_changes() == (Change.decode(read("change")),)
    assert verified.statement.welcomes == sha256(read("welcomes")) != NO_HASH
    door = Signed(read("door statement"), read("door statement, signature"))
    put = verify(DoorStatement, Label.DOOR, door, verified.key).statement
    assert put.door_key == read("door public key")


def test_the_challenge_of_the_document_is_signed_by_both_keys() -> None:
    body = read("challenge answer")
    answer = ChallengeAnswer.decode(body)
    keys = {
        "challenge answer, signature by the relay key": answer.relay_key,
        "challenge answer, signature by the door key": read("door public key"),
    }
    for name, key in keys.items():
        signed = Signed(body, read(name))
        assert verify(ChallengeAnswer, Label.CHALLENGE, signed, key).statement == answer


def test_the_invites_of_the_document_are_one_invite() -> None:
    invite = Invite.parse(written()["invite"])
    assert invite == Invite.parse(written()["invite elsewhere"])
    assert invite.room == read("room id") == room_id_of(read("root public key"))
    assert invite.secret == seeds()["invite secret"]
    assert (invite.door_seed(), invite.lobby_psk(), invite.card_key()) == (
        read("door seed"),
        read("lobby psk"),
        read("card key"),
    )
    assert public(SigningKey(invite.door_seed())) == read("door public key")


def test_the_padding_of_the_document_is_read() -> None:
    assert unpad(read("padded")) == b"Hello"


def test_lines_of_examples_are_short() -> None:
    assert max(map(len, section(13).splitlines())) <= 100


# --- the tables of section 12 -----------------------------------------------------------------


def rows(title: str) -> dict[str, str]:
    part = re.search(rf"^### {title}\n(.*?)(?=^### |\Z)", section(12), re.MULTILINE | re.DOTALL)
    assert part is not None
    found = re.findall(r"^\| `(\w+)` \| (.*?) \|$", part[1], re.MULTILINE)
    assert len(found) == len(dict(found))
    return dict(found)


@pytest.mark.parametrize(
    ("title", "table"),
    [("Frames of a client", FROM_CLIENT), ("Frames of the relay", FROM_RELAY)],
)
def test_the_document_has_the_fields_of_every_frame(
    title: str, table: dict[str, type[Frame]]
) -> None:
    assert rows(title) == {name: describe(kind) for name, kind in table.items()}


def test_the_document_has_the_fields_of_every_record() -> None:
    assert rows("Records") == {kind.__name__: describe(kind) for kind in (*STATEMENTS, SeatedDoor)}


def test_the_document_has_every_code_with_its_sentence() -> None:
    assert rows("Faults") == dict(FAULTS)
    assert rows("Refusals") == dict(REFUSALS)
