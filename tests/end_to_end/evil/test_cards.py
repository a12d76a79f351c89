"""Cards at the doors, by a facilitator with a changed client: each other one's client reads them,
tells its person, and puts the right one there."""

from dataclasses import replace
from hashlib import sha256

from alcove import events, mls
from alcove.facilitation.card_watch import APART, ROUND, SETTLED, CardWatch
from alcove.facilitation.doors import RoomCard
from alcove.group.keys import ROOM_SUITE, SigningKey
from alcove.group.sealing import seal_card
from alcove.joining.card import CheckedCard, read_card
from alcove_protocol import limits
from alcove_protocol.card import card_number
from alcove_protocol.frames import (
    CardIs,
    Done,
    LobbyItem,
    LobbyKind,
    PutDoor,
    ReadCard,
    RelayAnswer,
    RequestRefused,
)
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.statements import DoorStatement

from tests.end_to_end.agreeing import KIND, accept, changed
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import committer_of, demote, roster_of, state_of
from tests.end_to_end.evil.rooms import forget, goes_on, named, problems, two_facilitators
from tests.end_to_end.facilitating import kill, new_link, newcomer
from tests.end_to_end.world import Client

FOUND_WITHIN = ROUND + 30.0
"""Seconds for one door: a round, the second look, and 10 s if the signer is first in line."""


def of_cards(client: Client) -> list[str]:
    return [code for code in problems(client) if code.startswith(("card_", "invite_"))]


def at_the_door(world: EvilWorld, client: Client, link: str) -> CardIs:
    """What the relay has there, as this facilitator reads it."""
    answers: list[RelayAnswer | None] = []
    door = Invite.parse(link).door
    client.engine.link.request(lambda n: ReadCard(n, door), answers.append)
    world.settle()
    assert isinstance(answers[0], CardIs)
    return answers[0]


def card_of(world: EvilWorld, client: Client, link: str) -> CheckedCard:
    return read_card(Invite.parse(link), at_the_door(world, client, link))


def put(
    world: EvilWorld,
    by: Client,
    link: str,
    *,
    lobby_key: bytes | None = None,
    number: int | None = None,
    words: RoomCard | None = None,
    sealed: bytes | None = None,
) -> None:
    """`by` puts a card of their own at a door, and their client puts no other there. With `sealed`
    it is these bytes."""
    committer_of(by).card_watch = _Blind()
    doors, membership = committer_of(by).doors, by.engine.require_member().membership
    invite = Invite.parse(link)
    if number is None:
        number = at_the_door(world, by, link).number + 1
    true, own = membership.state, doors.card
    membership.state = replace(true, lobby_key=lobby_key or true.lobby_key)
    doors.card = words or own
    signed = doors._sign_card(invite, membership, "", number)
    membership.state, doors.card = true, own
    card = sealed or seal_card(invite, number, signed, world.random)
    key = SigningKey.from_seed(invite.door_seed()).public
    said = DoorStatement(invite.room, invite.door, key, 1, 1, number, sha256(card).digest())
    statement = by.engine.identity.relay.sign(Label.DOOR, said)
    answers: list[RelayAnswer | None] = []
    by.engine.link.request(
        lambda n: PutDoor(n, statement.body, statement.signature, card), answers.append
    )
    world.settle()
    assert isinstance(answers[0], Done)


class _Blind(CardWatch):
    """Reads no cards."""

    def __init__(self) -> None: ...

    def moved(self) -> None: ...

    def tick(self, *, settled: bool) -> None: ...


def own_key(world: EvilWorld, by: Client) -> bytes:
    """A lobby key that this facilitator alone has, and opens knocks with."""
    lobby = committer_of(by).lobby_keys
    keys = mls.ciphersuite(ROOM_SUITE).hpke_keypair(world.random)
    lobby.add(keys)
    lobby._held[keys.public].until_now = by.engine.require_member()._clock()
    return keys.public


def room() -> tuple[EvilWorld, Client, Client, Client, str]:
    """Ann and Bob facilitate, and nothing of the appointment is under way any more."""
    world, ann, bob, cleo = two_facilitators()
    world.advance(30)
    forget(ann, bob, cleo)
    return world, ann, bob, cleo, ann.invite()


