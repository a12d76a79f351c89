"""Which facilitators are there: whose heartbeats came, and whose cease.

A relay can keep heartbeats and hand them over later, so that a facilitator that is gone seems to be
there. Each one names the number of the log that its sender had reached. What names a number that
this client had passed for long is *late*, and says nothing of now.

A relay can keep members apart as well, so that each half hears only its own facilitator. One whose
heartbeats cease while others come is told of by name: they are away, or kept away.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.position import Position

from alcove import events
from alcove.group.membership import Membership
from alcove.relay.ports import Ports

SILENT_AFTER: Final = limits.READ_ONLY_AFTER + 5.0
"""Seconds without a heartbeat of one facilitator, while those of others come."""
LINE_BROKEN_AFTER: Final = 60.0
"""Seconds without any heartbeat, after which this client counts as having been away itself: it
slept, or had no connection. The time of the others' silence then begins anew."""


class Attendance:
    """The last heartbeat of each facilitator, by MLS key. `cursor` is where this client is."""

    def __init__(
        self, membership: Membership, ports: Ports, cursor: Callable[[], Position]
    ) -> None:
        self._membership = membership
        self._emit = ports.emit
        self._clock = ports.clock
        self._cursor = cursor
        self._heard: dict[bytes, float] = {}
        self._told: set[bytes] = set()
        self._line_since = self._line_at = ports.clock()
        self._passed: deque[tuple[float, Position]] = deque()
        """Where this client was at which time, back to `limits.READ_ONLY_AFTER` seconds ago."""

    def __bool__(self) -> bool:
        """Whether any facilitator was heard that did not say goodbye, and is one still."""
        return not self._membership.facilitator_keys.isdisjoint(self._heard)

    def within(self, key: bytes, seconds: float) -> bool:
        """Whether this facilitator's last heartbeat is at most so old."""
        return self._clock() - self._heard.get(key, float("-inf")) <= seconds

    def is_silent(self, key: bytes) -> bool:
        """Whether this facilitator was heard, and then not for `limits.READ_ONLY_AFTER` seconds, in
        which others were, or the relay took this client's own heartbeats."""
        now, at = self._clock(), self._heard.get(key)
        good = now - self._line_at <= LINE_BROKEN_AFTER
        return at is not None and good and max(at, self._line_since) < now - limits.READ_ONLY_AFTER

    def _is_late(self, named: Position) -> bool:
        """Whether the sender of a heartbeat, which names this position, had not reached what this
        client had passed `limits.READ_ONLY_AFTER` seconds ago. Number 0 is none: the log hash
        begins anew there."""
        then = self._then(named.generation)
        return then is not None and 0 < named.number < then

    def is_new(self, named: Position) -> bool:
        """Whether it is at or behind where this client was `limits.READ_ONLY_AFTER` seconds ago:
        what names it was made since then. False where this client does not know."""
        then = self._then(named.generation)
        return then is not None and named.number >= then

    def _then(self, generation: bytes) -> int | None:
        """The number at which this client was `limits.READ_ONLY_AFTER` seconds ago. None when it
        does not know, or was in another log."""
        at, position = self._passed[0] if self._passed else (float("inf"), None)
        if position is None or self._clock() - at < limits.READ_ONLY_AFTER:
            return None
        return position.number if position.generation == generation else None

    def beat(self, key: bytes, named: Position) -> bool:
        """This facilitator's heartbeat came, which names this position. Return whether it counts:
        a late one does not."""
        if self._is_late(named):
            return False
        self._heard[key] = self._clock()
        self._tell_heard(key)
        self.line_is_good()
        return True

    def _tell_heard(self, key: bytes) -> None:
        """Take back that this facilitator was not heard. Other facilitators see their presence."""
        person = self._membership.find_key(key) if key in self._told else None
        self._told.discard(key)
        if person is not None and not self._membership.own.facilitator:
            self._emit(
                events.Problem(
                    "facilitator_heard", f"{person.name} is heard again.", sender=person.name
                )
            )

    def goodbye(self, key: bytes) -> None:
        """This facilitator leaves."""
        self._heard.pop(key, None)

    def line_is_good(self) -> None:
        """A heartbeat came, or the relay has taken this client's own: look which facilitators are
        silent."""
        now = self._clock()
        if now - self._line_at > LINE_BROKEN_AFTER:
            self._line_since = now
        self._line_at = now
        due = now - SILENT_AFTER
        silent = [k for k, at in self._heard.items() if max(at, self._line_since) < due]
        new = [key for key in silent if key not in self._told]
        self._told.update(new)
        for key in new:
            person = self._membership.find_key(key)
            if person is not None and person.facilitator:
                text = (
                    f"{person.name} facilitates, and has not been heard for a minute and a half. "
                    "They may be away. If they are not, the relay keeps you apart: ask them by "
                    "another way."
                )
                self._emit(events.Problem("facilitator_silent", text, sender=person.name))

    def tick(self) -> None:
        """Note where this client is. A former facilitator sends no heartbeats, so one that is
        appointed again is heard anew, and not silent since then."""
        if not self._membership.facilitator_keys.issuperset(self._heard):
            keys = self._heard.keys() & self._membership.facilitator_keys
            self._heard = {key: at for key, at in self._heard.items() if key in keys}
            self._told &= keys
        now, here = self._clock(), self._cursor()
        if self._passed and here != self._passed[-1][1]:
            last = self._passed[-1][1]
            if here.generation != last.generation or here.number < last.number:
                self._passed.clear()  # another log, or set back in this one
        if not self._passed or here != self._passed[-1][1]:
            self._passed.append((now, here))
        while len(self._passed) > 1 and now - self._passed[1][0] >= limits.READ_ONLY_AFTER:
            self._passed.popleft()
