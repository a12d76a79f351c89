"""Members that want to keep a standby out, or to lead it into a group of their own."""

import pytest
from alcove import events
from alcove.engine.standby_answers import StandbyAnswers
from alcove.engine.standby_entering import ALL_WORDS, StandbyEntering
from alcove_protocol import frames

from tests.end_to_end.facilitating import all_agree, facilitators, goes_on
from tests.end_to_end.standing_by import comes, dies, make_link, orphaned
from tests.end_to_end.world import Client, World

ALL = ("Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gil")


def problems(client: Client) -> list[str]:
    return [one.code for one in client.of(events.Problem)]


def orphans(number: int) -> tuple[World, str, list[Client]]:
    """So many members whose facilitator made a link and died."""
    world = World()
    ann = world.open("Ann")
    members = [world.join(ann, name) for name in ALL[1 : number + 1]]
    link = make_link(world, ann)
    world.advance(31)
    dies(world, ann)
    world.advance(30)
    return world, link, members


def branch_off(*liars: Client) -> None:
    """These members share a later epoch of which no other knows. MLS lets every member commit."""
    first, *others = [one.engine.require_member().membership for one in liars]
    for _ in range(3):
        staged = first.group.commit((), force_path=True, now=int(liars[0].world.wall()))
        for other in others:
            view = other.group.receive(staged.message)
            other.group = view.merge()  # type: ignore[union-attr]
        first.group = staged.merge()


def answers_for_all(liar: Client, times: int) -> None:
    """This member answers each ask with garbage, so many times."""

    def answer(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if not isinstance(frame, frames.Asked):
            return [data]
        for _ in range(times):
            client.engine.link.request(
                lambda n: frames.AnswerAsker(n, frame.id, b"x" * 64),
                lambda answer: None,
            )
        return []

    liar.to_client = answer


def test_one_member_that_answers_each_ask_many_times_keeps_no_standby_out() -> None:
    world, link, bob, cleo = orphaned()
    answers_for_all(bob, 20)
    dora = comes(world, link)
    assert dora.of(events.Joined)
    all_agree(bob, cleo, dora)


def test_a_member_that_proves_its_own_lie_does_not_take_the_room() -> None:
    """Bob's client has gone to a later epoch of its own, and follows the standby there. His word
    alone is not believed while others say that they did not follow."""
    world, link, (bob, *others) = orphans(4)
    branch_off(bob)
    dora = comes(world, link, wait=200)
    assert "false_answer" in problems(dora)
    for client in (dora, *others):
        assert client.engine.closed is None
        assert "held" not in problems(client)
        assert facilitators(client) == {"Ann", "Dora"}
    all_agree(dora, *others)
    goes_on(world, dora, *others)


def lie_first(patch: pytest.MonkeyPatch, *liars: Client) -> None:
    """These members answer at once, and all others a second later."""
    keys = {one.engine.identity.relay.public for one in liars}

    def turn(answers: StandbyAnswers, id: bytes) -> int:
        return 0 if answers._membership.own.relay_key in keys else 1

    patch.setattr(StandbyAnswers, "_turn", turn)


def test_two_that_lie_together_take_no_room_from_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """One leads, and the other is its proof. Both are believed last afterwards."""
    world, link, (bob, cleo, *others) = orphans(5)
    branch_off(bob, cleo)
    lie_first(monkeypatch, bob, cleo)
    dora = comes(world, link, wait=150)
    for client in (dora, *others):
        assert "held" not in problems(client)
        assert facilitators(client) == {"Ann", "Dora"}
    all_agree(dora, *others)


def test_three_that_lie_together_beside_three_do_not_spend_the_link() -> None:
    world, link, (bob, cleo, dan, *others) = orphans(6)
    branch_off(bob, cleo, dan)
    comes(world, link, wait=300)
    for client in others:
        assert "held" not in problems(client)
        assert facilitators(client) == {"Ann"}


def test_one_liar_beside_one_honest_member_does_not_spend_the_link() -> None:
    """Nobody can tell whose word is true, so the link waits until another member is there."""
    world, link, (bob, cleo, dan) = orphans(3)
    branch_off(bob)
    dan.cut()
    dora = world.knock(link, "Dora")
    world.advance(300, stay_away=(dan,))
    assert facilitators(cleo) == {"Ann"}
    assert "held" not in problems(cleo)
    world.advance(300)
    assert facilitators(cleo) == facilitators(dan) == {"Ann", "Dora"}
    all_agree(cleo, dan, dora)


def test_who_comes_by_the_link_under_a_members_name_was_let_in_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A changed client takes the name of the facilitator that is gone."""
    world, link, bob, _cleo = orphaned()
    monkeypatch.setattr("alcove.joining.standby_comer.looks_like_any", lambda *names: False)
    comes(world, link, "Ann")
    (told,) = [one for one in bob.of(events.Problem) if one.code == "name_taken"]
    assert "The standby's link let them in." in told.text
    assert "Ann let them in" not in told.text


def test_a_liar_in_a_large_room_waits_for_those_that_have_their_turn_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of many members few are connected, and the turn of each comes late."""
    world, link, (bob, *others) = orphans(3)
    branch_off(bob)
    key = bob.engine.identity.relay.public

    def turn(answers: StandbyAnswers, id: bytes) -> int:
        return 0 if answers._membership.own.relay_key == key else 20

    monkeypatch.setattr(StandbyAnswers, "_turn", turn)
    monkeypatch.setattr(StandbyEntering, "_all_words", ALL_WORDS)
    dora = comes(world, link, wait=300)
    for client in (dora, *others):
        assert "held" not in problems(client)
        assert facilitators(client) == {"Ann", "Dora"}
    all_agree(dora, *others)
