"""A room whose store makes the relay wait, as a store on another machine does, and fails on demand.

scene = Waited(slow=False)         # the room is open, and the store does not wait yet
ann = scene.member(scene.put_door())
scene.slowly()
scene.store.failing["head"] = 1    # the next call of `head` fails
ann.send(...); await turns(100)
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    LobbyItem,
    LobbyKind,
    Published,
    RequestRefused,
    Resumed,
)
from alcove_protocol.position import Position
from alcove_server.client.client import Client
from alcove_server.ports.runner import OnLoop
from alcove_server.relay import Relay
from alcove_server.session.session import Session
from alcove_server.store.interface import Publication, PublishDone, Store, StoredBlob, Taken
from alcove_server.store.memory.store import MemoryStore
from alcove_server.testing.embedded import embedded

from tests.server.scene import Person, Scene

TURNS = 3

STEPS = pytest.mark.parametrize("step", range(40))
"""Turns of the loop after which one thing happens in the middle of another."""


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def items(person: Person) -> list[tuple[int, int]]:
    """Kinds and numbers of the lobby items that reached a facilitator since the last call."""
    return [(one.kind, one.number) for one in person.fetch() if isinstance(one, LobbyItem)]


def client_of(person: Person) -> Client:
    """The relay's side of a person's connection."""
    assert person.link.session is not None
    return person.link.session.client


class Waiting:
    """A store whose calls each take turns of the loop before the store acts, and after. All calls
    fail while `fails` is set, and `failing` counts the next calls of each method that fail."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.listen, self.watch, self.unwatch = store.listen, store.watch, store.unwatch
        self.connected, self.disconnected = store.connected, store.disconnected
        self._soon: list[tuple[Publication, PublishDone]] = []
        self._order = asyncio.Lock()
        self._flushes: set[asyncio.Task[None]] = set()
        self.fails = False
        self.failing: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, object]]:
        act = getattr(self.store, name)

        async def call(*given: object) -> object:
            await self.before(name)
            answer: object = await act(*given)
            await self.after()
            return answer

        return call

    def publish_soon(self, publication: Publication, done: PublishDone) -> None:
        """A batch takes the publications that wait when it begins. Batches keep their order."""
        self._soon.append((publication, done))
        if len(self._soon) == 1:
            flush = asyncio.create_task(self._flush())
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)

    async def _flush(self) -> None:
        async with self._order:
            batch, self._soon = self._soon, []
            outcomes: list[Taken | Exception] = []
            try:
                await self.before("publish_soon")
                for publication, _ in batch:
                    self.store.publish_soon(
                        publication, lambda _, outcome: outcomes.append(outcome)
                    )
                await self.after()
            except OSError as error:
                outcomes = [error] * len(batch)
            for (publication, done), outcome in zip(batch, outcomes, strict=True):
                done(publication, outcome)

    async def before(self, name: str) -> None:
        """Raises `OSError` where the call is to fail."""
        await turns(TURNS)
        if self.fails or self.failing[name] > 0:
            self.failing[name] -= 1
            raise OSError("the store is away")

    async def after(self) -> None:
        await turns(TURNS)


class Deaf:
    """A listener that hears nothing, as long as the store's word has not come."""

    def on_blob(self, room: bytes, generation: bytes, blob: StoredBlob) -> None: ...

    def on_passed(self, room: bytes, sender: bytes, message: bytes) -> None: ...

    def on_ring(self, room: bytes) -> None: ...

    def on_away(self, room: bytes) -> None: ...


@contextmanager
def unheard(relay: Relay) -> Iterator[None]:
    """Keep the store's word of changes from the relay. The block must not wait for the loop."""
    relay.services.store.listen(Deaf())
    yield
    relay.services.store.listen(relay.rooms)


class Waited(Scene):
    """A room whose store makes the relay wait: once it is open, or from `slowly` on."""

    def __init__(self, *, slow: bool = True) -> None:
        super().__init__()
        self.relay = embedded(self.clock, os.urandom, wall=self.clock, runner=OnLoop())
        self.open()
        self.memory = self.relay.store
        assert isinstance(self.memory, MemoryStore)
        self.store = Waiting(self.memory)
        self.relay_room = self.relay.relay.rooms.loaded[self.room.id]
        if slow:
            self.slowly()

    def slowly(self) -> None:
        """From now on the store makes the relay wait."""
        self.relay.relay.services.store = cast(Store, self.store)

    def at_once(self) -> None:
        """From now on it does not."""
        self.relay.relay.services.store = self.memory

    @property
    def session(self) -> Session:
        assert self.host.link.session is not None
        return self.host.link.session

    async def elsewhere(self, count: int = 1, size: int = 30_000) -> None:
        """Another node takes blobs, and the store's word of them has not come."""
        for _ in range(count):
            publication = Publication(
                self.room.id,
                bytes(32),
                os.urandom(16),
                self.base,
                BlobClass.COMMIT,
                limits.TTL_DEFAULT,
                bytes(size),
                self.room.roster.head,
            )
            with unheard(self.relay.relay):
                taken = await self.memory.publish(publication)
            self.base = taken.position.encode()

    async def request(self) -> bytes:
        """Another node takes a request, and the store's word of it has not come. Return its id."""
        id = os.urandom(16)
        with unheard(self.relay.relay):
            await self.memory.add_item(self.room.id, LobbyKind.REQUEST, id * 2, id, b"a request")
        return id

    async def ring(self) -> None:
        """Read what the store's word did not bring."""
        await self.relay.relay.rooms.catch_up(self.room.id)

    def told(self) -> list[tuple[type, int]]:
        """Kinds and numbers of the blobs and answers that arrived since the last `Resumed`."""
        told: list[tuple[type, int]] = []
        for frame in self.host.fetch():
            if isinstance(frame, Resumed):
                told = []
            elif isinstance(frame, BlobIs | Published):
                told.append((type(frame), Position.decode(frame.position).number))
            else:
                assert not isinstance(frame, RequestRefused), frame
        return told
