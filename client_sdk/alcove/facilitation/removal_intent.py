"""What a facilitator wants when members have to go: their leaves, their places, their links."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

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


@dataclass(frozen=True, slots=True)
class WayBack:
    """How one that is not in the room comes back without a person's decision: by a `door` of their
    own, or with the relay key that an ABSENT took off the list."""

    door: bytes | None = None
    relay_key: bytes | None = None


WayBackOf = Callable[[bytes], WayBack | None]


def demote_first() -> NotNow:
    """Of a removal that names a facilitator."""
    return NotNow("is_facilitator", "A facilitator has to be a participant first: /demote NAME.")


def _removal(relay_key: bytes, one: Going) -> Change:
    return Change(Op.REMOVE, relay_key, Seat(paused=one.keeps_door))


@dataclass(frozen=True, slots=True)
class RemoveMembers(Intent):
    """Put members out in one commit. Their links close, but for those that are kept, and links
    with uses left are replaced. With `fold` all that they wrote is folded.

    One that is out, and may come back without a person's decision, comes back by one alone: their
    link closes too, and their own door. The key of one that was let go as absent is removed in the
    list, so that it is no memory of this client, which can end at any time."""

    going: tuple[Going, ...] = ()
    replacements: tuple[tuple[bytes, Invite], ...] = ()
    """New links, each with the door that it replaces if that one closes."""
    fold: bool = False
    way_back: WayBackOf = field(default=lambda key: None, compare=False)
    """How the member with this MLS key comes back without a decision. None when no client would let
    them in so."""

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        """Whoever left meanwhile, or was appointed, keeps no other in. Raises `NotNow`
        (`is_facilitator`) when only facilitators are left of them."""
        proposals: list[mls.Proposal] = []
        changes: list[Change] = []
        here: list[Going] = []
        away: list[Going] = []
        closed: set[bytes] = set()
        appointed = False
        for one in self.going:
            index, person = membership.group.find(one.key), membership.find_key(one.key)
            if index is None or person is None:
                back = self.way_back(one.key)
                if back is not None and (
                    back.relay_key is None or membership.may_be_removed(back.relay_key)
                ):
                    away.append(one)
                    if back.door is not None:
                        closed.add(back.door)
                    if back.relay_key is not None:
                        changes.append(_removal(back.relay_key, one))
                continue  # they have left, or another facilitator was first
            if person.facilitator:
                appointed = True
                continue
            proposals.append(mls.Remove(index))
            changes.append(_removal(person.relay_key, one))
            here.append(one)
            if not one.keeps_door:
                # The relay closes the door of the last stay by the entry. On the list it would
                # look as if it were closed without a word (docs/protocol.md 8).
                closed.add(membership.roster.seats.get(person.relay_key, Seat()).door)
        if not here and not away:
            if appointed:
                raise demote_first()
            return None
        state = membership.state
        gone = {one.key for one in here}
        after = replace(
            state,
            doors=b"".join(self._doors(state.door_ids(), closed, here + away)),
            paused=b"".join(key for key in state.paused_keys() if key not in gone),
            folded=with_folded(membership, *gone) if self.fold else state.folded,
        )
        if after != state:
            proposals.append(state_change(after))
        return CommitPlan(tuple(proposals), tuple(changes)) if proposals or changes else None

    def _doors(
        self, listed: tuple[bytes, ...], closed: set[bytes], going: list[Going]
    ) -> list[bytes]:
        """The listed doors afterwards. Only a door that this commit takes off the list is replaced:
        another facilitator can fill the list, and must not keep a member in by that."""
        by_link = {one.door_id for one in going if not one.keeps_door}
        closed = (closed | by_link).intersection(listed)
        kept = [door for door in listed if door not in closed]
        return [*kept, *(invite.door for old, invite in self.replacements if old in closed)]
