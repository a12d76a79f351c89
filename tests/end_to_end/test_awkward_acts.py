"""Acts of facilitators that come twice, while reconnecting, about who has left, or without the
right: one answer each with one code, nothing half done, and nobody else is disturbed."""

from typing import Final

import pytest
from alcove import events
from alcove.errors import AlcoveError

from tests.end_to_end.facilitating import Result, ask, codes, do, facilitators, goes_on
from tests.end_to_end.world import Client, World, room_of_three

ACTS: Final = {
    "appoint Dora": {"Ann", "Bob", "Dora"},
    "demote Bob": {"Ann"},
    "hand_over Dora": {"Bob", "Dora"},
    "step_down": {"Bob"},
}
"""Acts of Ann, and who facilitates after one."""
Room = tuple[World, Client, Client, Client, Client]


def room() -> Room:
    """Ann and Bob facilitate. What was told before is forgotten."""
    world, ann, bob, cleo = room_of_three()
    dora = world.join(ann, "Dora")
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    for client in (ann, bob, cleo, dora):
        client.told.clear()
    return world, ann, bob, cleo, dora


def asked(client: Client, act: str) -> Result:
    """What comes of an act, or what is refused at once."""
    try:
        return ask(client, *act.split())
    except AlcoveError as error:
        return [error]


def undisturbed(*clients: Client) -> None:
    for client in clients:
        assert not client.of(events.Problem), client.told
        assert not client.of(events.Gap), client.told


@pytest.mark.parametrize("act", ACTS)
def test_twice(act: str) -> None:
    world, ann, bob, cleo, dora = room()
    first, second = asked(ann, act), asked(ann, act)
    world.advance(60)
    assert codes(first) == [None]
    assert len(second) == 1
    again = {"already_facilitator", "no_facilitator", "handing_over", "stepping_down"}
    assert codes(second)[0] in again | {None}
    assert facilitators(cleo) == ACTS[act]
    changed = [event.name for event in cleo.of(events.RoleChanged)]
    assert len(changed) == len(set(changed)), changed  # each is told once
    undisturbed(bob, cleo, dora)
    goes_on(world, ann, bob, cleo, dora)


@pytest.mark.parametrize("act", ACTS)
def test_while_reconnecting(act: str) -> None:
    world, ann, bob, cleo, dora = room()
    ann.cut()
    result = asked(ann, act)
    world.advance(5, stay_away=(ann,))
    assert result == []  # it waits, and is not lost
    assert facilitators(cleo) == {"Ann", "Bob"}
    ann.back()
    world.advance(60)
    assert codes(result) == [None]
    assert facilitators(cleo) == ACTS[act]
    undisturbed(bob, cleo, dora)
    goes_on(world, ann, bob, cleo, dora)


@pytest.mark.parametrize("act", ["appoint Dora", "demote Bob", "hand_over Dora"])
@pytest.mark.parametrize("known", [True, False])
def test_about_who_has_left(act: str, known: bool) -> None:
    """Before the act, or just before it so that its client does not know yet."""
    world, ann, bob, cleo, dora = room()
    gone = bob if act.endswith("Bob") else dora
    gone.engine.commands.leave(lambda: None)
    if known:
        world.advance(20)
    result = asked(ann, act)
    world.advance(60)
    told = {"unknown_name", "no_facilitator"}
    assert len(result) == 1
    assert codes(result)[0] in (told if known else told | {None})
    here = [client for client in (ann, bob, cleo, dora) if client is not gone]
    assert gone.name not in cleo.members()
    assert "Ann" in facilitators(cleo)
    undisturbed(*here[1:])
    goes_on(world, *here)


@pytest.mark.parametrize("act", ACTS)
def test_without_the_right(act: str) -> None:
    world, ann, bob, cleo, dora = room()
    with pytest.raises(AlcoveError) as refused:
        ask(cleo, *act.split())
    assert refused.value.code == "not_facilitator"
    world.advance(5)
    assert facilitators(ann) == {"Ann", "Bob"}
    undisturbed(ann, bob, dora)
    goes_on(world, ann, bob, cleo, dora)
