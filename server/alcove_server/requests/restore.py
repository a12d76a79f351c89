"""A facilitator brings back a room that the relay forgot. docs/protocol.md section 9."""

from __future__ import annotations

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Done, Reseat
from alcove_protocol.position import GENERATION_SIZE

from alcove_server.client.states import ClientState
from alcove_server.requests.requester import Requester
from alcove_server.rooms import restoring
from alcove_server.rooms.restoring import Comparison


class _Gone(Refusal):
    """The client went while its chain was verified. It does not hear this refusal."""

    def __init__(self) -> None:
        super().__init__("idle")


async def restore(requester: Requester, frame: Reseat) -> None:
    """Raises `Refusal` (`bad_roster`, `bad_statement`, `roster_conflict`, `not_allowed`, `ended`,
    `rate_limited`, `busy`)."""
    rooms = requester.rooms
    # As `open`, it lets an unknown client make a room.
    if not requester.may_open_room():
        raise Refusal("rate_limited")
    part = requester.client.part
    rooms.restores.begin(part)
    try:
        await _restore(requester, frame)
    finally:
        rooms.restores.end(part)
    requester.client.send(Done(frame.n))


async def _restore(requester: Requester, frame: Reseat) -> None:
    services, rooms, client = requester.services, requester.rooms, requester.client
    id = client.room_id

    async def breathe() -> None:
        await services.runner.breathe()
        if client.state is ClientState.CLOSED:
            raise _Gone

    generation = services.random(GENERATION_SIZE)
    restored, history = await restoring.room(
        frame, id, client.key, generation, rooms.verifier.verify, breathe
    )
    head = await services.store.head(id)
    if head is not None and head.ended is not None:
        raise Refusal("ended")
    known = await services.store.chain(id, 0) if head is not None else ()
    if not known or restoring.compare(known, restored.chain) is Comparison.NEW:
        await services.store.reseat(restored, head.roster if head is not None else None)
        # Clients that are here leave the old log, and the room's history is forgotten with it.
        await rooms.answer_ring(id)
        rooms.verifier.keep(history)
