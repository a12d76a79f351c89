"""What may be asked and committed while no facilitator is there. docs/protocol.md section 9."""

from __future__ import annotations

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.position import Position

from alcove_server.requests.requester import Requester

_ONE_BLOB = 1
"""Bytes of the page that is read only for the time of the last beat."""


async def require_unattended(requester: Requester) -> None:
    """Raises `Refusal` (`facilitated`) when a facilitator's beat came within
    `limits.READ_ONLY_AFTER` seconds."""
    room = requester.seated
    page = await requester.services.store.read(
        room.id, Position(room.generation, room.number), _ONE_BLOB
    )
    if not page.read_only:
        raise Refusal("facilitated")


def require_alone(requester: Requester) -> None:
    """The client is a facilitator's. Raises `Refusal` (`facilitated`) when another one is connected
    to this node, or may have been heard within `limits.READ_ONLY_AFTER` seconds: this node was told
    its beat, or has had the room for less. Beats are all that it knows of other nodes. The members
    know each facilitator's."""
    room, now = requester.seated, requester.services.clock()
    others = room.history.leading - frozenset({requester.client.key})
    for key in others:
        silent = now - room.beats.get(key, room.loaded_at)
        if silent < limits.READ_ONLY_AFTER or key in room.live:
            raise Refusal("facilitated")
