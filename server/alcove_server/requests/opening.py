"""A room begins, and ends. docs/protocol.md sections 6 and 10."""

from __future__ import annotations

from alcove_protocol.errors import Malformed, Refusal
from alcove_protocol.frames import Done, EndRoom, OpenRoom
from alcove_protocol.labels import room_id_of
from alcove_protocol.position import GENERATION_SIZE
from alcove_protocol.statements import Opening, Signed

from alcove_server.requests.requester import Requester
from alcove_server.requests.unsettled import require_settled
from alcove_server.rooms import rules
from alcove_server.rooms.roster_history import begin


async def open_room(requester: Requester, frame: OpenRoom) -> None:
    """Raises `Refusal` (`bad_statement`, `rate_limited`, `room_exists`, `ended`, `busy`,
    `too_many_rooms`)."""
    signed = Signed(frame.entry, frame.signature)
    try:
        room_id = room_id_of(Opening.decode(frame.entry).root_key)
        history = begin(signed, room_id)
    except Malformed:
        raise Refusal("bad_statement") from None
    if not requester.may_open_room():
        raise Refusal("rate_limited")
    services = requester.services
    generation = services.random(GENERATION_SIZE)
    head = history.roster.head
    await services.store.open(room_id, signed, head, generation, requester.holding)
    requester.client.send(Done(frame.n))


async def end_room(requester: Requester, frame: EndRoom) -> None:
    """Raises `Refusal` (`not_allowed`, `bad_statement`, `bad_roster`, `unsettled`)."""
    room, client = requester.seated, requester.client
    signed = Signed(frame.statement, frame.signature)
    rules.end(room.history, client.key, signed)
    await require_settled(requester)
    await requester.services.store.end(room.id, signed, room.history.roster.head)
    client.send(Done(frame.n))
