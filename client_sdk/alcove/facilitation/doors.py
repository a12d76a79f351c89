"""A facilitator's invites: the secret, the statement that the relay keeps, the card behind it."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from math import inf
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.card import (
    AgreementText,
    Card,
    agreement_hash,
    card_counter,
    card_number,
    pack_agreement,
)
from alcove_protocol.codec import pack_list
from alcove_protocol.invite import SECRET_SIZE, Invite, InviteRole, door_id_of
from alcove_protocol.labels import Label
from alcove_protocol.statements import HASH_SIZE, KEY_SIZE, DoorStatement, Signed

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
    contact: str = ""
    """Where the host can be reached outside the room."""
    known: bool = True
    """Whether the languages, the helplines and the contact are: not for a facilitator that came by
    a ticket and could read no card."""

    def packed_agreement(self) -> bytes:
        """The agreement as the wire has it. Raises `Malformed`."""
        return pack_agreement(self.texts)


@dataclass(frozen=True, slots=True)
class InviteTerms:
    """Admissions that an invite allows, the seconds that it lasts, and what it asks newcomers."""

    uses: int
    ttl: int
    question: str = field(default="", repr=False)


@dataclass(slots=True)
class Door:
    """One invite as its maker knows it. `deadline` is on the monotonic clock."""

    invite: Invite
    uses: int
    uses_left: int
    deadline: float
    statement: Signed | None
    """None for a door that another facilitator made: how often it was used, the relay knows."""
    card: bytes
    question: str = field(default="", repr=False)
    """What its card asks, as far as this client knows: another facilitator may change it."""
    revoked: bool = False
    listed: bool = False
    """Whether the state has listed it."""
    replaced: bool = False
    """Whether a removal closed it, and its facilitator was given another invite."""
    seen: int = 0
    """The largest number of a card that was read there: the relay takes only larger ones."""

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


LEARNED: Final = limits.FACILITATORS * limits.DOORS
"""Doors of other facilitators that are remembered. One more takes the place of the oldest that the
state does not list."""


class Doors:
    """All doors that this facilitator made, and those that vaults told."""

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
        self._coming: dict[bytes, Invite] = {}
        self._numbers = 0
        self._fitted: tuple[RoomCard, bytes] | None = None
        """The last card and agreement of the state that were found to fit: each tick asks."""

    def new_invite(self, room: bytes) -> Invite:
        """A fresh secret. There is no door for it yet. The other facilitators are told it before
        the state lists it."""
        invite = new_invite(room, self._origin, self._random)
        self._coming[invite.door] = invite
        return invite

    def expect(self, invite: Invite) -> None:
        """The state will list the door of this invite, which a member made."""
        self._coming[invite.door] = invite

    def drop(self, invite: Invite) -> None:
        """The state will not list this invite's door."""
        self._coming.pop(invite.door, None)

    def make(self, invite: Invite, membership: Membership, terms: InviteTerms) -> Door:
        """The door of an invite, with the room's card as it is now."""
        signed, sealed = self._statement(invite, membership, terms)
        ends, uses = self._clock() + terms.ttl, terms.uses
        door = Door(invite, uses, uses, ends, signed, sealed, terms.question)
        door.listed = door.id in membership.state.door_ids()
        self._doors[invite.door] = door
        self._coming.pop(invite.door, None)
        return door

    def _number(self, membership: Membership, seen: int) -> int:
        """The next card's: above all of this client, and above the one that stands at the door."""
        counter = membership.roster.counter
        self._numbers = max(self._numbers + 1, card_number(counter, 0))
        # Another facilitator's may be the last of this counter. Only its own door has none left.
        return max(self._numbers, seen + 1) if card_counter(seen + 1) <= counter else self._numbers

    def _statement(
        self, invite: Invite, membership: Membership, terms: InviteTerms, seen: int = 0
    ) -> tuple[Signed, bytes]:
        number = self._number(membership, seen)
        card = self._sign_card(invite, membership, terms.question, number)
        sealed = seal_card(invite, number, card, self._random)
        door_key = SigningKey.from_seed(invite.door_seed())
        statement = DoorStatement(
            invite.room,
            invite.door,
            door_key.public,
            terms.uses,
            terms.ttl,
            number,
            sha256(sealed).digest(),
        )
        door_key.wipe()
        return self._identity.relay.sign(Label.DOOR, statement), sealed

    def with_new_card(self, door: Door, membership: Membership) -> tuple[Signed, bytes] | None:
        """The statement and the card anew, of the state as it is. The relay keeps the door's
        uses and lifetime. None for a door that is closed.

        Of another facilitator's door the uses and the lifetime are not known here. One use for one
        second is said: a relay where the door has ended makes that of it.
        """
        if door.statement is None:
            terms = InviteTerms(1, 1, door.question)
            return self._statement(door.invite, membership, terms, door.seen)
        left = int(min(door.deadline - self._clock(), limits.DOOR_TTL_MAX))
        if door.revoked or left <= 0 or not door.uses_left:
            return None
        door.statement, door.card = self._anew(door, membership, left)
        return door.statement, door.card

    def _anew(self, door: Door, membership: Membership, left: int) -> tuple[Signed, bytes]:
        """Of a door that is open for `left` seconds."""
        terms = InviteTerms(door.uses_left, left, door.question)
        return self._statement(door.invite, membership, terms, door.seen)

    def revocation(self, room: bytes, door: bytes) -> Signed:
        """A statement that closes a door at the relay, also one whose secret is not here."""
        statement = DoorStatement(room, door, bytes(KEY_SIZE), 0, 0, 0, bytes(HASH_SIZE))
        return self._identity.relay.sign(Label.DOOR, statement)

    def _sign_card(
        self, invite: Invite, membership: Membership, question: str, number: int
    ) -> Signed:
        state, card = membership.state, self.card
        signer = self._identity.mls_signer()
        statement = Card(
            invite.room,
            number,
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
            question or None,
            card.contact or None,
        )
        signed = signer.sign(Label.CARD, statement)
        signer.wipe()
        return signed

    def learn(self, room: bytes, secret: bytes, listed: Container[bytes]) -> None:
        """Another facilitator's door, from a vault. Its invite opens knocks and seals cards."""
        id = door_id_of(room, secret)
        if id in self._doors:
            return
        invite = Invite(InviteRole.PARTICIPANT, id, room, self._origin, secret)
        self._doors[id] = Door(invite, 1, 1, inf, None, b"")
        learned = [key for key, door in self._doors.items() if door.statement is None]
        if len(learned) > LEARNED:
            del self._doors[next(key for key in learned if key not in listed)]

    def secrets(self, listed: Container[bytes]) -> dict[bytes, bytes]:
        """The secret of each door that the state lists, or is about to list: as many as a state
        can list."""
        known = {id: door.invite for id, door in self._doors.items() if id in listed}
        return {
            id: invite.secret
            for id, invite in list({**known, **self._coming}.items())[: limits.DOORS]
        }

    def knows(self, door: bytes) -> bool:
        """Whether the secret of this door is here."""
        return door in self._doors or door in self._coming

    def of_state(self, listed: Iterable[bytes]) -> list[Door]:
        """The listed doors that are known here."""
        return [self._doors[door] for door in listed if door in self._doors]

    def unlisted(self, listed: Container[bytes]) -> None:
        """Every commit tells which doors the state lists. One that it lists no more is closed."""
        for id, door in self._doors.items():
            if id in listed:
                door.listed = True
            elif door.listed:
                door.revoked = True

    def fits(self, membership: Membership) -> bool:
        """Whether the card names the room's agreement. One that does not lets no newcomer in."""
        room, card = membership.group.group_id, self.card
        if not card.texts:
            return False  # of a facilitator that came by a ticket: they are told
        asked = card, membership.state.agreement
        if asked != self._fitted:
            hashed = agreement_hash(room, card.agreement_version, card.packed_agreement())
            if hashed != membership.state.agreement:
                return False
            self._fitted = asked
        return True

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

    def forget(self) -> None:
        """Drop every secret: this client facilitates no more."""
        self._doors.clear()
        self._coming.clear()

    def packed(self, membership: Membership | None) -> bytes:
        """All open doors with their remaining uses and time, for a relay that lost its memory.

        With `membership` their cards show the state as it is. Another facilitator may have put the
        last ones, and this client's own may name a lobby key that a former facilitator knows.
        """
        now = self._clock()
        anew = membership if membership is not None and self.fits(membership) else None
        items = []
        for door in self._doors.values():
            ttl_left = int(min(door.deadline - now, limits.DOOR_TTL_MAX))
            if door.statement is None or door.revoked or ttl_left <= 0 or not door.uses_left:
                continue
            put, card = door.statement, door.card
            if anew is not None:
                put, card = self._anew(door, anew, ttl_left)
            items.append(
                frames.SeatedDoor(put.body, put.signature, card, door.uses_left, ttl_left).encode()
            )
        return pack_list(items)
