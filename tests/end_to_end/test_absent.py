"""A member whose connection is lost for long: let go, and back with their keys."""

import pytest
from alcove import events
from alcove.engine.coming_back import PATIENCE
from alcove.facilitation.absence_intents import LetAbsentGo
from alcove_protocol import limits
from alcove_protocol.roster import NO_DOOR, Op

from tests.end_to_end.agreeing import KIND, changed
from tests.end_to_end.facilitating import away, do, newcomer, part
from tests.end_to_end.test_presence import told
from tests.end_to_end.test_whereabouts import whereabouts
from tests.end_to_end.ticketing import crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World, closed

ABSENT = 600


def a_room() -> tuple[World, Client, Client, Client]:
    """Ann facilitates, and whoever is lost for ten minutes is let go."""
    world = World()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(40)
    return world, ann, bob, cleo


def lose(world: World, bob: Client, seconds: float = ABSENT + 20.0) -> None:
    bob.cut()
    world.advance(seconds, step=5, stay_away=(bob,))


def seat_of(client: Client, about: Client) -> object:
    roster = client.engine.require_member().membership.roster
    return roster.seats.get(about.engine.identity.relay.public)


def test_who_is_lost_for_ten_minutes_is_let_go_and_everybody_is_told() -> None:
    world, ann, bob, cleo = a_room()
    before = ann.invite()
    lose(world, bob, ABSENT - 20.0)
    assert ann.members() == {"Ann", "Bob", "Cleo"}
    world.advance(40, step=5, stay_away=(bob,))
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    for client in (ann, cleo):
        assert client.of(events.Absent) == [events.Absent("Bob", "Ann")]
        assert not client.of(events.Left) + client.of(events.Removed)
    assert ann.invite() == before
    assert ann.of(events.InviteChanged) == []
    dora = world.join(ann, "Dora")  # by the invite that Bob came by
    assert "Dora" in cleo.members() & dora.members()


def test_one_that_was_let_go_is_away_and_can_be_kept_out_by_name() -> None:
    world, ann, bob, cleo = a_room()
    lose(world, bob, ABSENT + 20.0)
    assert away(ann) == ("Bob",)
    assert away(cleo) == ()
    do(world, ann, "remove", "Bob")
    assert away(ann) == ()
    assert ann.of(events.Removed) == [events.Removed("Bob")]
    world.advance(60, step=5)
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}


@pytest.mark.parametrize("before", range(1, 5))
def test_one_that_comes_by_a_ticket_just_before_the_time_is_over_is_not_let_go(before: int) -> None:
    """They were let in, let go a second later, and let in once more."""
    world, ann, bob, cleo = a_room()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    silent = part(ann).absences._life.silence
    key = bob.engine.require_member().membership.own.key
    while silent(key) < ABSENT - before:
        world.advance(1)
    assert "Bob" in ann.members()
    again = resumes(world, ticket, "Bob", wait=90)
    assert again.of(events.Joined)
    assert cleo.of(events.Reloaded)
    assert not cleo.of(events.Absent)
    world.advance(ABSENT)
    assert "Bob" in ann.members()


def test_after_two_hours_they_are_not_shown_as_one_that_may_come_back() -> None:
    """Also where the facilitator's client is not in step, and looks at nothing."""
    world, ann, bob, _cleo = a_room()
    lose(world, bob, ABSENT + 20.0)
    ann.cut()
    world.advance(limits.AWAY - 60, step=20, stay_away=(ann, bob))
    assert away(ann) == ("Bob",)
    world.advance(120, step=5, stay_away=(ann, bob))
    assert away(ann) == ()


