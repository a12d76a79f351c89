"""Commits that the relay lost come first in a log that votes settle, whenever each client looks."""

import pytest
from alcove.facilitation.intents import Intent
from alcove_protocol import limits

from tests.end_to_end.evil.rogue import Making, committer_of, group_of
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    forget,
    gaps,
    goes_on,
    problems,
    two_facilitators,
)
from tests.end_to_end.evil.test_brought_back import lose_memory, unsettled

LEAST = limits.UNSETTLED_LEAST


@pytest.mark.parametrize("offset", range(0, 20, 3))
def test_who_learns_late_of_a_settled_log_still_publishes_first(offset: int) -> None:
    """Ann was away when Bob committed. She brings the room as it was, and has a change to make. The
    vote that settles the log comes at any time between two looks of Bob's client."""
    world, ann, bob, cleo = two_facilitators()
    dora, eve = world.join(ann, "Dora"), world.join(ann, "Eve")
    everybody = (ann, bob, cleo, dora, eve)
    world.advance(31, step=31)
    ann.cut()
    ann.online = False
    commit_by(world, bob)
    lost = group_of(bob).epoch_authenticator
    forget(*everybody)
    lose_memory(world)
    late = (cleo, dora, eve)
    world.advance(10, stay_away=(bob, *late))
    made: list[object] = []
    wanted: Intent = Making(made.append)
    committer_of(ann).committer.want(wanted)
    world.advance(LEAST + 3, stay_away=late)
    ann.cut()  # from here on the two clients look at different times
    world.advance(10 + offset, stay_away=late)
    assert unsettled(ann)
    assert unsettled(bob)
    assert group_of(ann).epoch_authenticator != lost
    world.advance(40, stay_away=(dora, eve))
    assert made == [None]
    assert authenticators(ann, bob, cleo) == {group_of(ann).epoch_authenticator}
    for client in (ann, bob, cleo):
        assert not {"held", "commit_unreadable"} & set(problems(client))
    goes_on(world, ann, bob, cleo)


def test_what_is_said_before_a_lost_commit_comes_again_is_told_as_missed() -> None:
    """Bob is ahead of the log, and has no key any more for what Ann says in it. He was told of a
    gap when the log began, before she said it."""
    world, ann, bob, cleo = two_facilitators()
    ann.cut()
    cleo.cut()
    commit_by(world, bob)
    lose_memory(world)
    world.advance(10, stay_away=(bob, cleo))
    world.advance(5)
    assert unsettled(bob)
    forget(bob)
    ann.say("is everybody back?")
    world.advance(5)
    assert cleo.texts() == ["is everybody back?"]
    world.advance(LEAST + 20)
    assert authenticators(ann, bob, cleo) == {group_of(ann).epoch_authenticator}
    assert bob.texts() == []
    assert gaps(bob) == [None]
    goes_on(world, ann, bob, cleo)
