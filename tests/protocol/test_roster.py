"""The roster chain: nobody replays, omits, recombines or forges an entry."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import Label, room_id_of
from alcove_protocol.roster import (
    CHANGE_SIZE,
    ENTRANT,
    LINK,
    NO_DOOR,
    NO_HASH,
    Change,
    Op,
    Role,
    RoomFlag,
    Roster,
    RosterEntry,
    Seat,
    apply_changes,
    entry_hash,
    extend,
    list_digest,
    open_roster,
)
from alcove_protocol.statements import LeaveStatement, Signed
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from tests.protocol.support import (
    DOOR,
    FACILITATOR,
    NEWCOMER,
    OTHER,
    ROOM,
    ROOT,
    key_of,
    opening,
    public,
    refused,
    sign,
    taken,
)

FIRST = public(FACILITATOR)
ANA, BEN, EVA, ZOE = (public(key_of(byte)) for byte in (5, 20, 21, 22))
HERE = Seat(DOOR)


def opened() -> Roster:
    signed = sign(Label.OPEN, opening().encode(), ROOT)
    return open_roster(signed, ROOM)[0]


def entry_after(roster: Roster, changes: Iterable[Change], **changed: Any) -> RosterEntry:
    """The entry that follows, its digest over what the changes give; `changed` spoils it."""
    listed = list(changes)
    flags = RoomFlag(changed.get("flags", roster.flags))
    if "digest" not in changed:
        seats = apply_changes(roster.seats, listed, roster.away)
        slow = changed.get("slow", roster.slow)
        changed["digest"] = list_digest(roster.room, seats, flags, slow)
    values: dict[str, Any] = {
        "room": roster.room,
        "counter": roster.counter + 1,
        "previous": roster.head,
        "signer": FIRST,
        "base": bytes(16),
        "commit": NO_HASH,
        "welcomes": NO_HASH,
        "changes": b"".join(change.encode() for change in listed),
        "flags": int(flags),
        "slow": roster.slow,
    }
    left = [change for change in listed if change.op is Op.LEFT]
    if left and "leaves" not in changed:
        values["leaves"] = leaves_of(roster, left)
    return RosterEntry(**{**values, **changed})


MEMBERS = {public(key): key for key in map(key_of, (2, 5, 20, 21, 22))}


def leave_of(roster: Roster, key: bytes, **changed: Any) -> Signed:
    """What a member signs to be let go; `changed` spoils it."""
    values: dict[str, Any] = {"room": roster.room, "relay_key": key, "counter": roster.counter}
    wish = LeaveStatement(**{**values, **changed})
    return sign(Label.LEAVE, wish.encode(), MEMBERS[key])


def leaves_of(roster: Roster, left: Iterable[Change]) -> bytes:
    return pack_list([leave_of(roster, change.key).encode() for change in left])


def signed_by(entry: RosterEntry, key: SigningKey = FACILITATOR) -> Signed:
    return sign(Label.ROSTER, entry.encode(), key)


def after(roster: Roster, *changes: Change, **changed: Any) -> Roster:
    return extend(roster, signed_by(entry_after(roster, changes, **changed)))[0]


def full_room() -> Roster:
    return after(opened(), *(Change(Op.ADD, key, HERE) for key in (ANA, BEN, EVA)))


# --- entry 0 ----------------------------------------------------------------------------------


def test_entry_0_opens_the_room() -> None:
    signed = sign(Label.OPEN, opening().encode(), ROOT)
    roster, verified = open_roster(signed, ROOM)
    assert roster.head == sha256(b"alcove v1 open\0" + signed.body).digest()
    assert verified.statement == opening()
    assert verified.key == public(ROOT)
    assert roster.head == entry_hash(Label.OPEN, signed.body)
    assert (roster.room, roster.counter, roster.members, roster.ttl) == (ROOM, 0, 4, 1800)
    assert roster.seats == {FIRST: Seat(NO_DOOR, Role.FACILITATOR, False)}
    assert roster.flags is RoomFlag.NONE
    assert roster.facilitators() == {FIRST}


OPENINGS: dict[str, tuple[Signed, bytes, str]] = {
    "another room": (sign(Label.OPEN, opening().encode(), ROOT), bytes(32), "wrong_room"),
    "another root key": (
        sign(Label.OPEN, opening(root_key=public(OTHER)).encode(), OTHER),
        ROOM,
        "wrong_room",
    ),
    "names another room": (
        sign(Label.OPEN, opening(previous=bytes(32)).encode(), ROOT),
        ROOM,
        "wrong_room",
    ),
    "signed by another key": (sign(Label.OPEN, opening().encode(), OTHER), ROOM, "bad_signature"),
    "signed as a later entry": (
        sign(Label.ROSTER, opening().encode(), ROOT),
        ROOM,
        "bad_signature",
    ),
    "no opening": (sign(Label.OPEN, b"\x80", ROOT), ROOM, "bad_field"),
    "no map": (sign(Label.OPEN, b"", ROOT), ROOM, "truncated"),
}


@pytest.mark.parametrize(("signed", "room", "code"), OPENINGS.values(), ids=OPENINGS.keys())
def test_what_opens_no_room(signed: Signed, room: bytes, code: str) -> None:
    with refused(code):
        open_roster(signed, room)


def test_a_room_id_is_of_one_root_key() -> None:
    assert room_id_of(public(ROOT)) == ROOM
    assert room_id_of(public(OTHER)) != ROOM


# --- changes ----------------------------------------------------------------------------------

ROLES = st.sampled_from([Role.PARTICIPANT, Role.FACILITATOR])
STANDBY = LINK
members = st.builds(Seat, st.binary(min_size=8, max_size=8), ROLES, st.booleans())
seats = st.sampled_from([LINK, ENTRANT]) | members
keys = st.binary(min_size=32, max_size=32)


@given(keys, seats)
def test_changes_come_back(key: bytes, seat: Seat) -> None:
    changes = [
        Change(Op.RESET, bytes(32)),
        Change(Op.ADD, key, seat),
        *(Change(op, key) for op in (Op.CHANGE, Op.REMOVE, Op.REJOIN, Op.LEFT, Op.ABSENT)),
        Change(Op.REMOVE, key, Seat(paused=True)),
    ]
    if seat.role is not Role.STANDBY:
        changes.append(Change(Op.CHANGE, key, replace(seat, door=NO_DOOR)))
    assert {change.op for change in changes} == set(Op)
    for change in changes:
        assert len(change.encode()) == CHANGE_SIZE
        assert Change.decode(change.encode()) == change


UNUSED = [
    (Op.RESET, ANA, Seat()),
    (Op.RESET, bytes(32), HERE),
    (Op.RESET, bytes(32), Seat(role=Role.FACILITATOR)),
    (Op.CHANGE, ANA, HERE),
    *((op, ANA, HERE) for op in (Op.REMOVE, Op.REJOIN, Op.LEFT, Op.ABSENT)),
    *((op, ANA, STANDBY) for op in (Op.REMOVE, Op.CHANGE, Op.REJOIN, Op.LEFT, Op.ABSENT)),
    *((op, ANA, Seat(paused=True)) for op in (Op.RESET, Op.REJOIN, Op.LEFT, Op.ABSENT)),
    (Op.REMOVE, ANA, Seat(DOOR, paused=True)),
    (Op.ADD, ANA, replace(STANDBY, door=DOOR)),
]


@pytest.mark.parametrize(("op", "key", "seat"), UNUSED)
def test_what_an_operation_does_not_use_is_zero(op: Op, key: bytes, seat: Seat) -> None:
    data = bytes([op]) + key + seat.door + bytes([seat.role, seat.paused])
    with refused("bad_field"):
        Change.decode(data)
    with refused("bad_field"):
        Change(op, key, seat)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x07" + bytes(42), "bad_field"),
        (b"\xff" + bytes(42), "bad_field"),
        (b"\x01" + bytes(40) + b"\x03\x00", "bad_field"),
        (b"\x01" + bytes(40) + b"\x00\x02", "bad_field"),
        (b"", "bad_length"),
        (bytes(42), "bad_length"),
        (bytes(44), "bad_length"),
    ],
)
def test_bytes_that_are_no_change(data: bytes, code: str) -> None:
    with refused(code):
        Change.decode(data)


@given(st.binary(min_size=43, max_size=43) | st.binary(max_size=50))
def test_arbitrary_changes(data: bytes) -> None:
    change = taken(Change.decode, data, frozenset({"bad_field", "bad_length"}))
    assert change is None or change.encode() == data


LIST: Mapping[bytes, Seat] = {FIRST: Seat(role=Role.FACILITATOR), ANA: HERE, BEN: HERE}
RESET = Change(Op.RESET, bytes(32))
RESTATED = [RESET, *(Change(Op.ADD, key, seat) for key, seat in LIST.items())]
PAUSE = Seat(paused=True)


def test_what_each_operation_does() -> None:
    def result(*changes: Change) -> dict[bytes, Seat]:
        return apply_changes(LIST, changes)

    first = LIST[FIRST]
    assert result() == LIST
    assert result(Change(Op.ADD, EVA, HERE)) == {**LIST, EVA: HERE}
    for op in (Op.REMOVE, Op.LEFT, Op.ABSENT):
        assert result(Change(op, ANA)) == {FIRST: first, BEN: HERE}
    assert result(Change(Op.CHANGE, ANA, PAUSE))[ANA] == Seat(DOOR, Role.PARTICIPANT, True)
    raised = Change(Op.CHANGE, ANA, Seat(role=Role.FACILITATOR))
    assert result(raised)[ANA] == Seat(DOOR, Role.FACILITATOR, False)
    assert result(Change(Op.REJOIN, ANA)) == LIST
    assert result(RESET) == {}
    assert result(*RESTATED) == LIST


def test_who_an_absent_took_off_the_list_can_be_removed_once() -> None:
    absent, removed = Change(Op.ABSENT, ANA), Change(Op.REMOVE, ANA)
    first = opened()
    two = follow(first, Change(Op.ADD, ANA, HERE), Change(Op.ADD, BEN, HERE))
    assert first.away == two.away == frozenset()
    gone = follow(two, absent)
    assert gone.away == frozenset({ANA})
    barred = follow(gone, removed)
    assert barred.seats == gone.seats
    assert barred.away == frozenset()
    back = follow(gone, Change(Op.ADD, ANA, HERE))
    assert back.away == follow(back, removed).away == frozenset()
    for roster, change in (
        (first, removed),
        (barred, removed),
        (follow(back, removed), removed),
        (gone, absent),
        (gone, Change(Op.CHANGE, ANA, PAUSE)),
        (gone, Change(Op.REJOIN, ANA)),
    ):
        with refused("bad_roster"):
            apply_changes(roster.seats, [change], roster.away)
    # A restated list brings in one that went and is lost again, or leaves out a stranger.
    again = [RESET, *(Change(Op.ADD, key, seat) for key, seat in gone.seats.items())]
    assert follow(gone, *again).away == frozenset({ANA})
    assert follow(
        gone, *again, Change(Op.ADD, EVA, HERE), Change(Op.ABSENT, EVA)
    ).away == frozenset({ANA})
    assert follow(gone, *again, removed).away == frozenset()
    # Who came later does not know whom an ABSENT took off.
    later = replace(gone, away=None)
    assert follow(later, removed).away is None
    assert follow(later, removed).seats == gone.seats


def follow(roster: Roster, *changes: Change) -> Roster:
    """One more entry with these changes."""
    entry = entry_after(roster, changes)
    return extend(roster, sign(Label.ROSTER, entry.encode(), FACILITATOR))[0]


def test_the_list_before_is_left_as_it_was() -> None:
    before = dict(LIST)
    apply_changes(before, [Change(Op.REMOVE, ANA)])
    assert before == LIST


BAD_CHANGES = {
    "a member is added": [Change(Op.ADD, ANA, HERE)],
    "added twice": [Change(Op.ADD, EVA, HERE), Change(Op.ADD, EVA, Seat(bytes(8)))],
    "restated twice": [*RESTATED, Change(Op.ADD, ANA, HERE)],
    "a reset after something": [Change(Op.REMOVE, ANA), RESET],
    "two resets": [RESET, RESET],
    "removed and added": [Change(Op.REMOVE, ANA), Change(Op.ADD, ANA, HERE)],
    "added and removed": [Change(Op.ADD, EVA, HERE), Change(Op.REMOVE, EVA)],
    "removed twice": [Change(Op.REMOVE, ANA), Change(Op.REMOVE, ANA)],
    "removed and absent": [Change(Op.REMOVE, ANA), Change(Op.ABSENT, ANA)],
    "removed and left": [Change(Op.REMOVE, ANA), Change(Op.LEFT, ANA)],
    "changed twice": [Change(Op.CHANGE, ANA, PAUSE), Change(Op.CHANGE, ANA)],
    "changed and removed": [Change(Op.CHANGE, ANA, PAUSE), Change(Op.REMOVE, ANA)],
    "rejoined twice": [Change(Op.REJOIN, ANA), Change(Op.REJOIN, ANA)],
    "restated, removed, restated": [*RESTATED, Change(Op.REMOVE, ANA), Change(Op.ADD, ANA, HERE)],
    **{f"{op.name} of a stranger": [Change(op, EVA)] for op in Op if op not in (Op.RESET, Op.ADD)},
    "a change of a member that was just reset": [RESET, Change(Op.CHANGE, ANA, PAUSE)],
}


@pytest.mark.parametrize("changes", BAD_CHANGES.values(), ids=BAD_CHANGES.keys())
def test_changes_that_cannot_be(changes: list[Change]) -> None:
    with refused("bad_roster"):
        apply_changes(LIST, changes)


def test_a_restated_list_may_be_changed_in_the_same_entry() -> None:
    seats = apply_changes(LIST, [*RESTATED, Change(Op.REMOVE, ANA), Change(Op.REJOIN, BEN)])
    assert seats == {FIRST: LIST[FIRST], BEN: HERE}


@given(st.dictionaries(keys, seats, max_size=5), st.sampled_from(list(RoomFlag)))
def test_a_list_is_restated_by_its_own_listing(list_: dict[bytes, Seat], flags: RoomFlag) -> None:
    roster = replace(opened(), seats=list_, flags=flags)
    items = roster.listing()
    decoded = [
        Change.decode(items[at : at + CHANGE_SIZE]) for at in range(0, len(items), CHANGE_SIZE)
    ]
    assert apply_changes(LIST, decoded) == list_
    assert list_digest(ROOM, list_, flags) == roster.digest


def test_a_digest_is_of_the_list_whatever_its_order_and_of_every_part_of_it() -> None:
    digest = list_digest(ROOM, LIST, RoomFlag.NONE)
    assert digest == list_digest(ROOM, dict(reversed(list(LIST.items()))), RoomFlag.NONE)
    others = [
        list_digest(bytes(32), LIST, RoomFlag.NONE),
        list_digest(ROOM, LIST, RoomFlag.LOCKED),
        list_digest(ROOM, LIST, RoomFlag.LISTEN_ONLY),
        list_digest(ROOM, {**LIST, EVA: HERE}, RoomFlag.NONE),
        list_digest(ROOM, {**LIST, ANA: Seat()}, RoomFlag.NONE),
        list_digest(ROOM, {**LIST, ANA: replace(HERE, paused=True)}, RoomFlag.NONE),
        list_digest(ROOM, {**LIST, ANA: STANDBY}, RoomFlag.NONE),
        list_digest(ROOM, LIST, RoomFlag.NONE, 1),
        list_digest(ROOM, LIST, RoomFlag.NONE, limits.SLOW_MAX),
        list_digest(ROOM, {}, RoomFlag.NONE),
    ]
    assert len({digest, *others}) == 1 + len(others)


# --- the chain --------------------------------------------------------------------------------


def test_an_entry_follows() -> None:
    before = opened()
    entry = entry_after(before, [Change(Op.ADD, ANA, HERE)], flags=1)
    signed = signed_by(entry)
    roster, verified = extend(before, signed)
    assert verified.statement == entry
    assert verified.key == FIRST
    assert roster.head == entry_hash(Label.ROSTER, signed.body)
    assert roster.counter == 1
    assert roster.seats == {**before.seats, ANA: HERE}
    assert roster.flags is RoomFlag.LOCKED
    assert roster.digest == entry.digest
    assert (roster.room, roster.members, roster.ttl) == (before.room, before.members, before.ttl)


ADD_ANA = Change(Op.ADD, ANA, HERE)
SPOILED: dict[str, dict[str, Any]] = {
    "another room": {"room": bytes(32)},
    "the same counter again": {"counter": 1},
    "a counter left out": {"counter": 3},
    "a far counter": {"counter": limits.REQUEST_NUMBER},
    "another entry before": {"previous": bytes(32)},
    "entry 0 before": {"previous": lambda: opened().head},
    "a digest of zeros": {"digest": bytes(32)},
    "the digest of the list before": {"digest": lambda: opened().digest},
    "a digest with other flags": {
        "digest": lambda: list_digest(ROOM, full_room().seats, RoomFlag(2))
    },
    "a participant signs": {"signer": ANA},
    "a stranger signs": {"signer": public(OTHER)},
}


@pytest.mark.parametrize("changed", SPOILED.values(), ids=SPOILED.keys())
def test_entries_that_do_not_follow(changed: dict[str, Any]) -> None:
    before = full_room()
    values = {name: value() if callable(value) else value for name, value in changed.items()}
    entry = entry_after(before, [Change(Op.LEFT, EVA)], **values)
    signer = next((key for key in (NEWCOMER, OTHER) if public(key) == entry.signer), FACILITATOR)
    with refused("bad_roster"):
        extend(before, signed_by(entry, signer))


def test_an_entry_is_signed_as_an_entry_by_the_key_that_it_names() -> None:
    before = opened()
    entry = entry_after(before, [ADD_ANA])
    for forged in (
        signed_by(entry, OTHER),
        signed_by(entry, ROOT),
        sign(Label.OPEN, entry.encode(), FACILITATOR),
        Signed(entry.encode(), bytes(64)),
        Signed(replace(entry, flags=1).encode(), signed_by(entry).signature),
    ):
        with refused("bad_signature"):
            extend(before, forged)


def test_entries_are_not_replayed_left_out_or_recombined() -> None:
    rosters, entries = [opened()], []
    for change in (ADD_ANA, Change(Op.ADD, BEN, HERE), Change(Op.REMOVE, ANA), ADD_ANA):
        entries.append(signed_by(entry_after(rosters[-1], [change])))
        rosters.append(extend(rosters[-1], entries[-1])[0])
    # the list is the same after entries 2 and 4; the entries are not
    assert rosters[2].seats == rosters[4].seats
    assert rosters[2].head != rosters[4].head
    fits = {
        (r, e)
        for r, roster in enumerate(rosters)
        for e, entry in enumerate(entries)
        # Mypy infers no lambda with defaults.
        if taken(lambda signed, at=roster: extend(at, signed), entry, frozenset({"bad_roster"}))  # type: ignore[misc]
    }
    assert fits == {(n, n) for n in range(len(entries))}


def test_an_entry_of_another_room_with_the_same_members() -> None:
    other_room = room_id_of(public(OTHER))
    there = opening(previous=other_room, root_key=public(OTHER))
    roster, _ = open_roster(sign(Label.OPEN, there.encode(), OTHER), other_room)
    entry = signed_by(entry_after(roster, [ADD_ANA]))
    assert extend(roster, entry)[0].counter == 1
    with refused("bad_roster"):
        extend(opened(), entry)


def test_a_chain_that_forks_is_two_chains() -> None:
    one, other = after(opened(), ADD_ANA), after(opened(), Change(Op.ADD, BEN, HERE))
    entry = signed_by(entry_after(one, [Change(Op.ADD, EVA, HERE)]))
    with refused("bad_roster"):
        extend(other, entry)


def test_the_digest_was_signed_but_the_changes_give_another_list() -> None:
    before = opened()
    seated = apply_changes(before.seats, [ADD_ANA])
    digest = list_digest(ROOM, seated, RoomFlag.NONE)
    for changes in ([], [Change(Op.ADD, BEN, HERE)], [Change(Op.ADD, ANA, Seat())]):
        with refused("bad_roster"):
            extend(before, signed_by(entry_after(before, changes, digest=digest)))


NO_FACILITATOR = {
    "removed": [Change(Op.REMOVE, FIRST)],
    "left": [Change(Op.LEFT, FIRST)],
    "made a participant": [Change(Op.CHANGE, FIRST)],
    "absent": [Change(Op.ABSENT, FIRST)],
    "restated as a standby": [RESET, Change(Op.ADD, FIRST, STANDBY)],
    "reset": [RESET],
    "left out when restated": [RESET, ADD_ANA],
    "restated as a participant": [RESET, Change(Op.ADD, FIRST, HERE)],
}


@pytest.mark.parametrize("changes", NO_FACILITATOR.values(), ids=NO_FACILITATOR.keys())
def test_the_last_facilitator_stays(changes: list[Change]) -> None:
    with refused("bad_roster"):
        after(opened(), *changes)


def test_a_facilitator_goes_when_another_is_there_and_signs_no_more() -> None:
    both = after(full_room(), Change(Op.CHANGE, ANA, Seat(role=Role.FACILITATOR)))
    assert both.facilitators() == {FIRST, ANA}
    assert both.is_facilitator(ANA)
    alone = after(both, Change(Op.REMOVE, FIRST))
    assert not alone.is_facilitator(FIRST)
    with refused("bad_roster"):
        after(alone, Change(Op.LEFT, EVA))
    entry = entry_after(alone, [Change(Op.LEFT, EVA)], signer=ANA)
    assert extend(alone, signed_by(entry, NEWCOMER))[0].facilitators() == {ANA}


def test_a_new_facilitator_cannot_sign_the_entry_that_makes_them_one() -> None:
    entry = entry_after(
        full_room(), [Change(Op.CHANGE, ANA, Seat(role=Role.FACILITATOR))], signer=ANA
    )
    with refused("bad_roster"):
        extend(full_room(), signed_by(entry, NEWCOMER))


@pytest.mark.parametrize("seat", [HERE, replace(HERE, paused=True), STANDBY])
def test_other_roles_sign_nothing(seat: Seat) -> None:
    before = after(opened(), Change(Op.ADD, ANA, seat))
    with refused("bad_roster"):
        extend(before, signed_by(entry_after(before, [], signer=ANA), NEWCOMER))


def test_a_standby_key_is_no_member() -> None:
    full = full_room()
    with_one = after(full, Change(Op.ADD, ZOE, STANDBY))
    assert with_one.seats[ZOE] == STANDBY
    assert not with_one.is_facilitator(ZOE)
    assert len(with_one.seats) == full.members + 1
    assert ZOE not in after(with_one, Change(Op.REMOVE, ZOE)).seats


@pytest.mark.parametrize("facilitators", [limits.FACILITATORS, limits.FACILITATORS + 1])
def test_a_room_has_so_many_facilitators_at_most(facilitators: int) -> None:
    large = replace(opened(), members=limits.MEMBERS_MAX)
    keys = [public(key_of(byte)) for byte in range(40, 39 + facilitators)]
    added = [Change(Op.ADD, key, Seat(DOOR, Role.FACILITATOR)) for key in keys]
    if facilitators > limits.FACILITATORS:
        with refused("bad_roster"):
            after(large, *added)
    else:
        assert len(after(large, *added).facilitators()) == facilitators


# --- leaves -----------------------------------------------------------------------------------


def test_an_entry_carries_the_leave_of_each_member_that_left() -> None:
    before = full_room()
    gone = after(before, Change(Op.LEFT, EVA), Change(Op.LEFT, ANA))
    assert gone.seats.keys() == {FIRST, BEN}
    entry = entry_after(before, [Change(Op.LEFT, EVA)])
    assert entry.decoded_leaves() == (leave_of(before, EVA),)


def entry_with(leaves: list[Signed], *changes: Change) -> None:
    packed = pack_list([leave.encode() for leave in leaves])
    after(full_room(), *changes, leaves=packed)


def test_without_a_signed_leave_no_member_has_left() -> None:
    before = full_room()
    eva, ana = leave_of(before, EVA), leave_of(before, ANA)
    left = Change(Op.LEFT, EVA)
    entry_with([eva], left)
    for leaves, changes in (
        ([], [left]),
        ([eva, eva], [left]),
        ([eva], []),
        ([eva], [Change(Op.REMOVE, EVA)]),
        ([eva], [Change(Op.ABSENT, EVA)]),
        ([eva], [left, Change(Op.LEFT, ANA)]),
    ):
        with refused("bad_roster"):
            entry_with(leaves, *changes)
    with refused("bad_signature"):
        entry_with([ana], left)
    with refused("bad_signature"):
        entry_with([ana, eva], left, Change(Op.LEFT, ANA))
    with refused("truncated"):
        after(before, left, leaves=eva.encode())


@pytest.mark.parametrize(
    "changed",
    [{"room": bytes(32)}, {"relay_key": ANA}, {"counter": 2}, {"counter": 0}],
    ids=["another room", "another member", "of later", "before the seat"],
)
def test_a_leave_is_of_this_room_this_member_and_this_stay(changed: dict[str, Any]) -> None:
    before = full_room()
    assert (before.counter, before.since[EVA]) == (1, 1)
    wish = replace(LeaveStatement.decode(leave_of(before, EVA).body), **changed)
    with refused("bad_statement"):
        entry_with([sign(Label.LEAVE, wish.encode(), MEMBERS[EVA])], Change(Op.LEFT, EVA))


def test_a_leave_outlives_commits_that_come_first_and_not_the_stay() -> None:
    before = full_room()
    wish = pack_list([leave_of(before, EVA).encode()])
    later = after(after(before, flags=1), Change(Op.REMOVE, ANA))
    assert EVA not in after(later, Change(Op.LEFT, EVA), leaves=wish).seats
    again = after(after(later, Change(Op.ABSENT, EVA)), Change(Op.ADD, EVA, HERE))
    assert again.since[EVA] == again.counter
    with refused("bad_statement"):
        after(again, Change(Op.LEFT, EVA), leaves=wish)


def test_a_leave_that_a_burned_commit_took_is_done_by_the_next() -> None:
    before = full_room()
    wish = pack_list([leave_of(before, EVA).encode()])
    burned = after(before, Change(Op.LEFT, EVA), leaves=wish)
    restating = [RESET, *(Change(Op.ADD, key, seat) for key, seat in before.seats.items())]
    assert EVA not in after(burned, *restating, Change(Op.LEFT, EVA), leaves=wish).seats
    restated = after(burned, *restating)
    assert EVA not in after(restated, Change(Op.LEFT, EVA), leaves=wish).seats


def test_a_client_that_joined_later_takes_any_leave_of_the_room() -> None:
    """It does not know when the others were seated, and must not differ from a client that does."""
    before = replace(full_room(), since={})
    wish = pack_list([leave_of(before, EVA, counter=0).encode()])
    assert EVA not in after(before, Change(Op.LEFT, EVA), leaves=wish).seats


# --- slow mode and the lobby key --------------------------------------------------------------


def test_slow_mode_is_stated_by_each_entry() -> None:
    slow = after(opened(), slow=30)
    assert slow.slow == 30
    assert slow.digest != opened().digest
    assert after(slow).slow == 30
    assert after(slow, slow=0).slow == 0
    with refused("bad_field"):
        replace(entry_after(opened(), []), slow=limits.SLOW_MAX + 1).encode()


def test_the_last_lobby_key_is_remembered() -> None:
    assert opened().lobby is None
    changed = after(opened(), lobby=ANA)
    assert changed.lobby == ANA
    assert after(changed).lobby == ANA
    assert after(changed, lobby=BEN).lobby == BEN


def test_a_full_room() -> None:
    full = full_room()
    assert len(full.seats) == full.members == 4
    with refused("room_full"):
        after(full, Change(Op.ADD, ZOE, HERE))
    with refused("room_full"):
        more = [Change(Op.ADD, key, seat) for key, seat in full.seats.items()]
        after(full, RESET, *more, Change(Op.ADD, ZOE, HERE))
    replaced = after(full, Change(Op.REMOVE, ANA), Change(Op.ADD, ZOE, HERE))
    assert replaced.seats.keys() == {FIRST, BEN, EVA, ZOE}


def test_the_list_is_restated_after_a_burned_commit() -> None:
    """Ben was added and Ana removed by a commit that all refused: Ben goes, Ana is there again."""
    before = after(opened(), ADD_ANA)
    burned = after(before, Change(Op.REMOVE, ANA), Change(Op.ADD, BEN, HERE))
    restating = [RESET, *(Change(Op.ADD, key, seat) for key, seat in before.seats.items())]
    restated = after(burned, *restating)
    assert restated.seats == before.seats
    assert restated.digest == before.digest
    assert restated.head != before.head
    assert restated.counter == 3


def test_a_rejoin_changes_nothing_on_the_list() -> None:
    before = full_room()
    rejoined = after(before, Change(Op.REJOIN, ANA))
    assert (rejoined.seats, rejoined.digest) == (before.seats, before.digest)
    assert rejoined.head != before.head
    with refused("bad_roster"):
        after(rejoined, Change(Op.REJOIN, ZOE))


def test_flags_alone_are_an_entry() -> None:
    for flags in RoomFlag(0), RoomFlag(1), RoomFlag(2), RoomFlag(3):
        assert after(opened(), flags=flags).flags == flags
    entry = entry_after(opened(), [])
    for number in (4, 2**32):
        with refused("bad_field"):
            replace(entry, flags=number).encode()


def test_a_pause_is_kept_with_the_door() -> None:
    paused = after(full_room(), Change(Op.CHANGE, ANA, PAUSE))
    assert paused.seats[ANA] == Seat(DOOR, Role.PARTICIPANT, True)
    assert paused.digest != full_room().digest


SPOILED_CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a byte more": (lambda data: data + b"\0", "bad_length"),
    "a byte less": (lambda data: data[:-1], "bad_length"),
    "an unknown operation": (lambda data: b"\x09" + data[1:], "bad_field"),
    "an unused field": (lambda data: data[:33] + DOOR + data[41:], "bad_field"),
}


@pytest.mark.parametrize(
    ("spoil", "code"), SPOILED_CHANGES.values(), ids=SPOILED_CHANGES.keys()
)  # fmt: skip
def test_changes_that_cannot_be_read(spoil: Callable[[bytes], bytes], code: str) -> None:
    before = full_room()
    entry = entry_after(before, [Change(Op.LEFT, ANA)])
    with refused(code):
        extend(before, signed_by(replace(entry, changes=spoil(entry.changes))))


def test_a_roster_cannot_be_changed_in_place() -> None:
    with pytest.raises(TypeError):
        opened().seats[ANA] = HERE  # type: ignore[index]  # frozen, which is what is tried
    with pytest.raises(TypeError):
        full_room().seats[ANA] = HERE  # type: ignore[index]  # frozen, which is what is tried


def test_the_largest_room_is_restated_in_one_entry() -> None:
    signed = sign(Label.OPEN, opening(members=limits.MEMBERS_MAX).encode(), ROOT)
    roster, _ = open_roster(signed, ROOM)
    many = {n.to_bytes(32, "big"): HERE for n in range(limits.MEMBERS_MAX - 1)}
    changes = [RESET, Change(Op.ADD, FIRST, Seat(role=Role.FACILITATOR))]
    changes += [Change(Op.ADD, key, seat) for key, seat in many.items()]
    full = after(roster, *changes)
    assert len(full.seats) == limits.MEMBERS_MAX
    assert len(full.listing()) == (1 + limits.MEMBERS_MAX) * CHANGE_SIZE
    with refused("room_full"):
        after(full, Change(Op.ADD, ZOE, HERE))


@settings(max_examples=60)
@given(st.data())
def test_a_mutated_entry_never_extends_the_chain(data: st.DataObject) -> None:
    encoded = bytearray(signed_by(entry_after(full_room(), [Change(Op.REMOVE, ANA)])).encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    mutant = Signed.decode(bytes(encoded))
    assert taken(lambda signed: extend(full_room(), signed), mutant) is None


SOME_KEYS = st.sampled_from([FIRST, ANA, BEN, EVA, ZOE])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(Op), SOME_KEYS, seats), max_size=6))
def test_whatever_a_facilitator_signs_the_chain_stays_whole(
    items: list[tuple[Op, bytes, Seat]],
) -> None:
    """Changes at random, signed rightly: refused with a code, or the list is a room's."""
    codes = frozenset({"bad_roster", "bad_field", "room_full"})

    def build(_: None) -> Roster:
        changes = [Change(*item) if item[0] is Op.ADD else Change(*item[:2]) for item in items]
        return after(full_room(), *changes)

    roster = taken(build, None, codes)
    if roster is not None:
        assert roster.facilitators()
        assert 1 <= len(roster.seats) <= roster.members
        assert roster.digest == list_digest(ROOM, roster.seats, roster.flags)
