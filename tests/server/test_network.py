"""Conversations over real sockets: the same relay, behind a port, and other people's client."""

import asyncio
import logging
import os
import sys
from typing import cast

import pytest
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import (
    BlobIs,
    Bye,
    CardIs,
    Done,
    EndRoom,
    LobbyItem,
    Publish,
    Published,
    ReadCard,
    RequestRefused,
    Reseat,
    Resumed,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_HASH, Change, Op
from alcove_protocol.statements import ReseatStatement
from alcove_server.ports.outlet import Close
from alcove_server.process.serving import configure_logging
from alcove_server.settings import Settings
from alcove_server.store.budget import ITEM_OVERHEAD
from alcove_server.store.interface import Publication, PublishDone, Store
from alcove_server.store.memory.store import MemoryStore

from tests.server.keys import Door, Facilitated, sign
from tests.server.sockets import Client, Running, longest_queue, serving


async def remove(host: Client, room: Facilitated, key: bytes) -> None:
    """The facilitator commits a removal."""
    content = os.urandom(40)
    entry = room.entry([Change(Op.REMOVE, key)], base=host.base, commit=content)
    frame = Publish(
        host.next_n(),
        os.urandom(16),
        host.base,
        1,
        limits.TTL_DEFAULT,
        content,
        entry.body,
        entry.signature,
    )
    await host.send(frame)
    host.base = (await host.until(Published)).position
    room.take(entry)


async def seated(running: Running, people: int) -> tuple[Facilitated, Client, list[Client], Door]:
    host = await running.client()
    room, door = await host.open(), Door()
    await host.put_door(room, door)
    members = []
    for _ in range(people):
        member = await running.client()
        await member.knock(room, door)
        await host.until(LobbyItem)
        await host.admit(room, member, door)
        members.append(member)
    for member in members:
        member.base = host.base
    return room, host, members, door


async def test_a_conversation_from_opening_to_end() -> None:
    async with serving() as running:
        host = await running.client()
        room, door = await host.open(), Door()
        await host.put_door(room, door)
        ann = await running.client()
        assert (await ann.authenticate(room, "door", door)).role == "door"
        assert (await ann.ask(ReadCard(ann.next_n()), CardIs)).card == door.card
        ann = await running.client(ann.key)
        await ann.knock(room, door)
        knock = await host.one(LobbyItem)
        assert knock.blob == b"a sealed knock"
        await host.admit(room, ann, door)

        frame = ann.blob(b"hello")
        said = await ann.ask(frame, Published)
        heard = await host.until(BlobIs)
        assert (heard.blob, heard.position) == (b"hello", said.position)

        # The answer is lost with the connection: the same again is answered alike.
        ann.socket.transport.abort()
        again = await running.client(ann.key)
        await again.authenticate(room)
        assert await again.ask(frame, Published) == said
        await host.ask(host.blob(b"meanwhile"), Published)
        assert not (await again.resume(said.position)).lost
        assert (await again.one(BlobIs)).blob == b"meanwhile"

        ending = room.end()
        await host.ask(EndRoom(host.next_n(), ending.body, ending.signature), Done)
        for one in (host, again):
            assert (await one.one(Bye)).statement == ending.body
            assert await one.closed() == Close.ENDED
        assert isinstance(running.service.store, MemoryStore)
        assert running.service.store.used == len(ending.body) + ITEM_OVERHEAD  # the end itself


async def test_a_removed_member_hears_it_and_nothing_after() -> None:
    async with serving() as running:
        room, host, (ann, ben), _ = await seated(running, 2)
        await remove(host, room, ann.public)
        await host.ask(host.blob(b"without her"), Published)
        frames = []
        while True:
            frame = await ann.heard()
            frames.append(frame)
            if isinstance(frame, Bye):
                break
        assert isinstance(frames[-2], BlobIs)
        assert frames[-2].entry == room.chain[-1].body
        assert await ann.closed() == Close.REMOVED
        assert (await ben.until(BlobIs)).position == host.base
        back = await running.client(ann.key)
        with pytest.raises(AssertionError, match="removed"):
            await back.authenticate(room)
        assert await back.closed() == Close.REMOVED


async def test_stale_and_base_travel() -> None:
    async with serving() as running:
        room, host, (ann,), door = await seated(running, 1)
        ben = await running.client()
        await ben.knock(room, door)
        await host.admit(room, ben, door)
        await ann.until(BlobIs)
        refused = await ann.ask(ann.blob(), RequestRefused)
        assert (refused.code, refused.base) == ("stale", host.base)


async def test_many_speak_at_once_and_all_hear_one_order() -> None:
    async with serving() as running:
        _, host, members, _ = await seated(running, 4)
        everybody = [host, *members]
        for round_ in range(20):
            for one in everybody:
                await one.send(one.blob(b"%d" % round_))
        orders = [await _order(one, 20 * len(everybody)) for one in everybody]
        assert all(order == orders[0] for order in orders)
        numbers = [int.from_bytes(position[8:], "big") for position in orders[0]]
        assert numbers == list(range(numbers[0], numbers[0] + 100))


async def _order(client: Client, count: int) -> list[bytes]:
    """Positions in the order they came, from the first one after all members were in."""
    positions: list[bytes] = []
    while len(positions) < count:
        frame = await client.heard()
        if isinstance(frame, BlobIs | Published) and frame.position > client.base:
            positions.append(frame.position)
    return positions


async def test_a_large_replay_arrives_whole() -> None:
    async with serving(rates=0) as running:
        room, host, (ann,), _ = await seated(running, 1)
        ann.socket.transport.abort()
        sent = [os.urandom(limits.APPLICATION_BUCKET) for _ in range(60)]
        for content in sent:
            await host.ask(host.blob(content), Published)
        back = await running.client(ann.key)
        await back.authenticate(room)
        resumed = await back.resume(host.base)
        assert isinstance(resumed, Resumed)
        assert [(await back.until(BlobIs)).blob for _ in sent] == sent


async def test_a_long_chain_does_not_hold_up_others() -> None:
    async with serving() as running:
        room = Facilitated()
        for number in range(400):
            room.take(room.entry([], base=bytes(16), commit=b"%d" % number))
        host = await running.client(room.relay_key)
        await host.authenticate(room, "reseat")
        body = ReseatStatement(room.id, host.public, room.roster.head, NO_HASH)
        said = sign(host.key, Label.RESEAT, body)
        chain = pack_list([entry.encode() for entry in room.chain])
        await host.send(Reseat(5, said.body, said.signature, chain, b"", b""))
        answer = asyncio.create_task(host.until(Done))
        probe = await running.raw()
        assert (await probe.ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"))[0] == 200
        assert not answer.done()
        await answer
        back = await running.client(room.relay_key)
        await back.authenticate(room)


async def test_draining_says_so_and_closes() -> None:
    async with serving() as running:
        _, host, (ann,), _ = await seated(running, 1)
        running.service.stop()
        for one in (host, ann):
            assert (await one.until(Bye)).code == "draining"
            assert await one.closed() == Close.RESTARTING


async def test_health_and_the_join_page() -> None:
    async with serving() as running:
        for path, status in (
            ("/healthz", 200),
            ("/readyz", 200),
            ("/join", 200),
            ("/join?anything", 200),
            ("/nothing", 404),
            ("/capacity", 200),
            ("/v1/connect", 426),
        ):
            raw = await running.raw()
            request = f"GET {path} HTTP/1.1\r\nHost: {running.host}\r\n\r\n"
            answer, headers = await raw.ask(request)
            assert (answer, headers["cache-control"]) == (status, "no-store")
            assert headers["referrer-policy"] == "no-referrer"
            assert "server" not in headers
            body = await raw.ended()
            if path.startswith("/join"):
                assert b"<script" not in body
                assert "default-src 'none'" in headers["content-security-policy"]
            await raw.close()


async def test_a_client_of_another_version_of_websockets_is_told_the_right_one() -> None:
    """RFC 6455 section 4.4."""
    async with serving() as running:
        raw = await running.raw()
        asked = running.upgrade().replace("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8")
        answer, headers = await raw.ask(asked)
        assert answer == 426
        assert headers["sec-websocket-version"] == "13"
        assert headers["upgrade"] == "websocket"
        await raw.close()


async def test_readiness_ends_with_draining() -> None:
    async with serving() as running:
        raw = await running.raw()
        running.service.relay.drain()
        assert (await raw.ask("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"))[0] == 503
        await raw.close()
        raw = await running.raw()
        assert (await raw.ask(running.upgrade()))[0] == 503
        await raw.close()


async def test_at_debug_level_the_log_tells_nothing_of_a_client(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Canaries: keys, room, door, ids, blobs, the address and port of a client, a header."""
    caplog.set_level(logging.DEBUG)
    configure_logging(Settings(log_level="debug"))
    logging.getLogger("alcove_server").setLevel(logging.DEBUG)
    async with serving(log_level="debug") as running:
        room, host, (ann,), door = await seated(running, 1)
        await ann.ask(ann.blob(b"canary-in-a-blob"), Published)
        bad = await running.upgraded()
        bad.send(b"\x82\x8d\0\0\0\0canary-frame!")
        await bad.close_code()
        raw = await running.raw()
        await raw.ask("GET /canary-path HTTP/1.1\r\nHost: a\r\nX-Canary: canary-header\r\n\r\n")
        broken = await running.raw()
        await broken.ask("GET / HTTP/1.1\r\nHost: canary host\r\n\r\n")
        ports = [one.socket.local_address[1] for one in (host, ann)]
        await _break_something(running, ann)
    told = caplog.text + "".join(capfd.readouterr())
    canaries = [b"canary", room.id, host.public, ann.public, door.id]
    for secret in canaries:
        for form in (secret.hex(), repr(secret)[2:-1], secret.decode("latin-1")):
            assert form not in told
    for port in ports:
        assert str(port) not in told
    assert "127.0.0.1" not in told
    # The control: what the relay does say is there, so the net would have caught the rest.
    assert "ZeroDivisionError at" in told


async def _break_something(running: Running, client: Client) -> None:
    """An unforeseen error whose message quotes a client."""

    class Broken:
        def publish_soon(self, publication: Publication, done: PublishDone) -> None:
            done(publication, ZeroDivisionError(f"canary {client.public.hex()}"))

        def __getattr__(self, name: str) -> object:
            return getattr(running.service.store, name)

    running.service.relay.services.store = cast(Store, Broken())
    refused = await client.ask(client.blob(b"canary-in-a-blob"), RequestRefused)
    assert refused.code == "unavailable"


async def test_an_error_below_the_connection_is_told_without_what_it_quotes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("canary")

    async with serving() as running:
        client = await running.client()
        monkeypatch.setattr("alcove_server.net.websocket.WebSocket._deliver", broken)
        await client.socket.send(b"anything")
        await client.socket.wait_closed()
        assert len(running.service.relay) == 0
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage().startswith("ZeroDivisionError at ")
    assert "canary" not in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not tell")
@pytest.mark.parametrize("connections", [700, 3000])
async def test_as_many_may_come_at_once_as_there_are_places(connections: int) -> None:
    async with serving(connections=connections) as running:
        assert running.queue() == min(connections, longest_queue())


async def test_no_connection_costs_a_task() -> None:
    def of_the_relay() -> int:
        return sum("alcove_server" in repr(task.get_coro()) for task in asyncio.all_tasks())

    async with serving() as running:
        before = of_the_relay()
        _, host, _, _ = await seated(running, 3)
        await host.ask(host.blob(), Published)
        assert of_the_relay() == before
