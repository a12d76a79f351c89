"""What a facilitator wants of the group, kept until it is true.

An intent names people by their MLS signature key, never by leaf index. After a lost race it is
planned anew on the newest state. `plan` returns the commit that it takes now, or None when it is
moot.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.invite import Invite
from alcove_protocol.roster import NO_DOOR, Change, Op, Seat
from alcove_protocol.statements import Signed

from alcove import mls
from alcove.errors import AlcoveError, NotNow
from alcove.facilitation.standby_clearing import cleared_with, places
from alcove.group.extensions import (
    FOLDED,
    RoomExtension,
    group_extensions,
    leaf_extension,
    name_of,
)
from alcove.group.membership import Membership
from alcove.group.sealing import Psk
from alcove.joining.names import looks_like_any

Done = Callable[[AlcoveError | None], None]


def not_awaited(error: AlcoveError | None) -> None:
    """No caller waits for what becomes of an intent."""


def all_of(count: int, done: Done) -> Done:
    """Return what each of several intents tells its end to. `done` gets the first error, or None,
    when all have told it once. A later word of one, that it came true all the same, adds nothing.
    """
    ends: list[AlcoveError | None] = []

    def each(error: AlcoveError | None) -> None:
        ends.append(error)
        if len(ends) == count:
            done(next((end for end in ends if end is not None), None))

    return each


def not_now(code: str) -> NotNow:
    """Why the group refused what an intent planned."""
    return NotNow(code, "The group cannot make this change now.")


@dataclass(frozen=True, slots=True)
class CommitPlan:
    """What goes into one commit beside the pending Updates."""

    proposals: tuple[mls.Proposal, ...] = ()
    changes: tuple[Change, ...] = ()
    welcome_to: tuple[tuple[bytes, bytes, Psk], ...] = ()
    """Relay key, reply key and PSK of each receiver of the Welcome."""
    force_path: bool = False
    leaves: tuple[Signed, ...] = ()
    """The signed leave of each LEFT among the changes, in their order."""
    accepts: bytes | None = None
    """The agreement that the committer's leaf names from now on: its person made it."""
    pauses: tuple[bytes, ...] = ()
    """MLS keys of members that the commit adds, and that only listen at first."""
    unpauses: tuple[bytes, ...] = ()
    """MLS keys of members that the commit removes with what `pauses` they had."""
    closes: tuple[bytes, ...] = ()
    """Doors that served their one member."""
    gathers: bool = False
    """Whether others of its kind may go into the same commit."""

    def with_other(self, other: "CommitPlan") -> "CommitPlan":
        """Both in one commit."""
        return CommitPlan(
            self.proposals + other.proposals,
            self.changes + other.changes,
            self.welcome_to + other.welcome_to,
            self.force_path or other.force_path,
            self.leaves + other.leaves,
            self.accepts or other.accepts,
            self.pauses + other.pauses,
            self.unpauses + other.unpauses,
            self.closes + other.closes,
            gathers=True,
        )

    def whole(self, state: RoomExtension) -> "CommitPlan":
        """The plan with its pauses and doors as one change of this state, beside its proposals."""
        doors = b"".join(door for door in state.door_ids() if door not in self.closes)
        kept = b"".join(key for key in state.paused_keys() if key not in self.unpauses)
        after = replace(state, paused=kept + b"".join(self.pauses), doors=doors)
        if after == state:
            return self
        return replace(self, proposals=(*self.proposals, state_change(after)), pauses=(), closes=())


@dataclass(frozen=True, slots=True)
class Intent(ABC):
    """Base. `done` is called with None when it is true, or with why it cannot become true. After an
    error it is called once more, with None, if the log shows that the relay took the commit which
    it said it refused."""

    done: Done = field(default=not_awaited, compare=False)

    @property
    def awaited(self) -> bool:
        """Whether a caller waits for `done`."""
        return self.done is not not_awaited

    @property
    def urgent(self) -> bool:
        """Whether it goes before all that is not, and waits for no turn."""
        return False

    @abstractmethod
    def plan(self, membership: Membership) -> CommitPlan | None:
        """The commit that makes it true now, or None when nothing is left to do.

        It is asked anew in each epoch, so what it checks holds in the epoch that it commits on.
        Raises `NotNow` when it cannot become true.
        """


LobbyKeySource = Callable[[], bytes]
"""Gives the public half of a lobby key that is not the state's, and whose private half is here."""


def no_key() -> bytes:
    """Gives no lobby key."""
    return b""


def state_change(state: RoomExtension) -> mls.Proposal:
    """The proposal that makes this the room's state."""
    return mls.GroupContextExtensions(group_extensions(state))


