"""How much each facilitator may add to a room's chain of roster entries. Pure.

    0 ──────────────── shared ────────────────┬─ kept for each facilitator ─┬─ removals ─ 2 MiB

A chain ends where it would no longer fit a frame that restores the room. A facilitator who fills it
on purpose must not escape removal by the others. So each facilitator on the list has a part that
no other can use, and beyond it a part for entries that remove members and do nothing else. To
end the room takes no space. What is judged here follows from the chain alone, so every node, and a
relay that was given the room anew, judges the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from alcove_protocol import limits

OWN: Final = 32 * limits.KIB
"""Bytes that each facilitator on the list can use, whatever the others do: about 60 entries."""
REMOVALS: Final = 8 * limits.KIB
"""Bytes of each facilitator for removals alone: about 15."""
_SHARED_END: Final = limits.ROSTER_CHAIN - limits.FACILITATORS * REMOVALS
_LENGTH: Final = 4
"""Bytes before each entry in a list."""

_Bytes = Mapping[bytes, int]
_NOTHING: Final[_Bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ChainSpace:
    """The bytes of a chain: all, and those of each facilitator on the list, and of these what went
    beyond the end of all that is shared and kept."""

    total: int
    used: _Bytes
    beyond: _Bytes

    @classmethod
    def begin(cls, size: int) -> ChainSpace:
        """After entry 0."""
        return cls(size + _LENGTH, _NOTHING, _NOTHING)

    def fits(self, signer: bytes, facilitators: frozenset[bytes], size: int, removes: bool) -> bool:
        """Whether an entry of `size` bytes has its place. `facilitators` are those on the list
        before it, and `removes` says whether it removes members and does nothing else."""
        size += _LENGTH
        if self._is_shared(signer, facilitators, size):
            return True
        return (
            removes
            and self.beyond.get(signer, 0) + size <= REMOVALS
            and self.total + size <= limits.ROSTER_CHAIN
        )

    def _is_shared(self, signer: bytes, facilitators: frozenset[bytes], size: int) -> bool:
        kept = sum([max(0, OWN - self.used.get(one, 0)) for one in facilitators - {signer}])
        return self.total + size + kept <= _SHARED_END

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
        return ChainSpace(self.total + size, MappingProxyType(used), MappingProxyType(beyond))
