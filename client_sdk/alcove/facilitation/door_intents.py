"""What a facilitator wants of the list of doors: that one is closed, or is a member's way back."""

from dataclasses import dataclass, replace

from alcove_protocol.invite import Invite
from alcove_protocol.roster import NO_DOOR, Change, Op
from alcove_protocol.statements import Signed

from alcove import mls
from alcove.facilitation.intents import CommitPlan, Intent, state_change, without_pause
from alcove.group.membership import Membership


@dataclass(frozen=True, slots=True)
class CloseDoor(Intent):
    """Take a door off the list. Each member sees from then on that its invite lets nobody in. It
    waits for no turn: a link that was passed around brings many people in a minute."""

    door: bytes = NO_DOOR

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        listed = membership.state.door_ids()
        if self.door not in listed:
            return None
        doors = b"".join(door for door in listed if door != self.door)
        return CommitPlan((state_change(replace(membership.state, doors=doors)),))


@dataclass(frozen=True, slots=True)
class LetOutside(Intent):
    """Let a member go that steps outside, and list the door by which they come back. Nothing goes
    from the list for it: a full one has no place, and a participant closes no invite of others."""

    relay_key: bytes = b""
    wish: Signed | None = None
    invite: Invite | None = None

    def plan(self, membership: Membership) -> CommitPlan | None:
        person = membership.find_relay_key(self.relay_key)
        if person is None or person.facilitator or self.wish is None or self.invite is None:
            return None
        index = membership.group.find(person.key)
        if index is None:
            return None
        state = membership.state
        after = replace(
            state, doors=state.doors + self.invite.door, paused=without_pause(state, person.key)
        )
        proposals = (mls.Remove(index), state_change(after))
        return CommitPlan(proposals, (Change(Op.LEFT, person.relay_key),), leaves=(self.wish,))
