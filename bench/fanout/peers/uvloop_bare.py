"""What uvloop alone costs: `limit.c join` in Python. It reads a frame, joins what one turn brings a
room, and gives each member's transport the bytes. No protocol beyond framing, no store, no limits:
what any relay on uvloop costs more than this, it spends on being one.

    python -m bench.fanout.peers.uvloop_bare PORT
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import cast

import uvloop
from websockets.speedups import apply_mask

ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


class Room:
    """The members of a room, and what this turn brought."""

    def __init__(self) -> None:
        self.writers: list[Callable[[bytes], None]] = []
        self.messages: list[bytes] = []


class Broadcaster:
    """All rooms by name."""

    def __init__(self) -> None:
        self.rooms: dict[bytes, Room] = {}
        self._dirty: list[Room] = []

    def tell(self, room: Room, frame: bytes) -> None:
        room.messages.append(frame)
        if len(room.messages) == 1:
            if not self._dirty:
                asyncio.get_running_loop().call_soon(self._flush)
            self._dirty.append(room)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for room in dirty:
            messages, room.messages = room.messages, []
            joined = messages[0] if len(messages) == 1 else b"".join(messages)
            for write in room.writers:
                write(joined)


class Member(asyncio.Protocol):
    """`GET /ROOM HTTP/1.1` … and an empty line, then masked frames of at least 126 bytes."""

    def __init__(self, broadcaster: Broadcaster) -> None:
        self._broadcaster = broadcaster
        self._transport: asyncio.Transport
        self._room: Room | None = None
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._waiting:
            data, self._waiting = self._waiting + data, b""
        if self._room is None:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._waiting = head
                return
            name = head.split(b" ", 2)[1]
            self._room = self._broadcaster.rooms.setdefault(name, Room())
            self._room.writers.append(self._transport.write)
            self._transport.write(ANSWER)
        while len(data) >= 8:
            end_at = 8 + (data[2] << 8 | data[3])
            if len(data) < end_at:
                break
            payload = apply_mask(data[8:end_at], data[4:8])
            self._broadcaster.tell(self._room, b"\x82\x7e" + data[2:4] + payload)
            data = data[end_at:]
        self._waiting = data

    def connection_lost(self, exc: Exception | None) -> None:
        if self._room is not None:
            self._room.writers.remove(self._transport.write)


async def serve(port: int) -> None:
    broadcaster = Broadcaster()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Member(broadcaster), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
