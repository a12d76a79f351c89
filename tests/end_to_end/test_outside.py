"""A member steps outside: out of the keys, at the door, and back without an invite's use."""

import pytest
from alcove import events
from alcove.engine.outside import PATIENCE
from alcove.errors import AlcoveError
from alcove.facilitation.outside import OUTSIDE_TTL
from alcove.joining.door_watch import LOOK_AGAIN
from alcove.joining.newcomer import Newcomer
from alcove.messages import outbox
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, LobbyRequest, Publish, PutDoor, from_client
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestKind
from alcove_protocol.statements import LeaveStatement

from tests.end_to_end.evil.rogue import committer_of
from tests.end_to_end.facilitating import all_agree, away, do, goes_on, hold, kill, let, newcomer
from tests.end_to_end.test_door_talk import said, say
from tests.end_to_end.test_hard_minute import paused
from tests.end_to_end.test_invites import make
from tests.end_to_end.ticketing import crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World, room_of_three


def outside(world: World, who: Client, seconds: float = 8) -> None:
    who.engine.commands.outside()
    world.advance(seconds)


def inside(world: World, who: Client, name: str | None = None) -> list[object]:
    result: list[object] = []
    who.engine.commands.inside(name, result.append)
    world.advance(8)
    return result


def is_out(who: Client) -> bool:
    newcomer = who.engine.newcomer
    return who.engine.member is None and isinstance(newcomer, Newcomer) and newcomer.outside


def uses_left(by: Client) -> list[int]:
    return [door.uses_left for door in committer_of(by).doors._doors.values() if door.uses > 1]


def test_a_member_steps_outside_and_comes_back_within_ten_seconds() -> None:
    world, ann, bob, cleo = room_of_three()
    before = uses_left(ann)
    outside(world, bob)
    assert is_out(bob)
    assert bob.of(events.Outside) == [events.Outside("Bob", you=True)]
    lost = [one for one in bob.of(events.ConnectionChanged) if one.state == "reconnecting"]
    assert [one.moving for one in lost] == [True]  # it hung up by itself, and nothing is wrong
    for client in (ann, cleo):
        assert client.of(events.Outside) == [events.Outside("Bob")]
        assert not client.of(events.Left)
        assert "Bob" not in client.members()
    with pytest.raises(AlcoveError, match="You are outside at the moment") as refused:
        bob.engine.commands.outside()
    assert refused.value.code == "not_in_room"
    cleo.say("while Bob is outside")
    world.advance(1)
    assert bob.texts() == []
    asked = len(bob.of(events.AgreementShown))
    assert inside(world, bob) == [None]
    assert bob.members() == ann.members() == {"Ann", "Bob", "Cleo"}
    assert len(bob.of(events.AgreementShown)) == asked  # no new agreement
    assert uses_left(ann) == before
    assert len(committer_of(ann).lobby._membership.state.door_ids()) == 1
    assert "while Bob is outside" not in bob.texts()
    world.advance(31)
    goes_on(world, ann, bob, cleo)


def test_one_that_is_outside_is_away_to_facilitators_and_a_removal_is_told() -> None:
    """All that they wrote is folded too, though no key of theirs is a member's any more."""
    world, ann, bob, cleo = room_of_three()
    said = [bob.say("one"), bob.say("two")]
    kept = cleo.say("hello")
    world.settle()
    outside(world, bob)
    assert away(ann) == ("Bob",)
    assert away(cleo) == ()  # a participant
    result: list[object] = []
    ann.engine.commands.remove(("Bob",), result.append, fold=True)
    world.advance(8)
    assert result == [None]
    assert away(ann) == ()
    assert ann.of(events.Removed) == [events.Removed("Bob")]
    assert ann.of(events.Removed)[0].by == "Ann"  # so that it is told as an own act
    assert ann.of(events.Removed)[0].away
    acts = [(one.act, one.name, one.by) for one in ann.engine.require_member().act_log.acts()]
    assert acts.count(("remove", "Bob", "Ann")) == 1
    for client in (ann, cleo):
        told = [id for event in client.of(events.Folded) for id in event.ids]
        assert sorted(told) == sorted(said), client.name
        assert kept not in told
    world.advance(31)
    goes_on(world, ann, cleo)


