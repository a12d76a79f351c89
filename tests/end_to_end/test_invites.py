"""Invites: several at once, listed by every facilitator, and closed for those who wait by them."""

from functools import partial

import pytest
from alcove import events
from alcove.errors import AlcoveError, InvalidInput, NotNow
from alcove.facilitation.invites import AskedInvite
from alcove_protocol import frames, limits
from alcove_protocol.frames import PutDoor, ReadCard
from alcove_protocol.invite import Invite

from tests.end_to_end.evil.rogue import committer_of
from tests.end_to_end.facilitating import ask, do, goes_on, hold, kill, let, newcomer
from tests.end_to_end.world import Client, World, room_of_three

CONTACT = "host@group.example"


def make(world: World, by: Client, count: int = 1, **asked: object) -> list[str]:
    """The links of new invites of this facilitator's."""
    result: list[object] = []
    done = lambda invites, error: result.append(error)  # noqa: E731
    by.engine.commands.new_invites(count, AskedInvite(**asked), done)  # type: ignore[arg-type]
    world.advance(3)
    assert result == [None]
    return [event.invite for event in by.of(events.InviteChanged) if event.door][-count:]


def listed(world: World, by: Client) -> tuple[events.OpenInvite, ...]:
    by.engine.commands.invites()
    world.settle()
    return by.of(events.InvitesListed)[-1].invites


def revoke(world: World, by: Client, url: str) -> None:
    result: list[object] = []
    by.engine.commands.revoke(Invite.parse(url).door.hex(), result.append)
    world.settle()
    assert result == [None]


def test_several_invites_are_one_commit_and_each_lets_in_one_person() -> None:
    world, ann, bob, _cleo = room_of_three()
    before = committer_of(ann).lobby._membership.group.epoch
    links = make(world, ann, 3, uses=1, hours=2)
    assert committer_of(ann).lobby._membership.group.epoch == before + 1
    told = [event for event in ann.of(events.InviteChanged) if event.door]
    assert [(event.uses, event.hours) for event in told] == [(1, 2)] * 3
    assert not bob.of(events.InviteChanged)
    newcomer(world, links[0], "Dora", ann)
    late = world.knock(links[0], "Eve")
    assert [event.code for event in late.of(events.Closed)] == ["door_used"]
    newcomer(world, links[1], "Finn", ann)


def test_every_facilitator_sees_the_same_list() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(12)
    link = make(world, ann, 1, uses=5, hours=3, question="Who sent you?")[0]
    dora = world.knock(link, "Dora")
    dora.engine.commands.accept(answer="Cleo")
    world.settle()
    result = bob.admit(bob.of(events.Knocked)[-1])
    world.advance(1)
    assert result == [None]
    assert dora.of(events.Joined)
    mine, theirs = listed(world, ann), listed(world, bob)
    door = Invite.parse(link).door.hex()
    assert [one.door for one in mine] == [one.door for one in theirs]
    assert (mine[-1].door, mine[-1].here, mine[-1].uses, mine[-1].hours) == (door, 1, 4, 3)
    assert (theirs[-1].here, theirs[-1].uses, theirs[-1].hours) == (1, 4, 3)
    assert mine[-1].question == theirs[-1].question == "Who sent you?"
    assert [one.yours for one in mine] == [True] * len(mine)
    assert not any(one.yours for one in theirs)


def test_a_question_that_another_facilitator_put_on_a_link_is_listed_for_its_maker() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(12)
    removed: list[object] = []
    bob.engine.commands.remove(("Cleo",), removed.append, question="Who sent you?")
    world.settle()
    assert removed == [None]
    for client in (ann, bob):
        [row] = listed(world, client)
        assert row.question == "Who sent you?"
        assert row.yours == (client is ann)


def test_a_relay_that_does_not_tell_of_an_invite_leaves_its_row_without_numbers() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(12)
    hold(bob, ReadCard)
    bob.engine.commands.invites()
    world.advance(40)
    (row,) = bob.of(events.InvitesListed)[-1].invites
    assert (row.uses, row.hours, row.here) == (None, None, 2)


