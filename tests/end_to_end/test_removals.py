"""Members are put out: several at once, with a fold, and their link closed or kept."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from alcove import events
from alcove.errors import AlcoveError
from alcove_protocol import frames
from alcove_protocol.frames import Publish

from tests.end_to_end.facilitating import (
    Result,
    all_agree,
    both,
    codes,
    do,
    goes_on,
    hold,
    let,
    new_link,
    newcomer,
    part,
    state,
)
from tests.end_to_end.test_hold_and_fold import folded
from tests.end_to_end.world import Client, World, closed, room_of_three

QUESTION = "Who told you of us?"


def remove(client: Client, *names: str, fold: bool = False, question: str | None = None) -> Result:
    result: Result = []
    client.engine.commands.remove(names, result.append, fold=fold, question=question)
    return result


def with_dora_and_emil() -> tuple[World, Client, Client, Client, Client, Client]:
    """Dora and Emil came by one link, and the others by another."""
    world, ann, bob, cleo = room_of_three()
    link = new_link(world, ann)
    dora = newcomer(world, link, "Dora", ann)
    return world, ann, bob, cleo, dora, newcomer(world, link, "Emil", ann)


def test_the_room_reads_that_a_member_is_gone_and_not_by_whom() -> None:
    world, ann, bob, cleo = room_of_three()
    assert [event.by for event in ann.of(events.Joined)] == ["", "Ann", "Ann"]  # its own, Bob, Cleo
    assert [event.by for event in bob.of(events.Joined)] == ["", ""]
    do(world, ann, "remove", "Cleo")
    assert [event.by for event in ann.of(events.Removed)] == ["Ann"]
    assert [event.by for event in bob.of(events.Removed)] == [""]
    assert cleo.engine.closed is not None


def test_several_go_in_one_commit_and_all_that_they_wrote_is_folded() -> None:
    world, ann, bob, cleo, dora, emil = with_dora_and_emil()
    kept = bob.say("hello")
    ids = {dora.say("abuse"), emil.say("more"), dora.say("and more")}
    world.settle()
    epoch = ann.engine.require_member().membership.group.epoch
    result = remove(ann, "Dora", "Emil", fold=True)
    world.settle()  # time stands still
    assert result == [None]
    assert ann.engine.require_member().membership.group.epoch == epoch + 1
    for client in (ann, bob, cleo):
        assert {event.name for event in client.of(events.Removed)} == {"Dora", "Emil"}
        assert set(folded(client)) == ids, client.name
        assert {event.name for event in client.of(events.Folded)} == {"Dora", "Emil"}
        assert kept not in folded(client)
    for client in (dora, emil):
        assert closed(client).code == "removed"
    acts = [(act.act, act.name) for act in cleo.engine.require_member().act_log.acts()]
    assert {("remove", "Dora"), ("fold", "Dora"), ("remove", "Emil")} <= set(acts)
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("how", ["away", "held"])
def test_a_member_who_slept_through_a_removal_folds_too(how: str) -> None:
    world, ann, bob, cleo = room_of_three()
    id = bob.say("abuse")
    world.settle()
    honest = cleo.to_client
    if how == "away":
        cleo.cut()
    else:
        cleo.to_client = lambda client, data: []
    result = remove(ann, "Bob", fold=True)
    world.advance(3, stay_away=(cleo,) if how == "away" else ())
    if how == "held":
        cleo.to_client = honest
        cleo.engine.require_member()._hold()
    world.advance(90)
    assert result == [None]
    assert folded(cleo) == [id]
    all_agree(ann, cleo)


def test_what_comes_of_a_removed_member_in_a_later_log_is_folded() -> None:
    """Cleo was away, and the relay brings what Bob had said in the epoch before."""
    world, ann, bob, cleo = room_of_three()
    cleo.cut()
    bob.say("abuse")
    world.settle()
    result = remove(ann, "Bob", fold=True)
    world.advance(3, stay_away=(cleo,))
    world.advance(5)
    assert result == [None]
    assert [event.text for event in cleo.of(events.Message)] == ["abuse"]
    assert len(folded(cleo)) == 1
    goes_on(world, ann, cleo)


def test_who_is_second_at_a_removal_still_folds_what_they_wrote() -> None:
    """They were asked whether to fold it, and the other facilitator's removal folds nothing."""
    world, ann, bob, cleo, dora, emil = with_dora_and_emil()
    do(world, ann, "appoint", "Bob")
    ids = [dora.say("abuse"), dora.say("more"), emil.say("hello")]
    world.settle()
    bob.to_client = lambda client, data: []  # what the relay says comes a moment later
    assert remove(ann, "Dora") == []
    world.settle()
    second = remove(bob, "Dora", "Emil", fold=True)
    let(bob)
    bob.cut()
    world.advance(5)
    assert second == [None]
    for client in (ann, bob, cleo):
        assert sorted(folded(client)) == sorted(ids), client.name
    goes_on(world, ann, bob, cleo)


def test_without_a_fold_what_they_wrote_stays() -> None:
    world, ann, bob, cleo = room_of_three()
    bob.say("hello")
    world.settle()
    assert remove(ann, "Bob") == []
    world.settle()
    assert not cleo.of(events.Folded)


