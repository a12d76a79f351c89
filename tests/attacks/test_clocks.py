"""Clocks that are wrong: set back, set forward, standing still, at a client and at the relay.

What ends, ends at its time or before, because each deadline is on a clock that nobody sets. What
needs the hour of the day is judged by no clock that differs from the relay's, and whose differs is
told.
"""

import inspect
import time

import pytest
from alcove import entering, events
from alcove.errors import NotNow
from alcove.group.keys import ROOM_SUITE
from alcove.relay.steady_clock import steady_clock as client_clock
from alcove_protocol import limits
from alcove_server.process.serving import Service
from alcove_server.process.steady_clock import steady_clock as relay_clock
from alcove_server.testing.embedded import embedded

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import group_of
from tests.end_to_end.evil.rooms import (
    authenticators,
    commit_by,
    forget,
    goes_on,
    miss_a_commit,
    problems,
)
from tests.end_to_end.world import Client

HOUR = 3600.0
OFF = [-26 * HOUR, -2 * HOUR, 2 * HOUR, 26 * HOUR]


class Setting:
    """How far a clock is from the true time, in seconds."""

    def __init__(self) -> None:
        self.by = 0.0


def person(world: EvilWorld, name: str) -> tuple[Client, Setting]:
    """A person whose device's clock can be set."""
    setting = Setting()
    return world.client(name, wall=lambda: world.wall() + setting.by), setting


def room(*, ttl: int = 1800) -> tuple[EvilWorld, Client, Setting, Client, Setting]:
    """Ann facilitates, Bob takes part, and both clocks can be set."""
    world = EvilWorld()
    ann, anns = person(world, "Ann")
    world.open_with(ann, ttl=ttl)
    bob, bobs = person(world, "Bob")
    world.knock_with(bob, ann.invite())
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    return world, ann, anns, bob, bobs


@pytest.mark.parametrize("off", OFF)
def test_a_facilitator_whose_clock_is_wrong_blames_no_newcomer_and_is_told(off: float) -> None:
    world, ann, anns, _bob, _ = room()
    forget(ann)
    anns.by = off
    dora = world.knock(ann.invite(), "Dora")
    world.advance(5)
    assert dora.engine.closed is None
    assert not ann.of(events.Knocked)
    world.advance(61)
    assert problems(ann) == ["clock_wrong"]
    anns.by = 0.0  # Ann sets it right, and sees who knocked meanwhile
    world.advance(2)
    (knock,) = ann.of(events.Knocked)
    ann.admit(knock)
    world.settle()
    assert dora.engine.member is not None


def test_one_wrong_clock_after_another_costs_no_newcomer_their_place() -> None:
    """Back by two hours, on by two, on by 25, while the room is open: each newcomer waits."""
    world, ann, anns, bob, _ = room()
    forget(ann, bob)
    waits = []
    for hours in (-2, 2, 25):
        anns.by = hours * HOUR
        waits.append(world.knock(ann.invite(), f"Newcomer {hours % 24}"))
        world.advance(61)
        assert waits[-1].engine.closed is None
        assert not ann.of(events.Knocked)
    assert set(problems(ann)) == {"clock_wrong"}
    assert not problems(bob)
    anns.by = 0.0
    world.advance(3)
    for knock in ann.of(events.Knocked):
        ann.admit(knock)
    world.advance(5)
    assert [newcomer.engine.member is not None for newcomer in waits] == [True] * 3


def test_a_facilitator_whose_clock_jumps_in_a_room_of_three_is_the_one_who_is_told() -> None:
    world = EvilWorld()
    ann, anns = person(world, "Ann")
    world.open_with(ann)
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(31)
    forget(ann, bob, cleo)
    anns.by = 26 * HOUR
    dora = world.knock(ann.invite(), "Dora")
    world.advance(63)
    assert dora.engine.closed is None
    assert problems(ann) == ["clock_wrong"]
    assert problems(bob) == problems(cleo) == []
    anns.by = 0.0
    world.advance(2)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert dora.engine.member is not None
    goes_on(world, ann, bob, cleo, dora)


