"""The relay takes a commit or a message, and answers its author that it did not."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.errors import AlcoveError
from alcove.facilitation.committer import ASIDE_MOST
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Publish,
    Published,
    RequestRefused,
    Resumed,
)

from tests.end_to_end.evil.relay import EvilWorld, Trick
from tests.end_to_end.evil.rogue import Making, committer_of, group_of
from tests.end_to_end.evil.rooms import (
    a_commit,
    authenticators,
    commit_by,
    forget,
    goes_on,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client


def refused_but_taken(
    world: EvilWorld, author: Client, code: str = "door_used"
) -> Trick[Published]:
    """The next publish of this client is taken, and it is told that it was refused."""
    return world.alter(author, Published, lambda p: RequestRefused(p.n, code, ""), most=1)


def ends(client: Client, id: str) -> list[str]:
    """What this client was told of its message, in order."""
    kinds = (events.Sent, events.Queued, events.Failed)
    return [type(e).__name__ for e in client.told if isinstance(e, kinds) and e.id == id]


@pytest.mark.parametrize("lone", [True, False])
def test_a_removal_that_was_taken_and_refused_is_merged_by_its_author(lone: bool) -> None:
    world, ann, bob, cleo = three() if lone else two_facilitators()
    out, stays = (bob, cleo) if lone else (cleo, bob)
    forget(ann, bob, cleo)
    lied = refused_but_taken(world, ann)
    result = ann.remove(out.name)
    world.settle()
    assert len(lied.hits) == 1
    assert isinstance(result[0], AlcoveError)
    assert out.engine.closed is not None
    assert group_of(ann).epoch == group_of(stays).epoch - 1  # and Ann does not know of it yet
    world.advance(60)
    assert result[1:] == [None]
    assert [event.name for event in ann.of(events.Removed)] == [out.name]
    assert ann.members() == stays.members() == {"Ann", stays.name}
    assert len(authenticators(ann, stays)) == 1
    # Of two facilitators each looks whether the relay lets people knock by all invites. As far as
    # Ann knows the group lists that of the removed member, and the relay lets nobody knock by it.
    assert problems(ann) + problems(stays) == ([] if lone else ["invite_shut"])
    goes_on(world, ann, stays)


def test_the_commit_that_was_made_instead_gives_way_to_the_one_that_was_taken() -> None:
    world, ann, _bob, cleo = three()
    dora = world.knock(ann.invite(), "Dora")
    refused_but_taken(world, ann)
    first = ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    second = ann.remove("Bob")  # staged on the epoch that the others have left
    world.advance(60)
    assert isinstance(first[0], AlcoveError)
    assert second == [None]
    assert "Dora" in [event.name for event in ann.of(events.Joined)]  # the commit was taken
    assert dora.engine.member is not None
    assert ann.members() == cleo.members() == {"Ann", "Cleo", "Dora"}
    goes_on(world, ann, cleo, dora)


def test_a_commit_that_comes_in_the_log_later_is_merged_at_once() -> None:
    """Without a doubt of its author's: the replay after a resume brings it."""
    world, ann, bob, cleo = three()
    refused_but_taken(world, ann, "unknown_knock")
    result: list[Exception | None] = []
    ann.engine.commands.remove("Bob", result.append)
    world.settle()
    assert committer_of(ann).committer.in_flight is None
    ann.cut()
    ann.back()
    world.settle()
    assert result[1:] == [None]
    assert len(authenticators(ann, cleo)) == 1
    goes_on(world, ann, cleo)
    assert bob.engine.closed is not None


def test_a_commit_that_was_taken_is_known_again_behind_any_number_of_refused_ones() -> None:
    """The group keeps few of them. Without its secrets the lone facilitator could follow neither
    the commit nor anything after it, and nobody could let her in again."""
    world, ann, bob, cleo = three()
    committer = committer_of(ann).committer
    refused_but_taken(world, ann)
    first: list[Exception | None] = []
    ann.engine.commands.remove("Bob", first.append)
    world.settle()
    refuses = world.answer(
        ann,
        Publish,
        lambda p: RequestRefused(p.n, "bad_roster", ""),
        lambda p: p.blob_class == BlobClass.COMMIT,
    )
    hidden = world.drop(ann, BlobIs, a_commit)
    answers: list[object] = []
    for _ in range(2 * ASIDE_MOST):
        committer.want(Making(answers.append))
        world.settle()
    assert len(answers) == ASIDE_MOST - 1  # and the others wait behind the one that is sent again
    assert len(committer._aside) == ASIDE_MOST
    world.advance(40)
    assert len({p.id for p in refuses.hits}) == ASIDE_MOST
    assert "change_waits" in problems(ann)
    refuses.stop()
    hidden.stop()
    ann.cut()
    ann.back()
    world.advance(2 * ASIDE_MOST)
    assert first[1:] == [None]
    assert committer.idle
    assert bob.engine.closed is not None
    goes_on(world, ann, cleo)


