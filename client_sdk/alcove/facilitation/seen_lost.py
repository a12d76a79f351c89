"""The members that were let go as absent, as each client sees it in the commits.

From it a client whose member is appointed later knows those that may come back without a person's
decision. It lets them in, and its person may remove them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from alcove_protocol.roster import Seat

from alcove import mls
from alcove.group.extensions import leaf_extension, name_of
from alcove.group.membership import Membership
from alcove.group.outcomes import Merged

KEPT: Final = 256
"""Members that may come back at a time. One more takes the place of the first."""


@dataclass(frozen=True, slots=True)
class LostMember:
    """A member that was let go: the leaf that went, their door, whether they were paused."""

    leaf: mls.LeafNode
    door: bytes
    paused: bool
    at: float


class SeenLost:
    """What one client saw, as a participant or as a facilitator's."""

    def __init__(self, membership: Membership, clock: Callable[[], float]) -> None:
        self._membership = membership
        self._clock = clock
        self.lost: dict[bytes, LostMember] = {}
        """By relay key."""

    def tick(self) -> None:
        """Forget those whose time to come back is over."""
        now = self._clock()
        self.lost = {k: lost for k, lost in self.lost.items() if now - lost.at <= limits.AWAY}

    def merged(self, outcome: Merged) -> None:
        """Remember the leaves that went, let go by any client."""
        self.tick()
        seats, paused = self._membership.known_seats(), outcome.before.paused_keys()
        for leaf in outcome.absent:
            relay_key = leaf_extension(leaf).relay_key
            door, was_paused = seats.get(relay_key, Seat()).door, leaf.signature_key in paused
            self.lost[relay_key] = LostMember(leaf, door, was_paused, self._clock())
        joined = {person.name for person in outcome.joined}
        self.lost = {k: lost for k, lost in self.lost.items() if name_of(lost.leaf) not in joined}
        while len(self.lost) > KEPT:
            del self.lost[next(iter(self.lost))]

    def kept_out(self, keys: Iterable[bytes]) -> bool:
        """The list has these keys as absent no more: the relay does not let them in again. Return
        whether one of them could come back."""
        return any([self.lost.pop(key, None) for key in keys])

    def forget_all(self) -> None:
        """This client missed commits. What it missed may have removed some of them, so they come
        back by a person's decision alone, or by another client."""
        self.lost = {}
