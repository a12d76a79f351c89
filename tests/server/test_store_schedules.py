"""Clients act at random while the store takes random times and sometimes fails. In the end each
client has been answered once, and told everything once and in order.

A failure shows its seed, and the same seed fails again, as far as keys do not matter.
"""

from __future__ import annotations

import asyncio
import contextlib
from random import Random
from typing import cast

import pytest
from alcove_protocol.frames import (
    Authenticated,
    BlobIs,
    Done,
    Knock,
    LobbyItem,
    LobbyKind,
    Published,
    RefuseKnock,
    Request,
    RequestRefused,
    Resume,
    Resumed,
    Settle,
)
from alcove_protocol.position import Position
from alcove_server.store.interface import Store

from tests.randomness import SEED
from tests.server.scene import Person
from tests.server.waiting import Waited, Waiting, client_of, turns

SEEDS = 25
"""Seeds that take 3 s together."""

SCHEDULES = pytest.mark.parametrize("fails", [0.0, 0.03])
EACH_SEED = pytest.mark.parametrize("seed", range(SEED * SEEDS, (SEED + 1) * SEEDS))


class Unsteady(Waiting):
    """A store whose calls take random times and sometimes fail, before or after the store acts."""

    def __init__(self, store: Store, chance: Random, fails: float) -> None:
        super().__init__(store)
        self.chance = chance
        self.often = fails

    async def before(self, name: str) -> None:
        await self.after()

    async def after(self) -> None:
        await turns(self.chance.randrange(4))
        if self.chance.random() < self.often:
            raise OSError("the store is away")


