"""What waits while a slot of a Cluster moves from one server to another: commands, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from alcove_server.store.redis.gate import OnReply
from alcove_server.store.redis.lines import Make
from alcove_server.store.redis.wire import PENDING

MOVE_SECONDS: Final = 10.0
"""Seconds for which a command waits. A client's command ends within 30."""


class Move:
    """The commands of one slot. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Each with the time at which it fails, and its size. A server refused the first ones, which
        # were sent before those that came later.
        self._refused: deque[tuple[Make, OnReply, float, int]] = deque()
        self._later: deque[tuple[Make, OnReply, float, int]] = deque()
        self._bytes = 0

    @property
    def waits(self) -> bool:
        """Whether there is a command."""
        return bool(self._refused or self._later)

    def refused(self, make: Make, on_reply: OnReply) -> None:
        """Take a command that a server did not do."""
        self._take(self._refused, make, on_reply)

    def add(self, make: Make, on_reply: OnReply) -> None:
        """Take a command that is new."""
        self._take(self._later, make, on_reply)

    def _take(
        self, queue: deque[tuple[Make, OnReply, float, int]], make: Make, on_reply: OnReply
    ) -> None:
        size = len(make())
        if self._bytes + size > PENDING:
            on_reply(ConnectionError("too much waits for a room that moves"))
            return
        self._bytes += size
        queue.append((make, on_reply, self._clock() + MOVE_SECONDS, size))

    def take(self) -> Iterator[tuple[Make, OnReply]]:
        """All commands, in order. None of them waits any more."""
        for queue in (self._refused, self._later):
            while queue:
                make, on_reply, _, size = queue.popleft()
                self._bytes -= size
                yield make, on_reply

    def fail(self, now: float) -> None:
        """Fail the commands that waited too long."""
        for queue in (self._refused, self._later):
            while queue and queue[0][2] <= now:
                _, on_reply, _, size = queue.popleft()
                self._bytes -= size
                on_reply(ConnectionError("the room is on its way to another server"))
