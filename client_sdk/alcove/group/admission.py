"""Admission to the group: what a newcomer offers, and what they check before they join.

    room id → entry 0 → appointments → the Welcome's signer      (`accept_welcome`)
            → the roster before the newcomer's entry → that entry  (`rosters_of_welcome`)

A rejoin is an admission too, with the same leaf keys and fresh HPKE keys.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.codec import split
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import VERSION
from alcove_protocol.position import Position
from alcove_protocol.roster import (
    CHANGE_SIZE,
    Change,
    Op,
    RoomFlag,
    Roster,
    RosterEntry,
    Seat,
    apply_changes,
    extend,
)
from alcove_protocol.statements import Opening, Signed

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.appointments import chained_facilitators, unpack_appointments
from alcove.group.extensions import (
    LEAF_EXTENSION,
    LISTING_CHANGES,
    ROSTER_EXTENSION,
    LeafExtension,
    RoomExtension,
    RosterExtension,
    capabilities,
    room_extension,
)
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.membership import Membership
from alcove.mls.secret import Random

PROPOSAL_GENERATION: Final = 16
"""The last generation under which a proposal is taken in its epoch. An honest member makes one."""
APPLICATION_AHEAD: Final = 64
"""How far the generation of an application message may be ahead of the numbers that the log gave
since the epoch began. An honest member takes one number for each generation, but for what the relay
refused or lost."""
KEY_PACKAGE_LIFE: Final = 24 * 3600
LEAF_SIZE: Final = 4 * limits.KIB
"""Bytes of a leaf at most. With the longest name and post-quantum keys a leaf has 1,647. Every
Welcome carries all leaves, so a few large ones would keep newcomers out."""
KEY_PACKAGE_PAST: Final = 3600
"""Seconds. A KeyPackage is for one admission. An hour of the past forgives a fast clock."""


def leaf_extensions(
    identity: Identity, agreement: bytes, *, reloaded: bool = False
) -> tuple[mls.Extension, ...]:
    """What a leaf says beside its MLS keys. `agreement` is the hash that was accepted, and
    `reloaded` that the member comes back by a ticket."""
    relay, desk = identity.relay.public, identity.desk.public
    content = LeafExtension(VERSION, relay, desk, agreement, None, reloaded or None)
    return (mls.Extension(LEAF_EXTENSION, content.encode()),)


def leaf_lifetime(now: float) -> mls.Lifetime:
    """How long a leaf that was not renewed may be added. `now` is in Unix seconds."""
    return mls.Lifetime(max(0, int(now) - KEY_PACKAGE_PAST), int(now) + KEY_PACKAGE_LIFE)


def room_policy(members: int) -> mls.Policy:
    """The bounds of a room of at most `members`, the same for all of them. Neither a member that
    was away for a day, whose leaf is expired, nor one with a leaf of the future keeps newcomers
    out."""
    return mls.Policy(
        max_leaves=members,
        max_leaf=LEAF_SIZE,
        max_lifetime=KEY_PACKAGE_PAST + KEY_PACKAGE_LIFE,
        max_proposal_generation=PROPOSAL_GENERATION,
        members_of_any_time=True,
        replace_keys=True,  # a standby's: `judge` says which leaf an external commit removes
    )


def make_key_package(
    identity: Identity, agreement: bytes, now: float, random: Random, *, reloaded: bool = False
) -> mls.KeyPackageBundle:
    """A KeyPackage for one admission. `now` is in Unix seconds."""
    return mls.KeyPackageBundle.create(
        identity.suite,
        identity.signature,
        mls.Credential.basic(identity.name.encode()),
        capabilities(identity.suite),
        leaf_lifetime(now),
        leaf_extensions=leaf_extensions(identity, agreement, reloaded=reloaded),
        rng=random,
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """A KeyPackage for one admission, and the key that its Welcome is sealed to."""

    bundle: mls.KeyPackageBundle
    reply: mls.HpkeKeyPair

    @classmethod
    def make(
        cls,
        identity: Identity,
        agreement: bytes,
        now: float,
        random: Random,
        *,
        reloaded: bool = False,
    ) -> "Offer":
        """A fresh one. `now` is in Unix seconds."""
        bundle = make_key_package(identity, agreement, now, random, reloaded=reloaded)
        return cls(bundle, mls.ciphersuite(ROOM_SUITE).hpke_keypair(random))

    @property
    def leaf_key(self) -> bytes:
        """The encryption key of the leaf that it brings."""
        return self.bundle.key_package.leaf_node.encryption_key

    def wipe(self) -> None:
        """Forget the private keys: no Welcome for it opens any more."""
        self.bundle.wipe()
        self.reply.private.wipe()


def enter(
    welcome: bytes,
    bundle: mls.KeyPackageBundle,
    identity: Identity,
    opening: Opening,
    accepted: bytes | None,
    frame: frames.WelcomeIs,
    *,
    now: float,
) -> Membership:
    """Open a Welcome, check it, and only then join. `welcome` is what `frame` brought, unsealed,
    and `now` is in Unix seconds. `accepted` is None for a rejoin, which asks for no acceptance; nor
    does a Welcome that takes the place of a lost one: the newcomer was let in before the rules of
    the room changed, and is asked when they are in.

    Raises `NotTrusted` (`bad_welcome`).
    """
    entry = Signed(frame.entry, frame.signature)
    try:
        policy = room_policy(opening.members)
        staged = mls.Group.open_welcome(
            welcome, bundle, identity.signature, policy=policy, now=int(now)
        )
        room = opening.previous
        try:
            said = RosterEntry.decode(entry.body, limit=limits.ENTRY)
            again = not _seats_anew(said, identity.relay.public)
            accept_welcome(staged, opening, room, None if again else accepted)
            before, roster = rosters_of_welcome(staged, entry, room)
            commit = said.commit
        except BaseException:
            staged.drop()  # no secret of a group that is not joined stays
            raise
        group = staged.accept()
    except (mls.MLSError, Malformed):
        raise NotTrusted(
            "bad_welcome", "The way into the room is not genuine; ask for a new invite."
        ) from None
    membership = Membership(group, roster, Position.decode(frame.position), commit, before)
    membership.compare_roster_with_group()
    return membership


def _seats_anew(entry: RosterEntry, relay_key: bytes) -> bool:
    """By the last change of the key: behind a RESET each member has an ADD first."""
    ops = {change.key: change.op for change in entry.decoded_changes()}
    return ops.get(relay_key) is not Op.REJOIN


def _untrusted(text: str) -> NotTrusted:
    return NotTrusted("bad_welcome", f"{text} Do not go on; ask for a new invite.")


def accept_welcome(
    staged: mls.StagedJoin, opening: Opening, room: bytes, accepted: bytes | None
) -> RoomExtension:
    """Compare the group in a Welcome with what the invite and the card promised.

    Raises `NotTrusted` (`bad_welcome`) unless the group is this room's, its signer is a facilitator
    in its state, that facilitator chains to the room id, and the accepted agreement is its own or
    one that a correction left good. A member that comes back (`accepted` is None) may find another:
    they are asked when they are in.
    """
    if staged.group_context.group_id != room:
        raise _untrusted("This is not the group of the room in the invite.")
    try:
        state = room_extension(staged.group_context)
        known = chained_facilitators(opening, unpack_appointments(state.appointments), room)
    except Malformed:
        raise _untrusted("The group's state is not a room's.") from None
    signer = staged.signer.leaf.signature_key
    current = {keys.mls_key: keys for keys in state.facilitator_list()}
    if signer not in current or known.get(signer) != current[signer]:
        raise _untrusted("The member who let you in is no facilitator of this room.")
    if accepted is not None and accepted not in state.good_agreements():
        raise _untrusted("The ground rules are not the ones that you accepted.")
    return state


def rosters_of_welcome(staged: mls.StagedJoin, entry: Signed, room: bytes) -> tuple[Roster, Roster]:
    """The roster that the Welcome carries, and that one verified entry further.

    Raises `NotTrusted` (`bad_welcome`).
    """
    data = staged.group_info.extension(ROSTER_EXTENSION)
    try:
        if data is None:
            raise Malformed("bad_field", "The Welcome has no roster.")
        base = RosterExtension.decode(data, limit=limits.HANDSHAKE_BLOB)
        roster = Roster(
            room,
            base.counter,
            base.head,
            MappingProxyType(_decode_listing(base.listing)),
            RoomFlag(base.flags),
            base.members,
            base.ttl,
            base.slow,
        )
        after, _ = extend(roster, entry)
    except Malformed:
        raise _untrusted("The room's list of members is not signed as it must be.") from None
    return roster, after


def _decode_listing(data: bytes) -> dict[bytes, Seat]:
    changes = tuple(Change.decode(item) for item in split(data, CHANGE_SIZE, most=LISTING_CHANGES))
    return apply_changes({}, changes)


def listing_of(roster: Roster) -> RosterExtension:
    """What GroupInfo carries for the next newcomer."""
    return RosterExtension(
        roster.counter,
        roster.head,
        roster.listing(),
        int(roster.flags),
        roster.slow,
        roster.members,
        roster.ttl,
    )
