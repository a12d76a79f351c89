"""A facilitator who is appointed later: their client has every part that the opener's has."""

from alcove import events
from alcove.events import RoomState

from tests.end_to_end.evil.rogue import appoint, committer_of
from tests.end_to_end.evil.rooms import authenticators, three, two_facilitators


def test_an_appointed_facilitator_admits_by_their_own_invite_and_removes() -> None:
    world, ann, bob, cleo = two_facilitators()
    made: list[str | None] = []
    bob.engine.commands.invite(lambda url, error: made.append(url))
    world.settle()
    (url,) = made
    assert url is not None
    dora = world.knock(url, "Dora")
    assert bob.admit(bob.of(events.Knocked)[-1]) == []
    world.settle()
    assert dora.of(events.Joined)
    assert bob.remove("Cleo") == []
    world.settle()
    assert cleo.engine.closed is not None
    assert ann.members() == bob.members() == dora.members() == {"Ann", "Bob", "Dora"}
    assert len(authenticators(ann, bob, dora)) == 1


def test_an_appointed_facilitator_has_a_lobby_key_of_their_own_to_wipe() -> None:
    world, ann, bob, _cleo = two_facilitators()
    bob.engine.commands.leave(lambda: None)
    world.settle()
    assert committer_of(ann).committer.idle
    assert world.join(ann, "Dora").members() == {"Ann", "Cleo", "Dora"}


def test_a_lone_facilitator_is_heard_after_an_appointment_whatever_was_said_before() -> None:
    world, ann, bob, _cleo = three()
    ann.say("before there was another")
    world.advance(120)
    appoint(world, ann, bob)
    world.advance(60)
    assert {event.state for event in ann.of(events.RoomChanged)} == {RoomState.OPEN}
