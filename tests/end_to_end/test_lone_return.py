"""The only facilitator's program dies, and its ticket brings it back with nobody to let it in."""

import pytest
from alcove import events
from alcove.errors import NotNow
from alcove.events import RoomState
from alcove.joining.ticket_comer import PATIENCE, TicketComer
from alcove_protocol import frames, limits
from alcove_protocol.ticket import Ticket

from tests.end_to_end.agreeing import KIND, accept, changed, shown
from tests.end_to_end.evil.test_standby_lies import old_answers
from tests.end_to_end.facilitating import all_agree, do, facilitators, goes_on, new_link, newcomer
from tests.end_to_end.standing_by import make_link
from tests.end_to_end.ticketing import codes, crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World, room_of_three

RECONNECTING = events.ConnectionState.RECONNECTING


def test_the_only_facilitator_is_back_within_half_a_minute() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket, invite = ticket_of(world, ann), ann.invite()
    crashes(world, ann)
    bob.say("are you there?")
    again = resumes(world, ticket, "Ann", wait=30)
    assert again.of(events.Joined)[0] == events.Joined(
        "Ann", you=True, members=("Ann", "Bob", "Cleo")
    )
    lost = [one for one in again.of(events.ConnectionChanged) if one.state is RECONNECTING]
    assert [one.moving for one in lost] == [True]  # from the door into the room: nothing is wrong
    for client in (bob, cleo):
        assert client.of(events.Reloaded) == [events.Reloaded("Ann")]
        assert not client.of(events.RoleChanged)
        assert not client.of(events.StandbyAsked)
        assert not client.of(events.Left)
        assert not [one for one in client.of(events.RoomChanged) if one.state is not RoomState.OPEN]
        assert codes(client) == []
    assert facilitators(bob) == {"Ann"}
    goes_on(world, again, bob, cleo)
    newcomer(world, invite, "Dora", again)  # the invite of before serves, with its secret
    newcomer(world, new_link(world, again), "Eve", again)


def test_who_facilitates_and_is_not_proved_yet_is_not_told_that_only_a_facilitator_may() -> None:
    """They read that the room is paused and what opens it, and it would have stayed paused."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    do(world, ann, "hold")
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=0)
    while not again.of(events.Joined):
        world.advance(1)
    with pytest.raises(NotNow, match="You facilitate this room, but") as refused:
        again.engine.commands.resume(lambda error: None)
    assert refused.value.code == "not_proved"
    with pytest.raises(NotNow, match="Only a facilitator") as refused:
        bob.engine.commands.resume(lambda error: None)
    assert refused.value.code == "not_facilitator"
    world.advance(15)
    do(world, again, "resume")
    goes_on(world, again, bob, cleo)


def test_nobody_asks_to_be_let_in_again_while_no_facilitator_can_do_it() -> None:
    """A member that typed /rejoin was told that a facilitator's client is asked."""
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    world.advance(100)
    assert bob.of(events.RoomChanged)[-1].state is RoomState.READ_ONLY
    with pytest.raises(NotNow, match="No facilitator is connected") as refused:
        bob.engine.commands.rejoin()
    assert refused.value.code == "nothing_to_rejoin"
    again = resumes(world, ticket, "Ann", wait=60)
    assert again.of(events.Joined)
    goes_on(world, again, bob)


def test_it_comes_back_again_and_again() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    for _ in range(3):
        crashes(world, ann)
        world.advance(40)
        ann = resumes(world, ticket, "Ann", wait=45)
        goes_on(world, ann, bob, cleo)
        ticket = ann.of(events.TicketMade)[-1].ticket


def test_one_member_is_enough() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=40)
    goes_on(world, again, bob)


def test_it_waits_until_what_a_relay_lost_is_settled() -> None:
    """It was told after 180 s to knock again, where the relay lets no newcomer in either."""
    world, ann, bob, cleo = room_of_three()
    dora = world.join(ann, "Dora")
    ticket = ticket_of(world, ann)
    for one in (cleo, dora):
        crashes(world, one)  # so that the log is settled by time alone
    world.kill_relay()
    world.start_relay()
    world.advance(10)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=PATIENCE + 30)
    assert not again.of(events.Closed)
    world.advance(limits.UNSETTLED, step=5)
    goes_on(world, again, bob)