def test_one_that_comes_in_before_their_removal_is_told_as_removed_once() -> None:
    """Ann removed Bob while he was outside. Her commit came behind the one that let him in."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Cleo")
    world.advance(35)
    outside(world, bob, 20)
    hold(ann, Publish)
    result: list[object] = []
    ann.engine.commands.remove("Bob", result.append)
    bob.engine.commands.inside(None, lambda error: None)
    world.advance(20)
    assert "Bob" in cleo.members()
    let(ann)
    ann.cut()
    world.advance(10)
    assert result == [None]
    assert "Bob" not in ann.members() | cleo.members()
    for client in (ann, cleo):
        assert [(one.name, one.away) for one in client.of(events.Removed)] == [("Bob", False)]
    acts = [one for one in ann.engine.require_member().act_log.acts() if one.act == "remove"]
    assert [(one.name, one.away) for one in acts] == [("Bob", False)]


def test_what_is_too_much_to_fold_one_by_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world, ann, bob, cleo = room_of_three()
    said = [bob.say(f"line {n}") for n in range(5)]
    world.settle()
    outside(world, bob)
    monkeypatch.setattr(outbox, "MOST", 3)
    ann.engine.commands.remove(("Bob",), lambda error: None, fold=True)
    world.advance(8)
    told = [id for event in cleo.of(events.Folded) for id in event.ids]
    assert set(told) < set(said)
    assert len(told) == 3
    assert "fold_partly" in [event.code for event in ann.of(events.Problem)]


def test_outside_a_member_talks_with_the_facilitators() -> None:
    world, ann, bob, cleo = room_of_three()
    outside(world, bob)
    (knock,) = [one for one in ann.of(events.Knocked) if one.outside]
    assert knock.name == "Bob"
    assert say(world, bob, "I need a minute.") == [None]
    assert say(world, ann, "Take your time.", knock.id) == [None]
    assert said(ann) == [("Bob", "I need a minute.")]
    assert said(bob) == [("Ann", "Take your time.")]
    assert said(cleo) == []
    assert inside(world, ann, "Bob") == [None]  # a facilitator lets them in
    assert bob.of(events.Joined)[-1].you


def test_a_pause_goes_on_after_a_step_outside() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "pause", "Bob")
    outside(world, bob)
    assert paused(ann) == []
    inside(world, bob)
    assert paused(ann) == paused(bob) == paused(cleo) == ["Bob"]


def test_the_way_back_stays_when_the_facilitator_who_let_them_go_dies() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Cleo")
    world.advance(35)
    held = hold(ann, PutDoor)
    outside(world, bob, 30)
    assert held
    kill(world, ann)
    world.advance(10)
    assert is_out(bob)
    bob.engine.commands.inside(None, lambda error: None)
    world.advance(20)
    assert bob.of(events.Joined)[-1].you
    all_agree(bob, cleo)


def test_the_wish_goes_again_when_the_relay_lost_it() -> None:
    world, _ann, bob, _cleo = room_of_three()
    held = hold(bob, LobbyRequest)
    outside(world, bob, 3)
    assert held
    bob.to_relay = lambda client, data: [data]
    world.advance(15)
    assert is_out(bob)


def test_who_is_away_when_they_are_let_go_comes_to_the_door_too() -> None:
    world, ann, bob, _cleo = room_of_three()
    bob.engine.commands.outside()
    world._step(bob)
    bob.cut()
    world.advance(5, stay_away=(bob,))
    assert "Bob" not in ann.members()
    bob.back()
    world.advance(10)
    assert is_out(bob)
    assert inside(world, bob) == [None]
    assert "Bob" in ann.members()


def test_a_wish_that_is_repeated_leads_to_the_door_that_a_facilitator_puts() -> None:
    """The second wish named another door, where the client then waited in vain."""
    world, ann, bob, _cleo = room_of_three()
    bob.engine.commands.outside()
    bob.engine.commands.outside()
    world.advance(15)
    assert is_out(bob)
    assert inside(world, bob) == [None]
    assert "Bob" in ann.members()


def test_who_is_away_for_long_when_they_are_let_go_is_told_nothing_else() -> None:
    """Their client cannot know yet whether somebody let them outside."""
    world, ann, bob, _cleo = room_of_three()
    bob.engine.commands.outside()
    world._step(bob)
    bob.cut()
    world.advance(PATIENCE + 20, stay_away=(bob,))
    assert "Bob" not in ann.members()
    bob.back()
    world.advance(10)
    assert is_out(bob)
    assert not [one for one in bob.of(events.Problem) if one.code == "not_outside"]


def test_outside_longer_than_a_knock_waits_is_outside_all_the_same() -> None:
    world, ann, bob, _cleo = room_of_three()
    outside(world, bob)
    world.advance(limits.KNOCK_TTL + 60)
    assert is_out(bob)
    assert not bob.of(events.Closed)
    assert inside(world, bob) == [None]
    assert "Bob" in ann.members()


def test_who_was_let_go_unseen_before_the_relay_lost_its_memory_comes_to_their_own_door() -> None:
    world, ann, bob, cleo = room_of_three()
    before = uses_left(ann)
    bob.engine.commands.outside()
    bob.to_client = lambda client, data: []
    world.advance(5)
    assert "Bob" not in ann.members()
    bob.to_client = lambda client, data: [data]
    bob.cut()
    world.kill_relay()
    world.start_relay()
    world.advance(160)
    assert is_out(bob)
    inside(world, bob)
    assert bob.members() == ann.members() == {"Ann", "Bob", "Cleo"}
    assert uses_left(ann) == before
    all_agree(ann, bob, cleo)


@pytest.mark.parametrize("away", [False, True], ids=["asks", "is away"])
def test_a_way_back_that_no_facilitator_left_has_put_is_put_after_a_loss(*, away: bool) -> None:
    """The facilitators that put it had gone, and the last one brought no door of theirs. So the
    relay said that the invite is not valid, and who was outside was lost. One that came back to
    their door before it was put, and had not been told to wait, knocked by their first invite."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Cleo")
    world.advance(30)
    cleo.cut()
    bob.engine.commands.outside()
    world.advance(8, stay_away=(cleo,))
    assert is_out(bob)
    cleo.back()
    world.advance(30)  # a vault has the door's secret
    kill(world, ann)
    world.advance(60)  # longer than a door of their own is waited for at first
    world.kill_relay()
    world.start_relay()
    cleo.to_relay = lambda client, data: [] if isinstance(from_client(data), PutDoor) else [data]
    while not [one for one in cleo.of(events.Problem) if one.code == "room_settled"]:
        world.advance(10, stay_away=(bob,) if away else ())
    world.advance(20)  # Bob's client asks meanwhile, and the relay has no door of his
    let(cleo)
    cleo.cut()
    world.advance(30)
    assert is_out(bob)
    assert not [one for one in bob.of(events.Problem) if one.code == "knocking_again"]
    assert inside(world, bob) == [None]
    world.advance(10)  # Ann's client is before Cleo's, and is gone
    assert bob.of(events.Joined)[-1].you
    assert "Bob" in cleo.members()
    assert not bob.of(events.Closed)


