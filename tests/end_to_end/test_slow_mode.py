"""Slow mode by turns: held to by the sender and by the relay, and told to facilitators."""

import sys

import pytest
from alcove import events
from alcove.errors import AlcoveError
from alcove.messages.slow import LATE
from alcove.states import ConnectionState
from alcove_protocol import frames, limits
from alcove_protocol.errors import SlowDown
from alcove_protocol.frames import BlobClass, Publish, RelayAnswer, RequestRefused
from alcove_server.rooms.slow_turns import SlowTurns

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import relay_key, rogue_text, room_of, roster_of
from tests.end_to_end.evil.rooms import three
from tests.end_to_end.evil.test_folds import answer_of
from tests.end_to_end.facilitating import all_agree, do, goes_on, part
from tests.end_to_end.test_hard_minute import why_not
from tests.end_to_end.world import Client, World, room_of_three

SLOW = 120
SURE = limits.TURN + 2 * LATE + 1
"""Seconds after which a facilitator's client measures the others' turns."""


def slow_room() -> tuple[World, Client, Client, Client]:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "slow", SLOW)
    return world, ann, bob, cleo


def test_what_comes_within_a_minute_is_one_turn_and_then_there_is_a_pause() -> None:
    world, ann, bob, cleo = slow_room()
    for client in (ann, bob, cleo):
        (rule,) = client.of(events.RulesChanged)
        assert (rule.slow, rule.changed, rule.by) == (SLOW, ("slow",), "Ann")
    ann.say("welcome")
    for number in range(14):
        bob.say(f"line {number}")
        world.advance(4)
    assert len(cleo.texts()) == 15
    world.advance(5)
    assert why_not(bob) == "slow"
    assert why_not(cleo, "another's turn") is None
    assert why_not(ann, "facilitators take none") is None
    world.settle()
    assert set(bob.texts()) == {"welcome", "another's turn", "facilitators take none"}
    world.advance(SLOW)
    assert why_not(bob, "again") is None
    world.settle()
    assert cleo.texts()[-1] == "again"
    assert not ann.of(events.Problem)
    do(world, ann, "slow", 0)
    world.advance(70)
    goes_on(world, ann, bob, cleo)


def test_the_person_is_told_in_how_many_seconds_and_keeps_the_text() -> None:
    world, _ann, bob, _cleo = slow_room()
    bob.say("one")
    world.settle()
    world.advance(limits.TURN + 20)
    with pytest.raises(AlcoveError) as refused:
        bob.say("two")
    assert refused.value.code == "slow"
    assert f"in {SLOW - 20} seconds" in refused.value.text
    assert not bob.of(events.Failed)


