"""Attacks of newcomers at a door, of rooms without end, and of restored ones."""

from __future__ import annotations

import os
import time
from itertools import cycle
from typing import Final

from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import (
    Authenticate,
    Authenticated,
    Done,
    Knock,
    LobbyRequest,
    OpenRoom,
    PutDoor,
    ReadCard,
    Reseat,
    Withdraw,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_HASH, Change, Op, Seat
from alcove_protocol.statements import ReseatStatement
from nacl.signing import SigningKey

from bench.fairness.crowd import Crowd, Go, again, once
from bench.fairness.stage import (
    Hall,
    at_door,
)
from bench.fanout.alcove_wire import Member, beat
from bench.fanout.wires import masked
from tests.server.keys import Door, Facilitated, answer, public, sign

A_DOOR: Final = limits.KNOCKS_PER_DOOR
"""Knocks that wait at one door."""


def cards(port: int) -> Go:
    """58 newcomers of two networks ask 116 times for its card of 32 KB."""
    hall, door = Hall(port, 2, 33), Door(card=os.urandom(limits.CARD))
    hall.put_door(door)
    crowd = Crowd([at_door(port, hall, door, f"127.34.{n // 40}.1").stream for n in range(58)])
    return once(crowd, b"".join(masked(ReadCard(n).to_bytes()) for n in range(2, 118)))


def chains(port: int) -> Go:
    """Six clients restore one room, with a chain of 1.5 MB."""
    room = Facilitated()
    size, key = 0, public(SigningKey.generate())
    while size < limits.ROSTER_CHAIN * 3 // 4:
        known = key in room.roster.seats
        change = Change(Op.REMOVE, key) if known else Change(Op.ADD, key, Seat(bytes(8)))
        entry = room.entry([change], base=bytes(16), commit=b"c")
        room.take(entry)
        size += len(entry.encode()) + 4
    said = ReseatStatement(
        room=room.id, relay_key=public(room.relay_key), head=room.roster.head, commit=NO_HASH
    )
    signed = sign(room.relay_key, Label.RESEAT, said)
    packed = pack_list([one.encode() for one in room.chain])
    frame = masked(Reseat(2, signed.body, signed.signature, packed, b"", b"").to_bytes())
    return once(Crowd([_restoring(port, room).stream for _ in range(6)]), frame)


def _restoring(port: int, room: Facilitated) -> Member:
    member = Member(port, room.relay_key, "127.35.1.1")
    said = answer(room.relay_key, room.id, "reseat", member._nonce, host=member._host)
    signed = sign(room.relay_key, Label.CHALLENGE, said)
    opening = room.chain[0].encode()
    member.ask(Authenticate(1, signed.body, signed.signature, None, opening), Authenticated)
    return member


def rooms(port: int) -> Go:
    """60 connections from the shared address open seven rooms each."""
    crowd = Crowd([Member(port, SigningKey.generate()).stream for _ in range(60)])
    frames = []
    for _ in crowd.all:
        made = [Facilitated().chain[0] for _ in range(7)]
        frames.append(
            b"".join(
                masked(OpenRoom(n, one.body, one.signature).to_bytes())
                for n, one in enumerate(made, 1)
            )
        )
    return once(crowd, *frames)


def knocks(port: int) -> Go:
    """40 newcomers from the shared address knock and withdraw, again and again."""
    hall, door = Hall(port, 2, 43), Door()
    hall.put_door(door)
    listening = [one.stream for one in hall.members]
    crowd = Crowd([at_door(port, hall, door, "127.0.0.1").stream for _ in range(40)])
    for one in listening:
        crowd.add(one.socket)

    def pair() -> bytes:
        knock = Knock(2, os.urandom(16), os.urandom(16_000))
        return masked(knock.to_bytes()) + masked(Withdraw(3).to_bytes())

    return again(crowd, lambda: pair() + pair(), 0.1)


def words(port: int) -> Go:
    """100 newcomers that wait at five doors, and the facilitator, send each other words as fast as
    the relay reads. Some knock anew in between, as often as their network may."""
    hall, listed = Hall(port, 2, 175), [Door() for _ in range(limits.KNOCKS // A_DOOR)]
    hall.members[0].send(beat(hall.base))
    newcomers = []
    for number, door in enumerate(listed):
        hall.put_door(door)
        where = f"127.176.{number}.1"
        newcomers += [at_door(port, hall, door, where) for _ in range(A_DOOR)]
    for one in newcomers:
        one.ask(Knock(one.number(), os.urandom(16), os.urandom(limits.KNOCK)), Done)
    crowd = Crowd([one.stream for one in (*newcomers, *hall.members)])
    host, keys = hall.members[0].stream.socket, cycle([public(one.key) for one in newcomers])

    def said(to: bytes | None) -> bytes:
        text = os.urandom(limits.DOOR_TEXT)
        return masked(LobbyRequest(5, os.urandom(16), text, to).to_bytes())

    def anew() -> bytes:
        knock = Knock(7, os.urandom(16), os.urandom(limits.KNOCK))
        return masked(Withdraw(6).to_bytes()) + masked(knock.to_bytes())

    def go(seconds: float) -> None:
        end, turn = time.monotonic() + seconds, 0
        while time.monotonic() < end and len(crowd):
            turn += 1
            for number, link in enumerate(crowd.all):
                if crowd.waiting(link):
                    continue
                if link is host:
                    crowd.send(link, b"".join(said(next(keys)) for _ in range(A_DOOR)))
                    continue
                crowd.send(link, b"".join(said(None) for _ in range(5)))
                if (number + turn) % A_DOOR == 0:
                    crowd.send(link, anew())
            crowd.pump(0.05)

    return go


def doors(port: int) -> Go:
    """15 facilitators put and revoke doors with cards of 32 KB."""
    halls = [Hall(port, 2, 44 + number // 5) for number in range(15)]
    crowd = Crowd([hall.members[0].stream for hall in halls])

    def frames(hall: Hall) -> bytes:
        out = b""
        for _ in range(10):
            door = Door(card=os.urandom(32_000))
            put = door.statement(hall.seated.room)
            out += masked(PutDoor(5, put.body, put.signature, door.card).to_bytes())
            out += hall.revocation(door)
        return out

    made = {link: frames(hall) for link, hall in zip(crowd.all, halls, strict=True)}
    return once(crowd, *(made[link] for link in crowd.all))
