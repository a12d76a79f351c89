"""Whether a facilitator has heard what this client sent.

A relay and a removed person could keep a member in the epoch before the removal, and the removed
person would read on. A heartbeat in that member's epoch, whose log hash agrees beyond the member's
own message, is what they cannot make: its sender is in the epoch, and had this message in the log.

    given ──published──▶ numbered ──a beat agrees from there on──▶ covered
      │                     │
      └──── no answer ──────┴── the log's anchor is later (a gap, a new log): *astray*

A message that went astray can be covered only by a later one. `PROBE_AFTER` seconds later the
client sends a void for that. It says nothing, so it may go while texts may not.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from alcove_protocol.position import Position

from alcove.messages.log_hash import LogHash

PROBE_AFTER: Final = 30.0
"""Seconds after which a message that went astray is followed by a void, and then by another."""


@dataclass(slots=True)
class _Given:
    """One message of this client that no beat has covered. `at` is None while it has no number."""

    id: bytes
    since: float
    at: Position | None = None
    log: LogHash | None = None
    """The log in which it has this position. The same number can come again in a later one."""


class Coverage:
    """This client's messages since the last one that a facilitator is known to have heard."""

    def __init__(self, log: Callable[[], LogHash], clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._given: deque[_Given] = deque()
        self._probe_at = 0.0

    def given(self, id: bytes) -> None:
        """The relay is given this message. From here on the relay may hand it to any member,
        whatever it answers. The same message again counts from its first time."""
        if all(item.id != id for item in self._given):
            self._given.append(_Given(id, self._clock()))

    def numbered(self, id: bytes, at: Position) -> None:
        """The message stands in this client's log at this position."""
        for item in self._given:
            if item.id == id:
                item.at, item.log = at, self._log()

    def agreed(self, position: Position) -> bool:
        """A facilitator's beat agrees with this client's log at this position. Return whether it
        covers a message, or none waits: any other agreement says nothing of what was sent."""
        covered = [
            number
            for number, item in enumerate(self._given, 1)
            if self._in_log(item) and item.at is not None and item.at.number <= position.number
        ]
        nothing_waits = not self._given
        for _ in range(max(covered, default=0)):
            self._given.popleft()  # and all before it: the sender is in this client's epoch
        return nothing_waits or bool(covered)

    def _in_log(self, item: _Given) -> bool:
        return item.at is not None and item.log is self._log() and item.log.reaches(item.at)

    @property
    def overdue(self) -> bool:
        """Whether a message waits for its beat for more than `limits.READ_ONLY_AFTER` seconds.

        The time goes on without a connection. Otherwise a relay could begin it anew at will.
        """
        return bool(self._given) and self._age() > limits.READ_ONLY_AFTER

    def _age(self) -> float:
        return self._clock() - self._given[0].since

    @property
    def probe_due(self) -> bool:
        """Whether all of these messages went astray, so that only a further one can be covered."""
        if not self._given or self._clock() < self._probe_at or not self._log().anchored:
            return False
        return self._age() > PROBE_AFTER and not any(self._in_log(item) for item in self._given)

    def probed(self) -> None:
        """A void was queued."""
        self._probe_at = self._clock() + PROBE_AFTER

    def rest(self) -> None:
        """This member may not write, so nothing that a beat could cover can go. Facilitators decide
        that, and the relay cannot. The time begins anew."""
        for item in self._given:
            item.since = self._clock()

    def forget(self) -> None:
        """The person decided."""
        self._given.clear()
