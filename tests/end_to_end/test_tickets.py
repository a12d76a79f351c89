"""Back by a ticket after a crash: the same person, without a knock, and seen by all."""

import pytest
from alcove import events
from alcove.cli import ticket_words
from alcove.events import CloseReason, ConnectionState
from alcove_protocol import frames, limits
from alcove_protocol.ticket import Ticket

from tests.end_to_end.facilitating import do, facilitators, goes_on, new_link, newcomer, part
from tests.end_to_end.ticketing import codes, crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World, room_of_three


def test_a_participant_is_back_as_the_same_person_and_all_are_told() -> None:
    world, ann, bob, cleo = room_of_three()
    bob.say("before")
    world.settle()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    again = resumes(world, ticket, "Bob")
    assert again.of(events.Joined)[0].name == "Bob"
    assert again.of(events.Joined)[0].you
    for client in (ann, cleo):
        assert client.of(events.Reloaded) == [events.Reloaded("Bob")]
        assert not client.of(events.Left)
        assert not client.of(events.Removed)
        assert not client.of(events.Gap)
        assert [one.name for one in client.of(events.Joined) if not one.you].count("Bob") <= 1
    assert not again.texts()
    goes_on(world, ann, again, cleo)
    assert not ann.of(events.Gap)
    newcomer(world, ann.invite(), "Dora", ann)  # the invite by which Bob came is good


def test_a_ticket_is_parked_anew_in_each_epoch() -> None:
    world, ann, bob, cleo = room_of_three()
    parked: list[bytes] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        if isinstance(frames.from_client(data), frames.Park):
            parked.append(data)
        return [data]

    bob.to_relay = note
    ticket = ticket_of(world, bob)
    assert len(parked) == 1
    world.advance(limits.PARK_AGAIN - 10)
    assert len(parked) == 1
    ann.remove("Cleo")
    world.advance(1)
    assert len(parked) == 2
    dora = world.join(ann, "Dora")
    world.advance(1)
    assert len(parked) == 3
    world.advance(limits.PARK_AGAIN + 1)
    assert len(parked) == 4
    assert len({len(data) for data in parked}) <= 3  # but for the number of the request, one size
    crashes(world, bob)
    again = resumes(world, ticket, "Bob")
    goes_on(world, ann, again, dora)
    assert cleo.engine.closed is not None


def test_a_commit_that_came_after_the_crash_does_not_matter() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    ann.remove("Cleo")
    world.advance(1)
    again = resumes(world, ticket, "Bob")
    goes_on(world, ann, again)
    assert again.members() == {"Ann", "Bob"}
    assert cleo.engine.closed is not None


def test_a_ticket_is_good_for_minutes_and_no_longer() -> None:
    world, ann, bob, _ = room_of_three()
    ticket = ticket_of(world, bob)
    world.advance(limits.TICKET + 60)  # the client that lives parks anew
    crashes(world, bob)
    world.advance(limits.TICKET - limits.PARK_AGAIN - 5)
    again = resumes(world, ticket, "Bob")
    goes_on(world, ann, again)
    crashes(world, again)
    world.advance(limits.TICKET)
    late = resumes(world, again.of(events.TicketMade)[-1].ticket, "Bob")
    assert late.engine.closed is not None
    assert late.engine.closed.code == "unknown_ticket"


def test_a_ticket_is_spent_and_the_next_one_is_told() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    again = resumes(world, ticket, "Bob")
    fresh = again.of(events.TicketMade)[-1].ticket
    assert fresh != ticket
    crashes(world, again)
    world.advance(60)
    spent = resumes(world, ticket, "Bob")
    assert spent.engine.closed is not None
    third = resumes(world, fresh, "Bob")
    goes_on(world, ann, third, cleo)


def test_while_its_program_is_connected_a_ticket_is_of_no_use() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    thief = resumes(world, ticket, "Bob")
    assert thief.engine.closed is not None
    assert thief.engine.closed.code == "ticket_in_use"
    goes_on(world, ann, bob, cleo)


def test_who_left_or_was_removed_does_not_come_back_by_a_ticket() -> None:
    world, ann, bob, cleo = room_of_three()
    theirs, others = ticket_of(world, bob), ticket_of(world, cleo)
    ann.remove("Bob")
    cleo.engine.commands.leave(lambda: None)
    world.advance(2)
    for ticket in (theirs, others):
        late = resumes(world, ticket, "X")
        assert late.engine.closed is not None
        assert late.engine.closed.code == "unknown_ticket"
    assert ann.members() == {"Ann"}


