"""A member that was let go begins to count anew: then, and only then, have the others forgotten."""

import pytest
from alcove import events
from alcove.engine.rejoining import ASK_AGAIN
from alcove.events import ConnectionState
from alcove.group.admission import seats_anew, takes_out
from alcove_protocol.frames import (
    BlobIs,
    LobbyItem,
    Published,
    ReadChain,
    RequestRefused,
    WelcomeIs,
)
from alcove_protocol.roster import Change, Op, Seat
from nacl.signing import SigningKey

from tests.end_to_end.evil.relay import EvilWorld, Trick
from tests.end_to_end.evil.rogue import relay_key
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
from tests.server.keys import Facilitated, public

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
    assert seats_anew(lost.hits[0].entry, relay_key(bob))
    return lost


def test_a_welcome_that_never_comes_and_another_for_the_next_request() -> None:
    """The second commit lets in one that is in already. Before the first he was out."""
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    lost = let_in_without_a_welcome(world, bob)
    world.advance(ASK_AGAIN)
    lost.stop()
    world.advance(2 * ASK_AGAIN)
    assert not seats_anew(world.seen(WelcomeIs, bob)[-1].entry, relay_key(bob))
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


def test_who_was_not_let_go_goes_on_counting_whatever_the_relay_says() -> None:
    """As after a relay that lost the commit of it. Else all that Bob says would be told as missed,
    since the others know it as said."""
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


def test_a_relay_that_keeps_the_chain_back_at_first_is_asked_again() -> None:
    """Bob sends nothing until he has read it. An entry before the second Welcome never came."""
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    busy = world.answer(bob, ReadChain, lambda asked: RequestRefused(asked.n, "rate_limited", ""))
    lost = let_in_without_a_welcome(world, bob)
    unseen = world.drop(bob, BlobIs, a_commit)
    do(world, ann, "lock", True)
    do(world, ann, "lock", False)
    assert len(unseen.hits) == 2
    world.advance(ASK_AGAIN)
    lost.stop()
    world.advance(2 * ASK_AGAIN)
    unseen.stop()
    assert busy.hits
    bob.say("do you hear me?")
    world.advance(5)
    assert cleo.texts() == SAID
    busy.stop()
    is_heard_without_a_gap(world, bob, ann, cleo)
    assert cleo.texts()[-3] == "do you hear me?"


@pytest.mark.parametrize(
    ("ops", "out"),
    [
        ((), False),
        ((Op.REJOIN,), False),
        ((Op.CHANGE,), False),
        ((Op.ABSENT,), True),
        ((Op.LEFT,), True),
        ((Op.REMOVE,), True),
        ((Op.ADD,), True),
        ((Op.RESET, Op.ADD), False),
        ((Op.RESET, Op.ADD, Op.REJOIN), False),
        ((Op.RESET,), True),
    ],
)
def test_which_entries_show_that_a_key_was_out(ops: tuple[Op, ...], out: bool) -> None:
    """A RESET restates the list. One that is on it again was there before."""
    key, room = SigningKey.generate(), Facilitated()
    if ops[:1] != (Op.ADD,):
        seated = Change(Op.ADD, public(key), Seat(bytes(8)))
        room.take(room.entry((seated,), base=bytes(16), commit=b"before"))
    changes = tuple(
        Change(op, bytes(32) if op is Op.RESET else public(key), Seat(bytes(8))) for op in ops
    )
    entry = room.entry(changes, base=bytes(16), commit=b"commit")
    assert takes_out(entry.body, public(key)) is out


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
