"""What a facilitator wants when members have to go: their leaves, their places, their links."""

from dataclasses import dataclass, replace
from typing import Final

from alcove_protocol import limits
from alcove_protocol.invite import Invite
from alcove_protocol.roster import NO_DOOR, Change, Op, Seat

from alcove import mls
from alcove.errors import NotNow
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


def demote_first() -> NotNow:
    """Of a removal that names a facilitator."""
    return NotNow("is_facilitator", "A facilitator has to be demoted first.")


@dataclass(frozen=True, slots=True)
class RemoveMembers(Intent):
    """Put members out in one commit. Their links close, but for those that are kept, and links
    with uses left are replaced. With `fold` all that they wrote is folded."""

    going: tuple[Going, ...] = ()
    replacements: tuple[tuple[bytes, Invite], ...] = ()
    """New links, each with the door that it replaces if that one closes."""
    fold: bool = False

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        """Whoever left meanwhile, or was appointed, keeps no other in. Raises `NotNow`
        (`is_facilitator`) when only facilitators are left of them."""
        proposals: list[mls.Proposal] = []
        changes: list[Change] = []
        here: list[Going] = []
        appointed = False
        for one in self.going:
            index, person = membership.group.find(one.key), membership.find_key(one.key)
            if index is None or person is None:
                continue  # they have left, or another facilitator was first
            if person.facilitator:
                appointed = True
                continue
            proposals.append(mls.Remove(index))
            changes.append(Change(Op.REMOVE, person.relay_key, Seat(paused=one.keeps_door)))
            here.append(one)
        if not here:
            if appointed:
                raise demote_first()
            return None
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
        return CommitPlan(tuple(proposals), tuple(changes))

    def _doors(self, listed: tuple[bytes, ...], here: list[Going]) -> list[bytes]:
        """The listed doors afterwards. A full list takes no replacement: another facilitator can
        fill it, and must not keep a member in by that."""
        closed = {one.door_id for one in here if not one.keeps_door}
        kept = [door for door in listed if door not in closed]
        new = [invite.door for old, invite in self.replacements if old in closed]
        return [*kept, *new[: max(0, limits.DOORS - len(listed))]]
