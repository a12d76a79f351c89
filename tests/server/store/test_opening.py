"""Which store the settings open, and with which bounds."""

import asyncio
import importlib

import pytest
from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_server.settings import STORES, Settings
from alcove_server.store.memory.store import MemoryStore
from alcove_server.store.opening import open_store
from alcove_server.testing.embedded import ManualClock
from pydantic import ValidationError

from tests.server.store.bench import GENERATION, HEAD, OPENING
from tests.server.store.contract import StoreContract
from tests.server.store.model import StoreMachine


@pytest.mark.parametrize("url", ["memory", "memory:"])
def test_the_memory_store_has_two_spellings(url: str) -> None:
    assert isinstance(open_store(Settings(store=url), ManualClock()), MemoryStore)


def test_every_scheme_that_the_settings_allow_is_opened() -> None:
    for scheme in STORES:
        assert open_store(Settings(store=f"{scheme}:"), ManualClock()) is not None


@pytest.mark.parametrize("scheme", STORES)
def test_every_store_has_a_test_file_with_the_contract_and_the_model(scheme: str) -> None:
    tests = vars(importlib.import_module(f"tests.server.store.test_{scheme}")).values()
    kinds = [kind for kind in tests if isinstance(kind, type)]
    for base in (StoreContract, StoreMachine):
        assert any(issubclass(kind, base) and kind is not base for kind in kinds), base


@pytest.mark.parametrize("url", ["", "tape", "tape://host", "memory:x", "memory://", "Memory:"])
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(store=url)


def test_the_settings_bound_the_store() -> None:
    settings = Settings(rooms=1, room_bytes=limits.MIB, store_bytes=2 * limits.MIB)

    async def open_two() -> None:
        store = open_store(settings, ManualClock())
        await store.open(b"1" * 32, OPENING, HEAD, GENERATION)
        with pytest.raises(Refusal, match="full"):
            await store.open(b"2" * 32, OPENING, HEAD, GENERATION)

    asyncio.run(open_two())
