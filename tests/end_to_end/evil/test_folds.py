"""Holds and folds without the right to them, at the relay alone and at the clients alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.group.extensions import RoomExtension
from alcove.messages.payload import Fold, Void
from alcove_protocol.frames import BlobClass, BlobIs, Bye, Publish, RelayAnswer, RequestRefused

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    change,
    context,
    demote,
    group_of,
    keys_of,
    leaf_of,
    rogue_commit,
    rogue_message,
    rogue_text,
    room_of,
    state_of,
)
from tests.end_to_end.evil.rooms import forget, goes_on, problems, three, two_facilitators
from tests.end_to_end.evil.test_commits import burned_by_all
from tests.end_to_end.world import Client

HELD = {"hold": bytes(16), "listen_only": True, "locked": True}
STATES: dict[str, Callable[[RoomExtension, bytes], RoomExtension]] = {
    "hold": lambda state, key: replace(state, hold=bytes(16), listen_only=True, locked=True),
    "resume": lambda state, key: replace(state, hold=None, listen_only=False),
    "fold": lambda state, key: replace(state, folded=key),
    "unfold": lambda state, key: replace(state, folded=b""),
}
BEFORE = {"resume": "hold", "unfold": "fold"}


def prepared(world: EvilWorld, what: str, ann: Client, about: Client) -> None:
    """The room as it is before the act."""
    if what in BEFORE:
        made = STATES[BEFORE[what]]
        change(world, ann, lambda m: (context(made(m.state, keys_of(about).mls_key)),))


def act_by(what: str, by: Client, about: Client) -> bytes:
    return rogue_commit(by, context(STATES[what](state_of(by), keys_of(about).mls_key)))


def answer_of(world: EvilWorld, client: Client, blob: bytes, blob_class: BlobClass) -> str | None:
    """The code with which the relay refuses what a changed client sends; None when it takes it."""
    base = client.engine.require_member().membership.base.encode()
    answers: list[RelayAnswer | None] = []
    client.engine.link.request(
        lambda n: Publish(n, world.random(16), base, blob_class, 600, blob), answers.append
    )
    world.settle()
    (answer,) = answers
    return answer.code if isinstance(answer, RequestRefused) else None


@pytest.mark.parametrize("what", STATES)
def test_the_relay_takes_no_such_act_of_a_participant(what: str) -> None:
    """Their client has no check, and the members see nothing."""
    world, ann, bob, cleo = three()
    prepared(world, what, ann, cleo)
    before = state_of(ann)
    assert answer_of(world, bob, act_by(what, bob, cleo), BlobClass.COMMIT) == "not_allowed"
    assert state_of(ann) == state_of(cleo) == before


@pytest.mark.parametrize("what", STATES)
def test_members_burn_such_an_act_of_a_participant(what: str) -> None:
    """The relay has no check."""
    world, ann, bob, cleo = three()
    prepared(world, what, ann, cleo)
    burned_by_all(world, bob, act_by(what, bob, cleo), ann, cleo)


@pytest.mark.parametrize("what", STATES)
def test_members_burn_such_an_act_of_a_former_facilitator(what: str) -> None:
    """The right is that of the epoch in which the commit is made, and not of an earlier one."""
    world, ann, bob, cleo = two_facilitators()
    prepared(world, what, ann, cleo)
    of_before = act_by(what, bob, cleo)
    demote(world, ann, bob)
    assert answer_of(world, bob, of_before, BlobClass.COMMIT) == "not_allowed"
    burned_by_all(world, bob, act_by(what, bob, cleo), ann, cleo)
    for client in (ann, cleo):
        client.told.clear()
    world.take(room_of(ann), of_before, BlobClass.COMMIT)
    assert [event.code for event in cleo.of(events.Problem)] == ["commit_unreadable"]


def test_the_relay_takes_nothing_of_a_participant_while_the_room_is_held() -> None:
    world, ann, bob, cleo = three()
    ann.engine.commands.hold(lambda error: None)
    world.settle()
    blob = rogue_text(bob, "hear me")
    assert answer_of(world, bob, blob, BlobClass.APPLICATION) == "not_allowed"
    assert ann.texts() == cleo.texts() == []


def test_clients_show_nothing_of_a_participant_while_the_room_is_held() -> None:
    world, ann, bob, cleo = three()
    world.take(room_of(ann), rogue_text(bob, "before", counter=1), BlobClass.APPLICATION)
    assert ann.texts() == cleo.texts() == ["before"]  # the control
    change(world, ann, lambda m: (context(replace(m.state, **HELD)),))  # type: ignore[arg-type]
    world.take(room_of(ann), rogue_text(bob, "hear me", counter=2), BlobClass.APPLICATION)
    assert world.last_blob(ann, BlobClass.APPLICATION).blob
    assert ann.texts() == cleo.texts() == ["before"]


def test_nobody_folds_what_a_participant_says_is_folded() -> None:
    """The relay cannot tell a fold from a text. Every member can."""
    world, ann, bob, cleo = three()
    id = ann.say("numbers that help")
    world.settle()
    fold = rogue_message(bob, Fold(bytes.fromhex(id)), kind="fold", counter=1)
    assert answer_of(world, bob, fold, BlobClass.APPLICATION) is None
    assert world.last_blob(ann, BlobClass.APPLICATION).blob == fold  # it did arrive
    assert not ann.of(events.Folded) + cleo.of(events.Folded)


def test_a_fold_names_its_author_by_their_signature() -> None:
    world, ann, bob, cleo = two_facilitators()
    id = cleo.say("hello")
    world.settle()
    world.take(
        room_of(ann),
        rogue_message(bob, Fold(bytes.fromhex(id)), kind="fold", counter=1),
        BlobClass.APPLICATION,
    )
    assert ann.of(events.Folded) == [events.Folded((id,), by="Bob")]
    assert cleo.of(events.Folded) == [events.Folded((id,), by="Bob", yours=(id,))]


def test_a_fold_that_comes_before_its_message_holds() -> None:
    """The relay turns the two round. The text is shown folded, and its author's name stays."""
    world, ann, bob, cleo = two_facilitators()
    id = bytes(range(16))
    fold = rogue_message(ann, Fold(id), kind="fold", counter=1)
    world.take(room_of(ann), fold, BlobClass.APPLICATION)
    world.take(room_of(ann), rogue_text(cleo, "hello", counter=1, id=id), BlobClass.APPLICATION)
    assert [(event.sender, event.folded) for event in bob.of(events.Message)] == [("Cleo", True)]
    assert not bob.of(events.Folded)


