"""Whose connection gives way when all places of a node are taken."""

from __future__ import annotations

import os
from random import Random

import pytest
from alcove_server.net.admission import GRACE, Admission, Admitted
from alcove_server.net.crowds import Crowds
from alcove_server.net.request_head import BadRequest
from alcove_server.testing.embedded import ManualClock

from tests.randomness import SEED


class Full:
    """An admission, and those that gave way, by the name that they came with."""

    def __init__(self, connections: int = 40, per_prefix: int = 10) -> None:
        self.clock = ManualClock()
        self.gone: list[str] = []
        self.at = Admission(
            self.clock,
            os.urandom,
            connections=connections,
            per_prefix=per_prefix,
            shared=frozenset({"127.0.0.1"}),
        )

    def enter(self, address: str, *, proved: bool = True) -> Admitted:
        place = self.at.enter(address)
        if proved:
            place.proved()

        def give_way() -> None:
            self.gone.append(address)
            place.free()

        place.give_way = give_way
        return place

    def refused(self, address: str) -> int:
        with pytest.raises(BadRequest) as bad:
            self.at.enter(address)
        return bad.value.status


def network(number: int, last: int = 1) -> str:
    return f"10.0.{number}.{last}"


def test_a_few_networks_that_take_all_places_keep_nobody_out() -> None:
    full = Full()
    full.enter("192.0.2.1")
    for number in range(39):
        full.enter(network(number // 10, number))
    assert full.at.full
    for newcomer in range(4):
        full.enter(f"198.51.{newcomer}.1")
        full.enter(f"198.51.{newcomer}.2")
    assert full.at.connections == 40
    assert len(full.gone) == 8
    assert all(address.startswith("10.0.") for address in full.gone)
    assert {address.split(".")[2] for address in full.gone} == {"0", "1", "2", "3"}


def test_of_the_largest_network_the_oldest_unproved_gives_way_else_the_newest() -> None:
    full = Full(connections=6)
    for last, proved in ((1, True), (2, False), (3, False), (4, True)):
        full.enter(network(0, last), proved=proved)
    full.enter(network(1))
    full.enter(network(2))
    full.enter(network(3))
    assert full.gone == [network(0, 4)]
    full.clock.advance(GRACE)
    full.enter(network(4))
    assert full.gone == [network(0, 4), network(0, 2)]


def test_nobody_gives_way_to_a_network_that_would_have_as_many() -> None:
    full = Full(connections=6)
    for number in range(3):
        full.enter(network(number, 1))
        full.enter(network(number, 2))
    assert full.refused(network(0)) == 503
    full.enter(network(7, 1))
    assert full.refused(network(7, 2)) == 503
    assert full.gone == [network(0, 2)]


def test_the_shared_class_keeps_its_half_and_gets_it() -> None:
    full = Full(connections=40)
    for _ in range(20):
        full.enter("127.0.0.1")
    for number in range(20):
        full.enter(network(number))
    assert full.refused("192.0.2.1") == 503
    assert full.refused("127.0.0.1") == 503
    assert not full.gone
    other = Full(connections=40)
    for number in range(40):
        other.enter(network(number // 10, number))
    for _ in range(20):
        other.enter("127.0.0.1")
    assert len(other.gone) == 20


def test_the_networks_of_one_provider_give_way_as_one() -> None:
    full = Full(connections=40)
    for number in range(20):
        full.enter(f"2001:db8:{number:x}::1")
    for number in range(20):
        full.enter(network(number))
    full.enter("192.0.2.1")
    assert full.gone == ["2001:db8:0::1"]


def test_within_a_provider_the_largest_network_gives_way() -> None:
    full = Full(connections=40)
    for number in range(20):
        full.enter(f"2001:db8:{number // 10:x}::{number:x}")
    full.enter("2001:db8:7::1")
    assert full.gone == ["2001:db8:0::9"]
    assert full.refused("2001:db8:1::99") == 429


def test_who_was_told_to_give_way_is_not_told_again() -> None:
    full = Full(connections=4)
    places = [full.enter(network(0, last)) for last in range(4)]
    told: list[int] = []
    for number, place in enumerate(places):
        place.give_way = lambda number=number: told.append(number)  # type: ignore[misc]
    for number in range(1, 5):
        full.at.enter(network(number))
    assert told == [3, 2, 1, 0]
    assert full.refused(network(9)) == 503
    for place in places:
        place.free()
    assert full.at.connections == 4


class Part:
    def __init__(self, weight: int) -> None:
        self.weight = weight
        self.connections = 0


def test_the_largest_is_known_whatever_comes_and_goes() -> None:
    random = Random(SEED)
    crowds: Crowds[Part] = Crowds()
    parts = [Part(weight) for weight in (1, 1, 2, 16)]
    for _ in range(2_000):
        part = random.choice(parts)
        part.connections = max(0, part.connections + random.choice((-1, 1)))
        crowds.moved(part)
        levels = [-(-one.connections // one.weight) for one in parts]
        largest = crowds.largest
        if not max(levels):
            assert largest is None
        else:
            assert largest is not None
            assert -(-largest.connections // largest.weight) == max(levels)
