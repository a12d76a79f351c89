"""The standby: a printed link saves a room whose facilitators are all gone."""

import pytest
from alcove import events
from alcove.errors import NotNow
from alcove.events import CloseReason, RoomState
from alcove_protocol import frames

from tests.end_to_end.facilitating import all_agree, facilitators, goes_on, new_link, newcomer
from tests.end_to_end.standing_by import close_link, comes, dies, make_link, orphaned
from tests.end_to_end.world import World, room_of_three


def test_all_are_told_of_the_link_and_only_its_maker_gets_it() -> None:
    world, ann, bob, cleo = room_of_three()
    link = make_link(world, ann)
    for client in (ann, bob, cleo):
        assert client.of(events.StandbyChanged) == [events.StandbyChanged(True, "Ann")]
    assert not bob.of(events.StandbyLink)
    assert link not in repr(ann.of(events.StandbyLink))
    dora = world.join(ann, "Dora")
    assert dora.of(events.StandbyChanged) == [events.StandbyChanged(True)]
    goes_on(world, ann, bob, cleo, dora)
    close_link(world, ann)
    for client in (ann, bob, cleo, dora):
        assert client.of(events.StandbyChanged)[-1] == events.StandbyChanged(False, "Ann")
    goes_on(world, ann, bob, cleo, dora)


def test_the_standby_saves_the_room() -> None:
    world, link, bob, cleo = orphaned()
    dora = comes(world, link)
    assert dora.of(events.Joined), dora.told
    for client in (bob, cleo):
        assert events.StandbyAsked(False) in client.of(events.StandbyAsked)
        assert client.of(events.StandbyAsked)[-1] == events.StandbyAsked(True)
        assert client.of(events.RoleChanged) == [events.RoleChanged("Dora", True, "Dora")]
        assert client.of(events.StandbyChanged)[-1] == events.StandbyChanged(False, "Dora")
        assert not [one for one in client.of(events.Problem) if "roster" in one.code]
    assert facilitators(bob) == {"Ann", "Dora"}
    all_agree(bob, cleo, dora)
    goes_on(world, dora, bob, cleo)
    assert bob.of(events.RoomChanged)[-1].state is RoomState.OPEN


def test_who_came_by_the_standby_is_connected() -> None:
    """Their client hung up to go from the door into the room, and never said that it is there."""
    world, link, _bob, _cleo = orphaned()
    dora = comes(world, link)
    moves, back = dora.of(events.ConnectionChanged)[-2:]
    assert (moves.state, moves.moving) == (events.ConnectionState.RECONNECTING, True)
    assert (back.state, back.moving) == (events.ConnectionState.CONNECTED, False)


def test_who_accepts_twice_on_the_way_in_is_not_told_that_the_rules_are_missing() -> None:
    world, link, _bob, _cleo = orphaned()
    dora = world.knock(link, "Dora", accept=False)
    world.advance(100)
    assert dora.of(events.AgreementShown)
    dora.engine.commands.accept()
    with pytest.raises(NotNow, match="accepted the ground rules already"):
        dora.engine.commands.accept()
    world.advance(30)
    assert dora.of(events.Joined)


def test_who_came_by_the_standby_invites_and_admits() -> None:
    world, link, bob, cleo = orphaned()
    dora = comes(world, link)
    eve = newcomer(world, new_link(world, dora), "Eve", dora)
    goes_on(world, dora, bob, cleo, eve)


def test_the_link_lets_nobody_in_while_a_facilitator_is_there() -> None:
    world, ann, bob, cleo = room_of_three()
    link = make_link(world, ann)
    dora = comes(world, link, wait=60)
    assert not dora.of(events.Joined)
    assert "facilitated" in [one.code for one in dora.of(events.Problem)]
    for client in (ann, bob, cleo):
        assert not client.of(events.StandbyAsked)
    dies(world, ann)
    world.advance(180)
    assert dora.of(events.Joined)
    all_agree(bob, cleo, dora)


