"""The room is held, and messages are folded: by the real commands and over the real relay."""

from collections.abc import Callable
from functools import partial

import pytest
from alcove import events
from alcove.cli import act_words
from alcove.errors import AlcoveError
from alcove.events import RoomState
from alcove.group.extensions import FOLDED
from alcove.messages.payload import Fold
from alcove_protocol.position import Position

from tests.end_to_end.facilitating import (
    Result,
    all_agree,
    both,
    codes,
    do,
    goes_on,
    newcomer,
    part,
    state,
)
from tests.end_to_end.test_hard_minute import why_not
from tests.end_to_end.world import Client, World, room_of_three


def hold(world: World, client: Client, since: str | None = None) -> Result:
    result: Result = []
    client.engine.commands.hold(result.append, since=since)
    return result


def folded(client: Client) -> list[str]:
    """The ids that this client was told to fold, in order."""
    return [id for event in client.of(events.Folded) for id in event.ids]


def rules(client: Client) -> list[tuple[bool, bool, bool]]:
    return [
        (event.hold, event.listen_only, event.locked) for event in client.of(events.RulesChanged)
    ]


def fold(world: World, client: Client, id: str) -> None:
    client.engine.commands.fold(id)
    world.settle()


# --- hold and resume ---------------------------------------------------------------------------


def test_a_hold_is_one_act_that_folds_from_a_message_on() -> None:
    world, ann, bob, cleo = room_of_three()
    before = cleo.say("good evening")
    world.settle()
    first = bob.say("abuse")
    second = bob.say("more of it")
    between = cleo.say("please stop")
    world.settle()
    assert hold(world, ann, first) == []
    world.settle()  # time stands still
    for client in (ann, bob, cleo):
        assert rules(client) == [(True, True, True)]
        assert client.of(events.RulesChanged)[0].facilitators == ("Ann",)
        assert set(folded(client)) == {first, second, between}, client.name
        assert before not in folded(client)
        assert {event.by for event in client.of(events.Folded)} == {"Ann"}
    assert [why_not(bob), why_not(cleo), why_not(ann, "breathe")] == ["hold", "hold", None]
    dora = world.knock(ann.invite(), "Dora")
    assert [closed.code for closed in dora.of(events.Closed)] == ["locked"]
    world.settle()
    do(world, ann, "pause", "Bob")  # another epoch of the same hold
    assert [event.folded for event in cleo.of(events.Message)][-1] is False  # a facilitator's word
    assert set(folded(cleo)) == {first, second, between}
    assert [event.state for event in bob.of(events.RoomChanged)] == [RoomState.OPEN]
    all_agree(ann, bob, cleo)
    acts = [act.act for act in cleo.engine.require_member().act_log.acts()]
    assert acts[-4:] == ["hold", "lock", "fold", "pause"]
    said = act_words.listed(cleo.engine.require_member().act_log.acts())
    assert "Ann folded some of what was said, just now." in said


def test_resuming_opens_the_room_and_not_the_door() -> None:
    world, ann, bob, cleo = room_of_three()
    first = bob.say("abuse")
    world.settle()
    assert hold(world, ann, first) == []
    world.settle()
    do(world, ann, "resume")
    for client in (ann, bob, cleo):
        assert rules(client) == [(True, True, True), (False, False, True)]
        assert client.of(events.RulesChanged)[-1].changed == ("hold", "listen_only")
        assert folded(client) == [first]  # it stays folded
    goes_on(world, ann, bob, cleo)
    dora = world.knock(ann.invite(), "Dora")
    assert [closed.code for closed in dora.of(events.Closed)] == ["locked"]
    do(world, ann, "lock", False)
    goes_on(world, ann, bob, cleo, newcomer(world, ann.invite(), "Emil", ann))
    acts = [act.act for act in cleo.engine.require_member().act_log.acts()]
    assert "resume" in acts


def test_what_was_on_its_way_when_the_room_was_held_is_folded() -> None:
    """Without a message named, all is folded that the facilitator has not seen."""
    world, ann, bob, cleo = room_of_three()
    seen = bob.say("seen")
    world.settle()
    ann.cut()  # Ann has not seen what comes now
    late = bob.say("unseen")
    world.settle()
    result = hold(world, ann)
    world.advance(3)
    assert result == [None]
    assert seen not in folded(cleo)
    assert folded(cleo) == folded(bob) == [late]
    assert late in folded(ann) or [event.folded for event in ann.of(events.Message)][-1:] == [False]
    all_agree(ann, bob, cleo)


