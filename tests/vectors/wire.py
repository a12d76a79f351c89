"""Invites, padding, hashes, short codes, and roster chains, right and wrong."""

import base64
import hashlib
from dataclasses import replace
from typing import Any

from alcove.errors import InvalidInput
from alcove.group.sealing import short_code
from alcove.group.standby import StandbySecrets
from alcove.joining.todays_word import word_key
from alcove.messages.log_hash import log_next, log_start
from alcove_protocol import limits
from alcove_protocol.card import AgreementText, agreement_hash, pack_agreement, unpack_agreement
from alcove_protocol.codec import pack_list
from alcove_protocol.invite import Invite, InviteRole, door_id_of
from alcove_protocol.labels import VERSION, Label, hash_with
from alcove_protocol.padding import pad, unpad
from alcove_protocol.roster import (
    ENTRANT,
    LINK,
    NO_HASH,
    Change,
    Op,
    Role,
    RoomFlag,
    Roster,
    RosterEntry,
    Seat,
    apply_changes,
    extend,
    list_digest,
    open_roster,
)
from alcove_protocol.statements import LeaveStatement, Opening, Signed
from alcove_protocol.ticket import Ticket
from nacl.signing import SigningKey

from tests.vectors.parts import (
    FACILITATOR,
    FACILITATOR_MLS,
    MEMBER,
    ROOM,
    ROOT,
    Case,
    code_of,
    key_of,
    public,
)

SECRET = hashlib.sha256(b"secret").digest()
DOOR = door_id_of(ROOM, SECRET)


# --- invites ----------------------------------------------------------------------------------


def _invite(name: str, url: str) -> Case:
    code = code_of(lambda: Invite.parse(url))
    case: Case = {"name": name, "url": url, "code": code}
    if code is None:
        found = Invite.parse(url)
        case |= {
            "role": int(found.role),
            "door": found.door.hex(),
            "room": found.room.hex(),
            "secret": found.secret.hex(),
            "origin": found.origin,
            "door_seed": found.door_seed().hex(),
            "lobby_psk": found.lobby_psk().hex(),
            "card_key": found.card_key().hex(),
            "standby": None,
        }
        if found.role is InviteRole.STANDBY:
            case["standby"] = StandbySecrets.of(found).keys.encode().hex()
    return case


def _checked(fixed: bytes) -> str:
    """A link of these bytes with a right check."""
    content = fixed + hash_with("invite", fixed, b"https://relay.example")[:4]
    return f"https://relay.example/join#{base64.urlsafe_b64encode(content).decode()}"


def invites() -> list[Case]:
    made = Invite(InviteRole.PARTICIPANT, DOOR, ROOM, "https://relay.example", SECRET)
    standby = replace(made, role=InviteRole.STANDBY)
    link, elsewhere = made.url(), made.url("https://chat.example")
    base, _, fragment = link.partition("#")
    cut = elsewhere.index("#") + 1 + len(fragment)
    urls = {
        "for a participant": link,
        "for a standby": standby.url(),
        "of a relay elsewhere": made.url("https://chat.example"),
        "over http, with a port": replace(made, origin="http://127.0.0.1:8400").url(),
        "with spaces around": f"  {link}\n",
        "cut off": link[:-4],
        "of a relay elsewhere, cut before the relay": elsewhere[:cut],
        "of a relay elsewhere, cut in the relay": elsewhere[:-4],
        "of a mistyped relay": link.replace("relay.", "realy."),
        "of another secret": link[:60] + ("A" if link[60] != "A" else "B") + link[61:],
        "with another check": link[:-1] + ("A" if link[-1] != "A" else "B"),
        "with a character twice": link[:90] + link[89:],
        "with two parts in the wrong order": f"{base}#{fragment[52:]}{fragment[:52]}",
        "with another door": _checked(bytes([VERSION, 0]) + bytes(8) + ROOM + SECRET),
        "without a fragment": base,
        "with padding": link + "=",
        "with a line break in it": link[:60] + "\n" + link[60:],
        "of version 2": f"{base}#Ag{fragment[2:]}",
        "of role 1": _checked(bytes([VERSION, 1]) + DOOR + ROOM + SECRET),
        "of no web address": f"file:///join#{fragment}",
        "too long": link + "A" * 1000,
    }
    return [_invite(name, url) for name, url in urls.items()]


