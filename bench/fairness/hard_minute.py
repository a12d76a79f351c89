"""Attacks by what is for a hard minute: the private line, and slow mode."""

from __future__ import annotations

import os

from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, Publish, Published, SendDesk
from alcove_protocol.roster import list_digest

from bench.fairness.crowd import Crowd, Go, again, posts
from bench.fairness.stage import Hall
from bench.fanout.wires import masked


def desks(port: int) -> Go:
    """500 members and their facilitator send frames of the private line as fast as the relay
    reads."""
    hall = Hall(port, 500, 161)
    crowd = Crowd([one.stream for one in hall.members])

    def some() -> bytes:
        frame = SendDesk(5, 1, 1, os.urandom(limits.DESK_LARGE))
        return 4 * masked(frame.to_bytes())

    return again(crowd, some, 0.05)


def slow_mode(port: int) -> Go:
    """500 members of a slowed room publish as fast as the relay reads."""
    hall = Hall(port, 500, 163)
    seated = hall.seated
    roster, commit = seated.room.roster, os.urandom(64)
    digest = list_digest(roster.room, roster.seats, roster.flags, 30)
    altered: dict[str, bytes | int] = {"slow": 30, "digest": digest}
    entry = seated.room.entry([], base=hall.base, commit=commit, altered=altered)
    first = hall.members[0]
    frame = Publish(
        first.number(),
        os.urandom(16),
        hall.base,
        BlobClass.COMMIT,
        limits.TTL_DEFAULT,
        commit,
        entry.body,
        entry.signature,
    )
    base = first.ask(frame, Published).position
    crowd = Crowd([one.stream for one in hall.members])
    return again(crowd, lambda: posts(base, 10), 0.05)
