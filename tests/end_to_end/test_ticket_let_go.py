"""By a ticket, at the moment at which a facilitator's client lets the lost member go."""

from collections.abc import Callable

import pytest
from alcove import events
from alcove.joining.ticket_comer import PATIENCE
from alcove_protocol import frames
from alcove_protocol.statements import ChallengeAnswer
from alcove_protocol.ticket import Ticket

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.facilitating import away, do, goes_on, let
from tests.end_to_end.ticketing import codes, crashes, ticket_of
from tests.end_to_end.world import Client, World, closed

ABSENT = 120


def on_the_way(world: World) -> tuple[Client, Client, Client]:
    """Ann's commit is on its way that lets Bob go. His program asks to be let in meanwhile."""
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    bob.say("before")
    world.advance(65)
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    held: list[bytes] = []

    def hold(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        lets_go = isinstance(frame, frames.Publish) and frame.entry is not None
        held.extend([data] if lets_go else [])
        return [] if lets_go else [data]

    ann.to_relay = hold
    for _ in range(2 * ABSENT):
        if not held:
            world.advance(1)
    again = world.client("Bob")
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    assert codes(again) == ["ticket_asks"]
    let(ann)
    relay = ann.link
    assert relay is not None
    for data in held:
        relay.receive(data)
    world.settle()
    assert cleo.of(events.Absent)
    return ann, again, cleo


def test_one_that_is_let_go_on_the_way_is_let_back_in_by_its_keys() -> None:
    """The relay said that they are no member, and the keys were wiped with which they come back."""
    world = World()
    ann, again, cleo = on_the_way(world)
    world.advance(3)
    assert again.engine.closed is None
    assert again.of(events.Joined)[-1].you
    assert "Bob" in ann.members() & cleo.members()
    assert away(ann) == ()
    assert not ann.of(events.Knocked)[2:]
    world.advance(31)
    goes_on(world, ann, again, cleo)


def removed(world: World, ann: Client) -> None:
    do(world, ann, "remove", "Bob")


def locked(world: World, ann: Client) -> None:
    do(world, ann, "lock", True)


@pytest.mark.parametrize(("then", "code"), [(removed, "removed"), (locked, "knock_again")])
def test_and_is_told_so_where_nobody_lets_them_in(
    then: Callable[[World, Client], None], code: str
) -> None:
    world = World()
    ann, again, _ = on_the_way(world)
    again.cut()
    world.settle()
    then(world, ann)
    world.advance(PATIENCE + 30)
    assert closed(again).code == code
    assert "Bob" not in ann.members()


def test_a_relay_that_lists_them_nowhere_ends_the_way() -> None:
    """It says so of the member, and of the one that was let go."""
    world = EvilWorld()
    ann = world.open("Ann")
    bob, _cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(65)
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    world.drop(ann, frames.LobbyItem)
    again = world.client("Bob")
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    assert codes(again) == ["ticket_asks"]
    lied = world.answer(
        again,
        frames.Authenticate,
        lambda asked: frames.RequestRefused(asked.n, "not_member", ""),
    )
    again.cut()
    world.advance(30)
    assert closed(again).code == "not_member"
    roles = [ChallengeAnswer.decode(asked.statement).role for asked in lied.hits]
    assert roles == ["member", "away"]
