"""How much each facilitator may add to a room's chain of roster entries. Pure.

    0 ──────────────── shared ────────────────┬─ kept for each facilitator ─┬─ removals ─ 2 MiB

A chain ends where it would no longer fit a frame that restores the room. A facilitator who fills it
on purpose must not escape the others. So each facilitator on the list has a part that no other can
use, and beyond it a part for entries that take members off the list, or a facilitator's part from
them, and do nothing else. These may restate the list: whoever filled the chain can have left one
that is not the group's, and no entry follows from that. To end the room takes no space. What is
judged here follows from the chain alone, so every node, and a relay that was given the room anew,
judges the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from alcove_protocol import limits
from alcove_protocol.roster import CHANGE_SIZE

OWN: Final = 32 * limits.KIB
"""Bytes that each facilitator on the list can use, whatever the others do: about 60 entries."""
REMOVALS: Final = 8 * limits.KIB
"""Bytes of each facilitator for removals and demotions alone: about 15."""
RESTATED: Final = 2
"""Of these, so many may restate a list of all the members that the room can have."""
_LENGTH: Final = 4
"""Bytes before each entry in a list."""

_Bytes = Mapping[bytes, int]
_NOTHING: Final[_Bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ChainSpace:
    """The bytes of a chain: all, and those of each facilitator on the list, and of these what went
    beyond the end of all that is shared and kept. `members` is how many the room can have."""

    total: int
    used: _Bytes
    beyond: _Bytes
    members: int

    @classmethod
    def begin(cls, size: int, members: int) -> ChainSpace:
        """After entry 0, which says how many members the room can have."""
        return cls(size + _LENGTH, _NOTHING, _NOTHING, members)

    @property
    def removals(self) -> int:
        """Bytes of each facilitator for removals and demotions, with lists that they restate."""
        return REMOVALS + RESTATED * CHANGE_SIZE * (self.members + 1)

    def fits(self, signer: bytes, facilitators: frozenset[bytes], size: int, removes: bool) -> bool:
        """Whether an entry of `size` bytes has its place. `facilitators` are those on the list
        before it, and `removes` says whether it takes away members, or facilitators' part, and
        does nothing else."""
        size += _LENGTH
        if self._is_shared(signer, facilitators, size):
            return True
        return (
            removes
            and self.beyond.get(signer, 0) + size <= self.removals
            and self.total + size <= limits.ROSTER_CHAIN
        )

    def _is_shared(self, signer: bytes, facilitators: frozenset[bytes], size: int) -> bool:
        kept = sum([max(0, OWN - self.used.get(one, 0)) for one in facilitators - {signer}])
        return self.total + size + kept <= self._shared_end

    @property
    def _shared_end(self) -> int:
        return limits.ROSTER_CHAIN - limits.FACILITATORS * self.removals

    def after(
        self, signer: bytes, before: frozenset[bytes], after: frozenset[bytes], size: int
    ) -> ChainSpace:
        """With one more entry. `before` and `after` are the facilitators on the list then."""
        size += _LENGTH
        used = {one: self.used.get(one, 0) for one in after}
        beyond = {one: self.beyond.get(one, 0) for one in after}
        if signer in after:
            used[signer] += size
            if not self._is_shared(signer, before, size):
                beyond[signer] += size
        used_by, beyond_by = MappingProxyType(used), MappingProxyType(beyond)
        return ChainSpace(self.total + size, used_by, beyond_by, self.members)
