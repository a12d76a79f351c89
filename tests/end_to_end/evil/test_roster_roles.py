"""Row 31: a facilitator who changes the roster and not the group, or the group and not the roster,
is shown to everybody, and nobody believes the roster alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import events
from alcove.events import CloseReason
from alcove.group.extensions import RoomExtension
from alcove_protocol.frames import EndRoom
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, Role, RoomFlag, Seat
from alcove_protocol.statements import EndStatement

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    appoint,
    change,
    commit_blob,
    context,
    demote,
    entry_by,
    relay_key,
    roster_of,
    state_of,
)
from tests.end_to_end.evil.rooms import (
    commit_by,
    forget,
    goes_on,
    named,
    problems,
    three,
    two_facilitators,
    with_dora,
)
from tests.end_to_end.world import Client


def culprits(client: Client) -> list[str | None]:
    return named(client, "roster_mismatch")


ROSTER_ONLY = {
    "another facilitator is disarmed": lambda ann, cleo: Change(
        Op.CHANGE, relay_key(ann), Seat(role=Role.PARTICIPANT)
    ),
    "a participant is muted": lambda ann, cleo: Change(
        Op.CHANGE, relay_key(cleo), Seat(paused=True)
    ),
    "a participant is promoted": lambda ann, cleo: Change(
        Op.CHANGE, relay_key(cleo), Seat(role=Role.FACILITATOR)
    ),
}


@pytest.mark.parametrize("how", ROSTER_ONLY)
def test_a_role_or_pause_of_the_roster_alone_is_told_with_the_name_of_its_author(how: str) -> None:
    world, ann, bob, cleo, dora = with_dora(two_facilitators())
    people = [(p.name, p.facilitator) for p in ann.engine.require_member().membership.people()]
    change(world, bob, lambda m: (), ROSTER_ONLY[how](ann, cleo))
    for client in (ann, cleo, dora):
        assert culprits(client) == ["Bob"]
        assert "Bob" in client.of(events.Problem)[0].text
        membership = client.engine.require_member().membership
        assert [(p.name, p.facilitator) for p in membership.people()] == people


STATE_ONLY: dict[str, Callable[[RoomExtension, Client], RoomExtension]] = {
    "paused": lambda state, who: replace(state, paused=who.engine.identity.signature.public),
    "listen_only": lambda state, who: replace(state, listen_only=True),
    "locked": lambda state, who: replace(state, locked=True),
    "slow": lambda state, who: replace(state, slow=30),
}


@pytest.mark.usefixtures("commands_to_come")
@pytest.mark.parametrize("field", ["listen_only", "locked", "slow"])
def test_an_honest_commit_that_changes_a_flag_changes_it_in_the_roster_too(field: str) -> None:
    world, ann, bob, cleo, dora = with_dora(two_facilitators())

    def build(state: RoomExtension) -> RoomExtension:
        return STATE_ONLY[field](state, cleo)

    change(world, bob, lambda m: (context(build(m.state)),))
    for client in (ann, bob, cleo, dora):
        assert culprits(client) == []
    roster = roster_of(ann)
    listen, locked = RoomFlag.LISTEN_ONLY, RoomFlag.LOCKED
    assert (listen in roster.flags, locked in roster.flags, roster.slow) == (
        field == "listen_only",
        field == "locked",
        30 if field == "slow" else 0,
    )


@pytest.mark.parametrize("field", STATE_ONLY)
def test_a_pause_or_flag_of_the_group_alone_is_told(field: str) -> None:
    """Judged at the membership: an honest client's commit cannot be made to leave the flags out."""
    _world, ann, _bob, cleo, _dora = with_dora(two_facilitators())
    membership = ann.engine.require_member().membership
    assert membership._list_is_the_groups()
    membership.state = STATE_ONLY[field](membership.state, cleo)
    assert not membership._list_is_the_groups()
    membership.compare_roster_with_group()
    assert membership.alarm == "roster_mismatch"


@pytest.mark.parametrize("flags", [RoomFlag.LOCKED, RoomFlag.LISTEN_ONLY])
def test_a_flag_of_the_roster_alone_is_told(flags: RoomFlag) -> None:
    _world, ann, _bob, _cleo, _dora = with_dora(two_facilitators())
    membership = ann.engine.require_member().membership
    membership.roster = replace(membership.roster, flags=flags)
    assert not membership._list_is_the_groups()


