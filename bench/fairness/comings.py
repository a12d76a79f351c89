"""Attacks that come and go: connections that flap, doors and rooms that end, knocks."""

from __future__ import annotations

import os
import time

from alcove_protocol import limits
from alcove_protocol.frames import EndRoom, Knock, LobbyRequest, Resume, Withdraw

from bench.fairness.crowd import Crowd, Go, again
from bench.fairness.stage import Hall, at_door, member_proof, source
from bench.fanout.alcove_wire import Member
from bench.fanout.wires import masked
from tests.server.keys import Door


def revoked_doors(port: int) -> Go:
    """Facilitators of two rooms revoke the doors at which 400 newcomers stand, in one moment."""
    crowd, sent = Crowd([]), []
    for number in range(2):
        hall = Hall(port, 1, 81 + number)
        frames = b""
        for part in range(2):
            door = Door()
            hall.put_door(door)
            for n in range(200):
                where = source(83 + 2 * number + part, n)
                crowd.add(at_door(port, hall, door, where).stream.socket)
            frames += hall.revocation(door)
        sent.append((hall.members[0].stream, frames))

    def go(seconds: float) -> None:
        for stream, frames in sent:
            stream.send(frames)
        crowd.pump(seconds)

    return go


def ends(port: int) -> Go:
    """30 rooms of 20 members end in one moment."""
    halls = [Hall(port, 20, 141 + number, one_network=True) for number in range(30)]
    crowd = Crowd([one.stream for hall in halls for one in hall.members[1:]])

    def go(seconds: float) -> None:
        for hall in halls:
            signed = hall.seated.room.end(hall.seated.keys[0])
            hall.members[0].send(EndRoom(99, signed.body, signed.signature))
        crowd.pump(seconds)

    return go


def flapping(port: int) -> Go:
    """Members of 20 networks come, resume and go, each network as often as it may."""
    hall = Hall(port, 1, 87, listed=990)
    keys, room = hall.seated.keys[1:], hall.seated.room.id
    resume = masked(Resume(7, bytes(16), 0).to_bytes())

    def go(seconds: float) -> None:
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            try:
                one = Member(port, keys[number % len(keys)], f"127.88.{number % 20}.1")
            except OSError:
                time.sleep(0.002)
            else:
                one.stream.send(member_proof(one, room) + resume)
                one.stream.socket.close()
            number += 1

    return go


def renewed_knocks(port: int) -> Go:
    """40 newcomers knock, take it back and knock anew in one write, for eight facilitators."""
    hall, door = Hall(port, 8, 89), Door()
    hall.put_door(door)
    crowd = Crowd([at_door(port, hall, door, "127.0.0.1").stream for _ in range(40)])
    for one in hall.members:
        crowd.add(one.stream.socket)

    def some() -> bytes:
        out = b""
        for n in range(3):
            knock = Knock(2 + 2 * n, os.urandom(16), os.urandom(limits.KNOCK))
            out += masked(knock.to_bytes()) + masked(Withdraw(3 + 2 * n).to_bytes())
        return out

    return again(crowd, some, 0.1)


def lobbies(port: int) -> Go:
    """A facilitator asks again and again for a lobby of 200 requests of 32 KB."""
    hall = Hall(port, 50, 90, one_network=True)
    for one in hall.members:
        for _ in range(4):
            asked = LobbyRequest(one.number(), os.urandom(16), bytes(limits.REQUEST), None)
            one.send(asked)
    crowd = Crowd([one.stream for one in hall.members])
    crowd.pump(1.0)
    resume = masked(Resume(7, bytes(16), 0).to_bytes())
    first = crowd.all[0]

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(crowd):
            if not crowd.waiting(first):
                crowd.send(first, 4 * resume)
            crowd.pump(0.1)

    return go