def test_who_comes_back_with_their_keys_is_in_again_without_a_decision() -> None:
    world, ann, bob, cleo = a_room()
    door = seat_of(ann, bob)
    lose(world, bob)
    knocks = len(ann.of(events.Knocked))
    bob.say("written on the train")
    bob.back()
    world.advance(15)
    assert ann.members() == bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    assert len(ann.of(events.Knocked)) == knocks
    assert seat_of(ann, bob) == door != NO_DOOR
    assert bob.engine.closed is None
    bob.say("I am back")
    cleo.say("hello")
    world.advance(5)
    assert cleo.texts()[-2:] == ["written on the train", "I am back"]
    assert "hello" in bob.texts()
    assert not [gap for gap in cleo.of(events.Gap) + ann.of(events.Gap)]
    world.advance(40)
    assert whereabouts(ann)["Bob"] == "here"
    ann.engine.commands.acts()
    ann.collect()
    acts = [(act.act, act.name, act.aside) for act in ann.of(events.PastActs)[-1].acts]
    assert acts[-2:] == [("absent", "Bob", True), ("admit", "Bob", True)]  # no person did it


def test_no_use_of_the_invite_is_consumed() -> None:
    world = World()
    ann = world.open_with(world.client("Ann"), uses=2, absent=ABSENT)
    bob = world.join(ann, "Bob")
    world.advance(40)
    lose(world, bob)
    bob.back()
    world.advance(15)
    assert ann.members() == {"Ann", "Bob"}
    (door,) = part(ann)._membership.state.door_ids()
    known = part(ann).doors.get(door)
    assert known is not None
    assert known.uses_left == 1  # what a relay is told that lost its memory
    world.join(ann, "Cleo")
    assert ann.members() == {"Ann", "Bob", "Cleo"}


def test_a_pause_carries_over() -> None:
    world, ann, bob, _ = a_room()
    do(world, ann, "pause", "Bob")
    lose(world, bob)
    assert ann.engine.require_member().membership.state.paused == b""
    bob.back()
    world.advance(15)
    membership = ann.engine.require_member().membership
    assert membership.state.paused_keys() == (bob.engine.identity.signature.public,)
    assert membership.alarm is None


def test_whoever_is_connected_and_hidden_from_a_facilitator_is_back_at_once() -> None:
    """The relay hands none of Bob's frames on: Ann's client lets him go, and he loses seconds."""
    world, ann, bob, cleo = a_room()
    key = bob.engine.identity.relay.public
    ann.to_client = lambda client, data: [] if key in data and b"desk" in data[:12] else [data]
    world.advance(ABSENT + 30, step=5)
    assert cleo.of(events.Absent) == [events.Absent("Bob", "Ann")]
    assert cleo.members() == bob.members() == {"Ann", "Bob", "Cleo"}
    assert bob.engine.closed is None


def test_where_no_facilitator_answers_they_are_told_to_knock_again() -> None:
    world, ann, bob, _ = a_room()
    lose(world, bob)
    ann.cut()
    bob.back()
    world.advance(200, stay_away=(ann,))
    assert closed(bob).reason is events.CloseReason.LOST
    assert closed(bob).code == "knock_again"


def test_who_was_let_go_just_before_the_relay_lost_its_memory_comes_back() -> None:
    """Bob knows nothing of it. His chain is an older one, which the relay takes for no news."""
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    world.kill_relay()
    world.start_relay()
    world.advance(150)
    assert ann.members() == bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    assert not ann.of(events.Knocked)[2:]


def test_while_a_lost_log_is_unsettled_no_minute_counts() -> None:
    """Of five members two named its head, so it takes ten minutes, and nobody is let in before. The
    person was told to knock after three."""
    world, ann, bob, cleo = a_room()
    others = (cleo, world.join(ann, "Dora"), world.join(ann, "Eve"))
    for one in others:
        one.cut()
    lose(world, bob)
    assert ann.members() == {"Ann", "Cleo", "Dora", "Eve"}
    world.kill_relay()
    world.start_relay()
    world.advance(limits.UNSETTLED, stay_away=others)
    assert bob.engine.closed is None
    assert ann.members() == {"Ann", "Cleo", "Dora", "Eve"}
    world.advance(30, stay_away=others)
    assert "Bob" in ann.members() & bob.members()
    bob.say("back")
    world.advance(1, stay_away=others)
    assert ann.texts() == ["back"]


