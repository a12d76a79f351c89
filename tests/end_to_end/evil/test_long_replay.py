"""A facilitator comes back to a replay that takes long: a slow line, or a relay that drips."""

from dataclasses import replace

from alcove.events import RoomState
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, BlobIs, Publish, Resumed
from alcove_protocol.position import Position

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rooms import commit_by, goes_on, state, three, two_facilitators
from tests.end_to_end.evil.test_brought_back import lose_memory
from tests.end_to_end.world import Client


def drips(world: EvilWorld, client: Client, old: BlobIs, seconds: int) -> None:
    """Twice a second a blob comes, which this client has, and the replay goes on."""
    for _ in range(2 * seconds):
        world.forge(client, old)
        world.advance(0.5, step=0.5)


def comes_back_to_a_replay(world: EvilWorld, client: Client) -> None:
    def far(answer: Resumed) -> Resumed:
        head = Position.decode(answer.head)
        return replace(answer, head=replace(head, number=head.number + 1000).encode())

    told = world.alter(client, Resumed, far, most=1)
    client.cut()
    client.back()
    world.settle()
    assert len(told.hits) == 1


def beats(world: EvilWorld, client: Client) -> int:
    sent = world.seen(Publish, client)
    return sum(frame.blob_class == BlobClass.BEAT for frame in sent)


def test_a_room_is_held_by_a_facilitator_whose_replay_takes_long() -> None:
    world, ann, bob, cleo = three()
    comes_back_to_a_replay(world, ann)
    before, old = beats(world, ann), world.last_blob(bob, BlobClass.COMMIT)
    drips(world, ann, old, limits.HEARTBEAT_INTERVAL - 5)
    assert beats(world, ann) == before  # it would name a number that the others passed long ago
    drips(world, ann, old, limits.READ_ONLY_AFTER)
    assert beats(world, ann) > before
    for client in (ann, bob, cleo):
        assert state(client) is RoomState.OPEN
    goes_on(world, ann, bob, cleo)


def test_no_heartbeat_goes_to_a_log_whose_commits_are_not_known_here() -> None:
    """The relay has a commit that Ann's client did not follow, and would refuse each one: one a
    second, for as long as the log is not settled."""
    world, ann, bob, cleo = two_facilitators()
    ann.cut()
    commit_by(world, bob)
    cleo.cut()
    lose_memory(world)
    world.advance(5, stay_away=(ann, cleo))
    ann.back()
    world.advance(2, stay_away=(cleo,))
    assert ann.engine.require_member()._following.waits
    before = beats(world, ann)
    world.advance(40, stay_away=(cleo,))
    assert ann.engine.require_member()._following.waits
    assert beats(world, ann) == before
    world.advance(60)
    assert beats(world, ann) > before
    goes_on(world, ann, bob, cleo)
