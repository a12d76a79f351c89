"""A real relay on a free port of this machine, and clients that speak to it from raw sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import (
    Answer,
    Authenticate,
    Authenticated,
    BlobClass,
    Challenge,
    Done,
    Frame,
    Knock,
    OpenRoom,
    Publish,
    Published,
    PutDoor,
    Request,
    Resume,
    Resumed,
    WelcomeIs,
    from_relay,
)
from alcove_protocol.labels import Label
from alcove_server.net.tls import Tls
from alcove_server.process.serving import Service, address_of, listen, listen_for_health
from alcove_server.settings import Settings
from nacl.signing import SigningKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.certificates import Certificates
from tests.server.keys import Door, Facilitated, answer, public, sign
from tests.server.steered import SteeredTime

F = TypeVar("F", bound=Frame)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@asynccontextmanager
async def serving(
    certificates: Certificates | None = None, **settings: object
) -> AsyncIterator[Running]:
    """A relay with these settings, and with TLS if it has certificates, until the block ends. Its
    time stands still until a test advances `time`."""
    chosen = Settings(port=0, **settings)  # type: ignore[arg-type]  # values of many types
    listener, tls, trust, time = listen(chosen), None, None, SteeredTime()
    if certificates is not None:
        tls = Tls(str(certificates.certificate), str(certificates.key))
        trust = certificates.trust()
    health = listen_for_health(chosen)
    service = Service(chosen, listener, time, tls, time, health)
    running = Running(service, address_of(listener), trust)
    running.health = None if health is None else Running(service, address_of(health))
    running.time = time
    task = asyncio.create_task(running.service.run())
    await running.service.ready()
    try:
        yield running
    finally:
        await running.hang_up()
        running.service.stop()
        while not task.done():
            await time.advance(1)
            await asyncio.wait([task], timeout=0.001)
        await task


def longest_queue() -> int:
    """What the kernel cuts every listener's queue to."""
    return int(Path("/proc/sys/net/core/somaxconn").read_text())


class Running:
    """A relay that runs. `service` and `time` are there when it does so in this process."""

    service: Service
    time: SteeredTime
    health: Running | None = None
    """The port for health, if there is one: it is asked as the other is."""

    def __init__(
        self, service: Service | None, address: str, trust: ssl.SSLContext | None = None
    ) -> None:
        """With `trust` its clients speak TLS."""
        if service is not None:
            self.service = service
        self.host = address.removeprefix("http://")
        self.address, _, port = self.host.rpartition(":")
        self.port = int(port)
        self.trust = trust
        self._writers: list[asyncio.StreamWriter] = []
        self._sockets: list[ClientConnection] = []

    def queue(self) -> int:
        """How many connections the listener's queue holds. Linux only: of a socket that listens it
        is `tcpi_sacked` of struct tcp_info."""
        told = self.service._listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
        (length,) = struct.unpack_from("I", told, 28)
        assert isinstance(length, int)
        return length

    async def hang_up(self) -> None:
        """Close what a test left open, as a failed one does."""
        if self.health is not None:
            await self.health.hang_up()
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        for one in self._sockets:
            one.transport.abort()
            await one.wait_closed()

    async def get(self, path: str) -> tuple[int, bytes]:
        """The status and the body of one page."""
        raw = await self.raw()
        status, _ = await raw.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        body = await raw.ended()
        await raw.close()
        return status, body

    async def raw(self) -> Raw:
        return await self._connected(self.trust)

    async def bare(self) -> Raw:
        """A client that has not begun with TLS."""
        return await self._connected(None)

    async def _connected(self, trust: ssl.SSLContext | None) -> Raw:
        reader, writer = await asyncio.open_connection(self.address, self.port, ssl=trust)
        self._writers.append(writer)
        return Raw(self, reader, writer)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the relay work, one request after the other, until something holds."""
        for _ in range(1000):
            if holds():
                return
            probe = await self.raw()
            await probe.ask("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            await probe.ended()
            await probe.close()
        raise AssertionError("it never held")

    async def upgraded(self) -> Raw:
        """A raw socket after its upgrade, the challenge read."""
        raw = await self.raw()
        status, _ = await raw.ask(self.upgrade())
        assert status == 101
        raw.challenge = await raw.frame(Challenge)
        return raw

    def upgrade(self, *more: str, host: str | None = None, offer: str = "alcove.v1") -> str:
        lines = [
            "GET /v1/connect HTTP/1.1",
            f"Host: {host or self.host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 13",
            *([f"Sec-WebSocket-Protocol: {offer}"] if offer else []),
            *more,
        ]
        return "\r\n".join(lines) + "\r\n\r\n"

    async def client(self, key: SigningKey | None = None) -> Client:
        """A client as others would write one."""
        link = await connect(
            f"{'ws' if self.trust is None else 'wss'}://{self.host}/v1/connect",
            ssl=self.trust,
            subprotocols=[Subprotocol("alcove.v1")],
            compression=None,
            max_size=limits.FRAME,
            # A slow machine is no failure: what bounds a hang is pytest's own timeout.
            open_timeout=None,
            ping_interval=None,
            close_timeout=None,
        )
        self._sockets.append(link)
        client = Client(self, link, key if key is not None else SigningKey.generate())
        client.nonce = (await client.one(Challenge)).nonce
        return client


class Raw:
    """One TCP connection, byte by byte."""

    challenge: Challenge

    def __init__(
        self, running: Running, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.running = running
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes | str) -> None:
        self.writer.write(data if isinstance(data, bytes) else data.encode("latin-1"))

    async def ask(self, request: bytes | str) -> tuple[int, dict[str, str]]:
        """Send a request. Return the status and headers of its answer."""
        self.send(request)
        return await self.answer()

    async def answer(self) -> tuple[int, dict[str, str]]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split(" ")[1]), headers

    async def message(self) -> tuple[int, bytes]:
        """The next WebSocket frame that is no ping: its opcode and payload."""
        while True:
            first, second = await self.reader.readexactly(2)
            size = second & 0x7F
            assert not second & 0x80  # a server does not mask
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            payload = await self.reader.readexactly(size)
            if first & 0x0F != 9:
                return first & 0x0F, payload

    async def frame(self, kind: type[F]) -> F:
        opcode, payload = await self.message()
        assert opcode == 2
        frame = from_relay(payload)
        assert isinstance(frame, kind), frame
        return frame

    async def close_code(self) -> int:
        """The code of the close frame past all other frames, or 1006 when there is none."""
        try:
            while True:
                opcode, payload = await self.message()
                if opcode == 8:
                    return int.from_bytes(payload[:2], "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            return 1006

    async def ended(self) -> bytes:
        """Everything until the relay closes."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""

    async def close(self) -> None:
        self.writer.close()


