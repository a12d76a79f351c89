"""Many requests of one participant, or of the relay, cost few commits and little memory."""

from dataclasses import replace

from alcove import events, mls
from alcove.facilitation.rejoins import AGAIN, APART, ROOM_MOST
from alcove.mls.nodes import LeafContent, sign_leaf
from alcove_protocol.frames import LobbyItem, LobbyKind, Publish
from alcove_protocol.labels import Label
from alcove_protocol.statements import LeaveStatement

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    committer_of,
    group_of,
    key_package,
    leaf_of,
    room_of,
)
from tests.end_to_end.evil.rogue_requests import rejoin_of, tell
from tests.end_to_end.evil.rogue_updates import leaf_key
from tests.end_to_end.evil.rooms import (
    authenticators,
    forget,
    goes_on,
    named,
    three,
    two_facilitators,
)
from tests.end_to_end.world import Client


def ask_ten_times_a_second(world: EvilWorld, rogue: Client, seconds: int) -> None:
    """Rejoins through the honest relay, by a member who follows each of them."""
    member = rogue.engine.require_member()
    for _ in range(10 * seconds):
        if rogue.engine.link.live:
            member._rejoining.held()  # it never gives up
            member._rejoining.ask(heard=True)
        world.advance(0.1, step=0.1)


def ask_at_once(*members: Client) -> None:
    for member in members:
        rejoining = member.engine.require_member()._rejoining
        rejoining.held()  # it never gives up
        rejoining.ask(heard=True)


def return_five_times(world: EvilWorld, member: Client) -> None:
    """As often as a client of a facilitator lets a member in again within an hour."""
    for _ in range(5):
        ask_at_once(member)
        world.advance(AGAIN + 1)


def asked(facilitator: Client) -> list[str | None]:
    """The members about whose return this facilitator's person was asked."""
    return named(facilitator, "rejoins")


def returns(facilitator: Client) -> int:
    """The commits that let members in again."""
    return len(committer_of(facilitator).lobby.requests.rejoins._commits)


def many(count: int) -> tuple[EvilWorld, Client, list[Client]]:
    """Ann facilitates, and so many others take part."""
    world = EvilWorld()
    ann = world.open("Ann")
    others = [world.join(ann, f"Member {number}") for number in range(count)]
    world.advance(31, step=31)
    forget(ann)
    return world, ann, others


def test_a_participant_who_asks_for_rejoins_without_end_gets_one_a_minute() -> None:
    world, ann, bob, cleo = three()
    before = group_of(ann).epoch
    ask_ten_times_a_second(world, bob, 65)
    assert group_of(ann).epoch - before == 2
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_several_facilitators_take_no_more_rejoins_than_one() -> None:
    world, ann, bob, cleo = two_facilitators()
    before = group_of(ann).epoch
    ask_ten_times_a_second(world, cleo, 65)
    assert group_of(ann).epoch - before == 2
    assert len(authenticators(ann, bob, cleo)) == 1


def test_one_members_rejoins_put_off_no_other_member_for_long() -> None:
    world, ann, bob, cleo = three()
    ask_ten_times_a_second(world, bob, 2)
    before = group_of(ann).epoch
    tell(world, ann, cleo, rejoin_of(world, cleo), cleo, None)
    world.advance(APART)
    assert group_of(ann).epoch == before + 1


def test_who_is_held_again_at_once_comes_back_within_a_minute() -> None:
    """Honestly: released in the epoch that was kept, and then held by the rejoin of before."""
    world, ann, bob, cleo = three()
    for _ in range(3):
        before = group_of(ann).epoch
        ask_at_once(cleo)
        world.advance(AGAIN + 1)
        assert group_of(ann).epoch == before + 1
        assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_members_who_are_held_together_come_back_in_one_commit() -> None:
    world, ann, others = many(8)
    ask_at_once(others[0])
    world.settle()
    before = group_of(ann).epoch
    ask_at_once(*others[1:])
    world.advance(APART)
    assert group_of(ann).epoch == before + 1
    assert len(authenticators(ann, *others)) == 1
    goes_on(world, ann, *others)


def test_of_many_who_are_held_in_a_large_room_as_many_come_back_as_welcomes_fit() -> None:
    world, ann, others = many(20)
    rejoins = committer_of(ann).lobby.requests.rejoins
    assert rejoins._together == 8
    ask_at_once(others[0])
    world.settle()
    before = group_of(ann).epoch
    ask_at_once(*others[1:])
    world.advance(2 * APART)
    assert group_of(ann).epoch - before == 2
    world.advance(APART)
    assert len(authenticators(ann, *others)) == 1


def with_key(client: Client, encryption_key: bytes) -> mls.KeyPackage:
    """A KeyPackage of this member, rightly signed, with an encryption key that is not theirs."""
    package, signer = key_package(client).key_package, client.engine.identity.signature
    suite, leaf = group_of(client).suite, package.leaf_node
    content = LeafContent(leaf.credential, leaf.capabilities, leaf.extensions)
    other = sign_leaf(suite, signer, content, encryption_key, lifetime=leaf.lifetime)
    unsigned = replace(package, leaf_node=other, signature=b"")
    signature = suite.sign_with_label(signer, "KeyPackageTBS", unsigned.tbs())
    return replace(unsigned, signature=signature)


