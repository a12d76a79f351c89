"""Members that want to come back by themselves after a person decided that they do not."""

from contextlib import suppress
from dataclasses import replace

import pytest
from alcove import events
from alcove.errors import AlcoveError
from alcove.group.keys import Identity, SigningKey
from alcove.joining.newcomer import Newcomer
from alcove.mls.secret import Secret
from alcove_protocol import frames

from tests.end_to_end.facilitating import ask, codes, do, hold, let, newcomer
from tests.end_to_end.test_absent import ABSENT, a_room, lose
from tests.end_to_end.test_outside import inside, is_out, outside
from tests.end_to_end.world import Client, World, kind_of, room_of_three


def commits(client: Client) -> list[bytes]:
    """What this client commits from now on comes into the list, until `let`."""
    held: list[bytes] = []

    def take(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if isinstance(frame, frames.Publish) and frame.blob_class == frames.BlobClass.COMMIT:
            held.append(data)
            return []
        return [data]

    client.to_relay = take
    return held


def then_send(client: Client, held: list[bytes]) -> None:
    let(client)
    assert client.link is not None
    for data in held:
        client.link.receive(data)


def keys_of(client: Client) -> Identity:
    """A copy of a member's keys, which its client does not wipe."""
    own = client.engine.identity
    private = Secret(own.signature.private.expose())
    relay = SigningKey(own.relay.public, Secret(own.relay._private.expose()))
    return replace(own, relay=relay, signature=replace(own.signature, private=private))


def knocks_with(world: World, keys: Identity, invite: str) -> Client:
    """A program with these keys at a door, which says that it comes back."""
    client = world.client(keys.name)
    client.engine.identity = keys
    world.knock_with(client, invite)
    newcomer = client.engine.newcomer
    if client.engine.closed is None and newcomer is not None:
        assert isinstance(newcomer, Newcomer)
        newcomer.voice.come_back(newcomer.talk_key, lambda error: None)
    world.advance(25)
    return client


def wants_in(world: World, who: Client) -> None:
    """They say that they come back, if their client can."""
    with suppress(AlcoveError):
        who.engine.commands.inside(None, lambda error: None)
    world.advance(30)


def waiting(client: Client) -> list[str]:
    """Who waits at the door, for this facilitator."""
    gone = {event.id for event in client.of(events.KnockGone)}
    return [event.name for event in client.of(events.Knocked) if event.id not in gone]


def test_a_removal_holds_when_a_step_outside_was_first() -> None:
    world, ann, bob, cleo = room_of_three()
    held = commits(ann)
    bob.engine.commands.outside()
    world.settle()
    result = ask(ann, "remove", "Bob")
    then_send(ann, held)
    world.advance(8)
    assert codes(result) == [None]
    wants_in(world, bob)
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    assert waiting(ann) == []
    assert bob.of(events.Closed)


def test_a_removal_holds_when_another_facilitator_let_them_outside() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Cleo")
    world.advance(35)
    held = commits(ann)
    bob.engine.commands.outside()
    world.advance(15)  # Cleo's commit is the first
    assert held
    assert is_out(bob)
    result = ask(ann, "remove", "Bob")
    let(ann)
    ann.cut()
    world.advance(5)
    assert codes(result) == [None]
    wants_in(world, bob)
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}


def test_who_is_outside_is_removed_by_name() -> None:
    world, ann, bob, _cleo = room_of_three()
    url = ann.invite()
    outside(world, bob)
    do(world, ann, "remove", "Bob")
    wants_in(world, bob)
    assert "Bob" not in ann.members()
    assert bob.of(events.Closed)[-1].code == "link_closed"
    assert bob.of(events.Closed)[-1].text.startswith("Your way back into this room was closed.")
    world.knock(url, "Bobby")
    assert waiting(ann) == []


def test_who_is_removed_while_the_door_is_locked_reads_that_their_way_back_is_closed() -> None:
    """They are not at the door then. They read before that it says nothing about them, and to ask
    the person who gave them the link."""
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "lock", True)
    outside(world, bob)
    do(world, ann, "remove", "Bob")
    wants_in(world, bob)
    assert bob.of(events.Closed)[-1].code == "door_revoked"
    assert bob.of(events.Closed)[-1].text.startswith("Your way back into this room was closed.")


def test_who_was_refused_outside_comes_back_by_a_decision_alone() -> None:
    """The client takes no notice of the refusal, and knocks at its own door again."""
    world, ann, bob, _cleo = room_of_three()
    outside(world, bob)
    bob.to_client = lambda client, data: [] if kind_of(data) == "knock_refused" else [data]
    (knock,) = [one for one in ann.of(events.Knocked) if one.outside]
    ann.engine.commands.refuse(knock.id)
    world.settle()
    bob.engine.newcomer._knock()  # type: ignore[union-attr]
    world.settle()
    wants_in(world, bob)
    assert "Bob" not in ann.members()


