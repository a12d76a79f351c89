"""How many facilitators a room needs, and how many are there.

A room *starts* once `facilitators_start` are there at a time, and then goes on as long as
`facilitators_stay` are. With too few, senders keep silent, and go on by themselves. Receivers never
judge by it: two of them would disagree about a beat that was late.
"""

from collections.abc import Callable

from alcove.group.membership import Membership


class Quorum:
    """`here` says whether the facilitator with this MLS key is there."""

    def __init__(self, membership: Membership, here: Callable[[bytes], bool]) -> None:
        self._membership = membership
        self._here = here
        self._started = False
        self._told = False

    def heard(self, *, started: bool) -> None:
        """A facilitator's heartbeat says whether the room has started, also for a late member that
        did not see its facilitators then. No word of a participant's says it."""
        self._started = self._started or started
        self._told = True

    @property
    def started(self) -> bool:
        """Whether the room has started, as this client knows."""
        return self._started or self._membership.state.facilitators_start <= 1

    def missing(self) -> int:
        """Look, and return how many more facilitators the room needs now. 0 for a room that needs
        one: whether there is one at all, the relay and the beats tell."""
        if not self._needs_several:
            return 0
        state, own = self._membership.state, self._membership.own.key
        there = sum(1 for key in state.facilitator_keys() if key == own or self._here(key))
        self._started = self._started or there >= state.facilitators_start
        return max(0, self._needed - there)

    @property
    def known(self) -> bool:
        """Whether this client can know how many the room needs now: a newcomer was not there when
        it started, and is told by the first heartbeat."""
        return self._told or self._membership.own.facilitator or not self._needs_several

    def unfilled(self) -> int:
        """Return how many more the room is known to need than are in it. Those that are in it
        count also while they are away."""
        if not (self.known and self._needs_several):
            return 0
        return max(0, self._needed - len(self._membership.facilitator_keys))

    @property
    def _needs_several(self) -> bool:
        state = self._membership.state
        return max(state.facilitators_start, state.facilitators_stay) > 1

    @property
    def _needed(self) -> int:
        state = self._membership.state
        return state.facilitators_stay if self._started else state.facilitators_start
