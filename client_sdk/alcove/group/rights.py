"""The rights of members. Every right is decided here and nowhere else.

`judge` looks at a staged commit: the state before it, and its bytes. No clock, no presence and no
Unicode table may enter, because two members who judge differently part for good. Every member
alike *burns* what it refuses (docs/protocol.md 11).

`may` looks at an act inside a message. A new rule goes into ACTS, or into a `_judge_…` below.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment, Signed, StepDownStatement, verify

from alcove import mls
from alcove.group.agreement_rules import agreement_fault
from alcove.group.appointments import appointed_keys, unpack_appointments
from alcove.group.desk_settings import has_desk_settings
from alcove.group.extensions import (
    REQUIRED_CAPABILITIES,
    ROOM_EXTENSION,
    FacilitatorKeys,
    RoomExtension,
    leaf_extension,
    room_extension,
)
from alcove.group.standby import enters_by
from alcove.group.standby_rules import (
    entering_fault,
    kept_appointments,
    leaves_fault,
    listing_fault,
    newly_appointed,
    standby_fault,
)


class NotAllowed(Exception):
    """The commit or act is beyond its author's rights. `code` names the rule."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Act(Enum):
    """What a message may be."""

    TEXT = "text"
    RETRACT = "retract"
    VOID = "void"
    HEARTBEAT = "heartbeat"
    AGREEMENT = "agreement"
    FOLD = "fold"


NOT_OFFERED: Final = (
    "absent",
    "facilitators_start",
    "facilitators_stay",
    "ttl",
)
"""Fields of the state that no commit may change: no command sets them yet, or the opening set them
for good (how many facilitators a room needs). What no command sets, no command takes back: one
facilitator with a changed client could mute a room or close it for as long as it lives."""


RULES: Final = ("hold", "listen_only", "locked", "slow")
"""Fields of the state that are rules for all. All members are told when one changes."""

Rule = Callable[[RoomExtension, bytes], bool]


def _facilitator(state: RoomExtension, key: bytes) -> bool:
    return key in state.facilitator_keys()


def _may_post(state: RoomExtension, key: bytes) -> bool:
    if _facilitator(state, key):
        return True
    return not state.listen_only and key not in state.paused_keys()


def _every_member(state: RoomExtension, key: bytes) -> bool:
    return True


ACTS: Final[Mapping[Act, Rule]] = MappingProxyType(
    {
        Act.TEXT: _may_post,
        Act.RETRACT: _every_member,  # of their own messages only: the receiver compares the author
        Act.VOID: _every_member,
        Act.HEARTBEAT: _facilitator,
        Act.AGREEMENT: _facilitator,
        Act.FOLD: _facilitator,
    }
)


def may(state: RoomExtension, signature_key: bytes, act: Act) -> bool:
    """Whether the member with this MLS signature key may do this, in this state."""
    return ACTS[act](state, signature_key)


def judge(group: mls.Group, staged: mls.CommitView) -> None:
    """Raise `NotAllowed` unless the commit is within its author's rights."""
    try:
        before = room_extension(staged.before)
        after = room_extension(staged.after)
        if staged.is_external:
            _demand(entering_fault(group, staged, before))
            _judge_return(group, staged, before)
            _judge_relay_keys(staged)
        else:
            _judge_commit(group, staged, before, after)
        _demand(leaves_fault(after, (member.leaf for member in staged.members_after())))
    except Malformed as error:
        raise NotAllowed(error.code) from None


def _judge_commit(
    group: mls.Group, staged: mls.CommitView, before: RoomExtension, after: RoomExtension
) -> None:
    """A member's commit: a facilitator's, or the one by which a leaf that came by the standby
    becomes one."""
    leaf = group.member(staged.committer)
    if leaf is None:
        raise NotAllowed("committer")
    facilitates = _facilitator(before, leaf.signature_key)
    if not facilitates:
        _demand(listing_fault(group, staged, before, after))
    _judge_proposals(group, staged, before)
    _judge_leaves(group, staged, after)
    _judge_context(staged)
    if facilitates:
        _judge_state(group.group_id, leaf.signature_key, before, after)
    _judge_facilitators_present(staged, after)
    _judge_pauses(staged, after)
    _judge_desk(staged, after)
    _judge_folds(group, before, after)


def _demand(fault: str | None) -> None:
    if fault is not None:
        raise NotAllowed(fault)


