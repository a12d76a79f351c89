"""The byte examples of docs/protocol.md: as the document has them and as the code makes them."""

import hashlib
import re
from functools import cache
from pathlib import Path

from alcove_protocol.codec import pack_list
from alcove_protocol.errors import REFUSALS
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Publish,
    RequestRefused,
)
from alcove_protocol.invite import Invite, InviteRole, door_id_of
from alcove_protocol.labels import Label, hash_with, room_id_of
from alcove_protocol.padding import pad
from alcove_protocol.position import Position
from alcove_protocol.roster import (
    Change,
    Op,
    RoomFlag,
    RosterEntry,
    Seat,
    apply_changes,
    entry_hash,
    list_digest,
    open_roster,
)
from alcove_protocol.statements import ChallengeAnswer, DoorStatement, Opening
from nacl.signing import SigningKey

from tests.protocol.support import public, sign

PATH = Path(__file__).parents[2] / "docs" / "protocol.md"
DOCUMENT = PATH.read_text()


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
    room, base = room_id_of(public(root)), Position(b"\x09" * 8, 0)
    door_id = door_id_of(room, seeds()["invite secret"])

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
        RosterEntry(
            room,
            1,
            roster.head,
            public(facilitator),
            base.encode(),
            sha256(commit),
            sha256(welcomes),
            change.encode(),
            0,
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
    author = public(facilitator)
    blob = BlobIs(first, BlobClass.COMMIT, 0, commit, entry_1.body, entry_1.signature, author)
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
        "stale": RequestRefused(7, "stale", REFUSALS["stale"], first).to_bytes(),
        "log start": start,
        "log at number 1": hash_with("log", start, number, kind, sha256(commit)),
    }
