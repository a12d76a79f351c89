"""A relay on Redis in this process, and people in a room of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import alcove
from alcove_server.process.serving import Service, address_of, listen
from alcove_server.settings import Settings

from tests.client_sdk.waiting import until
from tests.redis_store.server import until as come_true


class Relay:
    """A relay that runs on the machine's time."""

    def __init__(self, store: str, replicas: int) -> None:
        settings = Settings(port=0, store=store, store_replicas=replicas)
        listener = listen(settings)
        self.service = Service(settings, listener)
        self.url = address_of(listener)


@asynccontextmanager
async def relay(store: str, replicas: int) -> AsyncIterator[Relay]:
    """Until the block ends."""
    made = Relay(store, replicas)
    running = asyncio.create_task(made.service.run())
    await made.service.ready()
    try:
        yield made
    finally:
        made.service.stop()
        await running


@asynccontextmanager
async def two(relay: Relay) -> AsyncIterator[tuple[alcove.Room, alcove.Room]]:
    """Ann, who opened the room, and Bob, whom she let in."""
    async with alcove.open_room(
        relay.url, title="Evening circle", agreement="What is said here stays here.", name="Ann"
    ) as ann:
        invite = (await until(ann, alcove.Opened)).invite
        async with alcove.join(invite, name="Bob", accept=True) as bob:
            await ann.admit((await until(ann, alcove.Knocked)).id)
            await until(bob, alcove.Joined)

            async def know_the_history() -> bool:
                members = [room._engine.require_member() for room in (ann, bob)]
                return all(member.bringing.chain.whole() is not None for member in members)

            await come_true(know_the_history)  # else a request is still on its way
            yield ann, bob
