"""Attacks of members that were let go for a lost connection, and by letting them go."""

from __future__ import annotations

import os
import time
from typing import Final

from alcove_protocol import limits
from alcove_protocol.frames import ConnectionRole, LobbyRequest
from alcove_protocol.roster import Change, Op

from bench.fairness.crowd import Crowd, Go, again
from bench.fairness.stage import Hall, member_proof, source
from bench.fanout.alcove_wire import Member
from bench.fanout.wires import masked
from tests.server.keys import public

_GONE: Final = 500


def requests_back(port: int) -> Go:
    """500 members that were let go ask, with 32 KB each and as fast as the relay reads, to be let
    in again."""
    hall = Hall(port, 1, 171, listed=_GONE + 1)
    keys = hall.seated.keys[1:]
    hall.land([Change(Op.ABSENT, public(key)) for key in keys])
    crowd = Crowd([])
    for number, key in enumerate(keys):
        one = Member(port, key, source(172, number))
        one.stream.send(member_proof(one, hall.seated.room.id, ConnectionRole.AWAY))
        crowd.add(one.stream.socket)
    for one in hall.members:
        crowd.add(one.stream.socket)
    crowd.pump(1.0)

    def some() -> bytes:
        asked = LobbyRequest(5, os.urandom(16), os.urandom(limits.REQUEST - 100), None)
        return 2 * masked(asked.to_bytes())

    return again(crowd, some, 0.05)


def letting_go(port: int) -> Go:
    """A facilitator lets go of 50 of 300 connected members and lets them in again, as often as it
    may, while those come back in role `away`."""
    hall = Hall(port, 300, 173)
    room, some = hall.seated.room.id, hall.seated.keys[1:51]
    crowd = Crowd([one.stream for one in hall.members[51:]])

    def come_back() -> None:
        for number, key in enumerate(some):
            try:
                one = Member(port, key, source(174, number))
            except OSError:
                continue  # its network has come too often
            one.stream.send(member_proof(one, room, ConnectionRole.AWAY))
            crowd.add(one.stream.socket)

    keys = [public(key) for key in some]
    away = [Change(Op.ABSENT, key) for key in keys]
    back = [Change(Op.ADD, key) for key in keys]

    def go(seconds: float) -> None:
        end, gone = time.monotonic() + seconds, False
        while time.monotonic() < end:
            try:
                hall.land(*((back, keys) if gone else (away, ())))
            except ConnectionError:  # too often
                crowd.pump(0.1)
                continue
            gone = not gone
            if gone:
                come_back()
            crowd.pump(0.02)

    return go