@pytest.mark.parametrize("off", OFF)
def test_a_clock_that_goes_wrong_after_the_knock_lets_nobody_in(off: float) -> None:
    world, ann, anns, _bob, _ = room()
    dora = world.knock(ann.invite(), "Dora")
    anns.by = off
    with pytest.raises(NotNow) as told:
        ann.admit(ann.of(events.Knocked)[-1])
    assert told.value.code == "clock_wrong"
    anns.by = 0.0
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert dora.engine.member is not None


@pytest.mark.parametrize("off", OFF)
def test_a_newcomer_whose_clock_is_wrong_is_told_before_they_knock(off: float) -> None:
    world, ann, _, _bob, _ = room()
    forget(ann)
    dora, doras = person(world, "Dora")
    doras.by = off
    world.knock_with(dora, ann.invite())
    assert dora.engine.closed is not None
    assert dora.engine.closed.code == "clock_wrong"
    assert not ann.of(events.Knocked)
    assert not problems(ann)


@pytest.mark.parametrize("first", [-1, 1])
def test_two_clocks_that_both_pass_the_relays_pass_each_other(first: int) -> None:
    world, ann, anns, _bob, _ = room()
    most = limits.CLOCK_SKEW - 2
    anns.by = first * most
    dora, doras = person(world, "Dora")
    doras.by = -first * most
    world.knock_with(dora, ann.invite())
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert dora.engine.member is not None


@pytest.mark.parametrize("off", OFF)
def test_a_member_whose_clock_is_wrong_is_told_in_the_room_once(off: float) -> None:
    world, ann, _, bob, bobs = room()
    forget(ann, bob)
    bobs.by = off
    world.advance(130)
    assert problems(bob) == ["clock_wrong"]
    assert not problems(ann)
    bob.cut()
    world.advance(3)
    assert problems(bob) == ["clock_wrong"]  # the same wrong clock, on a new connection
    bobs.by = 0.0
    world.advance(3)
    bobs.by = off
    bob.cut()
    world.advance(3)
    assert problems(bob) == ["clock_wrong"] * 2  # the relay has just told its time
    goes_on(world, ann, bob)


@pytest.mark.parametrize("off", OFF)
def test_a_facilitators_wrong_clock_costs_no_member_their_place(off: float) -> None:
    """A rejoin whose KeyPackage it finds out of time waits at the relay, and is asked for anew."""
    world, ann, anns, bob, _ = room()
    world.advance(31, step=31)
    anns.by = off
    miss_a_commit(world, ann, bob)
    commit_by(world, ann)
    world.advance(30)
    assert (group_of(bob).epoch < group_of(ann).epoch) is (off != 2 * HOUR)  # within its lifetime
    anns.by = 0.0
    world.advance(130)
    assert len(authenticators(ann, bob)) == 1
    goes_on(world, ann, bob)


@pytest.mark.parametrize("off", OFF)
def test_no_clock_that_is_set_keeps_a_message_longer_or_takes_it_earlier(off: float) -> None:
    world, ann, anns, bob, bobs = room(ttl=60)
    id = ann.say("for a minute")
    world.settle()
    anns.by = bobs.by = off
    world.advance(58)
    assert not [e for client in (ann, bob) for e in client.of(events.Expired)]
    world.advance(3)
    assert [e.id for client in (ann, bob) for e in client.of(events.Expired)] == [id, id]


