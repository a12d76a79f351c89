"""Slow mode: what a member sends within a minute of its first message is one turn, then it waits.

The sender holds to it, and the relay. A receiver refuses no message for a clock, or members would
differ: a facilitator is told of a member that exceeds it, and no more.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from alcove_protocol import limits

from alcove.errors import NotNow
from alcove.group.membership import Membership

LATE: Final = 25.0
"""Seconds by which a message may come later than its age says, on a connection of which nothing is
told. The network may stand still behind the relay, which a client notices 18 s later: it asks every
10 s, and tells of silence after 6 s and two ticks."""
_APART: Final = limits.TURN + LATE
"""Seconds after which a message is surely of another turn."""
_KEPT: Final = 2.0 * _APART + limits.SLOW_MAX
"""Seconds after which a message says nothing about a turn of now."""


@dataclass(frozen=True, slots=True)
class OwnTurn:
    """When this client's turn began, if one did, when the relay had taken a message of it, and when
    the relay takes the next: in seconds of this client's clock."""

    began: float | None = None
    confirmed: float = 0.0
    until: float = 0.0


class SlowMode:
    """This client's own turn, and when each other member wrote."""

    def __init__(self, membership: Membership, clock: Callable[[], float]) -> None:
        self._membership = membership
        self._clock = clock
        self.turn = OwnTurn()
        self.exceeded = False
        """Whether the message that was heard last is surely out of turn."""
        self._others: dict[bytes, array[float]] = {}
        """When each other member's messages were taken, by this clock and their ages: in order, as
        they are looked up at each message. Those of one second are one, so that a flood takes
        little memory."""
        self._sure_from = 0.0
        """From when on the others' turns are known here, by this clock."""
        self._sure_of: dict[bytes, float] = {}
        """The same for one member, behind a message of theirs that is missing."""

    @property
    def _counts(self) -> bool:
        return bool(self._membership.state.slow) and not self._membership.own.facilitator

    @property
    def wait(self) -> int:
        """Seconds until this client may send; 0 when it may now."""
        if not self._counts:
            return 0
        now, slow, until = self._clock(), self._membership.state.slow, self.turn.until
        began = self.turn.began
        if began is not None and now >= began + limits.TURN:
            # The relay counts from when the message came to it, which its answer comes after.
            until = max(until, max(began, self.turn.confirmed) + limits.TURN + slow)
        return max(0, ceil(min(until, now + limits.TURN + slow) - now))

    def given(self) -> None:
        """This client sends a message to the relay: a turn begins, if none goes on."""
        now, began = self._clock(), self.turn.began
        if not self._counts:
            return
        if began is None or now >= began + limits.TURN:
            self.turn = replace(self.turn, began=now)

    def taken(self) -> None:
        """The relay has taken a message."""
        if self.turn.began is not None and self.turn.confirmed < self.turn.began:
            self.turn = replace(self.turn, confirmed=self._clock())

    def refused(self, wait: int) -> None:
        """The relay says that this client may send again in so many seconds. Only it knows of a
        turn that another relay or a former connection has counted."""
        self.turn = replace(self.turn, until=self._clock() + wait)

    def go_on(self, turn: OwnTurn) -> None:
        """This member was outside, and comes back with the same key: the relay knows its turn. A
        text that it refused would count as one that no heartbeat covers."""
        self.turn = turn

    def heard(self, author: bytes, age: int) -> None:
        """A member's message of any kind came, which the relay took `age` seconds ago. Judge
        whether it is surely out of turn. All is reckoned in the member's favour: no member may be
        named for what the network did. A relay that keeps texts back can still have one named."""
        state, at = self._membership.state, self._clock() - age
        self.exceeded = False
        if not state.slow or author in state.facilitator_keys():
            return
        seen = self._others.setdefault(author, array("d"))
        del seen[: bisect_right(seen, at - _KEPT)]
        self.exceeded = self._early(author, seen, at) or self._without_pause(seen, at)
        if not seen or at - seen[-1] >= 1.0:
            seen.append(at)

    def _early(self, author: bytes, seen: "array[float]", at: float) -> bool:
        """Whether this comes before the pause behind an earlier turn was over. That one began with
        the first message within a minute before it, and the next turn begins `slow` seconds after
        it is over."""
        before = bisect_left(seen, at - _APART)
        sure_from = max(self._sure_from, self._sure_of.get(author, 0.0))
        if not before or seen[before - 1] < sure_from:
            return False
        began = seen[bisect_left(seen, seen[before - 1] - _APART)]
        return at < began + limits.TURN + self._membership.state.slow - LATE

    def _without_pause(self, seen: "array[float]", at: float) -> bool:
        """Whether so much came without a pause that it is of several turns. The last message before
        a pause may be late, and the first one behind it is not early. What is missing only makes
        pauses longer."""
        began, pause = at, self._membership.state.slow - LATE
        for one in reversed(seen):
            if one < self._sure_from or began - one >= pause or at - began > _APART:
                break
            began = one
        return at - began > _APART

    def unsure(self) -> None:
        """This client is connected again, or the relay does not answer. What comes then may be late
        by any time, and a device that slept has a clock that stood. So no member is measured by
        what came before, or comes within the turn that may go on now."""
        self._sure_from = self._clock() + _APART + LATE

    def missed(self, author: bytes) -> None:
        """A message of this member is missing: a turn of theirs may have begun with it."""
        self._sure_of[author] = self._clock() + _APART + LATE

    def forget(self, author: bytes) -> None:
        """This member is gone."""
        self._others.pop(author, None)
        self._sure_of.pop(author, None)


def too_soon(wait: int) -> NotNow:
    """Why a text is not sent now."""
    text = (
        f"The room goes slowly: you can write again in {wait} seconds. This was not sent, and is "
        "still yours."
    )
    return NotNow("slow", text)