def check_invite(case: Case) -> None:
    assert _invite(case["name"], case["url"]) == case


# --- tickets ----------------------------------------------------------------------------------


def _ticket(name: str, text: str) -> Case:
    code = code_of(lambda: Ticket.parse(text))
    case: Case = {"name": name, "text": text, "code": code}
    if code is None:
        found = Ticket.parse(text)
        case |= {
            "room": found.room.hex(),
            "secret": found.secret.hex(),
            "origin": found.origin,
            "slot": found.slot().hex(),
            "token": found.token().hex(),
            "key": found.key().hex(),
        }
    return case


def tickets() -> list[Case]:
    text = Ticket(ROOM, "https://relay.example", SECRET).text()
    texts = {
        "a ticket": text,
        "over http, with a port": Ticket(ROOM, "http://127.0.0.1:8400", SECRET).text(),
        "with spaces around": f"  {text}\n",
        "cut off": text[:-4],
        "of another secret": text[:80] + ("A" if text[80] != "A" else "B") + text[81:],
        "without what it begins with": text[14:],
        "with padding": text + "=",
        "of version 2": f"{text[:14]}Ag{text[16:]}",
        "an invite": Invite(
            InviteRole.PARTICIPANT, DOOR, ROOM, "https://relay.example", SECRET
        ).url(),
        "too long": text + "A" * 1000,
    }
    return [_ticket(name, text) for name, text in texts.items()]


def check_ticket(case: Case) -> None:
    assert _ticket(case["name"], case["text"]) == case


# --- padding ----------------------------------------------------------------------------------


def _padding(name: str, padded: bytes) -> Case:
    code = code_of(lambda: unpad(padded))
    content = unpad(padded).hex() if code is None else None
    return {"name": name, "padded": padded.hex(), "content": content, "code": code}


def paddings() -> list[Case]:
    hello = pad(b"Hello", most=256)
    full = pad(b"a" * 252, most=256)
    return [
        _padding("nothing", pad(b"", most=256)),
        _padding("a word", hello),
        _padding("a full bucket", full),
        _padding("one byte more", pad(b"a" * 253, most=512)),
        _padding("not zeros", hello[:-1] + b"\x01"),
        _padding("a larger bucket than needed", hello + bytes(256)),
        _padding("a length beyond the end", b"\x00\x00\x01\x00" + bytes(252)),
        _padding("no bucket", hello[:-1]),
        _padding("empty", b""),
    ]


def check_padding(case: Case) -> None:
    padded = bytes.fromhex(case["padded"])
    assert _padding(case["name"], padded) == case
    if case["code"] is None:
        assert pad(bytes.fromhex(case["content"]), most=limits.CARD_BUCKET) == padded


# --- hashes -----------------------------------------------------------------------------------


def _steps(room: bytes, transcript: bytes, blobs: list[tuple[int, bytes]]) -> list[str]:
    values = [log_start(room, transcript)]
    for number, (kind, blob) in enumerate(blobs, start=1):
        values.append(log_next(values[-1], number, kind, hashlib.sha256(blob).digest()))
    return [value.hex() for value in values]


