"""The attacks. Each prepares with `port`, and then, when it is told to, attacks for some seconds.

python -m bench.fairness.attacks NAME PORT SECONDS      # prints READY, waits for a line
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from typing import Final

from bench.fairness import (
    at_doors,
    brought_back,
    comings,
    hard_minute,
    in_rooms,
    let_go,
    on_the_wire,
    tickets,
)
from bench.fairness.crowd import Go

Prepare = Callable[[int], Go]

ATTACKS: Final[dict[str, Prepare]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        in_rooms.nothing,
        in_rooms.burst,
        in_rooms.burst_large,
        in_rooms.sustained,
        in_rooms.crowd_of_500,
        in_rooms.many_rooms,
        in_rooms.beats,
        in_rooms.deaf,
        at_doors.cards,
        in_rooms.resumes,
        in_rooms.returning,
        at_doors.chains,
        brought_back.named_heads,
        brought_back.named_doors,
        brought_back.branches,
        brought_back.floods,
        brought_back.chain_pages,
        in_rooms.restating,
        in_rooms.admissions,
        in_rooms.dismissal,
        in_rooms.end_of_a_room,
        comings.ends,
        comings.revoked_doors,
        comings.flapping,
        comings.renewed_knocks,
        comings.lobbies,
        at_doors.rooms,
        at_doors.knocks,
        at_doors.words,
        at_doors.doors,
        in_rooms.requests,
        on_the_wire.heads,
        on_the_wire.prefixes,
        on_the_wire.handshakes,
        on_the_wire.proofs,
        on_the_wire.wrong_proofs,
        on_the_wire.silence,
        on_the_wire.pages,
        on_the_wire.halves,
        in_rooms.large_halves,
        on_the_wire.fragments,
        on_the_wire.pings,
        in_rooms.nested,
        on_the_wire.records,
        on_the_wire.hellos,
        hard_minute.desks,
        hard_minute.slow_mode,
        let_go.requests_back,
        let_go.letting_go,
        in_rooms.drain,
        tickets.parks,
        tickets.rooms_that_park,
        tickets.wrong_fetches,
        tickets.fetches,
        tickets.waiting_fetches,
    )
}
OVER_TLS: Final = frozenset({"records", "hellos"})
DRAINED: Final = frozenset({"drain"})
"""In the middle of these the relay gets a SIGTERM."""


def main(name: str, port: int, seconds: float) -> None:
    """Prepare, wait, attack."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    go = ATTACKS[name](port)
    print("READY", flush=True)
    sys.stdin.readline()
    go(seconds)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