def test_the_next_commit_of_a_facilitator_who_still_may_restates_what_the_group_says() -> None:
    world, ann, bob, cleo, dora = with_dora(two_facilitators())
    change(world, bob, lambda m: (), Change(Op.CHANGE, relay_key(cleo), Seat(paused=True)))
    assert roster_of(ann).seats[relay_key(cleo)].paused
    commit_by(world, ann)
    for client in (ann, bob, cleo, dora):
        membership = client.engine.require_member().membership
        assert membership._list_is_the_groups()
        assert not membership.restate
        assert not membership.roster.seats[relay_key(cleo)].paused
    forget(ann, bob, cleo, dora)
    goes_on(world, ann, bob, cleo, dora)
    assert not any(problems(client) for client in (ann, bob, cleo, dora))


def test_a_second_false_entry_before_it_is_restated_is_told_too() -> None:
    world, ann, bob, cleo, dora = with_dora(two_facilitators())
    change(world, bob, lambda m: (), Change(Op.CHANGE, relay_key(cleo), Seat(paused=True)))
    membership = bob.engine.require_member().membership
    membership.restate = False  # a rogue client
    change(world, bob, lambda m: (), Change(Op.CHANGE, relay_key(dora), Seat(paused=True)))
    for client in (ann, cleo, dora):
        assert culprits(client) == ["Bob", "Bob"]


def test_a_newcomer_is_told_of_what_they_found() -> None:
    world, ann, bob, cleo, _dora = with_dora(two_facilitators())
    change(world, bob, lambda m: (), Change(Op.CHANGE, relay_key(cleo), Seat(paused=True)))
    ann.engine.require_member().membership.restate = False  # so that her commit leaves it
    eve = world.join(ann, "Eve")
    world.advance(1)
    assert "roster_mismatch" in problems(eve)


def test_honest_appointments_and_demotions_alarm_nobody() -> None:
    world, ann, bob, cleo = three()
    appoint(world, ann, bob)
    appoint(world, ann, cleo)
    demote(world, cleo, ann)
    demote(world, bob, cleo)
    goes_on(world, bob, ann, cleo)
    for client in (ann, bob, cleo):
        assert problems(client) == []


# --- what only a facilitator of the group may sign ------------------------------------------------


def end_by(world: EvilWorld, client: Client) -> None:
    """An end that this client signs, as it would if it facilitated."""
    relay, roster = client.engine.identity.relay, roster_of(client)
    statement = EndStatement(roster.room, relay.public, roster.counter, roster.head)
    signed = relay.sign(Label.END, statement)
    client.engine.link.request(lambda n: EndRoom(n, signed.body, signed.signature), lambda _: None)
    world.settle()


def test_an_end_by_a_facilitator_of_the_roster_alone_is_no_end() -> None:
    world, ann, bob, cleo, dora = with_dora(two_facilitators())
    promoted = Change(Op.CHANGE, relay_key(dora), Seat(role=Role.FACILITATOR))
    change(world, bob, lambda m: (), promoted)
    end_by(world, dora)
    for client in (ann, bob, cleo):
        assert client.engine.closed is not None
        assert client.engine.closed.reason is CloseReason.LOST


def test_an_end_by_a_facilitator_of_the_group_is_one() -> None:
    world, ann, bob, cleo, dora = with_dora(two_facilitators())
    end_by(world, bob)
    for client in (ann, cleo, dora):
        assert client.engine.closed is not None
        assert client.engine.closed.reason is CloseReason.ENDED


def test_a_removal_by_a_facilitator_of_the_roster_alone_is_no_proof() -> None:
    world, _ann, bob, cleo, dora = with_dora(two_facilitators())
    promoted = Change(Op.CHANGE, relay_key(dora), Seat(role=Role.FACILITATOR))
    change(world, bob, lambda m: (), promoted)
    membership = cleo.engine.require_member().membership
    blob = commit_blob(b"any")
    removal = Change(Op.REMOVE, relay_key(cleo))
    by_dora = entry_by(dora.engine.identity.relay, cleo, blob, removal)
    by_bob = entry_by(bob.engine.identity.relay, cleo, blob, removal)
    assert not membership.puts_me_out(by_dora)
    assert membership.puts_me_out(by_bob)
    assert state_of(cleo) == state_of(bob)