def test_one_whose_keys_do_not_fit_keeps_no_other_out() -> None:
    """Mal asks with the encryption key of another member's KeyPackage, which no group has twice."""
    world, ann, others = many(4)
    mal, cleo, dora = others[0], others[1], others[2]
    ask_at_once(dora)
    world.settle()
    before = group_of(ann).epoch
    lent = group_of(ann).member(leaf_of(others[3]))
    assert lent is not None
    package = with_key(mal, lent.encryption_key)
    request = replace(rejoin_of(world, mal), content=package.encode())
    keys = leaf_key(ann, mal), leaf_key(ann, cleo)
    tell(world, ann, mal, request, mal, None)
    tell(world, ann, cleo, rejoin_of(world, cleo), cleo, None)
    world.advance(APART)
    assert group_of(ann).epoch == before + 1
    assert leaf_key(ann, mal) == keys[0]
    assert leaf_key(ann, cleo) != keys[1]
    assert len(authenticators(ann, mal, dora)) == 1


def test_after_five_returns_in_an_hour_a_person_decides() -> None:
    world, ann, bob, cleo = three()
    return_five_times(world, bob)
    assert returns(ann) == 5
    forget(ann)
    ask_ten_times_a_second(world, bob, 65)
    assert returns(ann) == 5
    assert asked(ann) == ["Bob"]
    (knock,) = ann.of(events.Knocked)
    assert knock.name == "Bob"
    result = ann.admit(knock)
    world.settle()
    assert result == [None]
    assert returns(ann) == 6
    assert [event.id for event in ann.of(events.KnockGone)] == [knock.id]
    assert len(authenticators(ann, bob, cleo)) == 1


def test_of_two_facilitators_who_are_asked_one_decides() -> None:
    world, ann, bob, cleo = two_facilitators()
    return_five_times(world, cleo)
    forget(ann, bob)
    ask_at_once(cleo)
    world.settle()
    assert asked(ann) == asked(bob) == ["Cleo"]
    (mine,), (theirs,) = ann.of(events.Knocked), bob.of(events.Knocked)
    ann.admit(mine)
    world.settle()
    assert len(authenticators(ann, bob, cleo)) == 1
    assert [event.id for event in bob.of(events.KnockGone)] == [theirs.id]


def test_who_is_removed_while_a_person_decides_waits_no_more() -> None:
    world, ann, bob, _cleo = three()
    return_five_times(world, bob)
    ask_at_once(bob)
    world.settle()
    (knock,) = ann.of(events.Knocked)[-1:]
    ann.remove("Bob")
    world.advance(1)
    assert knock.id in [event.id for event in ann.of(events.KnockGone)]
    assert ann.members() == {"Ann", "Cleo"}


def test_whom_a_person_refuses_is_not_let_in_and_not_asked_about_for_an_hour() -> None:
    world, ann, bob, cleo = three()
    return_five_times(world, bob)
    ask_at_once(bob)
    world.settle()
    (knock,) = ann.of(events.Knocked)[-1:]
    assert knock.name == "Bob"
    forget(ann)
    ann.engine.commands.refuse(knock.id)
    for _ in range(10):
        ask_at_once(bob)
        world.advance(AGAIN, step=5)
    assert asked(ann) == []
    assert returns(ann) == 5
    ask_at_once(cleo)
    world.settle()
    assert returns(ann) == 6
    assert len(authenticators(ann, bob, cleo)) == 1


def test_many_participants_together_get_no_more_than_the_room_does() -> None:
    """Twenty who ask as often as they can: not twenty times as many commits, and all are named."""
    world, ann, others = many(20)
    for _ in range(12):
        ask_at_once(*(other for other in others if other.engine.link.live))
        world.advance(5)
    assert returns(ann) <= 60 / APART + 1
    for _ in range(12):
        world.advance(AGAIN + 1, step=15)
        ask_at_once(*(other for other in others if other.engine.link.live))
        world.settle()
    assert returns(ann) <= ROOM_MOST
    assert set(asked(ann)) == {other.name for other in others}


def test_a_facilitator_who_cannot_commit_keeps_one_rejoin_of_each_member() -> None:
    world, ann, bob, _cleo = three()
    world.drop(ann, Publish)
    for _ in range(20):
        tell(world, ann, bob, rejoin_of(world, bob), bob, None)
    committer = committer_of(ann).committer
    assert committer.in_flight is not None
    assert len(committer._queue) == 0
    assert len(committer_of(ann).lobby.requests.rejoins._waiting) == 0


def test_leaves_that_the_relay_signed_for_strangers_are_not_queued() -> None:
    world, ann, bob, _cleo = three()
    world.drop(ann, Publish)
    facilitator = committer_of(ann)
    tell(world, ann, bob, rejoin_of(world, bob), bob, None)  # in flight: all else waits
    for _ in range(20):
        stranger = world.client("nobody").engine.identity.relay
        leave = LeaveStatement(room_of(ann), stranger.public, 0)
        blob = stranger.sign(Label.LEAVE, leave).encode()
        number = facilitator.lobby.number + 1
        item = LobbyItem(number, LobbyKind.LEAVE, world.random(16), stranger.public, 0, blob)
        world.forge(ann, item)
    assert len(facilitator.committer._queue) == 0
