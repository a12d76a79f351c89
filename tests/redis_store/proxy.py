"""A link that can fall silent: what is sent arrives neither, nor is it refused. No end of the
connection learns of it, as when a network drops packets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Link:
    """A TCP proxy. While it is silent, it reads nothing and accepts without going on."""

    def __init__(self, port: int) -> None:
        """`port` is that of the server behind it."""
        self._behind = port
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def silence(self) -> None:
        self._open.clear()

    def open(self) -> None:
        """What waited arrives now, as TCP sends it again."""
        self._open.set()

    def accepted(self, near: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(self._join(near, far)))

    async def _join(self, near: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        writers = [far]
        try:
            await self._open.wait()
            reader, writer = await asyncio.open_connection("127.0.0.1", self._behind)
            writers.append(writer)
            carrying = [
                asyncio.create_task(self._carry(near, writer)),
                asyncio.create_task(self._carry(reader, far)),
            ]
            try:
                await asyncio.wait(carrying, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in carrying:
                    one.cancel()
                await asyncio.gather(*carrying, return_exceptions=True)
        except OSError:
            pass  # the server is gone
        finally:
            for writer in writers:  # all of them first: waiting can be cancelled
                writer.transport.abort()
            for writer in writers:
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            data = await reader.read(1 << 16)
            await self._open.wait()
            writer.write(data)
            if not data:
                return
            await writer.drain()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def link(port: int) -> AsyncIterator[Link]:
    """A link to a server of this machine."""
    made = Link(port)
    listener = await asyncio.start_server(made.accepted, "127.0.0.1", 0)
    made.port = listener.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listener.close()
        await made._end()
