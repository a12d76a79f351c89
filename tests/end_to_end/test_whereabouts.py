"""Who is here, as each client can know it."""

import pytest
from alcove import events
from alcove.desk.life import SignsOfLife
from alcove.desk.line import DeskLine
from alcove.members import Whereabouts
from alcove_protocol import frames
from alcove_protocol.ticket import Ticket
from alcove_server.testing.embedded import ManualClock

from tests.end_to_end.facilitating import do
from tests.end_to_end.ticketing import crashes, ticket_of
from tests.end_to_end.world import Client, World, room_of_three


def whereabouts(client: Client) -> dict[str, Whereabouts]:
    """What the client's list of members says."""
    client.engine.commands.list_members(ref="r")
    client.collect()
    event = client.of(events.MemberList)[-1]
    assert event.ref == "r"
    return {member.name: member.presence for member in event.members}


def heard(client: Client) -> dict[str, bool]:
    """Of whom something came since they are in the group, as the client's list of members says."""
    client.engine.commands.list_members()
    client.collect()
    return {member.name: member.heard for member in client.of(events.MemberList)[-1].members}


def of_facilitators() -> tuple[World, Client, Client, Client]:
    """Ann and Bob facilitate, and everybody heard both."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(40)
    return world, ann, bob, cleo


def test_every_facilitator_hears_the_members_though_the_clock_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A real clock goes on between two looks at it. A heartbeat of another facilitator did not
    count then. All facilitators send one when somebody joins, so their heartbeats go out together,
    and members name only the last of them: the others called everybody away that said nothing."""

    def creeping(self: ManualClock) -> float:
        self.now += 1e-6
        return self.now

    monkeypatch.setattr(ManualClock, "__call__", creeping)
    world, ann, bob, _ = of_facilitators()
    world.join(ann, "Dora")
    world.advance(200)
    for client in (ann, bob):
        assert whereabouts(client) == dict.fromkeys(("Ann", "Bob", "Cleo", "Dora"), "here")
        assert "away" not in [event.presence for event in client.of(events.PresenceChanged)]


def test_the_list_has_roles_and_pauses() -> None:
    world, ann, _, cleo = of_facilitators()
    do(world, ann, "pause", "Cleo")
    cleo.engine.commands.list_members()
    cleo.collect()
    listed = [
        (m.name, m.facilitator, m.you, m.paused) for m in cleo.of(events.MemberList)[-1].members
    ]
    assert listed == [
        ("Ann", True, False, False),
        ("Bob", True, False, False),
        ("Cleo", False, True, True),
    ]


def test_whoever_was_heard_by_a_sign_of_life_stays_heard_for_one_that_facilitates_no_more() -> None:
    """Eve has written nothing. Ann saw that she is here, and nothing says otherwise now."""
    world, ann, *_ = of_facilitators()
    eve = world.join(ann, "Eve")
    world.advance(100)
    assert whereabouts(ann)["Eve"] == "here"
    do(world, ann, "step_down")
    world.advance(400)
    ann.engine.commands.list_members()
    ann.collect()
    assert eve.engine.closed is None
    listed = {one.name: one for one in ann.of(events.MemberList)[-1].members}
    assert not listed["Ann"].facilitator
    assert listed["Eve"].heard
    assert listed["Eve"].presence == "unknown"


@pytest.mark.parametrize("facilitates", [True, False])
def test_one_that_is_let_in_again_is_not_heard_before_something_comes_of_them(
    *, facilitates: bool
) -> None:
    """Eve's Welcome never arrives. What came of her before says nothing of it."""
    world, ann, *_ = of_facilitators()
    eve = world.join(ann, "Eve")
    world.advance(100)
    if not facilitates:
        do(world, ann, "step_down")
    world.advance(60)
    assert heard(ann)["Eve"]
    ticket = ticket_of(world, eve)
    crashes(world, eve)
    again = world.client("Eve")

    def without_a_welcome(client: Client, data: bytes) -> list[bytes]:
        return [] if isinstance(frames.from_relay(data), frames.WelcomeIs) else [data]

    again.to_client = without_a_welcome
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.advance(90)
    assert ann.of(events.Reloaded)
    assert not again.of(events.Joined)
    assert not heard(ann)["Eve"]