def test_a_way_back_is_no_invite_to_a_facilitator_that_was_appointed_since() -> None:
    """They were told that an invite was closed when the member came back by it."""
    world, ann, bob, cleo = room_of_three()
    outside(world, bob)
    do(world, ann, "appoint", "Cleo")
    world.advance(30)
    assert inside(world, bob) == [None]
    assert "Bob" in cleo.members()
    assert cleo.engine.require_member().facilitator is not None
    assert not cleo.of(events.InviteRevoked)


def test_nor_to_a_facilitator_that_came_by_a_ticket_since() -> None:
    """That one did not see the member go."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Cleo")
    world.advance(35)
    ticket = ticket_of(world, cleo)
    crashes(world, cleo)
    outside(world, bob)
    again = resumes(world, ticket, "Cleo", wait=30)
    assert again.of(events.Joined)
    assert inside(world, bob) == [None]
    world.advance(15)
    assert "Bob" in again.members()
    assert again.engine.require_member().facilitator is not None
    assert not again.of(events.InviteRevoked)


def test_one_outside_is_no_newcomer_to_a_facilitator_that_was_appointed_since() -> None:
    """They read that Bob asks to be let in. Bob had not asked, and was let in from a rest. When
    the one that let Bob go is gone, Bob still comes back by themselves."""
    world, ann, bob, cleo = room_of_three()
    outside(world, bob)
    do(world, ann, "appoint", "Cleo")
    world.advance(30)
    assert [(one.name, one.outside) for one in cleo.of(events.Knocked)] == [("Bob", True)]
    assert away(cleo) == ("Bob",)
    kill(world, ann)
    assert inside(world, bob) == [None]
    world.advance(30)
    assert "Bob" in cleo.members()


def test_who_says_while_the_relay_is_gone_that_they_come_back_is_let_in() -> None:
    """The relay forgot the knock by which they wait. They say it again with the next one."""
    world, ann, bob, cleo = room_of_three()
    outside(world, bob)
    world.kill_relay()
    result: list[object] = []
    bob.engine.commands.inside(None, result.append)
    world.advance(3)
    world.start_relay()
    world.advance(160)
    assert result == [None]
    assert bob.members() == ann.members() == {"Ann", "Bob", "Cleo"}
    all_agree(ann, bob, cleo)


def test_what_was_shown_expires_also_for_who_is_outside() -> None:
    """It stayed on their screen, for ever when they came back too."""
    world, _ann, bob, cleo = room_of_three()
    cleo.say("before the step outside")
    world.advance(1)
    shown = [event.id for event in bob.of(events.Message)]
    assert len(shown) == 1
    outside(world, bob)
    assert not bob.of(events.Expired)
    world.advance(1800, step=20)
    assert is_out(bob)
    assert [event.id for event in bob.of(events.Expired)] == shown


def test_what_was_shown_before_is_folded_and_taken_back_for_who_came_back() -> None:
    """It stood on their screen as before, and the others were told that it is folded for everybody,
    or taken back. It still expires there."""
    world, ann, bob, cleo = room_of_three()
    folded, taken, kept = (cleo.say(text) for text in ("one", "two", "three"))
    world.advance(1)
    outside(world, bob)
    assert inside(world, bob) == [None]
    ann.engine.commands.fold(folded)
    cleo.engine.commands.retract(taken)
    world.advance(8)
    assert [event.ids for event in bob.of(events.Folded)] == [(folded,)]
    assert [event.id for event in bob.of(events.Retracted)] == [taken]
    result: list[object] = []
    ann.engine.commands.remove(("Cleo",), result.append, fold=True)
    world.advance(8)
    assert result == [None]
    assert [event.ids for event in bob.of(events.Folded)][-1] == (kept,)
    world.advance(1800, step=20)
    assert {event.id for event in bob.of(events.Expired)} == {folded, kept}


def test_what_the_state_folds_since_the_step_outside_is_folded_for_who_comes_back() -> None:
    """It stayed open on their screen. A fold of one message is sealed to those that are there."""
    world, ann, bob, cleo = room_of_three()
    id = cleo.say("how I would do it")
    world.advance(1)
    outside(world, bob)
    do(world, ann, "fold_member", "Cleo", True)
    assert inside(world, bob) == [None]
    told = events.Folded((id,), why="member")
    after = [one for one in bob.told if isinstance(one, events.Joined | events.Folded)][-2:]
    assert after == [bob.of(events.Joined)[-1], told]
    outside(world, bob)
    assert inside(world, bob) == [None]
    assert bob.of(events.Folded) == [told]


def test_a_hold_since_the_step_outside_folds_for_who_comes_back_and_no_other_does() -> None:
    world, ann, bob, cleo = room_of_three()
    before, id = cleo.say("good evening"), cleo.say("how I would do it")
    world.advance(1)
    outside(world, bob)
    ann.engine.commands.hold(lambda error: None, since=id)
    world.settle()
    do(world, ann, "lock", False)
    assert inside(world, bob) == [None]
    assert [event.ids for event in bob.of(events.Folded)] == [(id,)]
    ann.say("breathe")
    world.advance(1)
    assert not bob.of(events.Message)[-1].folded
    outside(world, bob)
    assert inside(world, bob) == [None]
    assert len(bob.of(events.Folded)) == 1
    assert before not in bob.of(events.Folded)[0].ids


def test_what_was_taken_back_while_muted_goes_out_after_a_step_outside() -> None:
    """The person was told that it is kept. They go out meanwhile, and come back when they may write
    again, or before: then it waits on. What expired meanwhile is not sent."""
    world, ann, bob, cleo = room_of_three()
    expires = bob.say("one")
    world.advance(1700, step=20)
    first, second = bob.say("two"), bob.say("three")
    world.settle()
    do(world, ann, "pause", "Bob")
    for id in (expires, first, second, second):
        bob.engine.commands.retract(id)
    outside(world, bob)
    world.advance(120)
    assert inside(world, bob) == [None]
    assert paused(ann) == ["Bob"]
    assert [event.id for event in bob.of(events.Expired)] == [expires]
    outside(world, bob)
    assert inside(world, bob) == [None]
    assert not cleo.of(events.Retracted)
    do(world, ann, "unpause", "Bob")
    world.advance(3)
    for client in (ann, bob, cleo):
        assert [event.id for event in client.of(events.Retracted)] == [first, second]
    assert len(bob.engine.require_member().conversation.outbox.waiting()) == 0
    goes_on(world, ann, bob, cleo)


def test_the_name_is_kept_for_who_is_outside() -> None:
    world, ann, bob, _cleo = room_of_three()
    outside(world, bob)
    twin = world.knock(ann.invite(), "Bob")
    assert [event.code for event in twin.of(events.Closed)] == ["name_taken"]
    newcomer(world, ann.invite(), "Dora", ann)


def test_facilitators_do_not_step_outside() -> None:
    world, ann, bob, _cleo = room_of_three()
    for who, act in ((ann, ann.engine.commands.outside), (bob, None)):
        if act is not None:
            with pytest.raises(AlcoveError) as refused:
                act()
            assert refused.value.code == "is_facilitator"
        else:
            with pytest.raises(AlcoveError) as refused:
                who.engine.commands.inside(None, lambda error: None)
            assert refused.value.code == "not_facilitator"
    dora = world.knock(ann.invite(), "Dora")
    with pytest.raises(AlcoveError) as refused:
        dora.engine.commands.inside(None, lambda error: None)
    assert refused.value.code == "not_outside"


@pytest.mark.parametrize("connected", [True, False])
def test_when_the_two_hours_are_over_all_are_told_so(*, connected: bool) -> None:
    """Nobody gave them this link, and nobody waits for them."""
    world, ann, bob, _cleo = room_of_three()
    outside(world, bob)
    absent = () if connected else (bob,)
    if not connected:
        bob.cut()
    world.advance(OUTSIDE_TTL - 60, step=20, stay_away=absent)
    assert away(ann) == ("Bob",)
    world.advance(120, step=5, stay_away=absent)
    assert away(ann) == ()
    world.advance(limits.KNOCK_TTL, step=5)  # a knock of before may still wait for its own time
    assert len(ann.of(events.KnockGone)) == len(ann.of(events.Knocked))
    ended = bob.of(events.Closed)[-1]
    assert ended.code == "door_expired"
    assert ended.text == (
        "The relay says: The time of your way back into this room is over. You can ask to be let in"
        " again with an invite."
    )


def test_behind_a_locked_door_who_is_outside_comes_in_when_it_is_opened() -> None:
    world, ann, bob, _cleo = room_of_three()
    outside(world, bob)
    do(world, ann, "lock", True)
    bob.engine.commands.inside(None, lambda error: None)
    world.advance(45)
    assert is_out(bob)
    told = [one for one in ann.of(events.Problem) if one.code == "waits_outside"]
    assert [one.sender for one in told] == ["Bob"]  # once, however often the client looks again
    assert told[0].text.startswith("Bob asks to come back from outside, and waits: the door is")
    do(world, ann, "lock", False)
    world.advance(15)
    assert bob.of(events.Joined)[-1].you


@pytest.mark.parametrize("how", ["lock", "hold"])
def test_who_steps_out_of_a_locked_room_comes_back_when_it_is_opened(how: str) -> None:
    """In a hard minute: the room is held, which locks the door, and somebody needs to get out."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, *((how, True) if how == "lock" else (how,)))
    outside(world, bob, 30)
    assert is_out(bob)
    assert bob.engine.closed is None
    assert bob.of(events.Outside) == [events.Outside("Bob", you=True)]
    assert [one.code for one in bob.of(events.Problem)] == ["outside_locked"]
    for _ in range(2):
        with pytest.raises(
            AlcoveError, match=r"locked at the moment.*Nothing was sent"
        ) as not_said:
            bob.engine.commands.door_say("I need somebody", None, lambda error: None)
        assert not_said.value.code == "not_waiting"
        world.advance(31)
    assert inside(world, bob) == []  # it is said as soon as a knock waits
    if how == "hold":
        do(world, ann, "resume")
    do(world, ann, "lock", False)
    world.advance(45)
    assert [one.code for one in bob.of(events.Problem)] == ["outside_locked", "outside_open"]
    assert bob.of(events.Joined)[-1].you
    assert bob.members() == {"Ann", "Bob", "Cleo"}
    world.advance(31)
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("said", [True, False])
def test_a_knock_that_expires_behind_a_locked_door_ends_no_step_outside(said: bool) -> None:
    world, ann, bob, cleo = room_of_three()
    outside(world, bob)
    do(world, ann, "lock", True)
    if said:
        assert inside(world, bob) == [None]
    world.advance(2 * limits.KNOCK_TTL, step=5)
    assert is_out(bob)
    assert bob.engine.closed is None
    do(world, ann, "lock", False)
    world.advance(45)
    if not said:
        assert is_out(bob)
        assert inside(world, bob) == [None]
    assert bob.of(events.Joined)[-1].you
    all_agree(ann, bob, cleo)


