"""Rows 15, 11, 3 and 2, for every right: refused by the relay while the client has no check, and by
every client while the relay has none. `every_right.py` has the tables; a right without a row fails.
"""

import re
from collections.abc import Callable
from dataclasses import fields, replace
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest
from alcove import events
from alcove.group.extensions import RoomExtension
from alcove.group.rights import Act
from alcove.mls.proposals import ProposalType
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    LobbyRequest,
    Publish,
    ReadCard,
    RelayAnswer,
    Request,
    RequestRefused,
)
from alcove_protocol.roster import Op
from alcove_server.client.states import ClientState
from alcove_server.session.handlers import HANDLERS
from alcove_server.wire.fast_in import Post

from tests.end_to_end.evil.every_right import (
    FIELDS,
    MESSAGES,
    OPERATIONS,
    PROPOSALS,
    REQUESTS,
    SILENCED,
    WITHHOLDS,
    field,
)
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import entry_by, rogue_commit, rogue_message, room_of, roster_of
from tests.end_to_end.evil.rogue import state_of as state
from tests.end_to_end.evil.rooms import Room, forget, goes_on, problems, three
from tests.end_to_end.evil.test_commits import Make, burned_by_all, demoted
from tests.end_to_end.evil.test_folds import answer_of
from tests.end_to_end.facilitating import do
from tests.end_to_end.world import Client

ROOT: Final = Path(__file__).resolve().parents[3]


AT_DOOR: Final = {ReadCard, LobbyRequest}
"""Of a member's requests, those that a newcomer may make too: of their door, and the talk there."""


def paused() -> Room:
    world, ann, bob, cleo = three()
    do(world, ann, "pause", "Bob")
    return world, ann, bob, cleo


def listening() -> Room:
    world, ann, bob, cleo = three()
    do(world, ann, "listen_only", True)
    return world, ann, bob, cleo


ROLES: Final[dict[str, Callable[[], Room]]] = {
    "participant": three,
    "paused": paused,
    "in listen-only": listening,
    "former facilitator": demoted,
}
"""Who Bob is. None of them may change anything."""


# --- every right has a row --------------------------------------------------------------------


def test_every_right_that_the_code_knows_has_a_row() -> None:
    assert FIELDS.keys() == {one.name for one in fields(RoomExtension)} - {"version"}
    assert PROPOSALS.keys() == set(ProposalType)
    assert OPERATIONS.keys() == set(Op)
    assert MESSAGES.keys() == set(Act) - {Act.HEARTBEAT}
    members = HANDLERS[ClientState.MEMBER].keys() - {Post}  # the short form of a publish
    assert {row.kind for row in REQUESTS.values()} == members
    assert {row.make.__name__ for row in REQUESTS.values() if row.kind is Publish} == {"make"}
    assert len([row for row in REQUESTS.values() if row.kind is Publish]) == len(BlobClass)


def test_every_rule_of_the_protocol_is_named_by_a_test_of_the_clients() -> None:
    """Rules for facilitators, too: by each of them a client refuses a commit that the relay, which
    reads none, takes."""
    document = (ROOT / "docs" / "protocol.md").read_text()
    section = document.split("### Rights")[1].split("Inside a message:")[0]
    codes = set(re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE))
    assert len(codes) > 20
    evil = Path(__file__).parent.glob("test_*.py")
    told = "".join(path.read_text() for path in evil if path.name != Path(__file__).name)
    assert {code for code in codes if f'"{code}"' not in told} == set()


@pytest.mark.parametrize("what", REQUESTS)
def test_a_request_that_not_all_may_make_says_where_the_clients_are_shown(what: str) -> None:
    row = REQUESTS[what]
    assert bool(row.alone) == (row.code is not None)
    if row.alone and row.alone != WITHHOLDS:
        file, _, name = row.alone.partition("::")
        assert hasattr(import_module(f"tests.{file}"), name), row.alone


# --- the state and the group ------------------------------------------------------------------

COMMITS: Final[dict[str, Make]] = {name: field(name) for name in FIELDS} | {
    kind.name: make for kind, make in PROPOSALS.items()
}


@pytest.mark.parametrize("role", ROLES)
def test_the_relay_takes_no_change_of_the_state_by_who_may_not(role: str) -> None:
    """Bob's client has no check."""
    world, ann, bob, cleo = ROLES[role]()
    before, head = state(ann), world.head(room_of(ann))
    for what, make in COMMITS.items():
        blob = make(world, bob, cleo)
        assert answer_of(world, bob, blob, BlobClass.COMMIT) == "not_allowed", what
    assert (state(ann), state(cleo), world.head(room_of(ann))) == (before, before, head)
    assert problems(ann) == problems(cleo) == []


@pytest.mark.parametrize("role", ROLES)
def test_members_burn_every_change_of_the_state_by_who_may_not(role: str) -> None:
    """The relay has no check."""
    world, ann, bob, cleo = ROLES[role]()
    before = state(ann)
    for make in COMMITS.values():
        told = "commit_unreadable" if make is PROPOSALS[ProposalType.EXTERNAL_INIT] else None
        burned_by_all(world, bob, make(world, bob, cleo), ann, cleo, code=told or "commit_refused")
        world.advance(61)  # the same is told once a minute
    assert state(ann) == state(cleo) == before


