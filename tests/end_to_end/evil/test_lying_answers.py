"""The relay lies in its answers: where a message is, what the last commit was, who a client is."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.engine.endings import REPLACED_WAIT
from alcove.events import CloseReason
from alcove.facilitation.lobby import SEEN_MOST
from alcove_protocol.frames import (
    Authenticated,
    BlobClass,
    BlobIs,
    Bye,
    Knock,
    KnockRefused,
    LobbyItem,
    LobbyKind,
    Publish,
    Published,
    RequestRefused,
    Resumed,
    WelcomeIs,
)
from alcove_protocol.position import Position

from tests.end_to_end.evil.relay import EvilWorld, Trick
from tests.end_to_end.evil.rogue import committer_of
from tests.end_to_end.evil.rooms import authenticators, forget, goes_on, problems, three
from tests.end_to_end.evil.test_lost_welcome import admitted_without_welcome, restart
from tests.end_to_end.evil.test_new_log import forget_the_chain, forget_the_commit, unacknowledged
from tests.end_to_end.evil.test_taken_and_refused import ends
from tests.end_to_end.world import Client


def cursor(client: Client) -> Position:
    return client.engine.require_member().stream.cursor


def a_message(publish: Publish) -> bool:
    return publish.blob_class == BlobClass.APPLICATION


def back_to(position: Position, number: int) -> Position:
    return Position(position.generation, number)


# --- where a message is -----------------------------------------------------------------------


@pytest.mark.parametrize("where", ["passed", "an earlier one", "in another log"])
def test_a_message_is_not_sent_because_the_relay_names_a_place_that_is_taken(where: str) -> None:
    """A lone facilitator's words would be gone without a trace: no number is missing to anybody,
    and no heartbeat has to cover them."""
    world, ann, bob, cleo = three()
    world.drop(ann, BlobIs, most=1)
    for client in (bob, cleo):
        client.say("hello")
        world.settle()
    world.advance(35)  # after the gap the log hash begins anew, and goes over no earlier number
    forget(ann, bob, cleo)
    here = cursor(ann)
    place = {
        "passed": here,
        "an earlier one": back_to(here, 1),
        "in another log": Position(bytes(8), here.number + 1),
    }[where]
    lied = world.answer(ann, Publish, lambda p: Published(p.n, place.encode()), a_message, most=1)
    id = ann.say("call the ambulance")
    world.settle()
    assert len(lied.hits) == 1
    assert "Sent" not in ends(ann, id)
    world.advance(5)
    assert ends(ann, id)[-1] == "Sent"
    assert bob.texts() == cleo.texts() == ["call the ambulance"]
    goes_on(world, ann, bob, cleo)


def test_a_message_that_goes_again_is_not_where_another_one_was_received() -> None:
    world, ann, bob, cleo = three()
    forget(ann)
    world.answer(ann, Publish, lambda p: RequestRefused(p.n, "busy", ""), a_message, most=1)
    place = cursor(ann)
    lied = world.answer(ann, Publish, lambda p: Published(p.n, place.encode()), a_message, most=1)
    id = ann.say("call the ambulance")
    world.advance(5)
    assert len(lied.hits) == 1
    assert ends(ann, id) == ["Queued", "Sent"]
    assert bob.texts() == cleo.texts() == ["call the ambulance"]


def test_a_message_whose_answer_was_late_is_sent_where_it_is() -> None:
    """The relay was truthful at last: its log has the message there, and the replay lacked it."""
    world, ann, bob, cleo = three()
    taken = world.alter(ann, Published, lambda p: RequestRefused(p.n, "busy", ""), most=1)
    id = ann.say("hello")
    world.settle()
    bob.say("me too")  # Ann's client passes the number of her own message
    world.advance(3)
    assert len(taken.hits) == 1
    assert ends(ann, id)[-1] == "Sent"
    assert bob.texts() == ["hello"]
    assert ann.texts() == ["me too"]
    goes_on(world, ann, bob, cleo)


def test_a_held_client_knows_its_own_message_in_the_log() -> None:
    world, _ann, bob, _cleo = three()
    lost = world.drop(bob, Published, most=1)
    id = bob.say("hello")
    world.settle()
    assert len(lost.hits) == 1
    bob.engine.require_member()._hold()
    bob.cut()
    bob.back()
    world.settle()
    assert ends(bob, id)[-1] == "Sent"


def test_a_number_that_the_relay_invented_makes_nobody_deaf() -> None:
    """All later messages have lower ones, and would be taken for handled."""
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    far = back_to(cursor(ann), 2**50)
    world.answer(ann, Publish, lambda p: Published(p.n, far.encode()), a_message, most=1)
    ann.say("hello?")
    world.settle()
    assert ann.of(events.Gap)
    ann.cut()
    ann.back()
    world.settle()
    assert len(ann.of(events.Gap)) == 2
    world.advance(95)
    bob.say("are you there?")
    world.settle()
    assert ann.texts() == ["are you there?"]
    assert bob.of(events.Gap) == []
    goes_on(world, ann, bob, cleo)


# --- the last commit --------------------------------------------------------------------------


def test_a_false_base_holds_no_only_facilitator() -> None:
    """Held, and fed with heartbeats that cannot be read, the client would ask itself to be let in
    again, and after six rounds leave the room for good."""
    world, ann, bob, cleo = three()
    forget(ann)
    lied = world.alter(
        ann, Resumed, lambda r: replace(r, base=back_to(cursor(ann), 99).encode()), most=1
    )
    ann.cut()
    ann.back()
    world.advance(15)
    assert len(lied.hits) == 1
    assert problems(ann) == []
    goes_on(world, ann, bob, cleo)


# --- a commit that the relay does not take ----------------------------------------------------


def stalled_removal(world: EvilWorld, ann: Client, code: str) -> Trick[Publish]:
    def refused(publish: Publish) -> RequestRefused:
        base = publish.base if code == "stale" else None
        return RequestRefused(publish.n, code, "", base=base)

    return world.answer(ann, Publish, refused, lambda p: p.blob_class == BlobClass.COMMIT)


@pytest.mark.parametrize("code", ["busy", "stale", "rate_limited"])
def test_a_facilitator_is_told_that_the_relay_does_not_take_a_removal(code: str) -> None:
    world, ann, bob, cleo = three()
    forget(ann)
    stalled = stalled_removal(world, ann, code)
    result = ann.remove("Bob")
    world.advance(25)
    assert problems(ann) == []
    world.advance(60)
    assert problems(ann) == ["change_waits"]  # once
    assert result == []
    stalled.stop()
    world.advance(2)
    assert result == [None]
    assert bob.engine.closed is not None
    goes_on(world, ann, cleo)


def test_fresh_keys_that_wait_are_nobodys_wish() -> None:
    world, ann, _bob, _cleo = three()
    forget(ann)
    stalled_removal(world, ann, "busy")
    committer_of(ann).refresh_keys()
    world.advance(60)
    assert problems(ann) == []


# --- who a client is --------------------------------------------------------------------------


@pytest.mark.parametrize("who", [0, 1])
def test_a_connection_that_the_relay_calls_replaced_comes_back(who: int) -> None:
    """Only this client has its keys. The relay could say so at any time, and end a room with it."""
    world, *people = three()
    victim = people[who]
    forget(victim)
    world.forge(victim, Bye("replaced", ""))
    world.settle()
    world.advance(3)
    assert victim.engine.closed is None
    assert problems(victim) == []
    goes_on(world, *people)


def test_a_client_that_is_replaced_again_and_again_says_so_once_and_slows_down() -> None:
    world, _ann, bob, _cleo = three()
    forget(bob)
    for _ in range(4):
        world.forge(bob, Bye("replaced", ""))
        world.settle()
        world.advance(3)
    assert problems(bob) == ["replaced"]
    assert bob.engine.come_back_after == REPLACED_WAIT  # the world's clients come back at once


def test_a_newcomer_that_the_relay_calls_replaced_comes_back() -> None:
    world = EvilWorld()
    ann = world.open("Ann")
    dora = world.knock(ann.invite(), "Dora")
    world.forge(dora, Bye("replaced", ""))
    world.settle()
    world.advance(3)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert dora.of(events.Joined)[0].you


@pytest.mark.parametrize("role", ["door", "reseat"])
@pytest.mark.parametrize("who", [0, 1])
def test_a_connection_in_a_role_that_was_not_asked_for_is_ended(role: str, who: int) -> None:
    """On it nothing would go out, and nobody would be told."""
    world, *people = three()
    victim = people[who]
    lied = world.alter(victim, Authenticated, lambda a: replace(a, role=role), most=1)
    victim.cut()
    victim.back()
    world.settle()
    assert len(lied.hits) == 1
    assert victim.link is None
    world.advance(3)
    goes_on(world, *people)


def test_a_newcomer_without_a_card_does_not_wait_for_a_welcome() -> None:
    world = EvilWorld()
    ann = world.open("Ann")
    bob = world.client("Bob")
    world.alter(bob, Authenticated, lambda a: replace(a, role="member"), most=1)
    world.knock_with(bob, ann.invite())
    world.advance(3)
    assert ann.of(events.Knocked)[-1].name == "Bob"


# --- Welcomes ---------------------------------------------------------------------------------


def test_a_newcomer_is_let_in_by_the_oldest_request_that_the_relay_kept() -> None:
    """The relay is honest, and restarted. The facilitator is away meanwhile."""
    world, ann, bob, cleo = admitted_without_welcome()
    restart(world)
    world.advance(3)
    ann.cut()
    world.advance(300, stay_away=(ann,))
    assert bob.engine.member is None
    world.advance(10)  # 8 s are for commits that the relay lost
    assert bob.engine.member is not None
    goes_on(world, ann, bob, cleo)


def test_a_newcomer_whose_welcome_does_not_open_asks_for_another() -> None:
    world, ann, _bob, cleo = three()
    dora = world.knock(ann.invite(), "Dora")
    altered = world.alter(
        dora, WelcomeIs, lambda w: replace(w, welcome=world.random(len(w.welcome))), most=3
    )
    ann.admit(ann.of(events.Knocked)[-1])
    world.advance(150)
    assert altered.hits
    assert problems(dora) == ["cannot_open"]
    assert dora.engine.member is not None
    assert dora.of(events.Joined)[0].you
    goes_on(world, ann, cleo, dora)


# --- knocking again ---------------------------------------------------------------------------


def asks_at_the_door_again() -> tuple[EvilWorld, Client, Client, Client]:
    """Dora was let in by a commit that is gone, and her client goes back to the door."""
    world, ann, cleo, dora = unacknowledged()
    forget_the_commit(ann)
    forget_the_chain(world, cleo, dora)
    forget(dora)
    restart(world)
    for _ in range(100):
        if dora.engine.member is None:
            break
        world.advance(1)
    assert "knocking_again" in problems(dora)
    return world, ann, cleo, dora


def test_whoever_knocks_again_waits_for_a_relay_that_restarts_again() -> None:
    world, ann, _cleo, dora = asks_at_the_door_again()
    world.kill_relay()
    world.start_relay()
    world.advance(5, stay_away=(ann,))
    assert dora.engine.closed is None
    world.advance(60)
    assert ann.of(events.Knocked)[-1].name == "Dora"
    ann.admit(ann.of(events.Knocked)[-1])
    world.advance(70)
    assert dora.of(events.Joined)[-1].you


def test_whoever_knocks_again_and_is_on_the_list_after_all_is_let_in() -> None:
    """The entry that seated Dora came again, before her client was at the door."""
    world, ann, _bob, cleo = three()
    dora = world.join(ann, "Dora")
    lied = world.alter(
        dora,
        Authenticated,
        lambda a: RequestRefused(a.n, "not_member", "", generation=bytes(8)),
    )
    dora.cut()
    dora.back()
    for _ in range(100):
        world.advance(1)
        if dora.engine.member is None:
            break
    assert lied.hits
    lied.stop()
    forget(dora)
    world.advance(90)
    assert dora.engine.member is not None
    assert dora.of(events.Joined)[-1].you
    assert len(authenticators(ann, cleo, dora)) == 1
    goes_on(world, ann, cleo, dora)


def test_whoever_is_not_listed_waits_as_long_in_each_new_log() -> None:
    """The relay lost its memory again, and the commit that seated them can come again as late."""
    world, _ann, _bob, cleo = three()
    log = [bytes(8)]

    def unlisted(answer: Authenticated) -> RequestRefused:
        return RequestRefused(answer.n, "not_member", "", generation=log[0])

    lied = world.alter(cleo, Authenticated, unlisted)
    cleo.cut()
    world.advance(80)
    log[0] = b"\1" * 8
    world.advance(80)
    assert len(lied.hits) > 100
    assert "knocking_again" not in problems(cleo)
    world.advance(20)
    assert "knocking_again" in problems(cleo)


# --- numbers of the lobby ---------------------------------------------------------------------


HUGE = 2**53 - 1


@pytest.mark.parametrize("kind", [LobbyKind.KNOCK, LobbyKind.REQUEST, LobbyKind.GONE])
def test_a_huge_number_in_the_lobby_makes_no_facilitator_deaf(kind: LobbyKind) -> None:
    """All later items have lower numbers, and would be taken for handled, also by an honest relay
    to which the client names that number."""
    world, ann, bob, cleo = three()
    forget(ann)
    world.forge(ann, LobbyItem(HUGE, kind, world.random(16), bytes(32), 0, b"x", bytes(8)))
    world.knock(ann.invite(), "Dora")
    assert [knock.name for knock in ann.of(events.Knocked)] == ["Dora"]
    world.forge(ann, LobbyItem(HUGE, kind, world.random(16), bytes(32), 0, b"x", bytes(8)))
    ann.cut()
    world.knock(ann.invite(), "Eve")
    ann.back()
    world.settle()
    world.knock(ann.invite(), "Finn")
    assert [knock.name for knock in ann.of(events.Knocked)] == ["Dora", "Eve", "Finn"]
    for knock in ann.of(events.Knocked):
        ann.admit(knock)
    world.advance(5)
    assert ann.members() == {"Ann", "Bob", "Cleo", "Dora", "Eve", "Finn"}
    goes_on(world, ann, bob, cleo)


def test_an_item_of_the_lobby_that_comes_again_is_handled_once() -> None:
    world, ann, _bob, _cleo = three()
    dora = world.knock(ann.invite(), "Dora")
    item = world.seen(LobbyItem, ann)[-1]
    forget(ann)
    for _ in range(3):
        world.forge(ann, item)
    assert not ann.of(events.Knocked)
    assert not dora.of(events.Closed)


def test_what_is_remembered_of_the_lobby_is_bounded() -> None:
    _world, ann, _bob, _cleo = three()
    lobby = committer_of(ann).lobby
    for number in range(SEEN_MOST + 10):
        id = number.to_bytes(16, "big")
        lobby.receive(LobbyItem(number + 100, LobbyKind.GONE, id, bytes(32), 0, b""))
    assert len(lobby._seen) == SEEN_MOST


# --- no end of waiting ------------------------------------------------------------------------


def test_a_knock_that_waits_beyond_its_time_is_over() -> None:
    world = EvilWorld()
    ann = world.open("Ann")
    hidden = world.drop(ann, LobbyItem)
    dora = world.knock(ann.invite(), "Dora")
    world.drop(dora, KnockRefused)
    world.alter(dora, Authenticated, lambda a: replace(a, waiting=True))
    world.advance(15 * 60, step=5)
    assert hidden.hits
    assert dora.engine.closed is None
    world.advance(3 * 60, step=5)
    assert dora.engine.closed is not None
    assert (dora.engine.closed.reason, dora.engine.closed.code) == (
        CloseReason.REFUSED,
        "expired",
    )


@pytest.mark.parametrize("blob", [b"", b"no seal"], ids=["empty", "garbage"])
def test_a_knock_that_the_relay_drops_is_told_as_dropped_and_made_again(blob: bytes) -> None:
    """No facilitator answered, and it is not true yet that none answered in time."""
    world = EvilWorld()
    ann = world.open("Ann")
    dora = world.knock(ann.invite(), "Dora")
    world.forge(dora, KnockRefused(world.seen(Knock, dora)[-1].id, blob))
    assert dora.engine.closed is None
    assert problems(dora) == ["knock_dropped"]
    world.advance(35)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert dora.of(events.Joined)[0].you
    assert problems(dora) == ["knock_dropped"]


def test_a_relay_that_drops_every_knock_keeps_nobody_for_longer_than_one() -> None:
    world = EvilWorld()
    ann = world.open("Ann")
    hidden = world.drop(ann, LobbyItem)
    dora = world.knock(ann.invite(), "Dora")
    knocks = 0
    while dora.engine.closed is None and knocks < 100:
        knocks += 1
        world.forge(dora, KnockRefused(world.seen(Knock, dora)[-1].id, b""))
        world.advance(30)
    assert hidden.hits
    assert 25 <= knocks <= 60  # one in 15 to 30 s, for 14 minutes
    assert dora.engine.closed is not None
    assert dora.engine.closed.code == "expired"
    assert problems(dora) == ["knock_dropped"]


def test_a_newcomer_on_the_list_does_not_wait_for_ever_for_a_welcome() -> None:
    """What they ask for is kept back. The room goes on meanwhile."""
    world, ann, bob, cleo = admitted_without_welcome()
    world.drop(bob, WelcomeIs)
    world.drop(ann, LobbyItem)
    world.advance(20 * 60, step=10)
    assert bob.engine.closed is None
    world.advance(30 * 60, step=10)
    assert bob.engine.closed is not None
    assert bob.engine.closed.code == "no_welcome"
    goes_on(world, ann, cleo)
