"""A relay that keeps a revoked door open does not hide that it was revoked."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.errors import AlcoveError
from alcove_protocol.frames import (
    Authenticate,
    Done,
    Knock,
    LobbyItem,
    LobbyKind,
    PutDoor,
    RequestRefused,
)

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rooms import forget, two_facilitators
from tests.end_to_end.facilitating import do


def test_a_knock_by_a_revoked_invite_is_told_as_such_whatever_the_relay_says() -> None:
    """Bob is removed, and his invite with him. The relay and he use it all the same: here the knock
    came before, and is shown after."""
    world = EvilWorld()
    ann = world.open("Ann")
    invite = ann.invite()
    world.join(ann, "Bob")
    kept = world.keep_back(ann, LobbyItem)
    world.knock(invite, "Eve")
    assert ann.remove("Bob") == []
    world.settle()
    assert ann.of(events.InviteChanged), "the invite had more uses, so there is another"
    forget(ann)
    (knock,) = {item.id: item for item in kept.hits}.values()
    kept.stop()
    world.forge(ann, replace(knock, number=knock.number + 50, door_revoked=False))
    (told,) = ann.of(events.Knocked)
    assert told.door_revoked


def test_a_facilitator_who_was_appointed_since_is_told_it_of_anothers_invite() -> None:
    """No commit came between the vault with this invite and the removal that revoked it."""
    world = EvilWorld()
    ann = world.open("Ann")
    invite = ann.invite()
    bob = world.join(ann, "Bob")
    world.join(ann, "Cleo")
    do(world, ann, "appoint", "Bob")
    kept = world.keep_back(bob, LobbyItem, lambda item: item.kind == LobbyKind.KNOCK)
    world.knock(invite, "Eve")
    assert ann.remove("Cleo") == []
    world.advance(1)
    forget(bob)
    kept.stop()
    world.forge(bob, replace(kept.hits[0], number=kept.hits[0].number + 50, door_revoked=False))
    (told,) = bob.of(events.Knocked)
    assert told.door_revoked


def test_an_invite_that_is_closed_before_the_relay_answers_is_not_given_out() -> None:
    """The relay keeps back that it has the door, until another facilitator closed it."""
    world, ann, bob, _ = two_facilitators()
    before = bob.engine.require_member().membership.state.door_ids()
    asked: list[int] = []

    def note(frame: PutDoor) -> PutDoor:
        asked.append(frame.n)
        return frame

    world.alter(ann, PutDoor, note)
    kept = world.keep_back(ann, Done, lambda frame: frame.n in asked)
    made: list[tuple[str | None, AlcoveError | None]] = []
    ann.engine.commands.invite(lambda url, error: made.append((url, error)))
    world.settle()
    listed = bob.engine.require_member().membership.state.door_ids()
    (door,) = set(listed) - set(before)
    do(world, bob, "revoke", door.hex())
    world.settle()
    assert made == []
    assert len(kept.hits) == 1
    world.release(kept)
    assert [(url, error.code if error else "") for url, error in made] == [(None, "door_revoked")]


CONTACT = "host@group.example"
LURE = "A facilitator closed this link. You can write to mallory@relay.example."


CLOSED = ("door_revoked", "door_used", "door_expired")


@pytest.mark.parametrize("code", [*CLOSED, "locked", "room_full", "unknown_door"])
@pytest.mark.parametrize("asked", [Authenticate, Knock])
def test_a_relay_puts_no_contact_into_what_a_newcomer_reads_of_a_closed_link(
    asked: type[Authenticate | Knock], code: str
) -> None:
    """It may say so falsely, and at any time. Its own sentence is never shown, and a contact comes
    from a card alone that a facilitator of this room signed."""
    world = EvilWorld()
    ann = world.open("Ann", contact=CONTACT)
    dora = world.client("Dora")
    lied = world.answer(dora, asked, lambda a: RequestRefused(a.n, code, LURE), most=9)
    world.knock_with(dora, ann.invite())
    world.advance(10)
    assert lied.hits
    closed = dora.engine.closed
    assert closed is not None
    assert (closed.reason, closed.code) == (events.CloseReason.REFUSED, code)
    assert closed.text.startswith("The relay says: ")
    assert "mallory" not in closed.text
    assert closed.text.endswith(f"You can write to {CONTACT}.") is (asked is Knock)
    assert ("another one" in closed.text) is (asked is Authenticate and code in CLOSED)