def test_a_facilitator_goes_on_after_a_relay_refused_many_commits_with_reason() -> None:
    world, ann, bob, cleo = three()
    committer = committer_of(ann).committer
    refuses = world.answer(
        ann,
        Publish,
        lambda p: RequestRefused(p.n, "unknown_knock", ""),
        lambda p: p.blob_class == BlobClass.COMMIT,
        most=ASIDE_MOST,
    )
    answers: list[object] = []
    for _ in range(ASIDE_MOST + 2):
        committer.want(Making(answers.append))
        world.settle()
    world.advance(5)
    assert len(refuses.hits) == ASIDE_MOST
    assert answers[ASIDE_MOST:] == [None, None]
    assert committer._aside == []
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("code", ["not_member", "too_large", "bad_statement"])
@pytest.mark.parametrize("author", [0, 1])
def test_a_message_that_was_taken_and_refused_is_sent_at_last(author: int, code: str) -> None:
    """The lone facilitator's, and a participant's."""
    world, *people = three()
    bob = people.pop(author)
    ann, cleo = people
    lied = refused_but_taken(world, bob, code)
    id = bob.say("hello")
    world.settle()
    assert len(lied.hits) == 1
    assert ann.texts() == cleo.texts() == ["hello"]
    assert ends(bob, id) == ["Failed"]
    bob.cut()
    bob.back()
    world.settle()
    assert ends(bob, id) == ["Failed", "Sent"]
    bob.engine.commands.retract(id)  # it is the author's again
    world.settle()
    assert [e.id for e in cleo.of(events.Retracted)] == [id]
    assert not problems(bob) + problems(ann) + problems(cleo)
    goes_on(world, *((ann, bob, cleo) if author else (bob, ann, cleo)))


def test_a_hole_that_may_be_ones_own_message_is_looked_at() -> None:
    """Nobody cuts the connection: the number that is missing gives it away."""
    world, ann, bob, cleo = three()
    refused_but_taken(world, bob, "too_large")
    id = bob.say("hello")
    world.settle()
    assert ends(bob, id) == ["Failed"]
    world.advance(3)
    assert ends(bob, id) == ["Failed", "Sent"]
    assert not bob.of(events.Gap) + ann.of(events.Gap) + cleo.of(events.Gap)
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("hides_the_end", [False, True])
def test_a_relay_that_keeps_a_number_back_makes_a_client_come_again_once(
    hides_the_end: bool,
) -> None:
    world, ann, bob, cleo = three()
    if hides_the_end:  # then each replay has the same hole as a running connection
        stream = bob.engine.require_member().stream
        world.alter(bob, Resumed, lambda r: replace(r, head=stream.cursor.encode()))
    world.answer(bob, Publish, lambda p: RequestRefused(p.n, "not_member", ""))
    bob.say("hello")
    world.settle()
    forget(bob)
    withheld = world.drop(bob, BlobIs, lambda b: b.blob_class == BlobClass.APPLICATION)
    world.advance(1)
    cleo.say("one")
    world.settle()
    ann.engine.require_member().beat()
    world.settle()
    world.advance(5)
    assert len(withheld.hits) >= 2  # live, and in the replay
    gone = [e for e in bob.of(events.ConnectionChanged) if str(e.state) == "reconnecting"]
    assert len(gone) == 1
    assert bob.of(events.Gap)


def test_a_message_that_comes_behind_what_stood_in_for_it_was_not_sent() -> None:
    """Its counter is used by then, so nobody shows it."""
    world, ann, bob, cleo = three()
    lied = world.answer(bob, Publish, lambda p: RequestRefused(p.n, "too_large", ""), most=1)
    id = bob.say("hello")
    world.settle()
    (first,) = lied.hits
    assert ends(bob, id) == ["Failed"]
    world.advance(1)  # the void goes
    world.take(group_of(ann).group_id, first.blob, BlobClass.APPLICATION)
    assert ann.texts() == cleo.texts() == []
    assert ends(bob, id) == ["Failed"]
    goes_on(world, ann, bob, cleo)


def test_a_message_of_an_epoch_that_is_over_was_not_sent() -> None:
    """The relay delivers it behind a commit, where no member can read it."""
    world, ann, bob, cleo = three()
    id = bob.say("hello")
    (data,) = bob.engine.link.outgoing
    assert data
    bob.engine.link.outgoing.clear()  # the relay keeps it, and says nothing
    blob = bob.engine.require_member().conversation.outbox.waiting()[0].blob
    commit_by(world, ann)
    world.take(group_of(ann).group_id, blob, BlobClass.APPLICATION)
    assert ann.texts() == cleo.texts() == []
    assert ends(bob, id) == []
