"""The one place that knows which stores there are."""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from alcove_server.settings import Settings
from alcove_server.store.budget import StoreBounds
from alcove_server.store.interface import Store
from alcove_server.store.memory.store import MemoryStore
from alcove_server.store_address import Address, parse


def address_of(settings: Settings) -> Address:
    """Where Redis is, and what the relay shows there. The validator has seen that it is a URL."""
    found = parse(settings.store)
    return replace(found, certificate=settings.store_certificate, key=settings.store_key)


async def check_store(settings: Settings) -> None:
    """See that the servers of the store are fit for it. Raises `UnfitStore`, with a sentence."""
    if settings.store_scheme == "memory":
        return
    from alcove_server.store.redis.fitness import check  # as below

    await check(address_of(settings), settings.store_replicas, settings.store_bytes)


def open_store(settings: Settings, clock: Callable[[], float]) -> Store:
    """The store that `settings.store` names by the scheme of its URL. `Settings` refuses a scheme
    that is not here. `clock` gives seconds and never goes back; a store on another machine has a
    clock of its own and does not use it."""
    bounds = StoreBounds(settings.rooms, settings.room_bytes, settings.store_bytes)
    match settings.store_scheme:
        case "memory":
            return MemoryStore(clock, bounds)
        case (
            "redis"
            | "rediss"
            | "redis+sentinel"
            | "rediss+sentinel"
            | "redis+cluster"
            | "rediss+cluster"
        ):
            # Here, because redis-py takes half a second that a relay on memory need not spend.
            from alcove_server.store.redis.store import RedisStore

            return RedisStore(address_of(settings), bounds, settings.store_replicas)
        case scheme:
            assert_never(scheme)
