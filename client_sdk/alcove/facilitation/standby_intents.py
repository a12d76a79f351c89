"""What a facilitator wants of the standby: a link that saves the room, another one, or none."""

from dataclasses import dataclass, field, replace

from alcove_protocol.codec import pack_list
from alcove_protocol.roster import LINK, Change, Op

from alcove import mls
from alcove.errors import NotNow
from alcove.facilitation.intents import CommitPlan, Intent, state_change
from alcove.facilitation.role_intents import sign_appointment
from alcove.facilitation.standby_clearing import check_room_for_one, clear_standby
from alcove.group.extensions import FacilitatorKeys, RoomExtension
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.standby import StandbyKeys


def check_place_for_standby(membership: Membership) -> None:
    """Raises `NotNow` (`too_many_facilitators`, `too_many_appointments`, `room_full`)."""
    check_room_for_one(membership.state, standby=True)
    if len(membership.people()) >= membership.roster.members:
        text = "The room is full, so nobody could come in by a standby's link."
        raise NotNow("room_full", text)


@dataclass(frozen=True, slots=True)
class SetStandby(Intent):
    """Put these keys into the state, in the place of the standby that is there; or none."""

    keys: StandbyKeys | None = None
    by: Identity | None = field(default=None, compare=False)

    @property
    def urgent(self) -> bool:
        return self.keys is None  # a link that was lost is closed at once

    def plan(self, membership: Membership) -> CommitPlan | None:
        state, cleared = membership.state, clear_standby(membership)
        if self.keys is None or self.by is None:
            if state.standby is None and not cleared.changes:
                return None
            return self._plan(replace(state, standby=None), cleared.proposals, cleared.changes)
        if state.standby == self.keys.encode():
            return None
        check_place_for_standby(membership)
        keys = FacilitatorKeys(self.keys.mls_key, self.keys.relay_key)
        signed = sign_appointment(self.by, membership.group.group_id, keys)
        after = replace(
            state,
            standby=self.keys.encode(),
            appointments=state.appointments + pack_list([signed.encode()]),
        )
        added = Change(Op.ADD, self.keys.relay_key, LINK)
        return self._plan(after, cleared.proposals, (*cleared.changes, added))

    @staticmethod
    def _plan(
        after: RoomExtension, proposals: tuple[mls.Proposal, ...], changes: tuple[Change, ...]
    ) -> CommitPlan:
        return CommitPlan((*proposals, state_change(after)), changes, force_path=True)
