"""Several facilitators, by the real commands and over the real relay."""

import pytest
from alcove import events
from alcove.cli import act_words
from alcove.errors import AlcoveError
from alcove_protocol import frames

from tests.end_to_end.facilitating import (
    all_agree,
    ask,
    codes,
    do,
    facilitators,
    goes_on,
    hold,
    let,
    lose_vaults,
    new_link,
    newcomer,
    part,
)
from tests.end_to_end.world import room_of_three


def test_an_appointed_facilitator_does_all_that_the_first_does() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    for client in (ann, bob, cleo):
        assert client.of(events.RoleChanged) == [events.RoleChanged("Bob", True, "Ann")]
    assert ann.of(events.VaultChanged) == [events.VaultChanged("Bob", True)]
    assert bob.of(events.VaultChanged) == [events.VaultChanged("Bob", True)]
    assert not cleo.of(events.VaultChanged)
    dora = newcomer(world, ann.invite(), "Dora", bob)  # by the invite that Ann made
    do(world, bob, "appoint", "Cleo")
    eve = newcomer(world, ann.invite(), "Eve", cleo)
    world.advance(31)
    goes_on(world, ann, bob, cleo, dora, eve)


def test_a_knock_that_waits_is_told_to_the_appointed() -> None:
    world, ann, bob, cleo = room_of_three()
    dora = world.knock(ann.invite(), "Dora")
    do(world, ann, "appoint", "Bob")
    assert [knock.name for knock in bob.of(events.Knocked)] == ["Dora"]
    assert bob.admit(bob.of(events.Knocked)[0]) == []
    world.settle()
    assert dora.of(events.Joined)
    assert ann.of(events.KnockGone)[-1].id == ann.of(events.Knocked)[-1].id
    all_agree(ann, bob, cleo, dora)


def test_a_demoted_facilitator_stays_and_keeps_no_key_of_the_lobby() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    keys, lobby_key = part(ann).lobby_keys, bob.engine.require_member().membership.lobby_key
    do(world, bob, "demote", "Ann")
    for client in (ann, bob, cleo):
        assert client.of(events.RoleChanged)[-1] == events.RoleChanged("Ann", False, "Bob")
    assert keys.get(lobby_key) is None
    membership = ann.engine.require_member().membership
    assert keys.get(membership.state.lobby_key) is None
    assert membership.state.lobby_key == membership.roster.lobby != lobby_key
    with pytest.raises(AlcoveError, match="Only a facilitator"):
        ann.engine.commands.appoint("Cleo", lambda error: None)
    newcomer(world, ann.invite(), "Dora", bob)  # the card at Ann's door has the new lobby key
    assert [knock.name for knock in ann.of(events.Knocked)] == ["Bob", "Cleo"]
    world.advance(31)
    goes_on(world, ann, bob, cleo)
    do(world, bob, "appoint", "Ann")
    assert newcomer(world, ann.invite(), "Eve", ann).members() == bob.members()


def test_a_knock_to_the_lobby_key_of_before_is_opened_for_a_while() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    dora = world.client("Dora")
    held = hold(dora, frames.Knock)
    world.knock_with(dora, ann.invite())
    do(world, bob, "demote", "Ann")
    assert held
    assert dora.link is not None
    dora.link.receive(held[0])
    world.settle()
    assert bob.admit(bob.of(events.Knocked)[-1]) == []
    world.settle()
    assert dora.of(events.Joined)


def test_stepping_down_is_confirmed_by_another_facilitator() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    result = ask(ann, "step_down")
    world.advance(1)
    assert result == [None]
    assert cleo.of(events.RoleChanged)[-1] == events.RoleChanged("Ann", False, "Bob")
    assert facilitators(cleo) == {"Bob"}
    own, others = (one.engine.require_member().act_log.acts() for one in (ann, cleo))
    assert act_words.listed(own, "Ann").split("\n")[-1] == (
        "You asked to be a participant, and another facilitator's client made you one, just now."
    )
    assert "Bob made Ann a participant, perhaps by wish, just now." in act_words.listed(others)
    newcomer(world, ann.invite(), "Dora", bob)
    goes_on(world, ann, bob, cleo)


def test_the_last_facilitator_does_not_step_down() -> None:
    world, ann, bob, _cleo = room_of_three()
    with pytest.raises(AlcoveError, match="only facilitator"):
        ann.engine.commands.step_down(lambda error: None)
    do(world, ann, "appoint", "Bob")
    results = ask(ann, "step_down"), ask(bob, "step_down")
    world.advance(120)
    assert sorted(map(codes, results), key=str) == [["last_facilitator"], [None]]
    assert len(facilitators(ann)) == 1


