"""A room that is brought back with the commits before its last one: who missed them follows."""

import pytest
from alcove import events
from alcove.events import ConnectionState
from alcove.group.merged import MergedCommits
from alcove_protocol import limits

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import group_of
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    epochs,
    forget,
    goes_on,
    problems,
    state,
    two_facilitators,
)
from tests.end_to_end.evil.test_brought_back import lose_memory, unsettled
from tests.end_to_end.world import Client

SETTLED = float(limits.UNSETTLED + 30)


def admitted_by_the_dead(more: int) -> tuple[EvilWorld, Client, Client, Client, Client]:
    """Ann and Cleo are away when Bob admits Dora and commits some `more`. Then Bob is gone,
    and the relay loses its memory."""
    world, ann, bob, cleo = two_facilitators()
    world.advance(15)  # Bob has what opens the invites
    for away in (ann, cleo):
        away.cut()
        away.online = False
    dora = world.knock(ann.invite(), "Dora")
    world.settle()
    (knock,) = bob.of(events.Knocked)
    bob.admit(knock)
    world.settle()
    for _ in range(more):
        commit_by(world, bob)
    forget(ann, cleo, dora)
    lose_memory(world)
    bob.online = False
    return world, ann, bob, cleo, dora


def comes_back(
    world: EvilWorld, bob: Client, first: tuple[Client, ...], later: tuple[Client, ...]
) -> None:
    """`first` are here when the relay is, and the `later` ones a minute after it."""
    world.advance(70, stay_away=(bob, *later))
    world.advance(SETTLED, stay_away=(bob,), step=5)
    everybody = (*first, *later)
    assert len(epochs(*everybody)) == len(authenticators(*everybody)) == 1
    for client in everybody:
        assert not {"held", "commit_unreadable", "beat_unreadable"} & set(problems(client))
        assert client.members() == {"Ann", "Bob", "Cleo", "Dora"}


@pytest.mark.parametrize("more", [0, 1, 3])
@pytest.mark.parametrize("dora_is_first", [True, False])
def test_who_missed_commits_follows_those_that_a_newcomer_brings(
    more: int, dora_is_first: bool
) -> None:
    """Without them the newcomer is on a branch of their own, and nobody knows their keys."""
    world, ann, bob, cleo, dora = admitted_by_the_dead(more)
    epoch = group_of(dora).epoch
    if dora_is_first:
        comes_back(world, bob, (dora,), (ann, cleo))
    else:
        comes_back(world, bob, (ann, cleo), (dora,))
    assert min(epochs(ann, cleo, dora)) >= epoch
    goes_on(world, ann, cleo, dora)


def test_bytes_that_are_no_commit_harm_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay cannot judge them. All members burn them, and go on."""
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    before = epochs(ann, bob, cleo)
    monkeypatch.setattr(MergedCommits, "before_last", lambda self, most: (b"junk", b"more"))
    lose_memory(world)
    world.advance(limits.UNSETTLED_LEAST + 30)
    monkeypatch.undo()
    assert epochs(ann, bob, cleo) == before
    told = problems(ann) + problems(bob) + problems(cleo)
    assert not {"held", "commit_unreadable", "beat_unreadable"} & set(told)
    assert len({state(client) for client in (ann, bob, cleo)}) == 1
    goes_on(world, ann, bob, cleo)
    goes_on(world, bob, ann, cleo)


def back_at_once() -> tuple[EvilWorld, tuple[Client, ...]]:
    """Dora has come in by the last commit. Everybody is back in a log that is not settled yet."""
    world, ann, bob, cleo = two_facilitators()
    everybody = (ann, bob, cleo, world.join(ann, "Dora"))
    world.advance(31, step=31)
    lose_memory(world)
    world.advance(5)
    assert all(unsettled(client) for client in everybody)
    return world, everybody


def test_who_came_by_the_last_commit_hears_the_others_in_an_unsettled_log() -> None:
    """Commits that a newcomer never merged stand before the newcomer's own, and hold nothing up."""
    world, (ann, _, _, dora) = back_at_once()
    ann.say("here we are again")
    world.settle()
    assert dora.texts() == ["here we are again"]


def test_the_log_hash_begins_at_the_last_commit_for_all() -> None:
    """Who came by a later commit knows no earlier epoch, and has the same value at the base."""
    _, everybody = back_at_once()
    streams = [client.engine.require_member().stream for client in everybody]
    values = {stream.log.current for stream in streams}
    assert len(values) == 1
    assert None not in values


def test_the_commits_before_a_newcomers_own_are_brought_too() -> None:
    """Bob admits Dora after one more commit that Ann and Cleo missed, and is gone. Dora has merged
    nothing, and brings both."""
    world, ann, bob, cleo = two_facilitators()
    world.advance(15)
    for away in (ann, cleo):
        away.cut()
        away.online = False
    commit_by(world, bob)
    dora = world.knock(ann.invite(), "Dora")
    world.settle()
    bob.admit(bob.of(events.Knocked)[-1])
    world.settle()
    forget(ann, cleo, dora)
    lose_memory(world)
    bob.online = False
    comes_back(world, bob, (dora,), (ann, cleo))
    goes_on(world, ann, cleo, dora)


def test_who_waits_for_an_unsettled_log_is_told_of_what_expires_once() -> None:
    """Their client stays connected, though what it sends is of another commit than the log's."""
    world, ann, bob, cleo, dora = admitted_by_the_dead(1)
    world.advance(60, stay_away=(bob, ann, cleo))
    world.advance(20, stay_away=(bob, cleo))
    forget(ann)
    ann.say("is somebody here?")
    dora.say("I am")
    world.advance(float(limits.UNSETTLED - 120), stay_away=(bob, cleo), step=5)
    assert unsettled(ann)
    states = [event.state for event in ann.of(events.ConnectionChanged)]
    assert ConnectionState.RECONNECTING not in states
    assert len(ann.of(events.Gap)) <= 1