def test_a_commit_of_the_last_moment_is_no_matter() -> None:
    """It was taken, and what was parked is of the epoch before."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    ann.to_relay = _no_park
    dora = world.join(ann, "Dora")
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=45)
    goes_on(world, again, bob, cleo, dora)


def test_another_facilitator_that_is_there_lets_it_in() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(5)
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=10)
    assert again.of(events.Joined)
    assert "facilitated" not in codes(again)
    external = [event for event in cleo.of(events.Problem) if "alone" in event.text]
    assert not external
    world.advance(15)
    goes_on(world, again, bob, cleo)


def test_two_that_died_together_come_back_one_by_one() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    tickets = ticket_of(world, ann), ticket_of(world, bob)
    crashes(world, ann)
    crashes(world, bob)
    first = resumes(world, tickets[0], "Ann", wait=150)
    assert first.of(events.Joined)
    second = resumes(world, tickets[1], "Bob", wait=30)
    assert facilitators(cleo) == {"Ann", "Bob"}
    goes_on(world, first, second, cleo)


def test_it_is_asked_about_ground_rules_that_another_facilitator_changed() -> None:
    """No commit and no text follows the return. What its person writes would wait for good."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    changed(world, bob, KIND)
    accept(world, cleo)
    world.advance(35)
    crashes(world, bob)
    again = resumes(world, ticket, "Ann", wait=150)
    assert again.of(events.Joined)
    assert shown(again) == [(2, KIND[0].text, True)]
    accept(world, again)
    goes_on(world, again, cleo)


def test_who_returned_alone_lets_one_in_that_had_parked_the_leaf_before() -> None:
    world, ann, bob, cleo = room_of_three()
    tickets = ticket_of(world, ann), ticket_of(world, bob)
    ann.to_relay = bob.to_relay = _no_park
    bob.engine.require_member()._key_updates.hasten()
    world.advance(30)
    crashes(world, ann)
    crashes(world, bob)
    first = resumes(world, tickets[0], "Ann", wait=60)
    second = resumes(world, tickets[1], "Bob", wait=30)
    goes_on(world, first, second, cleo)


def test_the_standby_of_a_room_stays_good() -> None:
    world, ann, bob, cleo = room_of_three()
    make_link(world, ann)
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=45)
    goes_on(world, again, bob, cleo)
    dora = newcomer(world, ann.invite(), "Dora", again)
    assert dora.of(events.StandbyChanged) == [events.StandbyChanged(True)]


def test_a_false_answer_misleads_for_less_than_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bob alone answers, with a group of before. Nobody can follow what comes of it."""
    world, ann, bob, cleo = room_of_three()
    old_answers(monkeypatch, bob)
    ann.to_relay = _no_park
    ticket = ticket_of_epoch_before(world, ann)
    do(world, ann, "listen_only", True)
    do(world, ann, "listen_only", False)
    crashes(world, ann)
    cleo.cut()
    again = resumes(world, ticket, "Ann", wait=0)
    world.advance(90, stay_away=(cleo,))
    assert "false_answer" in codes(again)
    assert bob.members() == {"Ann", "Bob", "Cleo"}
    world.advance(150)
    goes_on(world, again, bob, cleo)


def test_who_was_misled_is_let_in_by_a_facilitator_that_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The entry of the false return is on the list for good, and let nobody in."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Cleo")
    world.advance(35)
    old_answers(monkeypatch, bob)
    ticket = ticket_of_epoch_before(world, ann)
    do(world, ann, "listen_only", True)
    do(world, ann, "listen_only", False)
    crashes(world, ann)
    cleo.cut()
    again = resumes(world, ticket, "Ann", wait=0)
    world.advance(150, stay_away=(cleo,))
    assert "false_answer" in codes(again)
    cleo.back()
    world.advance(60)
    assert facilitates(again)
    goes_on(world, again, bob, cleo)


def test_a_late_lie_ends_no_way_and_is_not_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a false answer leads to is noticed after the time in which somebody has to answer. The
    time begins anew with the way. The group that it made up is not in the ticket of the next."""
    world, ann, bob, cleo = room_of_three()
    old_answers(monkeypatch, bob)
    ticket = ticket_of_epoch_before(world, ann)
    do(world, ann, "listen_only", True)
    do(world, ann, "listen_only", False)
    crashes(world, ann)
    bob.cut()
    cleo.cut()
    again = resumes(world, ticket, "Ann", wait=0)
    world.advance(168, stay_away=(bob, cleo))
    parked: list[str] = []
    comer = again.engine.newcomer
    assert isinstance(comer, TicketComer)
    former, fetched = Ticket.parse(ticket), comer._parked

    def note(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if isinstance(frame, frames.Park) and frame.slot == former.slot():
            parked.append("what was fetched" if frame.blob == fetched else "other bytes")
        elif isinstance(frame, frames.Park):
            parked.append("in the true group" if facilitates(client) else "before a proof")
        return [data]

    again.to_relay = note
    world.advance(60, stay_away=(cleo,))
    assert "false_answer" in codes(again)
    assert again.engine.closed is None
    assert not again.of(events.TicketMade)
    world.advance(120)
    goes_on(world, again, bob, cleo)
    assert set(parked) == {"what was fetched", "in the true group"}
    assert again.of(events.TicketMade)


def facilitates(client: Client) -> bool:
    return client.engine.require_member().facilitator is not None


def ticket_of_epoch_before(world: World, client: Client) -> str:
    """A ticket that is not parked anew any more."""
    client.to_relay = lambda client, data: [data]
    ticket = ticket_of(world, client)
    client.to_relay = _no_park
    return ticket


def _no_park(client: Client, data: bytes) -> list[bytes]:
    return [] if isinstance(frames.from_client(data), frames.Park) else [data]


def test_the_answer_to_the_external_commit_is_lost() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=0)
    cut: list[bool] = []

    def lose(client: Client, data: bytes) -> list[bytes]:
        if isinstance(frames.from_relay(data), frames.Published) and not cut:
            cut.append(True)
            client.engine.link.hang_up = True
            return []
        return [data]

    again.to_client = lose
    world.advance(60)
    assert cut
    goes_on(world, again, bob, cleo)


