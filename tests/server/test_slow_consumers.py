"""A client that does not read is bounded in bytes and in time, and is let go to resume."""

import socket

from alcove_protocol import limits
from alcove_protocol.frames import Published

from tests.server.keys import Door
from tests.server.sockets import Running, serving


async def test_a_member_that_does_not_read_is_let_go_and_resumes() -> None:
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


async def test_a_member_that_takes_nothing_is_let_go_in_time_without_a_ping() -> None:
    async with serving(queue_seconds=20, ping_seconds=600, rates=0, queue_bytes=1 << 26) as running:
        host, slow = await running.client(), await running.client()
        room, door = await host.open(), Door()
        await host.put_door(room, door)
        await slow.knock(room, door)
        await host.admit(room, slow, door)
        raw = slow.socket.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.socket.transport.pause_reading()
        stalled = running.service._terms.stalled
        while not stalled._since:
            await host.send(host.blob(b"x" * 30_000))
            await host.until(Published)
        await running.time.advance(19)
        assert slow.public in _live(running)
        await running.time.advance(2)
        assert slow.public not in _live(running)
        assert not stalled._since
        slow.socket.transport.abort()