def hashes() -> list[Case]:
    transcript = hashlib.sha256(b"transcript").digest()
    blobs = [(1, b"a commit"), (2, b"a message"), (3, b"a beat"), (2, b"another")]
    moved = [blobs[0], blobs[2], blobs[1], blobs[3]]
    agreement = pack_agreement(
        [AgreementText("en", "Be kind.", "Be kind to each other."), AgreementText("fr", "", "Oui.")]
    )
    return [
        *(
            {
                "kind": "log",
                "name": name,
                "room": ROOM.hex(),
                "transcript": transcript.hex(),
                "blobs": [[kind, blob.hex()] for kind, blob in listed],
                "values": _steps(ROOM, transcript, listed),
            }
            for name, listed in (("four blobs", blobs), ("the same in another order", moved))
        ),
        {
            "kind": "agreement",
            "name": "in two languages",
            "room": ROOM.hex(),
            "version": 3,
            "agreement": agreement.hex(),
            "texts": [[t.language, t.summary, t.text] for t in unpack_agreement(agreement)],
            "hash": agreement_hash(ROOM, 3, agreement).hex(),
        },
        *(
            {
                "kind": "short code",
                "name": name,
                "key_package": data.hex(),
                "code": short_code(data),
            }
            for name, data in (("of a KeyPackage", b"a KeyPackage"), ("of another", b"another"))
        ),
        *(
            _word({"kind": "word", "name": about, "member": who, "word": word})
            for about, who, word in WORDS
        ),
    ]


WORDS = (
    ("a word", "Bob", "blue kettle"),
    ("in large letters, with spaces around", "Bob", " Blue\t KETTLE\n"),
    ("in wide letters, with an umlaut", "Zo\u00eb", "\uff22l\u00c4u"),
    ("of another script", "Bob", "\u0635\u0628\u0627\u062d \u0627\u0644\u062e\u064a\u0631"),
    ("two characters of three bytes", "Bob", "\u5e0c\u671b"),
    ("too short", "Bob", "abc"),
    ("nothing but spaces", "Bob", "      "),
    ("64 characters", "Bob", "x" * 64),
    ("65 characters", "Bob", "x" * 65),
    ("the name", "Robin", " rOBIN"),
)
"""What a case shows, the name of who chose the word, and the word as it was typed."""


def _word(case: Case) -> Case:
    case = {**case, "room": ROOM.hex(), "key": None, "code": None}
    try:
        return case | {"key": word_key(ROOM, case["member"], case["word"]).hex()}
    except InvalidInput as error:
        return case | {"code": error.code}


def check_hash(case: Case) -> None:
    if case["kind"] == "log":
        blobs = [(kind, bytes.fromhex(blob)) for kind, blob in case["blobs"]]
        room, transcript = bytes.fromhex(case["room"]), bytes.fromhex(case["transcript"])
        assert _steps(room, transcript, blobs) == case["values"]
    elif case["kind"] == "agreement":
        agreement = bytes.fromhex(case["agreement"])
        texts = [AgreementText(*text) for text in case["texts"]]
        assert pack_agreement(texts) == agreement
        found = agreement_hash(bytes.fromhex(case["room"]), case["version"], agreement)
        assert found.hex() == case["hash"]
    elif case["kind"] == "word":
        assert _word(case) == case
    else:
        assert short_code(bytes.fromhex(case["key_package"])) == case["code"]


# --- the roster -------------------------------------------------------------------------------

BEN, EVA, ZOE = key_of("Ben, relay"), key_of("Eva, relay"), key_of("Zoe, relay")


def _sign(label: Label, body: bytes, key: SigningKey) -> Signed:
    return Signed(body, key.sign(label.bytes + body).signature)


def _opening(previous: bytes = ROOM) -> Signed:
    statement = Opening(
        VERSION, previous, public(ROOT), public(FACILITATOR), public(FACILITATOR_MLS), 4, 1800
    )
    return _sign(Label.OPEN, statement.encode(), ROOT)


def _entry(
    roster: Roster, *changes: Change, by: SigningKey = FACILITATOR, **spoiled: Any
) -> Signed:
    fields: dict[str, Any] = {
        "room": roster.room,
        "counter": roster.counter + 1,
        "previous": roster.head,
        "signer": public(by),
        "base": bytes(16),
        "commit": NO_HASH,
        "welcomes": NO_HASH,
        "changes": b"".join(change.encode() for change in changes),
        "flags": int(roster.flags),
        "slow": roster.slow,
    }
    fields |= spoiled
    if "digest" not in fields:
        seats = apply_changes(roster.seats, changes, None)
        flags = RoomFlag(fields["flags"])
        fields["digest"] = list_digest(roster.room, seats, flags, fields["slow"])
    return _sign(Label.ROSTER, RosterEntry(**fields).encode(), by)


