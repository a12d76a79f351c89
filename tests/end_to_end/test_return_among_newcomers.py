"""A lone facilitator comes back. No member that is left knows the epoch of its ticket.

Members that came in since then know its leaf. Its MLS signature key is there, which signed the ask,
and its desk key, which no relay knows: they seal their answer with that.
"""

import pytest
from alcove import events
from alcove.engine import standby_answers
from alcove.group.facilitator_seals import return_psk
from alcove_protocol import frames

from tests.end_to_end.facilitating import all_agree, do, facilitators, goes_on, new_link, newcomer
from tests.end_to_end.ticketing import codes, crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World


def outrun(*, leaf_changes: bool = False) -> tuple[World, str, str, Client]:
    """Ann's program died. Ben facilitated too, let Dora in, and is gone with all others, without a
    ticket. Ann's ticket, an invite of hers, and Dora."""
    world = World()
    ann = world.open("Ann")
    ben, cleo = world.join(ann, "Ben"), world.join(ann, "Cleo")
    do(world, ann, "appoint", "Ben")
    world.advance(95)
    ticket, invite = ticket_of(world, ann), ann.invite()
    if leaf_changes:
        ann.engine.require_member()._key_updates.hasten()
        world.advance(1)
    crashes(world, ann)
    world.advance(15)
    dora = newcomer(world, invite, "Dora", ben)
    crashes(world, cleo)
    crashes(world, ben)
    return world, ticket, invite, dora


def knows(client: Client, epoch: int) -> bool:
    return client.engine.require_member().membership.request_secrets.of(epoch) is not None


def answers_of(client: Client) -> list[bytes]:
    """The answers that this client gives from now on, as it sends them."""
    given: list[bytes] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        if isinstance(frames.from_client(data), frames.AnswerAsker):
            given.append(data)
        return [data]

    client.to_relay = note
    return given


def test_those_whom_another_facilitator_let_in_since_let_it_in() -> None:
    world, ticket, invite, dora = outrun()
    again = resumes(world, ticket, "Ann", wait=150)
    assert again.of(events.Joined), codes(again)
    assert dora.of(events.Reloaded) == [events.Reloaded("Ann")]
    assert not dora.of(events.StandbyAsked)
    assert facilitators(dora) == {"Ann", "Ben"}
    goes_on(world, again, dora)
    newcomer(world, invite, "Eve", again)
    newcomer(world, new_link(world, again), "Finn", again)


def test_a_leaf_that_was_updated_since_has_the_same_keys() -> None:
    world, ticket, _, dora = outrun(leaf_changes=True)
    again = resumes(world, ticket, "Ann", wait=150)
    goes_on(world, again, dora)


def test_it_dies_on_that_way_and_comes_by_the_same_ticket() -> None:
    world, ticket, _, dora = outrun()
    crashes(world, resumes(world, ticket, "Ann", wait=60))
    again = resumes(world, ticket, "Ann", wait=120)
    goes_on(world, again, dora)


def test_cuts_on_that_way_are_no_end() -> None:
    """The member hears of the other facilitator anew when it connects, and waits 90 s again."""
    for second in (80, 100, 104):
        world, ticket, _, dora = outrun()
        again = resumes(world, ticket, "Ann", wait=second)
        again.cut()
        dora.cut()
        world.advance(120)
        assert again.of(events.Joined), (second, codes(again))
        goes_on(world, again, dora)


def test_it_may_come_back_so_more_than_once() -> None:
    """What it parks after its return is of an epoch that the newcomer knows."""
    world, ticket, _, dora = outrun()
    again = resumes(world, ticket, "Ann", wait=150)
    ticket = again.of(events.TicketMade)[-1].ticket
    world.advance(60)
    crashes(world, again)
    third = resumes(world, ticket, "Ann", wait=60)
    goes_on(world, third, dora)


def test_only_who_came_after_the_parked_epoch_is_left() -> None:
    """By its own commit, and the relay took nothing more to be parked."""
    world = World()
    ann = world.open("Ann")
    ticket = ticket_of(world, ann)
    ann.to_relay = lambda client, data: (
        [] if isinstance(frames.from_client(data), frames.Park) else [data]
    )
    bob = world.join(ann, "Bob")
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=60)
    goes_on(world, again, bob)


@pytest.mark.parametrize("silent", ["Cleo", "Dora", ""])
def test_of_two_members_either_is_enough(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleo knows the epoch of the ticket, and answers as before. Dora does not."""
    world = World()
    ann = world.open("Ann")
    cleo = world.join(ann, "Cleo")
    ticket = ticket_of(world, ann)
    epoch = ann.engine.require_member().membership.group.epoch
    ann.to_relay = lambda client, data: (
        [] if isinstance(frames.from_client(data), frames.Park) else [data]
    )
    dora = world.join(ann, "Dora")
    assert (knows(cleo, epoch), knows(dora, epoch)) == (True, False)
    crashes(world, ann)
    sealed: list[bytes] = []

    def note(desk_key: bytes, mls_key: bytes) -> object:
        sealed.append(mls_key)
        return return_psk(desk_key, mls_key)

    monkeypatch.setattr(standby_answers, "return_psk", note)
    away = tuple(one for one in (cleo, dora) if one.name == silent)
    for one in away:
        one.cut()
    again = resumes(world, ticket, "Ann", wait=0)
    world.advance(60, stay_away=away)
    assert again.of(events.Joined), codes(again)
    assert bool(sealed) is (silent != "Dora")  # who knows the epoch seals with its secret
    world.advance(30)
    goes_on(world, again, cleo, dora)
    all_agree(again, cleo, dora)


def test_an_ask_that_is_told_again_once_it_is_in_brings_nothing() -> None:
    """The relay keeps it, and tells it a member that came later. The answer is sealed to a key that
    was forgotten, and the room goes on."""
    world, ticket, _, dora = outrun()
    told: list[frames.Asked] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if isinstance(frame, frames.Asked):
            told.append(frame)
        return [data]

    dora.to_client = note
    again = resumes(world, ticket, "Ann", wait=150)
    assert told
    eve = newcomer(world, new_link(world, again), "Eve", again)
    given = answers_of(eve)
    epoch = again.engine.require_member().membership.group.epoch
    for ask in told:
        for client in (dora, eve):
            client.engine.received(ask.to_bytes())
    world.advance(30)
    assert len(given) <= len(told)
    assert again.engine.require_member().membership.group.epoch == epoch
    goes_on(world, again, dora, eve)
