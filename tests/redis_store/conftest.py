"""One server for all tests of a module that need no other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.redis_store.groups import Standalone


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    loop = asyncio.new_event_loop()
    group = Standalone(tmp_path_factory.mktemp("redis"))
    loop.run_until_complete(group.__aenter__())
    yield group
    loop.run_until_complete(group.__aexit__())
    loop.close()
