"""What a facilitator wants of the standby: a link that saves the room, another one, or none."""

from dataclasses import dataclass, field, replace

from alcove_protocol.codec import pack_list
from alcove_protocol.roster import LINK, Change, Op, Role, Seat

from alcove import mls
from alcove.errors import NotNow
from alcove.facilitation.intents import CommitPlan, Intent, state_change
from alcove.facilitation.role_intents import sign_appointment
from alcove.facilitation.standby_clearing import check_room_for_one, clear_standby
from alcove.group.extensions import FacilitatorKeys, RoomExtension, leaf_extension
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.standby import StandbyKeys
from alcove.group.standby_rules import with_appointment


def check_place_for_standby(membership: Membership) -> None:
    """Raises `NotNow` (`too_many_facilitators`, `too_many_appointments`, `room_full`)."""
    check_room_for_one(membership.state, standby=True)
    if len(membership.people()) >= membership.roster.members:
        text = "The room is full, so nobody could come in by a standby's link."
        raise NotNow("room_full", text)


@dataclass(frozen=True, slots=True)
class ListOneself(Intent):
    """The first commit of a leaf that came by the standby: it becomes a facilitator, and the link
    is spent. It has neither the lobby's key nor any invite's secret, so those are made anew."""

    lobby_key: bytes = b""

    def plan(self, membership: Membership) -> CommitPlan | None:
        own, state = membership.own, membership.state
        appointment = leaf_extension(membership.own_leaf).appointment
        if own.facilitator or appointment is None:
            return None
        others = [one for one in membership.people() if one.entering and one.key != own.key]
        found = (membership.group.find(person.key) for person in others)
        after = replace(
            state,
            facilitators=state.facilitators + FacilitatorKeys(own.key, own.relay_key).encode(),
            appointments=state.appointments + pack_list([appointment]),
            standby=None,
            lobby_key=self.lobby_key,
            doors=b"",
        )
        proposals = [mls.Remove(index) for index in found if index is not None]
        changes = [Change(Op.CHANGE, own.relay_key, Seat(role=Role.FACILITATOR))]
        changes += [Change(Op.REMOVE, key) for key in membership.roster.links()]
        return CommitPlan((*proposals, state_change(after)), tuple(changes), force_path=True)


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
        after = with_appointment(replace(state, standby=self.keys.encode()), signed)
        added = Change(Op.ADD, self.keys.relay_key, LINK)
        return self._plan(after, cleared.proposals, (*cleared.changes, added))

    @staticmethod
    def _plan(
        after: RoomExtension, proposals: tuple[mls.Proposal, ...], changes: tuple[Change, ...]
    ) -> CommitPlan:
        return CommitPlan((*proposals, state_change(after)), changes, force_path=True)
