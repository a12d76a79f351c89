"""The relay keeps from a member the commit by which it may do less. It finds out."""

import pytest
from alcove import events
from alcove.events import RoomState
from alcove_protocol.frames import BlobIs, RequestRefused

from tests.end_to_end.evil.rogue import demote
from tests.end_to_end.evil.rooms import a_commit, epochs, goes_on, state, three, two_facilitators
from tests.end_to_end.facilitating import do, facilitators

FOUND_WITHIN = 60.0
"""Seconds: a heartbeat, ten more for the commit to come after all, and another connection."""


def test_a_facilitator_that_missed_that_it_is_none_any_more_finds_out() -> None:
    """Its heartbeats were refused each second, and it could not know why: nothing that it could
    send named the commit that it lacked."""
    world, ann, bob, cleo = two_facilitators()
    world.advance(30)
    dropped = world.drop(ann, BlobIs, a_commit, most=1)
    demote(world, bob, ann)
    assert dropped.hits
    world.advance(FOUND_WITHIN)
    assert state(ann) is RoomState.OPEN
    assert facilitators(ann) == facilitators(cleo) == {"Bob"}
    goes_on(world, bob, cleo, ann)


@pytest.mark.parametrize("what", ["pause", "listen_only"])
def test_one_who_missed_that_they_may_not_write_finds_out(what: str) -> None:
    world, ann, bob, cleo = three()
    world.advance(30)
    dropped = world.drop(cleo, BlobIs, a_commit, most=1)
    do(world, ann, what, "Cleo" if what == "pause" else True)
    assert dropped.hits
    cleo.say("does anybody hear me?")
    world.advance(FOUND_WITHIN)
    assert {frame.code for frame in world.seen(RequestRefused, cleo)} == {"stale"}
    assert len(epochs(ann, bob, cleo)) == 1
    assert [event.code for event in cleo.of(events.Failed)]
    assert not bob.texts()