@pytest.mark.parametrize("named", [False, True])
def test_the_author_of_a_text_that_a_hold_folds_on_its_way_is_told_why(named: bool) -> None:
    """Bob's text was sent before the hold and unseen by Ann. Without this Bob would read that a
    facilitator folded a message, as if for its words."""
    world, ann, bob, cleo = room_of_three()
    first = cleo.say("abuse")
    world.settle()
    ann.cut()
    late = bob.say("an innocent word")
    world.settle()
    assert late in [event.id for event in bob.of(events.Sent)]
    hold(world, ann, first if named else None)
    world.advance(3)
    (told,) = bob.of(events.Folded)
    assert (told.why, told.yours, told.by) == ("hold", (late,), "Ann")
    assert (late in told.ids, first in told.ids) == (True, named)
    (other,) = cleo.of(events.Folded)
    assert (other.why, other.yours) == ("hold", (first,) if named else ())
    do(world, ann, "resume")
    assert bob.of(events.Folded) == [told]
    goes_on(world, ann, bob, cleo)


def test_drafts_stay_and_what_waited_is_not_said_later() -> None:
    world, ann, bob, cleo = room_of_three()
    bob.cut()
    id = bob.say("too late")
    assert hold(world, ann) == []
    world.advance(3)
    assert [(event.id, event.code) for event in bob.of(events.Failed)] == [(id, "hold")]
    do(world, ann, "resume")
    goes_on(world, ann, bob, cleo)
    assert "too late" not in cleo.texts()


@pytest.mark.parametrize("how", ["away", "held"])
def test_a_member_who_slept_through_a_hold_folds_too(how: str) -> None:
    world, ann, bob, cleo = room_of_three()
    first = bob.say("abuse")
    world.settle()
    honest = cleo.to_client
    if how == "away":
        cleo.cut()
    else:
        cleo.to_client = lambda client, data: []
    result = hold(world, ann, first)
    world.advance(3, stay_away=(cleo,) if how == "away" else ())
    if how == "held":
        cleo.to_client = honest
        cleo.engine.require_member()._hold()
    world.advance(90)
    assert result == [None]
    assert folded(cleo) == [first]
    assert rules(cleo) == [(True, True, True)]
    assert cleo.of(events.Folded)[0].by == ("Ann" if how == "away" else "")
    all_agree(ann, bob, cleo)
    do(world, ann, "resume")
    assert folded(cleo) == [first]
    goes_on(world, ann, bob, cleo)


def test_a_newcomer_to_a_held_room_is_told_and_folds_nothing() -> None:
    world, ann, bob, cleo = room_of_three()
    assert hold(world, ann) == []
    world.settle()
    do(world, ann, "lock", False)  # a facilitator may let people in meanwhile
    dora = newcomer(world, ann.invite(), "Dora", ann)
    assert rules(dora) == [(True, True, False)]
    ann.say("one moment")
    world.settle()
    assert [event.folded for event in dora.of(events.Message)] == [False]
    assert why_not(dora) == "hold"
    do(world, ann, "resume")
    goes_on(world, ann, bob, cleo, dora)


def test_a_hold_outlives_the_relays_memory() -> None:
    world, ann, bob, cleo = room_of_three()
    first = bob.say("abuse")
    world.settle()
    assert hold(world, ann, first) == []
    world.settle()
    world.kill_relay()
    world.start_relay()
    world.advance(120)
    assert folded(cleo) == [first]
    assert why_not(cleo) == "hold"
    do(world, ann, "resume")
    goes_on(world, ann, bob, cleo)


