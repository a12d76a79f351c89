"""The relay loses its memory while somebody is on the way: by a ticket, or by a standby's link.

What was parked is gone with it, and the program has the only copy. It waits until a member brings
the room back, and begins anew.
"""

import pytest
from alcove import events
from alcove.joining.ticket_comer import TicketComer
from alcove_protocol import frames, limits
from alcove_protocol.ticket import Ticket

from tests.end_to_end.facilitating import do, facilitators, goes_on, hold, let
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


@pytest.mark.parametrize("lost", ["memory", "park"])
def test_its_ticket_serves_though_only_its_connection_was_lost(lost: str) -> None:
    """The relay lost its memory meanwhile, and others brought the room back, so nothing said that
    it had. Or what was parked again was on its way. Who died once more had no way back."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    ann.to_client = no_requests
    again = world.client("Bob")
    if lost == "park":
        hold(again, frames.Park)
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    again.cut()
    let(again)
    if lost == "memory":
        loses_memory(world)
    world.advance(80, stay_away=(again,) if lost == "memory" else ())
    world.advance(5)
    assert "room_forgotten" not in codes(again)
    crashes(world, again)
    ann.to_client = as_it_is
    third = resumes(world, ticket, "Bob", wait=60)
    assert third.of(events.Joined), codes(third)
    goes_on(world, ann, third, cleo)


def test_a_relay_that_has_no_place_for_what_is_parked_again_is_asked_once_more() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    ann.to_client = no_requests
    again = world.client("Bob")
    held = hold(again, frames.Park)
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    (parks,) = (frames.from_client(data) for data in held)
    assert isinstance(parks, frames.Park)
    again.engine.received(frames.RequestRefused(parks.n, "busy", "").to_bytes())
    let(again)
    world.advance(90)  # the relay has dropped what was fetched
    crashes(world, again)
    ann.to_client = as_it_is
    third = resumes(world, ticket, "Bob", wait=60)
    assert third.of(events.Joined), codes(third)
    goes_on(world, ann, third, cleo)


def test_where_nobody_answers_after_a_loss_the_person_is_told_to_knock() -> None:
    """Also where its program hears of the loss, and misses the time in which the relay says so."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    ann.to_client = no_requests
    again = resumes(world, ticket, "Bob", wait=5)
    loses_memory(world)
    world.advance(2, stay_away=(ann, cleo))
    assert codes(again)[-1] == "room_forgotten"
    world.advance(150, stay_away=(again,))
    world.advance(170)
    assert again.engine.closed is None
    world.advance(30)
    assert closed(again).code == "knock_again"


def test_a_facilitator_that_misses_the_unsettled_time_is_told_that_it_is_over() -> None:
    """They had read that they will be."""
    world, ann, bob, _ = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(60)
    bob.cut()
    loses_memory(world)
    ann.back()
    world.settle()
    assert codes(ann) == ["room_forgotten"]
    ann.cut()
    world.advance(200, stay_away=(ann,))
    world.advance(5)
    assert codes(ann) == ["room_forgotten", "room_settled"]


def test_nobody_brings_the_room_back() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    for one in (ann, bob, cleo):
        crashes(world, one)
    again = resumes(world, ticket, "Ann", wait=5)
    loses_memory(world)
    world.advance(limits.ABANDONED_AFTER + 60, step=5)
    assert closed(again).code == "lost"


@pytest.mark.parametrize("unseen", [False, True], ids=["told", "not told"])
@pytest.mark.parametrize("comes_back", [True, False])
def test_a_member_brings_a_history_without_what_was_parked(comes_back: bool, unseen: bool) -> None:
    """Bob was away, and did not see the last commit. Cleo did. Nothing older is entered. One whose
    connection was lost for as long as the relay had no room ended at once."""
    world, ann, bob, cleo = room_of_three()
    bob.cut()
    do(world, ann, "listen_only", True)
    world.advance(2, stay_away=(bob,))
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = world.client("Ann")
    if unseen:
        hold(again, frames.ReadChain)
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    loses_memory(world)
    let(again)
    world.advance(70, stay_away=(cleo, again) if unseen else (cleo,))
    world.advance(10, stay_away=(cleo,))
    assert ("room_forgotten" in codes(again)) is not unseen
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


@pytest.mark.parametrize("asked", [5, 120, 150])
def test_who_asked_for_a_while_waits_as_long_for_a_newer_history(asked: int) -> None:
    """Of the time to ask 30 s were left, and then an alarm was told of an honest relay."""
    world, ann, _, cleo, again = one_that_asks(asked)
    loses_memory(world)
    way_of(again).chain.begin_anew()  # as where what was brought does not follow
    ann.to_client = as_it_is
    world.advance(20, stay_away=(ann, again))
    world.advance(240, stay_away=(ann,))
    assert again.engine.closed is None
    world.advance(600)
    assert again.of(events.Joined), codes(again)
    do(world, ann, "listen_only", False)
    goes_on(world, ann, again, cleo)


def test_an_older_history_by_turns_gains_no_time() -> None:
    world, ann, _, _, again = one_that_asks(5)
    loses_memory(world)
    way = way_of(again)
    way.chain.begin_anew()
    world.advance(20, stay_away=(ann, again))
    world.advance(10, stay_away=(ann,))
    for _ in range(79):
        way._is_older = False  # as with a newer one in between
        world.advance(10, stay_away=(ann,))
    assert closed(again).code in ("bad_roster", "knock_again")


def way_of(client: Client) -> TicketComer:
    way = client.engine.newcomer
    assert isinstance(way, TicketComer)
    return way


def one_that_asks(seconds: int) -> tuple[World, Client, Client, Client, Client]:
    """Bob's program asks by its ticket, and Ann's client is not given that. Cleo's was away, and
    knows an older history."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Cleo")
    world.advance(35)
    bob.cut()
    cleo.cut()
    bob.back()
    world.advance(2, stay_away=(cleo,))
    do(world, ann, "listen_only", True)
    world.advance(2, stay_away=(cleo,))
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    ann.to_client = no_requests
    return world, ann, bob, cleo, resumes(world, ticket, "Bob", wait=seconds, stay_away=(cleo,))
