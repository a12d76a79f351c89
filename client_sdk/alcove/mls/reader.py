"""Reading bytes (RFC 9420, section 2.1): a position that cannot leave its vector, and a budget.

What is read costs memory: the bytes once more, as values, and the objects that hold them. Small
elements cost many times their size, so objects are accounted for while reading, before anything
could be authenticated: all that is read from one input costs at most four times its size, and a
constant. `tests/fuzz` measures it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from alcove.mls.errors import MalformedMessage, TooLarge

T = TypeVar("T")

MAX_ELEMENTS = 32_768
"""Structures in one vector. A tree of 16,384 leaves has 32,767 nodes, and no other list of such a
group is longer. Small elements cost many times their size in memory, so their number is bounded
while reading, before anything could be authenticated."""

_GROWTH, _SLACK = 3, 4 * 1024 * 1024
"""What objects may cost beside the bytes in them: so many times the input, and a constant, within
which a tree of the largest message (4 MiB by default) of honest leaves stays."""

OBJECT, FIELD, INTEGER = 32, 24, 40
"""Bytes that Python takes, on average: for a structure, for a field and the head of its value, for
an integer in a vector."""

_ELEMENT = 24
"""For a place in a vector, which is a list first."""


class Reader:
    """A position in some bytes. Every method raises `MalformedMessage` when they run out."""

    __slots__ = ("_budget", "_data", "_end", "position", "shared")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._end = len(data)
        self._budget = _GROWTH * len(data) + _SLACK
        self.position = 0
        self.shared: dict[bytes, Any] = {}
        """Values that occur often, by encoding, so that each is built once."""

    def charge(self, cost: int) -> None:
        """Account for memory that is about to be taken. Raises `TooLarge` beyond the budget."""
        self._budget -= cost
        if self._budget < 0:
            raise TooLarge("objects in memory")

    @property
    def remaining(self) -> int:
        return self._end - self.position

    def take(self, count: int) -> bytes:
        start = self.position
        stop = start + count
        if stop > self._end:
            raise MalformedMessage("truncated")
        self.position = stop
        return self._data[start:stop]

    def since(self, start: int) -> bytes:
        """The bytes read from `start` up to here."""
        return self._data[start : self.position]

    def uint8(self) -> int:
        position = self.position
        if position >= self._end:
            raise MalformedMessage("truncated")
        self.position = position + 1
        return self._data[position]

    def uint16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def uint64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def varint(self) -> int:
        """A length of at most 30 bits (2.1.2): prefix 11 and longer forms than needed refused."""
        first = self.uint8()
        if first < 0x40:
            return first
        if first < 0x80:
            value = (first & 0x3F) << 8 | self.uint8()
            if value < 0x40:
                raise MalformedMessage("length not minimal")
            return value
        if first >= 0xC0:
            raise MalformedMessage("length prefix 11")
        value = (first & 0x3F) << 24 | int.from_bytes(self.take(3), "big")
        if value < 0x4000:
            raise MalformedMessage("length not minimal")
        return value

    def opaque(self) -> bytes:
        start = self.position
        if start < self._end and (length := self._data[start]) < 0x40:
            # Most vectors are short: the one-byte length, without further calls.
            stop = start + 1 + length
            if stop > self._end:
                raise MalformedMessage("truncated")
            self.position = stop
            return self._data[start + 1 : stop]
        return self.take(self.varint())

    def vector(self, read: Callable[[Reader], T]) -> tuple[T, ...]:
        """Elements until the vector's length is used up exactly."""
        length = self.varint()
        outer, end = self._end, self.position + length
        if end > outer:
            raise MalformedMessage("truncated")
        self._end = end
        items: list[T] = []
        while self.position < end:
            if len(items) == MAX_ELEMENTS:
                raise TooLarge("elements of a vector")
            self.charge(_ELEMENT)
            items.append(read(self))
        self._end = outer
        return tuple(items)

    def finish(self) -> None:
        if self.position != self._end:
            raise MalformedMessage("trailing bytes")
