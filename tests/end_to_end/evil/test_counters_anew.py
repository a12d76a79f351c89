"""A member counts anew with each Welcome, and the others with the commit that it is of.

The group's own state shows it. The relay's word, a list that lies beside a burned commit, and a
Welcome that is lost change nothing.
"""

from dataclasses import replace

import pytest
from alcove import events
from alcove.engine.rejoining import ASK_AGAIN
from alcove.events import ConnectionState
from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    LobbyItem,
    Publish,
    Published,
    WelcomeIs,
)
from alcove_protocol.roster import Change, Op, RosterEntry, Seat

from tests.end_to_end.evil.relay import EvilWorld, Trick
from tests.end_to_end.evil.rogue import (
    entry_by,
    flipped,
    publish,
    relay_key,
    rogue_commit,
    roster_of,
)
from tests.end_to_end.evil.rooms import (
    Room,
    a_commit,
    a_request,
    commit_by,
    forget,
    gaps,
    miss_a_commit,
    problems,
)
from tests.end_to_end.evil.test_held import states
from tests.end_to_end.facilitating import do
from tests.end_to_end.world import Client

ABSENT = 600.0
SAID = ["one", "two", "three", "four", "five"]


def a_room() -> Room:
    """Bob has said many things. A member that is lost for ten minutes is let go."""
    world = EvilWorld()
    ann = world.open_with(world.client("Ann"), absent=int(ABSENT))
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(40)
    for text in SAID:
        bob.say(text)
        world.settle()
    return world, ann, bob, cleo


def ops_of(entry: bytes, client: Client) -> list[Op]:
    """What an entry says of this client."""
    said = RosterEntry.decode(entry, limit=limits.ENTRY).decoded_changes()
    return [change.op for change in said if change.key == relay_key(client)]


def lose(world: EvilWorld, bob: Client) -> None:
    bob.cut()
    world.advance(ABSENT + 20, step=5, stay_away=(bob,))


def is_heard_without_a_gap(world: EvilWorld, bob: Client, *others: Client) -> None:
    """Bob says two things more. The others read both, and are told of nothing missed."""
    world.advance(35)  # a heartbeat later he is sure that a facilitator holds the room
    for text in ("back", "and well"):
        bob.say(text)
        world.advance(2)
    for other in others:
        assert other.texts()[-2:] == ["back", "and well"], other.name
        assert gaps(other) == [], other.name


def test_a_connection_lost_between_the_request_and_its_welcome() -> None:
    """At the next one the relay says that Bob is a member."""
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    lost = world.drop(bob, WelcomeIs)
    bob.back()
    world.advance(3)
    assert len(lost.hits) == 1
    lost.stop()
    bob.cut()
    world.advance(10)
    assert states(bob).count(ConnectionState.REJOINED) == 1
    is_heard_without_a_gap(world, bob, ann, cleo)


def let_in_without_a_welcome(world: EvilWorld, bob: Client) -> Trick[WelcomeIs]:
    """Bob comes back after he was let go. No Welcome reaches him, nor by the next connection, on
    which the relay calls him a member."""
    lost = world.drop(bob, WelcomeIs)
    bob.back()
    world.advance(3)
    bob.cut()
    world.advance(5)
    assert {bytes(frame.entry) for frame in lost.hits} == {lost.hits[0].entry}
    assert ops_of(lost.hits[0].entry, bob) == [Op.ADD]
    return lost


def test_a_welcome_that_never_comes_and_another_for_the_next_request() -> None:
    """The second commit lets in one that is in already. Before the first he was out."""
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    lost = let_in_without_a_welcome(world, bob)
    world.advance(ASK_AGAIN)
    lost.stop()
    world.advance(2 * ASK_AGAIN)
    assert ops_of(world.seen(WelcomeIs, bob)[-1].entry, bob) == [Op.REJOIN]
    assert states(bob).count(ConnectionState.REJOINED) == 1
    is_heard_without_a_gap(world, bob, ann, cleo)


