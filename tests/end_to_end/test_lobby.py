"""The lobby in a hard minute: several at once, to listen only, refused with a reason, asked."""

import pytest
from alcove import events
from alcove.errors import AlcoveError, NotNow
from alcove_protocol import frames
from alcove_protocol.frames import Knock, Publish

from tests.end_to_end.evil.rogue import committer_of
from tests.end_to_end.facilitating import all_agree, do, goes_on, hold, let
from tests.end_to_end.test_hard_minute import paused, why_not
from tests.end_to_end.test_invites import CONTACT, make
from tests.end_to_end.world import Client, World, room_of_three


def admit(by: Client, *names: str, to_listen: bool = False) -> list[Exception | None]:
    """Let these newcomers in. The list gets the result once it is known."""
    ids = [knock.id for knock in by.of(events.Knocked) if knock.name in names]
    result: list[Exception | None] = []
    by.engine.commands.admit_all(ids, result.append, to_listen=to_listen)
    return result


def epoch(client: Client) -> int:
    return client.engine.require_member().membership.group.epoch


def test_several_come_in_by_one_commit() -> None:
    world = World()
    ann = world.open("Ann")
    names = ("Bob", "Cleo", "Dora")
    others = [world.knock(ann.invite(), name) for name in names]
    before = epoch(ann)
    result = admit(ann, *names)
    world.settle()
    assert result == [None]
    assert epoch(ann) == before + 1
    world.advance(31)
    goes_on(world, ann, *others)


def test_the_first_error_of_several_is_told_and_the_others_come_in() -> None:
    world = World()
    ann = world.open("Ann")
    link = make(world, ann, 1, uses=1)[0]
    bob, cleo = world.knock(ann.invite(), "Bob"), world.knock(link, "Cleo")
    dora = world.knock(link, "Dora")
    result = admit(ann, "Bob", "Cleo", "Dora")
    world.advance(3)
    assert [getattr(error, "code", None) for error in result] == ["door_used"]
    assert ann.members() == {"Ann", "Bob", "Cleo"} or ann.members() == {"Ann", "Bob", "Dora"}
    assert len([one for one in (bob, cleo, dora) if one.of(events.Joined)]) == 2


def test_who_is_let_in_to_listen_is_paused_by_the_commit_that_adds_them() -> None:
    world, ann, bob, cleo = room_of_three()
    dora, eve = world.knock(ann.invite(), "Dora"), world.knock(ann.invite(), "Eve")
    before = epoch(ann)
    assert admit(ann, "Dora", "Eve", to_listen=True) == []
    world.settle()
    assert epoch(ann) == before + 1
    assert dora.of(events.Joined)
    for client in (ann, bob, cleo, dora, eve):
        assert paused(client) == ["Dora", "Eve"]
    assert why_not(dora) == why_not(eve) == "paused"
    assert [event.you for event in dora.of(events.Paused)][:1] == [True]
    assert not bob.of(events.Paused)  # not announced to participants
    for client in (ann, dora):
        assert all(event.to_listen for event in client.of(events.Paused))
    ann.engine.commands.acts()
    ann.collect()
    acts = {(one.act, one.name, one.aside) for one in ann.of(events.PastActs)[-1].acts}
    assert {("admit", "Dora", False), ("pause", "Dora", True)} <= acts  # nobody was paused
    do(world, ann, "unpause", "Dora")
    do(world, ann, "pause", "Dora")
    assert not ann.of(events.Paused)[-1].to_listen
    do(world, ann, "unpause", "Dora")
    world.advance(31)
    goes_on(world, ann, bob, cleo, dora)
    all_agree(ann, bob, cleo, dora, eve)


def test_a_newcomer_on_their_way_in_is_not_refused() -> None:
    """The commit that adds them may be taken already. A refusal beside it would be told as done,
    and they would be in the room."""
    world = World()
    ann = world.open("Ann")
    bob, cleo = world.knock(ann.invite(), "Bob"), world.knock(ann.invite(), "Cleo")
    hold(ann, Publish)
    result = admit(ann, "Bob")
    knocks = {knock.name: knock.id for knock in ann.of(events.Knocked)}
    with pytest.raises(AlcoveError) as refused:
        ann.engine.commands.refuse(knocks["Bob"])
    assert refused.value.code == "letting_in"
    ann.engine.commands.refuse(knocks["Cleo"])
    let(ann)
    world.advance(1)
    assert (result, ann.members()) == ([None], {"Ann", "Bob"})
    assert bob.of(events.Joined)
    assert cleo.engine.closed is not None


