"""One frame of the private line: forwarded, and kept nowhere. docs/protocol.md section 10.

A member's frame goes to the facilitators, and a facilitator's to all. What is inside only they can
read. Every client sends one at each tick, so that nothing is known of who has something to say.
"""

from __future__ import annotations

from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed, Refusal
from alcove_protocol.frames import DeskIs, Done, SendDesk

from alcove_server.requests.requester import Requester
from alcove_server.wire.fast_out import framed

_SIZES: Final = (limits.DESK_SMALL, limits.DESK_LARGE)


async def desk(requester: Requester, frame: SendDesk) -> None:
    """Tell the room here, and the other nodes. Raises `Refusal` (`not_member`), and `Malformed`
    (`bad_length`) for a frame of a size that no honest client sends."""
    room, client = requester.seated, requester.client
    if len(frame.blob) not in _SIZES:
        raise Malformed("bad_length", "A frame of the private line has one of two sizes.")
    if not room.history.roster.is_member(client.key):
        raise Refusal("not_member")
    message = framed(DeskIs(client.key, frame.epoch, frame.tick, frame.blob).to_bytes())
    room.tell_desk(client.key, message)
    requester.services.store.pass_on(room.id, client.key, message)
    client.send(Done(frame.n))
