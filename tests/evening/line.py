"""One person's way to the relay: a SOCKS proxy (RFC 1928), as a person gives it by `--proxy`.

A line that is *held* ends the connection. The next one waits at the proxy, as on a phone without
coverage, and goes on at once when the line is let go. Through one that is *muted* the person hears,
and what their client says is still on its way.
"""

import asyncio
import contextlib
from typing import Final, Self, TypeVar

from alcove_protocol.frames import Frame

from tests.evening.wire import frames_of_client, frames_of_relay

F = TypeVar("F", bound=Frame)

_NO_AUTHENTICATION: Final = b"\x05\x00"
_ANSWER: Final = b"\x05\x00\x00\x01" + bytes(6)
_SIZE: Final = 65536
WITHIN: Final = 60.0
"""Seconds that a frame may take to go out on a busy machine."""


class Line:
    """By `async with`. `port` is the relay's."""

    def __init__(self, port: int) -> None:
        self._relay = port
        self._open = asyncio.Event()
        self._open.set()
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._streams: list[tuple[bytearray, bytearray]] = []
        """Of each connection, what the person sent, and what the relay gave."""
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def proxy(self) -> str:
        assert self._server is not None
        return f"socks5://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def open(self) -> bool:
        return self._open.is_set()

    @property
    def given(self) -> bytes:
        """All that the relay gave to this person."""
        return b"".join(down for _, down in self._streams)

    def gave(self, kind: type[F]) -> list[F]:
        """The frames of this kind that the relay sent to this person."""
        every = (frame for _, down in self._streams for frame in frames_of_relay(bytes(down)))
        return [frame for frame in every if isinstance(frame, kind)]

    def sent(self, kind: type[F]) -> list[F]:
        """The frames of this kind that this person's client sent."""
        every = (frame for up, _ in self._streams for frame in frames_of_client(bytes(up)))
        return [frame for frame in every if isinstance(frame, kind)]

    async def until_sent(self, kind: type[Frame], more_than: int) -> None:
        """Wait until this person's client has sent more frames of this kind than so many."""
        async with asyncio.timeout(WITHIN), self._news:
            await self._news.wait_for(lambda: len(self.sent(kind)) > more_than)

    def mute(self) -> None:
        """What the client sends does not arrive, until `let_go`."""
        self._speaks.clear()

    def hold(self) -> None:
        """Nothing goes through from now on."""
        self._open.clear()
        for writer in self._writers:
            writer.transport.abort()

    def let_go(self) -> None:
        self._open.set()
        self._speaks.set()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            try:
                await self._greet(reader, writer)
                await self._open.wait()
                await self._carry(reader, writer)
            finally:
                writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _version, methods = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(_NO_AUTHENTICATION)
        _version, _connect, _reserved, kind = await reader.readexactly(4)
        size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        await reader.readexactly(size + 2)  # where to: there is one relay

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_relay = await asyncio.open_connection("127.0.0.1", self._relay)
        both = {writer, to_relay[1]}
        self._writers |= both
        up, down = bytearray(), bytearray()
        self._streams.append((up, down))
        try:
            writer.write(_ANSWER)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, to_relay[1], up, muted=True))
                group.create_task(self._copy(to_relay[0], writer, down))
        except ExceptionGroup:
            pass  # one of the two ends is gone
        finally:
            self._writers -= both
            to_relay[1].close()

    async def _copy(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kept: bytearray,
        *,
        muted: bool = False,
    ) -> None:
        """Until one end closes, which ends the other direction too. `muted`: while `mute` holds."""
        while data := await reader.read(_SIZE):
            kept += data
            async with self._news:
                self._news.notify_all()
            if muted:
                await self._speaks.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionError

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