def test_who_waits_by_a_closed_invite_and_who_comes_later_are_told() -> None:
    world = World()
    ann = world.open("Ann", contact=CONTACT)
    link = make(world, ann, 1, uses=9)[0]
    waits, stands = world.knock(link, "Dora"), world.knock(link, "Eve", accept=False)
    revoke(world, ann, link)
    world.advance(1)
    (told,) = waits.of(events.Closed)
    assert (told.code, told.text) == (
        "link_closed",
        f"This link was closed. You can write to {CONTACT}.",
    )
    (told,) = stands.of(events.Closed)
    assert (told.reason, told.code) == (events.CloseReason.REFUSED, "door_revoked")
    assert told.text.startswith("The relay says: A facilitator closed this link. ")
    assert told.text.endswith(f"says nothing about you. You can write to {CONTACT}.")
    late = world.knock(link, "Finn")
    (told,) = late.of(events.Closed)  # the relay forgot the card, so nobody's contact is known
    assert (told.reason, told.code) == (events.CloseReason.REFUSED, "door_revoked")
    assert told.text.endswith(
        "says nothing about you. Ask the person who gave it to you for another one."
    )
    assert ann.of(events.InviteRevoked) == [
        events.InviteRevoked(Invite.parse(link).door.hex(), "Ann")
    ]
    assert ann.of(events.KnockGone)
    newcomer(world, ann.invite(), "Gil", ann)  # by another invite all goes on


def test_a_closed_link_that_filled_the_door_makes_room_at_once() -> None:
    """R23: one link could fill its places for a quarter of an hour, and no command closed it."""
    world = World()
    ann = world.open("Ann")
    leaked = make(world, ann, 1, uses=50)[0]
    for n in range(limits.KNOCKS_PER_DOOR):
        world.knock(leaked, f"Person{n}")
    revoke(world, ann, leaked)
    world.advance(1)
    assert ann.engine.require_member().facilitator
    assert len(ann.of(events.KnockGone)) == limits.KNOCKS_PER_DOOR
    assert not committer_of(ann).lobby._waiting


def test_an_invite_is_closed_at_the_relay_when_its_facilitator_dies_after_the_commit() -> None:
    world, ann, _bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(12)
    link = make(world, ann, 1, uses=9)[0]
    held = hold(ann, PutDoor)
    ann.engine.commands.revoke(Invite.parse(link).door.hex(), lambda error: None)
    world.settle()
    assert held
    kill(world, ann)
    assert world.knock(link, "Dora").of(events.Waiting)  # the relay was not told
    world.advance(90)
    late = world.knock(link, "Eve")
    assert [event.code for event in late.of(events.Closed)] == ["door_revoked"]


def test_a_lost_answer_to_the_closing_is_asked_for_again() -> None:
    world = World()
    ann = world.open("Ann")
    link = make(world, ann, 1, uses=9)[0]
    hold(ann, PutDoor)
    ann.engine.commands.revoke(Invite.parse(link).door.hex(), lambda error: None)
    world.settle()
    ann.cut()
    ann.to_relay = lambda client, data: [data]
    ann.back()
    world.advance(5)
    late = world.knock(link, "Eve")
    assert [event.code for event in late.of(events.Closed)] == ["door_revoked"]


def test_an_invite_that_did_not_arrive_before_a_loss_is_put_and_no_code_is_told() -> None:
    """It comes with the room that is brought back, too, there with a later card."""
    world, ann, bob, _cleo = room_of_three()
    hold(ann, PutDoor)
    result = ask(ann, "remove", "Cleo")
    world.settle()
    world.kill_relay()
    let(ann)
    world.start_relay()
    world.advance(120)
    assert result == [None]
    told = [one.code for one in ann.of(events.Problem)]
    assert told == ["room_forgotten", "room_settled"]
    newcomer(world, ann.invite(), "Dora", ann)
    goes_on(world, ann, bob)


@pytest.mark.parametrize("loss", [False, True])
@pytest.mark.parametrize("by_removal", [False, True])
def test_an_invite_that_is_closed_before_it_is_ready_is_not_given_out(
    loss: bool, by_removal: bool
) -> None:
    """Ann's client had put no door yet, and Bob closed what the group lists."""
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    hold(ann, PutDoor)
    made: list[tuple[str | None, AlcoveError | None]] = []
    result: list[AlcoveError | None] = []
    before = {one.door for one in ann.of(events.InviteChanged)}
    if by_removal:
        result = ask(ann, "remove", "Cleo")
    else:
        ann.engine.commands.invite(lambda url, error: made.append((url, error)))
    world.settle()
    door = bob.engine.require_member().membership.state.door_ids()[-1].hex()
    ann.cut()
    world.advance(2, stay_away=(ann,))
    closed: list[object] = []
    bob.engine.commands.revoke(door, closed.append)
    world.advance(3, stay_away=(ann,))
    assert closed == [None]
    if loss:
        world.kill_relay()
        world.start_relay()
    let(ann)
    world.advance(120)
    if by_removal:
        assert result == [None]
        codes = [one.code for one in ann.of(events.Problem)]
        assert codes.count("door_revoked") == 1
        assert {one.door for one in ann.of(events.InviteChanged)} == before
    else:
        assert [url for url, _ in made] == [None]
        assert [error.code for _, error in made if error is not None] == ["door_revoked"]
    assert ann.of(events.InviteRevoked)


