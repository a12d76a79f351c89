"""Attacks of members and facilitators on a room, and on all others by it."""

from __future__ import annotations

import os
import time
from typing import Final

from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    EndRoom,
    LobbyRequest,
    Publish,
    Published,
    Resume,
    Settle,
)
from alcove_protocol.statements import Signed
from nacl.signing import SigningKey

from bench.fairness.crowd import Crowd, Go, again, once, posts, to_first
from bench.fairness.stage import Hall, at_door, member_proof, source
from bench.fanout.alcove_wire import Member
from bench.fanout.wires import masked
from tests.server.keys import Door

BIG: Final = 30_000
"""Bytes of a large blob."""


def _hall(port: int, connected: int = 57, net: int = 31) -> tuple[Hall, Crowd]:
    hall = Hall(port, connected, net, one_network=connected < 58)
    return hall, Crowd([one.stream for one in hall.members])


def nothing(port: int) -> Go:
    """Peace."""
    return lambda seconds: time.sleep(seconds)


def burst(port: int) -> Go:
    """57 members publish 115 small blobs each, in one write."""
    hall, crowd = _hall(port)
    return once(crowd, *(posts(hall.base, 115) for _ in crowd.all))


def burst_large(port: int) -> Go:
    """The same with 50 blobs of 30 KB each."""
    hall, crowd = _hall(port)
    return once(crowd, *(posts(hall.base, 50, BIG) for _ in crowd.all))


def sustained(port: int) -> Go:
    """57 members publish as fast as the relay reads."""
    hall, crowd = _hall(port)
    return again(crowd, lambda: posts(hall.base, 20), 0.02)


def crowd_of_500(port: int) -> Go:
    """500 members of ten networks publish ten blobs of 1 KB each at once, again and again."""
    hall, crowd = _hall(port, 500)
    return again(crowd, lambda: posts(hall.base, 10, 1000), 0.05)


def drain(port: int) -> Go:
    """The same, while the relay is told to stop."""
    return crowd_of_500(port)


def many_rooms(port: int) -> Go:
    """30 rooms of 10, each with one who publishes blobs of 30 KB."""
    halls = [Hall(port, 10, 41 + number // 5) for number in range(30)]
    crowds = [Crowd([one.stream for one in hall.members]) for hall in halls]

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for hall, crowd in zip(halls, crowds, strict=True):
                if crowd.all and not crowd.waiting(crowd.all[0]):
                    crowd.send(crowd.all[0], posts(hall.base, 20, BIG))
                crowd.pump(0.001)

    return go


def beats(port: int) -> Go:
    """A facilitator's heartbeats of 30 KB to 300 members."""
    hall, crowd = _hall(port, 300)
    first = crowd.all[0]

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(crowd):
            if not crowd.waiting(first):
                crowd.send(first, posts(hall.base, 20, BIG, BlobClass.BEAT, 90))
            crowd.pump(0.02)

    return go


def deaf(port: int) -> Go:
    """500 members read nothing, while three of them publish blobs of 30 KB."""
    hall = Hall(port, 500, 32)
    crowd = Crowd([one.stream for one in hall.members], reads=False)

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(crowd):
            for link in crowd.all[:3]:
                if not crowd.waiting(link):
                    crowd.send(link, posts(hall.base, 10, BIG))
            crowd.pump(0.05)

    return go


def resumes(port: int) -> Go:
    """57 members ask again and again for a log of 2.4 MB."""
    hall, crowd = _hall(port)
    for link in crowd.all[:8]:
        crowd.send(link, posts(hall.base, 10, limits.APPLICATION_BLOB - 10, ttl=600))
    crowd.pump(1.5)
    resume = masked(Resume(7, bytes(16), 0).to_bytes())
    return again(crowd, lambda: 4 * resume, 0.3)


def returning(port: int) -> Go:
    """500 members of one room prove their keys and ask for a log of 2.4 MB in one moment."""
    hall = Hall(port, 8, 61, one_network=True, listed=508)
    crowd = Crowd([one.stream for one in hall.members])
    for link in crowd.all:
        crowd.send(link, posts(hall.base, 10, limits.APPLICATION_BLOB - 10, ttl=600))
    crowd.pump(1.5)
    keys, room = hall.seated.keys[8:], hall.seated.room.id
    members = [Member(port, key, source(62, number)) for number, key in enumerate(keys)]
    resume = masked(Resume(7, bytes(16), 0).to_bytes())
    sent = [member_proof(one, room) + resume for one in members]
    return once(Crowd([one.stream for one in members]), *sent)


def admissions(port: int) -> Go:
    """A facilitator lets in the hundred newcomers at a door, before 500 members."""
    hall, door = Hall(port, 500, 63), Door()
    hall.put_door(door)
    newcomers = [at_door(port, hall, door, source(64, number)) for number in range(100)]
    crowd = Crowd([one.stream for one in (*hall.members[1:], *newcomers)])
    keys = [*hall.seated.keys[1:], *(one.key for one in newcomers)]

    def go(seconds: float) -> None:
        hall.members[0].send(hall.restated(keys))
        crowd.add(hall.members[0].stream.socket)
        crowd.pump(seconds)

    return go


def restating(port: int) -> Go:
    """Facilitators of three rooms state a list of a thousand anew, as often as they may."""
    halls = [Hall(port, 1, 39, listed=999) for _ in range(3)]
    keys = [[SigningKey.generate() for _ in range(998)] for _ in halls]

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for hall, some in zip(halls, keys, strict=True):
                frame = hall.restated(some)
                try:
                    hall.seated.base = hall.members[0].ask(frame, Published).position
                except ConnectionError:
                    time.sleep(0.2)
                    continue
                assert frame.entry is not None
                assert frame.signature is not None
                hall.seated.room.take(Signed(frame.entry, frame.signature))

    return go


def dismissal(port: int) -> Go:
    """A facilitator states a list without its 500 connected members."""
    hall, crowd = _hall(port, 500)
    return to_first(crowd, masked(hall.restated([]).to_bytes()))


def end_of_a_room(port: int) -> Go:
    """A facilitator ends a room with 500 connected members."""
    hall, crowd = _hall(port, 500)
    signed = hall.seated.room.end(hall.seated.keys[0])
    return to_first(crowd, masked(EndRoom(99, signed.body, signed.signature).to_bytes()))


def requests(port: int) -> Go:
    """57 members send the facilitator requests of 32 KB, and settle what nobody asked."""
    _, crowd = _hall(port)

    def some() -> bytes:
        asked = LobbyRequest(5, os.urandom(16), os.urandom(limits.REQUEST - 100), None)
        return masked(asked.to_bytes()) + 10 * masked(Settle(6, bytes(16)).to_bytes())

    return again(crowd, some, 0.1)


def large_halves(port: int) -> Go:
    """150 members of three networks hold half a megabyte of a commit each."""
    hall, crowd = _hall(port, 150, 55)
    frame = Publish(5, bytes(16), hall.base, BlobClass.COMMIT, 60, bytes(900_000)).to_bytes()
    return once(crowd, masked(frame)[:500_000])


def nested(port: int) -> Go:
    """57 members send frames that are nested too deep, and come with many fields."""
    _, crowd = _hall(port)
    odd = masked(b"\xde\x00\x20" + b"".join(b"\xa2%02d\x01" % n for n in range(32)))
    return once(crowd, odd * 200)
