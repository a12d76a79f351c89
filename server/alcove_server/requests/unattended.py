"""What a standby may ask and commit while no facilitator is there. docs/protocol.md section 9."""

from __future__ import annotations

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
