"""The text of the ground rules is in no state, and comes to whoever comes back by a ticket.

A member without it can answer no standby. So it comes while the room is not heard, and by another
facilitator, and a facilitator that comes back alone needs nobody's text.
"""

import pytest
from alcove import events
from alcove.events import RoomState
from alcove_protocol import frames, limits
from alcove_protocol.frames import BlobClass

from tests.end_to_end.agreeing import PUBLISH, ask_for, changed
from tests.end_to_end.facilitating import do, goes_on, new_link, newcomer
from tests.end_to_end.ticketing import crashes, resumes, ticket_of
from tests.end_to_end.world import AGREEMENT, Client, World


def three() -> tuple[World, Client, Client, Client]:
    """Ann and Bob facilitate, and Cleo does not."""
    world = World()
    ann = world.open("Ann")
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    return world, ann, bob, cleo


def not_heard() -> tuple[World, Client, Client]:
    """Bob is gone without a word, and nobody covers what Ann said. Cleo came back by a ticket."""
    world, ann, bob, cleo = three()
    ticket = ticket_of(world, cleo)
    crashes(world, bob)
    ann.say("is Bob there?")
    world.advance(limits.READ_ONLY_AFTER + 60)
    assert ann.of(events.RoomChanged)[-1].state is RoomState.NOT_HEARD
    ann.say("this waits")
    crashes(world, cleo)
    again = resumes(world, ticket, "Cleo")
    assert again.of(events.Joined)
    return world, ann, again


def texts(client: Client) -> list[str]:
    shown = client.engine.agreements.shown
    return [one.text for one in shown.texts] if shown is not None else []


def is_word(data: bytes) -> bool:
    frame = frames.from_client(data)
    return isinstance(frame, frames.Publish) and frame.blob_class == BlobClass.APPLICATION


def no_word(client: Client, data: bytes) -> list[bytes]:
    """It dies after a commit, before it said or parked anything."""
    gone = is_word(data) or isinstance(frames.from_client(data), frames.Park)
    return [] if gone else [data]


def words_of(*clients: Client) -> list[bytes]:
    """What these clients say from now on, but heartbeats, comes into the list too."""
    said: list[bytes] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        if is_word(data):
            said.append(data)
        return [data]

    for client in clients:
        client.to_relay = note
    return said


def test_the_text_comes_while_the_committer_is_not_heard() -> None:
    _, ann, again = not_heard()
    assert texts(again) == [AGREEMENT]
    assert again.texts() == []
    assert len(ann.of(events.Queued)) == 1


def test_new_ground_rules_wait_while_their_author_is_not_heard() -> None:
    """Nobody has them yet. Somebody who was removed and reads on learns nothing by them."""
    world, ann, again = not_heard()
    result = ask_for(ann, PUBLISH)
    world.advance(5)
    assert result == []
    assert again.engine.agreements._pending == {}


def test_another_facilitator_tells_the_text_when_the_committer_dies() -> None:
    world, ann, bob, cleo = three()
    ticket = ticket_of(world, cleo)
    crashes(world, cleo)
    ann.to_relay = no_word
    again = resumes(world, ticket, "Cleo")
    assert again.of(events.Joined)
    assert texts(again) == []
    crashes(world, ann)
    said = words_of(bob)
    world.advance(90)
    assert texts(again) == [AGREEMENT]
    world.advance(400)
    assert len(said) == 1


def test_one_facilitator_tells_the_text_once_when_all_is_well() -> None:
    world, ann, bob, cleo = three()
    ticket = ticket_of(world, cleo)
    crashes(world, cleo)
    said = words_of(ann, bob)
    again = resumes(world, ticket, "Cleo")
    assert texts(again) == [AGREEMENT]
    world.advance(400)
    assert len(said) == 1


def without_text(world: World, ann: Client, cleo: Client) -> tuple[str, Client]:
    """Cleo came back, and Ann told her nothing before she died. Return Ann's ticket, too."""
    tickets = ticket_of(world, ann), ticket_of(world, cleo)
    crashes(world, cleo)
    ann.to_relay = no_word
    member = resumes(world, tickets[1], "Cleo")
    assert member.of(events.Joined)
    assert texts(member) == []
    crashes(world, ann)
    return tickets[0], member


def test_a_facilitator_alone_comes_back_by_a_member_that_has_no_text() -> None:
    world = World()
    ann = world.open("Ann")
    cleo = world.join(ann, "Cleo")
    invite = ann.invite()
    ticket, member = without_text(world, ann, cleo)
    back = resumes(world, ticket, "Ann", wait=60)
    assert texts(back) == [AGREEMENT]  # her own card has it
    goes_on(world, back, member)
    newcomer(world, invite, "Dora", back)
    newcomer(world, new_link(world, back), "Eve", back)


def test_a_member_that_has_the_text_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ann's invite is used up, so she can read no card. Bob answers later than Cleo."""
    world = World()
    ann = world.open("Ann", uses=2)
    cleo, bob = world.join(ann, "Cleo"), world.join(ann, "Bob")
    ticket, member = without_text(world, ann, cleo)
    answers = bob.engine.require_member().standby_answers
    monkeypatch.setattr(answers, "_turn", lambda id: 1)
    back = resumes(world, ticket, "Ann", wait=60)
    assert texts(back) == [AGREEMENT]
    goes_on(world, back, member, bob)


def test_nobody_has_the_text_and_a_facilitator_is_back_and_gives_it_anew() -> None:
    world = World()
    ann = world.open("Ann", uses=1)
    ticket, member = without_text(world, ann, world.join(ann, "Cleo"))
    back = resumes(world, ticket, "Ann", wait=60)
    assert texts(back) == []
    goes_on(world, back, member)
    changed(world, back, PUBLISH)
    newcomer(world, new_link(world, back), "Dora", back)
