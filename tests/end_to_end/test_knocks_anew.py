"""A waiting client takes its knock back for one by the lobby key of now: what crosses that."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.joining.door_watch import LOOK_AGAIN
from alcove_protocol import frames

from tests.end_to_end.facilitating import all_agree, do
from tests.end_to_end.test_door_talk import said
from tests.end_to_end.test_outside import outside
from tests.end_to_end.world import Client, World, room_of_three

LOOKS = 4


def another_lobby_key(world: World, ann: Client) -> None:
    do(world, ann, "appoint", "Cleo")
    world.advance(5)
    do(world, ann, "demote", "Cleo")
    world.advance(3)


def commits(data: bytes) -> bool:
    frame = frames.from_client(data)
    return isinstance(frame, frames.Publish) and frame.blob_class == frames.BlobClass.COMMIT


class SlowWayOut:
    """What a client sends from its `withdraw` on stays on the way, until it is let through."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._keeps = True

    def __call__(self, client: Client, data: bytes) -> list[bytes]:
        withdraws = isinstance(frames.from_client(data), frames.Withdraw)
        if not self._keeps or not (self._kept or withdraws):
            return [data]
        self._kept.append(data)
        return []

    def withdraws(self, world: World) -> None:
        for _ in range(int(LOOK_AGAIN) + 5):
            if not self._kept:
                world.advance(1)
        assert self._kept

    def let_through(self, world: World, client: Client) -> None:
        assert client.link is not None
        self._keeps = False
        for data in self._kept:
            client.link.receive(data)
        world.settle()


def one_outside_knocks_anew() -> tuple[World, Client, Client, Client, SlowWayOut]:
    world, ann, bob, cleo = room_of_three()
    outside(world, bob)
    another_lobby_key(world, ann)
    world.advance(LOOK_AGAIN + 5)
    bob.to_relay = way = SlowWayOut()
    another_lobby_key(world, ann)
    way.withdraws(world)
    return world, ann, bob, cleo, way


def test_who_is_let_in_meanwhile_is_in_without_another_connection() -> None:
    world, ann, bob, cleo, way = one_outside_knocks_anew()
    lost = len(bob.of(events.ConnectionChanged))
    assert ann.admit(ann.of(events.Knocked)[-1]) == []
    world.settle()
    way.let_through(world, bob)
    assert bob.of(events.Joined)[-1].you
    world.advance(20)
    assert len(bob.of(events.ConnectionChanged)) == lost
    all_agree(ann, bob, cleo)


def test_one_outside_that_does_not_come_back_talks_on_behind_a_locked_door() -> None:
    """Their knock would be refused, and the talk over, until the door is opened."""
    world, ann, bob, _cleo = room_of_three()
    outside(world, bob)
    do(world, ann, "lock", True)
    another_lobby_key(world, ann)
    world.advance(2 * LOOK_AGAIN)
    result: list[object] = []
    bob.engine.commands.door_say("Is it still loud?", None, result.append)
    world.settle()
    assert result == [None]
    assert said(ann) == [("Bob", "Is it still loud?")]
    assert [one.outside for one in ann.of(events.Knocked) if one.name == "Bob"] == [False, True]


def test_what_is_said_meanwhile_is_said_with_the_next_knock() -> None:
    world, ann, bob, _cleo, way = one_outside_knocks_anew()
    result: list[object] = []
    bob.engine.commands.door_say("Is it still loud?", None, result.append)
    way.let_through(world, bob)
    assert result == [None]
    assert said(ann) == [("Bob", "Is it still loud?")]


def test_who_says_meanwhile_that_they_come_back_is_let_in() -> None:
    world, ann, bob, cleo, way = one_outside_knocks_anew()
    result: list[object] = []
    bob.engine.commands.inside(None, result.append)
    way.let_through(world, bob)
    world.advance(8)
    assert result == [None]
    all_agree(ann, bob, cleo)


