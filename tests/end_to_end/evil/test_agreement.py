"""Row 32: the person alone accepts a changed agreement. Nothing that their client does or that
others commit accepts it for them."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.errors import NotNow
from alcove.group.extensions import leaf_extension
from alcove.messages.payload import Payload, Retract, Text, ToldAgreement
from alcove_protocol.card import agreement_hash, pack_agreement
from alcove_protocol.frames import BlobClass

from tests.end_to_end.agreeing import PUBLISH, changed
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    change,
    context,
    group_of,
    rogue_message,
    room_of,
    state_of,
)
from tests.end_to_end.evil.rogue_updates import leaf_key
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    forget,
    miss_a_commit,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client

EVERYTHING = pack_agreement(PUBLISH)


def other_rules(world: EvilWorld, ann: Client, version: int = 2) -> bytes:
    """A facilitator's commit, after which the room has another agreement, whose text was told to
    nobody. Return its hash."""
    new = agreement_hash(room_of(ann), version, EVERYTHING)
    change(
        world,
        ann,
        lambda m: (context(replace(m.state, agreement_version=version, agreement=new)),),
    )
    return new


def accepted_in_leaf(about: Client, by: Client) -> bytes:
    """What a member's leaf says that they accepted, as another member has it."""
    index = group_of(by).find(about.engine.identity.signature.public)
    assert index is not None
    leaf = group_of(by).member(index)
    assert leaf is not None
    return leaf_extension(leaf).agreement


def tell_rules(client: Client, counter: int = 1) -> bytes:
    """The message with the text of those rules, as this client would tell it."""
    return rogue_message(client, ToldAgreement(2, EVERYTHING), kind="agreement", counter=counter)


def signed_by(client: Client, monkeypatch: pytest.MonkeyPatch) -> list[Payload]:
    """Every payload that this client signs from now on."""
    seen: list[Payload] = []
    group = type(group_of(client))
    encrypt = group.encrypt

    def spy(self: object, plaintext: bytes, *rest: object, **more: object) -> bytes:
        if self is group_of(client):
            seen.append(Payload.decode(plaintext))
        return encrypt(self, plaintext, *rest, **more)  # type: ignore[arg-type]  # as it was

    monkeypatch.setattr(group, "encrypt", spy)
    return seen


def test_after_a_change_nobody_posts_and_each_person_is_asked_once() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    other_rules(world, ann)
    bob.say("something private")
    world.settle()
    world.advance(120, step=5)
    assert cleo.texts() == ann.texts() == []
    assert [type(event) for event in bob.of(events.Queued)] == [events.Queued]
    for client in (ann, bob, cleo):
        assert problems(client) == ["agreement_changed"]


def test_what_waits_goes_when_the_person_accepts() -> None:
    world, ann, bob, cleo = three()
    changed(world, ann, PUBLISH)
    forget(ann, bob, cleo)
    bob.say("one")
    world.settle()
    for client in (bob, cleo):
        client.engine.commands.accept()
    world.settle()
    assert cleo.texts() == ["one"]
    with pytest.raises(NotNow, match="nothing to accept"):
        bob.engine.commands.accept()


def test_updates_and_beats_carry_the_agreement_that_the_person_saw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, ann, bob, cleo = two_facilitators()
    old = state_of(bob).agreement
    new = changed(world, bob, PUBLISH)
    said = signed_by(ann, monkeypatch)
    key = leaf_key(ann, cleo)
    world.advance(900, step=5)
    assert leaf_key(ann, cleo) != key  # her Update was committed
    assert accepted_in_leaf(cleo, ann) == accepted_in_leaf(ann, cleo) == old
    assert accepted_in_leaf(bob, ann) == new  # he made the change
    assert {payload.agreement for payload in said} == {old}
    assert [e.state for e in cleo.of(events.RoomChanged)] == [events.RoomState.OPEN]
    cleo.engine.commands.accept()
    world.advance(60, step=5)
    assert accepted_in_leaf(cleo, ann) == new
    assert accepted_in_leaf(ann, bob) == old


def test_a_facilitators_acceptance_goes_into_their_leaf_with_their_next_commit() -> None:
    world, ann, bob, cleo = two_facilitators()
    old, new = state_of(ann).agreement, changed(world, bob, PUBLISH)
    commit_by(world, ann)
    assert (accepted_in_leaf(ann, bob), accepted_in_leaf(bob, ann)) == (old, new)
    ann.engine.commands.accept()
    world.settle()
    assert accepted_in_leaf(ann, bob) == new
    assert len(authenticators(ann, bob, cleo)) == 1


def test_a_member_who_was_held_over_the_change_comes_back_and_is_asked() -> None:
    world, ann, bob, cleo = three()
    old = state_of(cleo).agreement
    miss_a_commit(world, ann, cleo)
    forget(cleo)
    other_rules(world, ann)
    world.advance(70, step=5)
    assert len(authenticators(ann, bob, cleo)) == 1
    assert problems(cleo) == ["held", "agreement_changed"]
    assert accepted_in_leaf(cleo, ann) == old
    cleo.say("this waits")
    world.settle()
    assert ann.texts() == []


def test_texts_under_another_agreement_are_not_shown_but_counted() -> None:
    """And what takes nothing back from anybody is taken: a retraction, and a kind of a counter."""
    world, ann, bob, _cleo = three()
    mine = bytes.fromhex(bob.say("said before"))
    world.settle()
    forget(ann)
    other = bytes(32)
    for counter, kind, body in (
        (2, "text", Text("under other rules")),
        (3, "wave", Text("of another kind")),
        (4, "retract", Retract(mine)),
    ):
        blob = rogue_message(bob, body, kind=kind, counter=counter, agreement=other)
        world.take(room_of(ann), blob, BlobClass.APPLICATION)
    assert ann.texts() == []
    assert not ann.of(events.Unknown)
    assert [event.id for event in ann.of(events.Retracted)] == [mine.hex()]
    last = rogue_message(bob, Text("under these rules"), counter=5)
    world.take(room_of(ann), last, BlobClass.APPLICATION)
    assert ann.texts() == ["under these rules"]
    assert not ann.of(events.Gap)