def test_who_knocks_again_while_their_admission_is_on_its_way_is_not_refused_either() -> None:
    """The relay lost its memory, and with it the knock. The admission goes on."""
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob")
    world.kill_relay()
    admit(ann, "Bob")
    world.start_relay()
    world.advance(10)
    first, again = ann.of(events.Knocked)
    assert first.id != again.id
    with pytest.raises(AlcoveError) as refused:
        ann.engine.commands.refuse(again.id)
    assert refused.value.code == "letting_in"
    world.advance(160)
    assert bob.of(events.Joined)
    assert ann.members() == {"Ann", "Bob"}


def test_who_refuses_one_that_another_facilitator_let_in_is_told() -> None:
    """They read before that the newcomer was refused, and that their client tells them so."""
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    dora = world.knock(ann.invite(), "Dora")
    bob.to_client = lambda client, data: []  # what the relay says comes a moment later
    admit(ann, "Dora")
    world.settle()
    bob.engine.commands.refuse(bob.of(events.Knocked)[-1].id)
    bob.to_client = lambda client, data: [data]
    world.settle()
    world.advance(3)
    assert dora.of(events.Joined)
    told = [(one.code, one.sender) for one in bob.of(events.Problem)]
    assert ("refused_late", "Dora") in told
    eve = world.knock(ann.invite(), "Eve")
    bob.engine.commands.refuse(bob.of(events.Knocked)[-1].id)
    world.advance(3)
    assert eve.engine.closed is not None
    assert [one.code for one in bob.of(events.Problem)].count("refused_late") == 1


def test_who_wanted_one_to_listen_that_another_facilitator_let_in_is_told() -> None:
    """Else they believe that the newcomer can only read."""
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    dora = world.knock(ann.invite(), "Dora")
    bob.to_client = lambda client, data: []  # what the relay says comes a moment later
    admit(ann, "Dora")
    world.settle()
    admit(bob, "Dora", to_listen=True)
    bob.to_client = lambda client, data: [data]
    bob.cut()
    world.advance(5)
    (told,) = bob.of(events.Problem)
    assert (told.code, told.sender) == ("not_to_listen", "Dora")
    assert told.text.startswith("Dora is in, and not only to listen:")
    dora.say("hello")
    world.knock(ann.invite(), "Eve")
    admit(bob, "Eve", to_listen=True)
    world.advance(3)
    assert bob.of(events.Problem) == [told]


def test_one_that_was_not_let_in_to_listen_is_not_said_to_write_where_nobody_may() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    do(world, ann, "listen_only", True)
    dora = world.knock(ann.invite(), "Dora")
    bob.to_client = lambda client, data: []
    admit(ann, "Dora")
    world.settle()
    admit(bob, "Dora", to_listen=True)
    bob.to_client = lambda client, data: [data]
    bob.cut()
    world.advance(5)
    (told,) = bob.of(events.Problem)
    assert told.code == "not_to_listen"
    assert "write" not in told.text
    with pytest.raises(NotNow, match="Only facilitators can write"):
        dora.say("hello")


def test_a_newcomer_whom_the_room_did_not_take_can_be_refused() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob")
    do(world, ann, "lock", True)
    assert [getattr(error, "code", None) for error in admit(ann, "Bob")] == ["locked"]
    ann.engine.commands.refuse(ann.of(events.Knocked)[-1].id)
    world.advance(1)
    assert bob.engine.closed is not None


def test_one_of_several_can_come_in_to_listen() -> None:
    world = World()
    ann = world.open("Ann")
    bob, cleo = world.knock(ann.invite(), "Bob"), world.knock(ann.invite(), "Cleo")
    hold(ann, Publish)
    admit(ann, "Bob")
    admit(ann, "Cleo", to_listen=True)
    let(ann)
    ann.cut()
    ann.back()
    world.advance(3)
    assert paused(ann) == paused(bob) == paused(cleo) == ["Cleo"]


def test_a_lost_race_keeps_the_pause_of_the_newcomer() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(12)
    dora = world.knock(ann.invite(), "Dora")
    held = hold(ann, Publish)
    result = admit(ann, "Dora", to_listen=True)
    world.settle()
    assert held
    do(world, bob, "listen_only", True)
    let(ann)
    ann.cut()
    ann.back()
    world.advance(3)
    assert result == [None]
    assert dora.of(events.Joined)
    assert paused(bob) == ["Dora"]


