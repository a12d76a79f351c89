"""A facilitator brings back a room that the relay forgot. docs/protocol.md section 9."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Done, Reseat
from alcove_protocol.position import GENERATION_SIZE

from alcove_server.rooms import restoring as reseating
from alcove_server.session.states import State

if TYPE_CHECKING:
    from alcove_server.session.connection import Connection


WAITING: Final = 32
"""Reseats under way at a time. Each holds a frame of up to 2.5 MB."""


class _Gone(Refusal):
    """Of who went while their chain was verified; they hear it no more."""

    def __init__(self) -> None:
        super().__init__("idle")


async def reseat(connection: Connection, frame: Reseat) -> None:
    """Raises `Refusal` (`bad_roster`, `bad_statement`, `roster_conflict`, `not_allowed`, `ended`,
    `rate_limited`, `busy`)."""
    relay = connection.relay
    # It makes a room of a stranger's, as `open` does.
    if connection.place is not None and not connection.place.allowance.open_room():
        raise Refusal("rate_limited")
    if relay.reseats >= WAITING:
        raise Refusal("busy")
    relay.reseats += 1
    try:
        await _reseat(connection, frame)
    finally:
        relay.reseats -= 1
    connection.send(Done(frame.n))


async def _reseat(connection: Connection, frame: Reseat) -> None:
    relay, room = connection.relay, connection.room

    async def breathe() -> None:
        await relay.runner.breathe()
        if connection.state is State.CLOSED:
            raise _Gone

    generation = relay.random(GENERATION_SIZE)
    seated, history = await reseating.room(
        frame, room, connection.key, generation, relay.chains.verify, breathe
    )
    head = await relay.store.head(room)
    if head is not None and head.ended is not None:
        raise Refusal("ended")
    known = await relay.store.chain(room, 0) if head is not None else ()
    if not known or reseating.compare(known, seated.chain) is reseating.Seating.NEW:
        await relay.store.reseat(seated, head.roster if head is not None else None)
        await relay.ring_or_later(room)  # who is here leaves the old log, and its ledger goes
        relay.chains.keep(history)