def test_who_is_let_go_twice_before_a_welcome_comes() -> None:
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    lost = let_in_without_a_welcome(world, bob)
    lose(world, bob)
    assert cleo.of(events.Absent) == [events.Absent("Bob", "Ann")] * 2
    lost.stop()
    world.advance(2 * ASK_AGAIN)
    assert states(bob).count(ConnectionState.REJOINED) == 1
    is_heard_without_a_gap(world, bob, ann, cleo)


def test_a_held_member_that_never_learns_that_it_was_let_go() -> None:
    """The relay keeps what Bob asked as a held member, until he is let go. That lets him in."""
    world, ann, bob, cleo = a_room()
    miss_a_commit(world, ann, bob)
    asked = world.keep_back(ann, LobbyItem, a_request)
    commit_by(world, ann)
    assert problems(bob) == ["held"]
    lose(world, bob)
    assert cleo.of(events.Absent) == [events.Absent("Bob", "Ann")]
    world.release(asked)
    world.settle()
    assert cleo.members() == {"Ann", "Bob", "Cleo"}
    bob.back()
    world.advance(10)
    assert "absent" not in problems(bob)
    assert states(bob).count(ConnectionState.REJOINED) == 1
    is_heard_without_a_gap(world, bob, ann, cleo)


def test_who_was_not_let_go_is_heard_whatever_the_relay_says() -> None:
    """As after a relay that lost the commit of it: a commit adds his leaf anew all the same."""
    world, ann, bob, cleo = a_room()
    bob.engine.require_member().come_back()
    world.advance(5)
    assert cleo.of(events.Absent) == []
    assert states(bob).count(ConnectionState.REJOINED) == 1
    is_heard_without_a_gap(world, bob, ann, cleo)


def test_nor_when_a_relay_that_says_so_keeps_the_first_welcome() -> None:
    """By the second one he could have been out. All that he said was read by nobody, though the
    relay had numbered it, and no one was told."""
    world, ann, bob, cleo = a_room()
    kept: list[bytes] = []

    def the_first(frame: WelcomeIs) -> bool:
        kept.append(frame.entry)
        return frame.entry == kept[0]

    world.drop(bob, WelcomeIs, the_first)
    bob.engine.require_member().come_back()
    world.advance(3 * ASK_AGAIN)
    assert len(set(kept)) == 2
    assert cleo.of(events.Absent) == []
    assert states(bob).count(ConnectionState.REJOINED) == 1
    is_heard_without_a_gap(world, bob, ann, cleo)


def test_who_follows_the_log_after_all_was_not_let_go() -> None:
    """The relay says that Bob was. He follows the next commit, and is held by a later one."""
    world, ann, bob, cleo = a_room()
    kept = world.drop(ann, LobbyItem, a_request)
    bob.engine.require_member().come_back()
    world.settle()
    commit_by(world, ann)
    assert bob.engine.require_member().ready
    kept.stop()
    lost = world.drop(bob, WelcomeIs, most=1)
    unseen = world.drop(bob, BlobIs, a_commit, most=2)  # nor does he see which leaf he has
    for _ in range(3):
        commit_by(world, ann)
    world.advance(3 * ASK_AGAIN)
    assert (len(lost.hits), len(unseen.hits)) == (1, 2)
    assert states(bob).count(ConnectionState.REJOINED) == 1
    is_heard_without_a_gap(world, bob, ann, cleo)


def test_a_message_that_the_others_have_takes_its_new_number_too() -> None:
    """The relay took Bob's last message, and its answer was lost with the connection. He does not
    read the log in which it is, so he sends it again when he is back."""
    world, ann, bob, cleo = a_room()
    world.drop(bob, Published, most=1)
    bob.say("six")
    world.settle()
    lose(world, bob)
    assert cleo.texts() == [*SAID, "six"]
    forget(ann, cleo)
    bob.back()
    world.advance(15)
    is_heard_without_a_gap(world, bob, ann, cleo)
    assert cleo.texts() == ["back", "and well"]


