"""A relay that always says that its log is unsettled keeps nobody waiting for ever.

A log is settled after ten minutes. What a person waits for meanwhile cannot come before.
"""

import pytest
from alcove.engine.coming_back import PATIENCE
from alcove.engine.standby_entering import FALSE_AFTER
from alcove.relay.connected_time import UNSETTLED_MOST
from alcove_protocol.frames import AskMembers, LobbyRequest, RequestRefused
from alcove_protocol.ticket import Ticket

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rooms import problems
from tests.end_to_end.ticketing import crashes, ticket_of
from tests.end_to_end.world import Client, closed

ABSENT = 180
LONG = 30
"""Seconds between two requests, and some."""


def a_room(absent: int = 0) -> tuple[EvilWorld, Client, Client]:
    """Ann facilitates, Bob and Cleo are here."""
    world = EvilWorld()
    ann = world.open_with(world.client("Ann"), absent=absent)
    bob, _cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(65)
    return world, ann, bob


def unsettled(asked: LobbyRequest | AskMembers) -> RequestRefused:
    return RequestRefused(asked.n, "unsettled", "")


def test_who_was_let_go_is_told_to_knock_after_the_time_that_a_log_can_take() -> None:
    world, ann, bob = a_room(ABSENT)
    bob.cut()
    world.advance(ABSENT + 80, step=5, stay_away=(bob,))
    assert "Bob" not in ann.members()
    world.answer(bob, LobbyRequest, unsettled)
    bob.back()
    world.advance(UNSETTLED_MOST, step=5)
    assert bob.engine.closed is None  # so long it may be true
    world.advance(PATIENCE + LONG, step=5)
    assert closed(bob).code == "knock_again"


def test_who_comes_by_a_ticket_is_told_to_knock_after_the_time_that_a_log_can_take() -> None:
    world, _ann, bob = a_room()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    again = world.client("Bob")
    world.answer(again, LobbyRequest, unsettled)
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.advance(UNSETTLED_MOST, step=5)
    assert again.engine.closed is None
    world.advance(PATIENCE + LONG, step=5)
    assert closed(again).code == "knock_again"


@pytest.mark.parametrize("entered", [False, True])
def test_a_lone_facilitator_waits_for_no_proof_that_never_comes(*, entered: bool) -> None:
    """The relay says so of each ask: before the ticket leads into the group, or behind that."""
    world, ann, _bob = a_room()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = world.client("Ann")

    def lied(asked: AskMembers) -> bool:
        return not entered or again.engine.member is not None

    world.answer(again, AskMembers, unsettled, lied)
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.advance(UNSETTLED_MOST, step=5)
    assert again.engine.closed is None
    assert "false_answer" not in problems(again)
    world.advance(FALSE_AFTER + 60, step=5)
    assert ("false_answer" in problems(again)) is entered
    if not entered:
        world.advance(PATIENCE, step=5)
        assert closed(again).code == "knock_again"
