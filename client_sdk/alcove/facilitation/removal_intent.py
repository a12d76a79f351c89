"""What a facilitator wants when members have to go: their leaves, their places, their links."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from alcove_protocol import limits
from alcove_protocol.invite import Invite
from alcove_protocol.roster import NO_DOOR, Change, Op, Seat

from alcove import mls
from alcove.facilitation.intents import CommitPlan, Intent, state_change, with_folded
from alcove.group.extensions import FOLDED
from alcove.group.membership import Membership

MOST: Final = FOLDED
"""Members that one commit removes: as many as the state can fold."""


@dataclass(frozen=True, slots=True)
class Going:
    """One member to be removed, by MLS key, and the link by which they came."""

    key: bytes
    door_id: bytes = NO_DOOR
    keeps_door: bool = False


@dataclass(frozen=True, slots=True)
class RemoveMembers(Intent):
    """Put members out in one commit. Their links close, but for those that are kept, and links
    with uses left are replaced. With `fold` all that they wrote is folded.

    Of one that has gone meanwhile the links close all the same, and the way back of one that
    stepped outside."""

    going: tuple[Going, ...] = ()
    replacements: tuple[Invite, ...] = ()
    fold: bool = False
    way_back: Callable[[bytes], bytes | None] = field(default=lambda key: None, compare=False)
    """The door by which the member with this MLS key comes back, if they are outside."""

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        proposals: list[mls.Proposal] = []
        changes: list[Change] = []
        here: list[Going] = []
        for one in self.going:
            index, person = membership.group.find(one.key), membership.find_key(one.key)
            if index is None or person is None:
                continue  # they have gone, or another facilitator was first
            proposals.append(mls.Remove(index))
            changes.append(Change(Op.REMOVE, person.relay_key, Seat(paused=one.keeps_door)))
            here.append(one)
        state = membership.state
        gone = {one.key for one in here}
        after = replace(
            state,
            doors=b"".join(self._doors(state.door_ids(), here)),
            paused=b"".join(key for key in state.paused_keys() if key not in gone),
            folded=with_folded(membership, *gone) if self.fold else state.folded,
        )
        if after != state:
            proposals.append(state_change(after))
        return CommitPlan(tuple(proposals), tuple(changes)) if proposals else None

    def _doors(self, listed: tuple[bytes, ...], here: list[Going]) -> list[bytes]:
        """The listed doors afterwards. A full list takes no replacement: another facilitator can
        fill it, and must not keep a member in by that."""
        closed = {one.door_id for one in self.going if not one.keeps_door}
        closed |= {door for one in self.going if (door := self.way_back(one.key)) is not None}
        kept = [door for door in listed if door not in closed]
        if not here and len(kept) == len(listed):
            return kept  # another facilitator was first, and replaced the links
        room = max(0, limits.DOORS - len(listed))
        return [*kept, *(invite.door for invite in self.replacements[:room])]
