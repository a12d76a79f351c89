"""Keys and signed bytes for tests: what a client's side of the protocol makes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import Label, room_id_of
from alcove_protocol.records import Record
from alcove_protocol.roster import (
    NO_HASH,
    Change,
    Op,
    RoomFlag,
    Roster,
    RosterEntry,
    Seat,
    apply_changes,
    extend,
    list_digest,
    open_roster,
)
from alcove_protocol.statements import (
    ChallengeAnswer,
    DoorStatement,
    EndStatement,
    LeaveStatement,
    Opening,
    Signed,
)
from nacl.signing import SigningKey


def sign(key: SigningKey, label: Label, record: Record) -> Signed:
    body = record.encode()
    return Signed(body, key.sign(label.bytes + body).signature)


def public(key: SigningKey) -> bytes:
    return bytes(key.verify_key)


@dataclass
class Facilitated:
    """A room as its facilitators know it: they sign, the chain grows, nothing is sent."""

    members: int = limits.MEMBERS_DEFAULT
    root: SigningKey = field(default_factory=SigningKey.generate)
    relay_key: SigningKey = field(default_factory=SigningKey.generate)

    def __post_init__(self) -> None:
        self.id = room_id_of(public(self.root))
        opening = Opening(
            version=1,
            previous=self.id,
            root_key=public(self.root),
            relay_key=public(self.relay_key),
            mls_key=os.urandom(32),
            members=self.members,
            ttl=limits.TTL_DEFAULT,
        )
        self.chain = [sign(self.root, Label.OPEN, opening)]
        self.roster: Roster = open_roster(self.chain[0], self.id)[0]

    def entry(
        self,
        changes: Iterable[Change],
        *,
        base: bytes,
        commit: bytes,
        welcomes: bytes = b"",
        flags: RoomFlag | None = None,
        signer: SigningKey | None = None,
        leaves: Iterable[Signed] = (),
        altered: dict[str, bytes | int] | None = None,
    ) -> Signed:
        """The next entry, signed and not yet on the chain. `altered` fields are as given."""
        changes = tuple(changes)
        seats = apply_changes(self.roster.seats, changes, None)
        flags = self.roster.flags if flags is None else flags
        by = signer if signer is not None else self.relay_key
        fields: dict[str, bytes | int] = {
            "room": self.id,
            "counter": self.roster.counter + 1,
            "previous": self.roster.head,
            "signer": public(by),
            "base": base,
            "commit": sha256(commit).digest(),
            "welcomes": sha256(welcomes).digest() if welcomes else NO_HASH,
            "changes": b"".join(change.encode() for change in changes),
            "flags": int(flags),
            "slow": self.roster.slow,
            "digest": list_digest(self.id, seats, flags, self.roster.slow),
        }
        if leaves:
            fields["leaves"] = pack_list([leave.encode() for leave in leaves])
        # Values of many types.
        return sign(by, Label.ROSTER, RosterEntry(**{**fields, **(altered or {})}))  # type: ignore[arg-type]

    def leave(self, key: SigningKey) -> Signed:
        """A member's signed wish to go."""
        wish = LeaveStatement(self.id, public(key), self.roster.counter)
        return sign(key, Label.LEAVE, wish)

    def end(self, by: SigningKey | None = None) -> Signed:
        """The end of the room as it is, signed."""
        key = by if by is not None else self.relay_key
        roster = self.roster
        said = EndStatement(self.id, public(key), roster.counter, roster.head)
        return sign(key, Label.END, said)

    def take(self, signed: Signed) -> None:
        """The relay took this entry."""
        self.roster = extend(self.roster, signed)[0]
        self.chain.append(signed)

    def add(self, key: bytes, door: bytes) -> Change:
        return Change(Op.ADD, key, Seat(door))


@dataclass
class Door:
    """One invite."""

    uses: int = 5
    ttl: int = limits.DOOR_TTL_DEFAULT
    card: bytes = b"a sealed card"
    number: int = 1
    id: bytes = field(default_factory=lambda: os.urandom(8))
    key: SigningKey = field(default_factory=SigningKey.generate)

    def statement(self, room: Facilitated, signer: SigningKey | None = None) -> Signed:
        body = DoorStatement(
            room=room.id,
            door=self.id,
            door_key=public(self.key),
            uses=self.uses,
            ttl=self.ttl,
            card_number=self.number,
            card_hash=sha256(self.card).digest(),
        )
        return sign(signer or room.relay_key, Label.DOOR, body)


def answer(
    key: SigningKey,
    room: bytes,
    role: str,
    nonce: bytes,
    *,
    door: Door | None = None,
    host: str = "relay.test",
    offered: str = "alcove.v1",
) -> ChallengeAnswer:
    return ChallengeAnswer(
        version=1,
        offered=offered,
        host=host,
        room=room,
        role=role,
        relay_key=public(key),
        door=door.id if door is not None else None,
        nonce=nonce,
    )
