"""A person who sees another room than the others asks to be let in again."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.errors import NotNow
from alcove.events import ConnectionState, RoomState
from alcove_protocol.frames import BlobClass, BlobIs, LobbyRequest

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import group_of
from tests.end_to_end.evil.rooms import (
    authenticators,
    forget,
    goes_on,
    problems,
    state,
    three,
    two_facilitators,
)
from tests.end_to_end.evil.test_forks import forked
from tests.end_to_end.evil.test_way_in import with_entry
from tests.end_to_end.facilitating import all_agree, ask, codes, do
from tests.end_to_end.world import Client


def refused(client: Client) -> str:
    with pytest.raises(NotNow) as error:
        client.engine.commands.rejoin()
    return error.value.code


def states(client: Client) -> list[ConnectionState]:
    return [event.state for event in client.of(events.ConnectionChanged)]


@pytest.mark.interpreted  # copies the store's memory
def test_who_is_on_a_branch_of_the_group_is_in_the_room_again_at_once() -> None:
    """Before, they had to wait until the other branch was two epochs further."""
    world, (ann, bob, cleo, dora) = forked()
    world.advance(31)
    assert state(dora) is RoomState.SPLIT
    dora.say("is this for me alone?")
    for client in (dora, bob):
        client.engine.commands.rejoin()
    world.advance(15)
    assert "held" in problems(dora)
    assert ConnectionState.REJOINED in states(dora)
    assert ConnectionState.REJOINED in states(bob)
    everybody = (ann, bob, cleo, dora)
    assert {state(client) for client in everybody} == {RoomState.OPEN}
    assert len(authenticators(*everybody)) == 1
    assert ann.texts()[-1] == "is this for me alone?"  # it waited, and goes to the others
    goes_on(world, *everybody)


def test_nobody_makes_the_others_work_while_nothing_is_wrong() -> None:
    """Each return is a commit that all members follow."""
    world, ann, bob, cleo = three()
    before = group_of(ann).epoch
    assert refused(bob) == "nothing_to_rejoin"
    world.advance(5)
    assert group_of(ann).epoch == before
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("how", ["left out", "of another signature"])
def test_who_was_shown_a_wrong_list_gets_the_whole_one(how: str) -> None:
    """A relay lies once. A facilitator's later entries would be refused, for good."""
    world, ann, bob, cleo = two_facilitators()
    earlier = [blob for blob in world.seen(BlobIs, bob) if with_entry(blob)][-1]

    def swapped(blob: BlobIs) -> BlobIs:
        if how == "left out":
            return replace(blob, entry=None, signature=None)
        return replace(blob, signature=earlier.signature)

    world.alter(bob, BlobIs, swapped, with_entry, most=1)
    dora = world.join(ann, "Dora")
    world.advance(60)
    refused_act = ask(bob, "pause", "Cleo")
    world.advance(40)
    assert codes(refused_act) == ["bad_roster"]
    bob.engine.commands.rejoin()
    world.advance(15)
    assert ConnectionState.REJOINED in states(bob)
    all_agree(ann, bob, cleo, dora)
    do(world, bob, "pause", "Cleo")
    do(world, bob, "unpause", "Cleo")
    goes_on(world, ann, bob, cleo, dora)
    assert refused(bob) == "nothing_to_rejoin"


def test_the_only_facilitator_has_nobody_to_ask() -> None:
    world = EvilWorld()
    ann = world.open("Ann")
    assert refused(ann) == "only_facilitator"
    newcomer = world.knock(ann.invite(), "Bob")
    assert refused(newcomer) == "not_in_room"


def not_heard() -> tuple[EvilWorld, Client, Client, Client]:
    """No heartbeat reaches Cleo."""
    world, ann, bob, cleo = three()
    kept = world.drop(cleo, BlobIs, lambda blob: blob.blob_class == BlobClass.BEAT)
    world.advance(130, step=5)
    assert state(cleo) is RoomState.NOT_HEARD
    kept.stop()
    forget(ann, bob, cleo)
    return world, ann, bob, cleo


def test_who_asked_without_need_is_in_the_room_again() -> None:
    world, ann, bob, cleo = not_heard()
    cleo.engine.commands.rejoin()
    world.advance(15)
    assert ConnectionState.REJOINED in states(cleo)
    goes_on(world, ann, bob, cleo)


def test_a_held_client_asks_sooner_when_its_person_wants_it_but_not_at_every_key() -> None:
    world, _ann, _bob, cleo = not_heard()
    asked = world.drop(cleo, LobbyRequest)
    cleo.engine.commands.rejoin()
    world.settle()
    first = len(asked.hits)
    assert first >= 1
    for _ in range(5):
        cleo.engine.commands.rejoin()
    world.settle()
    assert len(asked.hits) == first
    world.advance(21)
    cleo.engine.commands.rejoin()
    world.settle()
    assert len(asked.hits) > first