def test_after_it_is_settled_the_three_minutes_count_again() -> None:
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    do(world, ann, "lock", True)
    cleo.cut()
    world.kill_relay()
    world.start_relay()
    world.advance(limits.UNSETTLED + 60, stay_away=(cleo,))
    assert bob.engine.closed is None
    world.advance(200, stay_away=(cleo,))
    assert closed(bob).code == "knock_again"


def test_after_two_hours_they_knock_again() -> None:
    world, ann, bob, _ = a_room()
    lose(world, bob)
    world.advance(limits.AWAY, step=30, stay_away=(bob,))
    bob.back()
    world.advance(20)
    assert closed(bob).reason is events.CloseReason.LOST
    assert ann.members() == {"Ann", "Cleo"}


def test_who_was_removed_does_not_come_back_so() -> None:
    world, ann, bob, _ = a_room()
    do(world, ann, "remove", "Bob")
    world.advance(5)
    assert closed(bob).reason is events.CloseReason.REMOVED


def test_never_means_never() -> None:
    world = World()
    ann = world.open_with(world.client("Ann"), absent=0)
    bob = world.join(ann, "Bob")
    world.advance(40)
    lose(world, bob, 3600)
    assert ann.members() == {"Ann", "Bob"}


def test_a_facilitator_cut_off_lets_nobody_go() -> None:
    world, ann, bob, _ = a_room()
    bob.cut()
    ann.cut()
    world.advance(ABSENT + 60, step=5, stay_away=(ann, bob))
    ann.back()
    world.advance(120, step=5, stay_away=(bob,))
    assert ann.members() == {"Ann", "Bob", "Cleo"}
    assert told(ann, "Bob")[-1] == "away"
    world.advance(ABSENT, step=5, stay_away=(bob,))
    assert ann.members() == {"Ann", "Cleo"}


def test_a_lost_facilitator_is_never_let_go() -> None:
    world, ann, bob, cleo = a_room()
    do(world, ann, "appoint", "Bob")
    lose(world, bob, 2 * ABSENT)
    assert cleo.members() == {"Ann", "Bob", "Cleo"}
    # Nor when they were appointed after it was decided.
    decided = LetAbsentGo(key=bob.engine.identity.signature.public)
    assert decided.plan(ann.engine.require_member().membership) is None


def test_of_two_facilitators_one_lets_them_go_and_either_lets_them_back_in() -> None:
    world, ann, bob, cleo = a_room()
    do(world, ann, "appoint", "Cleo")
    world.advance(60)
    lose(world, bob)
    assert ann.of(events.Absent) == cleo.of(events.Absent) == [events.Absent("Bob", "Ann")]
    ann.cut()
    bob.back()
    world.advance(40, stay_away=(ann,))
    assert cleo.members() == bob.members() == {"Ann", "Bob", "Cleo"}


def test_where_the_ground_rules_changed_meanwhile_both_sides_are_told_what_happens_next() -> None:
    """Bob's new leaf would name the old rules, which no member takes. He has to accept the new ones
    first."""
    world, ann, bob, cleo = a_room()
    url = ann.invite()
    lose(world, bob)
    changed(world, ann, KIND)
    bob.back()
    world.advance(PATIENCE + 10)
    (why,) = [one for one in ann.of(events.Problem) if one.code == "not_let_back"]
    assert why.sender == "Bob"
    assert why.text == (
        "Bob was away, and asks to come back. The ground rules have changed since, so your client "
        "cannot let them in by itself. Their client soon tells them to knock again."
    )
    assert closed(bob).code == "knock_again"
    assert "the ground rules have changed meanwhile" in closed(bob).text
    again = newcomer(world, url, "Bob", ann)
    assert "Bob" in ann.members() & cleo.members() & again.members()


