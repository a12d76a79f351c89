"""The relay loses its memory while somebody is on the way: by a ticket, or by a standby's link.

What was parked is gone with it, and the program has the only copy. It waits until a member brings
the room back, and begins anew.
"""

import pytest
from alcove import events
from alcove_protocol import frames, limits
from alcove_protocol.ticket import Ticket

from tests.end_to_end.facilitating import do, facilitators, goes_on
from tests.end_to_end.standing_by import comes, orphaned
from tests.end_to_end.test_return_among_newcomers import outrun
from tests.end_to_end.ticketing import codes, crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World, closed, room_of_three


def loses_memory(world: World) -> None:
    world.kill_relay()
    world.start_relay()


def no_requests(client: Client, data: bytes) -> list[bytes]:
    return [] if isinstance(frames.from_relay(data), frames.LobbyItem) else [data]


def as_it_is(client: Client, data: bytes) -> list[bytes]:
    return [data]


@pytest.mark.parametrize("second", [0, 2, 9, 11, 14])
def test_a_lone_facilitator_waits_for_the_room(second: int) -> None:
    """It was told that the room is not known, and nobody else could ever facilitate it."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=second)
    loses_memory(world)
    world.advance(600)
    assert again.of(events.Joined), codes(again)
    goes_on(world, again, bob, cleo)


@pytest.mark.parametrize("second", [5, 96, 103])
def test_so_does_one_that_newcomers_answer(second: int) -> None:
    world, ticket, _, dora = outrun()
    again = resumes(world, ticket, "Ann", wait=second)
    loses_memory(world)
    world.advance(900)
    assert again.of(events.Joined), codes(again)
    goes_on(world, again, dora)


def test_so_does_a_participant() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    ann.to_client = no_requests
    again = resumes(world, ticket, "Bob", wait=5)
    loses_memory(world)
    ann.to_client = as_it_is
    world.advance(180)
    assert again.of(events.Joined), codes(again)
    assert "room_forgotten" in codes(again)
    goes_on(world, ann, again, cleo)


def test_so_does_a_participant_while_the_log_takes_ten_minutes() -> None:
    """Nobody can be let in before. Only a facilitator's ask told so, and the person was told to
    knock after three minutes."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    for one in (bob, cleo):
        crashes(world, one)
    ann.to_client = no_requests
    again = resumes(world, ticket, "Bob", wait=5)
    loses_memory(world)
    ann.to_client = as_it_is
    world.advance(limits.UNSETTLED)
    assert again.engine.closed is None
    assert not again.of(events.Joined)
    world.advance(40)
    assert again.of(events.Joined), codes(again)
    goes_on(world, ann, again)


@pytest.mark.parametrize("second", [0, 40, 75])
def test_so_does_the_holder_of_a_link(second: int) -> None:
    world, link, bob, cleo = orphaned()
    dora = comes(world, link, wait=second)
    loses_memory(world)
    world.advance(900)
    assert dora.of(events.Joined), codes(dora)
    assert facilitators(dora) == {"Ann", "Dora"}
    goes_on(world, dora, bob, cleo)


def test_its_ticket_serves_once_more_afterwards() -> None:
    """It parks the same bytes again, at the relay that has forgotten them."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=5)
    loses_memory(world)
    world.advance(60)
    assert not again.of(events.Joined)
    crashes(world, again)
    third = resumes(world, ticket, "Ann", wait=600)
    goes_on(world, third, bob, cleo)


def test_nobody_brings_the_room_back() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    for one in (ann, bob, cleo):
        crashes(world, one)
    again = resumes(world, ticket, "Ann", wait=5)
    loses_memory(world)
    world.advance(limits.ABANDONED_AFTER + 60, step=5)
    assert closed(again).code == "lost"


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_member_brings_a_history_without_what_was_parked(comes_back: bool) -> None:
    """Bob was away, and did not see the last commit. Cleo did. Nothing older is entered."""
    world, ann, bob, cleo = room_of_three()
    bob.cut()
    do(world, ann, "listen_only", True)
    world.advance(2, stay_away=(bob,))
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = world.client("Ann")
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    loses_memory(world)
    world.advance(80, stay_away=(cleo,))
    assert again.engine.closed is None
    if comes_back:
        world.advance(900)
        assert again.of(events.Joined), codes(again)
        do(world, again, "listen_only", False)
        goes_on(world, again, bob, cleo)
    else:
        world.advance(limits.UNSETTLED + 200, stay_away=(cleo,), step=2)
        assert not again.of(events.Joined)
        assert closed(again).code == "bad_roster"
