"""A relay loses its memory with an admission whose Welcome arrived: what stands before it again.

The newcomer's first `resume` was never answered, so their client knows no commit before its own.
The commit comes again, later in the new log, and with it the newcomer is in.
"""

from alcove import events
from alcove.events import RoomState
from alcove_protocol import limits
from alcove_protocol.frames import Published, Resume

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import group_of
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    forget,
    goes_on,
    problems,
    state,
    two_facilitators,
)
from tests.end_to_end.evil.test_brought_back import lose_memory
from tests.end_to_end.world import Client

SETTLED = float(limits.UNSETTLED_LEAST + 15)
ALARMS = {"beat_unreadable", "commit_unreadable", "unreadable", "commit_refused", "held"}


def admitted_unacknowledged() -> tuple[EvilWorld, Client, Client, Client]:
    """Dora has her Welcome and nothing else. Ann does not know that her commit was taken."""
    world, ann, bob, cleo = two_facilitators()
    for away in (bob, cleo):
        away.cut()
    dora = world.knock(ann.invite(), "Dora")
    world.drop(ann, Published, most=1)
    world.drop(dora, Resume, most=1)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert dora.engine.member is not None
    assert group_of(dora).epoch == group_of(ann).epoch + 1
    forget(ann, bob, cleo, dora)
    lose_memory(world)
    return world, ann, bob, dora


def test_a_newcomer_calls_nothing_split_that_stands_before_their_admission() -> None:
    """Heartbeats and words of the epoch before stand between the begin of the log and the commit.
    One more commit came before she is back, so the log's last commit is not hers."""
    world, ann, bob, dora = admitted_unacknowledged()
    world.advance(20, stay_away=(dora,))
    ann.say("we are back")
    world.advance(SETTLED, stay_away=(dora,))
    commit_by(world, ann)
    assert group_of(ann).epoch > group_of(dora).epoch
    world.advance(15)
    assert dora.of(events.Joined)
    assert state(dora) is RoomState.OPEN
    assert not ALARMS & set(problems(dora))
    assert dora.texts() == []
    assert len(authenticators(ann, bob, dora)) == 1
    goes_on(world, ann, bob, dora)


def test_a_commit_of_before_their_admission_is_no_alarm_among_words() -> None:
    """Ann brings the room without her last commits, and words stand before they come again."""
    world, ann, bob, cleo = two_facilitators()
    for away in (ann, cleo):
        away.cut()
        away.online = False
    commit_by(world, bob)
    dora = world.knock(ann.invite(), "Dora")
    world.drop(dora, Resume, most=1)
    world.settle()
    bob.admit(bob.of(events.Knocked)[-1])
    world.settle()
    assert dora.engine.member is not None
    forget(ann, bob, cleo, dora)
    lose_memory(world)
    world.advance(3, stay_away=(bob, dora))
    ann.say("we are back")
    world.advance(float(limits.UNSETTLED_LEAST), stay_away=(bob, dora))
    world.advance(20, stay_away=(dora,))
    commit_by(world, ann)  # hers restates the list
    world.advance(15)
    assert not ALARMS & set(problems(dora))
    assert state(dora) is RoomState.OPEN
    assert len(authenticators(ann, bob, cleo, dora)) == 1
    goes_on(world, ann, bob, dora)