# --- removals with a fold ----------------------------------------------------------------------


def removal_by(by: Client, about: Client) -> bytes:
    after = replace(state_of(by), folded=keys_of(about).mls_key)
    return rogue_commit(by, mls.Remove(leaf_of(about)), context(after))


def test_the_relay_takes_no_removal_of_a_participant() -> None:
    world, ann, bob, cleo = three()
    blob = removal_by(bob, cleo)
    assert answer_of(world, bob, blob, BlobClass.COMMIT) == "not_allowed"
    assert cleo.engine.closed is None
    assert ann.members() == {"Ann", "Bob", "Cleo"}


def test_members_burn_a_removal_of_a_participant() -> None:
    world, ann, bob, cleo = three()
    burned_by_all(world, bob, removal_by(bob, cleo), ann, cleo)


def test_a_former_facilitator_removes_nobody() -> None:
    world, ann, bob, cleo = two_facilitators()
    of_before = removal_by(bob, cleo)
    demote(world, ann, bob)
    assert answer_of(world, bob, of_before, BlobClass.COMMIT) == "not_allowed"
    burned_by_all(world, bob, removal_by(bob, cleo), ann, cleo)


@pytest.mark.parametrize("link", ["closed", "kept"])
def test_a_removed_member_comes_back_by_no_old_key(link: str) -> None:
    """Their relay key, their place in the old epoch, and the link by which they came."""
    world, ann, bob, cleo = three()
    url, group = ann.invite(), group_of(bob)
    world.drop(bob, Bye)
    world.drop(bob, BlobIs)
    question = "Who sent you?" if link == "kept" else None
    ann.engine.commands.remove("Bob", lambda error: None, fold=True, question=question)
    world.settle()
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    # The old connection and the old epoch, at the relay and at the clients.
    blob = group.encrypt(b"still here")
    assert bob.engine.link.live is False
    forget(ann, cleo)
    world.take(room_of(ann), blob, BlobClass.APPLICATION)
    assert ann.texts() == cleo.texts() == []
    assert problems(ann) == problems(cleo) == ["unreadable"]
    # The same link, with new keys: a knock, or nothing.
    again = world.knock(url, "Poppy")
    if link == "closed":
        assert [closed.code for closed in again.of(events.Closed)] == ["door_revoked"]
    else:
        assert [event.question for event in again.of(events.AgreementShown)] == [question]
        assert not ann.of(events.Knocked)  # it waits for an answer
    assert ann.members() == {"Ann", "Cleo"}
    goes_on(world, ann, cleo)


@pytest.mark.parametrize("folded", [True, False])
def test_what_no_client_knows_is_told_of_nobody_who_is_folded(*, folded: bool) -> None:
    """Each would be a line of the program with their name, which no reader can fold."""
    world, ann, bob, cleo = three()
    if folded:
        key = keys_of(bob).mls_key
        change(world, ann, lambda m: (context(STATES["fold"](m.state, key)),))
    blob = rogue_message(bob, Void(), kind="wave", counter=1)
    assert answer_of(world, bob, blob, BlobClass.APPLICATION) is None
    for client in (ann, cleo):
        assert len(client.of(events.Unknown)) == (0 if folded else 1)
