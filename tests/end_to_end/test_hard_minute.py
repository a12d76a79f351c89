"""What a facilitator does in a hard minute, by the real commands and over the real relay."""

from functools import partial

import pytest
from alcove import events
from alcove.errors import AlcoveError
from alcove.events import RoomState
from alcove_protocol.frames import Publish
from alcove_protocol.roster import RoomFlag

from tests.end_to_end.facilitating import (
    Act,
    all_agree,
    ask,
    both,
    codes,
    do,
    goes_on,
    hold,
    newcomer,
    part,
    state,
)
from tests.end_to_end.world import Client, room_of_three


def why_not(client: Client, text: str = "may I?") -> str | None:
    """The code with which this client refuses to say something; None when it says it."""
    try:
        client.say(text)
    except AlcoveError as error:
        return error.code
    return None


def paused(client: Client) -> list[str]:
    membership = client.engine.require_member().membership
    keys = membership.state.paused_keys()
    assert len(keys) == sum(seat.paused for seat in membership.roster.seats.values())
    return [person.name for person in membership.people() if person.key in keys]


def test_a_paused_member_reads_and_does_not_write() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "pause", "Bob")
    assert ann.of(events.Paused) == [events.Paused("Bob", "Ann")]
    assert bob.of(events.Paused) == [events.Paused("Bob", "Ann", you=True)]
    assert not cleo.of(events.Paused)
    assert {name for client in (ann, bob, cleo) for name in paused(client)} == {"Bob"}
    assert why_not(bob) == "paused"
    cleo.say("go on")
    world.advance(300)  # for so long nothing of Bob's is covered by a beat
    assert bob.texts() == ["go on"]
    assert [event.state for event in bob.of(events.RoomChanged)] == [RoomState.OPEN]
    do(world, ann, "unpause", "Bob")
    assert bob.of(events.Unpaused) == [events.Unpaused("Bob", "Ann", you=True)]
    assert ann.of(events.Unpaused) == [events.Unpaused("Bob", "Ann")]
    assert not cleo.of(events.Unpaused)
    goes_on(world, ann, bob, cleo)
    acts = [(act.act, act.name) for act in cleo.engine.require_member().act_log.acts()]
    assert acts[-2:] == [("pause", "Bob"), ("unpause", "Bob")]  # not announced, and no secret


def test_what_a_paused_member_had_written_fails_and_is_not_said_later() -> None:
    """A text that waited was for another minute. Its person may say it again."""
    world, ann, bob, cleo = room_of_three()
    bob.cut()
    said = [bob.say("one"), bob.say("two")]
    do(world, ann, "pause", "Bob")
    world.advance(3)
    assert [(event.id, event.code) for event in bob.of(events.Failed)] == [
        (id, "paused") for id in said
    ]
    world.advance(200)
    assert [event.state for event in bob.of(events.RoomChanged)] == [RoomState.OPEN]
    do(world, ann, "unpause", "Bob")
    goes_on(world, ann, bob, cleo)
    assert "one" not in ann.texts()
    assert not ann.of(events.Gap)


def test_the_relay_is_told_nothing_by_a_paused_member() -> None:
    """Also no void that stands in for a text that failed: the relay would refuse it each second."""
    world, ann, bob, _cleo = room_of_three()
    bob.cut()
    bob.say("one")
    do(world, ann, "pause", "Bob")
    world.advance(3)
    sent = hold(bob, Publish)
    world.advance(60)
    assert sent == []


