"""Sets the private line's interval and size in the commit that changes how many there are."""

from dataclasses import replace

from alcove_protocol import limits

from alcove import mls
from alcove.facilitation.intents import CommitPlan, state_change
from alcove.group.desk_settings import desk_settings, has_desk_settings
from alcove.group.extensions import ROOM_EXTENSION, RoomExtension
from alcove.group.membership import Membership


def with_desk_settings(membership: Membership, plan: CommitPlan) -> CommitPlan:
    """The same plan, whose state fits the members and facilitators that it leaves."""
    state = _state_after(membership, plan)
    added = sum(isinstance(item, mls.Add) for item in plan.proposals)
    removed = sum(isinstance(item, mls.Remove) for item in plan.proposals)
    members = len(membership.group.members()) + added - removed
    if has_desk_settings(state, members):
        return plan
    interval, size = desk_settings(members, len(state.facilitator_list()))
    kept = [one for one in plan.proposals if not isinstance(one, mls.GroupContextExtensions)]
    fitted = state_change(replace(state, desk_interval=interval, desk_size=size))
    return replace(plan, proposals=(*kept, fitted))


def _state_after(membership: Membership, plan: CommitPlan) -> RoomExtension:
    for proposal in plan.proposals:
        if isinstance(proposal, mls.GroupContextExtensions):
            content = [one.data for one in proposal.extensions if one.type == ROOM_EXTENSION]
            return RoomExtension.decode(content[0], limit=limits.HANDSHAKE_BLOB)
    return membership.state