def test_a_link_closes_and_another_one_takes_its_place() -> None:
    world, ann, _bob, _cleo, _dora, _emil = with_dora_and_emil()
    doors = part(ann)._membership.state.door_ids()
    made = len(ann.of(events.InviteChanged))
    assert remove(ann, "Dora", "Emil") == []
    world.settle()
    now = part(ann)._membership.state.door_ids()
    assert doors[0] in now
    assert doors[1] not in now
    assert len(ann.of(events.InviteChanged)) == made + 1  # one for the link that both came by


def test_a_link_is_kept_and_asks_from_then_on() -> None:
    world, ann, bob, cleo, dora, emil = with_dora_and_emil()
    link = next(
        door.invite.url()
        for door in part(ann).doors.of_state(part(ann)._membership.state.door_ids()[1:])
    )
    before = part(ann)._membership.state.door_ids()
    assert remove(ann, "Dora", fold=True, question=QUESTION) == []
    world.settle()
    assert part(ann)._membership.state.door_ids() == before
    assert closed(dora).code == "removed"
    finn = world.knock(link, "Finn", accept=False)
    shown = finn.of(events.AgreementShown)
    assert [event.question for event in shown] == [QUESTION]
    finn.engine.commands.accept(answer="A friend")
    world.settle()
    knock = ann.of(events.Knocked)[-1]
    assert (knock.name, knock.question) == ("Finn", "A friend")
    ann.admit(knock)
    world.advance(1)
    goes_on(world, ann, bob, cleo, emil, finn)


def test_the_question_is_at_the_door_before_the_removal_is_done() -> None:
    """A removed person that knocks again at once meets it."""
    world, ann, _bob, _cleo, _dora, _emil = with_dora_and_emil()
    sent: list[str] = []
    honest = ann.to_relay

    def note(client: Client, data: bytes) -> list[bytes]:
        sent.append(type(frames.from_client(data)).__name__)
        return honest(client, data)

    ann.to_relay = note
    assert remove(ann, "Dora", question=QUESTION) == []
    world.settle()
    assert sent.index("PutDoor") < sent.index("Publish")


def test_a_personal_link_closes_though_a_question_was_given() -> None:
    """It has been used, so nobody else can come by it."""
    world = World()
    ann = world.open("Ann", uses=1)
    bob = world.join(ann, "Bob")
    (door,) = part(ann)._membership.state.door_ids()
    assert remove(ann, "Bob", question=QUESTION) == []
    world.settle()
    assert closed(bob).code == "removed"
    assert door not in part(ann)._membership.state.door_ids()


def test_the_removed_person_reads_where_there_is_help() -> None:
    world = World()
    client = world.client("Ann")
    ann = world.open_with(client, helplines="Lines: 116 123,\nby day.", contact="a@b.example")
    bob = world.join(ann, "Bob")
    assert remove(ann, "Bob") == []
    world.settle()
    assert closed(bob).text == (
        "You are no longer in this room. A facilitator decided this, for this meeting. If you need "
        "help now: Lines: 116 123, by day. If you think it was wrong, you can write to "
        "a@b.example."
    )


def test_one_who_was_away_reads_the_same() -> None:
    world = World()
    client = world.client("Ann")
    ann = world.open_with(client, helplines="116 123", contact="a@b.example")
    bob = world.join(ann, "Bob")
    bob.cut()
    assert remove(ann, "Bob") == []
    world.advance(3, stay_away=(bob,))
    world.advance(3)
    assert closed(bob).reason is events.CloseReason.REMOVED
    assert "116 123" in closed(bob).text


def test_one_who_left_meanwhile_keeps_no_other_in() -> None:
    world, ann, bob, cleo, dora, emil = with_dora_and_emil()
    sent = hold(ann, Publish)
    result = remove(ann, "Dora", "Emil", fold=True)
    world.settle()
    assert sent
    dora.engine.commands.leave(lambda: None)
    world.settle()
    let(ann)
    ann.cut()
    world.advance(5)
    assert codes(result) == [None]
    assert closed(emil).code == "removed"
    assert ann.members() == bob.members() == {"Ann", "Bob", "Cleo"}
    goes_on(world, ann, bob, cleo)


def test_the_link_of_one_who_left_meanwhile_stays() -> None:
    """Nobody goes by it, so nobody else shall have to ask for a new one."""
    world, ann, bob, cleo = room_of_three()
    link = new_link(world, ann)
    dora = newcomer(world, link, "Dora", ann)
    do(world, ann, "appoint", "Bob")  # whose client lets Dora go
    world.advance(31)
    before = part(ann)._membership.state.door_ids()
    sent = hold(ann, Publish)
    result = remove(ann, "Cleo", "Dora")
    world.settle()
    assert sent
    dora.engine.commands.leave(lambda: None)
    world.advance(10)
    assert "Dora" not in bob.members()
    let(ann)
    ann.cut()
    world.advance(5)
    assert codes(result) == [None]
    assert closed(cleo).code == "removed"
    after = part(ann)._membership.state.door_ids()
    assert before[1] in after
    assert before[0] not in after
    assert len(after) == len(before)
    assert [door.revoked for door in part(ann).doors.of_state(before[1:])] == [False]
    emil = newcomer(world, link, "Emil", ann)
    goes_on(world, ann, bob, emil)