def test_so_is_none_that_waited_until_its_time_was_over() -> None:
    world, ann, _bob, _cleo = room_of_three()
    hold(ann, PutDoor)
    result: list[AlcoveError | None] = []
    asked = AskedInvite(hours=1)
    ann.engine.commands.new_invites(1, asked, lambda invites, error: result.append(error))
    world.settle()
    ann.cut()
    world.advance(1500, step=5, stay_away=(ann,))
    part = committer_of(ann)
    door = part.doors.get(part.lobby._membership.state.door_ids()[-1])
    assert door is not None
    door.deadline -= 2200
    let(ann)
    world.advance(30)
    assert [error.code for error in result if error is not None] == ["door_expired"]


def test_nor_one_that_was_used_up_before_its_answer_came() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    ann.to_client = without_done
    result: list[AlcoveError | None] = []
    asked = AskedInvite(uses=1)
    ann.engine.commands.new_invites(1, asked, lambda invites, error: result.append(error))
    world.advance(3)
    part = committer_of(bob)
    door = part.doors.get(part.lobby._membership.state.door_ids()[-1])
    assert door is not None
    newcomer(world, door.invite.url(), "Dora", bob)
    assert result == []
    ann.cut()
    let(ann)
    world.advance(30)
    assert [error.code for error in result if error is not None] == ["door_used"]
    assert isinstance(result[0], NotNow)  # known here, whatever the relay says of it


def without_done(client: Client, data: bytes) -> list[bytes]:
    return [] if isinstance(frames.from_relay(data), frames.Done) else [data]


def test_another_facilitator_renews_a_card_and_keeps_its_question() -> None:
    """The lobby key changes with a demotion: the first in line puts all cards anew."""
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    world.advance(12)
    link = make(world, ann, 1, uses=9, question="Who sent you?")[0]
    do(world, bob, "demote", "Ann")
    world.advance(30)
    dora = world.knock(link, "Dora", accept=False)
    card = dora.engine.newcomer.card if dora.engine.newcomer else None
    assert card is not None
    assert card.card.question == "Who sent you?"
    assert card.card.lobby_key == bob.engine.require_member().membership.state.lobby_key


def test_what_is_asked_for_has_bounds() -> None:
    world = World()
    ann = world.open("Ann")
    ask = partial(ann.engine.commands.new_invites, done=lambda invites, error: None)
    for count, asked, code in (
        (0, AskedInvite(), "bad_count"),
        (21, AskedInvite(), "bad_count"),
        (1, AskedInvite(uses=0), "bad_uses"),
        (1, AskedInvite(hours=721), "bad_hours"),
        (1, AskedInvite(question="x" * 501), "bad_question"),
        (1, AskedInvite(question="\ud800"), "bad_question"),
    ):
        with pytest.raises(InvalidInput) as refused:
            ask(count, asked)
        assert refused.value.code == code


def test_the_maker_of_a_link_is_told_when_another_removal_closes_it() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(12)
    link = make(world, ann, uses=9)[0]
    newcomer(world, link, "Dora", ann)
    newcomer(world, link, "Eve", ann)
    door = Invite.parse(link).door.hex()
    do(world, bob, "remove", "Dora")
    world.advance(3)
    assert ann.of(events.InviteRevoked) == [events.InviteRevoked(door, "Bob")]
    assert door not in {one.door for one in listed(world, ann)}
    newer = make(world, bob, uses=9)[0]
    newcomer(world, newer, "Finn", ann)
    do(world, bob, "remove", "Finn")
    world.advance(3)
    door = Invite.parse(newer).door.hex()
    assert ann.of(events.InviteRevoked)[-1] == events.InviteRevoked(door, "Bob")
    assert door not in {event.door for event in bob.of(events.InviteRevoked)}
    assert bob.of(events.InviteChanged)[-1].invite != newer
