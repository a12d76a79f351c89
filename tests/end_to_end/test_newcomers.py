"""Mishaps on the way in: a full door, a lost connection, a knock that the relay took unheard."""

from dataclasses import replace

import pytest
from alcove import events
from alcove_protocol import frames

from tests.end_to_end.world import Client, World, kind_of


def test_a_refusal_without_a_connection_reaches_the_newcomer_later() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob")
    ann.cut()
    ann.engine.commands.refuse(ann.of(events.Knocked)[0].id)
    world.advance(2)
    assert bob.engine.closed is not None
    assert bob.engine.closed.code == "refused"


@pytest.mark.parametrize("code", ["rate_limited", "busy", "unavailable", "too_many_knocks"])
@pytest.mark.parametrize("refused", [frames.ReadCard, frames.Knock])
def test_a_newcomer_whom_the_relay_cannot_take_now_asks_again(
    code: str, refused: type[frames.ReadCard | frames.Knock]
) -> None:
    """Fifty people come by one link at once, and a door takes twenty."""
    world = World()
    ann = world.open("Ann")
    asked: list[int] = []

    def never(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if not isinstance(frame, refused):
            return [data]
        asked.append(frame.n)
        return []

    bob = world.client("Bob")
    bob.to_relay = never
    world.knock_with(bob, ann.invite())
    for times in (1, 2):
        assert len(asked) == times
        bob.engine.received(frames.RequestRefused(asked[-1], code, "Later.").to_bytes())
        world.advance(10)
        assert len(asked) == times  # it does not press
        world.advance(21)
    assert [event.code for event in bob.of(events.Problem)] == ["door_full"]
    bob.to_relay = lambda client, data: [data]
    bob.engine.received(frames.RequestRefused(asked[-1], code, "Later.").to_bytes())
    world.advance(31)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert bob.members() == {"Ann", "Bob"}


@pytest.mark.parametrize("reads", [False, True])
def test_a_newcomer_who_finds_no_place_to_stand_comes_again(reads: bool) -> None:
    """The door is full of people who read the card, when they come or when they come back."""
    world = World()
    ann = world.open("Ann")
    bob = world.client("Bob")
    if reads:
        world.knock_with(bob, ann.invite(), accept=False)
        bob.cut()

    def no_place(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if not isinstance(frame, frames.Authenticate):
            return [data]
        refusal = frames.RequestRefused(frame.n, "too_many_knocks", "Later.")
        client.engine.received(refusal.to_bytes())
        client.engine.link.hang_up = True  # as if the relay had closed, which it does
        return []

    bob.to_relay = no_place
    if not reads:
        world.knock_with(bob, ann.invite(), accept=False)
    world.advance(5)
    assert bob.engine.closed is None
    assert [event.code for event in bob.of(events.Problem)] == ["door_full"]
    bob.to_relay = lambda client, data: [data]
    world.advance(2)
    bob.engine.commands.accept()
    world.settle()
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert bob.members() == {"Ann", "Bob"}


def test_a_knock_that_meets_the_admission_of_an_earlier_one_ends_no_way_in() -> None:
    """The relay says `not_allowed`: the newcomer is a member by now, and connects as one. A relay
    that says so again is not believed."""
    world = World()
    ann = world.open("Ann")
    asked: list[int] = []

    def never(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if not isinstance(frame, frames.Knock):
            return [data]
        asked.append(frame.n)
        return []

    bob, cleo = world.client("Bob"), world.client("Cleo")
    for client in (bob, cleo):
        client.to_relay = never
        world.knock_with(client, ann.invite())
        client.engine.received(frames.RequestRefused(asked[-1], "not_allowed", "No.").to_bytes())
        assert client.engine.closed is None
    bob.to_relay = lambda client, data: [data]
    world.advance(3)  # both come back and knock
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert bob.members() == {"Ann", "Bob"}
    cleo.engine.received(frames.RequestRefused(asked[-1], "not_allowed", "No.").to_bytes())
    assert cleo.engine.closed is not None


def test_reading_the_rules_while_the_relay_restarts() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob", accept=False)
    world.kill_relay()
    world.start_relay()
    bob.back()
    world.settle()  # before the facilitator has brought the room back
    world.advance(5)
    assert bob.engine.closed is None
    assert bob.engine.newcomer is not None
    bob.engine.newcomer.accept()
    world.settle()
    ann.admit(ann.of(events.Knocked)[-1])
    world.advance(70)  # until the log is settled nobody is let in
    assert bob.of(events.Joined)


def test_a_newcomer_who_accepts_while_the_connection_comes_back_knocks_once() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob", accept=False)
    bob.cut()
    bob.back()
    kept: list[bytes] = []

    def keep(client: Client, data: bytes) -> list[bytes]:
        kept.append(data)
        return [] if kind_of(data) == "authenticated" else [data]

    bob.to_client = keep
    world.settle()
    assert kind_of(kept[-1]) == "authenticated"
    bob.to_client = lambda client, data: [data]
    bob.engine.commands.accept()
    bob.engine.received(kept[-1])
    world.settle()
    assert bob.engine.closed is None
    assert len(ann.of(events.Knocked)) == 1


def test_a_knock_that_the_relay_took_late_is_withdrawn_for_the_next_one() -> None:
    """The store was slow: the knock was taken only after its newcomer had come back."""
    world = World()
    ann = world.open("Ann")
    bob = world.client("Bob")

    def late(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if isinstance(frame, frames.Done):
            client.cut()
            return []
        return [data]

    bob.to_client = late
    world.knock_with(bob, ann.invite())
    assert not bob.of(events.Waiting)

    def unknown_yet(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if isinstance(frame, frames.Authenticated):
            return [replace(frame, waiting=False).to_bytes()]
        return [data]

    bob.to_client = unknown_yet
    bob.back()
    world.settle()
    assert bob.engine.closed is None
    knock = ann.of(events.Knocked)[-1]
    assert knock.code == bob.of(events.Waiting)[-1].code
    ann.admit(knock)
    world.settle()
    assert bob.members() == ann.members() == {"Ann", "Bob"}


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_newcomer_whose_knock_was_taken_unheard_has_the_code_that_facilitators_see(
    times: int,
) -> None:
    """The relay took the knock, and the connection dropped before it could say so: once, once more
    before it could say that it took the knock back, and so on."""
    world = World()
    ann = world.open("Ann")
    bob = world.client("Bob")

    def lost(client: Client, data: bytes) -> list[bytes]:
        if not isinstance(frames.from_relay(data), frames.Done):
            return [data]
        client.cut()
        return []

    bob.to_client = lost
    world.knock_with(bob, ann.invite())
    for _ in range(times - 1):
        bob.back()
        world.settle()
        assert not bob.online
    bob.to_client = lambda client, data: [data]
    bob.back()
    world.settle()
    knock = ann.of(events.Knocked)[-1]
    assert [event.code for event in bob.of(events.Waiting)] == [knock.code]
    ann.admit(knock)
    world.settle()
    assert bob.members() == ann.members() == {"Ann", "Bob"}
