"""What a facilitator wants of the facilitators themselves: one more, one fewer, a lobby that opens.

A former facilitator knows the lobby's private key. So every commit that takes one off the
list brings a new lobby key. `LobbyKeySource` gives it when the commit is planned, because after a
lost race the key that was meant may be the present one already.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_protocol.statements import Appointment, Signed

from alcove.errors import NotNow
from alcove.facilitation.intents import (
    CommitPlan,
    Intent,
    LobbyKeySource,
    no_key,
    state_change,
    without_facilitator,
    without_folded,
    without_pause,
)
from alcove.facilitation.standby_clearing import check_room_for_one, cleared_with
from alcove.group.extensions import (
    FacilitatorKeys,
    RoomExtension,
    leaf_extension,
)
from alcove.group.keys import Identity, takes_seals
from alcove.group.membership import Membership
from alcove.group.outcomes import Person
from alcove.group.standby_rules import with_appointment


def demoted() -> NotNow:
    """Why an act of a former facilitator fails."""
    text = "You are no longer a facilitator, so this was not done. You are still in the room."
    return NotNow("demoted", text)


def comes_by_standby() -> NotNow:
    """Why an act waits: its member came by the standby's link and is not listed yet."""
    text = "They are coming in by the standby's link and become a facilitator by that; wait."
    return NotNow("entering", text)


def _role(state: RoomExtension, person: Person, role: Role) -> Change:
    """The change of the list. It names the pause too, which the state has."""
    return Change(
        Op.CHANGE, person.relay_key, Seat(role=role, paused=person.key in state.paused_keys())
    )


def sign_appointment(by: Identity, room: bytes, keys: FacilitatorKeys) -> Signed:
    """The appointment of these keys by a facilitator."""
    signer = by.mls_signer()
    statement = Appointment(room, signer.public, keys.mls_key, keys.relay_key)
    signed = signer.sign(Label.APPOINT, statement)
    signer.wipe()
    return signed


def _check_takes_vaults(membership: Membership, person: Person) -> None:
    """Raises `NotNow` (`cannot_facilitate`) when nothing may be sealed to the desk key that this
    member wrote into their leaf."""
    leaf = membership.leaf_of(person.key)
    if leaf is not None and not takes_seals(leaf_extension(leaf).desk_key):
        text = "Their client takes nothing that facilitators share, so they were not appointed."
        raise NotNow("cannot_facilitate", text)


@dataclass(frozen=True, slots=True)
class Appoint(Intent):
    """List a member as a facilitator, with an appointment that the committer signs. A pause of
    theirs ends, and what they write is not folded any more: a facilitator has neither."""

    key: bytes = b""
    by: Identity | None = field(default=None, compare=False)

    def plan(self, membership: Membership) -> CommitPlan | None:
        person = membership.find_key(self.key)
        if person is None:
            raise NotNow("unknown_name", "They have left the room, so this was not done.")
        if person.facilitator or self.by is None:
            return None
        if person.entering:
            raise comes_by_standby()
        state = membership.state
        check_room_for_one(state, person.key)
        _check_takes_vaults(membership, person)
        keys = FacilitatorKeys(person.key, person.relay_key)
        signed = sign_appointment(self.by, membership.group.group_id, keys)
        after = replace(
            state,
            facilitators=state.facilitators + keys.encode(),
            paused=without_pause(state, person.key),
            folded=without_folded(state, person.key),
        )
        after = with_appointment(after, signed)
        change = _role(after, person, Role.FACILITATOR)
        return CommitPlan((state_change(after),), (change,), force_path=True)


@dataclass(frozen=True, slots=True)
class Demote(Intent):
    """Take another facilitator off the list. They stay in the room. `epoch` is that of their own
    wish, which holds in no other; None when they did not ask for it."""

    key: bytes = b""
    epoch: int | None = None
    lobby_key: LobbyKeySource = field(default=no_key, compare=False)

    @property
    def urgent(self) -> bool:
        return True

    def plan(self, membership: Membership) -> CommitPlan | None:
        person = membership.find_key(self.key)
        if person is None or not person.facilitator:
            return None
        if self.epoch is not None and self.epoch != membership.group.epoch:
            return None
        after = without_facilitator(membership.state, self.key, self.lobby_key)
        after, cleared = cleared_with(membership, after)
        change = _role(after, person, Role.PARTICIPANT)
        proposals = (*cleared.proposals, state_change(after))
        return CommitPlan(proposals, (change, *cleared.changes), force_path=True)


@dataclass(frozen=True, slots=True)
class RepairLobby(Intent):
    """Drop the doors whose secret no vault brought, and change a lobby key that none brought."""

    missing: Callable[[], frozenset[bytes]] = field(default=frozenset, compare=False)
    renew: Callable[[], bool] = field(default=bool, compare=False)
    lobby_key: LobbyKeySource = field(default=no_key, compare=False)

    def plan(self, membership: Membership) -> CommitPlan | None:
        state, missing = membership.state, self.missing()
        kept = [door for door in state.door_ids() if door not in missing]
        after = replace(state, doors=b"".join(kept))
        if self.renew():
            after = replace(after, lobby_key=self.lobby_key())
        return None if after == state else CommitPlan((state_change(after),), force_path=True)