def test_a_member_steps_outside_five_times_in_an_hour_and_no_more() -> None:
    """Each step costs the group two commits."""
    world, ann, bob, _cleo = room_of_three()
    for _ in range(5):
        outside(world, bob)
        inside(world, bob)
        world.advance(20)
    assert "Bob" in ann.members()
    outside(world, bob, 80)
    assert not is_out(bob)
    assert [event.code for event in bob.of(events.Problem)] == ["not_outside"]
    assert "Bob" in ann.members()


def test_one_that_is_appointed_before_they_are_let_outside_is_told_so() -> None:
    """The others let no facilitator outside, and to ask them would not help."""
    world, ann, bob, cleo = room_of_three()
    world.advance(15)
    honest, bob.to_relay = bob.to_relay, lambda client, data: []
    bob.engine.commands.outside()
    do(world, ann, "appoint", "Bob")
    bob.to_relay = honest
    world.advance(2)
    (told,) = bob.of(events.Problem)
    assert told.code == "not_outside"
    assert told.text.startswith("You facilitate now")
    world.advance(PATIENCE + 5)
    assert len(bob.of(events.Problem)) == 1
    all_agree(ann, bob, cleo)


def test_a_step_outside_closes_no_invite_of_a_full_list() -> None:
    world, ann, bob, _cleo = room_of_three()
    for _ in range(4):
        make(world, ann, 16 if _ < 3 else 15, uses=1)
    listed = ann.engine.require_member().membership.state.door_ids()
    assert len(listed) == limits.DOORS
    outside(world, bob, 20)
    assert not is_out(bob)
    assert ann.engine.require_member().membership.state.door_ids() == listed


