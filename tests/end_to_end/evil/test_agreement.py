"""Row 32: the person alone accepts a changed agreement. Nothing that their client does or that
others commit accepts it for them."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.errors import NotNow
from alcove.group.extensions import leaf_extension
from alcove.messages.payload import Payload, Retract, Text, ToldAgreement
from alcove_protocol.card import AgreementText, agreement_hash, pack_agreement
from alcove_protocol.frames import BlobClass

from tests.end_to_end.agreeing import KIND, PUBLISH, changed, shown
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


# --- texts that are no agreement ----------------------------------------------------------------


def test_a_participant_tells_no_agreement() -> None:
    world, ann, bob, cleo = three()
    world.take(room_of(ann), tell_rules(bob), BlobClass.APPLICATION)
    assert not cleo.engine.agreements._pending
    other_rules(world, ann)  # though its hash is right
    world.advance(6, step=1)
    assert problems(cleo) == ["agreement_changed"]
    assert not cleo.of(events.AgreementShown)[1:]


def test_a_text_that_no_commit_names_is_shown_to_nobody() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    for counter, texts in enumerate((EVERYTHING, b"\x00\x00\x00\x01x"), 1):
        told = ToldAgreement(2, texts)
        blob = rogue_message(ann, told, kind="agreement", counter=counter)
        world.take(room_of(ann), blob, BlobClass.APPLICATION)
    last = rogue_message(ann, Text("heard"), counter=3)
    world.take(room_of(ann), last, BlobClass.APPLICATION)
    assert bob.texts() == cleo.texts() == ["heard"]
    assert not bob.of(events.AgreementShown) + cleo.of(events.AgreementShown)
    assert not bob.of(events.Gap)


def test_a_facilitator_fills_no_memory_with_texts() -> None:
    world, ann, _bob, cleo = three()
    for counter in range(1, 10):
        texts = pack_agreement((AgreementText("en", "", f"Text {counter}"),))
        blob = rogue_message(ann, ToldAgreement(2, texts), kind="agreement", counter=counter)
        world.take(room_of(ann), blob, BlobClass.APPLICATION)
    (kept,) = cleo.engine.agreements._pending.values()
    assert [item.texts[0].text for item in kept] == [f"Text {n}" for n in (6, 7, 8, 9)]


def test_a_hash_without_a_text_mutes_until_another_facilitator_changes_it() -> None:
    world, ann, bob, cleo = two_facilitators()
    other_rules(world, ann)
    forget(ann, bob, cleo)
    cleo.say("waits")
    world.advance(200, step=5)
    assert cleo.of(events.AgreementShown) == []
    assert bob.texts() == []
    changed(world, bob, KIND)
    assert shown(cleo) == [(3, KIND[0].text, True)]
    cleo.engine.commands.accept()
    world.settle()
    assert bob.texts() == ["waits"]


def test_an_acceptance_of_another_members_is_never_anothers() -> None:
    """An Update of a member names what that member accepted, whoever commits it."""
    world, ann, bob, cleo = three()
    new = changed(world, ann, PUBLISH)
    cleo.engine.commands.accept()
    world.advance(60, step=5)
    assert (accepted_in_leaf(cleo, ann), accepted_in_leaf(bob, ann)) == (
        new,
        accepted_in_leaf(bob, cleo),
    )
    assert accepted_in_leaf(bob, ann) != new
