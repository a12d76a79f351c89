"""Who does not read what they are sent: bounded in bytes and in time, and let go to resume."""

import asyncio
import socket
import time

from alcove_protocol import limits
from alcove_protocol.frames import Published

from tests.server.keys import Door
from tests.server.sockets import Running, serving


async def test_a_member_who_does_not_read_is_let_go_and_resumes() -> None:
    async with serving(queue_bytes=limits.FRAME, rates=0) as running:
        host, slow = await running.client(), await running.client()
        room, door = await host.open(), Door()
        await host.put_door(room, door)
        await slow.knock(room, door)
        await host.admit(room, slow, door)
        sent = 0
        while slow.public in _live(running):
            await host.send(host.blob(b"x" * 30_000))
            await host.until(Published)
            sent += 1
            assert sent < 1000
        assert len(running.service.relay) == 1
        slow.socket.transport.abort()
        back = await running.client(slow.key)
        await back.authenticate(room)
        resumed = await back.resume(host.base)
        assert not resumed.lost
        assert resumed.head[8:] == (sent + 1).to_bytes(8, "big")


def _live(running: Running) -> set[bytes]:
    return {
        key for relay_room in running.service.relay.rooms.loaded.values() for key in relay_room.live
    }


async def test_who_takes_nothing_is_let_go_in_time_whenever_the_next_ping_is() -> None:
    async with serving(
        queue_seconds=0.5, ping_seconds=600, auth_seconds=1, rates=0, queue_bytes=1 << 26
    ) as running:
        host, slow = await running.client(), await running.client()
        room, door = await host.open(), Door()
        await host.put_door(room, door)
        await slow.knock(room, door)
        await host.admit(room, slow, door)
        raw = slow.socket.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.socket.transport.pause_reading()
        stalled, most = running.service._terms.stalled, 0.0
        while slow.public in _live(running):
            await host.send(host.blob(b"x" * 30_000))
            await host.until(Published)
            if stalled._since:
                most = max(most, time.monotonic() - next(iter(stalled._since.values())))
                await asyncio.sleep(0.02)
        assert 0.4 < most < 5
        assert not stalled._since
        slow.socket.transport.abort()