def test_without_their_own_door_at_the_relay_they_knock_by_the_invite_they_came_by() -> None:
    world, ann, bob, _cleo = room_of_three()
    hold(ann, PutDoor)
    outside(world, bob, 100)
    assert not is_out(bob)
    assert [event.code for event in bob.of(events.Problem)] == ["knocking_again"]
    assert ann.of(events.Knocked)[-1].name == "Bob"
    assert not ann.of(events.Knocked)[-1].outside


def test_a_door_that_others_know_is_no_way_back() -> None:
    """Bob's client asks with the secret of an invite that was closed: it would be open again."""
    world, ann, bob, _cleo = room_of_three()
    (url,) = make(world, ann, 1)
    secret = Invite.parse(url).secret
    ann.engine.commands.revoke(Invite.parse(url).door.hex(), lambda error: None)
    world.advance(3)
    listed = ann.engine.require_member().membership.state.door_ids()
    member, identity = bob.engine.require_member(), bob.engine.identity
    leave = LeaveStatement(bob.engine.room, identity.relay.public, member.membership.roster.counter)
    wish = identity.relay.sign(Label.LEAVE, leave)
    member.requests.send(RequestKind.OUTSIDE, secret + wish.encode())
    world.advance(15)
    assert "Bob" in ann.members()
    assert ann.engine.require_member().membership.state.door_ids() == listed
    newcomer(world, ann.invite(), "Dora", ann)


