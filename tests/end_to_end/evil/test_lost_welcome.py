"""A Welcome is lost: its receiver asks again, and is shown as not heard until then."""

from dataclasses import replace

from alcove import events
from alcove.events import ConnectionState
from alcove.relay.transport import TransportOptions
from alcove.room import Room
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, BlobIs, LobbyItem, LobbyRequest, WelcomeIs

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    commit_of_next_epoch,
    committer_of,
    group_of,
    relay_key,
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
)
from tests.end_to_end.evil.test_held import states
from tests.end_to_end.world import ORIGIN, Client


def restart(world: EvilWorld) -> None:
    """The relay dies with all that it has in memory, and comes back."""
    world.kill_relay()
    world.advance(3)
    world.start_relay()


def settled(world: EvilWorld) -> None:
    """The new log is no longer new: all members named the head of the one history."""
    world.advance(float(limits.UNSETTLED_LEAST + 15))


def unheard(client: Client) -> set[str]:
    """The names that the SDK's list of members has as not heard yet."""
    room = Room(client.engine, ORIGIN, TransportOptions())
    return {member.name for member in room.members if not member.heard}


def admitted_without_welcome() -> tuple[EvilWorld, Client, Client, Client]:
    """Bob is on the list, and his Welcome died with the relay."""
    world = EvilWorld()
    ann = world.open("Ann")
    cleo = world.join(ann, "Cleo")
    bob = world.knock(ann.invite(), "Bob")
    lost = world.drop(bob, WelcomeIs)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    lost.stop()
    assert len(lost.hits) == 1
    return world, ann, bob, cleo


def test_a_newcomer_whose_welcome_died_with_the_relay_asks_again_and_is_in() -> None:
    world, ann, bob, cleo = admitted_without_welcome()
    restart(world)
    assert "Bob" in unheard(ann) & unheard(cleo)
    world.advance(130)  # a minute of them nothing is committed
    assert bob.engine.member is not None
    assert bob.of(events.Joined)[0].you
    assert ann.of(events.Knocked)[-1].name == "Bob"  # and no second decision is asked for
    assert len(ann.of(events.Knocked)) == 2
    goes_on(world, ann, bob, cleo)
    assert not unheard(ann) | unheard(cleo)


def test_a_newcomer_who_is_told_nothing_on_a_connection_that_lives_asks_again() -> None:
    world, ann, bob, cleo = admitted_without_welcome()
    world.drop(bob, WelcomeIs, most=1)  # the one of the next connection too
    world.advance(17 * 60, step=5)
    assert bob.engine.member is not None
    goes_on(world, ann, bob, cleo)


def test_who_is_let_in_is_heard_with_their_first_words_or_fresh_keys() -> None:
    world = EvilWorld()
    ann = world.open("Ann")
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    assert unheard(ann) == {"Bob", "Cleo"}
    assert unheard(bob) == {"Cleo"}  # of those before him he does not know
    assert not unheard(cleo)
    bob.say("hello")
    world.settle()
    assert unheard(ann) == {"Cleo"}
    assert unheard(bob) == {"Cleo"}
    world.advance(11 * 60, step=5)  # Cleo says nothing, and her client renews her keys
    assert not unheard(ann) | unheard(bob) | unheard(cleo)


def test_a_member_whose_welcome_died_with_the_relay_is_let_in_again() -> None:
    world, ann, bob, cleo = three()
    lost = world.drop(cleo, WelcomeIs)
    miss_a_commit(world, ann, cleo)
    asked = world.keep_back(ann, LobbyItem, a_request)
    commit_by(world, ann)
    assert problems(cleo)[-1] == "held"
    unseen = world.drop(cleo, BlobIs, a_commit)  # so she does not know the entry that readmits her
    world.release(asked)
    world.settle()
    assert len(lost.hits) == len(unseen.hits) == 1
    lost.stop()
    unseen.stop()
    assert "Cleo" in unheard(bob)
    restart(world)
    world.advance(130)
    assert ConnectionState.REJOINED in states(cleo)
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def late_knock_of(world: EvilWorld, bob: Client) -> LobbyRequest:
    """The knock that Bob's client sends in the place of a request."""
    (late,) = world.seen(LobbyRequest, bob)
    return late


def test_a_knock_in_the_place_of_a_request_is_too_late_once_its_member_was_heard() -> None:
    """A relay keeps it, to put the member out with it when they are in."""
    world, ann, bob, cleo = admitted_without_welcome()
    kept = world.keep_back(ann, LobbyItem, a_request)
    restart(world)
    world.advance(25)
    late = late_knock_of(world, bob)
    world.advance(60)  # the second one is kept back as well
    assert bob.engine.member is None
    kept.stop()
    world.drop(bob, LobbyRequest)  # fresh keys alone would make it void
    world.forge(ann, kept.hits[-1])
    world.settle()
    assert bob.engine.member is not None
    bob.say("hello")
    world.settle()
    before = epochs(ann, bob, cleo)
    number = committer_of(ann).lobby.number + 1
    world.forge(ann, replace(kept.hits[0], number=number, id=late.id))
    world.advance(62)  # a minute lies between two returns of one member
    assert epochs(ann, bob, cleo) == before
    goes_on(world, ann, bob, cleo)


def test_a_knock_for_another_member_puts_nobody_out() -> None:
    """Cleo has the link too, and the relay says that her request is Bob's."""
    world, ann, _bob, cleo = admitted_without_welcome()
    kept = world.keep_back(ann, LobbyItem, a_request)
    restart(world)
    world.advance(80)
    item = kept.hits[0]
    kept.stop()
    before = epochs(ann, cleo)
    world.forge(ann, replace(item, key=relay_key(cleo)))
    world.settle()
    assert epochs(ann, cleo) == before
    assert "Cleo" in ann.members()


def test_a_client_let_go_again_shows_a_gap_for_what_it_did_not_read() -> None:
    """A relay shows one junk commit of a later epoch, and keeps the request to be let in."""
    world, ann, bob, cleo = three()
    world.drop(bob, LobbyRequest)
    world.drop(cleo, LobbyRequest)
    world.take(room_of(ann), commit_of_next_epoch(cleo), BlobClass.COMMIT)
    assert problems(bob)[-1] == "held"
    forget(bob)
    ann.say("I am going to hurt myself")
    world.settle()
    assert bob.texts() == []
    commit_by(world, ann)  # on the epoch that Bob kept: he was right
    world.advance(2)
    assert group_of(bob).epoch == group_of(ann).epoch
    assert bob.of(events.Gap)
    ann.say("anything else?")
    world.settle()
    assert bob.texts() == ["anything else?"]
