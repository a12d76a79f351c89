"""The talk at the door: who waits and one facilitator, short texts, gone with the knock."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.errors import AlcoveError
from alcove.facilitation.unsent import AGAIN
from alcove.group.door_texts import TalkBody, TalkKind, fixed_text
from alcove.group.facilitator_seals import Reply, seal_talk
from alcove.group.sealing import door_psk
from alcove_protocol import frames, limits
from alcove_protocol.frames import LobbyItem, LobbyKind, LobbyRequest
from alcove_protocol.invite import Invite

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import committer_of
from tests.end_to_end.facilitating import do, hold, kill, let
from tests.end_to_end.world import Client, World


def knock_of(client: Client) -> str:
    return client.of(events.Knocked)[-1].id


def say(world: World, by: Client, text: str, id: str | None = None) -> list[object]:
    result: list[object] = []
    by.engine.commands.door_say(text, id, result.append)
    world.settle()
    return result


def said(client: Client) -> list[tuple[str, str]]:
    return [(event.sender, event.text) for event in client.of(events.DoorSaid)]


def why_not(by: Client, text: str, id: str | None = None) -> str:
    with pytest.raises(AlcoveError) as refused:
        by.engine.commands.door_say(text, id, lambda error: None)
    return refused.value.code


def two_facilitators() -> tuple[EvilWorld, Client, Client, Client, Client]:
    world = EvilWorld()
    ann = world.open("Ann")
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    dora = world.knock(ann.invite(), "Dora")
    return world, ann, bob, cleo, dora


def refuse(request: LobbyRequest) -> frames.RequestRefused:
    return frames.RequestRefused(request.n, "busy", "")


def test_who_waits_and_a_facilitator_say_short_texts_that_nobody_else_reads() -> None:
    world, ann, bob, cleo, dora = two_facilitators()
    assert say(world, ann, "Hello, take your time.", knock_of(ann)) == [None]
    assert say(world, dora, "Is it a large group?") == [None]
    assert said(dora) == [("Ann", "Hello, take your time.")]
    assert said(ann) == said(bob) == [("Dora", "Is it a large group?")]
    assert said(cleo) == []
    assert ann.of(events.DoorTaken) == bob.of(events.DoorTaken)
    assert [(event.id, event.by) for event in bob.of(events.DoorTaken)] == [(knock_of(bob), "Ann")]
    assert [(event.id, event.by) for event in dora.of(events.DoorTaken)] == [("", "Ann")]
    assert not dora.of(events.Joined)


def test_one_facilitator_talks_and_the_others_keep_out() -> None:
    world, ann, bob, _cleo, dora = two_facilitators()
    ann.engine.commands.door_take(knock_of(ann))
    world.settle()
    assert why_not(bob, "hello?", knock_of(bob)) == "door_taken"
    with pytest.raises(AlcoveError):
        bob.engine.commands.door_take(knock_of(bob))
    assert say(world, bob, "We begin ten minutes late.") == [None]  # to all who wait
    assert said(dora) == [("Bob", "We begin ten minutes late.")]


def test_of_two_who_take_a_talk_at_once_the_first_one_counts() -> None:
    world, ann, bob, _cleo, _dora = two_facilitators()
    held = hold(ann, LobbyRequest)
    ann.engine.commands.door_take(knock_of(ann))
    world.settle()
    assert held
    bob.engine.commands.door_take(knock_of(bob))
    world.settle()
    let(ann)
    for data in held:
        assert ann.link is not None
        ann.link.receive(data)
    world.settle()
    for client in (ann, bob):
        assert [event.by for event in client.of(events.DoorTaken)] == ["Bob"]


def test_a_text_for_one_that_came_in_meanwhile_is_not_told_as_said() -> None:
    world, ann, bob, _cleo, dora = two_facilitators()
    held = hold(bob, LobbyRequest)
    result: list[AlcoveError | None] = []
    bob.engine.commands.door_say("One moment.", knock_of(bob), result.append)
    world.settle()
    ann.engine.commands.admit(knock_of(ann), lambda error: None)
    world.settle()
    assert dora.of(events.Joined)
    let(bob)
    for data in held:
        assert bob.link is not None
        bob.link.receive(data)
    world.settle()
    assert said(dora) == []
    (error,) = result
    assert error is not None
    assert (error.code, str(error)) == (
        "unknown_knock",
        "Dora came in meanwhile, and may not have read it.",
    )


@pytest.mark.parametrize("busy", [False, True])
def test_a_talk_is_asked_for_again_when_the_relay_did_not_take_it(busy: bool) -> None:
    """Else the texts that follow arrive, and the other facilitators talk with the same newcomer."""
    world, ann, bob, _cleo, dora = two_facilitators()
    lost = (
        world.answer(ann, LobbyRequest, refuse, most=2) if busy else world.drop(ann, LobbyRequest)
    )
    ann.engine.commands.door_take(knock_of(ann))
    world.settle()
    assert lost.hits
    assert not bob.of(events.DoorTaken)
    lost.stop()
    if not busy:
        ann.cut()
        ann.back()
    world.advance(AGAIN + 1)
    assert [event.by for event in bob.of(events.DoorTaken)] == ["Ann"]
    assert [event.by for event in dora.of(events.DoorTaken)] == ["Ann"]
    assert why_not(bob, "hello?", knock_of(bob)) == "door_taken"


def test_a_busy_relay_is_not_asked_each_second() -> None:
    """It closes a connection that goes on asking, and commits go over the same one."""
    world, ann, _bob, _cleo, _dora = two_facilitators()
    busy = world.answer(ann, LobbyRequest, refuse)
    say(world, ann, "We begin soon.", knock_of(ann))  # asks for the talk, tells it, and says it
    assert len(busy.hits) == 3
    world.advance(AGAIN - 1)
    assert len(busy.hits) == 3
    world.advance(2)
    assert len(busy.hits) == 6


def test_a_talk_that_another_has_meanwhile_is_not_asked_for_again() -> None:
    world, ann, bob, _cleo, dora = two_facilitators()
    lost = world.drop(ann, LobbyRequest)
    ann.engine.commands.door_take(knock_of(ann))
    world.settle()
    bob.engine.commands.door_take(knock_of(bob))
    world.settle()
    lost.stop()
    asked = len(world.seen(LobbyRequest, ann))
    ann.cut()
    ann.back()
    world.advance(3)
    assert [event.by for event in ann.of(events.DoorTaken)] == ["Bob"]
    again = world.seen(LobbyRequest, ann)[asked:]
    assert len([one for one in again if not one.to]) == 0
    assert dora.engine.closed is None


def test_who_waits_is_told_when_the_facilitator_is_gone() -> None:
    world, ann, bob, _cleo, dora = two_facilitators()
    say(world, ann, "Hello.", knock_of(ann))
    kill(world, ann)
    world.advance(130)
    assert [event.by for event in dora.of(events.DoorTaken)] == ["Ann", ""]
    assert [event.by for event in bob.of(events.DoorTaken)] == ["Ann", ""]
    assert say(world, bob, "I am here now.", knock_of(bob)) == [None]
    assert said(dora)[-1] == ("Bob", "I am here now.")
    assert [event.by for event in dora.of(events.DoorTaken)] == ["Ann", "", "Bob"]


def test_a_demoted_facilitator_holds_no_talk() -> None:
    world, ann, bob, _cleo, dora = two_facilitators()
    say(world, ann, "Hello.", knock_of(ann))
    do(world, bob, "demote", "Ann")
    world.advance(15)
    assert [event.by for event in dora.of(events.DoorTaken)] == ["Ann", ""]
    assert say(world, bob, "I am here now.", knock_of(bob)) == [None]


def test_each_text_renews_the_knock_for_a_quarter_of_an_hour() -> None:
    world = World()
    ann = world.open("Ann")
    dora = world.knock(ann.invite(), "Dora")
    for _ in range(3):
        world.advance(limits.KNOCK_TTL - 60)
        say(world, ann, "Still here.", knock_of(ann))
        world.advance(limits.KNOCK_TTL - 60)
        say(world, dora, "I wait.")
    assert not dora.of(events.Closed)
    assert not ann.of(events.KnockGone)
    world.advance(limits.KNOCK_TTL + 30)
    assert [event.code for event in dora.of(events.Closed)] == ["expired"]
    assert ann.of(events.KnockGone)


def test_a_talk_has_twenty_texts_each_way_and_a_size() -> None:
    world = World()
    ann = world.open("Ann")
    dora = world.knock(ann.invite(), "Dora")
    for number in range(limits.DOOR_TALK):
        assert say(world, dora, f"text {number}") == [None]
    assert why_not(dora, "one more") == "talk_full"
    for _ in range(limits.DOOR_TALK - 1):  # the note that Ann is here counts too
        assert say(world, ann, "a text", knock_of(ann)) == [None]
    (error,) = say(world, ann, "one more", knock_of(ann))
    assert getattr(error, "code", None) == "talk_full"
    eve = world.knock(ann.invite(), "Eve")
    assert why_not(eve, "x" * 501) == "text_too_long"
    assert why_not(eve, "  ") == "text_empty"
    assert why_not(ann, "x" * 501) == "text_too_long"


def test_all_texts_of_a_talk_have_one_size_and_are_among_other_items() -> None:
    world, ann, _bob, _cleo, dora = two_facilitators()
    sizes, kinds = set(), set()

    def see(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        kinds.add(type(frame))
        if isinstance(frame, LobbyRequest) and (frame.to is not None or client is dora):
            sizes.add(len(frame.blob))
        return [data]

    ann.to_relay = dora.to_relay = see
    for text in ("x", "x" * 500):
        say(world, ann, text, knock_of(ann))
        say(world, dora, text)
    assert sizes == {limits.DOOR_TEXT}
    assert kinds == {LobbyRequest}


def test_what_was_said_comes_again_after_a_lost_connection_and_is_shown_once() -> None:
    world = World()
    ann = world.open("Ann")
    dora = world.knock(ann.invite(), "Dora")
    say(world, ann, "first", knock_of(ann))
    dora.cut()
    say(world, ann, "second", knock_of(ann))
    dora.back()
    world.advance(3)
    assert said(dora) == [("Ann", "first"), ("Ann", "second")]
    hold(dora, LobbyRequest)
    result: list[object] = []
    dora.engine.commands.door_say("mine", None, result.append)
    world.settle()
    let(dora)
    dora.cut()
    dora.back()
    world.advance(3)
    assert (said(ann), result) == ([("Dora", "mine")], [None])


def test_what_the_relay_did_not_take_is_said_with_the_next_knock() -> None:
    """The relay forgot the room, and with it the knock. Who waits does so with another one, and
    was told that the text is kept."""
    world = World()
    ann = world.open("Ann")
    dora = world.knock(ann.invite(), "Dora")
    world.kill_relay()
    world.settle()
    result: list[object] = []
    dora.engine.commands.door_say("hello?", None, result.append)
    world.settle()
    world.start_relay()
    world.advance(10)
    assert len(ann.of(events.Knocked)) == 2
    assert (said(ann), result) == ([("Dora", "hello?")], [None])
    assert say(world, dora, "Is it a large group?") == [None]
    assert said(ann)[-1] == ("Dora", "Is it a large group?")


def test_the_talk_is_gone_with_the_knock() -> None:
    world, ann, bob, _cleo, dora = two_facilitators()
    say(world, ann, "Hello.", knock_of(ann))
    say(world, dora, "Hi.")
    knock = ann.of(events.Knocked)[-1]
    ann.admit(knock)
    world.advance(1)
    assert dora.of(events.Joined)
    assert not committer_of(ann).talk._talks
    assert not committer_of(bob).talk._talks
    assert why_not(ann, "still there?", knock.id) == "unknown_knock"
    assert why_not(ann, "anybody?") == "nobody_waits"
    assert why_not(dora, "and now?") == "not_facilitator"


def test_nobody_talks_before_the_knock() -> None:
    world = World()
    ann = world.open("Ann")
    dora = world.knock(ann.invite(), "Dora", accept=False)
    assert why_not(dora, "hello?") == "not_waiting"


def test_who_waits_writes_to_the_lobby_key_that_the_card_has_now() -> None:
    """A former facilitator keeps the old key. The new one is on the card soon."""
    world, _ann, bob, _cleo, dora = two_facilitators()
    do(world, bob, "demote", "Ann")
    world.advance(60)
    assert say(world, dora, "Is anybody here?") == [None]
    newcomer, membership = dora.engine.newcomer, bob.engine.require_member().membership
    assert newcomer is not None
    assert newcomer.card is not None
    assert newcomer.card.card.lobby_key == membership.state.lobby_key
    assert said(bob) == [("Dora", "Is anybody here?")]


# --- against the relay, and holders of the link ---------------------------------------------------


def test_a_relay_that_shows_a_text_twice_or_to_another_is_not_believed() -> None:
    world = EvilWorld()
    ann = world.open("Ann")
    dora, eve = world.knock(ann.invite(), "Dora"), world.knock(ann.invite(), "Eve")
    kept = world.keep_back(dora, LobbyItem)
    say(world, ann, "For Dora.", ann.of(events.Knocked)[0].id)
    kept.stop()
    items = {item.id: item for item in kept.hits}
    for item in items.values():
        for number in (item.number, item.number + 7):
            world.forge(dora, replace(item, number=number, id=bytes([number]) * 16))
            world.forge(eve, replace(item, number=number))
    assert said(dora) == [("Ann", "For Dora.")]
    assert said(eve) == []


@pytest.mark.parametrize("side", ["to the newcomer", "to the facilitator"])
def test_a_relay_and_a_holder_of_the_link_make_up_no_text(side: str) -> None:
    """Cleo is in the room, and came by the same link: she knows its secret and the lobby's key."""
    world = EvilWorld()
    ann = world.open("Ann")
    url = ann.invite()
    dora = world.knock(url, "Dora")
    invite, knock = Invite.parse(url), bytes.fromhex(knock_of(ann))
    newcomer = dora.engine.newcomer
    assert newcomer is not None
    assert newcomer.card is not None
    key = dora.engine.identity.relay.public
    sender = key if side == "to the facilitator" else ann.engine.identity.relay.public
    body = TalkBody(1, TalkKind.TEXT, "Ann", fixed_text("Come to my address."), bytes(32))
    reply = Reply(invite.room, knock, sender)
    lobby_key = newcomer.card.card.lobby_key
    sealed = seal_talk(reply, lobby_key, body.encode(), door_psk(invite), world.random)
    to_ann = side == "to the facilitator"
    kind = LobbyKind.REQUEST if to_ann else LobbyKind.VAULT
    item = LobbyItem(90, int(kind), b"f" * 16, sender, 0, bytes(8) + sealed, None, False)
    world.forge(ann if to_ann else dora, item)
    assert said(ann) == said(dora) == []