def is_right(world: EvilWorld, client: Client, link: str) -> bool:
    checked, state = card_of(world, client, link), state_of(client)
    return (checked.card.lobby_key, checked.agreement) == (state.lobby_key, state.agreement)


# --- another lobby key --------------------------------------------------------------------------


def test_a_card_with_a_lobby_key_of_ones_own_is_told_with_its_signer_and_replaced() -> None:
    world, ann, bob, cleo, link = room()
    put(world, bob, link, lobby_key=own_key(world, bob))
    assert not is_right(world, ann, link)
    world.advance(FOUND_WITHIN)
    assert of_cards(ann) == ["card_forged"]
    assert named(ann, "card_forged") == ["Bob"]
    assert of_cards(cleo) == []
    assert is_right(world, ann, link)
    dora = newcomer(world, link, "Dora", ann)
    goes_on(world, ann, bob, cleo, dora)


def test_a_card_by_the_first_in_line_is_replaced_by_the_next() -> None:
    world, ann, bob, _cleo, link = room()
    put(world, ann, link, lobby_key=own_key(world, ann))
    world.advance(FOUND_WITHIN)
    assert named(bob, "card_forged") == ["Ann"]
    assert is_right(world, bob, link)


def test_a_knock_that_one_facilitator_alone_can_read_is_found_at_once() -> None:
    world, ann, bob, _cleo, link = room()
    put(world, bob, link, lobby_key=own_key(world, bob))
    dora = world.knock(link, "Dora")
    assert bob.of(events.Knocked)
    assert ann.of(events.Knocked) == []
    world.advance(5)
    assert of_cards(ann) == ["card_forged"]
    assert is_right(world, ann, link)
    assert dora.engine.closed is None


def test_each_facilitators_invites_are_read_by_the_others() -> None:
    world, ann, bob, _cleo, _link = room()
    links = [new_link(world, by) for by in (ann, ann, bob)]
    world.advance(30)
    put(world, bob, links[1], lobby_key=own_key(world, bob))
    world.advance(FOUND_WITHIN)
    assert of_cards(ann) == ["card_forged"]
    assert all(is_right(world, ann, link) for link in links)


def test_a_facilitator_who_puts_it_again_and_again_is_told_of_once_and_loses_each_time() -> None:
    world, ann, bob, _cleo, link = room()
    key = own_key(world, bob)
    for _ in range(3):
        put(world, bob, link, lobby_key=key)
        world.advance(FOUND_WITHIN)
        assert is_right(world, ann, link)
    assert of_cards(ann) == ["card_forged"]


def test_a_forged_card_with_the_last_number_closes_its_invite() -> None:
    """No number is left above it before the next entry of the roster: nobody comes in by it, and
    nobody reaches Bob alone."""
    world, ann, bob, cleo, link = room()
    last = card_number(roster_of(bob).counter, 65_535)
    put(world, bob, link, lobby_key=own_key(world, bob), number=last)
    world.advance(FOUND_WITHIN)
    assert of_cards(ann) == ["card_forged", "card_stays"]
    door = Invite.parse(link).door
    assert door not in state_of(cleo).door_ids()
    assert [event.door for event in ann.of(events.InviteRevoked)] == [door.hex()]
    assert world.knock(link, "Dora").engine.closed is not None
    newcomer(world, new_link(world, ann), "Emil", ann)


def test_the_last_number_of_one_door_keeps_no_other_card_away() -> None:
    world, ann, bob, _cleo, link = room()
    other = new_link(world, ann)
    last = card_number(roster_of(bob).counter, 65_535)
    put(world, bob, other, lobby_key=own_key(world, bob), number=last)
    world.advance(2 * FOUND_WITHIN)
    changed(world, ann, KIND)
    world.advance(2)
    assert is_right(world, ann, link)
    newcomer(world, new_link(world, ann), "Dora", ann)


# --- nobody is blamed for what is no forgery -----------------------------------------------------


