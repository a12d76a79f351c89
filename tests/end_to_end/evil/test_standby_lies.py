"""False answers to a standby, lost answers, copies of its link, and facilitators that come back."""

from typing import Any

import pytest
from alcove import events
from alcove.engine import standby_answers
from alcove.group.facilitator_seals import seal_answer
from alcove.group.membership import Membership
from alcove.group.standby_entry import group_info_of
from alcove_protocol import frames

from tests.end_to_end.evil.test_acts_beside import listed
from tests.end_to_end.facilitating import all_agree, do, facilitators, goes_on, hold
from tests.end_to_end.standing_by import comes, dies, make_link, orphaned
from tests.end_to_end.world import Client, World, kind_of, room_of_three


def old_answers(patch: pytest.MonkeyPatch, *liars: Client) -> None:
    """From now on these members answer with the group as it is now, whatever comes."""
    kept = {one.engine.identity.relay.public: _as_of_now(one) for one in liars}

    def answer(membership: Membership) -> tuple[bytes, bytes]:
        found = kept.get(membership.own.relay_key)
        return group_info_of(membership) if found is None else found

    patch.setattr(standby_answers, "group_info_of", answer)


def _as_of_now(client: Client) -> tuple[bytes, bytes]:
    return group_info_of(client.engine.require_member().membership)


def problems(client: Client) -> list[str]:
    return [one.code for one in client.of(events.Problem)]


def test_the_answer_of_the_latest_epoch_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    world, ann, bob, cleo = room_of_three()
    link = make_link(world, ann)
    old_answers(monkeypatch, bob)
    do(world, ann, "listen_only", True)
    do(world, ann, "listen_only", False)
    world.advance(31)
    dies(world, ann)
    dora = comes(world, link)
    assert dora.of(events.Joined)
    assert "false_answer" not in problems(dora)
    all_agree(bob, cleo, dora)