def _judge_updater(group: mls.Group, sender: int | None, before: RoomExtension) -> None:
    """Facilitators renew their keys by their own commits, and propose nothing. Neither does a leaf
    that came by the standby, which is to list itself first: an Update would drop its appointment,
    and let it stay as a member whom no facilitator admitted."""
    leaf = group.member(sender) if sender is not None else None
    if leaf is None or _facilitator(before, leaf.signature_key) or enters_by(leaf) is not None:
        raise NotAllowed("proposal_by_reference")


def _judge_proposals(group: mls.Group, staged: mls.CommitView, before: RoomExtension) -> None:
    for item in staged.proposals:
        if item.by_reference:
            # MLS has checked that a member proposes an Update of their own leaf only.
            if not isinstance(item.proposal, mls.Update):
                raise NotAllowed("proposal_by_reference")
            _judge_updater(group, item.sender, before)
        elif not isinstance(item.proposal, mls.Add | mls.Remove | mls.GroupContextExtensions):
            raise NotAllowed("proposal_kind")


def _judge_leaves(group: mls.Group, staged: mls.CommitView, after: RoomExtension) -> None:
    """A leaf's signature key, credential and relay key never change. A newcomer has accepted the
    agreement."""
    after_leaves = {member.index: member.leaf for member in staged.members_after()}
    for index in _changed_leaves(staged):
        old, new = group.member(index), after_leaves.get(index)
        if old is None or new is None:
            raise NotAllowed("leaf")
        check_same_member(old, new)
    removed = {leaf.signature_key: leaf for leaf in _removed_leaves(group, staged)}
    _judge_relay_keys(staged)
    for index in staged.added:
        new = after_leaves[index]
        former = removed.get(new.signature_key)
        if former is not None:
            # A rejoin: the same person with fresh HPKE keys and nothing else new.
            check_same_member(former, new)
            continue
        if after.locked:
            raise NotAllowed("locked")
        check_leaf(new)
        if leaf_extension(new).agreement not in after.good_agreements():
            raise NotAllowed("agreement_not_accepted")


def _judge_return(group: mls.Group, staged: mls.CommitView, before: RoomExtension) -> None:
    """A facilitator comes back by an external commit, in the place of its own leaf and no other."""
    new = staged.new_leaf
    if new is not None and _facilitator(before, new.signature_key):
        for old in _removed_leaves(group, staged):
            check_same_member(old, new)


def _judge_relay_keys(staged: mls.CommitView) -> None:
    keys = [leaf_extension(member.leaf).relay_key for member in staged.members_after()]
    if len(set(keys)) != len(keys):
        raise NotAllowed("relay_key_twice")


def check_leaf(leaf: mls.LeafNode) -> None:
    """Raise `NotAllowed` when a leaf holds an appointment.

    Only a leaf that came by the standby holds one, which only an external commit brings. In another
    leaf it is an appointment that was never appended, to be used later.
    Raises `Malformed` when the extension cannot be read.
    """
    if leaf_extension(leaf).appointment is not None:
        raise NotAllowed("leaf_appointment")


def check_same_member(old: mls.LeafNode, new: mls.LeafNode) -> None:
    """Raise `NotAllowed` unless a leaf keeps its signature key, credential and relay key, and
    holds no appointment.

    Raises `Malformed` when its extension cannot be read.
    """
    check_leaf(new)
    same = (old.signature_key, old.credential) == (new.signature_key, new.credential)
    if not same or leaf_extension(old).relay_key != leaf_extension(new).relay_key:
        raise NotAllowed("leaf_identity")


def _changed_leaves(staged: mls.CommitView) -> Iterator[int]:
    yield from staged.updated
    if staged.has_path:
        yield staged.committer


def _removed_leaves(group: mls.Group, staged: mls.CommitView) -> Iterator[mls.LeafNode]:
    for index in staged.removed:
        leaf = group.member(index)
        if leaf is not None:
            yield leaf


def _judge_context(staged: mls.CommitView) -> None:
    """The GroupContext carries the required capabilities, unchanged, and the room's state, and
    nothing else: above all no `external_senders`."""
    types = [extension.type for extension in staged.after.extensions]
    if sorted(types) != sorted((REQUIRED_CAPABILITIES, ROOM_EXTENSION)):
        raise NotAllowed("context_extensions")
    if staged.before.extension(REQUIRED_CAPABILITIES) != staged.after.extension(
        REQUIRED_CAPABILITIES
    ):
        raise NotAllowed("required_capabilities")


