"""Many requests of one participant, or of the relay, cost few commits and little memory."""

from alcove.facilitation.member_requests import REJOINS_MOST
from alcove_protocol.frames import LobbyItem, LobbyKind, Publish
from alcove_protocol.labels import Label
from alcove_protocol.statements import LeaveStatement

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import committer_of, group_of, room_of
from tests.end_to_end.evil.rooms import authenticators, goes_on, three, two_facilitators
from tests.end_to_end.evil.test_requests import rejoin_of, tell
from tests.end_to_end.world import Client


def ask_ten_times_a_second(world: EvilWorld, rogue: Client, seconds: int) -> None:
    """Rejoins through the honest relay, by a member who follows each of them."""
    member = rogue.engine.require_member()
    for _ in range(10 * seconds):
        if rogue.engine.link.live:
            member._rejoining.ask()
        world.advance(0.1, step=0.1)


def test_a_participant_who_asks_for_rejoins_without_end_gets_few() -> None:
    world, ann, bob, cleo = three()
    before = group_of(ann).epoch
    ask_ten_times_a_second(world, bob, 60)
    assert 1 <= group_of(ann).epoch - before <= 2 * REJOINS_MOST
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_several_facilitators_take_no_more_rejoins_than_one() -> None:
    world, ann, bob, cleo = two_facilitators()
    before = group_of(ann).epoch
    ask_ten_times_a_second(world, cleo, 60)
    assert 1 <= group_of(ann).epoch - before <= 2 * REJOINS_MOST
    assert len(authenticators(ann, bob, cleo)) == 1


def test_one_members_rejoins_put_off_no_other_member() -> None:
    world, ann, bob, cleo = three()
    ask_ten_times_a_second(world, bob, 2)
    before = group_of(ann).epoch
    tell(world, ann, cleo, rejoin_of(world, cleo), cleo, None)
    assert group_of(ann).epoch == before + 1


def test_an_honest_client_that_was_refused_asks_again_and_is_let_in() -> None:
    world, ann, bob, cleo = three()
    member = cleo.engine.require_member()
    for granted in (*[1] * REJOINS_MOST, 0):
        before = group_of(ann).epoch
        member._rejoining.ask()
        world.advance(1)
        assert group_of(ann).epoch == before + granted
    world.advance(60)
    before = group_of(ann).epoch
    member._rejoining.ask()
    world.settle()
    assert group_of(ann).epoch == before + 1
    goes_on(world, ann, bob, cleo)


def test_a_facilitator_who_cannot_commit_queues_few_rejoins_of_each_member() -> None:
    world, ann, bob, _cleo = three()
    world.drop(ann, Publish)
    for _ in range(20):
        tell(world, ann, bob, rejoin_of(world, bob), bob, None)
    committer = committer_of(ann).committer
    assert committer.in_flight is not None
    assert len(committer._queue) == REJOINS_MOST - 1


def test_leaves_that_the_relay_signed_for_strangers_are_not_queued() -> None:
    world, ann, bob, _cleo = three()
    world.drop(ann, Publish)
    facilitator = committer_of(ann)
    tell(world, ann, bob, rejoin_of(world, bob), bob, None)  # in flight: all else waits
    for _ in range(20):
        stranger = world.client("nobody").engine.identity.relay
        leave = LeaveStatement(room_of(ann), stranger.public, 0)
        blob = stranger.sign(Label.LEAVE, leave).encode()
        number = facilitator.lobby.number + 1
        item = LobbyItem(number, LobbyKind.LEAVE, world.random(16), stranger.public, 0, blob)
        world.forge(ann, item)
    assert len(facilitator.committer._queue) == 0
