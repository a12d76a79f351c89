"""Slow mode: what a member sends within a minute of its first message is one turn, then it waits.

The sender holds to it, and the relay. A receiver refuses no message for a clock, or members would
differ: a facilitator is told of a member that exceeds it, and no more.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from alcove_protocol import limits

from alcove.errors import NotNow
from alcove.group.membership import Membership

SLACK: Final = 5.0
"""Seconds by which what others sent may seem early: ages on the wire are whole seconds."""


@dataclass(frozen=True, slots=True)
class OwnTurn:
    """When this client's turn began, if one did, when the relay had taken a message of it, and when
    the relay takes the next: in seconds of this client's clock."""

    began: float | None = None
    confirmed: float = 0.0
    until: float = 0.0


class SlowMode:
    """This client's own turn, and when each other member's began."""

    def __init__(self, membership: Membership, clock: Callable[[], float]) -> None:
        self._membership = membership
        self._clock = clock
        self.turn = OwnTurn()
        self._others: dict[bytes, float] = {}

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

    def exceeded(self, author: bytes, age: int) -> bool:
        """Whether a participant's message, taken `age` seconds ago, is out of turn."""
        state, at = self._membership.state, self._clock() - age
        if not state.slow or author in state.facilitator_keys():
            return False
        began = self._others.get(author)
        if began is not None and at < began + limits.TURN + SLACK:
            return False
        early = began is not None and at < began + limits.TURN + state.slow - SLACK
        self._others[author] = at
        return early

    def resumed(self) -> None:
        """This client is connected again. Its device may have slept, and its clock with it, so the
        others' turns of before are longer than they seem here."""
        self._others.clear()

    def forget(self, author: bytes) -> None:
        """This member is gone."""
        self._others.pop(author, None)


def too_soon(wait: int) -> NotNow:
    """Why a text is not sent now."""
    text = (
        f"The room goes slowly: you can write again in {wait} seconds. This was not sent, and is "
        "still yours."
    )
    return NotNow("slow", text)