def test_a_locked_door_lets_nobody_back_in_until_it_opens() -> None:
    world, ann, bob, _ = a_room()
    lose(world, bob)
    do(world, ann, "lock", True)
    bob.back()
    world.advance(30)
    assert ann.members() == {"Ann", "Cleo"}
    do(world, ann, "lock", False)
    world.advance(90)
    assert ann.members() == bob.members() == {"Ann", "Bob", "Cleo"}


@pytest.mark.parametrize("op", [Op.REMOVE, Op.LEFT])
def test_only_an_absence_opens_the_way_back(op: Op) -> None:
    world, ann, bob, _ = a_room()
    if op is Op.REMOVE:
        do(world, ann, "remove", "Bob")
    else:
        bob.engine.commands.leave(lambda: None)
    world.advance(20)
    assert ann.members() == {"Ann", "Cleo"}
    assert bob.engine.closed is not None


def test_who_was_let_go_in_a_log_they_never_saw_settled_comes_back() -> None:
    """Bob's client does not know that log, so it brings its own chain first: to no end, since the
    relay has a longer one. It did so twice a second, and for ever."""
    world, ann, bob, cleo = a_room()
    world.kill_relay()
    world.start_relay()
    ann.back()
    bob.back()
    world.settle()
    lose(world, bob, limits.UNSETTLED + ABSENT + 60.0)
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    waits = set()
    for _ in range(130):
        world.advance(1)
        waits.add(bob.engine.come_back_after)
    assert 10.0 in waits
    assert [event.code for event in bob.of(events.Problem)] == ["room_forgotten", "absent"]
    world.advance(20)
    assert ann.members() == bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}


def test_an_ending_in_an_unknown_log_is_doubted_without_haste() -> None:
    world, _ann, bob, _cleo = a_room()
    engine = bob.engine
    waits = []
    for _ in range(3):
        engine.on_not_authenticated("removed", bytes(8))
        waits.append(engine.come_back_after)
        engine.come_back_after = 0.0
        world.clock.advance(1)
    assert waits == [0.0, 10.0, 10.0]


def test_who_is_not_let_back_in_is_told_and_their_client_ends_without_a_defect() -> None:
    """The room was closed in the middle of a look at the clock, which went on with wiped keys."""
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    do(world, ann, "lock", True)
    bob.back()
    world.advance(60)
    assert bob.engine.closed is None
    world.advance(180)
    assert closed(bob).code == "knock_again"
    assert cleo.members() == {"Ann", "Cleo"}


def test_a_connection_that_comes_and_goes_on_the_way_back_is_told_once() -> None:
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    do(world, ann, "lock", True)
    for _ in range(10):
        bob.back()
        world.advance(3)
        bob.cut()
        world.advance(3, stay_away=(bob,))
    assert [event.code for event in bob.of(events.Problem)] == ["absent"]
    do(world, ann, "lock", False)
    world.advance(90)
    assert "Bob" in cleo.members()
    lose(world, bob)
    bob.back()
    world.advance(90)
    assert [event.code for event in bob.of(events.Problem)].count("absent") == 2


def test_connections_of_less_than_a_second_on_the_way_back_end_too() -> None:
    """No look each second met one of them, so the way back had no end."""
    world, ann, bob, _ = a_room()
    lose(world, bob)
    do(world, ann, "lock", True)
    for _ in range(170):
        bob.back()
        world.settle()
        bob.cut()
        world.advance(1, stay_away=(bob,))
    assert bob.engine.closed is None
    for _ in range(15):
        bob.back()
        world.settle()
        bob.cut()
        world.advance(1, stay_away=(bob,))
    assert closed(bob).code == "knock_again"


def test_minutes_without_a_connection_on_the_way_back_are_no_end() -> None:
    """They counted as those in which no facilitator answers, and none could have answered."""
    world, ann, bob, cleo = a_room()
    lose(world, bob)
    ann.cut()
    bob.back()
    world.advance(5, stay_away=(ann,))
    assert bob.engine.closed is None
    bob.cut()
    world.advance(240, stay_away=(ann, bob))
    world.advance(60)
    assert bob.engine.closed is None
    assert ann.members() == bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