def test_an_old_card_that_the_relay_shows_again_blames_nobody() -> None:
    world, ann, bob, _cleo, link = room()
    old = at_the_door(world, ann, link)
    emil = world.join(ann, "Emil")
    committer_of(ann).roles.appoint("Emil", lambda error: None)
    world.advance(5)
    demote(world, ann, emil)  # brings another lobby key, and new cards
    world.advance(30)
    forget(ann, bob)
    for client in (ann, bob):
        world.alter(client, CardIs, lambda card: replace(old, n=card.n))
    world.advance(4 * FOUND_WITHIN)
    assert of_cards(ann) == ["card_wrong"]
    assert sorted(of_cards(bob)) == ["card_stays", "card_wrong"]  # by its number none is taken
    assert named(ann, "card_wrong") == named(bob, "card_wrong") == [None]


def test_a_new_agreement_and_a_new_lobby_key_tell_nobody_of_wrong_cards() -> None:
    world, ann, bob, _cleo, link = room()
    changed(world, bob, KIND)
    world.advance(FOUND_WITHIN)
    demote(world, bob, ann)
    world.advance(FOUND_WITHIN)
    assert of_cards(ann) == of_cards(bob) == []
    assert is_right(world, bob, link)


def test_what_the_relay_calls_a_huge_number_closes_no_invite() -> None:
    world, ann, _bob, _cleo, link = room()
    world.alter(ann, CardIs, lambda card: replace(card, number=2**53 - 1))
    world.advance(4 * FOUND_WITHIN)
    assert of_cards(ann) == ["card_wrong"]
    assert Invite.parse(link).door in state_of(ann).door_ids()


def test_junk_in_the_place_of_a_card_is_told_and_replaced() -> None:
    world, ann, bob, _cleo, link = room()
    put(world, bob, link, sealed=b"no card")
    world.advance(FOUND_WITHIN)
    assert of_cards(ann) == ["card_wrong"]
    newcomer(world, link, "Dora", ann)


def test_junk_that_the_relay_keeps_is_told_so_that_the_person_closes_the_invite() -> None:
    world, ann, bob, _cleo, link = room()
    last = card_number(roster_of(bob).counter, 65_535)
    put(world, bob, link, sealed=b"no card", number=last)
    world.advance(2 * FOUND_WITHIN)
    assert of_cards(ann) == ["card_wrong", "card_stays"]
    assert Invite.parse(link).door in state_of(ann).door_ids()


# --- what else stands at a door -------------------------------------------------------------------


def test_other_words_on_a_card_are_told_with_their_signer_and_left() -> None:
    world, ann, bob, _cleo, link = room()
    words = replace(committer_of(bob).doors.card, helplines="Call Bob", contact="bob@example.org")
    put(world, bob, link, words=words)
    world.advance(2 * FOUND_WITHIN)
    assert of_cards(ann) == ["card_differs"]
    assert named(ann, "card_differs") == ["Bob"]
    assert card_of(world, ann, link).card.helplines == "Call Bob"


def test_an_invite_that_is_closed_at_the_relay_alone_is_told() -> None:
    world, ann, bob, _cleo, link = room()
    invite = Invite.parse(link)
    signed = committer_of(bob).doors.revocation(invite.room, invite.door)
    bob.engine.link.request(
        lambda n: PutDoor(n, signed.body, signed.signature, b""), lambda answer: None
    )
    world.advance(FOUND_WITHIN)
    assert of_cards(ann) == ["invite_shut"]


def test_a_removal_that_closes_an_invite_is_no_invite_closed_at_the_relay_alone() -> None:
    world, ann, bob, _cleo, _link = room()
    ann.remove("Cleo")
    world.advance(4 * FOUND_WITHIN)
    assert of_cards(ann) == of_cards(bob) == []


# --- how often, and by whom -----------------------------------------------------------------------


def test_a_facilitator_who_is_alone_reads_no_cards() -> None:
    world, ann, bob, _cleo, _link = room()
    demote(world, ann, bob)
    world.advance(10)
    before = len(world.seen(ReadCard, ann))
    world.advance(4 * FOUND_WITHIN)
    assert len(world.seen(ReadCard, ann)) == before


def test_cards_are_read_once_a_minute_and_never_more_often_than_bounded() -> None:
    world, ann, _bob, _cleo, _link = room()
    before = len(world.seen(ReadCard, ann))
    world.advance(600)
    assert len(world.seen(ReadCard, ann)) - before in (9, 10, 11)
    for _ in range(30):
        new_link(world, ann)
    world.advance(30)
    before = len(world.seen(ReadCard, ann))
    world.advance(600)
    assert len(world.seen(ReadCard, ann)) - before <= 600 / APART