def test_what_waited_goes_when_the_pause_is_over() -> None:
    world, _ann, bob, cleo = slow_room()
    bob.say("one")
    world.advance(limits.TURN - 2)
    bob.cut()
    refused: list[str] = []
    honest = bob.to_client

    def note(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        refused.extend([frame.code] if isinstance(frame, RequestRefused) else [])
        return honest(client, data)

    bob.to_client = note
    id = bob.say("two")
    world.advance(10, stay_away=(bob,))
    world.advance(5)
    assert cleo.texts() == ["one"]
    world.advance(SLOW)
    assert cleo.texts() == ["one", "two"]
    assert id in [event.id for event in bob.of(events.Sent)]
    assert refused == []  # the client did not try before
    assert not bob.of(events.Failed)


def test_slow_mode_ends_at_once() -> None:
    world, ann, bob, cleo = slow_room()
    bob.say("one")
    world.advance(limits.TURN + 5)
    assert why_not(bob) == "slow"
    do(world, ann, "slow", 0)
    goes_on(world, ann, bob, cleo)
    acts = [act.act for act in cleo.engine.require_member().act_log.acts()]
    assert acts[-2:] == ["slow", "slow"]


def test_a_turn_that_began_before_slow_mode_does_not_count() -> None:
    world, ann, bob, _cleo = room_of_three()
    bob.say("before")
    world.advance(limits.TURN + 5)
    do(world, ann, "slow", SLOW)
    assert why_not(bob, "now") is None
    world.settle()
    assert ann.texts() == ["before", "now"]


def test_leaving_and_coming_back_take_no_turn() -> None:
    world, ann, bob, cleo = slow_room()
    bob.say("one")
    world.advance(limits.TURN + 5)
    bob.engine.require_member()._hold()
    world.advance(40)
    assert events.ConnectionState.REJOINED in [
        event.state for event in bob.of(events.ConnectionChanged)
    ]
    bob.engine.commands.leave(lambda: None)
    world.advance(3)
    assert bob.of(events.Closed)
    all_agree(ann, cleo)


def test_a_pause_out_of_bounds_is_refused() -> None:
    _world, ann, bob, _cleo = room_of_three()
    for seconds in (-1, limits.SLOW_MAX + 1):
        with pytest.raises(AlcoveError) as refused:
            ann.engine.commands.slow(seconds, lambda error: None)
        assert refused.value.code == "bad_seconds"
    with pytest.raises(AlcoveError) as refused:
        bob.engine.commands.slow(1, lambda error: None)
    assert refused.value.code == "not_facilitator"


# --- each layer with the other off -------------------------------------------------------------


def slow_three() -> tuple[EvilWorld, Client, Client, Client]:
    world, ann, bob, cleo = three()
    do(world, ann, "slow", SLOW)
    return world, ann, bob, cleo


def out_of_turn(client: Client) -> list[str | None]:
    """Of whom this facilitator was told."""
    return [event.sender for event in client.of(events.Problem) if event.code == "out_of_turn"]


def test_the_relay_refuses_who_exceeds_it_and_says_for_how_long() -> None:
    """Bob's client has no check."""
    world, ann, bob, _cleo = slow_three()
    assert answer_of(world, bob, rogue_text(bob, "one", counter=1), BlobClass.APPLICATION) is None
    world.advance(limits.TURN - 5)
    assert answer_of(world, bob, rogue_text(bob, "two", counter=2), BlobClass.APPLICATION) is None
    world.advance(10)
    three_ = rogue_text(bob, "three", counter=3)
    assert answer_of(world, bob, three_, BlobClass.APPLICATION) == "slow"
    (refusal,) = [one for one in world.seen(RequestRefused, bob) if one.code == "slow"]
    assert refusal.wait == SLOW - 5
    assert ann.texts() == ["one", "two"]
    world.advance(SLOW)
    assert answer_of(world, bob, three_, BlobClass.APPLICATION) is None
    assert ann.texts() == ["one", "two", "three"]


def test_a_turn_that_began_at_another_relay_of_the_room_counts_here() -> None:
    """Bob's changed client said one thing there, and comes here in the pause."""
    world, ann, bob, cleo = slow_three()
    world.take(room_of(ann), rogue_text(bob, "there", counter=1), BlobClass.APPLICATION)
    world.advance(limits.TURN - 5)
    within = rogue_text(bob, "within the turn", counter=2)
    assert answer_of(world, bob, within, BlobClass.APPLICATION) is None
    world.advance(10)
    here = rogue_text(bob, "here", counter=3)
    assert answer_of(world, bob, here, BlobClass.APPLICATION) == "slow"
    cleo.say("another's turn")
    world.settle()
    assert ann.texts() == ["there", "within the turn", "another's turn"]
    world.advance(SLOW)
    assert answer_of(world, bob, here, BlobClass.APPLICATION) is None


def test_a_turn_counts_from_when_it_was_taken_elsewhere() -> None:
    """A relay may read what it missed while its store was away."""
    world, ann, bob, _cleo = slow_three()
    roster, key = roster_of(ann), relay_key(bob)
    turns = SlowTurns(world.clock)
    turns.told(roster, key, limits.TURN + 5)
    with pytest.raises(SlowDown) as refused:
        turns.take(roster, key)
    assert refused.value.wait == SLOW - 5
    world.clock.advance(SLOW - 5)
    assert turns.take(roster, key)


def test_a_blob_that_the_relay_did_not_take_begins_no_turn() -> None:
    world, ann, bob, _cleo = slow_three()
    stale = bob.engine.require_member().membership.base
    part(ann).refresh_keys()
    world.settle()
    blob = rogue_text(bob, "late", counter=1)
    answers: list[RelayAnswer | None] = []
    bob.engine.link.request(
        lambda n: Publish(n, bytes(16), stale.encode(), BlobClass.APPLICATION, 600, blob),
        answers.append,
    )
    world.settle()
    assert isinstance(answers[0], RequestRefused)
    assert answers[0].code == "stale"
    world.advance(limits.TURN + 5)
    text = rogue_text(bob, "on time", counter=1)
    assert answer_of(world, bob, text, BlobClass.APPLICATION) is None


def test_receivers_show_what_exceeds_it_and_facilitators_are_told() -> None:
    """The relay has no check. No member refuses a message for a clock."""
    world, ann, bob, cleo = slow_three()
    world.advance(SURE)
    world.take(room_of(ann), rogue_text(bob, "one", counter=1), BlobClass.APPLICATION)
    world.advance(limits.TURN + LATE + 1)
    world.take(room_of(ann), rogue_text(bob, "two", counter=2), BlobClass.APPLICATION)
    assert ann.texts() == cleo.texts() == ["one", "two"]
    told = [(event.code, event.sender) for event in ann.of(events.Problem)]
    assert told == [("out_of_turn", "Bob")]
    assert not cleo.of(events.Problem)


def test_a_facilitator_that_was_away_measures_no_turn_of_before() -> None:
    """Its device may have slept, and its clock with it: the others kept to a longer time."""
    world, ann, bob, _cleo = slow_three()
    world.advance(SURE)
    world.take(room_of(ann), rogue_text(bob, "one", counter=1), BlobClass.APPLICATION)
    ann.cut()
    world.advance(20, stay_away=(ann,))
    ann.back()
    world.advance(SURE)
    world.take(room_of(ann), rogue_text(bob, "two", counter=2), BlobClass.APPLICATION)
    assert ann.texts() == ["one", "two"]
    assert not ann.of(events.Problem)
    world.advance(limits.TURN + LATE + 1)
    world.take(room_of(ann), rogue_text(bob, "three", counter=3), BlobClass.APPLICATION)
    assert [event.code for event in ann.of(events.Problem)] == ["out_of_turn"]


def test_a_facilitator_measures_no_turn_that_went_on_when_it_came() -> None:
    """It hears the end of a turn that began before, and the next one comes in time."""
    world, ann, bob, _cleo = slow_room()
    bob.say("one")
    world.advance(20)
    dora = world.join(ann, "Dora")
    world.advance(35)
    bob.say("two")
    world.settle()
    do(world, ann, "appoint", "Dora")
    world.advance(limits.TURN - 55 + SLOW + 1)
    bob.say("three")
    world.settle()
    assert dora.texts() == ["two", "three"]
    assert not dora.of(events.Problem)


def test_what_a_network_held_up_is_not_measured_by_when_it_comes() -> None:
    """The relay's way to a facilitator stands still, and then all of it comes at once."""
    world, ann, bob, cleo = slow_room()
    world.advance(SURE)
    asked: list[bytes] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        asked.append(data)
        return [data]

    ann.to_relay = note
    while not asked:  # with nothing on its way, it takes longest to see that nothing is answered
        world.advance(1)
    world.advance(2)
    bob.say("one")
    world.advance(limits.TURN - 2)
    held: list[bytes] = []
    honest = ann.to_client

    def hold(client: Client, data: bytes) -> list[bytes]:
        held.append(data)
        return []

    ann.to_client = hold
    bob.say("two")
    world.advance(LATE + 10)
    assert ann.of(events.ConnectionChanged)[-1].state is ConnectionState.SILENT
    ann.to_client = honest
    for data in held:
        ann.engine.received(data)
    world.settle()
    assert ann.texts() == cleo.texts() == ["one", "two"]
    world.advance(SURE)
    bob.say("three")
    world.settle()
    assert ann.texts()[2:] == ["three"]
    assert not ann.of(events.Problem)


def test_a_turn_begins_with_whatever_a_member_sends() -> None:
    world, ann, bob, _cleo = slow_room()
    world.advance(SURE)
    first = bob.say("one")
    world.advance(limits.TURN + SLOW + 1)
    bob.engine.commands.retract(first)
    world.advance(limits.TURN - 5)
    bob.say("two")
    world.advance(5 + SLOW + 1)
    bob.say("three")
    world.settle()
    assert ann.texts() == ["one", "two", "three"]
    assert not ann.of(events.Problem)


def test_who_misses_a_message_measures_nobody_by_the_next_one() -> None:
    """The turn may have begun with what is missing."""
    world, ann, bob, _cleo = slow_three()
    world.advance(SURE)
    world.take(room_of(ann), rogue_text(bob, "two", counter=2), BlobClass.APPLICATION)
    world.advance(SLOW)
    world.take(room_of(ann), rogue_text(bob, "three", counter=3), BlobClass.APPLICATION)
    assert ann.texts() == ["two", "three"]
    assert [event.code for event in ann.of(events.Problem)] == []
    assert ann.of(events.Gap)


@pytest.mark.parametrize("slow", [30, 60, SLOW])
@pytest.mark.parametrize("skips", [1, 20], ids=["all", "with gaps"])
def test_who_never_pauses_is_told_of(slow: int, skips: int) -> None:
    """Where all runs together, no turn can be told from the next one, and there has to be a pause.
    A member that skips numbers, as if messages were missing, has to pause too."""
    world, ann, bob, _cleo = slow_three()
    do(world, ann, "slow", slow)
    told = 0
    for n in range(60):
        text = rogue_text(bob, f"text {n}", counter=1 + n * skips)
        world.take(room_of(ann), text, BlobClass.APPLICATION)
        world.advance(4)
        if n == 40:  # what was told by then may be of the first turn
            told = len(out_of_turn(ann))
    assert set(out_of_turn(ann)[told:]) == {"Bob"}


def test_a_facilitator_that_came_back_measures_no_run_of_before() -> None:
    world, ann, bob, _cleo = slow_three()
    world.advance(SURE)
    for n in range(22):
        if n == 10:
            ann.cut()
            ann.back()
        text = rogue_text(bob, f"text {n}", counter=1 + n)
        world.take(room_of(ann), text, BlobClass.APPLICATION)
        world.advance(5)
    assert len(ann.texts()) == 22
    assert not out_of_turn(ann)


def test_what_is_kept_of_a_member_costs_little_to_look_up() -> None:
    """In a short pause a member may write for an hour. Each look-up is a few steps, not each kept
    time against each other: else a member's hour of texts would stop the clients of all."""
    world, ann, bob, _cleo = slow_three()
    world.advance(limits.SLOW_MAX + SURE, step=30)
    member = ann.engine.require_member()
    slow, author = member.conversation.slow, bob.engine.require_member().membership.own.key
    calls = 0

    def counted(frame: object, event: str, what: object) -> None:
        nonlocal calls
        calls += 1

    for age in range(limits.SLOW_MAX, 0, -1):
        slow.heard(author, age)
    before = sys.getprofile()
    sys.setprofile(counted)
    slow.heard(author, 0)
    sys.setprofile(before)
    assert calls < limits.SLOW_MAX // 10


@pytest.mark.parametrize("slow", [10, 30, 60, SLOW])
def test_who_writes_as_much_as_they_may_is_not_told_of(slow: int) -> None:
    """Each turn to its end, and the next at once, over a network that is late at times."""
    world, ann, bob, _cleo = slow_room()
    do(world, ann, "slow", slow)
    world.advance(SURE)
    late: list[tuple[float, bytes]] = []
    shown = 0

    def sometimes_late(client: Client, data: bytes) -> list[bytes]:
        nonlocal shown
        shown += 1
        late.append((world.clock() + (0, 5)[shown // 7 % 2], data))
        return []

    ann.to_client = sometimes_late
    for second in range(600):
        world.advance(1)
        while late and late[0][0] <= world.clock():
            ann.engine.received(late.pop(0)[1])
        if second % 5 == 0 and not why_not(bob, "more"):
            world.settle()
    assert len(ann.texts()) > 10
    assert not out_of_turn(ann)


def test_a_text_that_comes_before_the_pause_is_over_is_told_of() -> None:
    """There was a pause between the two, but it was too short."""
    world, ann, bob, _cleo = slow_three()
    world.advance(SURE)
    for counter in (1, 2):
        text = rogue_text(bob, f"text {counter}", counter=counter)
        world.take(room_of(ann), text, BlobClass.APPLICATION)
        world.advance(SLOW)
    assert out_of_turn(ann) == ["Bob"]


def test_a_gap_of_one_member_hides_no_other() -> None:
    world, ann, bob, cleo = slow_three()
    world.advance(SURE)
    world.take(room_of(ann), rogue_text(bob, "one", counter=1), BlobClass.APPLICATION)
    world.take(room_of(ann), rogue_text(cleo, "skips", counter=9), BlobClass.APPLICATION)
    world.advance(SLOW)
    world.take(room_of(ann), rogue_text(bob, "two", counter=2), BlobClass.APPLICATION)
    assert out_of_turn(ann) == ["Bob"]


def test_who_keeps_to_it_is_not_told_of() -> None:
    world, ann, bob, _cleo = slow_three()
    for counter in (1, 2, 3):
        text = rogue_text(bob, str(counter), counter=counter)
        world.take(room_of(ann), text, BlobClass.APPLICATION)
        world.advance(limits.TURN + SLOW)
    assert not ann.of(events.Problem)


def test_a_relay_that_says_wait_for_ever_is_believed_for_one_pause_at_most() -> None:
    world, ann, bob, _cleo = slow_three()
    slow = bob.engine.require_member().conversation.slow
    slow.refused(10**9)
    assert slow.wait == limits.TURN + SLOW
    do(world, ann, "slow", 0)
    assert slow.wait == 0