def test_a_text_to_a_relay_that_knows_no_knock_is_told_as_not_said() -> None:
    """The connection was lost with the `withdraw`, and the knock waits on."""
    world, _ann, bob, _cleo, way = one_outside_knocks_anew()
    bob.cut()
    way._keeps = False
    bob.back()
    world.settle()
    assert bob.link is not None

    def forgotten(client: Client, data: bytes) -> list[bytes]:
        request = frames.from_client(data)
        if isinstance(request, frames.LobbyRequest):
            refusal = frames.RequestRefused(request.n, "unknown_knock", "")
            client.engine.received(refusal.to_bytes())
            return []
        return [data]

    bob.to_relay = forgotten
    result: list[object] = []
    bob.engine.commands.door_say("hello?", None, result.append)
    world.settle()
    assert len(result) == 1
    assert result != [None]


def test_a_knock_that_the_relay_drops_meanwhile_costs_one_knock_and_no_more() -> None:
    world, ann, bob, _cleo, way = one_outside_knocks_anew()
    id = bytes.fromhex(ann.of(events.Knocked)[-1].id)
    bob.engine.received(frames.KnockRefused(id, bytes(96)).to_bytes())
    before = len(ann.of(events.Knocked))
    way.let_through(world, bob)
    world.advance(2 * LOOK_AGAIN)
    assert len(ann.of(events.Knocked)) == before + 1


@pytest.mark.parametrize("keys", [2, 3])
def test_a_relay_that_shows_cards_in_turn_costs_one_knock_in_a_while(keys: int) -> None:
    """Each knock is told to the facilitators, and has the client look at the card at once."""
    world, ann, bob, cleo = room_of_three()
    cards: dict[int, frames.CardIs] = {}
    knocks: list[float] = []
    shown = 0

    def in_turn(client: Client, data: bytes) -> list[bytes]:
        nonlocal shown
        frame = frames.from_relay(data)
        if not isinstance(frame, frames.CardIs):
            return [data]
        cards.setdefault(frame.number, frame)
        shown += 1
        return [replace(list(cards.values())[shown % len(cards)], n=frame.n).to_bytes()]

    def counted(client: Client, data: bytes) -> list[bytes]:
        if isinstance(frames.from_client(data), frames.Knock):
            knocks.append(world.clock())
        return [data]

    bob.to_client, bob.to_relay = in_turn, counted
    outside(world, bob)
    for _ in range(keys - 1):
        another_lobby_key(world, ann)
        world.advance(LOOK_AGAIN + 5)
    assert len(cards) >= 2
    told, since = len(ann.of(events.Knocked)), world.clock()
    ann.to_relay = lambda client, data: [] if commits(data) else [data]  # nobody lets Bob in
    bob.engine.commands.inside(None, lambda error: None)
    world.advance(LOOKS * LOOK_AGAIN)
    assert len([at for at in knocks if at > since]) <= LOOKS
    assert len(ann.of(events.Knocked)) - told <= LOOKS
    bob.to_client = ann.to_relay = lambda client, data: [data]
    world.advance(30)
    all_agree(ann, bob, cleo)


def test_a_newcomer_to_whom_the_card_of_before_is_shown_once_waits_on() -> None:
    """The key of the knock is on the card again: who facilitates now can open it."""
    world, ann, _bob, _cleo = room_of_three()
    first: list[frames.CardIs] = []
    stale = [False]

    def shows(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if isinstance(frame, frames.CardIs):
            first.append(frame)
            if stale[0]:
                return [replace(first[0], n=frame.n).to_bytes()]
        return [data]

    dora = world.client("Dora")
    dora.to_client = shows
    world.knock_with(dora, ann.invite())
    world.advance(3)
    another_lobby_key(world, ann)
    for stale[0] in (False, True, False):
        world.advance(LOOK_AGAIN)
    assert len(dora.of(events.Waiting)) == 1
