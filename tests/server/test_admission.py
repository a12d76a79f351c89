"""Places and rates for each part of the network, on a clock of the test's."""

import os
from itertools import pairwise

import pytest
from alcove_server.net.admission import _SEARCHED, _SWEPT, GRACE, Admission, Admitted
from alcove_server.net.keepalive import Keepalive
from alcove_server.net.request_head import BadRequest
from alcove_server.ports.token_bucket import TokenBucket
from alcove_server.testing.embedded import ManualClock


def admission(
    clock: ManualClock, connections: int = 10, per_prefix: int = 3, factor: float = 1.0
) -> Admission:
    return Admission(
        clock,
        os.urandom,
        connections=connections,
        per_prefix=per_prefix,
        shared=frozenset({"127.0.0.1"}),
        factor=factor,
    )


def status(admission: Admission, address: str) -> int:
    with pytest.raises(BadRequest) as bad:
        admission.enter(address)
    return bad.value.status


def test_a_prefix_has_its_places_and_others_have_theirs() -> None:
    at = admission(ManualClock())
    inside = [at.enter(f"192.0.2.{last}") for last in range(3)]
    assert status(at, "192.0.2.77") == 429
    assert status(at, "::ffff:192.0.2.78") == 429
    at.enter("198.51.100.1")
    inside.pop().free()
    at.enter("192.0.2.99")


def test_an_address_of_version_6_counts_by_its_48_bits() -> None:
    at = admission(ManualClock())
    for host in ("2001:db8:1::1", "2001:db8:1:2::1", "2001:db8:1:ffff::1"):
        at.enter(host)
    assert status(at, "2001:db8:1:3::9") == 429
    at.enter("2001:db8:2::1")


def test_all_networks_of_one_provider_have_half_of_all_places() -> None:
    at = admission(ManualClock(), connections=100)
    inside = [at.enter(f"2001:db8:{network:x}::1") for network in range(50)]
    assert status(at, "2001:db8:99::1") == 429
    at.enter("2001:db9::1")
    for place in inside[:2]:
        place.free()
    at.enter("2001:db8:99::1")


def test_one_of_them_gives_way_to_another() -> None:
    clock = ManualClock()
    at = admission(clock, connections=100)
    gone: list[int] = []

    def enter(network: int) -> None:
        place = at.enter(f"2001:db8:{network:x}::1")

        def give_way() -> None:
            gone.append(network)
            place.free()

        place.give_way = give_way

    for network in range(50):
        enter(network)
    clock.advance(GRACE)
    enter(50)
    assert gone == [0]
    at.enter("2001:db8:1::1").proved()
    assert gone == [0, 1]
    assert at.connections == 50


def test_and_the_rates_of_a_hundred_networks() -> None:
    at = admission(ManualClock(), connections=10_000)
    places = [at.enter(f"2001:db8:{network:x}::1") for network in range(120)]
    assert sum(place.allowance.open_room() for place in places for _ in range(20)) == 2000
    assert sum(place.allowance.knock() for place in places for _ in range(20)) == 2000
    assert sum(place.allowance.handshake() for place in places for _ in range(60)) == 6000
    shaken = [at.may_shake_hands(f"2001:db8:{n % 120:x}::1") for n in range(120 * 200)]
    assert sum(shaken) == 20_000
    assert at.enter("2001:db9::1").allowance.open_room()


def test_they_are_forgotten_together() -> None:
    clock = ManualClock()
    at = admission(clock)
    at.enter("2001:db8:1::1").free()
    assert len(at._providers) == 1
    clock.advance(10_000)
    at.sweep()
    assert len(at._known) == len(at._providers) == 0


def test_what_all_of_them_used_up_is_not_forgotten_with_the_last_of_them() -> None:
    clock = ManualClock()
    at = admission(clock, connections=10_000)

    def come(network: int) -> None:
        """In a function, because a provider is known for as long as anything refers to it."""
        place = at.enter(f"2001:db8:{network:x}::1")
        assert place.allowance.handshake()
        place.free()

    for network in range(100 * 60):  # each once
        come(network)
    clock.advance(0.25)  # so that each by itself may do all again
    for _ in range(10):
        at.sweep()
    made = sum(at.enter(f"2001:db8:{n:x}::1").allowance.handshake() for n in range(200))
    assert made == 125  # and not 200


def test_tls_handshakes_have_a_rate_of_their_own_above_that_of_websockets() -> None:
    clock = ManualClock()
    at = admission(clock)
    place = at.enter("192.0.2.1")
    heard = [at.may_shake_hands("192.0.2.2") for _ in range(201)]
    assert heard == [True] * 200 + [False]
    assert at.may_shake_hands("198.51.100.1")
    assert sum(place.allowance.handshake() for _ in range(201)) == 60
    clock.advance(1)
    assert sum(at.may_shake_hands("192.0.2.3") for _ in range(30)) == 20


def test_a_shared_address_has_half_of_all_places() -> None:
    at = admission(ManualClock())
    for _ in range(5):
        at.enter("127.0.0.1")
    assert status(at, "127.0.0.1") == 429
    for other in range(5):
        at.enter(f"10.0.{other}.1")
    assert status(at, "10.9.9.9") == 503


def test_an_unauthenticated_connection_gives_way() -> None:
    clock = ManualClock()
    at = admission(clock)
    gone: list[str] = []

    def enter(name: str) -> Admitted:
        place = at.enter("192.0.2.1")
        place.give_way = lambda: gone.append(name)
        return place

    enter("silent")
    enter("member").proved()
    clock.advance(1)
    enter("late")
    assert status(at, "192.0.2.2") == 429
    clock.advance(GRACE - 1)
    enter("newcomer")
    assert gone == ["silent"]
    assert status(at, "192.0.2.2") == 429
    clock.advance(1)
    enter("another")
    assert gone == ["silent", "late"]


