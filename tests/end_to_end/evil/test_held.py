"""Row 9: a client that alone cannot follow is held and comes back, and none is held for good."""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.events import ConnectionState
from alcove.joining.ticket_comer import TicketComer
from alcove.mls.psk import PreSharedKeyID, PskStore
from alcove.mls.secret import Secret
from alcove_protocol.frames import BlobClass, BlobIs, LobbyItem, Publish, RequestRefused

from tests.end_to_end.evil.rogue import (
    commit_blob,
    commit_of_next_epoch,
    committer_of,
    group_of,
    key_package,
    leaf_of,
    now,
    rogue_commit,
    room_of,
)
from tests.end_to_end.evil.rooms import (
    a_commit,
    a_request,
    authenticators,
    commit_by,
    epochs,
    forget,
    goes_on,
    miss_a_commit,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.ticketing import crashes, resumes, ticket_of
from tests.end_to_end.world import Client

pytestmark = pytest.mark.second("Bob")


def states(client: Client) -> list[ConnectionState]:
    return [event.state for event in client.of(events.ConnectionChanged)]


def test_a_client_without_a_commit_is_held_and_let_in_again() -> None:
    world, ann, bob, cleo = three()
    miss_a_commit(world, ann, cleo)
    assert group_of(cleo).epoch == group_of(ann).epoch - 1
    forget(cleo)
    commit_by(world, ann)
    assert problems(cleo)[-1] == "held"
    assert ConnectionState.REJOINED in states(cleo)
    assert cleo.of(events.Gap)
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)
    assert ann.members() == {"Ann", "Bob", "Cleo"}


@pytest.mark.second  # Ann alone: the next test has two
def test_a_commit_of_no_epoch_holds_participants_but_not_the_only_facilitator() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    world.take(room_of(ann), commit_of_next_epoch(bob), BlobClass.COMMIT)
    assert problems(ann) == ["commit_unreadable"]
    assert problems(bob)[0] == problems(cleo)[0] == "held"
    world.advance(1)
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_a_commit_that_holds_all_facilitators_ends_nothing() -> None:
    """For 90 s no facilitator of a later epoch is heard. Then all go on in the old one."""
    world, ann, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    forget(ann, bob, cleo, dora)
    before = epochs(ann, bob, cleo, dora)
    world.take(room_of(ann), commit_of_next_epoch(dora), BlobClass.COMMIT)
    for client in (ann, bob, cleo, dora):
        assert problems(client)[0] == "held"
    world.advance(60, step=5)
    assert epochs(ann, bob, cleo, dora) == before  # none of them commits on the old epoch yet
    world.advance(120, step=1)
    assert len(authenticators(ann, bob, cleo, dora)) == 1
    goes_on(world, ann, bob, cleo, dora)


def test_a_held_facilitator_does_not_commit_while_another_is_heard_in_the_new_epoch() -> None:
    world, ann, bob, _cleo = two_facilitators()
    world.drop(bob, BlobIs, a_commit, most=1)
    commit_by(world, ann)
    world.drop(ann, LobbyItem, a_request)  # no facilitator learns that Bob asks
    before = group_of(bob).epoch
    commit_by(world, ann)
    assert problems(bob)[-1] == "held"
    world.record.clear()
    world.advance(150, step=1)
    assert group_of(bob).epoch == before
    assert not [p for p in world.seen(Publish, bob) if p.blob_class != BlobClass.APPLICATION]


def test_a_replayed_rejoin_request_lets_no_member_in_twice() -> None:
    world, ann, bob, cleo = three()
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    assert ConnectionState.REJOINED in states(cleo)
    request = [item for item in world.seen(LobbyItem, ann) if a_request(item)][-1]
    before = epochs(ann, bob, cleo)
    forget(cleo)
    for later in range(1, 4):
        world.forge(ann, replace(request, number=request.number + later, id=world.random(16)))
        world.settle()
    assert epochs(ann, bob, cleo) == before
    assert cleo.told == []
    goes_on(world, ann, bob, cleo)