def test_writing_is_given_back_by_resuming_only() -> None:
    world, ann, _bob, _cleo = room_of_three()
    assert hold(world, ann) == []
    world.settle()
    result: Result = []
    ann.engine.commands.listen_only(False, result.append)
    world.settle()
    assert codes(result) == ["on_hold"]
    do(world, ann, "listen_only", True)  # it is so already


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    ("one", "other"), [("early", "late"), ("early", "any"), ("early", "resume"), ("late", "listen")]
)
def test_two_facilitators_at_a_time(one: str, other: str, first: int, at_once: bool) -> None:
    """In both orders and at once: one state everywhere. Of two holds the earlier place counts."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    early, late = cleo.say("early"), cleo.say("late")
    world.settle()
    sinces = {"early": early, "late": late, "any": None}

    def act(client: Client, what: str) -> Result:
        result: Result = []
        commands = client.engine.commands
        if what == "resume":
            commands.resume(result.append)
        elif what == "listen":
            commands.listen_only(False, result.append)
        else:
            commands.hold(result.append, since=sinces[what])
        return result

    acts = [partial(act, ann, one), partial(act, bob, other)]
    results = both(world, acts if first == 0 else acts[::-1], at_once=at_once)
    world.advance(20)
    assert {code for result in results for code in codes(result)} <= {None, "on_hold"}
    assert len({state(client) for client in (ann, bob, cleo)}) == 1
    if {one, other} <= {"early", "late", "any"}:
        assert set(folded(cleo)) == {early, late}
        place = cleo.engine.require_member().conversation.folding.place(bytes.fromhex(early))
        assert place is not None
        assert part(ann)._membership.state.hold == place.encode()
    do(world, ann, "resume")
    do(world, ann, "lock", False)
    goes_on(world, ann, bob, cleo)


# --- fold --------------------------------------------------------------------------------------


def test_one_message_is_folded_for_everybody_by_name() -> None:
    world, ann, bob, cleo = room_of_three()
    id = cleo.say("how I would do it")
    world.settle()
    fold(world, ann, id)
    for client in (ann, bob, cleo):
        yours = (id,) if client is cleo else ()
        told = events.Folded((id,), by="Ann", why="message", yours=yours)
        assert client.of(events.Folded) == [told], client.name
    fold(world, ann, id)
    assert len(cleo.of(events.Folded)) == 1
    acts = cleo.engine.require_member().act_log.acts()
    assert [(act.act, act.name, act.by) for act in acts][-1] == ("fold_message", "Cleo", "Ann")
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("how", ["away", "held"])
def test_a_member_who_slept_folds_what_was_folded_meanwhile(how: str) -> None:
    """One who followed the log folds. One who was let in again has a gap, which is told."""
    world, ann, bob, cleo = room_of_three()
    id = cleo.say("how I would do it")
    world.settle()
    bob.cut()
    fold(world, ann, id)
    world.advance(3, stay_away=(bob,))
    if how == "held":
        bob.engine.require_member()._hold()
    world.advance(90)
    assert folded(bob) == ([id] if how == "away" else [])
    assert how == "away" or bob.of(events.Gap)
    all_agree(ann, bob, cleo)


def test_a_fold_goes_before_what_waits_and_needs_no_agreement() -> None:
    world, ann, bob, cleo = room_of_three()
    id = cleo.say("how I would do it")
    world.settle()
    ann.cut()
    ann.say("I am here")
    ann.engine.commands.fold(id)
    world.advance(3)
    assert folded(cleo) == [id]
    assert cleo.texts()[-1] == "I am here"
    assert not cleo.of(events.Gap)
    goes_on(world, ann, bob, cleo)


def test_all_that_a_member_writes_is_folded_also_what_is_to_come() -> None:
    world, ann, bob, cleo = room_of_three()
    ids = [bob.say("one"), bob.say("two")]
    world.settle()
    do(world, ann, "fold_member", "Bob", True)
    for client in (ann, bob, cleo):
        (event,) = client.of(events.Folded)
        assert event.why == "member"
        assert set(event.yours) == (set(ids) if client is bob else set())
        assert (set(event.ids), event.name, event.by, event.on) == (set(ids), "Bob", "Ann", True)
    bob.say("three")
    world.settle()
    assert [(event.sender, event.folded) for event in cleo.of(events.Message)][-1] == ("Bob", True)
    dora = newcomer(world, ann.invite(), "Dora", ann)
    bob.say("four")
    world.settle()
    assert [event.folded for event in dora.of(events.Message)] == [True]
    do(world, ann, "fold_member", "Bob", False)
    assert cleo.of(events.Folded)[-1] == events.Folded((), "Bob", "Ann", on=False, why="member")
    bob.say("five")
    world.settle()
    assert [event.folded for event in dora.of(events.Message)] == [True, False]
    goes_on(world, ann, bob, cleo, dora)


def test_the_author_of_what_is_folded_before_it_is_sent_is_told() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "fold_member", "Bob", True)
    id = bob.say("one")
    world.settle()
    assert bob.of(events.Folded)[-1] == events.Folded((id,), why="member", yours=(id,))
    do(world, ann, "fold_member", "Bob", False)
    bob.to_relay = lambda client, data: []
    id = bob.say("two")  # Ann had it in a log that the relay lost
    member = ann.engine.require_member()
    member.conversation.tell_first(Fold(bytes.fromhex(id)))
    member.pump()
    world.settle()
    bob.to_relay = lambda client, data: [data]
    bob.cut()
    world.advance(3)
    assert bob.of(events.Sent)[-1].id == id
    assert bob.of(events.Folded)[-1] == events.Folded((id,), why="message", yours=(id,))
    assert cleo.of(events.Message)[-1].folded
    goes_on(world, ann, bob, cleo)


def test_who_is_appointed_is_not_folded_any_more() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "fold_member", "Bob", True)
    do(world, ann, "appoint", "Bob")
    bob.say("I am here")
    world.settle()
    assert [event.folded for event in cleo.of(events.Message)] == [False]
    goes_on(world, ann, bob, cleo)


def test_a_full_list_drops_first_who_is_gone() -> None:
    """A troll who came sixteen times keeps nobody from folding what the next writes."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "fold_member", "Bob", True)
    for number in range(FOLDED):
        name = f"Troll {number}"
        troll = newcomer(world, ann.invite(), name, ann)
        troll.say("abuse")
        world.settle()
        do(world, ann, "fold_member", name, True)
        troll.engine.commands.leave(lambda: None)
        world.advance(2)
    keys = part(ann)._membership.state.folded_keys()
    assert len(keys) == FOLDED
    bobs = ann.engine.require_member().membership.find_name("Bob", facilitator=False)
    assert bobs is not None
    assert bobs.key in keys  # the first of those who are gone gave way
    assert sum(event.name.startswith("Troll") for event in cleo.of(events.Folded)) == FOLDED
    goes_on(world, ann, bob, cleo)