def without_facilitator(
    state: RoomExtension, key: bytes, lobby_key: LobbyKeySource
) -> RoomExtension:
    """The state without this facilitator, and with a new lobby key."""
    left = [item for item in state.facilitator_list() if item.mls_key != key]
    facilitators = b"".join(item.encode() for item in left)
    return replace(state, facilitators=facilitators, lobby_key=lobby_key())


def without_pause(state: RoomExtension, key: bytes) -> bytes:
    """The paused members of a state without this one."""
    return b"".join(paused for paused in state.paused_keys() if paused != key)


def without_folded(state: RoomExtension, key: bytes) -> bytes:
    """The folded members of a state without this one."""
    return b"".join(folded for folded in state.folded_keys() if folded != key)


def with_folded(membership: Membership, *keys: bytes) -> bytes:
    """The folded members of the state, and these. A full list first drops former members, the
    oldest first, and then the oldest: a person that came sixteen times cannot fill it. What a
    client has folded stays so, whatever is dropped."""
    folded = [key for key in membership.state.folded_keys() if key not in keys]
    spare = sorted(folded, key=lambda key: membership.find_key(key) is not None)
    dropped = set(spare[: max(0, len(folded) + len(keys) - FOLDED)])
    return b"".join([*(key for key in folded if key not in dropped), *keys])


def _with_doors(
    state: RoomExtension, without: bytes = b"", add: bytes | None = None
) -> RoomExtension:
    doors = [door for door in state.door_ids() if door != without]
    return replace(state, doors=b"".join([*doors, *([add] if add else [])]))


THERE_AGAIN: Final = "The member of this name is there again, so nobody was let in for them."


@dataclass(frozen=True, slots=True)
class Instead:
    """The member whose leaf goes with an admission, by MLS key. Empty: none does. `paused` says
    whether that member is paused now, which goes over to the newcomer. `check_silent` raises
    `NotNow` unless they are silent as before."""

    key: bytes = b""
    paused: Callable[[], bool] = field(default=lambda: False, compare=False)
    check_silent: Callable[[bytes], None] = field(default=lambda key: None, compare=False)

    def parts(self, membership: Membership) -> tuple[tuple[mls.Proposal, ...], tuple[Change, ...]]:
        """What takes the member out. The door that they came by stays. Raises `NotNow`
        (`name_taken`) when they are there again or facilitate, and as `check_silent`."""
        index, person = membership.group.find(self.key), membership.find_key(self.key)
        if index is None or person is None:
            return (), ()
        if person.facilitator:
            raise NotNow("name_taken", THERE_AGAIN)
        self.check_silent(self.key)
        gone = Change(Op.REMOVE, person.relay_key, Seat(paused=True))
        return (mls.Remove(index),), (gone,)


@dataclass(frozen=True, slots=True)
class AdmitNewcomer(Intent):
    """Add the newcomer of a knock, and send them the Welcome. `instead` of a silent member."""

    knock_id: bytes = b""
    key_package: mls.KeyPackage | None = None
    relay_key: bytes = b""
    reply_key: bytes = b""
    door: bytes = NO_DOOR
    psk: Psk | None = None
    to_listen: bool = False
    """Whether the commit that adds them pauses them."""
    returns: bool = False
    """Whether they come back by a door of their own, which is then closed."""
    instead: Instead = Instead()

    def plan(self, membership: Membership) -> CommitPlan | None:
        if self.key_package is None or self.psk is None:
            return None
        if membership.find_relay_key(self.relay_key):
            return None
        if membership.state.locked:
            text = "The door is locked, so nobody was let in. They wait on; /lock off opens it."
            raise NotNow("locked", text)
        leaf = self.key_package.leaf_node
        check_welcome(leaf, membership, self.instead.key)
        proposals, changes = self.instead.parts(membership)
        listens = self.to_listen or self.instead.paused()
        seat = Seat(self.door, paused=listens)
        return CommitPlan(
            (*proposals, mls.Add(self.key_package)),
            (*changes, Change(Op.ADD, self.relay_key, seat)),
            ((self.relay_key, self.reply_key, self.psk),),
            pauses=(leaf.signature_key,) if listens else (),
            unpauses=(self.instead.key,),
            closes=(self.door,) if self.returns else (),
            gathers=not proposals,
        )


def check_welcome(leaf: mls.LeafNode, membership: Membership, instead: bytes = b"") -> None:
    """Compare a newcomer with the room as it is now, when they knock and when they are admitted:
    another facilitator may have changed it between. The member `instead` of whom they come has no
    part in it. Raises `NotNow` (`agreement`, `name_taken`, `room_full`)."""
    if leaf_extension(leaf).agreement not in membership.state.good_agreements():
        text = "The ground rules changed after this person knocked; they are told to read them."
        raise NotNow("agreement", text)
    people = [person for person in membership.people() if person.key != instead]
    if looks_like_any(name_of(leaf), [person.name for person in people]):
        text = "A member has this person's name or one like it; they are told to choose another."
        raise NotNow("name_taken", text)
    if len(people) >= places(membership):
        raise NotNow("room_full", "The room is full.")


