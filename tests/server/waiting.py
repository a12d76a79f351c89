"""A room whose store makes the relay wait, as one on another machine does, and fails when told to.

scene = Waited(slow=False)         # the room is open, and the store does not wait yet
ann = scene.member(scene.put_door())
scene.slowly()
scene.store.failing["head"] = 1    # the next call of `head` fails
ann.send(...); await turns(100)
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    LobbyItem,
    LobbyKind,
    Published,
    Refused,
    Resumed,
)
from alcove_protocol.position import Position
from alcove_server.client.client import Client
from alcove_server.ports.runner import OnLoop
from alcove_server.session.session import Session
from alcove_server.store.interface import Publication, Store
from alcove_server.store.memory.store import MemoryStore
from alcove_server.testing.embedded import embedded

from tests.server.scene import Person, Scene

TURNS = 3

STEPS = pytest.mark.parametrize("step", range(40))
"""After so many turns of the loop something happens in the middle of another thing."""


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def items(person: Person) -> list[tuple[int, int]]:
    """Kinds and numbers of what reached a facilitator from the lobby since."""
    return [(one.kind, one.number) for one in person.fetch() if isinstance(one, LobbyItem)]


def client_of(person: Person) -> Client:
    """The relay's side of somebody's connection."""
    assert person.link.session is not None
    return person.link.session.client


class Waiting:
    """Each call takes some turns of the loop before the store acts, and some after. All fail while
    `fails`, and of each method as many as `failing` says."""

    publish_now = None

    def __init__(self, store: Store) -> None:
        self.store = store
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

    async def before(self, name: str) -> None:
        """Raises `OSError` where it is to fail."""
        await turns(TURNS)
        if self.fails or self.failing[name] > 0:
            self.failing[name] -= 1
            raise OSError("the store is away")

    async def after(self) -> None:
        await turns(TURNS)


class Waited(Scene):
    """A room whose store waits from the time it is open, or from when it is told to."""

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
        """From now on the store waits."""
        self.relay.relay.services.store = cast(Store, self.store)

    def at_once(self) -> None:
        """From now on it does not."""
        self.relay.relay.services.store = self.memory

    @property
    def session(self) -> Session:
        assert self.host.link.session is not None
        return self.host.link.session

    async def elsewhere(self, count: int = 1, size: int = 30_000) -> None:
        """Blobs that another node took; nobody rang yet."""
        for _ in range(count):
            await self.memory.publish(
                Publication(
                    self.room.id,
                    bytes(32),
                    os.urandom(16),
                    self.base,
                    BlobClass.COMMIT,
                    limits.TTL_DEFAULT,
                    bytes(size),
                    self.room.roster.head,
                )
            )
            self.base = self.base[:8] + (int.from_bytes(self.base[8:], "big") + 1).to_bytes(
                8, "big"
            )

    async def request(self) -> bytes:
        """A request that another node took; nobody rang yet. Its id."""
        id = os.urandom(16)
        await self.memory.add_item(self.room.id, LobbyKind.REQUEST, id * 2, id, b"a request")
        return id

    async def ring(self) -> None:
        """Another node says that something changed."""
        await self.relay.relay.rooms.ring(self.room.id)

    def told(self) -> list[tuple[type, int]]:
        """Kinds and numbers of what arrived since the last `Resumed`."""
        told: list[tuple[type, int]] = []
        for frame in self.host.fetch():
            if isinstance(frame, Resumed):
                told = []
            elif isinstance(frame, BlobIs | Published):
                told.append((type(frame), Position.decode(frame.position).number))
            else:
                assert not isinstance(frame, Refused), frame
        return told