def masked(
    first: int, payload: bytes = b"", *, claim: int | None = None, mask: bool = True
) -> bytes:
    """A client's frame. `claim` writes another length than the payload has."""
    size = len(payload) if claim is None else claim
    flag = 0x80 if mask else 0
    if size < 126:
        head = bytes([first, flag | size])
    elif size < 1 << 16:
        head = bytes([first, flag | 126]) + struct.pack("!H", size)
    else:
        head = bytes([first, flag | 127]) + struct.pack("!Q", size)
    # A mask of zeros is a mask, and leaves the payload readable here.
    return head + (bytes(4) if mask else b"") + payload


class Client:
    """One person over a real WebSocket."""

    nonce: bytes

    def __init__(self, running: Running, socket: ClientConnection, key: SigningKey) -> None:
        self.running = running
        self.socket = socket
        self.key = key
        self.base = bytes(16)
        self._n = 0

    @property
    def public(self) -> bytes:
        return public(self.key)

    def next_n(self) -> int:
        self._n += 1
        return self._n

    async def send(self, frame: Request) -> None:
        await self.socket.send(frame.to_bytes())

    async def heard(self) -> Frame:
        data = await self.socket.recv()
        assert isinstance(data, bytes)
        return from_relay(data)

    async def one(self, kind: type[F]) -> F:
        frame = await self.heard()
        assert isinstance(frame, kind), frame
        return frame

    async def ask(self, frame: Request, kind: type[F]) -> F:
        """Send a request. Return its answer, which must be of this kind."""
        await self.send(frame)
        while True:
            answer = await self.heard()
            if isinstance(answer, Answer) and answer.n == frame.n:
                assert isinstance(answer, kind), answer
                return answer

    async def until(self, kind: type[F]) -> F:
        """The next frame of a kind, past all others."""
        while True:
            frame = await self.heard()
            if isinstance(frame, kind):
                return frame

    async def closed(self) -> int | None:
        """The close code, past all frames before it."""
        try:
            while True:
                await self.socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else None

    async def authenticate(
        self, room: Facilitated, role: str = "member", door: Door | None = None
    ) -> Authenticated:
        body = answer(self.key, room.id, role, self.nonce, door=door, host=self.running.host)
        mine = sign(self.key, Label.CHALLENGE, body)
        doors = sign(door.key, Label.CHALLENGE, body).signature if door is not None else None
        opening = room.chain[0].encode() if role == "reseat" else None
        frame = Authenticate(self.next_n(), mine.body, mine.signature, doors, opening)
        return await self.ask(frame, Authenticated)

    async def open(self) -> Facilitated:
        """Open a room with this client's key, and be live in it."""
        room = Facilitated(relay_key=self.key)
        first = room.chain[0]
        await self.ask(OpenRoom(self.next_n(), first.body, first.signature), Done)
        await self.authenticate(room)
        self.base = (await self.resume()).base
        return room

    async def resume(self, position: bytes = bytes(16)) -> Resumed:
        return await self.ask(Resume(self.next_n(), position, 0), Resumed)

    async def knock(self, room: Facilitated, door: Door) -> None:
        await self.authenticate(room, "door", door)
        await self.ask(Knock(self.next_n(), os.urandom(16), b"a sealed knock"), Done)

    async def put_door(self, room: Facilitated, door: Door) -> None:
        said = door.statement(room)
        await self.ask(PutDoor(self.next_n(), said.body, said.signature, door.card), Done)

    async def admit(self, room: Facilitated, newcomer: Client, door: Door) -> None:
        """Admit a newcomer who knocked. Both are live afterwards."""
        content, sealed = os.urandom(40), pack_list([newcomer.public + b"a sealed Welcome"])
        add = room.add(newcomer.public, door.id)
        entry = room.entry([add], base=self.base, commit=content, welcomes=sealed)
        commit = Publish(
            self.next_n(),
            os.urandom(16),
            self.base,
            BlobClass.COMMIT,
            limits.TTL_DEFAULT,
            content,
            entry.body,
            entry.signature,
            sealed,
        )
        await self.send(commit)
        self.base = (await self.until(Published)).position
        room.take(entry)
        await newcomer.until(WelcomeIs)
        newcomer.base = self.base
        await newcomer.resume(self.base)

    def blob(self, content: bytes = b"ciphertext", id: bytes | None = None) -> Publish:
        id = id if id is not None else os.urandom(16)
        return Publish(
            self.next_n(), id, self.base, BlobClass.APPLICATION, limits.TTL_DEFAULT, content
        )
