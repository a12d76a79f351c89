"""The sign of life of a ticket's client, over real sockets: the relay pings its connection."""

from __future__ import annotations

from hashlib import sha256

from alcove_protocol import limits
from alcove_protocol.frames import Done, Fetch, Fetched, Park, RequestRefused
from alcove_server.net.websocket import WebSocket

from tests.server.sockets import Client, Running, serving

SLOT, TOKEN = b"s" * 16, b"t" * 32


async def fetched(running: Running, *, dead: bool) -> tuple[Client, WebSocket]:
    """A holder that waits for the ticket of another client, and that one's connection."""
    client, holder = await running.client(), await running.client()
    room = await client.open()
    await client.ask(Park(client.next_n(), SLOT, sha256(TOKEN).digest(), b"sealed"), Done)
    rooms = running.service.relay.rooms
    outlet = rooms.loaded[room.id].clients[client.public].outlet
    assert isinstance(outlet, WebSocket)
    if dead:
        client.socket.transport.pause_reading()
    await holder.send(Fetch(holder.next_n(), room.id, SLOT, TOKEN))
    await running.until(lambda: bool(rooms.fetches._fetches))
    return holder, outlet


async def test_a_client_that_answers_the_ping_is_not_gone() -> None:
    async with serving(ping_seconds=600) as running:
        holder, pinged = await fetched(running, dead=False)
        await running.until(lambda: not pinged.silent)
        await running.time.advance(1)
        assert (await holder.one(RequestRefused)).code == "ticket_in_use"


async def test_a_client_that_answers_nothing_for_three_seconds_is_gone() -> None:
    async with serving(ping_seconds=600) as running:
        holder, pinged = await fetched(running, dead=True)
        await running.time.advance(limits.PING + 1)
        assert pinged.silent
        assert (await holder.one(Fetched)).blob == b"sealed"