@pytest.mark.parametrize("others", [["Cleo"], []])
def test_one_who_was_appointed_meanwhile_keeps_no_other_in(others: list[str]) -> None:
    world, ann, bob, _cleo = room_of_three()
    dora = world.join(ann, "Dora")
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    sent = hold(ann, Publish)
    result = remove(ann, *others, "Dora")
    world.settle()
    assert sent
    do(world, bob, "appoint", "Dora")
    let(ann)
    ann.cut()
    world.advance(10)
    assert codes(result) == ([None] if others else ["is_facilitator"])
    assert ("Cleo" not in dora.members()) == bool(others)
    assert {"Ann", "Bob", "Dora"} <= dora.members()
    told = [event.text for event in ann.of(events.Problem) if event.code == "is_facilitator"]
    assert told == (["Dora was appointed meanwhile, so they are still here."] if others else [])
    goes_on(world, ann, bob, dora)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("remove", ["Cleo", "Dora"]), ("remove", ["Dora"])),
        (("remove", ["Cleo"]), ("hold", [])),
        (("remove", ["Cleo"]), ("resume", [])),
        (("remove", ["Cleo"]), ("fold_member", ["Cleo", True])),
        (("remove", ["Cleo"]), ("fold_member", ["Dora", True])),
        (("remove", ["Cleo"]), ("pause", ["Cleo"])),
        (("remove", ["Cleo"]), ("lock", [True])),
    ],
)
def test_two_facilitators_at_a_time(
    one: tuple[str, Sequence[str | bool]],
    other: tuple[str, Sequence[str | bool]],
    first: int,
    at_once: bool,
) -> None:
    """In both orders and at once: one state everywhere, one answer each, and the room goes on."""
    world, ann, bob, cleo = room_of_three()
    dora = world.join(ann, "Dora")
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    cleo.say("abuse")
    world.settle()

    def act(client: Client, what: str, args: Sequence[str | bool]) -> Result:
        if what == "remove":
            return remove(client, *map(str, args), fold=True)
        result: Result = []
        getattr(client.engine.commands, what)(*args, result.append)
        return result

    acts = [partial(act, ann, *one), partial(act, bob, *other)]
    results = both(world, acts if first == 0 else acts[::-1], at_once=at_once)
    world.advance(60)
    assert [len(result) for result in results] == [1, 1]
    assert {code for result in results for code in codes(result)} <= {None, "unknown_name"}
    here = [client for client in (ann, bob, dora) if client.engine.closed is None]
    assert len({state(client) for client in here}) == 1
    assert cleo.engine.closed is not None
    assert len(folded(bob)) == 1
    do(world, ann, "resume")
    do(world, ann, "lock", False)
    goes_on(world, *here)


def test_a_name_that_is_not_here_keeps_no_other_in() -> None:
    world, ann, bob, cleo = room_of_three()
    assert remove(ann, "Nobody", "Bob") == []
    world.settle()
    assert closed(bob).code == "removed"
    (told,) = ann.of(events.Problem)
    assert told.code == "unknown_name"
    assert told.text.startswith("Nobody here has the name Nobody;")
    goes_on(world, ann, cleo)


def test_removals_that_cannot_be_made_say_why() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    refusals: list[tuple[Callable[[], object], str]] = [
        (lambda: remove(ann), "bad_count"),
        (lambda: remove(ann, *(f"P{number}" for number in range(17))), "bad_count"),
        (lambda: remove(ann, "Nobody", "Nobody else"), "unknown_name"),
        (lambda: remove(ann, "Cleo", "Ann"), "not_oneself"),
        (lambda: remove(ann, "Cleo", "Bob"), "is_facilitator"),
        (lambda: remove(ann, "Cleo", question="  "), "bad_question"),
        (lambda: remove(ann, "Cleo", question="x" * 501), "bad_question"),
        (lambda: remove(ann, "Cleo", question="\ud800"), "bad_question"),
    ]
    for act, code in refusals:
        with pytest.raises(AlcoveError) as refused:
            act()
        assert refused.value.code == code
    assert bob.members() == {"Ann", "Bob", "Cleo"}


def test_a_newcomer_at_the_link_that_a_removal_closes_waits_on_and_can_be_let_in() -> None:
    """As the question before a removal says."""
    world = World()
    ann = world.open("Ann")
    link = ann.invite()
    world.join(ann, "Bob")
    eve, gus = world.knock(link, "Eve"), world.knock(link, "Gus")
    knocks = ann.of(events.Knocked)[-2:]
    assert ann.remove("Bob") == []
    world.settle()
    assert ann.of(events.Removed)
    assert not ann.of(events.KnockGone)[1:]  # Bob's, when he came in
    assert not eve.of(events.Closed)
    gus.cut()
    gus.back()
    for knock in knocks:
        ann.admit(knock)
    world.advance(60)
    assert eve.of(events.Joined)
    assert gus.of(events.Joined)