def test_a_rejoin_that_the_relay_refused_is_granted_when_asked_for_again() -> None:
    world, ann, bob, cleo = three()
    lied = [
        world.answer(
            client,
            Publish,
            lambda p: RequestRefused(p.n, "room_full", ""),
            lambda p: p.welcomes is not None,
            most=1,
        )
        for client in (ann, bob)  # whoever facilitates
    ]
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    assert any(trick.hits for trick in lied)
    assert group_of(cleo).epoch != group_of(ann).epoch
    world.advance(65)
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_a_rejoin_without_a_request_puts_no_member_out() -> None:
    """A facilitator uses an old KeyPackage of Cleo's. She is held, and comes back."""
    world, ann, bob, cleo = two_facilitators()
    old = key_package(cleo).key_package
    forget(ann, cleo)
    before = group_of(ann).epoch
    blob = rogue_commit(bob, mls.Remove(leaf_of(cleo)), mls.Add(old))
    bob.cut()
    world.take(room_of(ann), blob, BlobClass.COMMIT)
    assert group_of(ann).epoch == before + 1  # the commit was valid
    world.advance(62, stay_away=(bob,))  # a minute after that false return of hers
    assert group_of(ann).epoch == before + 2
    assert ConnectionState.REJOINED in states(cleo)
    assert problems(cleo)[0] == "held"
    assert cleo.engine.closed is None
    assert len(authenticators(ann, cleo)) == 1
    assert "Cleo" in ann.members()
    cleo.say("still here")
    world.settle()
    assert ann.texts() == ["still here"]


@pytest.mark.parametrize("rejoined", [False, True])
def test_the_way_back_by_a_ticket_done_once_more_puts_no_member_out(rejoined: bool) -> None:
    """A facilitator kept the KeyPackage. Others would read that a program was started anew, and she
    that another one took her place, though nobody did."""
    world, ann, bob, cleo = two_facilitators()
    ticket = ticket_of(world, cleo)
    crashes(world, cleo)
    cleo = resumes(world, ticket, "Cleo")
    comer = cleo.engine.newcomer
    assert isinstance(comer, TicketComer)
    assert comer._offer is not None
    old = comer._offer.bundle.key_package
    world.advance(62)
    if rejoined:
        miss_a_commit(world, ann, cleo)
        commit_by(world, ann)
        world.advance(62)
    before = states(cleo).count(ConnectionState.REJOINED)
    assert before == rejoined
    blob = rogue_commit(bob, mls.Remove(leaf_of(cleo)), mls.Add(old))
    bob.cut()
    world.take(room_of(ann), blob, BlobClass.COMMIT)
    world.advance(62, stay_away=(bob,))
    assert cleo.engine.closed is None
    assert states(cleo).count(ConnectionState.REJOINED) == before + 1
    assert len(authenticators(ann, cleo)) == 1
    goes_on(world, ann, cleo)


@pytest.mark.parametrize("number", [0, 1])
def test_a_rejoin_request_under_anothers_key_is_not_granted(number: int) -> None:
    world, ann, bob, cleo = three()
    kept = world.keep_back(ann, LobbyItem, a_request)
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    (asked,) = kept.hits
    kept.stop()
    before = group_of(ann).epoch
    theirs = (bob, ann)[number].engine.identity.relay.public
    world.forge(ann, replace(asked, key=theirs))
    world.settle()
    assert group_of(ann).epoch == before
    assert not committer_of(ann).committer.in_flight


def test_a_commit_with_an_unknown_pre_shared_key_is_burned_and_holds_no_client() -> None:
    """MLS cannot tell whether the key or the member is wrong. The rights table can."""
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    group = group_of(bob)
    psk = PreSharedKeyID.external(group.suite, b"unknown", world.random)
    store = PskStore(external={b"unknown": Secret(bytes(32))})
    staged = group.commit(proposals=(mls.PreSharedKey(psk),), psks=store, now=now(bob))
    world.take(room_of(ann), commit_blob(staged.message), BlobClass.COMMIT)
    assert problems(ann) == problems(cleo) == ["commit_refused"]
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)
