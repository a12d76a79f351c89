"""What ends a membership: a client believes what its own chain does not contradict."""

from dataclasses import replace
from typing import Any

import pytest
from alcove_protocol.endings import verify_end, verify_removal
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.roster import (
    Change,
    Op,
    Role,
    Roster,
    RosterEntry,
    Seat,
    entry_hash,
    extend,
)
from alcove_protocol.statements import EndStatement, Signed
from nacl.signing import SigningKey

from tests.protocol.support import DOOR, FACILITATOR, key_of, refused, sign
from tests.protocol.test_roster import (
    ANA,
    BEN,
    EVA,
    FIRST,
    MEMBERS,
    after,
    entry_after,
    full_room,
    signed_by,
)


def end_of(roster: Roster, by: SigningKey = FACILITATOR, **changed: Any) -> Signed:
    said = EndStatement(roster.room, FIRST, roster.counter, roster.head)
    return sign(Label.END, replace(said, **changed).encode(), by)


def test_the_end_of_the_room_as_it_is() -> None:
    roster = full_room()
    assert verify_end(roster, end_of(roster)).counter == roster.counter


def test_a_client_that_was_away_takes_the_end_of_later() -> None:
    roster = full_room()
    later = after(after(roster, flags=1), flags=0)
    assert verify_end(roster, end_of(later)).head == later.head


ENDS: dict[str, tuple[dict[str, Any], str]] = {
    "of another room": ({"room": bytes(32)}, "bad_statement"),
    "in another facilitator's name": ({"relay_key": ANA}, "bad_statement"),
    "signed by a participant": ({"by": MEMBERS[ANA], "relay_key": ANA}, "bad_signature"),
    "signed by a stranger": ({"by": key_of(99)}, "bad_signature"),
    "of earlier": ({"counter": 0}, "bad_roster"),
    "of another history": ({"head": bytes(32)}, "bad_roster"),
}


@pytest.mark.parametrize(("changed", "code"), ENDS.values(), ids=ENDS.keys())
def test_an_end_that_is_not_of_this_room_now(changed: dict[str, Any], code: str) -> None:
    roster = full_room()
    with refused(code):
        verify_end(roster, end_of(roster, **changed))


def test_a_leave_is_no_end() -> None:
    roster = full_room()
    body = EndStatement(roster.room, FIRST, roster.counter, roster.head).encode()
    with refused("bad_signature"):
        verify_end(roster, sign(Label.LEAVE, body, FACILITATOR))


# --- removal ----------------------------------------------------------------------------------

GENERATION = b"g" * 8
BASE = Position(GENERATION, 5)


def removal(roster: Roster, base: Position = BASE, key: bytes = EVA, **changed: Any) -> Signed:
    entry = entry_after(roster, [Change(Op.REMOVE, key)], base=base.encode(), **changed)
    return signed_by(entry)


def judge(roster: Roster, signed: Signed, *followed: Signed) -> RosterEntry:
    hashes = {entry_hash(Label.ROSTER, entry.body) for entry in followed}
    return verify_removal(roster, signed, EVA, BASE, hashes)


def test_the_entry_that_comes_next_removes_a_member() -> None:
    roster = full_room()
    assert judge(roster, removal(roster)).counter == roster.counter + 1
    judge(
        roster, removal(roster, Position(GENERATION, 9))
    )  # a commit without an entry came between


def test_who_was_away_is_shown_one_entry_of_later() -> None:
    """The entries before it cannot be known, and none that is known contradicts it."""
    roster = full_room()
    later = after(after(roster, flags=1), flags=0)
    judge(roster, removal(later, Position(GENERATION, 7)))
    judge(roster, removal(later, Position(b"another!", 1)))  # the relay had lost its memory


def lost_to(roster: Roster) -> tuple[Roster, Signed]:
    """The list that the winner of a race left, and the entry that lost it."""
    return after(roster, flags=1), removal(roster)


def with_another_head(roster: Roster) -> tuple[Roster, Signed]:
    return roster, removal(after(roster, flags=1), counter=roster.counter + 1)


def on_an_earlier_commit(roster: Roster) -> tuple[Roster, Signed]:
    """The winner had no entry, so the counter does not tell."""
    return roster, removal(roster, Position(GENERATION, 4))


def on_an_earlier_commit_of_later(roster: Roster) -> tuple[Roster, Signed]:
    return roster, removal(after(roster, flags=1), Position(GENERATION, 4))


def who_came_back(roster: Roster) -> tuple[Roster, Signed]:
    gone = removal(roster)
    return after(extend(roster, gone)[0], Change(Op.ADD, EVA, Seat(DOOR))), gone


def of_another_member(roster: Roster) -> tuple[Roster, Signed]:
    return roster, removal(roster, key=ANA)


def that_lets_a_member_go(roster: Roster) -> tuple[Roster, Signed]:
    return roster, signed_by(entry_after(roster, [Change(Op.ABSENT, EVA)], base=BASE.encode()))


def of_another_room(roster: Roster) -> tuple[Roster, Signed]:
    """Of later, so that the chain itself does not tell."""
    return roster, removal(after(roster, flags=1), room=bytes(32))


def by_a_participant(roster: Roster) -> tuple[Roster, Signed]:
    later = after(roster, flags=1)
    entry = entry_after(later, [Change(Op.REMOVE, EVA)], base=BASE.encode(), signer=BEN)
    return roster, sign(Label.ROSTER, entry.encode(), MEMBERS[BEN])


def by_a_participant_of_a_later_list(roster: Roster) -> tuple[Roster, Signed]:
    """They may have been appointed since. The client cannot know it."""
    later = after(roster, Change(Op.CHANGE, BEN, Seat(role=Role.FACILITATOR)))
    entry = entry_after(later, [Change(Op.REMOVE, EVA)], base=BASE.encode(), signer=BEN)
    return roster, sign(Label.ROSTER, entry.encode(), MEMBERS[BEN])


REMOVALS = {
    "that lost its race": (lost_to, "bad_roster"),
    "that follows another entry": (with_another_head, "bad_roster"),
    "that lost to a commit without an entry": (on_an_earlier_commit, "bad_roster"),
    "of later, on an earlier commit": (on_an_earlier_commit_of_later, "bad_roster"),
    "of a member who came back": (who_came_back, "bad_roster"),
    "of another member": (of_another_member, "bad_roster"),
    "that is no removal": (that_lets_a_member_go, "bad_roster"),
    "of another room": (of_another_room, "bad_roster"),
    "by a participant": (by_a_participant, "bad_roster"),
    "by a facilitator of later": (by_a_participant_of_a_later_list, "bad_roster"),
}


@pytest.mark.parametrize(("make", "code"), REMOVALS.values(), ids=REMOVALS.keys())
def test_an_entry_that_the_chain_contradicts_puts_nobody_out(make: Any, code: str) -> None:
    roster, signed = make(full_room())
    with refused(code):
        judge(roster, signed, signed if make is who_came_back else removal(full_room(), key=ANA))


def test_a_removal_with_another_signature() -> None:
    roster = full_room()
    with refused("bad_signature"):
        judge(roster, Signed(removal(after(roster, flags=1)).body, bytes(64)))


def test_a_removal_that_the_client_has_followed_is_its_own_proof() -> None:
    """Its commit was burned, so the client is still in the group, and off the list."""
    before = full_room()
    taken, other = removal(before), removal(before, flags=1)
    roster = extend(before, taken)[0]
    judge(roster, taken, taken)
    with refused("bad_roster"):
        judge(roster, other, taken)