def test_a_facilitator_is_here_by_heartbeats_and_away_when_others_are_heard() -> None:
    world, ann, bob, cleo = of_facilitators()
    assert whereabouts(cleo)["Bob"] == whereabouts(ann)["Bob"] == "here"
    bob.cut()
    world.advance(100, stay_away=(bob,))
    assert whereabouts(cleo)["Bob"] == whereabouts(ann)["Bob"] == "away"
    bob.back()
    world.advance(40)
    assert whereabouts(cleo)["Bob"] == whereabouts(ann)["Bob"] == "here"
    told = [e.presence for e in ann.of(events.PresenceChanged) if e.name == "Bob"]
    assert told == ["here", "away", "here"]
    assert cleo.of(events.PresenceChanged) == []


def test_who_facilitates_again_is_not_away_before_the_first_heartbeat() -> None:
    world, ann, _, _ = of_facilitators()
    do(world, ann, "demote", "Bob")
    world.advance(200)
    do(world, ann, "appoint", "Bob")
    world.advance(1)
    told = [e.presence for e in ann.of(events.PresenceChanged) if e.name == "Bob"]
    assert "away" not in told


def test_who_facilitates_again_was_not_silent_while_they_did_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the private line brings nothing, Bob was called away in the moment before his first
    heartbeat as a facilitator again."""
    monkeypatch.setattr(DeskLine, "tick", lambda self: None)
    monkeypatch.setattr(SignsOfLife, "resumed", lambda self: None)
    world, ann, _, _ = of_facilitators()
    do(world, ann, "demote", "Bob")
    world.advance(200, step=5)
    do(world, ann, "appoint", "Bob")
    world.advance(1)
    told = [e.presence for e in ann.of(events.PresenceChanged) if e.name == "Bob"]
    assert told == ["here", "unknown", "here"]


def test_who_says_goodbye_is_away_at_once() -> None:
    world, ann, bob, cleo = of_facilitators()
    bob.engine.require_member().beat(leaving=True)
    world.settle()
    assert whereabouts(cleo)["Bob"] == whereabouts(ann)["Bob"] == "away"


def test_the_only_facilitator_is_never_called_away() -> None:
    """Nothing tells a member that hears nobody whether the relay keeps the heartbeats."""
    world, ann, _, cleo = room_of_three()
    world.advance(40)
    assert whereabouts(cleo)["Ann"] == "here"
    ann.cut()
    world.advance(200, stay_away=(ann,))
    assert whereabouts(cleo)["Ann"] == "unknown"


def test_without_a_connection_nothing_is_known() -> None:
    world, ann, _, cleo = of_facilitators()
    cleo.cut()
    assert whereabouts(cleo) == {"Ann": "unknown", "Bob": "unknown", "Cleo": "here"}
    cleo.back()
    world.settle()
    assert whereabouts(cleo)["Bob"] == "here"
    world.advance(1)
    ann.cut()
    world.advance(1, stay_away=(ann,))
    told = [e.presence for e in ann.of(events.PresenceChanged) if e.name == "Bob"]
    assert told == ["here", "unknown"]


def test_who_comes_back_after_somebody_came_in_is_here_at_once() -> None:
    """The first heartbeat goes out once the replay is over. One in its middle would name a number
    that the others passed long ago, and count for nothing."""
    world, ann, bob, cleo = of_facilitators()
    ann.online = False
    ann.cut()
    world.knock(ann.invite(), "Dora")
    bob.admit(bob.of(events.Knocked)[-1])
    world.advance(150, stay_away=(ann,))
    assert "Dora" in cleo.members()
    assert whereabouts(cleo)["Ann"] == "away"
    world.advance(5)
    assert whereabouts(cleo)["Ann"] == "here"


def test_nobody_is_shown_here_beside_the_word_that_no_facilitator_is_connected() -> None:
    """Ann handed over and still had signs of life of Bob. Her list showed him as here, below "No
    facilitator is connected."."""
    world, ann, bob, cleo = of_facilitators()
    world.advance(9)  # Bob's sign of life comes a while behind his heartbeat
    do(world, ann, "hand_over", "Bob")
    world.advance(3)
    bob.cut()
    for _ in range(40):
        world.advance(3, stay_away=(bob,))
        for client in (ann, cleo):
            if client.of(events.RoomChanged)[-1].state is events.RoomState.READ_ONLY:
                assert whereabouts(client)["Bob"] != "here"
    assert ann.of(events.RoomChanged)[-1].state is events.RoomState.READ_ONLY
    bob.back()
    world.advance(40)
    assert whereabouts(ann)["Bob"] == "here"