@dataclass(frozen=True, slots=True)
class LetMemberGo(Intent):
    """Remove a member that asked to leave."""

    relay_key: bytes = b""
    wish: Signed | None = None
    lobby_key: LobbyKeySource = field(default=no_key, compare=False)
    """For when a facilitator leaves with the present one."""

    def plan(self, membership: Membership) -> CommitPlan | None:
        if self.wish is None:
            return None
        person = membership.find_relay_key(self.relay_key)
        if person is None:
            return None
        if person.facilitator and len(membership.state.facilitator_list()) == 1:
            return None  # the last facilitator's leaf stays (docs/protocol.md 9)
        index = membership.group.find(person.key)
        if index is None or index == membership.group.own_index:
            return None
        proposals: list[mls.Proposal] = [mls.Remove(index)]
        after = replace(membership.state, paused=without_pause(membership.state, person.key))
        changes: tuple[Change, ...] = (Change(Op.LEFT, person.relay_key),)
        if person.facilitator:
            after = without_facilitator(after, person.key, self.lobby_key)
            after, cleared = cleared_with(membership, after)
            proposals += cleared.proposals
            changes += cleared.changes
        if after != membership.state:
            proposals.append(state_change(after))
        return CommitPlan(tuple(proposals), changes, leaves=(self.wish,))


@dataclass(frozen=True, slots=True)
class Returning:
    """A member's request to be let in again.

    `leaf` is the encryption key that they had when they asked. With another key they have come back
    by other means, above all by another facilitator's commit. To grant the request again would put
    them out again, without end. A newcomer whose Welcome is `late` needs none once anything came of
    them.
    """

    key_package: mls.KeyPackage
    relay_key: bytes
    reply_key: bytes
    leaf: bytes
    psk: Psk
    late: bool = False

    def proposals(self, membership: Membership) -> tuple[mls.Proposal, ...]:
        """Remove and Add of this member. Empty when the request is moot."""
        group = membership.group
        index = group.find(self.key_package.leaf_node.signature_key)
        old = group.member(index) if index is not None and index != group.own_index else None
        if old is None or index is None or old.encryption_key != self.leaf:
            return ()
        if self.late and old.signature_key not in membership.unheard:
            return ()
        return (mls.Remove(index), mls.Add(self.key_package))


@dataclass(frozen=True, slots=True)
class ReadmitMembers(Intent):
    """The same members with fresh HPKE keys, in one commit. One who does not go with the others is
    left out, so that no member keeps another from coming back. `now` is in Unix seconds."""

    members: tuple[Returning, ...] = ()
    now: int = 0

    def plan(self, membership: Membership) -> CommitPlan | None:
        proposals: tuple[mls.Proposal, ...] = ()
        admitted: list[Returning] = []
        for member in self.members:
            more = member.proposals(membership)
            if more and self._goes_with(membership, proposals + more):
                proposals += more
                admitted.append(member)
        if not admitted:
            return None
        return CommitPlan(
            proposals,
            tuple(Change(Op.REJOIN, member.relay_key) for member in admitted),
            tuple((member.relay_key, member.reply_key, member.psk) for member in admitted),
        )

    def _goes_with(self, membership: Membership, proposals: tuple[mls.Proposal, ...]) -> bool:
        try:
            membership.group.check_changes((), proposals, now=self.now)
        except (mls.MLSError, Malformed):
            return False
        return True


@dataclass(frozen=True, slots=True)
class ListDoor(Intent):
    """List more doors in the group's state: every member can see each new invite. In a full list
    they take the place of the oldest, so that no member keeps others from inviting by filling it.
    """

    invites: tuple[Invite, ...] = ()

    def plan(self, membership: Membership) -> CommitPlan | None:
        listed = membership.state.door_ids()
        new = [invite.door for invite in self.invites if invite.door not in listed]
        if not new:
            return None
        kept = listed[max(0, len(listed) + len(new) - limits.DOORS) :]
        after = replace(membership.state, doors=b"".join([*kept, *new]))
        return CommitPlan((state_change(after),))


@dataclass(frozen=True, slots=True)
class RefreshKeys(Intent):
    """Fresh keys on the committer's path, and the pending Updates."""

    def plan(self, membership: Membership) -> CommitPlan | None:
        return CommitPlan(force_path=True)
