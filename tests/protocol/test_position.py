"""Positions: a generation, compared for equality only, and a number."""

import pytest
from alcove_protocol.position import POSITION_SIZE, Position
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.support import refused, taken


@given(st.binary(min_size=8, max_size=8), st.integers(0, 2**53 - 1))
def test_positions_come_back(generation: bytes, number: int) -> None:
    data = Position(generation, number).encode()
    assert data == generation + number.to_bytes(8, "big")
    assert Position.decode(data) == Position(generation, number)


@given(st.binary(max_size=20) | st.binary(min_size=16, max_size=16))
def test_arbitrary_bytes(data: bytes) -> None:
    position = taken(Position.decode, data, frozenset({"bad_length", "bad_number"}))
    assert position is None or position.encode() == data


@pytest.mark.parametrize("size", [0, 8, 15, 17, 32])
def test_another_length(size: int) -> None:
    assert Position.decode(bytes(POSITION_SIZE)) == Position(bytes(8), 0)
    with refused("bad_length"):
        Position.decode(bytes(size))


@pytest.mark.parametrize("number", [2**53, 2**63, 2**64 - 1])
def test_numbers_that_not_every_language_holds(number: int) -> None:
    with refused("bad_number"):
        Position.decode(bytes(8) + number.to_bytes(8, "big"))
    with refused("bad_number"):
        Position(bytes(8), number).encode()


def test_what_is_no_position_is_not_encoded() -> None:
    with refused("bad_number"):
        Position(bytes(8), -1).encode()
    with refused("bad_length"):
        Position(bytes(7), 1).encode()
    with refused("bad_length"):
        Position(bytes(9), 1).encode()


def test_equal_numbers_of_two_generations_are_two_positions() -> None:
    assert Position(b"a" * 8, 1) != Position(b"b" * 8, 1)