def test_a_relay_that_keeps_a_wish_puts_nobody_out_by_it_later() -> None:
    world, ann, bob, cleo = room_of_three()
    held = hold(bob, LobbyRequest)
    bob.engine.commands.outside()
    world.settle()
    (kept,) = held
    world.advance(70)  # Bob's client gives it up, and tells so
    assert "not_outside" in [event.code for event in bob.of(events.Problem)]
    let(bob)
    world.advance(90)  # in them comes an Update, which the relay kept too at first
    assert bob.link is not None
    bob.link.receive(kept)
    world.advance(15)
    assert "Bob" in ann.members()
    assert not bob.of(events.Closed)
    goes_on(world, ann, bob, cleo)


def test_a_wish_that_comes_late_leads_to_the_door_and_not_out() -> None:
    """The relay kept it, and the Update that would have made it void."""
    world, ann, bob, _cleo = room_of_three()
    held = hold(bob, LobbyRequest)
    bob.engine.commands.outside()
    world.advance(70)
    assert bob.link is not None
    bob.link.receive(held[0])
    let(bob)
    world.advance(10)
    assert is_out(bob)
    assert not bob.of(events.Closed)
    assert inside(world, bob) == [None]
    assert "Bob" in ann.members()


def test_a_facilitator_whose_clock_is_wrong_meanwhile_lets_them_in_when_it_is_right() -> None:
    """It admits nobody with a wrong clock, and looks again. Its program does not end by that."""
    world = World()
    wrong = [0.0]
    ann = world.open_with(world.client("Ann", wall=lambda: world.wall() + wrong[0]))
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    outside(world, bob)
    wrong[0] = 2.0 * limits.CLOCK_SKEW
    inside(world, bob)
    world.advance(15)
    assert is_out(bob)
    wrong[0] = 0.0
    world.advance(15)
    goes_on(world, ann, bob, cleo)


