"""The relay lost its memory. Members bring the room back, and the first may be stale, or lie."""

from dataclasses import replace

from alcove import events
from alcove.events import CloseReason, ConnectionState, RoomState
from alcove.group.outcomes import Person
from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobIs,
    Resumed,
)

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import committer_of, demote, group_of
from tests.end_to_end.evil.rooms import (
    a_commit,
    authenticators,
    commit_by,
    epochs,
    goes_on,
    miss_a_commit,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.evil.test_lost_welcome import settled
from tests.end_to_end.world import Client

LEAST = float(limits.UNSETTLED_LEAST)


def lose_memory(world: EvilWorld) -> None:
    world.kill_relay()
    world.start_relay()


def unsettled(client: Client) -> bool:
    return client.engine.require_member().bringing.unsettled


def test_each_member_reads_the_chain_and_verifies_it() -> None:
    _world, ann, bob, cleo = three()
    chains = [c.engine.require_member().bringing.chain.whole() for c in (ann, bob, cleo)]
    assert chains[0] is not None
    assert chains[0] == chains[1] == chains[2]


def test_a_participant_brings_the_room_whose_facilitator_is_away() -> None:
    world, ann, bob, cleo = three()
    commit_by(world, ann)
    lose_memory(world)
    world.advance(50, stay_away=(ann,))
    assert bob.of(events.ConnectionChanged)[-1].state is ConnectionState.RESUMED
    bob.say("is somebody here?")
    world.settle()
    assert cleo.texts() == ["is somebody here?"]
    world.advance(20)
    settled(world)
    goes_on(world, ann, bob, cleo)
    assert world.join(ann, "Dora").members() == ann.members()  # her invites work, too


def test_a_room_whose_founder_left_comes_back() -> None:
    """The appointee came by a Welcome, long after entry 0."""
    world, ann, bob, cleo = two_facilitators()
    ann.engine.commands.leave(lambda: None)
    world.advance(2)
    assert bob.members() == {"Bob", "Cleo"}
    lose_memory(world)
    world.advance(5)
    settled(world)
    goes_on(world, bob, cleo)


def demoted_unseen(world: EvilWorld, ann: Client, bob: Client, cleo: Client) -> None:
    """Ann demotes Bob, of which Bob is not told, and goes. Cleo has seen it."""
    world.drop(bob, BlobIs, a_commit, most=1)
    demote(world, ann, bob)
    assert group_of(cleo).epoch == group_of(ann).epoch > group_of(bob).epoch


def test_a_stale_facilitator_who_is_first_gives_way() -> None:
    world, ann, bob, cleo = two_facilitators()
    demoted_unseen(world, ann, bob, cleo)
    before = group_of(cleo).epoch
    lose_memory(world)
    world.advance(20, stay_away=(ann, cleo))  # Bob brings the room as he knows it
    assert unsettled(bob)
    committer_of(bob).refresh_keys()
    world.advance(20, stay_away=(ann,))
    assert epochs(cleo) == {before}
    assert not any(p.facilitator for p in people(cleo) if p.name == "Bob")
    world.advance(200)
    assert len(authenticators(ann, cleo)) == 1


def people(client: Client) -> tuple[Person, ...]:
    return client.engine.require_member().membership.people()


def test_no_commit_is_followed_in_an_unsettled_log_that_was_not_merged_before() -> None:
    """Cleo is one behind what was brought. She follows when the log is settled, and not before."""
    world, ann, bob, cleo = three()
    miss_a_commit(world, ann, cleo)
    before = group_of(cleo).epoch
    lose_memory(world)
    world.advance(LEAST - 10)
    assert unsettled(cleo)
    assert group_of(cleo).epoch == before
    assert "held" not in problems(cleo)
    settled(world)
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_an_acknowledged_commit_that_the_relay_lost_is_taken_again() -> None:
    """Ann was away when Bob committed. She brings the room as it was before."""
    world, ann, bob, cleo = two_facilitators()
    ann.cut()
    commit_by(world, bob)
    ahead = group_of(bob).epoch
    lose_memory(world)
    world.advance(10, stay_away=(bob, cleo))
    assert group_of(ann).epoch == ahead - 1
    world.advance(10)
    settled(world)
    assert epochs(ann, bob, cleo) == {ahead}
    assert len(authenticators(ann, bob, cleo)) == 1
    told = problems(ann) + problems(bob) + problems(cleo)
    assert not {"held", "commit_refused", "commit_unreadable"} & set(told)
    goes_on(world, bob, ann, cleo)


def test_several_acknowledged_commits_that_the_relay_lost_are_taken_again() -> None:
    world, ann, bob, cleo = two_facilitators()
    ann.cut()
    for _ in range(3):
        commit_by(world, bob)
    ahead = group_of(bob).epoch
    lose_memory(world)
    world.advance(10, stay_away=(bob, cleo))
    world.advance(10)
    settled(world)
    assert epochs(ann, bob, cleo) == {ahead}
    assert "held" not in problems(ann) + problems(bob) + problems(cleo)
    goes_on(world, bob, ann, cleo)


def test_a_member_who_comes_after_a_lost_commit_was_taken_again_is_told_no_split() -> None:
    """The log has heartbeats and words of the epoch before in front of it."""
    world, ann, bob, cleo = two_facilitators()
    ann.cut()
    commit_by(world, bob)
    lose_memory(world)
    world.advance(10, stay_away=(bob, cleo))
    ann.say("is somebody here?")
    world.advance(LEAST + 20, stay_away=(cleo,))
    assert epochs(ann, bob, cleo) == {group_of(cleo).epoch}
    world.advance(5)
    assert RoomState.SPLIT not in [event.state for event in cleo.of(events.RoomChanged)]
    assert cleo.of(events.Gap)
    goes_on(world, bob, ann, cleo)


def test_who_is_on_a_dead_branch_is_let_in_again_when_another_commit_won() -> None:
    world, ann, bob, cleo = two_facilitators()
    ann.cut()
    commit_by(world, bob)
    lose_memory(world)
    world.advance(10, stay_away=(bob, cleo))
    world.advance(LEAST + 15, stay_away=(bob, cleo))
    world.advance(limits.UNSETTLED - LEAST, stay_away=(bob, cleo), step=5)
    commit_by(world, ann)
    world.advance(400, step=2)
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_a_removal_in_a_log_that_a_client_did_not_know_is_doubted_for_half_an_hour() -> None:
    world, ann, bob, cleo = three()
    bob.cut()
    lose_memory(world)
    world.advance(5, stay_away=(bob,))
    world.advance(LEAST + 15, stay_away=(bob,))
    ann.remove("Bob")
    world.settle()
    world.advance(60)
    assert bob.engine.closed is None
    assert "ending_doubted" in problems(bob)
    world.advance(limits.FINAL_AFTER, step=5)
    closed = bob.engine.closed
    assert closed is not None
    assert closed.reason is CloseReason.REMOVED
    goes_on(world, ann, cleo)


def test_a_relay_that_calls_every_log_new_stops_no_conversation() -> None:
    """It can keep facilitators from committing in any case: it need only refuse."""
    world, ann, bob, cleo = three()
    world.alter(bob, Resumed, lambda r: replace(r, unsettled=600))
    bob.cut()
    world.advance(30)
    bob.say("still here")
    world.settle()
    assert ann.texts()[-1] == cleo.texts()[-1] == "still here"


def test_a_relay_that_says_that_histories_conflict_is_told_to_the_person_once() -> None:
    world, _ann, bob, _cleo = three()
    world.alter(bob, Resumed, lambda r: replace(r, disputed=True, unsettled=5))
    bob.cut()
    world.advance(40)
    assert problems(bob).count("roster_conflict") == 1