class Client:
    """A client that keeps what a real one keeps, and comes back when the relay says so."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.number = Position.decode(person.position).number
        self.items: dict[int, LobbyItem] = {}
        self.item = 0
        self.asked: set[int] = set()
        self.coming: set[int] = set()
        """The requests without which this connection is of no use."""
        self.resuming: int | None = None

    # --- asking -----------------------------------------------------------------------------

    def ask(self, frame: Request) -> None:
        self.asked.add(frame.n)
        self.person.send(frame)

    def say(self, content: bytes) -> None:
        self.ask(self.person.blob(content))

    def resume(self) -> None:
        """Resume. Frames before the answer no longer count."""
        n = self.resuming = self.person.next_n()
        self.coming.add(n)
        self.ask(Resume(n, self.person.scene.position(self.number), self.item))

    def resume_anew(self) -> None:
        self.take()
        self.resume()

    def come_again(self) -> None:
        self.person.link.close()
        self.person.fetch()
        self.asked.clear()
        self.person.connect()
        frame = self.person.auth_frame("member")
        self.coming = {frame.n}
        self.ask(frame)
        self.resume()

    def block(self) -> None:
        """The network stops taking bytes, or takes them again."""
        self.person.link.blocked = not self.person.link.blocked

    # --- hearing ----------------------------------------------------------------------------

    def drain(self) -> None:
        """The network took all bytes."""
        self.take()
        assert self.person.link.session is not None
        self.person.link.session.drained()

    def take(self) -> None:
        for frame in self.person.fetch():
            if isinstance(frame, Published | Done | Authenticated | Resumed | RequestRefused):
                assert frame.n in self.asked, f"answered twice: {frame}"
                self.asked.remove(frame.n)
            if isinstance(frame, RequestRefused) and frame.n in self.coming:
                self.come_again()
                return
            if isinstance(frame, Resumed) and frame.n == self.resuming:
                self.resuming = None
            if self.resuming is None:
                self.hear(frame)
        if self.person.closed is not None:
            self.come_again()

    def hear(self, frame: object) -> None:
        if isinstance(frame, LobbyItem):
            assert frame.number > self.item, "told twice, or out of order"
            self.item = frame.number
            self.items[frame.number] = frame
        elif isinstance(frame, BlobIs | Published):
            number = Position.decode(frame.position).number
            if isinstance(frame, Published) and number <= self.number:
                return  # of an id that was taken before
            assert number == self.number + 1, "a hole, or told twice"
            self.number = number


class Unsteadily:
    """The clients of one room whose store is unsteady."""

    def __init__(self, seed: int, fails: float, others: int) -> None:
        self.chance = Random(seed)
        self.scene = scene = Waited(slow=False)
        self.door = scene.put_door()
        people = [scene.host, *(scene.member(self.door) for _ in range(others))]
        for one in people:
            one.fetch()
        self.store = Unsteady(scene.memory, self.chance, fails)
        scene.relay.relay.services.store = cast(Store, self.store)
        self.clients = [Client(one) for one in people]

    async def step(self) -> None:
        """Let work under way go on for a random time."""
        await turns(self.chance.randrange(12))
        for one in self.clients:
            if not one.person.link.blocked or self.chance.random() < 0.3:
                one.drain()

    async def settle(self) -> None:
        """The store works again, and every client hears everything."""
        self.store.often = 0
        for one in self.clients:
            one.person.link.blocked = False
        for _ in range(60):
            await turns(20)
            for one in self.clients:
                one.drain()
        await self.scene.ring()
        await turns(20)
        for one in self.clients:
            one.take()
            assert not one.asked, "never answered"
            assert one.resuming is None
        relay_room = self.scene.relay.relay.rooms.loaded[self.scene.room.id]
        assert set(relay_room.live.values()) == {client_of(one.person) for one in self.clients}


@SCHEDULES
@EACH_SEED
async def test_every_client_hears_every_blob_once_in_order(seed: int, fails: float) -> None:
    room = Unsteadily(seed, fails, others=2)
    chance = room.chance
    for _ in range(150):
        one = chance.choice(room.clients)
        acts = (one.resume_anew, one.come_again, one.block, one.take)
        if chance.random() < 0.6:
            one.say(bytes(chance.choice([10, 30_000])))
        else:
            chance.choices(acts, (10, 8, 7, 15))[0]()
        await room.step()
    await room.settle()
    head = await room.scene.memory.head(room.scene.room.id)
    assert head is not None
    assert [one.number for one in room.clients] == [head.number] * 3


class Lobby(Unsteadily):
    """A room with one member, its facilitator, and what happens in its lobby."""

    def __init__(self, seed: int, fails: float) -> None:
        super().__init__(seed, fails, others=0)
        (self.host,) = self.clients
        self.newcomers: list[Person] = []
        self.rings: set[asyncio.Task[None]] = set()

    def id(self) -> bytes:
        return self.chance.randbytes(16)

    async def request(self) -> None:
        """Another node takes a request of one of ten members, and rings."""
        key, blob = bytes([self.chance.randrange(10)]) * 32, self.chance.choice([10, 10, 30_000])
        room = self.scene.room.id
        await self.scene.memory.add_item(room, LobbyKind.REQUEST, key, self.id(), bytes(blob))
        ring = asyncio.create_task(self.ring())
        self.rings.add(ring)
        ring.add_done_callback(self.rings.discard)

    async def ring(self) -> None:
        with contextlib.suppress(OSError):
            await self.scene.ring()

    async def answer(self) -> None:
        """The facilitator settles an item, which may have ended meanwhile."""
        if self.host.items:
            id, n = self.chance.choice(list(self.host.items.values())).id, self.host.person.next_n()
            self.host.ask(self.chance.choice([Settle(n, id), RefuseKnock(n, id, b"no")]))

    async def knock(self) -> None:
        person = Person(self.scene)
        person.send(person.auth_frame("door", self.door))
        person.send(Knock(person.next_n(), self.id(), b"knock"))
        self.newcomers.append(person)

    async def leave(self) -> None:
        if self.newcomers:
            self.chance.choice(self.newcomers).link.close()

    async def connect(self) -> None:
        host = self.host
        self.chance.choices((host.resume_anew, host.come_again, host.block), (8, 6, 6))[0]()


@SCHEDULES
@EACH_SEED
async def test_a_facilitator_hears_every_item_and_its_end_once_in_order(
    seed: int, fails: float
) -> None:
    lobby = Lobby(seed, fails)
    acts = (lobby.request, lobby.answer, lobby.knock, lobby.leave, lobby.connect)
    for _ in range(120):
        await lobby.chance.choices(acts, (35, 15, 12, 8, 30))[0]()
        await lobby.step()
    await lobby.settle()
    known = lobby.host.items
    over = {item.id for item in known.values() if item.kind == LobbyKind.GONE}
    page = await lobby.scene.memory.read_lobby(lobby.scene.room.id, 1, True)
    there = page.items
    assert not [item for item in there if item.kind != LobbyKind.GONE and item.number not in known]
    told = {item.id for item in known.values()}
    gone = {item.id for item in there if item.kind == LobbyKind.GONE}
    assert not (gone & told) - over
