"""A member resumes: it is told where the room stands, and then all that it missed (`rooms.replay`).

docs/protocol.md section 8.
"""

from __future__ import annotations

from typing import Final

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Resume, Resumed
from alcove_protocol.position import Position

from alcove_server.client.resumption import Resumption
from alcove_server.ports.outlet import Close
from alcove_server.requests import unsettled
from alcove_server.requests.requester import Requester
from alcove_server.rooms import settling
from alcove_server.rooms.replay import answer_due
from alcove_server.wire.says import bye

_FIRST_PAGE: Final = 1
"""Bytes of the page that is read only for where the room stands: one blob at most."""


async def resume(requester: Requester, frame: Resume) -> None:
    """Answer where the room stands, then tell everything after the position, page by page. Raises
    `Refusal` (`rate_limited`) when this part of the network had too much sent."""
    room, client = requester.seated, requester.client
    if not requester.may_tell(0):
        raise Refusal("rate_limited")
    heard = room.live.get(client.key) is client
    room.go_away(client)  # the replay brings what it was not given yet
    older, client.resumption = client.resumption, None
    try:
        resumption = await _resumed(requester, frame)
    except BaseException as error:
        if older is not None:  # no replay will come to answer these
            answer_due(client, older.after.generation)
        if older is not None or heard:  # it counts on what comes next, and would not hear it
            client.refuse(frame.n, error if isinstance(error, Refusal) else Refusal("unavailable"))
            client.finish(Close.TRY_AGAIN, bye("unavailable"))
        raise
    answer_due(client, resumption.after.generation, resumption.after.number)
    await requester.rooms.replays.begin(room, client, resumption)


async def _resumed(requester: Requester, frame: Resume) -> Resumption:
    """Answer the request; return where the replay begins."""
    store, room_id, client = requester.services.store, requester.seated.id, requester.client
    asked = Position.decode(frame.position)
    page = await store.read(room_id, asked, _FIRST_PAGE)
    same_log = asked.generation == page.position.generation
    head, base = page.position.encode(), page.base.encode()
    await store.welcomed(room_id, client.key, asked)
    log = await unsettled.look(requester)
    left = settling.seconds_left(log) if log is not None else 0
    disputed = log is not None and settling.disputed(log)
    client.send(
        Resumed(frame.n, head, base, page.commit, page.lost, page.read_only, left, disputed)
    )
    known = same_log and asked.number <= page.position.number
    after = asked if known else Position(page.position.generation, 0)
    return Resumption(after, frame.lobby if same_log else 0, page.lost)