def test_a_folded_message_expires_and_is_taken_back_like_any_other() -> None:
    world, ann, bob, cleo = room_of_three()
    id, other = cleo.say("one"), cleo.say("two")
    world.settle()
    fold(world, ann, id)
    fold(world, ann, other)
    cleo.engine.commands.retract(id)
    world.settle()
    assert [event.id for event in bob.of(events.Retracted)] == [id]
    world.advance(cleo.engine.require_member().membership.state.ttl + 2)
    assert other in [event.id for event in bob.of(events.Expired)]


@pytest.mark.parametrize("act", [("hold",), ("pause", "Bob")])
def test_without_a_facilitator_nobody_is_told_that_it_goes_on(act: tuple[str, ...]) -> None:
    """The only facilitator left while they could only read. They read before that the room ends."""
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, *act)
    with pytest.raises(AlcoveError, match="You are told when") as refused:
        bob.say("hello?")
    code = refused.value.code
    ann.engine.commands.leave(lambda: None)
    world.advance(3)
    with pytest.raises(AlcoveError, match="no facilitator is here to change that") as refused:
        bob.say("hello?")
    assert refused.value.code == code


def test_folds_that_cannot_be_made_say_why() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    id = cleo.say("hello")
    world.settle()
    commands = bob.engine.commands
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: commands.fold("ab" * 16), "unknown_message"),
        (lambda: commands.fold("no id"), "unknown_message"),
        (lambda: commands.hold(lambda error: None, since="ab" * 16), "unknown_message"),
        (lambda: commands.fold_member("Nobody", True, lambda error: None), "unknown_name"),
        (lambda: commands.fold_member("Ann", True, lambda error: None), "is_facilitator"),
        (lambda: cleo.engine.commands.fold(id), "not_facilitator"),
        (lambda: cleo.engine.commands.hold(lambda error: None), "not_facilitator"),
        (lambda: cleo.engine.commands.resume(lambda error: None), "not_facilitator"),
        (lambda: cleo.engine.commands.fold_member("Bob", True, print), "not_facilitator"),
    ]
    for act, code in refusals:
        with pytest.raises(AlcoveError) as refused:
            act()
        assert refused.value.code == code
    do(world, ann, "resume")  # it is so already
    do(world, ann, "fold_member", "Cleo", False)
    assert not cleo.of(events.Folded)


def test_a_fold_that_was_meant_before_a_demotion_is_not_made() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    id = cleo.say("hello")
    world.settle()
    bob.cut()
    bob.engine.commands.fold(id)
    do(world, ann, "demote", "Bob")
    world.advance(5)
    assert not cleo.of(events.Folded)
    goes_on(world, ann, bob, cleo)


def test_a_place_is_compared_in_the_order_in_which_logs_were_met() -> None:
    _world, ann, _bob, _cleo = room_of_three()
    stream = ann.engine.require_member().stream
    here = stream.cursor
    other, unknown = bytes(8), b"unknown!"
    assert stream.is_before(Position(here.generation, 1), Position(here.generation, 2))
    assert not stream.is_before(Position(here.generation, 2), Position(here.generation, 2))
    stream.restart(Position(other, 0))
    assert stream.is_before(here, Position(other, 0))
    assert not stream.is_before(Position(other, 0), here)
    assert not stream.is_before(here, Position(unknown, 0))  # this client never met it
    assert stream.is_before(Position(unknown, 9), here)
