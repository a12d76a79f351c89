"""A store that makes the relay wait, as one on another machine does: others act meanwhile."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Bye,
    LobbyItem,
    LobbyKind,
    Published,
    Refused,
    Resume,
    Resumed,
)
from alcove_protocol.position import Position
from alcove_server.connection import Connection
from alcove_server.embedded import embedded
from alcove_server.outlet import Close
from alcove_server.runner import OnLoop
from alcove_server.store.interface import Publication, Store
from alcove_server.store.memory import MemoryStore

from tests.server.scene import Scene

TURNS = 3


class Waiting:
    """Each call takes some turns of the loop before the store acts, and some after."""

    publish_now = None

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fails = False

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, object]]:
        act = getattr(self.store, name)

        async def call(*given: object) -> object:
            await turns(TURNS)
            if self.fails:
                raise OSError("the store is away")
            answer: object = await act(*given)
            await turns(TURNS)
            return answer

        return call


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Waited(Scene):
    """A room whose store waits from the time it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.relay = embedded(self.clock, os.urandom, wall=self.clock, runner=OnLoop())
        self.open()
        self.memory = self.relay.store
        assert isinstance(self.memory, MemoryStore)
        self.store = Waiting(self.memory)
        self.hub = self.relay.relay.hubs[self.room.id]
        self.relay.relay.store = self.hub._store = cast(Store, self.store)

    @property
    def connection(self) -> Connection:
        assert self.host.link.connection is not None
        return self.host.link.connection

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


STEPS = pytest.mark.parametrize("step", range(40))
"""After so many turns of the loop something happens in the middle of another thing."""


@STEPS
async def test_an_outlet_that_drains_during_a_read_starts_no_second_replay(step: int) -> None:
    scene = Waited()
    await scene.elsewhere(30)
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(step)
    scene.connection.drained()
    await turns(100)
    assert [number for _, number in scene.told()] == list(range(1, 31))


@STEPS
async def test_who_resumes_anew_while_a_page_is_read_hears_all_once(step: int) -> None:
    scene = Waited()
    await scene.elsewhere(10)
    scene.host.link.blocked = True
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(60)
    scene.host.fetch()
    scene.connection.drained()
    scene.host.link.blocked = False
    await turns(step % 7)
    scene.host.send(Resume(78, bytes(16), 0))
    await turns(step)
    scene.connection.drained()
    await turns(100)
    assert [number for _, number in scene.told()] == list(range(1, 11))


@STEPS
async def test_a_publish_while_the_hub_reads_is_answered_in_its_place(step: int) -> None:
    scene = Waited()
    await scene.elsewhere()
    reading = asyncio.create_task(scene.relay.relay.ring(scene.room.id))
    await turns(step)
    scene.host.send(scene.host.blob(b"mine", BlobClass.BEAT))
    await turns(150)
    await reading
    assert scene.told() == [(BlobIs, 1), (Published, 2)]
    assert not scene.connection.unanswered


@STEPS
async def test_what_expires_while_the_hub_reads_is_answered(step: int) -> None:
    scene = Waited()
    await scene.elsewhere()
    reading = asyncio.create_task(scene.relay.relay.ring(scene.room.id))
    scene.host.send(scene.host.blob(b"mine", BlobClass.BEAT, ttl=10, base=scene.base))
    await turns(step)
    scene.clock.advance(10)
    await turns(150)
    await reading
    assert scene.told() == [(BlobIs, 1), (Published, 2)]
    assert not scene.connection.unanswered


@STEPS
async def test_a_publish_in_the_middle_of_a_replay_is_answered_once(step: int) -> None:
    scene = Waited()
    await scene.elsewhere(10)
    scene.host.link.blocked = True
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(60)
    told = scene.told()
    scene.host.link.blocked = False
    scene.connection.drained()
    await turns(step)
    scene.host.send(scene.host.blob(b"mine", BlobClass.BEAT))
    await turns(150)
    told += scene.told()
    assert told == [*((BlobIs, number) for number in range(1, 11)), (Published, 11)]


async def test_a_reader_that_fails_leaves_the_rest_to_the_next() -> None:
    scene = Waited()
    await scene.elsewhere()
    rings = [asyncio.create_task(scene.relay.relay.ring(scene.room.id)) for _ in range(3)]
    scene.store.fails = True
    await turns(TURNS + 2)
    scene.store.fails = False
    failed, *rest = await asyncio.gather(*rings, return_exceptions=True)
    assert isinstance(failed, OSError)
    assert rest == [None, None]
    await turns(2)
    assert scene.told() == [(BlobIs, 1)]


@STEPS
async def test_an_item_that_comes_while_the_lobby_is_read_is_told_once(step: int) -> None:
    scene = Waited()
    ids = [os.urandom(16) for _ in range(5)]

    async def add(id: bytes) -> None:
        await scene.memory.add_item(scene.room.id, LobbyKind.REQUEST, id * 2, id, b"a request")
        await scene.relay.relay.ring(scene.room.id)

    for id in ids[:3]:
        await scene.memory.add_item(scene.room.id, LobbyKind.REQUEST, id * 2, id, b"a request")
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(step)
    await add(ids[3])
    await turns(step)
    await add(ids[4])
    await turns(100)
    items = [frame.id for frame in scene.host.fetch() if isinstance(frame, LobbyItem)]
    assert items == ids


@STEPS
async def test_a_store_that_fails_during_a_resume_is_answered_once_and_nobody_is_left_deaf(
    step: int,
) -> None:
    scene = Waited()
    await scene.elsewhere(30)
    scene.host.fetch()
    scene.host.send(Resume(77, bytes(16), 0))
    await turns(step)
    scene.store.fails = True
    await turns(200)
    heard = scene.host.fetch()
    answers = [frame for frame in heard if isinstance(frame, Resumed | Refused)]
    assert [answer.n for answer in answers] == [77]
    deaf = isinstance(answers[0], Resumed) and scene.connection.replay is not None
    if scene.host.link.closed is not None:
        assert scene.host.link.closed == Close.TRY_AGAIN
        assert isinstance(heard[-1], Bye)
        assert heard[-1].code == "unavailable"
    else:
        assert not deaf