def test_a_closed_link_lets_nobody_in() -> None:
    world, ann, bob, _ = room_of_three()
    link = make_link(world, ann)
    close_link(world, ann)
    world.advance(31)
    dies(world, ann)
    world.advance(100)
    dora = comes(world, link)
    assert not dora.of(events.Joined)
    assert dora.engine.closed is not None
    assert facilitators(bob) == {"Ann"}


def test_a_new_link_closes_the_one_before() -> None:
    world, ann, bob, cleo = room_of_three()
    old = make_link(world, ann)
    new = make_link(world, ann)
    world.advance(31)
    dies(world, ann)
    world.advance(100)
    assert comes(world, old, "Eve").engine.closed is not None
    dora = comes(world, new)
    assert dora.of(events.Joined)
    all_agree(bob, cleo, dora)


CLOSED = "This link was closed. Ask the person who gave it to you for another one."


@pytest.mark.parametrize("when", ["before", "while they read", "while they wait"])
def test_the_holder_of_a_closed_link_is_not_told_that_they_were_removed(when: str) -> None:
    """They never were in the room."""
    world, ann, _, _ = room_of_three()
    link = make_link(world, ann)
    if when == "before":
        close_link(world, ann)
    dora = world.knock(link, "Dora", accept=False)
    if when == "while they wait":
        world.advance(31)
        assert dora.engine.entered
    if when != "before":
        close_link(world, ann)
    world.advance(31)
    closed = dora.engine.closed
    assert closed is not None
    assert (closed.reason, closed.code, closed.text) == (CloseReason.REFUSED, "link_closed", CLOSED)


def test_of_two_who_hold_the_link_the_second_is_told_that_it_is_spent() -> None:
    world, link, bob, cleo = orphaned()
    world.advance(100)
    dora = world.knock(link, "Dora")
    eve = world.knock(link, "Eve", accept=False)
    world.advance(60)
    goes_on(world, dora, bob, cleo)
    assert eve.engine.closed is not None
    assert (eve.engine.closed.code, eve.engine.closed.text) == ("link_closed", CLOSED)


def test_two_who_hold_the_link_are_not_called_copies_of_a_device() -> None:
    world, ann, _, _ = room_of_three()
    dora = world.knock(make_link(world, ann), "Dora", accept=False)
    for _ in range(2):
        dora.engine._endings.bye(frames.Bye("replaced", ""))
    dora.collect()
    told = [event.text for event in dora.of(events.Problem) if event.code == "replaced"]
    assert [("this link" in text, "keys" in text) for text in told] == [(True, False)]


def test_a_link_is_spent() -> None:
    world, link, bob, cleo = orphaned()
    dora = comes(world, link)
    goes_on(world, dora, bob, cleo)
    dies(world, dora)
    world.advance(100)
    assert comes(world, link, "Eve").engine.closed is not None


def test_a_full_room_keeps_a_place_for_the_standby() -> None:
    world = World()
    ann = world.open("Ann", members=3)
    bob = world.join(ann, "Bob")
    link = make_link(world, ann)
    eve = world.knock(ann.invite(), "Eve")
    assert eve.engine.closed is not None
    assert eve.engine.closed.code == "room_full"
    world.advance(31)
    dies(world, ann)
    dora = comes(world, link)
    assert dora.of(events.Joined)
    all_agree(bob, dora)


def test_a_full_room_takes_no_standby() -> None:
    world = World()
    ann = world.open("Ann", members=2)
    world.join(ann, "Bob")
    with pytest.raises(NotNow, match="full"):
        ann.engine.commands.standby(True, lambda error: None)


def test_the_person_reads_the_agreement_first() -> None:
    world, link, bob, cleo = orphaned()
    dora = world.knock(link, "Dora", accept=False)
    world.advance(130)
    shown = dora.of(events.AgreementShown)
    assert shown
    assert shown[-1].asked
    assert not dora.of(events.Joined)
    dora.engine.commands.accept(shown[-1].version)
    world.advance(60)
    assert dora.of(events.Joined)
    all_agree(bob, cleo, dora)