def test_rates_refill_and_belong_to_a_prefix() -> None:
    clock = ManualClock()
    at = admission(clock)
    here, there = at.enter("192.0.2.1").allowance, at.enter("198.51.100.1").allowance
    assert [here.open_room() for _ in range(21)] == [True] * 20 + [False]
    assert there.open_room()
    clock.advance(30)
    assert [here.open_room() for _ in range(2)] == [True, False]
    assert [here.knock() for _ in range(21)] == [True] * 20 + [False]
    assert [here.handshake() for _ in range(61)] == [True] * 60 + [False]


def test_a_shared_address_has_larger_rates_and_a_factor_of_0_has_none() -> None:
    clock = ManualClock()
    shared = admission(clock).enter("127.0.0.1").allowance
    assert all(shared.open_room() for _ in range(2000))
    assert not shared.open_room()
    free = admission(clock, factor=0).enter("192.0.2.1").allowance
    assert all(free.open_room() for _ in range(1000))


def test_a_prefix_is_forgotten_once_it_is_as_new() -> None:
    clock = ManualClock()
    at = admission(clock)
    place = at.enter("192.0.2.1")
    for _ in range(20):
        place.allowance.open_room()
    place.free()
    at.sweep()
    assert not at.enter("192.0.2.1").allowance.open_room()
    clock.advance(600)
    at.sweep()
    assert at.connections == 1


def test_a_sweep_looks_at_a_bounded_number_and_the_next_goes_on() -> None:
    """50,000 prefixes once held the loop for 100 ms."""
    clock = ManualClock()
    at = admission(clock, connections=10_000)
    held = [at.enter(f"10.0.{n}.1") for n in range(100)]
    for n in range(5_000):
        at.enter(f"11.{n // 250}.{n % 250}.1").free()
    clock.advance(600)
    known: list[int] = []
    while not known or known[-1] > len(held):
        at.sweep()
        known.append(len(at._known))
    steps = [before - after for before, after in pairwise([5_100, *known])]
    assert max(steps) <= _SWEPT
    assert len(known) <= 8
    assert all(not allowance.forgettable() for allowance in at._known.values())


def test_of_too_many_prefixes_one_is_forgotten_in_bounded_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alcove_server.net.admission._REMEMBERED", 1000)
    at = admission(ManualClock(), connections=10_000)
    held = [at.enter(f"10.{n // 250}.{n % 250}.1") for n in range(900)]
    for n in range(5_000):
        at.enter(f"11.{n // 250}.{n % 250}.1").free()
    assert 900 <= len(at._known) <= 1000 + len(held)
    for one in held:
        assert one.allowance in at._known.values()


def test_a_part_to_forget_is_looked_for_among_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alcove_server.net.admission._REMEMBERED", 100)
    at = admission(ManualClock(), connections=10_000)
    for n in range(200):
        at.enter(f"10.0.{n}.1")
    at.enter("11.0.0.1").free()
    order = list(at._known)
    at.enter("12.0.0.1")
    assert next(iter(at._known)) == order[_SEARCHED]
    assert order[-1] in at._known  # it would have been found, had all been looked at


def test_a_part_with_a_connection_is_not_forgotten() -> None:
    clock = ManualClock()
    at = admission(clock)
    held = at.enter("192.0.2.1")
    clock.advance(600)
    at.sweep()
    assert held.allowance in at._known.values()


def test_knocks_have_a_rate_of_their_own() -> None:
    allowance = admission(ManualClock()).enter("192.0.2.1").allowance
    while allowance.open_room():
        pass
    assert allowance.knock()


def test_no_address_is_kept() -> None:
    at = admission(ManualClock())
    at.enter("192.0.2.45")
    kept = repr(vars(at))
    assert "192" not in kept.replace(str(id(at)), "")
    assert bytes([192, 0, 2]) not in b"".join(at._known)


def test_a_bucket_takes_all_or_nothing() -> None:
    bucket = TokenBucket(2, 10, 0.0)
    assert bucket.take(0.0, 8)
    assert not bucket.take(0.0, 3)
    assert bucket.take(0.0, 2)
    assert not bucket.full(1.0)
    assert bucket.take(0.5, 1)
    assert bucket.full(100.0)


def test_a_bucket_holds_no_more_than_its_burst() -> None:
    bucket = TokenBucket(2, 10, 0.0)
    assert not bucket.take(1000.0, 11)
    assert bucket.take(1000.0, 10)


def test_a_debt_is_a_quarter_of_the_burst_at_most() -> None:
    bucket = TokenBucket(1, 100, 0.0)
    assert all(bucket.owe(0.0, 1e9) for _ in range(4))
    assert bucket.owe(0.0, 1e9)
    assert not bucket.owe(24.0, 1)
    assert bucket.owe(25.0, 1)


def test_keepalive_visits_each_once_in_a_period() -> None:
    class Counter:
        turns = 0

        def turn(self) -> None:
            self.turns += 1

    keepalive = Keepalive(4)
    counters = [Counter() for _ in range(10)]
    slots = [keepalive.add(counter) for counter in counters]
    for _ in range(8):
        keepalive.tick()
    assert {counter.turns for counter in counters} == {2}
    keepalive.discard(slots[0], counters[0])
    for _ in range(4):
        keepalive.tick()
    assert counters[0].turns == 2
