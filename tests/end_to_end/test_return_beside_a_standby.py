"""A lone facilitator comes back by its ticket, and one with the standby's link comes in meanwhile.

Before a proof that a member followed, the returning program facilitates nothing: what was committed
meanwhile, by whomever, is no reason to. It has the doors' secrets of its ticket afterwards.
"""

from alcove import events

from tests.end_to_end.facilitating import do, facilitators, goes_on, newcomer
from tests.end_to_end.standing_by import make_link
from tests.end_to_end.test_lone_return import facilitates
from tests.end_to_end.ticketing import codes, crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World, room_of_three


def orphaned(*, two: bool) -> tuple[World, str, str, str, Client, Client]:
    """Ann, who facilitated alone, died long enough ago for the standby's link. Her link, her
    ticket, her invite, Bob and Cleo. Unless they are `two`, Cleo is gone, too."""
    world, ann, bob, cleo = room_of_three()
    link = make_link(world, ann)
    ticket, invite = ticket_of(world, ann), ann.invite()
    world.advance(31)
    crashes(world, ann)
    if not two:
        crashes(world, cleo)
    world.advance(95)
    return world, link, ticket, invite, bob, cleo


def until_in(world: World, client: Client, *, most: int) -> None:
    """Let time pass until this client is a member."""
    for _ in range(most):
        if client.engine.member is not None:
            return
        world.advance(1)
    raise AssertionError(codes(client))


def test_who_comes_by_the_link_meanwhile_makes_nobody_facilitate() -> None:
    """The only member that answers is believed after ten seconds. The facilitator began at once
    with the commit of the other: it had none of the doors' secrets, and closed all invites."""
    world, link, ticket, invite, bob, _ = orphaned(two=False)
    again = resumes(world, ticket, "Ann", wait=0)
    until_in(world, again, most=20)
    dora = world.knock(link, "Dora")
    until_in(world, dora, most=5)
    assert again.members() == {"Ann", "Bob", "Cleo", "Dora"}
    assert not facilitates(again)
    crashes(world, dora)
    world.advance(5)
    assert not facilitates(again)  # who came by the link is no second member that confirms it
    world.advance(7)
    assert facilitates(again)
    newcomer(world, invite, "Eve", again)
    world.advance(120)
    assert not again.of(events.VaultChanged)
    assert not again.of(events.InviteRevoked)
    assert not {"invites_dropped", "false_answer"} & set(codes(again))
    assert facilitators(bob) == {"Ann"}
    goes_on(world, again, bob)


def overtaken() -> tuple[World, Client, Client, Client, Client]:
    """Dora comes by the link just before Ann is back, and lists herself right behind that. So
    members hear a facilitator, and answer Ann no more. World, Ann, Dora, Bob and Cleo."""
    world, link, ticket, _, bob, cleo = orphaned(two=True)
    again = resumes(world, ticket, "Ann", wait=7)
    dora = world.knock(link, "Dora")
    until_in(world, again, most=20)
    assert facilitates(dora)
    assert not facilitates(again)
    return world, again, dora, bob, cleo


def test_the_commit_of_another_facilitator_is_the_answer_of_its_author() -> None:
    world, again, dora, bob, cleo = overtaken()
    world.advance(5)
    assert facilitates(again)
    world.advance(60)
    assert "false_answer" not in codes(again)
    assert facilitators(bob) == {"Ann", "Dora"}
    goes_on(world, again, dora, bob, cleo)


def test_who_was_demoted_before_the_proof_keeps_a_ticket_as_any_member() -> None:
    world, again, dora, bob, cleo = overtaken()
    do(world, dora, "demote", "Ann")
    world.advance(10)
    assert not facilitates(again)
    ticket = again.of(events.TicketMade)[-1].ticket
    crashes(world, again)
    third = resumes(world, ticket, "Ann", wait=60)
    assert third.of(events.Joined), codes(third)
    goes_on(world, third, dora, bob, cleo)
