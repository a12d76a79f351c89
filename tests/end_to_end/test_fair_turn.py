"""Many admissions at once keep nobody from speaking, and several go into one commit."""

from alcove import events
from alcove.facilitation.committer import AT_ONCE
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, Publish, RequestRefused

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import group_of
from tests.end_to_end.evil.rooms import forget, three
from tests.end_to_end.evil.test_lost_races import invite_of
from tests.end_to_end.world import Client

GUESTS = 45


def commits_of(world: EvilWorld, client: Client) -> int:
    return sum(p.blob_class == BlobClass.COMMIT for p in world.seen(Publish, client))


def guests(world: EvilWorld, host: Client, number: int) -> list[Client]:
    """So many newcomers, who wait at as many doors as that takes."""
    per_door = limits.KNOCKS_PER_DOOR
    invites = [invite_of(world, host) for _ in range(-(-number // per_door))]
    return [
        world.knock(invites[at // per_door], f"Guest {'abcdefghij'[at % 10]}{at}")
        for at in range(number)
    ]


def test_forty_five_are_admitted_and_a_member_speaks_meanwhile() -> None:
    world, ann, bob, cleo = three()
    newcomers = guests(world, ann, GUESTS)
    forget(bob, cleo)
    world.record.clear()
    results = [ann.admit(knock) for knock in ann.of(events.Knocked)[-GUESTS:]]
    bob.say("may I say something?")
    world.settle()
    assert cleo.texts() == ["may I say something?"]
    stale = [r for r in world.seen(RequestRefused, bob) if r.code == "stale"]
    assert len(stale) <= 1
    world.advance(10)
    assert results == [[None]] * GUESTS
    assert all(guest.engine.member is not None for guest in newcomers)
    assert commits_of(world, ann) == 1 + -(-(GUESTS - 1) // AT_ONCE)
    assert {group_of(c).epoch_authenticator for c in (ann, bob, cleo, *newcomers)} == {
        group_of(ann).epoch_authenticator
    }


def test_a_removal_waits_for_no_admission() -> None:
    world, ann, bob, cleo = three()
    guests(world, ann, 5)
    for knock in ann.of(events.Knocked)[-5:]:
        ann.admit(knock)
    removed = ann.remove("Bob")
    world.settle()
    assert removed == [None]
    assert bob.engine.closed is not None
    assert "Guest b1" not in cleo.members()
    world.advance(3)
    assert {f"Guest {'abcde'[at]}{at}" for at in range(5)} < cleo.members()


def test_one_knock_that_the_relay_refuses_keeps_none_of_the_others_out() -> None:
    world, ann, _bob, _cleo = three()
    newcomers = guests(world, ann, 4)
    knocks = ann.of(events.Knocked)[-4:]
    results = [ann.admit(knock) for knock in knocks]
    newcomers[2].engine.commands.leave(lambda: None)  # on its way before the admission is
    world._step(newcomers[2])
    world.settle()
    world.advance(10)
    assert [result == [None] for result in results] == [True, True, False, True]
    inside = [guest.engine.member is not None for guest in newcomers]
    assert inside == [True, True, False, True]


def test_a_welcome_for_all_that_is_too_large_for_a_frame_goes_to_fewer() -> None:
    world, ann, _bob, _cleo = three()
    newcomers = guests(world, ann, 6)
    committer = ann.engine.require_facilitator().committer
    committer.welcomes_most = 3 * 9000  # bytes: the sealed Welcomes of two or three
    results = [ann.admit(knock) for knock in ann.of(events.Knocked)[-6:]]
    world.settle()
    world.advance(20)
    assert results == [[None]] * 6
    assert all(guest.engine.member is not None for guest in newcomers)
