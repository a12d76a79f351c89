"""Several knocks under one name: they wait in the order in which they came."""

import pytest
from alcove import events
from alcove.facilitation.lobby import Lobby
from alcove_protocol import limits

from tests.end_to_end.test_absent import a_room
from tests.end_to_end.test_invites import make, revoke
from tests.end_to_end.test_same_name import admitted, knock_of, knocks
from tests.end_to_end.world import Client, World, closed


def two_at_the_door() -> tuple[World, Client, Client, Client, int]:
    """Of two knocks under one name the first is shown. Return Ann, both, and how many knocks there
    were before."""
    world, ann, _bob, _cleo = a_room()
    before = len(ann.of(events.Knocked))
    first, second = (world.knock(ann.invite(), "Dora") for _ in range(2))
    world.advance(2)
    assert knocks(ann, before) == [("Dora", "")]
    return world, ann, first, second, before


def test_who_is_refused_and_knocks_again_at_once_does_not_overtake_who_waits() -> None:
    world, ann, first, second, before = two_at_the_door()
    for _ in range(3):
        ann.engine.commands.refuse(knock_of(ann).id)
        world.knock(ann.invite(), "Dora")  # the same person, in the same moment
    assert closed(first).code == closed(second).code == "refused"
    assert len(knocks(ann, before)) == 4
    world.advance(2)
    assert len(knocks(ann, before)) == 4


def test_who_goes_and_knocks_again_at_once_does_not_overtake_who_waits() -> None:
    world, ann, first, second, before = two_at_the_door()
    first.engine.commands.leave(lambda: None)
    world.knock(ann.invite(), "Dora")
    world.advance(1)
    assert first.engine.closed is not None
    assert len(knocks(ann, before)) == 2
    admitted(world, ann)
    assert second.of(events.Joined)


def test_who_waits_behind_another_is_told_when_their_own_invite_is_closed() -> None:
    world, ann, _bob, _cleo = a_room()
    (other,) = make(world, ann, 1, uses=9)
    world.knock(ann.invite(), "Dora")
    second = world.knock(other, "Dora")
    world.advance(2)
    assert second.engine.closed is None
    revoke(world, ann, other)
    world.advance(1)
    assert closed(second).code == "link_closed"


def test_who_waits_behind_another_costs_nothing_while_nothing_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One invite in strange hands gives as many knocks as the relay lets wait."""
    world, ann, _bob, _cleo = a_room()
    for _ in range(limits.KNOCKS_PER_DOOR):
        world.knock(ann.invite(), "Dora")
    with monkeypatch.context() as patch:
        patch.setattr(Lobby, "_open_knock", None)
        world.advance(20)
    assert ann.engine.closed is None
