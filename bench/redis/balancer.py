"""One address in front of several nodes: each connection goes to the next node that takes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

CHUNK: Final = 1 << 16


class Balancer:
    """A TCP proxy. It knows nothing of health: a client that is turned away comes again."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._next = count()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def accepted(self, near: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._join(near, far))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, near: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        writers = [far]
        try:
            reader, writer = await self._behind()
            writers.append(writer)
            both = [
                asyncio.create_task(_carry(near, writer)),
                asyncio.create_task(_carry(reader, far)),
            ]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        except OSError:
            pass  # no node takes it
        finally:
            for writer in writers:
                writer.close()

    async def _behind(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the next node that is there. Raises `OSError`."""
        for _ in self._ports:
            port = self._ports[next(self._next) % len(self._ports)]
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
        raise ConnectionRefusedError("no node is there")

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def balancer(ports: Sequence[int]) -> AsyncIterator[Balancer]:
    """Until the block ends. `ports` may be filled later."""
    made = Balancer(ports)
    listener = await asyncio.start_server(made.accepted, "127.0.0.1", 0)
    made.port = listener.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listener.close()
        await made.close()
