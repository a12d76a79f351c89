"""The document and the code say the same, byte for byte: neither can change without the other."""

import re

import pytest
from alcove_protocol.frames import (
    BlobIs,
    Frame,
    Publish,
    RequestRefused,
    from_client,
    from_relay,
)
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label, room_id_of
from alcove_protocol.padding import unpad
from alcove_protocol.position import Position
from alcove_protocol.records import Record
from alcove_protocol.roster import (
    NO_HASH,
    Change,
    RosterEntry,
    extend,
    open_roster,
)
from alcove_protocol.statements import ChallengeAnswer, DoorStatement, Opening, Signed, verify
from nacl.signing import SigningKey

from tests.protocol.document import rewritten, tables
from tests.protocol.examples import DOCUMENT, made, section, seeds, sha256, written
from tests.protocol.support import public


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
    "entry 1": RosterEntry,
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
    assert isinstance(stale, RequestRefused)
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


@pytest.mark.parametrize("title", tables())
def test_the_tables_of_the_document_are_those_of_the_code(title: str) -> None:
    assert rows(title) == tables()[title]


def test_the_tool_changes_nothing_in_a_document_that_is_right() -> None:
    assert rewritten(DOCUMENT, tables()) == DOCUMENT


def test_the_tool_mends_a_table_and_an_example() -> None:
    wrong = DOCUMENT.replace("| `withdraw` | `n` int to", "| `withdraw` | `n` int from", 1)
    wrong = wrong.replace("0000000548656c6c6f", "0000000548656c6c70", 1)
    assert wrong != DOCUMENT
    assert rewritten(wrong, tables()) == DOCUMENT
