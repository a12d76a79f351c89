"""A node for tests: a store of its own, and what it hears."""

from __future__ import annotations

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass
from alcove_server.store.budget import StoreBounds
from alcove_server.store.interface import Page, Publication, Taken
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import Address, parse

from tests.redis_store.server import until
from tests.server.store.bench import ANN, GENERATION, HEAD, OPENING, ROOM, START, Recorder


class Node:
    """A store that watches one room."""

    def __init__(
        self, at: str | Address, replicas: int = 0, bounds: StoreBounds | None = None
    ) -> None:
        """`at` is a URL, or what was made of one."""
        self.store = RedisStore(parse(at) if isinstance(at, str) else at, bounds, replicas)
        self.heard = Recorder()
        self.store.listen(self.heard)
        self.store.watch(ROOM)

    async def open(self) -> None:
        await self.store.open(ROOM, OPENING, HEAD, GENERATION)

    def soon(self, id: bytes, blob: bytes = b"said", ttl: int = 600) -> None:
        """Publish without waiting."""
        self.store.publish_soon(publication(id, blob, ttl), self.heard.on_done)

    async def publish(self, id: bytes, blob: bytes = b"said", ttl: int = 600) -> Taken:
        return await self.store.publish(publication(id, blob, ttl))

    async def told(self, count: int) -> None:
        """Wait until this node has heard so much."""

        async def heard() -> bool:
            return len(self.heard.told) >= count

        await until(heard)

    async def rung(self) -> None:
        """Wait until the room rang."""

        async def rang() -> bool:
            return ROOM in self.heard.told

        await until(rang)

    async def read(self) -> Page:
        """The log from its start, as soon as the store answers."""
        pages: list[Page] = []

        async def readable() -> bool:
            try:
                pages.append(await self.store.read(ROOM, START, 2**20))
            except Refusal as refusal:
                if refusal.code != "unavailable":
                    raise
                return False
            return True

        await until(readable)
        return pages[0]

    async def refusal(self) -> str:
        """The code with which a question is refused; empty when it is answered."""
        try:
            await self.store.head(ROOM)
        except Refusal as refusal:
            return refusal.code
        return ""

    async def back(self) -> None:
        """Wait until questions are answered."""

        async def answered() -> bool:
            return not await self.refusal()

        await until(answered)

    async def close(self) -> None:
        await self.store.close()


def publication(id: bytes, blob: bytes = b"said", ttl: int = 600) -> Publication:
    return Publication(ROOM, ANN, id, START.encode(), BlobClass.APPLICATION, ttl, blob, HEAD)


def id_of(number: int) -> bytes:
    return b"%016d" % number
