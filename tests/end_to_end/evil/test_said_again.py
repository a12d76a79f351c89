"""What one member says reaches all or none: nothing under a used id, counter or key is silent."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alcove import events
from alcove.messages import said
from alcove.messages.payload import Retract, Void
from alcove.mls.secret_tree import Ratchet, RatchetKind
from alcove_protocol.frames import BlobClass, Publish, Published, RelayAnswer

from tests.end_to_end.evil.rogue import group_of, publish, rogue_message, rogue_text
from tests.end_to_end.evil.rogue_updates import four
from tests.end_to_end.evil.rooms import forget, problems
from tests.end_to_end.world import Client

FEW = 4


def missed(client: Client) -> list[tuple[int | None, str | None]]:
    return [(event.missed, event.sender) for event in client.of(events.Gap)]


def void(client: Client, counter: int) -> bytes:
    return rogue_message(client, Void(), kind="void", counter=counter)


@contextmanager
def same_key(client: Client) -> Iterator[None]:
    """What the member encrypts in here leaves its ratchet where it was: the key is used again."""
    group = group_of(client)
    ratchet = group._epoch.secret_tree.ratchet(group.own_index, RatchetKind.APPLICATION)
    assert isinstance(ratchet, Ratchet)
    secret, generation = ratchet._secret.expose(), ratchet.generation
    yield
    ratchet._advance(secret, generation)


def test_words_under_a_used_counter_are_told_to_those_who_do_not_see_them() -> None:
    """A newcomer takes any first counter, so it is the newcomer alone who is shown them."""
    world, ann, mal, bob, _ = four()
    for counter in (1, 2, 3):
        publish(world, mal, rogue_text(mal, f"to all {counter}", counter=counter))
    dora = world.join(ann, "Dora")
    forget(ann, bob, dora)
    publish(world, mal, rogue_text(mal, "to you alone", counter=2))
    assert dora.texts() == ["to you alone"]
    for client in (ann, bob):
        assert client.texts() == []
        assert missed(client) == [(1, "Mal")]


@pytest.mark.parametrize("whose", ["Mal", "Bob"])
def test_words_under_a_used_id_are_told_to_those_who_do_not_see_them(whose: str) -> None:
    world, ann, mal, bob, cleo = four()
    if whose == "Bob":
        used = bytes.fromhex(bob.say("to all"))
        world.settle()
        counter = 1
    else:
        used = world.random(16)
        publish(world, mal, rogue_text(mal, "to all", counter=1, id=used))
        counter = 2
    dora = world.join(ann, "Dora")
    forget(ann, bob, cleo, dora)
    publish(world, mal, rogue_text(mal, "to you alone", counter=counter, id=used))
    assert dora.texts() == ["to you alone"]
    for client in (ann, bob, cleo):
        assert client.texts() == []
        assert missed(client) == [(1, "Mal")]


def test_the_very_same_again_is_not_told() -> None:
    """As after an answer that was lost, in a later epoch."""
    world, ann, mal, bob, _ = four()
    id = world.random(16)
    publish(world, mal, rogue_text(mal, "once", counter=1, id=id))
    world.join(ann, "Dora")
    forget(ann, bob)
    publish(world, mal, rogue_text(mal, "once", counter=1, id=id))
    publish(world, mal, rogue_message(mal, Void(), kind="void", counter=1, id=id))  # given up
    for client in (ann, bob):
        assert not client.of(events.Message)
        assert not client.of(events.Gap)
        assert not client.of(events.Problem)


def test_two_messages_under_one_key_are_told() -> None:
    """The first lives for ten seconds in which Bob is away, so the second is for Bob alone."""
    world, ann, mal, bob, cleo = four()
    bob.cut()
    with same_key(mal):
        first = void(mal, 1)
    answers: list[RelayAnswer | None] = []
    member = mal.engine.require_member()
    base = member.membership.base.encode()
    mal.engine.link.request(
        lambda n: Publish(n, world.random(16), base, int(BlobClass.APPLICATION), 10, first),
        answers.append,
    )
    world.settle()
    assert isinstance(answers[0], Published)
    world.advance(11, stay_away=(bob,))
    world.advance(1)
    forget(ann, bob, cleo)
    publish(world, mal, rogue_text(mal, "to you alone", counter=2))
    assert bob.texts() == ["to you alone"]
    for client in (ann, cleo):
        assert client.texts() == []
        assert problems(client) == ["unreadable"]


def test_a_flood_makes_no_id_of_another_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the id of another's words a member took them back, once their id was forgotten."""
    monkeypatch.setattr(said, "IDS", FEW)
    world, ann, mal, bob, cleo = four()
    id = bytes.fromhex(bob.say("my words"))
    world.settle()
    counter = 0
    for counter in range(1, 3 * FEW):
        publish(world, mal, void(mal, counter))
    forget(ann, bob, cleo)
    publish(world, mal, rogue_text(mal, "theirs", counter=counter + 1, id=id))
    publish(world, mal, rogue_message(mal, Retract(id), kind="retract", counter=counter + 2))
    for client in (ann, bob, cleo):
        assert not client.of(events.Message)
        assert not client.of(events.Retracted)
