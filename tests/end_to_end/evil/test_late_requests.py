"""What a newcomer asked whose Welcome was late, when they are in by the answer to another try."""

from dataclasses import replace

from alcove import events
from alcove.events import ConnectionState
from alcove_protocol.frames import BlobIs, LobbyItem, LobbyRequest, WelcomeIs

from tests.end_to_end.evil.rogue import committer_of
from tests.end_to_end.evil.rooms import (
    Room,
    a_commit,
    a_request,
    authenticators,
    forget,
    goes_on,
    problems,
)
from tests.end_to_end.evil.test_held import states
from tests.end_to_end.evil.test_lost_welcome import admitted_without_welcome, restart
from tests.end_to_end.world import Client

AGAIN = 62.0
"""Seconds: a minute lies between two returns of one member."""


def in_by_the_second_request(*, updates: bool = False) -> Room:
    """Bob asked twice. He is in by the second request, and the first one waits for its minute.
    Without `updates` no fresh keys of his reach Ann."""
    world, ann, bob, cleo = admitted_without_welcome()
    kept = world.keep_back(ann, LobbyItem, a_request)
    restart(world)
    world.advance(145)  # what is asked in the first minute waits for the log
    first, second = {item.id: item for item in kept.hits}.values()
    kept.stop()
    silent = world.drop(bob, LobbyRequest)
    silent.on = not updates
    world.forge(ann, second)
    world.settle()
    assert bob.of(events.Joined)[0].you
    forget(bob)
    world.forge(ann, replace(first, number=committer_of(ann).lobby.number + 1))
    return world, ann, bob, cleo


def returns(bob: Client) -> int:
    return states(bob).count(ConnectionState.REJOINED)


def test_fresh_keys_make_it_void_before_its_minute_is_over() -> None:
    world, ann, bob, cleo = in_by_the_second_request(updates=True)
    world.advance(2 * AGAIN)
    assert returns(bob) == 0
    assert problems(bob) == []
    assert not bob.engine.require_member()._rejoining.waiting
    goes_on(world, ann, bob, cleo)


def test_it_is_void_once_something_was_heard_of_them() -> None:
    world, ann, bob, cleo = in_by_the_second_request()
    bob.say("hello")
    world.advance(2 * AGAIN)
    assert returns(bob) == 0
    assert problems(bob) == []
    goes_on(world, ann, bob, cleo)


def test_it_is_granted_while_nothing_was_heard_and_its_welcome_opens() -> None:
    world, ann, bob, cleo = in_by_the_second_request()
    world.advance(AGAIN)
    assert returns(bob) == 1
    assert problems(bob) == []
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_its_welcome_is_lost_and_the_next_request_names_its_leaf() -> None:
    world, ann, bob, cleo = in_by_the_second_request()
    lost: list[bytes] = []

    def the_first(frame: WelcomeIs) -> bool:
        lost.append(frame.entry)
        return frame.entry == lost[0]

    world.drop(bob, WelcomeIs, the_first)  # by no connection does it come
    unseen = world.drop(bob, BlobIs, a_commit, most=1)
    world.advance(AGAIN)
    (silent,) = (trick for trick in world.tricks if trick.kind is LobbyRequest)
    silent.stop()
    assert len(lost) == len(unseen.hits) == 1
    world.advance(3 * AGAIN)
    assert returns(bob) == 1
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_a_welcome_that_comes_twice_is_no_altered_one() -> None:
    world, ann, bob, cleo = in_by_the_second_request()
    for welcome in world.seen(WelcomeIs, bob):
        world.forge(bob, welcome)
    assert problems(bob) == []
    assert returns(bob) == 0
    goes_on(world, ann, bob, cleo)