def test_a_ticket_ends_with_a_step_outside_and_says_so() -> None:
    """Also for one that came in again: they ask for another."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    bob.engine.commands.outside()
    world.advance(8)
    bob.engine.commands.inside(None, lambda error: None)
    world.advance(8)
    other = ticket_of(world, bob)
    crashes(world, bob)
    late = resumes(world, ticket, "X")
    assert late.engine.closed is not None
    assert late.engine.closed.code == "unknown_ticket"
    assert "not after you leave or step outside" in ticket_words.KEEP
    goes_on(world, ann, cleo, resumes(world, other, "Bob"))


def test_five_times_an_hour_and_then_a_person_decides() -> None:
    world, ann, bob, _ = room_of_three()
    ticket = ticket_of(world, bob)
    for _ in range(5):
        crashes(world, bob)
        bob = resumes(world, ticket, "Bob", wait=70)
        assert bob.of(events.Joined)
        ticket = bob.of(events.TicketMade)[-1].ticket
    crashes(world, bob)
    bob = resumes(world, ticket, "Bob", wait=70)
    assert not bob.of(events.Joined)
    knock = ann.of(events.Knocked)[-1]
    assert knock.name == "Bob"
    ann.admit(knock)
    world.advance(5)
    assert bob.of(events.Joined)


def test_one_of_two_facilitators_is_back_and_facilitates() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(5)
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    again = resumes(world, ticket, "Bob", wait=15)
    assert facilitators(cleo) == {"Ann", "Bob"}
    goes_on(world, ann, again, cleo)
    crashes(world, ann)
    newcomer(world, ann.invite(), "Dora", again)


@pytest.mark.parametrize("other", [True, False])
def test_newcomers_read_the_helplines_and_the_contact_as_before(*, other: bool) -> None:
    """Whoever let the facilitator in again. Nobody is told that it put other words there."""
    world = World()
    ann = world.open_with(world.client("Ann"), contact="ann@host.test", helplines="Call 116 123")
    bob = world.join(ann, "Bob")
    world.join(ann, "Cleo")
    if other:
        do(world, ann, "appoint", "Bob")
        world.advance(35)
    invite, ticket = ann.invite(), ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=60)
    for link in (new_link(world, again), invite):
        joined = newcomer(world, link, f"N{len(world.clients)}", again).engine.newcomer
        assert joined is not None
        assert joined.card is not None
        card = joined.card.card
        assert (card.languages, card.helplines) == ("en", "Call 116 123")
        assert card.contact == "ann@host.test"
        world.advance(130)  # cards are read and put anew
    assert "card_differs" not in codes(bob)


def test_who_could_read_no_card_takes_the_words_of_the_next_one() -> None:
    """The only invite was used up. The first card of another facilitator is no reason to complain
    of it, and this client's own cards have its words."""
    world = World()
    ann = world.open_with(
        world.client("Ann"), uses=1, contact="ann@host.test", helplines="Call 116 123"
    )
    bob = world.join(ann, "Bob")
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=60)
    new_link(world, bob)
    world.advance(100)
    assert "card_differs" not in codes(again)
    bob.to_client = lambda client, data: []  # the next one is let in by her
    joined = newcomer(world, new_link(world, again), "Dora", again).engine.newcomer
    assert joined is not None
    assert joined.card is not None
    card = joined.card.card
    assert (card.languages, card.helplines) == ("en", "Call 116 123")
    assert card.contact == "ann@host.test"


def test_a_card_of_a_program_that_knew_no_words_is_taken_for_none() -> None:
    """It came back, put a card without any, and was lost before it read another. The program after
    that reads its own card, and knows no words by it: the host's card is the first to have some."""
    world = World()
    ann = world.open_with(world.client("Ann"), uses=1, helplines="Call 116 123")
    bob = world.join(ann, "Bob")
    do(world, ann, "appoint", "Bob")
    world.advance(5)
    for wait in (15, 70):
        ticket = ticket_of(world, bob)
        crashes(world, bob)
        bob = resumes(world, ticket, "Bob", wait=wait)
        new_link(world, bob)
        world.advance(2)
    assert part(bob).doors.card.helplines == ""
    new_link(world, ann)
    world.advance(200)
    assert "card_differs" not in codes(bob)
    assert part(bob).doors.card.helplines == "Call 116 123"


def test_who_came_back_can_be_appointed_and_invite() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    again = resumes(world, ticket, "Bob")
    do(world, ann, "appoint", "Bob")
    world.advance(15)
    dora = newcomer(world, new_link(world, again), "Dora", again)
    goes_on(world, ann, again, cleo, dora)


def test_without_a_facilitator_it_says_what_helps() -> None:
    world, ann, bob, _ = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    crashes(world, ann)
    again = resumes(world, ticket, "Bob", wait=200)
    assert "ticket_asks" in codes(again)
    assert again.engine.closed is not None
    assert again.engine.closed.code == "knock_again"


def test_a_connection_that_breaks_on_the_way_back_is_no_end() -> None:
    for seconds in range(4):
        world, ann, bob, cleo = room_of_three()
        ticket = ticket_of(world, bob)
        crashes(world, bob)
        ann.cut()
        again = resumes(world, ticket, "Bob", wait=seconds)
        again.cut()
        world.advance(3)
        ann.back()
        world.advance(40)
        assert again.of(events.Joined), again.told
        assert ConnectionState.CONNECTED in [
            one.state for one in again.of(events.ConnectionChanged)
        ]
        goes_on(world, ann, again, cleo)