def _leave(roster: Roster, key: SigningKey, counter: int) -> bytes:
    wish = LeaveStatement(roster.room, public(key), counter)
    return pack_list([_sign(Label.LEAVE, wish.encode(), key).encode()])


def _followed(room: bytes, opening: Signed, entries: list[Signed]) -> Roster:
    roster, _ = open_roster(opening, room)
    for entry in entries:
        roster, _ = extend(roster, entry)
    return roster


def _chain(name: str, entries: list[Signed]) -> Case:
    opening = _opening()
    return _chain_of(name, ROOM, opening, entries)


def _chain_of(name: str, room: bytes, opening: Signed, entries: list[Signed]) -> Case:
    code = code_of(lambda: _followed(room, opening, entries))
    case: Case = {
        "name": name,
        "room": room.hex(),
        "opening": opening.encode().hex(),
        "entries": [entry.encode().hex() for entry in entries],
        "code": code,
    }
    if code is None:
        roster = _followed(room, opening, entries)
        case |= {
            "counter": roster.counter,
            "head": roster.head.hex(),
            "digest": roster.digest.hex(),
            "listing": roster.listing().hex(),
            "flags": int(roster.flags),
            "slow": roster.slow,
            "lobby": roster.lobby.hex() if roster.lobby is not None else None,
        }
    return case


