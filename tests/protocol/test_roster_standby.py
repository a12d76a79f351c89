"""Standby keys on the list: what a facilitator, a link's key and one that enters by it may sign."""

from typing import Any

import pytest
from alcove_protocol.labels import Label
from alcove_protocol.roster import (
    ENTRANT,
    LINK,
    Change,
    Op,
    Role,
    RoomFlag,
    Roster,
    Seat,
    extend,
)
from nacl.signing import SigningKey

from tests.protocol.support import key_of, public, refused, sign
from tests.protocol.test_roster import ANA, FIRST, HERE, after, entry_after, full_room, opened

LINK_KEY, FRESH_KEY, OTHER_KEY = (key_of(byte) for byte in (30, 31, 32))
LINKED, FRESH, OTHER = (public(key) for key in (LINK_KEY, FRESH_KEY, OTHER_KEY))
LISTED = Seat(role=Role.FACILITATOR)
LOBBY = bytes(range(32))


def with_link(before: Roster | None = None) -> Roster:
    room = after(opened(), Change(Op.ADD, ANA, HERE)) if before is None else before
    return after(room, Change(Op.ADD, LINKED, LINK))


def signed(roster: Roster, key: SigningKey, *changes: Change, **changed: Any) -> Roster:
    entry = entry_after(roster, changes, signer=public(key), **changed)
    return extend(roster, sign(Label.ROSTER, entry.encode(), key))[0]


def with_entrant(before: Roster | None = None) -> Roster:
    return signed(with_link(before), LINK_KEY, Change(Op.ADD, FRESH, ENTRANT))


ENTERS = (Change(Op.ADD, FRESH, ENTRANT),)
LISTS = (Change(Op.CHANGE, FRESH, LISTED), Change(Op.REMOVE, LINKED))


def test_a_link_puts_a_fresh_key_on_the_list_and_stays() -> None:
    roster = with_entrant()
    assert roster.links() == {LINKED}
    assert roster.entrants() == {FRESH}
    assert not roster.is_member(FRESH)
    assert not roster.is_facilitator(FRESH)


def test_a_link_replaces_the_key_that_it_put_there_before() -> None:
    again = (Change(Op.REMOVE, FRESH), Change(Op.ADD, OTHER, ENTRANT))
    roster = signed(with_entrant(), LINK_KEY, *again)
    assert roster.links() == {LINKED}
    assert roster.entrants() == {OTHER}


def test_the_fresh_key_becomes_a_facilitator_and_the_link_is_spent() -> None:
    roster = signed(with_entrant(), FRESH_KEY, *LISTS, lobby=LOBBY)
    assert roster.facilitators() == {FIRST, FRESH}
    assert roster.standbys() == frozenset()
    assert roster.lobby == LOBBY
    with refused("bad_roster"):
        signed(roster, LINK_KEY, *ENTERS)


BY_LINK: dict[str, tuple[Change, ...]] = {
    "nothing": (),
    "a participant": (Change(Op.ADD, FRESH, HERE),),
    "a facilitator": (Change(Op.ADD, FRESH, LISTED),),
    "another link": (Change(Op.ADD, FRESH, LINK),),
    "itself a facilitator": (Change(Op.CHANGE, LINKED, LISTED),),
    "itself gone": (Change(Op.REMOVE, LINKED), Change(Op.ADD, FRESH, ENTRANT)),
    "a member removed": (Change(Op.REMOVE, ANA), *ENTERS),
    "a member too": (*ENTERS, Change(Op.CHANGE, ANA, LISTED)),
    "two keys": (*ENTERS, Change(Op.ADD, OTHER, ENTRANT)),
    "the fresh one replaced without being removed": (Change(Op.ADD, OTHER, ENTRANT),),
}


@pytest.mark.parametrize("changes", BY_LINK.values(), ids=BY_LINK.keys())
def test_a_link_signs_nothing_else(changes: tuple[Change, ...]) -> None:
    here = with_entrant() if (Change(Op.ADD, OTHER, ENTRANT),) == changes else with_link()
    with refused("bad_roster"):
        signed(here, LINK_KEY, *changes)


BY_FRESH: dict[str, tuple[Change, ...]] = {
    "nothing": (),
    "the link stays": (Change(Op.CHANGE, FRESH, LISTED),),
    "only the link goes": (Change(Op.REMOVE, LINKED),),
    "a participant": (Change(Op.CHANGE, FRESH), Change(Op.REMOVE, LINKED)),
    "a member removed": (*LISTS, Change(Op.REMOVE, ANA)),
    "another fresh key": (Change(Op.REMOVE, FRESH), Change(Op.ADD, OTHER, ENTRANT)),
    "another made a facilitator": (Change(Op.CHANGE, ANA, LISTED), Change(Op.REMOVE, LINKED)),
}