def test_who_dies_again_on_a_long_way_back_comes_by_the_same_ticket() -> None:
    """The relay drops what was fetched after a minute, and its requests are lost for longer."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    again = world.client("Bob")
    again.to_relay = _no_request
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.advance(150)
    assert again.engine.closed is None
    crashes(world, again)
    world.advance(limits.TICKET_FETCHED + 5)
    third = resumes(world, ticket, "Bob")
    goes_on(world, ann, third, cleo)
    fresh = third.of(events.TicketMade)[-1].ticket
    crashes(world, third)
    late = resumes(world, ticket, "Bob")  # the next one has taken its place
    assert late.engine.closed is not None
    assert late.engine.closed.code == "unknown_ticket"
    world.advance(60)  # a member comes back once a minute
    goes_on(world, ann, resumes(world, fresh, "Bob"), cleo)


def test_a_ticket_is_not_in_what_may_be_logged() -> None:
    world, _, bob, _ = room_of_three()
    text = ticket_of(world, bob)
    secret = text[70:]
    assert secret not in repr(bob.of(events.TicketMade))
    assert secret not in repr(bob.engine.commands.ticket(lambda error: None))


def test_a_ticket_is_never_asked_for_twice_over() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    assert ticket_of(world, bob) == ticket_of(world, bob)


def test_a_commit_of_its_own_at_the_last_moment_does_not_void_a_ticket() -> None:
    """What was parked names the leaf from before it."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(5)
    ticket = ticket_of(world, ann)
    ann.to_relay = _no_park
    do(world, ann, "listen_only", True)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=10)
    assert again.of(events.Joined)
    do(world, again, "listen_only", False)
    goes_on(world, again, bob, cleo)


def test_who_was_demoted_meanwhile_is_told() -> None:
    """They read that they are in the room, and nothing of what they may not do any more."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    do(world, ann, "demote", "Bob")
    do(world, ann, "appoint", "Cleo")
    again = resumes(world, ticket, "Bob")
    (told,) = [one.text for one in again.of(events.Problem) if one.code == "members_changed"]
    assert "Bob does not facilitate any more." in told
    assert "Cleo facilitates now." in told
    assert "Ann" not in told
    goes_on(world, ann, again, cleo)


def test_of_two_programs_with_one_ticket_one_is_let_in() -> None:
    """Both were given what was parked. What the other one asks is void from then on, and it does
    not put the first one out."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    both = [world.client("Bob"), world.client("Bob")]
    for program in both:
        program.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    world.advance(330)
    inside = [program for program in both if program.engine.closed is None]
    (out,) = [program for program in both if program not in inside]
    assert out.engine.closed is not None
    assert out.engine.closed.code == "knock_again"
    assert len(cleo.of(events.Reloaded)) == 1
    assert not cleo.of(events.Left)
    goes_on(world, ann, inside[0], cleo)


def test_a_program_that_was_only_cut_off_is_out_when_its_ticket_brought_another_back() -> None:
    """It does not ask to be let in again: both would go on putting each other out."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    bob.cut()
    again = world.client("Bob")
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.advance(10, stay_away=(bob,))
    assert again.of(events.Joined)
    ann.say("meanwhile")
    world.advance(400)
    assert bob.engine.closed is not None
    assert (bob.engine.closed.reason, bob.engine.closed.code) == (CloseReason.LOST, "not_member")
    assert "Another program with your keys" in bob.engine.closed.text
    assert len(cleo.of(events.Reloaded)) == 1
    assert not cleo.of(events.Left)
    goes_on(world, ann, again, cleo)


def test_an_update_that_is_committed_after_the_crash_does_not_void_a_ticket() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    leaf = bob.engine.require_member().membership.own_leaf_key
    bob.engine.require_member()._key_updates.hasten()
    world.advance(1)
    crashes(world, bob)
    world.advance(15)
    membership = ann.engine.require_member().membership
    now = membership.leaf_of(next(one.key for one in membership.people() if one.name == "Bob"))
    assert now is not None
    assert now.encryption_key != leaf
    again = resumes(world, ticket, "Bob", wait=10)
    assert again.of(events.Joined)
    goes_on(world, ann, again, cleo)


def _no_park(client: Client, data: bytes) -> list[bytes]:
    return [] if isinstance(frames.from_client(data), frames.Park) else [data]


def _no_request(client: Client, data: bytes) -> list[bytes]:
    return [] if isinstance(frames.from_client(data), frames.LobbyRequest) else [data]


def test_a_request_of_a_program_that_is_gone_gives_way_to_that_of_the_next_one() -> None:
    """Found by a simulated world. Both requests wait while no facilitator is connected. The first
    is to a key that nobody has any more, so to grant it kept its person out for good."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    ann.cut()
    first = resumes(world, ticket, "Bob", stay_away=(ann,))
    assert codes(first)[0] == "ticket_asks"
    crashes(world, first)
    world.advance(5, stay_away=(ann,))
    again = resumes(world, ticket, "Bob", stay_away=(ann,))
    ann.back()
    world.advance(20)
    assert again.of(events.Joined)
    assert ann.of(events.Reloaded) == [events.Reloaded("Bob")]
    goes_on(world, ann, again, cleo)
