"""Leaves, ends, removals and requests: what each is good for, as a client judges it."""

from collections.abc import Callable
from dataclasses import replace

from alcove.group.asking import Asker, verify_request
from alcove.group.rights import NotAllowed
from alcove_protocol.endings import verify_end, verify_removal
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.roster import Change, Op, Role, Roster, Seat, entry_hash, verify_leave
from alcove_protocol.sealed import RequestBody, RequestKind
from alcove_protocol.statements import EndStatement, LeaveStatement, Signed
from nacl.signing import SigningKey

from tests.vectors.client import EPOCH, REPLY
from tests.vectors.parts import FACILITATOR, MEMBER, MEMBER_MLS, ROOM, Case, code_of, public
from tests.vectors.wire import BEN, DOOR, _entry, _followed, _opening, _sign

KEY = public(MEMBER)
LEAF = b"\x11" * 32
SEAT = Seat(DOOR)
BASE = Position(b"\x09" * 8, 5)


def _chain() -> list[Signed]:
    """Seated by entry 1; then Ben facilitates too, and the member is let in again."""
    chain: list[Signed] = []
    for changes in (
        (Change(Op.ADD, KEY, SEAT), Change(Op.ADD, public(BEN), SEAT)),
        (Change(Op.CHANGE, public(BEN), Seat(role=Role.FACILITATOR)),),
        (Change(Op.REJOIN, KEY),),
    ):
        chain.append(_entry(_followed(ROOM, _opening(), chain), *changes))
    return chain


CHAIN = _chain()
ROSTER = _followed(ROOM, _opening(), CHAIN)
CAME_BACK = [*CHAIN, _entry(ROSTER, Change(Op.ABSENT, KEY))]
CAME_BACK.append(_entry(_followed(ROOM, _opening(), CAME_BACK), Change(Op.ADD, KEY, SEAT)))
_SEATS = [Change(Op.ADD, key, seat) for key, seat in sorted(ROSTER.seats.items())]
RESTATED = [*CHAIN, _entry(ROSTER, Change(Op.RESET, bytes(32)), *_SEATS)]


def _of_roster(kind: str, name: str, signed: Signed, chain: list[Signed] = CHAIN) -> Case:
    case: Case = {
        "kind": kind,
        "name": f"{kind}: {name}",
        "room": ROOM.hex(),
        "opening": _opening().encode().hex(),
        "entries": [entry.encode().hex() for entry in chain],
        "key": KEY.hex(),
        "base": BASE.encode().hex(),
        "signed": signed.encode().hex(),
    }
    return {**case, "code": _code(case)}


def _code(case: Case) -> str | None:
    """The verdict on a case, from its bytes alone."""

    def judge() -> object:
        signed = Signed.decode(bytes.fromhex(case["signed"]))
        return _JUDGES[case["kind"]](case, signed)

    try:
        return code_of(judge)
    except NotAllowed as error:
        return error.code


def _roster(case: Case) -> tuple[Roster, list[Signed]]:
    entries = [Signed.decode(bytes.fromhex(entry)) for entry in case["entries"]]
    opening = Signed.decode(bytes.fromhex(case["opening"]))
    return _followed(bytes.fromhex(case["room"]), opening, entries), entries


def _judge_leave(case: Case, signed: Signed) -> object:
    verify_leave(_roster(case)[0], bytes.fromhex(case["key"]), signed)
    return None


def _judge_end(case: Case, signed: Signed) -> object:
    return verify_end(_roster(case)[0], signed)


def _judge_removal(case: Case, signed: Signed) -> object:
    roster, entries = _roster(case)
    followed = {entry_hash(Label.ROSTER, entry.body) for entry in entries}
    base = Position.decode(bytes.fromhex(case["base"]))
    return verify_removal(roster, signed, bytes.fromhex(case["key"]), base, followed)


def _judge_request(case: Case, signed: Signed) -> object:
    room, key, leaf = (bytes.fromhex(case[name]) for name in ("room", "key", "leaf_key"))
    asker = Asker(room, case["epoch"], key, leaf, case["seated"])
    return verify_request(signed, case["sealed_epoch"], asker)


_JUDGES: dict[str, Callable[[Case, Signed], object]] = {
    "leave": _judge_leave,
    "end": _judge_end,
    "removal": _judge_removal,
    "request": _judge_request,
}


# --- leaves -----------------------------------------------------------------------------------


def _leave(counter: int, by: SigningKey = MEMBER, room: bytes = ROOM, key: bytes = KEY) -> Signed:
    return _sign(Label.LEAVE, LeaveStatement(room, key, counter).encode(), by)


def _leaves() -> list[Case]:
    known = ROSTER.counter
    found = {
        "of the last entry": _leave(known),
        "of the entry that seated the member, before a rejoin": _leave(1),
        "from before the seat": _leave(0),
        "of later": _leave(known + 1),
        "of another room": _leave(known, room=bytes(32)),
        "in another member's name": _leave(known, key=public(BEN)),
        "signed by another": _leave(known, by=BEN),
        "altered": Signed(_leave(known).body, _leave(1).signature),
        "signed under another label": _sign(Label.END, _leave(known).body, MEMBER),
    }
    cases = [_of_roster("leave", name, signed) for name, signed in found.items()]
    cases.append(_of_roster("leave", "of an earlier stay", _leave(known), CAME_BACK))
    cases.append(_of_roster("leave", "of before a restated list", _leave(1), RESTATED))
    cases.append(_of_roster("leave", "of before the seat, the list restated", _leave(0), RESTATED))
    return cases


