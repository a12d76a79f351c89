"""Positions in a room's log.

A position is (generation, number). The relay chooses the generation, 64 random bits, when it begins
a log. Generations are compared for equality only. A promoted replica, or a relay that lost its
memory, can give a number twice, but never under the same generation.
"""

from dataclasses import dataclass
from typing import Final, Self

from alcove_protocol import limits
from alcove_protocol.errors import Malformed

GENERATION_SIZE: Final = 8
POSITION_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Position:
    """16 bytes on the wire: the generation, then the number as 8 bytes, big-endian."""

    generation: bytes
    number: int

    def encode(self) -> bytes:
        """Return the 16 bytes. Raises `Malformed` (`bad_length`, `bad_number`)."""
        if len(self.generation) != GENERATION_SIZE:
            raise Malformed("bad_length", "A generation has 8 bytes.")
        _check(self.number)
        return self.generation + self.number.to_bytes(8, "big")

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read 16 bytes. Raises `Malformed` (`bad_length`, `bad_number`)."""
        if len(data) != POSITION_SIZE:
            raise Malformed("bad_length", "A position has 16 bytes.")
        number = int.from_bytes(data[GENERATION_SIZE:], "big")
        _check(number)
        return cls(data[:GENERATION_SIZE], number)


def check_encoded(data: bytes) -> None:
    """Check what `Position.decode` checks, and build nothing.

    Raises `Malformed` (`bad_length`, `bad_number`).
    """
    if len(data) != POSITION_SIZE:
        raise Malformed("bad_length", "A position has 16 bytes.")
    if data[GENERATION_SIZE:] > _LAST:
        raise Malformed("bad_number", "A number is 2^53 or more.")


_LAST: Final = limits.REQUEST_NUMBER.to_bytes(8, "big")


def _check(number: int) -> None:
    if not 0 <= number <= limits.REQUEST_NUMBER:
        raise Malformed("bad_number", "A number is negative, or 2^53 or more.")
