"""A facilitator's invites: the secret, the statement that the relay keeps, the card behind it."""

from dataclasses import dataclass
from hashlib import sha256

from alcove_protocol import frames, limits
from alcove_protocol.card import (
    AgreementText,
    Card,
    agreement_hash,
    card_number,
    pack_agreement,
)
from alcove_protocol.codec import pack_list
from alcove_protocol.invite import SECRET_SIZE, Invite, InviteRole, door_id_of
from alcove_protocol.labels import Label
from alcove_protocol.statements import DoorStatement, Signed

from alcove.group.keys import Identity, SigningKey
from alcove.group.membership import Membership
from alcove.group.sealing import seal_card
from alcove.mls.secret import Random
from alcove.relay.ports import Ports


@dataclass(frozen=True, slots=True)
class RoomCard:
    """What a facilitator wrote about the room. Every door's card has it."""

    title: str
    agreement_version: int
    texts: tuple[AgreementText, ...]
    """The agreement, in each language of the room."""
    languages: str
    helplines: str

    def packed_agreement(self) -> bytes:
        """The agreement as the wire has it. Raises `Malformed`."""
        return pack_agreement(self.texts)


@dataclass(slots=True)
class Door:
    """One invite as its maker knows it. `deadline` is on the monotonic clock."""

    invite: Invite
    uses: int
    uses_left: int
    deadline: float
    statement: Signed
    card: bytes
    revoked: bool = False

    @property
    def multi_use(self) -> bool:
        return self.uses > 1

    @property
    def id(self) -> bytes:
        return self.invite.door


def new_invite(room: bytes, origin: str, random: Random) -> Invite:
    """An invite with a fresh secret, for participants."""
    secret = random(SECRET_SIZE)
    return Invite(InviteRole.PARTICIPANT, door_id_of(room, secret), room, origin, secret)


class Doors:
    """All doors that this facilitator made."""

    def __init__(
        self, identity: Identity, opening: Signed, card: RoomCard, origin: str, ports: Ports
    ) -> None:
        self._identity = identity
        self._opening = opening
        self.card = card
        self._origin = origin
        self._clock = ports.clock
        self._random = ports.random
        self._doors: dict[bytes, Door] = {}
        self._numbers = 0

    def new_invite(self, room: bytes) -> Invite:
        """A fresh secret. There is no door for it yet."""
        return new_invite(room, self._origin, self._random)

    def make(self, invite: Invite, membership: Membership, uses: int, ttl: int) -> Door:
        """The door of an invite, with the room's card as it is now."""
        self._numbers = max(self._numbers + 1, card_number(membership.roster.counter, 0))
        sealed = seal_card(invite, self._numbers, self._sign_card(invite, membership), self._random)
        door_key = SigningKey.from_seed(invite.door_seed())
        statement = DoorStatement(
            invite.room,
            invite.door,
            door_key.public,
            uses,
            ttl,
            self._numbers,
            sha256(sealed).digest(),
        )
        door_key.wipe()
        signed = self._identity.relay.sign(Label.DOOR, statement)
        door = Door(invite, uses, uses, self._clock() + ttl, signed, sealed)
        self._doors[invite.door] = door
        return door

    def _sign_card(self, invite: Invite, membership: Membership) -> Signed:
        state, card = membership.state, self.card
        signer = self._identity.mls_signer()
        statement = Card(
            invite.room,
            self._numbers,
            signer.public,
            self._opening.encode(),
            state.appointments,
            state.lobby_key,
            card.title,
            card.agreement_version,
            card.packed_agreement(),
            card.languages,
            card.helplines,
            membership.roster.members,
            state.ttl,
            membership.group.suite.number,
        )
        signed = signer.sign(Label.CARD, statement)
        signer.wipe()
        return signed

    def fits(self, membership: Membership) -> bool:
        """Whether the card names the room's agreement. One that does not lets no newcomer in."""
        room, card = membership.group.group_id, self.card
        hashed = agreement_hash(room, card.agreement_version, card.packed_agreement())
        return hashed == membership.state.agreement

    def renewed(self, membership: Membership) -> list[Door]:
        """Every open door with the card as it is now. Uses and lifetimes stay what they were."""
        return [
            self._renew(door, membership)
            for door in list(self._doors.values())
            if not door.revoked and door.uses_left and door.deadline > self._clock()
        ]

    def _renew(self, old: Door, membership: Membership) -> Door:
        ttl = DoorStatement.decode(old.statement.body).ttl
        door = self.make(old.invite, membership, old.uses, ttl)
        door.uses_left, door.deadline = old.uses_left, old.deadline
        return door

    def get(self, door: bytes) -> Door | None:
        return self._doors.get(door)

    def used(self, door: bytes) -> None:
        """A newcomer was admitted by it."""
        found = self._doors.get(door)
        if found is not None and found.uses_left:
            found.uses_left -= 1

    def revoke(self, door: bytes) -> Door | None:
        """Close it to new knocks. Waiting knocks stay readable. None for another maker's door."""
        found = self._doors.get(door)
        if found is not None:
            found.revoked = True
        return found

    def packed(self) -> bytes:
        """All open doors with their remaining uses and time, for a relay that lost its memory."""
        now = self._clock()
        items = []
        for door in self._doors.values():
            ttl_left = int(door.deadline - now)
            if door.revoked or ttl_left <= 0 or not door.uses_left:
                continue
            items.append(
                frames.SeatedDoor(
                    door.statement.body,
                    door.statement.signature,
                    door.card,
                    door.uses_left,
                    min(ttl_left, limits.DOOR_TTL_MAX),
                ).encode()
            )
        return pack_list(items)