def test_a_paused_member_that_comes_back_often_keeps_one_void_for_afterwards() -> None:
    """Each return queued one more, and all went before what they said when the pause was over."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "pause", "Bob")
    for _ in range(3):
        bob.engine.require_member()._hold()
        world.advance(70)
    states = [event.state for event in bob.of(events.ConnectionChanged)]
    assert states.count(events.ConnectionState.REJOINED) == 3
    kinds = [item.kind for item in bob.engine.require_member().conversation.outbox.waiting()]
    assert kinds == ["void"]
    do(world, ann, "unpause", "Bob")
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("what", ["pause", "listen_only"])
def test_who_may_not_write_still_leaves_comes_back_and_renews_keys(what: str) -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, what, "Bob" if what == "pause" else True)
    membership = bob.engine.require_member().membership
    before = membership.own_leaf_key
    world.advance(11 * 60)
    assert membership.own_leaf_key != before  # an Update, with another's commit
    bob.engine.require_member()._hold()
    world.advance(70)
    assert events.ConnectionState.REJOINED in [
        event.state for event in bob.of(events.ConnectionChanged)
    ]
    assert why_not(bob) is not None
    all_agree(ann, bob, cleo)
    bob.engine.commands.leave(lambda: None)
    world.advance(3)
    assert bob.of(events.Closed)
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    assert paused(ann) == paused(cleo) == []
    all_agree(ann, cleo)


def test_a_pause_goes_with_a_removal_and_ends_with_an_appointment() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "pause", "Bob")
    do(world, ann, "pause", "Cleo")
    do(world, ann, "appoint", "Cleo")
    assert [(event.name, event.you) for event in cleo.of(events.Unpaused)] == [("Cleo", True)]
    assert paused(cleo) == ["Bob"]
    do(world, ann, "remove", "Bob")
    assert bob.of(events.Closed)
    assert paused(ann) == paused(cleo) == []
    world.advance(31)
    goes_on(world, ann, cleo)


def test_in_listen_only_facilitators_write_alone() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "listen_only", True)
    for client in (ann, bob, cleo):
        assert client.of(events.RulesChanged) == [
            events.RulesChanged(True, False, ("listen_only",), "Ann")
        ]
    assert (why_not(bob), why_not(cleo), why_not(ann, "a moment")) == (
        "listen_only",
        "listen_only",
        None,
    )
    world.advance(120)
    assert bob.texts() == cleo.texts() == ["a moment"]
    assert [event.state for event in bob.of(events.RoomChanged)] == [RoomState.OPEN]
    dora = newcomer(world, ann.invite(), "Dora", ann)
    assert dora.of(events.RulesChanged) == [events.RulesChanged(True, False, ("listen_only",))]
    assert why_not(dora) == "listen_only"
    do(world, ann, "listen_only", False)
    assert bob.of(events.RulesChanged)[-1] == events.RulesChanged(
        False, False, ("listen_only",), "Ann"
    )
    goes_on(world, ann, bob, cleo, dora)


def test_what_waited_fails_when_all_listen() -> None:
    world, ann, bob, cleo = room_of_three()
    bob.cut()
    id = bob.say("too late")
    do(world, ann, "listen_only", True)
    world.advance(3)
    assert [(event.id, event.code) for event in bob.of(events.Failed)] == [(id, "listen_only")]
    do(world, ann, "listen_only", False)
    goes_on(world, ann, bob, cleo)
    assert "too late" not in cleo.texts()


def test_one_who_takes_a_message_back_while_muted_does_so_afterwards() -> None:
    world, ann, bob, cleo = room_of_three()
    id = bob.say("too much")
    world.settle()
    do(world, ann, "pause", "Bob")
    bob.engine.commands.retract(id)
    world.advance(5)
    assert not cleo.of(events.Retracted)
    do(world, ann, "unpause", "Bob")
    world.advance(2)
    assert [event.id for event in cleo.of(events.Retracted)] == [id]
    goes_on(world, ann, bob, cleo)


def test_nobody_new_comes_through_a_locked_door() -> None:
    world, ann, bob, cleo = room_of_three()
    dora = world.knock(ann.invite(), "Dora")
    do(world, ann, "lock", True)
    for client in (ann, bob, cleo):
        assert client.of(events.RulesChanged) == [
            events.RulesChanged(False, True, ("locked",), "Ann")
        ]
    result = ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    (error,) = result
    assert isinstance(error, AlcoveError)
    assert error.code == "locked"
    assert error.text.startswith("The door is locked")
    eve = world.knock(ann.invite(), "Eve")
    assert [closed.code for closed in eve.of(events.Closed)] == ["locked"]
    assert not dora.of(events.Closed)  # who waited waits on
    do(world, ann, "lock", False)
    result = ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert result == [None]
    goes_on(world, ann, bob, cleo, dora)


def test_a_member_comes_back_through_a_locked_door() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "lock", True)
    bob.engine.require_member()._hold()
    world.advance(70)
    states = [event.state for event in bob.of(events.ConnectionChanged)]
    assert events.ConnectionState.REJOINED in states
    goes_on(world, ann, bob, cleo)


CHANGES: list[tuple[str, str | bool]] = [("pause", "Bob"), ("listen_only", True), ("lock", True)]


@pytest.mark.parametrize("how", ["away", "held"])
@pytest.mark.parametrize(("what", "arg"), CHANGES)
def test_it_reaches_a_member_who_did_not_follow(what: str, arg: str | bool, how: str) -> None:
    world, ann, bob, cleo = room_of_three()
    honest = bob.to_client
    if how == "away":
        bob.cut()
    else:
        bob.to_client = lambda client, data: []
    result = ask(ann, what, arg)
    world.advance(3, stay_away=(bob,) if how == "away" else ())
    if how == "held":
        bob.to_client = honest
        bob.engine.require_member()._hold()
    world.advance(90)
    assert result == [None]
    told = bob.of(events.Paused) if what == "pause" else bob.of(events.RulesChanged)
    assert len(told) == 1
    assert told[0].by == ("Ann" if how == "away" else "")
    all_agree(ann, bob, cleo)
    assert (why_not(bob) is None) is (what == "lock")


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "pause", "Cleo"), (1, "pause", "Cleo")),
        ((0, "pause", "Cleo"), (1, "pause", "Dora")),
        ((0, "pause", "Cleo"), (1, "unpause", "Cleo")),
        ((0, "pause", "Cleo"), (1, "remove", "Cleo")),
        ((0, "pause", "Cleo"), (1, "appoint", "Cleo")),
        ((0, "pause", "Cleo"), (1, "demote", "Ann")),
        ((0, "listen_only", True), (1, "listen_only", True)),
        ((0, "listen_only", True), (1, "listen_only", False)),
        ((0, "listen_only", True), (1, "lock", True)),
        ((0, "listen_only", True), (1, "pause", "Cleo")),
        ((0, "lock", True), (1, "demote", "Ann")),
        ((0, "lock", True), (1, "admit", "Finn")),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_two_facilitators_at_a_time(one: Act, other: Act, first: int, at_once: bool) -> None:
    """In both orders and at once: one state everywhere, one answer each, and the room goes on."""
    world, ann, bob, cleo = room_of_three()
    dora = world.join(ann, "Dora")
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    finn = world.knock(ann.invite(), "Finn")
    people = (ann, bob)
    knocks = [by.of(events.Knocked)[-1].id for by in people]
    acts = [
        partial(ask, people[who], what, knocks[who] if what == "admit" else arg)
        for who, what, arg in ((one, other) if first == 0 else (other, one))
    ]
    results = both(world, acts, at_once=at_once)
    world.advance(60)
    assert [len(result) for result in results] == [1, 1]
    allowed = {None, "demoted", "not_facilitator", "unknown_name", "is_facilitator", "locked"}
    assert {code for result in results for code in codes(result)} <= allowed
    here = [c for c in (ann, bob, cleo, dora, finn) if c.engine.member is not None]
    here = [client for client in here if client.engine.closed is None]
    all_agree(*here)
    assert len({tuple(paused(client)) for client in here}) == 1
    assert len({state(client) for client in here}) == 1
    by = next(client for client in (ann, bob) if client.engine.require_member().facilitator)
    lifted: list[tuple[str, str | bool]] = [("listen_only", False), ("lock", False)]
    lifted += [("unpause", name) for name in paused(by)]
    for what, arg in lifted:
        do(world, by, what, arg)
    goes_on(world, *here)


def test_acts_that_cannot_be_done_say_why() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    for what, name, code in (
        ("pause", "Nobody", "unknown_name"),
        ("pause", "Bob", "is_facilitator"),
        ("pause", "Ann", "is_facilitator"),
        ("unpause", "Nobody", "unknown_name"),
    ):
        with pytest.raises(AlcoveError) as refused:
            ask(bob, what, name)
        assert refused.value.code == code, (what, name)
    for what, arg in (("unpause", "Cleo"), ("listen_only", False), ("lock", False)):
        do(world, ann, what, arg)  # it is so already
    assert not ann.of(events.RulesChanged)


@pytest.mark.parametrize("what", ["pause", "unpause", "listen_only", "lock"])
def test_a_participant_has_none_of_these(what: str) -> None:
    _world, _ann, bob, _cleo = room_of_three()
    with pytest.raises(AlcoveError) as refused:
        ask(bob, what, "Cleo" if "pause" in what else True)
    assert refused.value.code == "not_facilitator"


def test_a_pause_that_comes_after_an_appointment_is_not_made() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    ann.cut()
    result = ask(ann, "pause", "Cleo")
    do(world, bob, "appoint", "Cleo")
    world.advance(5)
    assert codes(result) == ["is_facilitator"]
    assert paused(bob) == []
    goes_on(world, ann, bob, cleo)


def test_what_the_relay_may_have_taken_is_not_said_to_have_failed() -> None:
    """The answer to Bob's text was lost, and then the pause came in another log."""
    world, ann, bob, _cleo = room_of_three()
    honest = bob.to_relay
    bob.to_relay = lambda client, data: []
    id = bob.say("heard?")
    world.settle()
    bob.cut()
    bob.to_relay = honest
    do(world, ann, "pause", "Bob")
    world.advance(3)
    assert [(event.id, event.code) for event in bob.of(events.Failed)] == [(id, "unconfirmed")]


def test_the_last_word_of_a_person_counts() -> None:
    """Acts go in the order in which they were asked for, before what is not urgent."""
    world, ann, bob, cleo = room_of_three()
    part(ann).refresh_keys()
    part(ann).refresh_keys()
    results = [ask(ann, "listen_only", on) for on in (True, False, True)]
    results.append(ask(ann, "pause", "Bob"))
    results.append(ask(ann, "unpause", "Bob"))
    world.advance(20)
    assert results == [[None]] * 5
    assert RoomFlag.LISTEN_ONLY in bob.engine.require_member().membership.roster.flags
    assert paused(cleo) == []


def test_a_pause_waits_for_no_turn_of_others() -> None:
    world, ann, bob, cleo = room_of_three()
    world.join(ann, "Dora")
    part(ann).refresh_keys()
    results = [ask(ann, "listen_only", True), ask(ann, "pause", "Bob")]
    world.settle()  # time stands still
    assert results == [[None], [None]]
    all_agree(ann, bob, cleo)
