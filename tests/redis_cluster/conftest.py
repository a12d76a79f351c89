"""One Cluster for all tests of a module that break none of its servers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.redis_store.groups import Cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    loop = asyncio.new_event_loop()
    group = Cluster(tmp_path_factory.mktemp("cluster"))
    loop.run_until_complete(group.__aenter__())
    yield group
    loop.run_until_complete(group.__aexit__())
    loop.close()
