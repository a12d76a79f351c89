"""What a commit does that takes a standby away: to the state, the leaves that came by it, the list.

A standby goes with the facilitator that set it. A leaf that came by the link and is not listed goes
with the standby (`judge` burns what leaves one).
"""

from dataclasses import dataclass, replace

from alcove_protocol import limits
from alcove_protocol.roster import Change, Op

from alcove import mls
from alcove.errors import NotNow
from alcove.group.appointments import needed_appointments, unpack_appointments
from alcove.group.extensions import RoomExtension
from alcove.group.listing import links_of
from alcove.group.membership import Membership
from alcove.group.standby import standby_key
from alcove.group.standby_rules import appointer_of


@dataclass(frozen=True, slots=True)
class Cleared:
    """The parts of a commit that takes the standby away. Empty when there is none."""

    proposals: tuple[mls.Proposal, ...] = ()
    changes: tuple[Change, ...] = ()


def clear_standby(membership: Membership) -> Cleared:
    """Remove every leaf that came by the present link, and the standby keys of the list."""
    entering = [person for person in membership.people() if person.entering]
    found = (membership.group.find(person.key) for person in entering)
    keys = {person.relay_key for person in entering} | links_of(membership.state)
    keys |= membership.roster.standbys()
    return Cleared(
        tuple(mls.Remove(index) for index in found if index is not None),
        tuple(Change(Op.REMOVE, key) for key in sorted(keys)),
    )


def cleared_with(membership: Membership, after: RoomExtension) -> tuple[RoomExtension, Cleared]:
    """The state after a commit that changes the list of facilitators, without a standby whose
    appointer is on it no more."""
    if after.standby is None or appointer_of(after) in after.facilitator_keys():
        return after, Cleared()
    return replace(after, standby=None), clear_standby(membership)


def check_room_for_one(state: RoomExtension, key: bytes = b"", *, standby: bool = False) -> None:
    """Raises `NotNow` (`too_many_facilitators`, `too_many_appointments`). One place of each kind
    stays free for the person that comes by the standby's link. `key` is the MLS key of the member
    to be appointed, and `standby` says that one is to be set."""
    kept = 1 if standby or state.standby is not None else 0
    more = 0 if standby else 1
    most = limits.FACILITATORS - kept
    if len(state.facilitator_list()) + more > most:
        text = f"A room has at most {limits.FACILITATORS} facilitators at a time."
        raise NotNow("too_many_facilitators", f"{text}{_KEPT if kept else ''}")
    keys = state.facilitator_keys() | {key, standby_key(state)}
    needed = needed_appointments(state.appointments, keys)
    if len(unpack_appointments(needed)) + 1 > limits.APPOINTMENTS - kept:
        text = "A facilitator is known by the appointments before theirs; no place for one is left."
        raise NotNow("too_many_appointments", f"{text}{_KEPT if kept else ''}")


_KEPT = " One place is kept for the standby."


def places(membership: Membership) -> int:
    """How many members the room takes. One place stays free while a standby stands."""
    kept = 1 if membership.state.standby is not None else 0
    return membership.roster.members - kept
