"""What one member has been given of a room's messages.

    messages     first ... ... ... ... ... end      numbered in the order of their arrival
    a member         told ─────────────────▶ end    is given what lies between
    its author           told ── own ── own ▶ end   the same, with answers in the place of messages

Only `told` says what a member has been given. So it makes no difference when the member gets the
rest: at the end of the turn, some turns later because the room is large (`rooms.fanout`), or early,
because a frame for this member alone is to follow (`flush`). The frames of every member keep the
one order.
"""

from __future__ import annotations

from typing import Final

from alcove_protocol import limits

from alcove_server.ports.outlet import Outlet
from alcove_server.ports.turn import BYTES

AWAY: Final = 1 << 62
"""`told` of a member that is not live: no message has a number beyond it."""
_JOINED: Final = 64 * limits.KIB
"""An author's bytes are joined up to this size, because each write is a system call."""
_LARGE: Final = 16 * limits.KIB
"""A message above this size is written as the object that other members get too. Otherwise a flood
would be copied for each of its authors."""
_PART_STEPS: Final = 0.05
"""Steps (`ports.turn`) of one message or answer that is joined for one author."""


class Messages:
    """The messages of one room that a member may still lack."""

    __slots__ = ("_items", "end", "first", "size")

    def __init__(self) -> None:
        self.size = 0
        self._items: list[bytes] = []
        self.first = 0
        self.end = 0

    def __len__(self) -> int:
        return len(self._items)

    def add(self, message: bytes) -> None:
        """Append one message."""
        self._items.append(message)
        self.size += len(message)
        self.end += 1

    def forget(self, until: int) -> None:
        """Drop the messages before a number: every member has them."""
        gone = self._items[: until - self.first]
        self.size -= sum([len(message) for message in gone])
        del self._items[: until - self.first]
        self.first = until

    def part(self, start: int, end: int) -> list[bytes]:
        """The messages from one number up to, without, another."""
        return self._items[start - self.first : end - self.first]

    def joined(self, start: int, end: int) -> bytes:
        """The same as one piece of bytes."""
        part = self.part(start, end)
        return part[0] if len(part) == 1 else b"".join(part)


class Feed:
    """One outlet, and how far it has been given the messages of its room. `own` holds the answers
    that stand in the place of messages, by the number of the message; None is the same as none."""

    __slots__ = ("messages", "outlet", "own", "told")

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.messages: Messages | None = None
        self.told = AWAY
        self.own: list[tuple[int, bytes]] | None = None

    def begin(self, messages: Messages) -> None:
        """Follow a room's messages. The member has heard all that there are by now."""
        self.messages, self.told = messages, messages.end

    def stop(self) -> None:
        """Follow them no more. The member is given the messages up to its last answer, because an
        answer comes only once. Its resume brings the others."""
        if self.own:
            self.give(self.own[-1][0] + 1)
        self.messages, self.told = None, AWAY

    def replace(self, number: int, own: bytes) -> None:
        """In the place of a message this member gets other bytes: an answer, or none."""
        if self.own is None:
            self.own = []
        self.own.append((number, own))

    def write(self, frames: bytes) -> None:
        """Write frames for this member alone, behind what all members were told before."""
        self.flush()
        self.outlet.write(frames)

    def flush(self) -> None:
        """Give the member now what it lacks."""
        messages = self.messages
        if messages is not None and self.told < messages.end:
            self.give(messages.end)

    def give(self, end: int) -> float:
        """Give the member what it lacks up to, without, message `end`. Return the steps that this
        counts (`ports.turn`)."""
        assert self.messages is not None  # it follows a room
        parts: list[bytes] = []
        at = self.told
        for number, own in self.own or ():
            parts += self.messages.part(at, number)
            parts.append(own)
            at = number + 1
        parts += self.messages.part(at, end)
        self.told, self.own = end, None
        return _PART_STEPS * len(parts) + self._write(parts)

    def _write(self, parts: list[bytes]) -> float:
        """Write these in order, joined as far as they are small. Return the steps."""
        writes, size, total, small = 0, 0, 0, list[bytes]()
        for part in parts:
            total += len(part)
            large = len(part) > _LARGE
            if small and (large or size + len(part) > _JOINED):
                self.outlet.write(b"".join(small))
                writes, size, small = writes + 1, 0, []
            if large:
                self.outlet.write(part)
                writes += 1
            elif part:
                small.append(part)
                size += len(part)
        if small:
            self.outlet.write(b"".join(small))
            writes += 1
        return writes + total / BYTES
