"""One person's way to the relay: a SOCKS proxy (RFC 1928), as a person gives it by `--proxy`.

A line that is *held* ends the connection. The next one waits at the proxy, as on a phone without
coverage, and goes on at once when the line is let go.
"""

import asyncio
import contextlib
from typing import Final, Self

_NO_AUTHENTICATION: Final = b"\x05\x00"
_ANSWER: Final = b"\x05\x00\x00\x01" + bytes(6)
_SIZE: Final = 65536


class Line:
    """By `async with`. `port` is the relay's."""

    def __init__(self, port: int) -> None:
        self._relay = port
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.given = bytearray()
        """All that the relay gave to this person."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def proxy(self) -> str:
        assert self._server is not None
        return f"socks5://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def open(self) -> bool:
        return self._open.is_set()

    def hold(self) -> None:
        """Nothing goes through from now on."""
        self._open.clear()
        for writer in self._writers:
            writer.transport.abort()

    def let_go(self) -> None:
        self._open.set()

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
        try:
            writer.write(_ANSWER)
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, to_relay[1], bytearray()))
                group.create_task(_copy(to_relay[0], writer, self.given))
        except ExceptionGroup:
            pass  # one of the two ends is gone
        finally:
            self._writers -= both
            to_relay[1].close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    """Until one end closes, which ends the other direction too."""
    while data := await reader.read(_SIZE):
        kept += data
        writer.write(data)
        await writer.drain()
    raise ConnectionError