def test_an_answer_that_is_slow_to_come_does_not_end_the_program() -> None:
    """Meanwhile it looks at the chain again. The same commit was then given to the relay twice, and
    of the two answers the second one broke the program off."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=0)
    held: list[bytes] = []
    comes: list[bool] = []

    def slow(client: Client, data: bytes) -> list[bytes]:
        if comes:
            late, held[:] = list(held), []
            return [*late, data]
        if isinstance(frames.from_relay(data), frames.Published):
            held.append(data)
            return []
        return [data]

    again.to_client = slow
    world.advance(25)
    assert len(held) == 1
    comes.append(True)
    world.advance(30)
    assert again.engine.closed is None
    goes_on(world, again, bob, cleo)


def test_a_cut_at_any_second_is_no_end() -> None:
    for second in (1, 5, 9, 11, 12, 13, 14, 16):
        world, ann, bob, cleo = room_of_three()
        ticket = ticket_of(world, ann)
        crashes(world, ann)
        again = resumes(world, ticket, "Ann", wait=second)
        again.cut()
        bob.cut()
        world.advance(2)
        world.advance(90)
        assert again.of(events.Joined), second
        goes_on(world, again, bob, cleo)
        all_agree(again, bob, cleo)


def test_it_dies_again_while_no_member_answers_and_comes_by_the_same_ticket() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    for one in (bob, cleo):
        one.cut()
    again = resumes(world, ticket, "Ann", wait=0)
    world.advance(169, stay_away=(bob, cleo))
    crashes(world, again)
    world.advance(limits.TICKET_FETCHED + 5, stay_away=(bob, cleo))
    for one in (bob, cleo):
        one.back()
    third = resumes(world, ticket, "Ann", wait=120)
    goes_on(world, third, bob, cleo)
    all_agree(third, bob, cleo)


def test_a_program_that_still_runs_is_told_that_its_ticket_was_used() -> None:
    """It was cut off, and not dead. It came by no standby's link."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    ann.cut()
    again = world.client("Ann")
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    world.advance(60, stay_away=(ann,))
    assert again.of(events.Joined)
    world.advance(5)
    closed = ann.engine.closed
    assert closed is not None
    assert closed.code == "not_member"
    assert "link" not in closed.text
    assert "your ticket" in closed.text
    goes_on(world, again, bob, cleo)


@pytest.mark.parametrize("second", [3, 11])
def test_a_connection_that_is_lost_for_minutes_on_the_way_is_no_end(second: int) -> None:
    """The 180 s went on, though no member could answer. Then its keys were gone."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=second)
    again.cut()
    world.advance(PATIENCE + 30, stay_away=(again,))
    assert again.engine.closed is None
    world.advance(60)
    assert again.of(events.Joined), codes(again)
    goes_on(world, again, bob, cleo)


def test_a_program_that_stands_still_for_minutes_on_the_way_goes_on() -> None:
    """Its device slept. When it woke the 180 s were over before anybody could answer."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=3)
    world.clients.remove(again)
    world.advance(PATIENCE + 30)
    world.clients.append(again)
    world.advance(60)
    assert again.of(events.Joined), codes(again)
    goes_on(world, again, bob, cleo)
