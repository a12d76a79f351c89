"""A facilitator brings back a room that the relay forgot. docs/protocol.md section 9."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Done, Reseat
from alcove_protocol.position import GENERATION_SIZE

from alcove_server import reseating

if TYPE_CHECKING:
    from alcove_server.connection import Connection


async def reseat(connection: Connection, frame: Reseat) -> None:
    """Raises `Refusal` (`bad_roster`, `bad_statement`, `roster_conflict`, `not_allowed`, `ended`,
    `busy`)."""
    relay = connection.relay
    generation = relay.random(GENERATION_SIZE)
    seated = await reseating.room(
        frame, connection.room, connection.key, generation, relay.runner.breathe
    )
    head = await relay.store.head(connection.room)
    if head is not None and head.ended is not None:
        raise Refusal("ended")
    known = await relay.store.chain(connection.room, 0) if head is not None else ()
    if not known or reseating.compare(known, seated.chain) is reseating.Seating.NEW:
        await relay.store.reseat(seated, head.roster if head is not None else None)
        await relay.ring(connection.room)
    connection.send(Done(frame.n))