@pytest.mark.parametrize("relay", ["the same", "another"])
def test_a_way_back_that_was_not_used_lets_nobody_in_after_a_removal(relay: str) -> None:
    """Bob goes outside, and comes in by his invite. His own door is open still."""
    world, ann, bob, _cleo = room_of_three()
    kept = hold(ann, frames.PutDoor)
    bob.engine.commands.outside()
    world.advance(8)
    way_back = bob.engine.newcomer.invite.url()  # type: ignore[union-attr]
    keys = keys_of(bob)
    world.advance(90)
    ann.admit(ann.of(events.Knocked)[-1])
    world.advance(5)
    assert "Bob" in ann.members()
    then_send(ann, kept)
    do(world, ann, "remove", "Bob")
    world.advance(5)
    if relay == "another":
        keys = replace(keys, relay=SigningKey.generate(world.random))
    knocks_with(world, keys, way_back)
    assert "Bob" not in ann.members()


def test_a_step_outside_keeps_no_invite_open() -> None:
    """The invite by which a member came closes with their removal, also after they were outside."""
    world, ann, bob, _cleo = room_of_three()
    for _ in range(2):
        outside(world, bob)
        inside(world, bob)
    url = ann.invite()
    do(world, ann, "remove", "Bob")
    world.advance(3)
    again = world.knock(url, "Bobby")
    assert again.of(events.Closed)[-1].code == "door_revoked"
    assert ann.invite() != url  # one with uses left is replaced, as ever
    newcomer(world, ann.invite(), "Dora", ann)


def test_a_removal_closes_a_way_back_that_a_newer_facilitator_took() -> None:
    """The relay closes that door with the removal. No client tells of a door closed in secret."""
    world, ann, bob, _ = room_of_three()
    outside(world, bob)
    dora = world.join(ann, "Dora")
    do(world, ann, "appoint", "Dora")  # her client saw nobody go outside
    world.advance(30)
    dora.admit(next(one for one in dora.of(events.Knocked) if one.name == "Bob"))
    world.advance(30)
    door = dora.engine.require_member().membership.roster.seats[bob.engine.identity.relay.public]
    assert "Bob" in ann.members()
    assert door.door in ann.engine.require_member().membership.state.door_ids()
    do(world, ann, "remove", "Bob")
    world.advance(240)
    assert door.door not in ann.engine.require_member().membership.state.door_ids()
    for client in (ann, dora):
        assert "invite_shut" not in [one.code for one in client.of(events.Problem)]


@pytest.mark.parametrize("by_name", [True, False])
def test_a_removal_holds_when_the_connection_was_lost_first(by_name: bool) -> None:
    world, ann, bob, cleo = a_room()
    url = ann.invite()
    if by_name:
        lose(world, bob)
        result = ask(ann, "remove", "Bob")
    else:
        lose(world, bob, ABSENT - 20)
        held = commits(ann)
        while not held:
            world.advance(5, step=5, stay_away=(bob,))
        result = ask(ann, "remove", "Bob")
        then_send(ann, held)
    world.advance(3, stay_away=(bob,))
    assert codes(result) == [None]
    assert ann.of(events.Absent)
    assert ann.members() == {"Ann", "Cleo"}
    assert world.knock(url, "Bobby").of(events.Closed)[-1].code == "door_revoked"
    world.advance(60)
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    world.advance(150)
    assert bob.engine.closed is not None


def test_a_removal_of_a_lost_member_holds_for_another_facilitators_client() -> None:
    world, ann, bob, cleo = a_room()
    do(world, ann, "appoint", "Cleo")
    world.advance(35)
    lose(world, bob, 640)
    assert ann.members() == {"Ann", "Cleo"}
    result = ask(ann, "remove", "Bob")
    world.advance(90)
    assert codes(result) == [None]
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    assert bob.engine.closed is not None


def test_only_the_keys_that_went_come_back_by_themselves() -> None:
    """Another relay key would begin slow mode's turns anew, and was never on the list."""
    world, ann, bob, _cleo = room_of_three()
    keys = keys_of(bob)
    outside(world, bob)
    way_back = bob.engine.newcomer.invite.url()  # type: ignore[union-attr]
    bob.engine.newcomer.withdraw()  # type: ignore[union-attr]
    world.settle()
    bob.cut()
    world.clients.remove(bob)
    other = knocks_with(world, replace(keys, relay=SigningKey.generate(world.random)), way_back)
    assert "Bob" not in ann.members()
    assert other.name in waiting(ann)
