"""The relay lost changes of the list of members, and the log is settled when their author is back.

An entry names the base of its commit and the entry before it, so it cannot come again as it was.
"""

from collections.abc import Callable

import pytest
from alcove import events
from alcove.facilitation.absence_intents import LetAbsentGo
from alcove_protocol import limits

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import relay_key, room_of, roster_of, state_of
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    forget,
    goes_on,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.evil.test_brought_back import lose_memory, unsettled
from tests.end_to_end.facilitating import away, do, part
from tests.end_to_end.world import Client

MOST_NAMED = limits.UNSETTLED_LEAST + 25.0
ALARMS = {"roster_mismatch", "held", "commit_unreadable", "bad_roster"}


def locks(world: EvilWorld, host: Client) -> None:
    do(world, host, "lock", True)


def pauses(world: EvilWorld, host: Client) -> None:
    do(world, host, "pause", "Cleo")


def removes(world: EvilWorld, host: Client) -> None:
    host.remove("Eve")
    world.settle()


def appoints(world: EvilWorld, host: Client) -> None:
    do(world, host, "appoint", "Cleo")


def admits(world: EvilWorld, host: Client) -> None:
    finn = world.knock(world.clients[0].invite(), "Finn")
    host.admit(host.of(events.Knocked)[-1])
    world.settle()
    assert finn.of(events.Joined)


def removes_one_that_was_let_go(world: EvilWorld, host: Client) -> None:
    """Eve is let go as absent first."""
    eve = next(one for one in world.clients if one.name == "Eve")
    key = eve.engine.require_member().membership.own.key
    part(host).committer.want(LetAbsentGo(key=key))
    world.advance(2, stay_away=tuple(one for one in world.clients if one is not host))
    assert away(host) == ("Eve",)
    removes(world, host)
    assert away(host) == ()


def sees_one_go(world: EvilWorld, host: Client) -> None:
    client = next(one for one in world.clients if one.name == "Eve")
    client.online = True
    world.advance(3, stay_away=tuple(one for one in world.clients if one not in (client, host)))
    client.engine.commands.leave(lambda: None)
    world.advance(2)


def several(world: EvilWorld, host: Client) -> None:
    do(world, host, "lock", True)
    commit_by(world, host)
    do(world, host, "pause", "Cleo")
    do(world, host, "lock", False)
    do(world, host, "unpause", "Cleo")
    removes(world, host)


def renews(world: EvilWorld, host: Client) -> None:
    """Each facilitator puts the cards anew whose room has changed."""
    pauses(world, host)
    facilitator = host.engine.require_member().facilitator
    assert facilitator is not None
    facilitator.door_keeper.cards_changed(own=True)
    world.advance(5, stay_away=tuple(one for one in world.clients if one is not host))


WHAT: list[Callable[[EvilWorld, Client], None]] = [
    locks,
    pauses,
    removes,
    removes_one_that_was_let_go,
    appoints,
    admits,
    sees_one_go,
    several,
]


def lost(
    what: Callable[[EvilWorld, Client], None], *, alone: bool
) -> tuple[EvilWorld, Client, list[Client]]:
    """One facilitator changes something while all others are away, and the relay dies. The others
    bring the room as they know it, and most of them settle it before that facilitator is back."""
    world, ann, bob, cleo = three() if alone else two_facilitators()
    dora, eve = world.join(ann, "Dora"), world.join(ann, "Eve")
    world.advance(31, step=31)
    late = ann if alone else bob
    others = [one for one in (ann, bob, cleo, dora, eve) if one is not late]
    for one in others:
        one.cut()
        one.online = False
    what(world, late)
    forget(*world.clients)
    lose_memory(world)
    newer = [one for one in world.clients if one not in others]
    for one in others:
        one.online = True
    world.advance(MOST_NAMED + (50 if alone else 0), stay_away=tuple(newer))
    assert not unsettled(others[0])
    world.advance(40)
    return world, late, [one for one in world.clients if one.engine.closed is None]


def one_list(clients: list[Client]) -> None:
    assert len(authenticators(*clients)) == 1
    assert len({roster_of(one).head for one in clients}) == 1
    for one in clients:
        membership = one.engine.require_member().membership
        assert not membership.lacks_the_list
        assert not ALARMS & set(problems(one))


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("what", WHAT)
def test_a_change_that_comes_too_late_for_the_settling_is_made_with_a_new_entry(
    what: Callable[[EvilWorld, Client], None], alone: bool
) -> None:
    world, late, there = lost(what, alone=alone)
    one_list(there)
    do(world, late, "lock", not state_of(late).locked)
    do(world, late, "lock", not state_of(late).locked)
    one_list(there)
    opener = world.clients[0].engine.require_member().membership
    assert len(opener.chain) == opener.roster.counter + 1  # the lost entries are no part of it
    chains = [one.engine.require_member().bringing.chain.whole() for one in there]
    assert chains[0] is not None
    assert all(chain == chains[0] for chain in chains)
    lose_memory(world)
    world.advance(limits.UNSETTLED_LEAST + 30)
    one_list(there)
    if what is not pauses:
        goes_on(world, late, *(one for one in there if one is not late))


@pytest.mark.parametrize("alone", [False, True])
def test_one_that_was_let_go_and_removed_stays_out_of_the_new_log(alone: bool) -> None:
    world, late, there = lost(removes_one_that_was_let_go, alone=alone)
    eve = next(one for one in world.clients if one.name == "Eve")
    assert eve not in there
    assert eve.engine.closed is not None
    assert world.relay is not None
    history = world.relay.relay.rooms.loaded[room_of(late)].history
    assert relay_key(eve) in history.removed
    assert away(late) == ()


def test_who_had_followed_what_was_lost_takes_the_new_entries_too() -> None:
    """Dora was there with Bob, and comes when he has made all of it again."""
    world, ann, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    eve, finn = world.join(ann, "Eve"), world.join(ann, "Finn")
    world.advance(31, step=31)
    others = [ann, cleo, eve, finn]
    for one in others:
        one.cut()
        one.online = False
    several(world, bob)
    forget(*world.clients)
    lose_memory(world)
    world.advance(MOST_NAMED, stay_away=(bob, dora))
    world.advance(40, stay_away=(dora,))
    world.advance(20)
    there = [one for one in world.clients if one.engine.closed is None]
    assert dora in there
    one_list(there)
    do(world, ann, "lock", True)
    one_list(there)


def test_an_invite_whose_card_was_put_with_a_lost_entry_lets_people_in() -> None:
    world, late, there = lost(renews, alone=True)
    one_list([*there, world.join(late, "Gwen")])
