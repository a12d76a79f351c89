"""Which store the settings open, and with which bounds."""

import asyncio
import importlib
from traceback import format_exc

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_server.settings import STORES, Settings
from alcove_server.store.memory.store import MemoryStore
from alcove_server.store.opening import open_store
from alcove_server.store_address import SENTINEL_PORT, Address, parse
from alcove_server.testing.embedded import ManualClock
from pydantic import ValidationError

from tests.server.store.bench import GENERATION, HEAD, OPENING
from tests.server.store.contract import StoreContract
from tests.server.store.model import StoreMachine


@pytest.mark.parametrize("url", ["memory", "memory:"])
def test_the_memory_store_has_two_spellings(url: str) -> None:
    assert isinstance(open_store(Settings(store=url), ManualClock()), MemoryStore)


URLS = {
    "memory": "memory:",
    "redis": "redis://127.0.0.1",
    "rediss": "rediss://user:secret@redis.example:1/3",
    "redis+sentinel": "redis+sentinel://one,two:2,three/alcove",
    "rediss+sentinel": "rediss+sentinel://:secret@one/alcove",
    "redis+cluster": "redis+cluster://one,two:2",
    "rediss+cluster": "rediss+cluster://ann:secret@one",
}


@pytest.mark.parametrize("scheme", STORES)
def test_every_scheme_that_the_settings_allow_is_opened(scheme: str) -> None:
    async def open_it() -> None:
        store = open_store(Settings(store=URLS[scheme]), ManualClock())
        await store.close()

    asyncio.run(open_it())


@pytest.mark.parametrize(
    "module",
    [
        "tests.server.store.test_memory",
        "tests.redis_store.test_contract",
        "tests.redis_cluster.test_contract",
    ],
)
def test_every_store_has_a_test_file_with_the_contract_and_the_model(module: str) -> None:
    tests = vars(importlib.import_module(module)).values()
    kinds = [kind for kind in tests if isinstance(kind, type)]
    for base in (StoreContract, StoreMachine):
        assert any(issubclass(kind, base) and kind is not base for kind in kinds), base


@pytest.mark.parametrize(
    "url",
    [
        *("", "tape", "tape://host", "memory:x", "memory://", "Memory:", "redis:", "redis://"),
        *("redis://host:port", "redis://host/x", "redis://a,b", "redis+sentinel://a:1"),
        *("redis+sentinel:///alcove", "redis+sentinel://a,,b/alcove", "redis+sentinel://a/b/c"),
        *("redis+cluster://a/0", "redis+cluster://", "redis+cluster://a,,b", "redis+tape://a"),
        *("redis://host?x=1", "unix:///run/redis", "redis://secret@word@host:x"),
    ],
)
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(store=url)
    assert "secret" not in str(refused.value)
    assert "secret" not in str(refused.value.errors(include_input=False))


@pytest.mark.parametrize("given", ["redis://ann:canary@host", "redis://host:canary"])
def test_a_password_of_the_store_is_not_printed(given: str) -> None:
    try:
        shown = repr(Settings(store=given))
    except ValidationError:
        shown = format_exc()
    assert "canary" not in shown


def test_a_url_is_read_whole() -> None:
    found = parse("rediss+sentinel://ann:p%40ss@one,[::1]:7/alcove")
    assert found == Address((("one", SENTINEL_PORT), ("::1", 7)), "alcove", "ann", "p@ss", tls=True)
    assert "p@ss" not in repr(found)
    cluster = Address((("one", 6379), ("two", 7)), tls=True, cluster=True)
    assert parse("rediss+cluster://one,two:7") == cluster
    assert parse("redis://h:1/4") == Address((("h", 1),), database=4)


def test_the_settings_bound_the_store() -> None:
    settings = Settings(rooms=1, room_bytes=limits.MIB, store_bytes=2 * limits.MIB)

    async def open_two() -> None:
        store = open_store(settings, ManualClock())
        await store.open(b"1" * 32, OPENING, HEAD, GENERATION)
        with pytest.raises(Refusal, match="full"):
            await store.open(b"2" * 32, OPENING, HEAD, GENERATION)

    asyncio.run(open_two())
