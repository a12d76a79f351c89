"""Attacks with rooms that clients bring back, and with their chains. docs/protocol.md section 9."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import Authenticate, Authenticated, Done, ReadChain, Reseat, SeatedDoor
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_HASH, Change, Op, Role, Seat, open_roster
from alcove_protocol.statements import ReseatStatement, Signed
from nacl.signing import SigningKey

from bench.fairness.crowd import Crowd, Go, again, once
from bench.fairness.stage import source
from bench.fanout.alcove_wire import Member
from bench.fanout.wires import masked
from tests.server.keys import Door, Facilitated, answer, public, sign

A_CROWD: Final = 57
"""Connections of one network."""


class Forgotten:
    """A room that the relay does not know, as its members do. `entries` state its list and then
    pause and unpause one member."""

    def __init__(self, members: int, entries: int, room: Facilitated | None = None) -> None:
        self.room = Facilitated(limits.MEMBERS_MAX) if room is None else room
        self.keys = [self.room.relay_key, *(SigningKey.generate() for _ in range(members - 1))]
        seats = [
            Seat(role=Role.FACILITATOR if at < limits.FACILITATORS else Role.PARTICIPANT)
            for at in range(members)
        ]
        listed = [
            Change(Op.ADD, public(key), seat) for key, seat in zip(self.keys, seats, strict=True)
        ]
        self._extend(Change(Op.RESET, bytes(32)), *listed)
        last = public(self.keys[-1])
        for number in range(entries):
            self._extend(Change(Op.CHANGE, last, Seat(paused=number % 2 == 0)))

    def _extend(self, *changes: Change) -> None:
        self.room.take(self.room.entry(changes, base=bytes(16), commit=os.urandom(8)))

    def statement(self, key: SigningKey, head: bytes | None = None) -> Signed:
        said = ReseatStatement(
            self.room.id, public(key), self.room.roster.head if head is None else head, NO_HASH
        )
        return sign(key, Label.RESEAT, said)

    def brought(self, key: SigningKey) -> Reseat:
        """The whole chain, in the name of this member."""
        said = self.statement(key)
        chain = pack_list([one.encode() for one in self.room.chain])
        return Reseat(2, said.body, said.signature, chain, b"", b"")

    def named(self, key: SigningKey, head: bytes | None = None, doors: bytes = b"") -> bytes:
        """The head alone, as bytes on the wire."""
        said = self.statement(key, head)
        return masked(Reseat(9, said.body, said.signature, b"", b"", doors).to_bytes())

    def bringer(self, port: int, key: SigningKey, where: str) -> Member:
        """A client that may bring the room back."""
        member = Member(port, key, where)
        said = answer(key, self.room.id, "reseat", member._nonce, host=member._host)
        signed = sign(key, Label.CHALLENGE, said)
        opening = self.room.chain[0].encode()
        proof = Authenticate(1, signed.body, signed.signature, None, opening)
        member.ask(proof, Authenticated)
        return member

    def bring(self, port: int, net: int) -> None:
        """The room is there again, with an unsettled log."""
        member = self.bringer(port, self.keys[0], source(net, 0))
        member.ask(self.brought(self.keys[0]), Done)
        member.stream.socket.close()

    def members(self, port: int, net: int, keys: Sequence[SigningKey]) -> Crowd:
        """These, authenticated and from one network."""
        found = [Member(port, key, source(net, 0)) for key in keys]
        for member in found:
            member.authenticate(self.room.id)
        return Crowd([member.stream for member in found])


_LONGEST: Final = 4_300
"""Entries of about 450 bytes that fill a chain."""


def named_heads(port: int) -> Go:
    """57 members of a room with the longest chain name heads that it does not have."""
    room = Forgotten(A_CROWD, _LONGEST)
    room.bring(port, 71)
    crowd = room.members(port, 72, room.keys)
    return once(crowd, *(115 * room.named(key, os.urandom(32)) for key in room.keys))


def named_doors(port: int) -> Go:
    """The facilitators of seven rooms bring 64 doors each, again and again."""
    rooms = [Forgotten(limits.FACILITATORS, 0) for _ in range(7)]
    crowd, sent = Crowd([]), []
    for room in rooms:
        room.bring(port, 73)
        for link in room.members(port, 74, room.keys).all:
            crowd.add(link)
        for key in room.keys:
            put = [Door(card=b"").statement(room.room, key) for _ in range(limits.DOORS)]
            doors = [SeatedDoor(one.body, one.signature, b"", 5, 600).encode() for one in put]
            sent.append(30 * room.named(key, doors=pack_list(doors)))
    return once(crowd, *sent)


def branches(port: int) -> Go:
    """24 clients of six networks bring a chain of 1.9 MB that contradicts another one."""
    first = Facilitated(limits.MEMBERS_MAX)
    seated = Forgotten(8, _LONGEST, Facilitated(first.members, first.root, first.relay_key))
    other = Forgotten(8, _LONGEST, _same(seated.room))
    seated.bring(port, 75)
    links = [other.bringer(port, other.keys[n % 8], f"127.76.{n // 4}.1") for n in range(24)]
    crowd = Crowd([one.stream for one in links])
    return once(crowd, *(masked(other.brought(other.keys[n % 8]).to_bytes()) for n in range(24)))


def _same(room: Facilitated) -> Facilitated:
    """A room with this opening and nothing else."""
    again = Facilitated(room.members, room.root, room.relay_key)
    again.chain[:] = room.chain[:1]
    again.roster = open_roster(again.chain[0], again.id)[0]
    return again


def floods(port: int) -> Go:
    """A network brings as many small rooms as it may, each by two clients, and all ask for more."""
    rooms = [Forgotten(8, 20) for _ in range(20)]
    links, sent = [], []
    for number, room in enumerate(rooms):
        for key in room.keys[:2]:
            links.append(room.bringer(port, key, f"127.77.{number // 10}.1"))
            sent.append(20 * masked(room.brought(key).to_bytes()))
    return once(Crowd([one.stream for one in links]), *sent)


def chain_pages(port: int) -> Go:
    """57 members read the longest chain, part by part, as often as they may."""
    room = Forgotten(A_CROWD, _LONGEST)
    room.bring(port, 78)
    crowd = room.members(port, 79, room.keys)
    pages = b"".join(masked(ReadChain(7, first).to_bytes()) for first in range(0, 4_200, 350))
    return again(crowd, lambda: pages, 0.2)
