"""Two parts of a group at one epoch number, and what a burned commit tells."""

import pytest
from alcove import mls
from alcove.events import Problem
from alcove_protocol.frames import BlobClass

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    Making,
    committer_of,
    group_of,
    leaf_of,
    rogue_commit,
    room_of,
)
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    epochs,
    forget,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client


def forked(
    talk: tuple[str, ...] = ("one", "two", "three"),
) -> tuple[EvilWorld, list[Client]]:
    """Bob and Dora were at another node for a while. Both nodes' facilitators committed once."""
    world, ann, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    world.advance(31, step=31)
    world.split(bob, dora)
    commit_by(world, ann)
    done: list[object] = []
    committer_of(bob).committer.want(Making(done.append))
    world.settle()
    world.advance(35, step=5)
    assert done == [None]
    for text in talk:
        ann.say(text)  # so that the first node's log is the longer one
        world.settle()
    everybody = [ann, bob, cleo, dora]
    assert len(epochs(*everybody)) == 1
    assert len(authenticators(*everybody)) == 2
    world._at_other = set()
    forget(*everybody)
    for client in (bob, dora):
        client.cut()
        client.back()
    world.settle()
    return world, everybody


@pytest.mark.interpreted  # copies the store's memory
def test_true_commits_of_the_other_part_are_not_called_refused_by_all() -> None:
    world, (ann, bob, _cleo, dora) = forked()
    commit_by(world, ann)
    for client in (bob, dora):
        assert "commit_refused" not in problems(client)
        assert "commit_unreadable" in problems(client)


@pytest.mark.interpreted  # copies the store's memory
def test_who_was_in_the_other_part_comes_back_by_an_epoch_from_before_it() -> None:
    world, (ann, bob, cleo, dora) = forked()
    commit_by(world, ann)
    commit_by(world, ann)
    assert problems(bob)[-1] == problems(dora)[-1] == "held"
    world.advance(130, step=1)
    assert len(authenticators(ann, bob, cleo, dora)) == 1
    assert ann.members() == dora.members() == {"Ann", "Bob", "Cleo", "Dora"}


def test_a_refused_commit_tells_who_tried_what() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    world.take(room_of(ann), rogue_commit(bob, mls.Remove(leaf_of(cleo))), BlobClass.COMMIT)
    for client in (ann, cleo):
        (told,) = client.of(Problem)
        assert told.code == "commit_refused"
        assert told.text == "Bob tried to remove Cleo, which is not allowed. Nothing has changed."
    assert group_of(ann).epoch == group_of(cleo).epoch