def _judge_state(
    room: bytes, committer: bytes, before: RoomExtension, after: RoomExtension
) -> None:
    """The committer stays a facilitator, no field that waits for its command moves, and a list that
    loses a facilitator brings a new lobby key."""
    if not _facilitator(after, committer):
        raise NotAllowed("committer_steps_down")  # another facilitator commits it, on their wish
    if (fault := agreement_fault(before, after)) is not None:
        raise NotAllowed(fault)
    if any(getattr(before, name) != getattr(after, name) for name in NOT_OFFERED):
        raise NotAllowed("not_offered")
    if before.facilitator_keys() - after.facilitator_keys() and before.lobby_key == after.lobby_key:
        raise NotAllowed("lobby_key_kept")  # a former facilitator has the old one
    if after.facilitator_keys() & set(after.paused_keys()):
        raise NotAllowed("paused_facilitator")  # the relay would take none of their messages
    if after.facilitator_keys() & set(after.folded_keys()):
        raise NotAllowed("folded_facilitator")  # a hard minute needs what they write
    if after.hold is not None and not after.listen_only:
        raise NotAllowed("hold_open")  # all are told that the room is paused
    _judge_appointments(room, committer, before, after)


def _judge_appointments(
    room: bytes, committer: bytes, before: RoomExtension, after: RoomExtension
) -> None:
    """Each newly listed facilitator has one appended appointment, by the committer, and so has a
    standby that the commit sets. There is no other. So an earlier appointment never serves again,
    and newcomers can verify the whole list. All may go that are not needed, and no other.
    """
    kept = kept_appointments(before.appointments, after)
    if not after.appointments.startswith(kept):
        raise NotAllowed("appointments_rewritten")
    unpack_appointments(after.appointments)
    appended = unpack_appointments(after.appointments[len(kept) :])
    appointed = [_appointed(room, committer, signed) for signed in appended]
    new = newly_appointed(before, after)
    if sorted(map(FacilitatorKeys.encode, appointed)) != sorted(map(FacilitatorKeys.encode, new)):
        raise NotAllowed("appointment")
    _demand(standby_fault(before, after))


def _appointed(room: bytes, committer: bytes, signed: Signed) -> FacilitatorKeys:
    claimed = Appointment.decode(signed.body)
    if (claimed.room, claimed.appointer) != (room, committer):
        raise NotAllowed("appointment")
    verify(Appointment, Label.APPOINT, signed, committer)
    return appointed_keys(claimed)


def _judge_facilitators_present(staged: mls.CommitView, after: RoomExtension) -> None:
    """Every facilitator has a leaf that lists their relay key.

    So the last one can neither be removed nor demoted: the list would be empty, or name a key
    without a leaf.
    """
    relay_keys = {
        member.leaf.signature_key: leaf_extension(member.leaf).relay_key
        for member in staged.members_after()
    }
    for facilitator in after.facilitator_list():
        if relay_keys.get(facilitator.mls_key) != facilitator.relay_key:
            raise NotAllowed("facilitator_not_member")


def _judge_pauses(staged: mls.CommitView, after: RoomExtension) -> None:
    """Each paused member has a leaf: a pause goes with its member, and never waits for another."""
    keys = {member.leaf.signature_key for member in staged.members_after()}
    if not keys.issuperset(after.paused_keys()):
        raise NotAllowed("paused_not_member")


def _judge_desk(staged: mls.CommitView, after: RoomExtension) -> None:
    """The settings of the private line fit the members and facilitators that the commit leaves."""
    if not has_desk_settings(after, sum(1 for _ in staged.members_after())):
        raise NotAllowed("desk_settings")


def _judge_folds(group: mls.Group, before: RoomExtension, after: RoomExtension) -> None:
    """Each member whose messages are newly folded had a leaf: so the list holds no garbage, which
    would push out those of whom it is true."""
    keys = {member.leaf.signature_key for member in group.members()}
    if not keys.issuperset(set(after.folded_keys()) - set(before.folded_keys())):
        raise NotAllowed("folded_not_member")


def judge_step_down(
    state: RoomExtension, room: bytes, epoch: int, asker: bytes, signed: Signed
) -> None:
    """Raise `NotAllowed` unless the member with this MLS key may be a facilitator no more: they
    signed it for this epoch, they are one, and another remains.

    It holds in its epoch alone, so an old wish demotes no facilitator
    after a second appointment.
    """
    try:
        said = verify(StepDownStatement, Label.STEP_DOWN, signed, asker).statement
    except Malformed as error:
        raise NotAllowed(error.code) from None
    if (said.room, said.mls_key, said.epoch) != (room, asker, epoch):
        raise NotAllowed("step_down")
    if not _facilitator(state, asker):
        raise NotAllowed("not_facilitator")
    if len(state.facilitator_list()) == 1:
        raise NotAllowed("last_facilitator")
