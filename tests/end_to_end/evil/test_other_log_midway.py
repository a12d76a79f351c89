"""A relay names another log in the middle of a connection.

One node of several does it without a lie: the relay lost its memory, another node has the room that
was brought back, and this one learns of it when its client asks.
"""

from collections.abc import Callable
from dataclasses import replace

from alcove import events
from alcove.events import RoomState
from alcove_protocol import limits
from alcove_protocol.frames import Reseat, Resume, Resumed
from alcove_protocol.position import Position

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import room_of
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    forget,
    goes_on,
    miss_a_commit,
    problems,
    state,
    two_facilitators,
)
from tests.end_to_end.evil.test_brought_back import lose_memory, unsettled
from tests.end_to_end.world import Client

LEAST = float(limits.UNSETTLED_LEAST)
ALARMS = {"commit_unreadable", "beat_unreadable", "roster_mismatch"}


def loses_memory_beside(world: EvilWorld, *others: Client) -> None:
    """The relay loses its memory. Only these clients are cut off: the node of the rest knows
    nothing of it yet."""
    world.relay = None
    for client in others:
        client.cut()
    world.start_relay()


def naming_the_new_log(world: EvilWorld, room: bytes) -> Callable[[Resumed], Resumed]:
    def renamed(answer: Resumed) -> Resumed:
        head = world.head(room)
        base = Position(head.generation, 1).encode()
        return replace(answer, head=head.encode(), base=base, lost=True)

    return renamed


def test_who_asks_for_presence_and_hears_of_another_log_comes_in_as_with_any_new_log() -> None:
    """Bob's commit, which Cleo followed, is lost. Ann's took its place in the log brought back."""
    world, ann, bob, cleo = two_facilitators()
    ann.cut()
    commit_by(world, bob)
    loses_memory_beside(world, ann, bob)
    forget(ann, bob, cleo)
    named = world.alter(cleo, Resumed, naming_the_new_log(world, room_of(ann)), most=1)
    world.advance(25 + LEAST, stay_away=(bob,))
    world.advance(limits.UNSETTLED - LEAST, stay_away=(bob,), step=5)
    commit_by(world, ann)
    world.advance(400, step=2)
    assert len(named.hits) == 1
    assert not ALARMS & set(problems(cleo))
    assert len(authenticators(ann, bob, cleo)) == 1
    assert state(cleo) is RoomState.OPEN
    goes_on(world, ann, bob, cleo)


def test_who_looks_whether_a_log_is_settled_and_hears_of_another_one_comes_in_as_always() -> None:
    """The relay loses its memory twice, the second time while the first new log is unsettled. Cleo
    lacks a commit, and waits for either log to be settled."""
    world, ann, bob, cleo = two_facilitators()
    miss_a_commit(world, ann, cleo)
    lose_memory(world)
    world.advance(5)
    assert unsettled(cleo)
    loses_memory_beside(world, ann, bob)
    forget(ann, bob, cleo)
    named = world.alter(cleo, Resumed, naming_the_new_log(world, room_of(ann)), most=1)
    while not named.hits:
        world.advance(1)
    cleo.cut()  # its node closes the connections of the log that is gone
    before = len(world.seen(Reseat, cleo))
    world.advance(2 * LEAST)
    assert len(world.seen(Reseat, cleo)) > before  # Cleo's client says what it knows in each log
    assert not ALARMS & set(problems(cleo))
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_a_newcomer_who_reads_its_admission_and_hears_of_another_log_knocks_again() -> None:
    """Bob was away, and brings the room. His commit takes the place of Dora's admission. Her client
    does not know that log yet, so no ending in it is final."""
    world, ann, bob, cleo = two_facilitators()
    bob.cut()
    dora = world.knock(ann.invite(), "Dora")
    asked = world.keep_back(dora, Resume, lambda _: bool(dora.of(events.Joined)))
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    asked.stop()
    (frame,) = asked.hits
    loses_memory_beside(world, ann, bob, cleo)
    world.advance(3, stay_away=(ann, cleo))
    head = world.head(room_of(bob))
    base = Position(head.generation, 1).encode()
    world.forge(dora, Resumed(frame.n, head.encode(), base, bytes(32), True, False, 0, False))
    absent = (ann, cleo, dora)
    world.advance(LEAST + 15, stay_away=absent)
    world.advance(limits.UNSETTLED - LEAST, stay_away=absent, step=5)
    commit_by(world, bob)
    world.advance(30)
    assert dora.engine.closed is None
    world.advance(400, step=2)
    bob.admit(bob.of(events.Knocked)[-1])
    world.settle()
    assert len(authenticators(ann, bob, cleo, dora)) == 1
    goes_on(world, bob, ann, cleo, dora)
