"""What a commit may do to a standby, and what a standby may commit. Part of `judge` (rights.py).

    set       a facilitator puts the link's keys into the state, and appends their appointment
    enters    an external commit by fresh keys, which the link's key appointed; the state stays
    lists     that leaf's first commit: it becomes a facilitator, and the standby is spent

Each function returns the code of the rule that burns the commit, or None. All raise `Malformed`.
"""

from collections.abc import Iterable
from dataclasses import replace

from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment, Signed, verify

from alcove import mls
from alcove.group.appointments import appointed_keys, needed_appointments, unpack_appointments
from alcove.group.extensions import (
    FacilitatorKeys,
    LeafExtension,
    RoomExtension,
    leaf_extension,
)
from alcove.group.standby import StandbyKeys, enters_by, standby_key, standby_of


def newly_appointed(before: RoomExtension, after: RoomExtension) -> tuple[FacilitatorKeys, ...]:
    """Whom a facilitator's commit appends an appointment for: each newly listed facilitator, and
    the standby that it sets."""
    kept = set(before.facilitator_list())
    new = [keys for keys in after.facilitator_list() if keys not in kept]
    standby = standby_of(after)
    if standby is not None and after.standby != before.standby:
        new.append(FacilitatorKeys(standby.mls_key, standby.relay_key))
    return tuple(new)


def kept_appointments(before: bytes, after: RoomExtension) -> bytes:
    """The appointments with which those of this state have to begin: all from before, or those that
    its facilitators and its standby need. Raises `Malformed`."""
    if after.appointments.startswith(before):
        return before
    return needed_appointments(before, after.facilitator_keys() | {standby_key(after)})


def with_appointment(after: RoomExtension, signed: Signed) -> RoomExtension:
    """The state with one more appointment. Those not needed go first, when there is no place
    for it beside the one that is kept for a standby."""
    appended = pack_list([signed.encode()])
    kept, most = after.appointments, limits.APPOINTMENTS - (after.standby is not None)
    if len(unpack_appointments(kept)) >= most:
        kept = needed_appointments(kept, after.facilitator_keys() | {standby_key(after)})
    return replace(after, appointments=kept + appended)


def standby_fault(before: RoomExtension, after: RoomExtension) -> str | None:
    """Judge the standby of the state after a facilitator's commit."""
    standby = standby_of(after)
    if standby is None:
        return None
    full = len(unpack_appointments(after.appointments)) >= limits.APPOINTMENTS
    if full or len(after.facilitator_list()) >= limits.FACILITATORS:
        return "standby_place"  # the room could not list the person that comes by it
    if after.standby == before.standby:
        gone = appointer_of(after) not in after.facilitator_keys()
        return "standby_appointer" if gone else None
    # A link that is set twice would revive its former holder, whom a facilitator demoted.
    return "standby_key" if _was_appointed(before, standby) else None


def appointer_of(state: RoomExtension) -> bytes:
    """The MLS key of the facilitator that set the standby, whose keys stand in one appointment
    alone. Empty when there is none. Raises `Malformed`."""
    standby = standby_of(state)
    for signed in unpack_appointments(state.appointments):
        appointment = Appointment.decode(signed.body)
        if standby is not None and appointment.mls_key == standby.mls_key:
            return appointment.appointer
    return b""


def _was_appointed(state: RoomExtension, standby: StandbyKeys) -> bool:
    keys = {standby.mls_key, standby.relay_key}
    earlier = (Appointment.decode(one.body) for one in unpack_appointments(state.appointments))
    return any(keys & {one.mls_key, one.relay_key, one.appointer} for one in earlier)


def leaves_fault(after: RoomExtension, leaves: Iterable[mls.LeafNode]) -> str | None:
    """Judge all leaves after any commit. No leaf has a key of the standby: by an invite, its holder
    would be an unseen facilitator. A leaf that came by a standby goes with it, unless it is listed,
    and is not paused before that: its listing changes no pause."""
    standby = standby_of(after)
    listed, paused = after.facilitator_keys(), set(after.paused_keys())
    for leaf in leaves:
        by = enters_by(leaf)
        if standby is not None and (
            leaf.signature_key == standby.mls_key
            or leaf_extension(leaf).relay_key == standby.relay_key
        ):
            return "standby_key"
        stays = standby is not None and by == standby.mls_key
        stays = stays and leaf.signature_key not in paused
        if by is not None and leaf.signature_key not in listed and not stays:
            return "standby_leaf"
    return None