# --- ends -------------------------------------------------------------------------------------


def _end(by: SigningKey = FACILITATOR, **changed: object) -> Signed:
    said = EndStatement(ROOM, public(by), ROSTER.counter, ROSTER.head)
    # Values of two types.
    spoiled = replace(said, **changed)  # type: ignore[arg-type]
    return _sign(Label.END, spoiled.encode(), by)


def _ends() -> list[Case]:
    found = {
        "of the room as it is": _end(),
        "by the other facilitator": _end(BEN),
        "of later, for a client that was away": _end(counter=9, head=bytes(32)),
        "of earlier": _end(counter=2),
        "with another head": _end(head=bytes(32)),
        "of another room": _end(room=bytes(32)),
        "in another facilitator's name": _end(relay_key=public(BEN)),
        "by a participant": _end(MEMBER),
        "altered": Signed(_end().body, _end(counter=2).signature),
        "signed under another label": _sign(Label.LEAVE, _end().body, FACILITATOR),
    }
    return [_of_roster("end", name, signed) for name, signed in found.items()]


# --- removals ---------------------------------------------------------------------------------


def _removal(
    roster: Roster = ROSTER, number: int = 5, by: SigningKey = FACILITATOR, **spoiled: bytes
) -> Signed:
    base = Position(BASE.generation, number).encode()
    return _entry(roster, Change(Op.REMOVE, KEY), by=by, base=base, **spoiled)


def _removals() -> list[Case]:
    flagged = _entry(ROSTER, flags=1)
    later = _followed(ROOM, _opening(), [*CHAIN, flagged])
    two_later = _followed(ROOM, _opening(), [*CHAIN, flagged, _entry(later, flags=0)])
    taken = _removal()
    back = [*CHAIN, taken]
    back.append(_entry(_followed(ROOM, _opening(), back), Change(Op.ADD, KEY, SEAT)))
    cases = [
        _of_roster("removal", name, signed)
        for name, signed in {
            "by the next entry": taken,
            "after commits without an entry": _removal(number=9),
            "by an entry of later, for a client that was away": _removal(two_later, 7),
            "in another log": _entry(
                two_later,
                Change(Op.REMOVE, KEY),
                base=Position(b"\x08" * 8, 1).encode(),
            ),
            "that follows another entry": _removal(previous=bytes(32)),
            "on an earlier commit": _removal(number=4),
            "of later, on an earlier commit": _removal(two_later, 4),
            "of another room": _removal(room=bytes(32)),
            "of another member": _entry(ROSTER, Change(Op.REMOVE, public(BEN)), base=BASE.encode()),
            "that is none": _entry(ROSTER, Change(Op.ABSENT, KEY), base=BASE.encode()),
            "by a participant": _removal(by=MEMBER),
            "altered": Signed(taken.body, flagged.signature),
        }.items()
    ]
    cases.append(_of_roster("removal", "that lost its race", taken, [*CHAIN, flagged]))
    cases.append(_of_roster("removal", "that the client followed", taken, [*CHAIN, taken]))
    cases.append(_of_roster("removal", "of a member who came back", taken, back))
    return cases


# --- requests ---------------------------------------------------------------------------------


def _request(by: SigningKey = MEMBER_MLS, **changed: object) -> Signed:
    kind, content = RequestKind.REJOIN, b"a KeyPackage"
    body = RequestBody(ROOM, EPOCH, 3, LEAF, kind, content, REPLY.public)
    # Values of several types.
    spoiled = replace(body, **changed)  # type: ignore[arg-type]
    return _sign(Label.REQUEST, spoiled.encode(), by)


def _asked(name: str, signed: Signed, **state: object) -> Case:
    case: Case = {
        "kind": "request",
        "name": f"request: {name}",
        "room": ROOM.hex(),
        "epoch": EPOCH,
        "sealed_epoch": EPOCH,
        "key": public(MEMBER_MLS).hex(),
        "leaf_key": LEAF.hex(),
        "seated": 1,
        "signed": signed.encode().hex(),
        **state,
    }
    return {**case, "code": _code(case)}


def _requests() -> list[Case]:
    right = _request()
    other = _request(content=b"another KeyPackage"), _request(reply_key=LEAF)
    spoiled = {
        "for now": right,
        "an Update, without a reply key": _request(kind=RequestKind.UPDATE, reply_key=None),
        "of the entry that seated the member": _request(counter=1),
        "of another room": _request(room=bytes(32)),
        "of another epoch than it is sealed with": _request(epoch=EPOCH - 1),
        "from before the seat": _request(counter=0),
        "of another leaf": _request(leaf_key=bytes(32)),
        "with another KeyPackage than was signed": Signed(other[0].body, right.signature),
        "with another reply key than was signed": Signed(other[1].body, right.signature),
        "with a reply key of small order": _request(reply_key=bytes(32)),
        "signed by another": _request(BEN),
        "signed under another label": _sign(Label.LEAVE, right.body, MEMBER_MLS),
    }
    cases = [_asked(name, signed) for name, signed in spoiled.items()]
    cases.append(_asked("of an earlier epoch, of the same leaf", right, epoch=EPOCH + 1))
    cases.append(
        _asked("of an earlier epoch and leaf", right, epoch=EPOCH + 1, leaf_key=bytes(32).hex())
    )
    cases.append(_asked("of an epoch to come", right, epoch=EPOCH - 1))
    return cases


def cases() -> list[Case]:
    return [*_leaves(), *_ends(), *_removals(), *_requests()]


def check(case: Case) -> None:
    assert _code(case) == case["code"], case["name"]
