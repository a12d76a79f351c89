"""In the group again without a facilitator, and no member has said yet that it followed.

The connection is lost then, or the relay's memory. No word of a member can come meanwhile, so that
time says nothing of them.
"""

from collections.abc import Callable

import pytest
from alcove.engine.standby_entering import FALSE_AFTER, OWN_WORD
from alcove_protocol import frames
from alcove_protocol.frames import Answered
from alcove_protocol.ticket import Ticket

from tests.end_to_end.facilitating import facilitators, goes_on, let
from tests.end_to_end.standing_by import orphaned
from tests.end_to_end.test_return_after_a_loss import loses_memory
from tests.end_to_end.ticketing import codes, crashes, ticket_of
from tests.end_to_end.world import Client, World, room_of_three

Entered = tuple[World, Client, Client, Client]


def unheard(who: Client, *members: Client) -> None:
    """Nothing that these members answer comes to this client once it is in the group."""
    keys = {one.engine.identity.relay.public for one in members}

    def drop(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        said = isinstance(frame, Answered) and frame.key in keys
        return [] if said and client.engine.member is not None else [data]

    who.to_client = drop


def enters(world: World, who: Client) -> None:
    """It makes its external commit, and asks the members whether they followed."""
    world.settle()
    while who.engine.member is None:
        world.advance(1)
    world.advance(4)
    assert who.engine.member.entering is not None


def by_a_ticket() -> Entered:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = world.client("Ann")
    unheard(again, bob, cleo)
    again.engine.begin_resuming(Ticket.parse(ticket))
    enters(world, again)
    return world, again, bob, cleo


def by_a_link() -> Entered:
    world, link, bob, cleo = orphaned()
    world.advance(60)
    dora = world.client("Dora")
    unheard(dora, bob, cleo)
    world.knock_with(dora, link)
    enters(world, dora)
    return world, dora, bob, cleo


both_ways = pytest.mark.parametrize("way", [by_a_ticket, by_a_link])


@both_ways
def test_minutes_without_a_connection_make_no_answer_false(way: Callable[[], Entered]) -> None:
    """The person read that no member confirmed their way in, and a second commit was made."""
    world, who, bob, cleo = way()
    who.cut()
    let(who)
    world.advance(FALSE_AFTER + 30, stay_away=(who,))
    world.advance(60)
    assert "false_answer" not in codes(who)
    assert who.name in facilitators(bob) & facilitators(who)
    goes_on(world, who, bob, cleo)


@both_ways
@pytest.mark.parametrize("gone", [0, 1], ids=["a minute", "ten minutes"])
def test_nor_does_a_log_that_is_unsettled(way: Callable[[], Entered], gone: int) -> None:
    """The relay passes no ask on before."""
    world, who, bob, *others = way()
    for one in others[:gone]:
        crashes(world, one)
    loses_memory(world)
    let(who)
    world.advance(200 + gone * 600)
    assert "false_answer" not in codes(who)
    assert who.name in facilitators(bob) & facilitators(who)
    goes_on(world, who, bob, *others[gone:])


def test_one_word_is_no_proof_because_the_connection_was_lost_behind_it() -> None:
    """Bob alone may have lied, as by whom it came in. The others have as long to say so as they
    would have had."""
    world, who, bob, cleo = by_a_ticket()
    entering = who.engine.require_member().entering
    assert entering is not None
    entering._by = bob.engine.identity.relay.public
    unheard(who, cleo)
    world.advance(5)
    assert entering.followed == {entering._by}
    who.cut()
    world.advance(60, stay_away=(who,))
    world.advance(2)
    assert who.engine.require_member().entering is entering
    world.advance(OWN_WORD + 5)
    assert who.engine.require_member().entering is None