def test_a_second_wish_names_the_door_of_the_first_which_may_still_wait() -> None:
    """The facilitator was cut off with the commit, and lets Bob out by the wish of before."""
    world, ann, bob, cleo = room_of_three()

    def without_commits(client: Client, data: bytes) -> list[bytes]:
        frame = from_client(data)
        commit = isinstance(frame, Publish) and frame.blob_class == BlobClass.COMMIT
        return [] if commit else [data]

    ann.to_relay = without_commits
    bob.engine.commands.outside()
    world.settle()
    ann.cut()
    let(ann)
    world.advance(PATIENCE + 15, stay_away=(ann,))
    assert [one.code for one in bob.of(events.Problem)] == ["not_outside"]
    bob.engine.commands.outside()
    world.settle()
    ann.back()
    world.advance(15)
    assert is_out(bob)
    assert inside(world, bob) == [None]
    assert not bob.of(events.Closed)
    all_agree(ann, bob, cleo)


def test_one_outside_comes_in_where_whoever_facilitates_cannot_open_their_knock() -> None:
    """Both that could are participants now. Cleo was appointed after the lobby had another key."""
    world, ann, bob, cleo = room_of_three()
    dora = world.join(ann, "Dora")
    outside(world, dora)
    for before, after in ((ann, bob), (bob, cleo)):
        do(world, before, "appoint", after.engine.identity.name)
        world.advance(3)
        do(world, after, "demote", before.engine.identity.name)
        world.advance(3)
    assert not cleo.of(events.Knocked)
    assert inside(world, dora) == [None]
    (knock,) = cleo.of(events.Knocked)
    assert (knock.name, knock.outside) == ("Dora", True)  # whom all three saw go
    world.advance(5)
    assert dora.of(events.Joined)[-1].you
    all_agree(ann, bob, cleo, dora)


def test_a_newcomer_is_seen_by_whoever_facilitates_after_two_changes() -> None:
    world, ann, bob, cleo = room_of_three()
    dora = world.knock(ann.invite(), "Dora")
    do(world, ann, "appoint", "Bob")
    world.advance(15)
    do(world, bob, "demote", "Ann")
    world.advance(LOOK_AGAIN + 5)
    assert len(dora.of(events.Waiting)) == 1  # Bob was told the key before, and sees the knock
    assert [one.name for one in bob.of(events.Knocked)] == ["Dora"]
    do(world, bob, "appoint", "Cleo")
    world.advance(15)
    do(world, cleo, "demote", "Bob")
    assert not cleo.of(events.Knocked)
    world.advance(LOOK_AGAIN + 5)
    (knock,) = cleo.of(events.Knocked)
    assert [one.code for one in dora.of(events.Waiting)][-1] == knock.code
    assert cleo.admit(knock) == []
    world.advance(5)
    assert "Dora" in ann.members()
