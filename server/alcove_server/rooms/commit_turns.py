"""How often each of several facilitators may commit.

A commit makes late whatever was built on the one before. A facilitator who commits without end,
each time before the others have followed, would win every race: no other facilitator could remove
them, and nobody could speak. So together they may commit about once a second, each an equal part of
it, and an answer to a commit has the time to come first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alcove_protocol.roster import Roster

from alcove_server.ports.token_bucket import TokenBucket

COMMIT_RATE: Final = 1.0
"""Commits a second of all facilitators together."""
COMMIT_BURST: Final = 16.0
"""Commits of one facilitator at once: newcomers or trolls may come several at a time, and what a
lost log had is published again."""


class CommitTurns:
    """One room's. `rates` is the relay's setting: 0 is no limit. `clock` gives seconds."""

    def __init__(self, rates: float, clock: Callable[[], float]) -> None:
        self._rate = COMMIT_RATE * rates
        self._clock = clock
        self._buckets: dict[bytes, TokenBucket] = {}

    def __len__(self) -> int:
        """The facilitators that are counted."""
        return len(self._buckets)

    def counts(self, roster: Roster) -> bool:
        """Whether commits are counted: a lone facilitator is in nobody's way."""
        return bool(self._rate) and len(roster.facilitators()) > 1

    def take(self, roster: Roster, key: bytes) -> bool:
        """Whether the facilitator with this relay key may try to commit now. It counts until it is
        given back, so that several on their way at a time count as well."""
        facilitators = roster.facilitators()
        if not self.counts(roster) or key not in facilitators:
            return True  # what another key sends is refused for that
        now, rate = self._clock(), self._rate / len(facilitators)
        own = self._buckets.get(key) or TokenBucket(rate, COMMIT_BURST, now)
        own.rate = rate  # it changes with their number
        kept = {known: one for known, one in self._buckets.items() if known in facilitators}
        self._buckets = {**kept, key: own}
        return own.take(now)

    def give_back(self, key: bytes) -> None:
        """The store did not take it. Who loses a race tries again, and is not slowed down by it."""
        own = self._buckets.get(key)
        if own is not None:
            own.take(self._clock(), -1.0)
