"""What a facilitator wants of the list of doors: that one is closed."""

from dataclasses import dataclass, replace

from alcove_protocol.roster import NO_DOOR

from alcove.facilitation.intents import CommitPlan, Intent, state_change
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