def test_handing_over_waits_for_what_the_successor_needs() -> None:
    world, ann, bob, cleo = room_of_three()
    lose_vaults(bob)
    result = ask(ann, "hand_over", "Bob")
    world.advance(30)
    assert facilitators(cleo) == {"Ann", "Bob"}
    assert result == []
    assert bob.of(events.VaultChanged) == [events.VaultChanged("Bob", False)]
    let(bob)
    bob.cut()
    world.advance(5)
    assert result == [None]
    assert facilitators(cleo) == {"Bob"}
    acts = act_words.listed(ann.engine.require_member().act_log.acts(), "Ann").split("\n")
    assert acts[-1].startswith("You asked to be a participant")
    assert any(one.startswith("You made Bob a facilitator") for one in acts)
    newcomer(world, ann.invite(), "Dora", bob)
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("how", ["lost", "busy"])
def test_a_vault_whose_receipt_did_not_arrive_is_confirmed_later(how: str) -> None:
    """The successor opened the vault. Their connection ends before the relay hears it, or the relay
    is too busy to take it."""
    world, ann, bob, cleo = room_of_three()
    kept = hold(bob, frames.Settle)
    result = ask(ann, "hand_over", "Bob")
    world.advance(2)
    assert kept
    assert result == []
    let(bob)
    if how == "lost":
        bob.cut()
    else:
        frame = frames.from_client(kept[0])
        assert isinstance(frame, frames.Settle)
        bob.engine.received(frames.RequestRefused(frame.n, "busy", "").to_bytes())
    world.advance(10)
    assert result == [None]
    assert facilitators(cleo) == {"Bob"}
    assert ann.of(events.VaultChanged)[-1] == events.VaultChanged("Bob", True, True)
    goes_on(world, ann, bob, cleo)


def test_a_successor_who_leaves_meanwhile_leaves_the_room_held() -> None:
    world, ann, bob, cleo = room_of_three()
    bob.to_client = lambda client, data: []
    result = ask(ann, "hand_over", "Bob")
    world.settle()
    let(bob)
    bob.engine.commands.leave(lambda: None)
    world.advance(2)
    assert codes(result) == ["unknown_name"]
    assert facilitators(cleo) == {"Ann"}


def test_a_successor_who_never_opens_the_vault_holds_nobody() -> None:
    """The successor's client is changed: it says for ever that it has not what it needs."""
    world, ann, bob, cleo = room_of_three()
    bob.to_client = lambda client, data: []
    first = ask(ann, "hand_over", "Bob")
    world.advance(5)
    assert facilitators(cleo) == {"Ann", "Bob"}
    do(world, ann, "demote", "Bob")
    assert codes(first) == ["no_facilitator"]
    second = ask(ann, "hand_over", "Bob")
    world.advance(5)
    assert second == []
    third = ask(ann, "hand_over", "Cleo")
    world.advance(5)
    assert (codes(second), third) == (["handing_over"], [None])
    assert facilitators(cleo) == {"Bob", "Cleo"}


def test_a_new_invite_is_served_by_every_facilitator() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    link = new_link(world, ann)
    world.advance(1)
    newcomer(world, link, "Dora", bob)
    ann.cut()
    world.advance(31, stay_away=(ann,))
    newcomer(world, new_link(world, bob), "Eve", bob)
    world.advance(31)
    goes_on(world, ann, bob, cleo)
    newcomer(world, link, "Finn", ann)


def test_acts_that_cannot_be_done_say_why() -> None:
    world, ann, _bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    for what, name, code in (
        ("appoint", "Nobody", "unknown_name"),
        ("appoint", "Bob", "already_facilitator"),
        ("demote", "Ann", "not_oneself"),
        ("demote", "Cleo", "no_facilitator"),
        ("hand_over", "Ann", "not_oneself"),
        ("remove", "Bob", "is_facilitator"),
    ):
        with pytest.raises(AlcoveError) as refused:
            ask(ann, what, name)
        assert refused.value.code == code, what
    do(world, ann, "demote", "Bob")
    do(world, ann, "appoint", "Bob")


def test_a_room_appoints_and_demotes_as_often_as_it_likes() -> None:
    """Its list has 32 places, and keeps the appointments of those who facilitate."""
    world, ann, bob, cleo = room_of_three()
    for _ in range(34):
        do(world, ann, "appoint", "Bob")
        do(world, ann, "demote", "Bob")
    do(world, ann, "appoint", "Bob")
    dora = newcomer(world, ann.invite(), "Dora", bob)
    goes_on(world, ann, bob, cleo, dora)
