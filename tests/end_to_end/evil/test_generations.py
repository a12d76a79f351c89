"""Row 30: a message far ahead of the log makes nobody work, and no honest member is ever ahead."""

import pytest
from alcove import mls
from alcove.events import RoomState
from alcove.group.admission import APPLICATION_AHEAD
from alcove.mls.secret_tree import Borrowed, Ratchet, RatchetKind
from alcove_protocol.frames import BlobClass, Publish, RequestRefused

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    committer_of,
    force_commit,
    group_of,
    rogue_commit,
    rogue_text,
    room_of,
)
from tests.end_to_end.evil.rogue_updates import skip_to
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    forget,
    goes_on,
    miss_a_commit,
    problems,
    state,
    three,
)
from tests.end_to_end.world import Client


def words(client: Client) -> Ratchet:
    """This member's own application ratchet."""
    ratchet = group_of(client)._epoch.secret_tree.ratchet(
        group_of(client).own_index, RatchetKind.APPLICATION
    )
    assert isinstance(ratchet, Ratchet)
    return ratchet


def since_the_commit(world: EvilWorld, client: Client) -> int:
    """The numbers that the log gave since the last merged commit."""
    return (
        world.head(room_of(client)).number - client.engine.require_member().membership.base.number
    )


def say_at(world: EvilWorld, by: Client, generation: int, text: str, counter: int) -> None:
    while words(by).generation < generation:
        words(by).next()
    world.take(room_of(by), rogue_text(by, text, counter=counter), BlobClass.APPLICATION)


@pytest.mark.parametrize(("beyond", "read"), [(0, True), (1, False)])
def test_a_message_is_read_up_to_64_generations_ahead_of_the_log(beyond: int, read: bool) -> None:
    world, ann, mal, cleo = three()
    commit_by(world, ann)
    for number in range(5):
        cleo.say(str(number))
        world.settle()
    forget(ann, cleo)
    numbers = since_the_commit(world, ann) + 1  # with the message itself
    say_at(world, mal, APPLICATION_AHEAD + numbers + beyond, "far ahead", 1)
    for client in (ann, cleo):
        assert client.texts() == (["far ahead"] if read else [])
        assert problems(client) == ([] if read else ["unreadable"])


def test_a_message_far_ahead_derives_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    world, ann, mal, _cleo = three()
    while words(mal).generation < 900:
        words(mal).next()
    blob = rogue_text(mal, "far ahead")
    opened: list[int] = []
    real = Ratchet.open

    def spy(ratchet: Ratchet, generation: int) -> Borrowed:
        opened.append(generation)
        return real(ratchet, generation)

    monkeypatch.setattr(Ratchet, "open", spy)
    world.take(room_of(ann), blob, BlobClass.APPLICATION)
    assert 900 not in opened
    assert problems(ann) == ["unreadable"]


def talk(world: EvilWorld, by: Client, times: int) -> None:
    for number in range(times):
        by.say(str(number))
        world.settle()
        world.advance(1)


def test_a_long_epoch_mutes_nobody() -> None:
    world, ann, bob, cleo = three()
    talk(world, bob, 150)
    assert words(bob).generation >= 150
    assert ann.texts() == cleo.texts() == [str(number) for number in range(150)]


def test_a_burned_commit_does_not_begin_the_count_anew() -> None:
    world, ann, bob, cleo = three()
    talk(world, bob, 100)
    epoch = group_of(ann).epoch
    world.take(room_of(ann), rogue_commit(cleo), BlobClass.COMMIT)
    assert group_of(ann).epoch == epoch
    assert problems(ann) == ["commit_refused"]
    bob.say("still heard")
    world.settle()
    assert ann.texts()[-1] == cleo.texts()[-1] == "still heard"


def test_a_new_generation_of_the_log_adds_what_was_counted_before() -> None:
    world, ann, bob, cleo = three()
    talk(world, bob, 100)
    epoch = group_of(ann).epoch
    world.kill_relay()
    world.start_relay()
    world.advance(40)
    assert group_of(ann).epoch == epoch
    bob.say("still heard")
    world.settle()
    assert ann.texts()[-1] == cleo.texts()[-1] == "still heard"
    say_at(world, cleo, APPLICATION_AHEAD + 100, "not too far", 1)
    assert ann.texts()[-1] == "not too far"


def test_a_member_who_comes_back_counts_from_their_new_epoch() -> None:
    world, ann, bob, cleo = three()
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    world.advance(70, step=5)
    assert len(authenticators(ann, bob, cleo)) == 1
    forget(ann, bob, cleo)
    talk(world, bob, 80)
    assert cleo.texts() == [str(number) for number in range(80)]
    talk(world, cleo, 80)
    assert ann.texts()[-1] == "79"
    assert problems(ann) == problems(cleo) == []


def test_commits_are_never_judged_by_it() -> None:
    """What one member may take and another not must not decide about a commit."""
    world, ann, bob, cleo = three()
    skip_to(ann, 300)
    epoch = group_of(ann).epoch
    commit_by(world, ann)
    assert group_of(bob).epoch == group_of(cleo).epoch == epoch + 1
    goes_on(world, ann, bob, cleo)


def refuse(world: EvilWorld, client: Client, blob_class: BlobClass, code: str) -> list[Publish]:
    """The relay gives none of this client's blobs of a class a number."""
    return world.answer(
        client,
        Publish,
        lambda asked: RequestRefused(asked.n, code, ""),
        lambda asked: asked.blob_class == blob_class,
    ).hits


def test_heartbeats_that_the_relay_refused_are_no_split_when_it_takes_them_again() -> None:
    """Each is encrypted anew. Before others would refuse one, the facilitator begins an epoch."""
    world, ann, bob, cleo = three()
    epoch = group_of(ann).epoch
    refused = refuse(world, ann, BlobClass.BEAT, "busy")
    world.advance(120)  # before the first Update of a member
    assert len(refused) > APPLICATION_AHEAD
    assert group_of(ann).epoch > epoch
    world.tricks.clear()
    forget(bob, cleo)
    world.advance(100)
    assert state(bob) is state(cleo) is RoomState.OPEN
    assert problems(bob) == problems(cleo) == []


def test_texts_that_the_relay_refused_for_good_end_with_one_that_waits() -> None:
    """More than 64 of them. The next waits for the next epoch, and then all hear it."""
    world, ann, bob, cleo = three()
    refused = refuse(world, bob, BlobClass.APPLICATION, "too_large")
    for number in range(APPLICATION_AHEAD + 10):
        bob.say(str(number))
        world.settle()
    world.tricks.clear()
    assert APPLICATION_AHEAD < len(refused) < APPLICATION_AHEAD + 10
    assert not bob.engine.require_member().conversation.may_encrypt
    bob.say("waits")
    world.settle()
    assert ann.texts() == []
    committer_of(ann).refresh_keys()
    world.settle()
    assert ann.texts()[-1] == cleo.texts()[-1] == "waits"
    assert not problems(ann)


def test_the_bound_of_one_message_is_no_bound_of_the_library() -> None:
    """Another program that uses it without the bound takes 1,000, as before."""
    _world, ann, mal, _cleo = three()
    while words(mal).generation < 900:
        words(mal).next()
    taken = group_of(ann).receive(group_of(mal).encrypt(b"far ahead"))
    assert isinstance(taken, mls.ReceivedApplication)
    assert taken.generation == 900


def test_a_participants_commit_far_ahead_is_refused_by_its_author_alone() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    skip_to(bob, 300)
    force_commit(world, bob)
    assert problems(ann) == problems(cleo) == ["commit_refused"]
    goes_on(world, ann, cleo)
