"""Row 8: what a relay leaves out when it brings a member up to date.

Heartbeats expire first. So a missing number is no gap by itself, and the log hash goes on over it.
The next heartbeat of a facilitator shows whether it was more.
"""

from dataclasses import replace

import pytest
from alcove import events
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, BlobIs, Resumed
from alcove_protocol.position import Position

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rooms import forget, gaps, problems, three
from tests.end_to_end.world import Client

pytestmark = pytest.mark.second("Bob")

BEAT: int = limits.HEARTBEAT_INTERVAL + 1
"""Seconds in which a heartbeat comes."""


def application(blob: BlobIs) -> bool:
    return blob.blob_class == BlobClass.APPLICATION


def states(client: Client) -> list[events.RoomState]:
    return [event.state for event in client.of(events.RoomChanged)]


def anchored(world: EvilWorld, *clients: Client) -> None:
    """All have a log hash, and nothing that was told before counts."""
    world.advance(2 * BEAT)
    for client in clients:
        assert client.engine.require_member().stream.log.anchored
    forget(*clients)


@pytest.mark.parametrize("away", [5, 2 * limits.HEARTBEAT_TTL])
def test_a_last_message_left_out_of_a_replay_is_a_gap_with_the_next_heartbeat(away: int) -> None:
    """Its author does not speak again, and Cleo has never heard them."""
    world, ann, bob, cleo = three()
    anchored(world, ann, bob, cleo)
    cleo.cut()
    bob.say("unheard")
    world.advance(away, stay_away=(cleo,))
    dropped = world.drop(cleo, BlobIs, application)
    cleo.back()
    world.settle()
    assert dropped.hits
    dropped.stop()
    world.advance(BEAT)
    assert cleo.texts() == []
    assert cleo.of(events.Gap) == [events.Gap(None)]
    assert events.RoomState.SPLIT not in states(cleo)
    world.advance(2 * BEAT)
    bob.say("and on")
    world.settle()
    assert cleo.texts() == ["and on"]
    assert gaps(cleo) == [None]
    assert problems(cleo) == []
    assert cleo.engine.require_member().stream.log.anchored


def test_who_was_away_until_heartbeats_expired_is_told_of_no_gap_and_compares_again() -> None:
    world, ann, bob, cleo = three()
    anchored(world, ann, bob, cleo)
    cleo.cut()
    bob.say("one")
    world.advance(2 * limits.HEARTBEAT_TTL, stay_away=(cleo,))
    bob.say("two")
    cleo.back()
    world.settle()
    log = cleo.engine.require_member().stream.log
    world.advance(BEAT)
    assert log is cleo.engine.require_member().stream.log
    assert log.anchored
    assert log.current == ann.engine.require_member().stream.log.current
    assert cleo.texts() == ["one", "two"]
    assert gaps(cleo) == []
    assert events.RoomState.SPLIT not in states(cleo)
    assert problems(cleo) == []


def test_a_message_left_out_behind_a_false_end_of_the_log_is_a_gap_with_the_next_heartbeat() -> (
    None
):
    """The relay claims a far head, so that a number missing later passes for an expired one."""
    world, ann, bob, cleo = three()
    anchored(world, ann, bob, cleo)

    def far(answer: Resumed) -> Resumed:
        head = Position.decode(answer.head)
        return replace(answer, head=replace(head, number=head.number + 1000).encode())

    world.alter(cleo, Resumed, far)
    cleo.cut()
    cleo.back()
    world.settle()
    dropped = world.drop(cleo, BlobIs, application, most=1)
    bob.say("unheard")
    world.settle()
    ann.say("heard")
    world.settle()
    assert len(dropped.hits) == 1
    assert gaps(cleo) == []
    world.advance(BEAT)
    assert cleo.texts() == ["heard"]
    assert gaps(cleo) == [None]


def test_what_expired_by_the_relays_own_word_is_told_once() -> None:
    world = EvilWorld()
    ann = world.open("Ann", ttl=60)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    anchored(world, ann, bob, cleo)
    cleo.cut()
    bob.say("gone")
    world.advance(2 * limits.HEARTBEAT_TTL, stay_away=(cleo,))
    cleo.back()
    world.settle()
    assert gaps(cleo) == [None]
    world.advance(3 * BEAT)
    assert gaps(cleo) == [None]
    assert cleo.engine.require_member().stream.log.anchored