def test_a_false_answer_does_not_spend_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bob alone answers, and with an old group. His lie is noticed, nobody is misled, and the link
    lets its holder in as soon as another member answers."""
    world, ann, bob, cleo = room_of_three()
    link = make_link(world, ann)
    old_answers(monkeypatch, bob)
    do(world, ann, "listen_only", True)
    do(world, ann, "listen_only", False)
    world.advance(31)
    dies(world, ann)
    cleo.cut()
    dora = world.knock(link, "Dora")
    world.advance(200, stay_away=(cleo,))
    assert "false_answer" in problems(dora)
    assert facilitators(bob) == {"Ann"}
    assert bob.engine.require_member().membership.roster.facilitators() == {
        ann.engine.identity.relay.public
    }
    assert bob.members() == {"Ann", "Bob", "Cleo"}
    world.advance(200)
    assert facilitators(cleo) == {"Ann", "Dora"}
    all_agree(bob, cleo, dora)
    goes_on(world, dora, bob, cleo)


def test_garbage_in_the_place_of_an_answer_is_ignored() -> None:
    world, link, bob, cleo = orphaned()

    def garbage(*args: Any) -> bytes:
        sealed = seal_answer(*args)
        return sealed[:-1] + bytes([sealed[-1] ^ 1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standby_answers, "seal_answer", garbage)
        dora = comes(world, link, wait=100)
        assert not dora.of(events.Joined)
        assert dora.engine.closed is None
    world.advance(60)
    assert dora.of(events.Joined)
    all_agree(bob, cleo, dora)


def test_the_answer_to_the_external_commit_is_lost() -> None:
    world, link, bob, cleo = orphaned()
    dora = world.client("Dora")

    def lost(client: Client, data: bytes) -> list[bytes]:
        if kind_of(data) == "published":
            client.to_client = lambda client, data: [data]
            client.engine.link.hang_up = True
            return []
        return [data]

    dora.to_client = lost
    world.knock_with(dora, link)
    world.advance(160)
    assert len(dora.of(events.Joined)) == 1
    all_agree(bob, cleo, dora)
    goes_on(world, dora, bob, cleo)


def test_the_answer_to_the_listing_is_lost() -> None:
    world, link, bob, cleo = orphaned()
    dora = world.client("Dora")
    seen: list[bytes] = []

    def lost(client: Client, data: bytes) -> list[bytes]:
        if kind_of(data) != "published":
            return [data]
        seen.append(data)
        if len(seen) != 2:
            return [data]
        client.engine.link.hang_up = True
        return []

    dora.to_client = lost
    world.knock_with(dora, link)
    world.advance(160)
    assert len(seen) >= 2
    assert facilitators(bob) == {"Ann", "Dora"}
    all_agree(bob, cleo, dora)
    goes_on(world, dora, bob, cleo)


def _in_and_unlisted() -> tuple[World, Client, Client, Client, Client, list[bytes], str]:
    """Dora's leaf is in the group, and its listing is held back; Ann is only away."""
    world, ann, bob, cleo = room_of_three()
    link = make_link(world, ann)
    world.advance(31)
    ann.cut()
    dora = world.client("Dora")
    world.knock_with(dora, link)
    held: list[bytes] = []

    def hold_back(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if isinstance(frame, frames.Publish) and frame.blob_class == frames.BlobClass.COMMIT:
            held.append(data)
            return []
        return [data]

    dora.to_relay = hold_back
    world.advance(120, stay_away=(ann,))
    assert held
    assert bob.members() == {"Ann", "Bob", "Cleo", "Dora"}
    assert facilitators(bob) == {"Ann"}
    return world, ann, bob, cleo, dora, held, link


def test_a_facilitator_comes_back_and_removes_who_enters() -> None:
    world, ann, bob, cleo, dora, _, _ = _in_and_unlisted()
    world.advance(5)
    assert ann.members() == {"Ann", "Bob", "Cleo", "Dora"}
    do(world, ann, "remove", "Dora")
    assert dora.engine.closed is not None
    assert dora.engine.closed.reason is events.CloseReason.REMOVED
    assert ("remove", "Dora") in listed(bob)
    all_agree(ann, bob, cleo)
    world.advance(31)
    goes_on(world, ann, bob, cleo)


def test_a_facilitator_comes_back_and_closes_the_link() -> None:
    """Both keys leave the list, and the leaf leaves the group, in that one commit."""
    world, ann, bob, cleo, dora, _, _ = _in_and_unlisted()
    world.advance(5)
    do(world, ann, "standby", False)
    assert dora.engine.closed is not None
    assert ann.members() == {"Ann", "Bob", "Cleo"}
    assert not ann.engine.require_member().membership.roster.standbys()
    assert ("standby_off", "") in listed(bob)
    all_agree(ann, bob, cleo)
    world.advance(31)
    goes_on(world, ann, bob, cleo)


def test_a_facilitator_comes_back_and_goes_on_beside_who_enters() -> None:
    world, ann, bob, cleo, dora, _, _ = _in_and_unlisted()
    world.advance(5)
    dora.to_relay = lambda client, data: [data]
    dora.cut()
    world.advance(60)
    assert facilitators(bob) == {"Ann", "Dora"}
    all_agree(ann, bob, cleo, dora)
    goes_on(world, ann, bob, cleo, dora)


def test_a_restated_list_has_who_enters() -> None:
    """As after a burned commit. The key on the list is that of a leaf."""
    world, ann, bob, cleo, dora, _, _ = _in_and_unlisted()
    world.advance(5)
    ann.engine.require_member().membership.restate = True
    do(world, ann, "listen_only", True)
    for client in (ann, bob, cleo):
        membership = client.engine.require_member().membership
        assert membership.roster.entrants() == {dora.engine.identity.relay.public}
        assert membership.alarm is None
    all_agree(ann, bob, cleo)


@pytest.mark.parametrize("act", ["pause", "appoint"])
def test_who_enters_is_neither_paused_nor_appointed(act: str) -> None:
    world, ann, bob, cleo, _, _, _ = _in_and_unlisted()
    world.advance(5)
    result: list[Exception | None] = []
    getattr(ann.engine.commands, act)("Dora", result.append)
    world.settle()
    assert [getattr(error, "code", None) for error in result] == ["entering"]
    all_agree(ann, bob, cleo)


def test_a_copy_of_the_link_takes_the_place_of_who_is_not_listed_yet() -> None:
    """Of two that have the link, one is in. The other is told that they are not."""
    world, ann, bob, cleo, dora, _, link = _in_and_unlisted()
    dies(world, ann)
    eve = world.knock(link, "Eve")
    world.advance(180)
    assert eve.of(events.Joined)
    assert dora.engine.closed is not None
    assert "Somebody else came in by the same standby's link" in dora.engine.closed.text
    assert facilitators(bob) == {"Ann", "Eve"}
    assert bob.members() == {"Ann", "Bob", "Cleo", "Eve"}
    all_agree(bob, cleo, eve)
    goes_on(world, eve, bob, cleo)


def test_members_that_hear_a_facilitator_answer_no_ask() -> None:
    """The relay tells them one all the same."""
    world, ann, bob, _ = room_of_three()
    link = make_link(world, ann)
    world.advance(31)
    dies(world, ann)
    dora = world.client("Dora")
    asks = hold(dora, frames.AskMembers)
    world.knock_with(dora, link)
    world.advance(100)
    assert asks
    frame = frames.from_client(asks[0])
    assert isinstance(frame, frames.AskMembers)
    answers = hold(bob, frames.AnswerAsker)
    watch = bob.engine.require_member().presence
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(watch), "in_doubt", property(lambda self: False))
        key = dora.engine.newcomer
        assert key is not None
        told = frames.Asked(
            frame.id, key.proof().relay_key.public, frame.statement, frame.signature
        )
        bob.engine.on_notice(told)
        world.advance(10)
    assert not answers
    bob.engine.on_notice(told)
    world.advance(10)
    assert answers
