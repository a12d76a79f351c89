"""An appointment that the relay takes and denies: the only facilitator is that no more, and does
not know it. What a member who comes back is told of the others is here too."""

from dataclasses import replace

from alcove import events
from alcove_protocol.frames import BlobClass, BlobIs, Publish, Published, RequestRefused, Resumed
from alcove_protocol.position import Position

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import group_of
from tests.end_to_end.evil.rooms import (
    a_commit,
    commit_by,
    epochs,
    forget,
    goes_on,
    miss_a_commit,
    problems,
    three,
)
from tests.end_to_end.facilitating import Result, ask, codes, do, facilitators
from tests.end_to_end.world import Client


def denied(world: EvilWorld, ann: Client) -> Result:
    """Ann appoints Bob. The relay takes it, and tells her that it did not. From then on she does
    not see the commit."""
    world.alter(ann, Published, lambda answer: RequestRefused(answer.n, "history_full", ""), most=1)
    result = ask(ann, "appoint", "Bob")
    world.settle()
    world.drop(ann, BlobIs, a_commit, most=1)
    return result


def test_who_was_the_only_facilitator_asks_to_be_let_in_by_the_one_that_she_appointed() -> None:
    """She took what the other committed for nobody's, stayed in her epoch, and stopped all texts
    by heartbeats that nobody could read."""
    world, ann, bob, cleo = three()
    dora = world.join(ann, "Dora")
    world.advance(31)
    forget(ann)
    result = denied(world, ann)
    ann.cut()
    world.advance(1, stay_away=(ann,))
    assert codes(result) == ["history_full"]
    assert facilitators(cleo) == {"Ann", "Bob"}
    assert bob.remove("Dora") == []
    world.advance(2, stay_away=(ann,))
    assert dora.engine.closed is not None
    assert group_of(ann).epoch < group_of(bob).epoch - 1
    world.advance(60)
    assert "held" in problems(ann)
    assert "commit_unreadable" not in problems(ann)
    assert facilitators(ann) == {"Ann", "Bob"}
    assert epochs(ann, bob, cleo) == {group_of(bob).epoch}
    world.advance(31)
    goes_on(world, ann, bob, cleo)


def test_who_may_have_appointed_nobody_does_not_leave_the_room_for_it() -> None:
    """The relay took nothing. It holds her by a commit that never was, and by bytes in the place of
    heartbeats: nobody can let her in, and she goes on when the lies end."""
    world, ann, bob, cleo = three()
    refused = world.answer(
        ann,
        Publish,
        lambda asked: RequestRefused(asked.n, "history_full", ""),
        lambda publish: publish.blob_class == BlobClass.COMMIT,
        most=1,
    )
    result = ask(ann, "appoint", "Bob")
    world.settle()
    assert refused.hits
    assert codes(result) == ["history_full"]
    at = ann.engine.require_member().stream.cursor
    never = Position(at.generation, at.number + 99).encode()
    lied = world.alter(ann, Resumed, lambda answer: replace(answer, base=never))
    ann.cut()
    world.advance(15)
    assert "held" in problems(ann)
    lied.stop()
    at = ann.engine.require_member().stream.cursor
    for number in range(1, 13):
        where = Position(at.generation, at.number + number).encode()
        world.forge(ann, BlobIs(where, BlobClass.BEAT, 0, bytes(64), None, None, None))
        world.advance(60)
    assert ann.engine.closed is None
    assert {bob.engine.closed, cleo.engine.closed} == {None}


def test_who_comes_back_is_told_who_came_and_went_and_who_facilitates() -> None:
    world, ann, _bob, cleo = three()
    world.join(ann, "Dora")
    world.advance(31)
    forget(cleo)
    hidden = world.drop(cleo, BlobIs, a_commit)
    do(world, ann, "appoint", "Bob")
    world.join(ann, "Eve")
    assert ann.remove("Dora") == []
    world.advance(2)
    hidden.stop()
    miss_a_commit(world, ann, cleo)
    world.advance(1)
    cleo.cut()
    world.advance(90)
    assert cleo.members() == {"Ann", "Bob", "Cleo", "Eve"}
    assert [event.name for event in cleo.of(events.Joined)] == ["Eve"]
    (told,) = [e.text for e in cleo.of(events.Problem) if e.code == "members_changed"]
    assert "Dora is gone. Bob facilitates now." in told
    assert "Eve" not in told


def test_who_comes_back_to_the_same_people_is_told_nothing_of_them() -> None:
    world, ann, _bob, cleo = three()
    forget(cleo)
    miss_a_commit(world, ann, cleo)
    world.advance(31)
    commit_by(world, ann)
    world.advance(31)
    states = [event.state for event in cleo.of(events.ConnectionChanged)]
    assert events.ConnectionState.REJOINED in states
    assert not cleo.of(events.Joined)
    assert "members_changed" not in problems(cleo)
