"""What a part of the network put into a store that does not tell when it drops it."""

from __future__ import annotations

from alcove_protocol import limits
from alcove_server.net.admission import Admission
from alcove_server.store.budget import (
    PART_LEAST,
    PART_SHARE,
    PUBLISH_IDS,
    RECORD_OVERHEAD,
    Holding,
    Lease,
    Payer,
)
from alcove_server.store.leases import Leases, end_of
from alcove_server.testing.embedded import ManualClock

DAY = 24 * 3600


def test_bytes_count_until_their_time_is_over() -> None:
    clock = ManualClock()
    leases = Leases(clock)
    for size, seconds in ((100, 90), (10, 1800), (1, 10 * DAY)):
        leases.add(size, end_of(clock(), seconds))
    for after, total in ((89, 111), (61, 11), (1649, 11), (61, 1), (9 * DAY, 1), (DAY + 3600, 0)):
        clock.advance(after)
        leases.settle()
        assert leases.total == total
    assert not leases._sizes
    assert not leases._ends


def test_what_was_not_taken_is_given_back_once() -> None:
    clock = ManualClock()
    leases = Leases(clock)
    end = end_of(clock(), 90)
    leases.add(100, end)
    leases.add(7, end)
    leases.give_back(100, end)
    assert leases.total == 7
    clock.advance(200)
    leases.settle()
    leases.give_back(7, end)  # its time is over
    assert leases.total == 0


def test_one_network_has_a_few_counts_however_much_it_puts() -> None:
    leases = Leases(ManualClock())
    for second in range(0, 30 * DAY, 97):
        leases.add(1, end_of(0, second))
    assert len(leases._sizes) == len(leases._ends) < 2_500


def test_a_lease_fits_while_the_network_has_a_share_and_its_provider_too() -> None:
    clock = ManualClock()
    provider = Holding(16, None, clock)
    one, other = Holding(1, provider, clock), Holding(1, provider, clock)
    left = 100 * limits.MIB
    assert Lease(one, left, 1, [(left // PART_SHARE, 60)]).fits
    further = Lease(one, left, 1, [(1, 60)])
    assert not further.fits
    further.give_back()
    assert one.leases.total == provider.leases.total == left // PART_SHARE
    assert Lease(other, left, 0.75, [(left // PART_SHARE * 3 // 4, 60)]).fits
    assert not Lease(other, left, 0.75, [(1, 60)]).fits
    clock.advance(200)
    assert Lease(one, left, 1, [(left // PART_SHARE, 60)]).fits


def test_networks_of_one_provider_are_bounded_together() -> None:
    clock = ManualClock()
    provider = Holding(16, None, clock)
    left = 16 * PART_LEAST
    fits = [Lease(Holding(1, provider, clock), left, 1, [(PART_LEAST, 60)]).fits for _ in range(20)]
    assert fits == [True] * 16 + [False] * 4


def test_processes_that_share_a_store_share_what_a_network_may_have() -> None:
    left = 400 * limits.MIB
    assert Lease(Holding(nodes=4), left, 1, [(left // PART_SHARE // 4, 60)]).fits
    assert not Lease(Holding(nodes=4), left, 1, [(left // PART_SHARE // 4 + 1, 60)]).fits
    assert Lease(Holding(nodes=4), 0, 1, [(PART_LEAST // 4, 60)]).fits
    assert not Lease(Holding(nodes=4), 0, 1, [(PART_LEAST // 4 + 1, 60)]).fits


def test_a_client_pays_for_as_many_ids_as_the_store_remembers() -> None:
    payer = Payer(Holding())
    sizes = []
    for _ in range(PUBLISH_IDS + 2):
        sizes.append(payer.record_size)
        payer.remembered += 1
    assert sizes == [RECORD_OVERHEAD] * PUBLISH_IDS + [0, 0]


def test_a_network_is_not_forgotten_while_something_of_it_lies_there() -> None:
    clock = ManualClock()
    at = Admission(
        clock, lambda size: bytes(size), connections=9, per_prefix=9, shared=frozenset(), nodes=2
    )
    for address in ("192.0.2.1", "2001:db8::1"):
        place = at.enter(address)
        place.free()
        place.allowance.holding.leases.add(1, end_of(clock(), 2 * DAY))
    clock.advance(DAY)
    at.sweep()
    assert len(at._known) == 2
    clock.advance(DAY + 3600)
    at.sweep()
    assert len(at._known) == 0
