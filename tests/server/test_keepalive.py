"""Pings for all connections in turn, and the deadline of stalled ones."""

from alcove_server.net.keepalive import Keepalive, Stalled
from alcove_server.testing.embedded import ManualClock


class One:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.turns = 0
        self.late = 0

    def turn(self) -> None:
        self.turns += 1

    def too_late(self) -> None:
        self.late += 1


def test_each_has_one_turn_in_a_period() -> None:
    keepalive, ones = Keepalive(4), [One() for _ in range(10)]
    slots = [keepalive.add(one) for one in ones]
    for _ in range(4):
        keepalive.tick()
    assert [one.turns for one in ones] == [1] * 10
    keepalive.discard(slots[0], ones[0])
    for _ in range(4):
        keepalive.tick()
    assert [one.turns for one in ones] == [1] + [2] * 9


def test_a_client_that_stalls_too_long_is_told_once_and_in_time() -> None:
    clock = ManualClock()
    stalled, first, second, gone = Stalled(clock, 20.0), One(), One(), One()
    stalled.add(first)
    stalled.add(gone)
    clock.advance(10)
    stalled.add(second)
    stalled.discard(gone)
    clock.advance(9.9)
    stalled.tick()
    assert first.late == 0
    clock.advance(0.1)
    stalled.tick()
    assert (first.late, second.late) == (1, 0)
    clock.advance(10)
    stalled.tick()
    assert (first.late, second.late, gone.late) == (1, 1, 0)


def test_a_client_that_goes_on_and_stalls_again_has_all_the_time_again() -> None:
    clock = ManualClock()
    stalled, first, second = Stalled(clock, 20.0), One(), One()
    stalled.add(first)
    clock.advance(5)
    stalled.add(second)
    stalled.discard(first)
    stalled.add(first)
    clock.advance(20)
    stalled.tick()
    assert (first.late, second.late) == (1, 1)
    stalled.add(first)
    clock.advance(19)
    stalled.tick()
    assert first.late == 1