# --- the signed list --------------------------------------------------------------------------


@pytest.mark.parametrize("op", Op)
def test_the_relay_takes_no_entry_of_who_may_not(op: Op) -> None:
    world, ann, bob, cleo = three()
    blob = rogue_commit(bob, force_path=True)
    entry = entry_by(bob.engine.identity.relay, ann, blob, *OPERATIONS[op](world, bob, cleo))
    before = [roster_of(client) for client in (ann, cleo)]
    base = bob.engine.require_member().membership.base.encode()
    code = asks(
        world,
        bob,
        lambda n: Publish(
            n, world.random(16), base, BlobClass.COMMIT, 600, blob, entry.body, entry.signature
        ),
    )
    assert code == "not_allowed"
    assert [roster_of(client) for client in (ann, cleo)] == before


@pytest.mark.parametrize("op", Op)
def test_members_follow_no_entry_of_who_may_not(op: Op) -> None:
    """The relay hands it over with an honest commit, which stands."""
    world, ann, bob, cleo = three()

    def with_evil_entry(blob: BlobIs) -> BlobIs:
        changes = OPERATIONS[op](world, bob, cleo)
        entry = entry_by(bob.engine.identity.relay, cleo, blob.blob, *changes)
        return replace(blob, entry=entry.body, signature=entry.signature)

    before, people = roster_of(cleo), cleo.members()
    trick = world.alter(
        cleo, BlobIs, with_evil_entry, lambda b: b.blob_class == BlobClass.COMMIT, most=1
    )
    goes_on(world, ann, bob, cleo)
    assert len(trick.hits) == 1
    assert (roster_of(cleo), cleo.members()) == (before, people)
    assert "roster_mismatch" in problems(cleo)


# --- messages ---------------------------------------------------------------------------------

_SAYS: Final = events.Message | events.Retracted | events.Folded | events.AgreementShown


@pytest.mark.parametrize("act", MESSAGES, ids=lambda act: act.value)
@pytest.mark.parametrize("role", SILENCED)
def test_a_message_beyond_its_authors_right(act: Act, role: str) -> None:
    """First to the relay as it is, from a client without checks, and then with a relay that takes
    it: nobody is told anything of it."""
    world, ann, bob, cleo = ROLES[role]()
    target = bytes.fromhex(ann.say("of a facilitator"))
    world.settle()
    forget(ann, cleo)
    row = MESSAGES[act]
    blob = rogue_message(bob, row.body(target), kind=act.value)
    assert answer_of(world, bob, blob, BlobClass.APPLICATION) == SILENCED[role]
    if SILENCED[role] is not None:
        assert not [e for c in (ann, cleo) for e in c.told if isinstance(e, _SAYS)]
        world.take(room_of(ann), blob, BlobClass.APPLICATION)
    assert world.last_blob(cleo, BlobClass.APPLICATION).blob == blob  # it did arrive
    told = [e for c in (ann, cleo) for e in c.told if isinstance(e, _SAYS)]
    assert bool(told) == (role in row.allowed)


@pytest.mark.parametrize("role", ROLES)
def test_the_relay_takes_no_heartbeat_of_who_may_not(role: str) -> None:
    """What clients make of one: `test_authors.py`."""
    world, _ann, bob, cleo = ROLES[role]()
    assert asks(world, bob, lambda n: REQUESTS["a heartbeat"].make(world, bob, cleo, n)) is not None


# --- requests ---------------------------------------------------------------------------------


def asks(world: EvilWorld, client: Client, make: Callable[[int], Request]) -> str | None:
    """The code with which the relay refuses a request; None when it does what is asked."""
    answers: list[RelayAnswer | None] = []
    client.engine.link.request(make, answers.append)
    world.settle()
    answer = answers[0] if answers else None
    return answer.code if isinstance(answer, RequestRefused) else None


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", REQUESTS)
def test_the_relay_refuses_each_request_of_who_may_not(what: str, role: str) -> None:
    world, ann, bob, cleo = ROLES[role]()
    row = REQUESTS[what]
    code = asks(world, bob, lambda n: row.make(world, bob, cleo, n))
    silenced = SILENCED.get(role) if what == "a message" else None
    assert code == (row.code or silenced)
    assert ann.engine.closed is None


@pytest.mark.parametrize("what", REQUESTS)
def test_the_relay_takes_nothing_of_a_member_from_who_waits_at_the_door(what: str) -> None:
    """Neither does it from a removed one, who is refused when they come (`test_way_in.py`)."""
    world, ann, bob, cleo = three()
    dora = world.knock(ann.invite(), "Dora")
    row = REQUESTS[what]
    code = asks(world, dora, lambda n: row.make(world, bob, cleo, n))
    assert row.kind in AT_DOOR or code == "not_allowed"


def test_who_waits_at_the_door_asks_for_little() -> None:
    kinds = {row.kind for row in REQUESTS.values()}
    assert HANDLERS[ClientState.AT_DOOR].keys() & kinds == AT_DOOR