@pytest.mark.parametrize("changes", BY_FRESH.values(), ids=BY_FRESH.keys())
def test_a_fresh_key_signs_nothing_else(changes: tuple[Change, ...]) -> None:
    with refused("bad_roster"):
        signed(with_entrant(), FRESH_KEY, *changes, lobby=LOBBY)


RULES: dict[str, dict[str, Any]] = {
    "locks": {"flags": RoomFlag.LOCKED},
    "slows": {"slow": 30},
    "has Welcomes": {"welcomes": bytes(31) + b"\x01"},
    "has leaves": {"leaves": b""},
}


@pytest.mark.parametrize("changed", RULES.values(), ids=RULES.keys())
def test_a_standby_key_changes_no_rule_of_the_room(changed: dict[str, Any]) -> None:
    with refused("bad_roster"):
        signed(with_link(), LINK_KEY, *ENTERS, **changed)
    with refused("bad_roster"):
        signed(with_entrant(), FRESH_KEY, *LISTS, lobby=LOBBY, **changed)


def test_a_new_lobby_key_comes_with_the_listing_and_with_nothing_before_it() -> None:
    with refused("bad_roster"):
        signed(with_link(), LINK_KEY, *ENTERS, lobby=LOBBY)
    with refused("bad_roster"):
        signed(with_entrant(), FRESH_KEY, *LISTS)


@pytest.mark.parametrize("op", [Op.CHANGE, Op.REJOIN, Op.ABSENT, Op.LEFT])
@pytest.mark.parametrize("key", [LINKED, FRESH])
def test_a_facilitator_only_removes_a_standby_key(op: Op, key: bytes) -> None:
    leaves = {"leaves": b""} if op is Op.LEFT else {}
    with refused("bad_roster"):
        after(with_entrant(), Change(op, key), **leaves)


def test_a_restated_list_makes_no_facilitator_of_a_standby_key() -> None:
    roster = with_link()
    seats = {key: seat for key, seat in roster.seats.items() if key != LINKED}
    restated = [Change(Op.RESET, bytes(32))]
    restated += [Change(Op.ADD, key, seat) for key, seat in seats.items()]
    kept = (*restated, Change(Op.ADD, LINKED, LINK))
    assert after(roster, *kept).links() == {LINKED}
    with refused("bad_roster"):
        after(roster, *kept, Change(Op.CHANGE, LINKED, LISTED))


def test_a_restated_list_makes_a_member_of_a_link() -> None:
    """It is no standby any more, and may be changed as others may."""
    roster = with_link()
    restated = [Change(Op.RESET, bytes(32))]
    restated += [
        Change(Op.ADD, key, HERE if key == LINKED else seat) for key, seat in roster.seats.items()
    ]
    changed = after(roster, *restated, Change(Op.CHANGE, LINKED, LISTED))
    assert changed.facilitators() == {FIRST, LINKED}


def test_a_facilitator_clears_both_keys_or_replaces_the_link() -> None:
    both = [Change(Op.REMOVE, LINKED), Change(Op.REMOVE, FRESH)]
    assert after(with_entrant(), *both).standbys() == frozenset()
    other = after(with_entrant(), *both, Change(Op.ADD, OTHER, LINK))
    assert other.standbys() == {OTHER}


COUNTS = {
    "two links": (Change(Op.ADD, OTHER, LINK),),
    "two that enter": (Change(Op.ADD, OTHER, ENTRANT),),
    "one that enters without a link": (Change(Op.REMOVE, LINKED),),
}


@pytest.mark.parametrize("changes", COUNTS.values(), ids=COUNTS.keys())
def test_there_is_one_link_and_one_key_that_enters_by_it(changes: tuple[Change, ...]) -> None:
    with refused("bad_roster"):
        after(with_entrant(), *changes)


def test_no_standby_key_signs_in_a_room_that_does_not_list_it() -> None:
    with refused("bad_roster"):
        signed(opened(), LINK_KEY, *ENTERS)
    gone = after(with_entrant(), Change(Op.REMOVE, LINKED), Change(Op.REMOVE, FRESH))
    with refused("bad_roster"):
        signed(gone, LINK_KEY, *ENTERS)


def test_the_places_of_members_are_counted_without_standby_keys() -> None:
    full = with_entrant(full_room())
    assert len(full.seats) == full.members + 2
    with refused("room_full"):  # the fresh key has no place as a facilitator
        signed(full, FRESH_KEY, *LISTS, lobby=LOBBY)
