"""Attacks with tickets: what members park, and what their holders fetch."""

from __future__ import annotations

import os
from hashlib import sha256

from alcove_protocol import limits
from alcove_protocol.frames import Done, Fetch, Park
from nacl.signing import SigningKey

from bench.fairness.crowd import Crowd, Go, again, once
from bench.fairness.stage import Hall, source
from bench.fanout.alcove_wire import Member, SeatedRoom
from bench.fanout.wires import masked

TOKEN = bytes(32)
EARLY = 8
"""Requests that a connection may make before it proves a key."""


def _park(slot: bytes) -> Park:
    return Park(5, slot, sha256(TOKEN).digest(), os.urandom(limits.PARKED))


def _holders(port: int, net: int, count: int = 1000) -> Crowd:
    """Connections that prove nothing, from as many networks as that needs."""
    made = [Member(port, SigningKey.generate(), source(net, n)) for n in range(count)]
    return Crowd([one.stream for one in made])


def parks(port: int) -> Go:
    """500 members park as fast as the relay reads, each time in another slot."""
    hall = Hall(port, 500, 151)
    crowd = Crowd([one.stream for one in hall.members])
    return again(crowd, lambda: 4 * masked(_park(os.urandom(16)).to_bytes()), 0.05)


def rooms_that_park(port: int) -> Go:
    """Facilitators of 200 rooms park as fast as the relay reads."""
    rooms = [SeatedRoom(port, 2, f"127.152.{n // 20}.1") for n in range(200)]
    crowd = Crowd([room.facilitator.stream for room in rooms])
    return again(crowd, lambda: 4 * masked(_park(os.urandom(16)).to_bytes()), 0.05)


def wrong_fetches(port: int) -> Go:
    """1,000 connections ask for what is not there, in one moment."""
    hall = Hall(port, 1, 153)
    room, crowd = hall.seated.room.id, _holders(port, 154)
    frames = [
        b"".join(
            masked(Fetch(n, room, os.urandom(16), os.urandom(32)).to_bytes()) for n in range(EARLY)
        )
        for _ in range(50)
    ]
    return once(crowd, *frames)


def fetches(port: int) -> Go:
    """1,000 connections fetch again and again what 20 clients parked that are gone."""
    frames = []
    for number in range(20):
        seated, slot = SeatedRoom(port, 2, f"127.155.{number}.1"), os.urandom(16)
        seated.facilitator.ask(_park(slot), Done)
        seated.facilitator.stream.socket.close()
        frames.append(
            b"".join(masked(Fetch(n, seated.room.id, slot, TOKEN).to_bytes()) for n in range(EARLY))
        )
    return once(_holders(port, 156), *frames)


def waiting_fetches(port: int) -> Go:
    """1,000 fetches wait for clients that answer no ping, and are answered in one moment."""
    held, frames = [], []
    for number in range(20):
        seated, slot = SeatedRoom(port, 2, f"127.157.{number}.1"), os.urandom(16)
        seated.facilitator.ask(_park(slot), Done)
        held.append(seated)
        frames.append(masked(Fetch(1, seated.room.id, slot, TOKEN).to_bytes()))
    waiting = once(_holders(port, 158), *frames)

    def go(seconds: float) -> None:
        waiting(max(seconds, limits.PING + 3.0))
        held.clear()

    return go