@pytest.mark.parametrize("off", OFF)
def test_a_relay_whose_clock_is_wrong_ends_nothing_late_and_its_clients_are_told(
    off: float,
) -> None:
    """It cannot be told whose clock is wrong, so the sentence says that they differ."""
    world, ann, _, bob, _ = room(ttl=60)
    id = ann.say("for a minute")
    world.settle()
    assert world.relay is not None
    store = world.relay.store
    for client in (ann, bob):
        client.cut()
    world.relay = embedded(world.clock, world.random, store=store, wall=lambda: world.wall() + off)
    forget(ann, bob)
    world.advance(5)
    assert problems(ann) == problems(bob) == ["clock_wrong"]
    world.advance(56)
    assert [e.id for client in (ann, bob) for e in client.of(events.Expired)] == [id, id]
    dora = world.knock(ann.invite(), "Dora")
    assert dora.engine.closed is not None
    assert dora.engine.closed.code == "clock_wrong"


def test_a_message_is_gone_when_the_device_wakes_up() -> None:
    world, ann, _, bob, _ = room()
    id = ann.say("in confidence")
    world.settle()
    bob.cut()
    world.clock.advance(8 * HOUR)  # nothing of Bob's runs meanwhile
    bob.engine.tick()
    bob.collect()
    assert [event.id for event in bob.of(events.Expired)] == [id]


def asleep(world: EvilWorld, sleeper: Client, seconds: int) -> None:
    """Nothing of this device runs. The time goes on for it too."""
    sleeper.cut()
    everybody, world.clients = world.clients, [one for one in world.clients if one is not sleeper]
    world.advance(seconds, step=10)
    world.clients = everybody
    sleeper.back()
    sleeper.engine.tick()
    sleeper.collect()
    world.settle()


def test_a_member_who_slept_for_eight_hours_keeps_nothing_that_the_others_have_lost() -> None:
    world, ann, _, bob, _ = room()
    cleo = world.join(ann, "Cleo")
    id = ann.say("in confidence")
    world.settle()
    assert bob.texts() == cleo.texts() == ["in confidence"]
    bob.cut()
    world.clients[:] = [ann, cleo]
    world.advance(8 * HOUR, step=30)
    world.clients.append(bob)
    assert [event.id for event in cleo.of(events.Expired)] == [id]
    bob.engine.tick()
    bob.collect()
    assert [event.id for event in bob.of(events.Expired)] == [id]


def test_naps_of_a_facilitator_lengthen_no_invite() -> None:
    """Thirty of twenty minutes each. The invite has left what the day has left."""
    world, ann, _, _bob, _ = room()

    def deadline() -> float:
        listed = ann.engine.require_member().membership.state.door_ids()
        (door,) = ann.engine.require_facilitator().doors.of_state(listed)
        return door.deadline

    before = deadline()
    begun = world.clock()
    for _ in range(30):
        asleep(world, ann, 20 * 60)
        world.advance(5)
    assert ann.engine.closed is None
    assert deadline() == before
    left = deadline() - world.clock()
    assert 13 * HOUR < left <= 24 * HOUR - (world.clock() - begun)


def test_client_and_relay_count_the_time_in_which_their_machine_sleeps() -> None:
    """Linux's CLOCK_MONOTONIC does not."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        pytest.skip("only Linux has two clocks to tell apart")
    for clock in (client_clock, relay_clock):
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        assert now <= clock() <= time.clock_gettime(time.CLOCK_BOOTTIME)
    plain = entering._engine("Ann", ROOM_SUITE)
    assert plain.ports.clock is client_clock
    assert inspect.signature(Service.__init__).parameters["clock"].default is relay_clock


def test_a_device_that_slept_is_not_called_wrong() -> None:
    """Its monotonic clock stood still. The relay's time of the next connection sets it right."""
    world, ann, _, bob, bobs = room()
    forget(ann, bob)
    bob.cut()
    bobs.by = 2 * HOUR  # what a clock that stands still looks like from inside
    bob.engine.tick()
    world.advance(30, stay_away=(bob,))
    assert not problems(bob)
    bobs.by = 0.0
    bob.back()
    world.advance(5)
    assert not problems(bob)