def rosters() -> list[Case]:
    opened = _followed(ROOM, _opening(), [])
    ann, ben = public(MEMBER), public(BEN)
    seat = Seat(DOOR)
    first = _entry(opened, Change(Op.ADD, ann, seat), Change(Op.ADD, ben, seat))
    two = _followed(ROOM, _opening(), [first])
    left = Change(Op.LEFT, ann)
    standby = Change(Op.ADD, public(EVA), Seat(role=Role.STANDBY))
    raised = Change(Op.CHANGE, ann, Seat(role=Role.FACILITATOR))
    listed = [Change(Op.RESET, bytes(32))]
    listed += [Change(Op.ADD, key, seat) for key, seat in sorted(two.seats.items())]
    crowd = [Change(Op.ADD, bytes([n]) * 32, seat) for n in range(1, 3)]
    after: dict[str, Signed] = {
        "two members": _entry(two),
        "flags, slow mode and a lobby key": _entry(two, flags=3, slow=30, lobby=b"\x09" * 32),
        "removed, the door revoked": _entry(two, Change(Op.REMOVE, ann)),
        "removed, the door kept": _entry(two, Change(Op.REMOVE, ann, Seat(paused=True))),
        "paused": _entry(two, Change(Op.CHANGE, ann, Seat(paused=True))),
        "a second facilitator": _entry(two, raised),
        "a rejoin": _entry(two, Change(Op.REJOIN, ann)),
        "absent": _entry(two, Change(Op.ABSENT, ann)),
        "a standby key": _entry(two, standby),
        "left, with the leave": _entry(two, left, leaves=_leave(two, MEMBER, 1)),
        "restated": _entry(two, *listed),
        "more members than the room holds": _entry(two, *crowd),
        "left without the leave": _entry(two, left),
        "left with another's leave": _entry(two, left, leaves=_leave(two, BEN, 1)),
        "left with a leave of an earlier stay": _entry(two, left, leaves=_leave(two, MEMBER, 0)),
        "left with a leave of later": _entry(two, left, leaves=_leave(two, MEMBER, 2)),
        "a leave without a LEFT": _entry(two, leaves=_leave(two, MEMBER, 1)),
        "by a participant": _entry(two, by=MEMBER),
        "another room": _entry(two, room=bytes(32)),
        "a counter left out": _entry(two, counter=3),
        "another entry before": _entry(two, previous=opened.head),
        "another digest": _entry(two, digest=bytes(32)),
        "no facilitator left": _entry(two, Change(Op.ABSENT, public(FACILITATOR)), digest=NO_HASH),
        "an altered body": Signed(_entry(two, flags=1).body, _entry(two).signature),
        "an unknown operation": _entry(two, changes=b"\x07" + bytes(42), digest=NO_HASH),
        "a change with an unused field": _entry(
            two, changes=b"\x05" + ann + bytes(8) + b"\x00\x01", digest=NO_HASH
        ),
    }
    linked = _entry(two, standby)
    three = _followed(ROOM, _opening(), [first, linked])
    enters = Change(Op.ADD, public(ZOE), ENTRANT)
    entered = _entry(three, enters, by=EVA)
    four = _followed(ROOM, _opening(), [first, linked, entered])
    lists = Change(Op.CHANGE, public(ZOE), Seat(role=Role.FACILITATOR))
    spent = Change(Op.REMOVE, public(EVA))
    key = b"\x09" * 32
    by_standby = {
        "a key enters by the link": [entered],
        "a link makes itself a facilitator": [
            _entry(three, replace(lists, key=public(EVA)), by=EVA)
        ],
        "a link that locks the room": [_entry(three, enters, by=EVA, flags=1)],
        "a facilitator pauses a link": [
            _entry(three, Change(Op.CHANGE, public(EVA), Seat(paused=True)))
        ],
        "a second link": [_entry(three, Change(Op.ADD, public(ZOE), LINK))],
        "the key lists itself, and the link is spent": [
            entered,
            _entry(four, lists, spent, by=ZOE, lobby=key),
        ],
        "the key lists itself without a lobby key": [entered, _entry(four, lists, spent, by=ZOE)],
        "the key leaves the link": [entered, _entry(four, lists, by=ZOE, lobby=key)],
        "the key takes the link away": [entered, _entry(four, spent, by=ZOE, lobby=key)],
        "the link goes and the key stays": [entered, _entry(four, spent)],
    }
    absent, gone = Change(Op.ABSENT, ann), Change(Op.REMOVE, ann)
    lost = [first, _entry(two, absent)]
    away = _followed(ROOM, _opening(), lost)
    barred = [*lost, _entry(away, gone)]
    out = _followed(ROOM, _opening(), barred)
    back = [*lost, _entry(away, Change(Op.ADD, ann, seat))]
    here = _followed(ROOM, _opening(), back)
    went = [first, _entry(two, left, leaves=_leave(two, MEMBER, 1))]
    wished = _followed(ROOM, _opening(), went)
    again = [*back, _entry(here, gone)]
    twice = _followed(ROOM, _opening(), again)
    by_absent = {
        "removed while absent": barred,
        "removed while absent, the door kept": [
            *lost,
            _entry(away, replace(gone, seat=Seat(paused=True))),
        ],
        "removed while absent, as the list is restated": [
            *lost,
            _entry(
                away,
                *listed[:1],
                *(Change(Op.ADD, key, one) for key, one in sorted(away.seats.items())),
                gone,
            ),
        ],
        "back after it was absent, and removed": again,
        "absent and back, removed twice": [*again, _entry(twice, gone)],
        "removed while absent, twice": [*barred, _entry(out, gone)],
        "absent twice": [*lost, _entry(away, absent, digest=NO_HASH)],
        "removed when it has left": [*went, _entry(wished, gone)],
    }
    cases = [_chain("opened", []), _chain("two members are added", [first])]
    cases += [_chain(name, [first, linked, *more]) for name, more in by_standby.items()]
    cases += [_chain(name, [first, entry]) for name, entry in after.items()]
    cases += [_chain(name, entries) for name, entries in by_absent.items()]
    cases.append(_chain_of("an opening of another room", bytes(32), _opening(), []))
    cases.append(_chain_of("an opening that follows something", ROOM, _opening(bytes(32)), []))
    return cases


def check_roster(case: Case) -> None:
    opening = Signed.decode(bytes.fromhex(case["opening"]))
    entries = [Signed.decode(bytes.fromhex(entry)) for entry in case["entries"]]
    assert _chain_of(case["name"], bytes.fromhex(case["room"]), opening, entries) == case