@pytest.mark.parametrize("who", ["committer", "other"])
def test_both_facilitators_see_who_waits(who: str) -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(12)
    dora = world.knock(ann.invite(), "Dora")
    assert [knock.name for knock in ann.of(events.Knocked)][-1:] == ["Dora"]
    assert bob.of(events.Knocked)[-1] == ann.of(events.Knocked)[-1]
    assert not dora.of(events.Joined)  # seen is not admitted
    by, other = (ann, bob) if who == "committer" else (bob, ann)
    admit(by, "Dora")
    world.advance(1)
    assert dora.of(events.Joined)
    assert other.of(events.KnockGone)[-1].id == ann.of(events.Knocked)[-1].id


@pytest.mark.parametrize("reason", ["refused", "not_tonight", "too_late", "other_group"])
def test_who_is_refused_reads_why_and_whom_to_write_to(reason: str) -> None:
    world = World()
    ann = world.open("Ann", contact=CONTACT)
    bob = world.knock(ann.invite(), "Bob")
    ann.engine.commands.refuse(ann.of(events.Knocked)[0].id, reason)
    world.settle()
    (told,) = bob.of(events.Closed)
    assert told.code == reason
    assert told.text.endswith(f"You can write to {CONTACT}.")
    assert "Ann" not in told.text


@pytest.mark.parametrize("how", ["lost", "busy"])
def test_a_refusal_that_the_relay_did_not_take_goes_again(how: str) -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob")
    kept = hold(ann, frames.RefuseKnock)
    ann.engine.commands.refuse(ann.of(events.Knocked)[0].id, "too_late")
    world.settle()
    let(ann)
    if how == "lost":
        ann.cut()
    else:
        frame = frames.from_client(kept[0])
        assert isinstance(frame, frames.RefuseKnock)
        ann.engine.received(frames.RequestRefused(frame.n, "busy", "").to_bytes())
    world.advance(10)
    assert [closed.code for closed in bob.of(events.Closed)] == ["too_late"]


def test_only_a_known_reason_is_given() -> None:
    world = World()
    ann = world.open("Ann")
    world.knock(ann.invite(), "Bob")
    with pytest.raises(AlcoveError) as refused:
        ann.engine.commands.refuse(ann.of(events.Knocked)[0].id, "removed")
    assert refused.value.code == "unknown_reason"


def test_a_link_that_asks_shows_the_answer_with_the_knock() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(12)
    link = make(world, ann, 1, question="Who sent you?")[0]
    dora = world.knock(link, "Dora")  # a program that accepts unread has not answered
    (shown,) = dora.of(events.AgreementShown)
    assert (shown.question, shown.asked) == ("Who sent you?", True)
    assert not dora.of(events.Waiting)
    for answer, code in (("", "no_answer"), (" ", "no_answer"), ("x" * 501, "bad_answer")):
        with pytest.raises(AlcoveError) as refused:
            dora.engine.commands.accept(answer=answer)
        assert refused.value.code == code
    dora.engine.commands.accept(answer="Kim sent me")
    world.settle()
    for facilitator in (ann, bob):
        assert facilitator.of(events.Knocked)[-1].question == "Kim sent me"
    admit(bob, "Dora")
    world.advance(1)
    assert dora.of(events.Joined)


def test_the_relay_cannot_tell_by_its_size_whether_a_link_asks() -> None:
    world = World()
    ann = world.open("Ann")
    link = make(world, ann, 1, question="Who sent you?")[0]
    sizes: set[int] = set()

    def see(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if isinstance(frame, Knock):
            sizes.add(len(frame.blob))
        return [data]

    for invite, answer in ((ann.invite(), ""), (link, "Kim"), (link, "k" * 500)):
        one = world.client(f"Person{len(answer)}")
        one.to_relay = see
        world.knock_with(one, invite, accept=False)
        one.engine.commands.accept(answer=answer)
        world.settle()
        assert one.of(events.Waiting)
    assert len(sizes) == 1


def test_who_knocks_again_answers_as_before() -> None:
    world = World()
    ann = world.open("Ann")
    link = make(world, ann, 1, question="Who sent you?")[0]
    dora = world.knock(link, "Dora", accept=False)
    dora.engine.commands.accept(answer="Kim")
    world.settle()
    world.kill_relay()
    world.start_relay()
    world.advance(40)
    assert {knock.question for knock in ann.of(events.Knocked)} == {"Kim"}
    assert len(ann.of(events.Knocked)) > 1
    assert not committer_of(ann).committer.removing