def entering_fault(group: mls.Group, staged: mls.CommitView, before: RoomExtension) -> str | None:
    """Judge an external commit: it is that of a person that comes by the link, or of a facilitator
    that replaces its own leaf."""
    standby, leaf = standby_of(before), staged.new_leaf
    if leaf is not None and leaf.signature_key in before.facilitator_keys():
        return _return_fault(staged)
    if standby is None or leaf is None:
        return "committer"
    if staged.before.extensions != staged.after.extensions:
        return "context_extensions"
    kinds = [type(item.proposal) for item in staged.proposals]
    if kinds not in ([mls.ExternalInit], [mls.ExternalInit, mls.Remove]):
        return "proposal_kind"
    for index in staged.removed:
        if not _may_replace(group.member(index), before, standby):
            return "standby_leaf"
    extension = leaf_extension(leaf)
    return appointed_fault(group.group_id, leaf.signature_key, extension, before, standby)


def _return_fault(staged: mls.CommitView) -> str | None:
    """Judge a facilitator's return: ExternalInit and one Remove, and the state stays. That the same
    member comes in the place of its own leaf is judged as of any leaf."""
    if staged.before.extensions != staged.after.extensions:
        return "context_extensions"
    kinds = [type(item.proposal) for item in staged.proposals]
    return None if kinds == [mls.ExternalInit, mls.Remove] else "proposal_kind"


def _may_replace(leaf: mls.LeafNode | None, state: RoomExtension, standby: StandbyKeys) -> bool:
    """Whether it is a leaf that came by the same link before, and is no facilitator."""
    if leaf is None or leaf.signature_key in state.facilitator_keys():
        return False
    return enters_by(leaf) == standby.mls_key


def appointed_fault(
    room: bytes,
    mls_key: bytes,
    extension: LeafExtension,
    before: RoomExtension,
    standby: StandbyKeys,
) -> str | None:
    """Judge the leaf of an external commit, which has this MLS key and extension. `standby` is that
    of the state before."""
    if extension.appointment is None:
        return "committer"
    signed = Signed.decode(extension.appointment)
    claimed = Appointment.decode(signed.body)
    own = FacilitatorKeys(mls_key, extension.relay_key)
    of_link = (claimed.room, claimed.appointer) == (room, standby.mls_key)
    if not of_link or appointed_keys(claimed) != own:
        return "appointment"
    verify(Appointment, Label.APPOINT, signed, standby.mls_key)
    if extension.agreement not in before.good_agreements():
        return "agreement_not_accepted"
    return None


def listing_fault(
    group: mls.Group, staged: mls.CommitView, before: RoomExtension, after: RoomExtension
) -> str | None:
    """Judge the first commit of a leaf that came by the standby. It lists itself, and does nothing
    else that was not needed: it has no lobby key, and no invite's secret."""
    standby, leaf = standby_of(before), group.member(staged.committer)
    if standby is None or leaf is None or enters_by(leaf) != standby.mls_key:
        return "committer"
    if not is_listing(before, after, leaf.signature_key, leaf_extension(leaf)):
        return "standby_listing"
    for item in staged.proposals:
        if item.by_reference or not isinstance(
            item.proposal, mls.Remove | mls.GroupContextExtensions
        ):
            return "standby_listing"
    for index in staged.removed:
        if not _may_replace(group.member(index), before, standby):
            return "standby_listing"
    return None


def is_listing(
    before: RoomExtension, after: RoomExtension, mls_key: bytes, extension: LeafExtension
) -> bool:
    """Whether the state changes as by the listing of a leaf with this MLS key and extension, and in
    nothing else."""
    expected = replace(
        before,
        facilitators=before.facilitators + FacilitatorKeys(mls_key, extension.relay_key).encode(),
        appointments=before.appointments + pack_list([extension.appointment or b""]),
        standby=None,
        lobby_key=after.lobby_key,
        doors=b"",
        desk_interval=after.desk_interval,  # they follow from the number of facilitators
        desk_size=after.desk_size,
    )
    return after == expected and after.lobby_key != before.lobby_key
