"""Rooms as a plain Starlette endpoint has them: a `send_bytes` awaited for each member."""

from __future__ import annotations

import contextlib
from collections import defaultdict

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

rooms: defaultdict[str, set[WebSocket]] = defaultdict(set)


async def endpoint(socket: WebSocket) -> None:
    """One member."""
    room = rooms[socket.path_params["room"]]
    await socket.accept()
    room.add(socket)
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            data = await socket.receive_bytes()
            for member in list(room):
                await member.send_bytes(data)
    room.discard(socket)


app = Starlette(routes=[WebSocketRoute("/{room}", endpoint)])
