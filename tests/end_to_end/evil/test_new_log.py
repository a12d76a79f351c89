"""The relay restarts before it acknowledged a commit: none is told that they are no member."""

from alcove import events
from alcove.engine.chain_keeper import ChainKeeper
from alcove.events import CloseReason
from alcove_protocol.frames import Authenticated, BlobIs, Published, ReadChain, RequestRefused

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import committer_of, group_of
from tests.end_to_end.evil.rooms import a_commit, authenticators, forget, goes_on, problems, three
from tests.end_to_end.evil.test_lost_welcome import restart, settled
from tests.end_to_end.world import Client


def unacknowledged() -> tuple[EvilWorld, Client, Client, Client]:
    """Dora is in, and Cleo followed. The relay dies, and Ann never learns that her commit was
    taken. Bob was not told of it either."""
    world, ann, bob, cleo = three()
    dora = world.knock(ann.invite(), "Dora")
    lost = world.drop(ann, Published, most=1)
    away = world.drop(bob, BlobIs, a_commit, most=1)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert len(lost.hits) == len(away.hits) == 1
    assert dora.engine.member is not None
    assert group_of(cleo).epoch == group_of(dora).epoch == group_of(ann).epoch + 1
    return world, ann, cleo, dora


def forget_the_commit(ann: Client) -> None:
    """Ann's client gave up the commit on its way, as one does that was restarted."""
    committer = committer_of(ann).committer
    assert committer.in_flight is not None
    committer.in_flight.staged.drop()
    committer.in_flight = None


def forget_the_chain(world: EvilWorld, *clients: Client) -> None:
    """These have not read the history from its start yet, and cannot bring the room."""
    for client in clients:
        world.drop(client, ReadChain)
        member = client.engine.require_member()
        member.bringing.chain = ChainKeeper(member.membership, client.engine.ports)


def test_a_commit_that_the_relay_took_before_it_died_is_taken_again() -> None:
    world, ann, cleo, dora = unacknowledged()
    restart(world)
    world.advance(60)
    assert dora.engine.closed is None
    assert len(authenticators(ann, cleo, dora)) == 1
    assert ann.members() == {"Ann", "Bob", "Cleo", "Dora"}
    assert len(ann.of(events.Knocked)) == 3  # and nobody decides a second time
    settled(world)
    goes_on(world, ann, cleo, dora)


def test_a_commit_that_only_its_author_brings_back_is_taken_again() -> None:
    """The relay has lost the knock that it answers, so its entry says who is a member."""
    world, ann, cleo, dora = unacknowledged()
    forget_the_chain(world, cleo, dora)
    restart(world)
    world.advance(120)
    assert dora.engine.closed is None
    assert len(ann.of(events.Knocked)) == 3  # and nobody decides a second time
    assert len(authenticators(ann, cleo, dora)) == 1
    assert ann.members() == {"Ann", "Bob", "Cleo", "Dora"}
    settled(world)
    goes_on(world, ann, cleo, dora)


def test_a_member_whom_the_relay_no_longer_lists_knocks_again() -> None:
    """The commit that let Dora in is gone with the relay, and with the facilitator's program."""
    world, ann, cleo, dora = unacknowledged()
    forget_the_commit(ann)
    forget_the_chain(world, cleo, dora)
    dora.say("hello?")
    forget(dora)
    restart(world)
    world.advance(20)
    refused = [r for r in world.seen(RequestRefused, dora) if r.code == "not_member"]
    assert refused
    assert dora.engine.closed is None
    world.advance(80)
    assert "knocking_again" in problems(dora)
    assert ann.of(events.Knocked)[-1].name == "Dora"
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert dora.of(events.Joined)[-1].you
    # Cleo is one epoch ahead of all. She asks from one that the others know, and is let in again.
    world.advance(130)
    assert len(authenticators(ann, cleo, dora)) == 1
    goes_on(world, ann, cleo, dora)


def test_without_a_facilitator_who_knows_them_they_wait_for_half_an_hour() -> None:
    world, ann, cleo, dora = unacknowledged()
    forget_the_commit(ann)
    forget_the_chain(world, cleo, dora)
    restart(world)
    world.advance(100)
    assert dora.engine.closed is None
    assert dora.engine.member is None
    assert dora.engine.newcomer is not None  # at the door, where nothing is lost by waiting


def test_in_a_log_that_it_knows_a_client_believes_that_it_is_no_member() -> None:
    """An entry that restates the list can leave a member out, and an honest relay says so."""
    world, _ann, bob, _cleo = three()
    known = bob.engine.require_member().stream.cursor.generation
    lied = world.alter(
        bob,
        Authenticated,
        lambda a: RequestRefused(a.n, "not_member", "", generation=known),
        most=2,
    )
    bob.cut()
    bob.back()
    world.advance(2)
    assert len(lied.hits) == 2  # as a member, and as one that was let go for a lost connection
    assert bob.engine.closed is not None
    assert bob.engine.closed.reason is CloseReason.LOST


def test_a_member_that_a_relay_denies_once_is_in_again_by_asking_as_one_that_was_let_go() -> None:
    world, ann, bob, _cleo = three()
    known = bob.engine.require_member().stream.cursor.generation
    world.alter(
        bob,
        Authenticated,
        lambda a: RequestRefused(a.n, "not_member", "", generation=known),
        most=1,
    )
    bob.cut()
    bob.back()
    world.advance(2)
    bob.say("still here")
    world.settle()
    assert ann.texts()[-1:] == ["still here"]