def test_junk_at_the_door_makes_nobody_read_cards_without_end() -> None:
    world, ann, _bob, _cleo, link = room()
    before = len(world.seen(ReadCard, ann))
    door = Invite.parse(link).door
    for number in range(50):
        id, junk = world.random(16), bytes(99)
        world.forge(ann, LobbyItem(1000 + number, LobbyKind.KNOCK, id, bytes(32), 0, junk, door))
        world.settle()
    world.advance(1)
    assert len(world.seen(ReadCard, ann)) - before <= 1
    world.advance(5)
    assert of_cards(ann) == []


def test_the_relay_that_refuses_to_tell_cards_makes_nobody_say_anything() -> None:
    world, ann, _bob, _cleo, _link = room()
    world.answer(ann, ReadCard, lambda asked: RequestRefused(asked.n, "rate_limited", ""))
    world.advance(4 * FOUND_WITHIN)
    assert of_cards(ann) == []


# --- numbers -----------------------------------------------------------------------------------


def test_a_card_is_put_anew_above_the_last_of_a_facilitator_who_died() -> None:
    """Ann's cards have the larger numbers of one entry. Bob's would be refused without a look."""
    world, ann, bob, _cleo, link = room()
    put(world, ann, link, number=card_number(roster_of(ann).counter, 5))
    kept = world.drop(ann, PutDoor)
    changed(world, ann, KIND)
    assert kept.hits
    kill(world, ann)
    world.advance(80)
    assert is_right(world, bob, link)


def test_who_slept_and_woke_in_a_room_that_was_brought_back_judges_no_card() -> None:
    """Ann's client does not know yet what the others did meanwhile. Their cards are newer than what
    it has, and were taken for forged or wrong, and it closed the invites."""
    world, ann, bob, cleo, link = room()
    others = (cleo, *(newcomer(world, link, name, ann) for name in ("Dora", "Emil", "Finn")))
    for client in (ann, *others):
        client.cut()
    changed(world, bob, KIND)
    world.advance(60, stay_away=(ann, *others))
    world.kill_relay()
    world.start_relay()
    bob.back()
    world.advance(40, stay_away=(ann, *others))
    ann.back()
    world.advance(limits.UNSETTLED + 120, step=5, stay_away=others)
    assert of_cards(ann) == of_cards(bob) == []
    world.advance(120, step=5)
    assert of_cards(ann) == of_cards(bob) == []
    assert not ann.of(events.InviteRevoked)
    assert is_right(world, ann, link)
    accept(world, ann, *others)
    goes_on(world, ann, bob, *others)


def test_a_room_is_brought_back_with_the_cards_that_another_put_at_ones_doors() -> None:
    """Bob's client brought the card back that it had made. Ann had put another there since, with
    the lobby key that Emil lacks: until she did it again, Emil could open the knocks there."""
    world, ann, bob, cleo, _link = room()
    link = new_link(world, bob)
    emil = world.join(ann, "Emil")
    committer_of(ann).roles.appoint("Emil", lambda error: None)
    world.advance(30)
    demote(world, ann, emil)
    world.advance(30)
    for _ in range(2):
        forget(ann, bob)
        world.kill_relay()
        world.start_relay()
        world.advance(SETTLED - 1)
        assert is_right(world, ann, link)
        world.advance(limits.UNSETTLED + FOUND_WITHIN)
        assert of_cards(ann) == of_cards(bob) == []
    goes_on(world, ann, bob, cleo, emil, newcomer(world, link, "Finn", bob))


def test_a_card_that_is_asked_for_when_the_room_closes_breaks_nothing() -> None:
    """The connection ends after the room, and what it owed is over: the group is wiped by then."""
    world, ann, _bob, _cleo = two_facilitators()
    facilitator = committer_of(ann)
    door = facilitator.doors.of_state(state_of(ann).door_ids())[0]
    facilitator.card_watch._read(door)
    ann.engine.close(events.CloseReason.LEFT)
    ann.cut()
    assert ann.engine.closed is not None
    world.settle()