@pytest.mark.parametrize("burned", [True, False])
@pytest.mark.parametrize("lie", [Op.ABSENT, Op.REMOVE, Op.RESET])
@pytest.mark.parametrize("said", [1, 30])
def test_a_facilitators_entry_that_lies_makes_nobody_unheard(
    said: int, lie: Op, *, burned: bool
) -> None:
    """Ben's own program says in the list that Bob is out, beside a commit that all burn, or that
    says nothing of him. The honest relay takes it, and sends Bob away. He is let in again, and
    counted at 1 from there: the others knew all that as used, and read nothing of it."""
    world = EvilWorld()
    ann = world.open_with(world.client("Ann"), absent=int(ABSENT))
    ben, bob, dora = (world.join(ann, name) for name in ("Ben", "Bob", "Dora"))
    do(world, ann, "appoint", "Ben")
    world.advance(40)
    for number in range(said):
        bob.say(f"before {number}")
        world.advance(1)
    seats = sorted(roster_of(ben).seats.items())
    kept = [Change(Op.ADD, key, seat) for key, seat in seats if key != relay_key(bob)]
    reset = (Change(Op.RESET, bytes(32)), *kept)
    changes = reset if lie is Op.RESET else (Change(lie, relay_key(bob), Seat()),)
    blob = rogue_commit(ben, force_path=True)
    blob = flipped(blob) if burned else blob
    entry = entry_by(ben.engine.identity.relay, ben, blob, *changes)
    publish(world, ben, blob, BlobClass.COMMIT, entry)
    world.advance(3 * ASK_AGAIN)
    if bob.engine.closed is not None:
        assert lie is not Op.ABSENT  # by a removal a facilitator decides that he is out
        return
    forget(ann, dora)
    is_heard_without_a_gap(world, bob, ann, dora)
    assert "before" not in str([*ann.texts(), *dora.texts()])


def test_a_message_that_the_relay_has_by_its_old_number_leaves_no_hole() -> None:
    """The answer to Bob's message was lost, and then his leaf was added anew. Over the next
    connection the Welcome comes before the replay. Under the same publish id the relay answered
    with the old place, and all were told that a message was missed, though they had read it."""
    world, ann, bob, cleo = a_room()
    kept = world.keep_back(ann, LobbyItem, a_request)
    bob.engine.require_member().come_back()
    world.settle()
    commit_by(world, ann)
    world.advance(35)
    assert bob.engine.require_member().ready
    forget(ann, bob, cleo)
    lost = world.drop(bob, Published, most=1)
    bob.say("six")
    world.settle()
    assert len(lost.hits) == 1
    bob.cut()
    world.release(kept)
    world.settle()
    bob.back()
    world.advance(40)
    is_heard_without_a_gap(world, bob, ann, cleo)
    assert cleo.texts() == ["six", "back", "and well"]


def test_a_relay_cannot_say_behind_a_welcome_that_it_has_what_it_never_took() -> None:
    """Any old place was taken for one of before the Welcome. Bob read that it was sent, and nobody
    ever read it."""
    world, ann, bob, cleo = a_room()
    kept = world.keep_back(ann, LobbyItem, a_request)
    bob.engine.require_member().come_back()
    world.settle()
    commit_by(world, ann)
    world.advance(35)
    forget(ann, bob, cleo)
    lost = world.drop(bob, Publish, most=1)
    bob.say("six")
    world.settle()
    assert len(lost.hits) == 1
    bob.cut()
    world.release(kept)
    world.settle()
    place = replace(bob.engine.require_member().membership.base, number=3).encode()
    first = bytes(lost.hits[0].id)
    given: list[bytes] = []

    def the_text(frame: Publish) -> bool:
        """Behind the probe by which the others know that the Welcome arrived."""
        given.extend([bytes(frame.id)] if frame.blob_class == BlobClass.APPLICATION else [])
        return len(given) == 2

    lie = world.answer(bob, Publish, lambda frame: Published(frame.n, place), the_text, most=1)
    bob.back()
    world.advance(100)
    is_heard_without_a_gap(world, bob, ann, cleo)
    assert lie.hits
    assert first not in given
    assert cleo.texts() == ["six", "back", "and well"]
