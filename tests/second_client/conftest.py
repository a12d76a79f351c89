"""What the second client needs is installed once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.client_sdk.mls.interop.driver import NotInstalled, install
from tests.second_client.driver import HERE, SecondClient
from tests.second_client.proxy import FrontedRelay


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    try:
        install(HERE)
    except NotInstalled as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
async def relay() -> AsyncIterator[FrontedRelay]:
    async with FrontedRelay() as process:
        yield process


@pytest.fixture
async def tess() -> AsyncIterator[SecondClient]:
    async with SecondClient() as client:
        yield client
