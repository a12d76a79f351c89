"""Nodes of two versions on one server: what one does not know is a ring, or is left alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha1

import pytest
from alcove_server.store.redis import calls, line, records
from alcove_server.store.redis.scripts import SOURCES

from tests.redis_store.groups import Standalone
from tests.redis_store.node import Node, id_of
from tests.server.store.bench import ANN, GENERATION, ROOM

LATER = records.LAYOUT + 1
PUSHED = "kind .. string.char(LAYOUT)"


def layout_of_pushes(source: str) -> str:
    """The next version, which writes the old layout for one release and pushes its own."""
    assert PUSHED in source
    return source.replace(PUSHED, f"kind .. string.char({LATER})")


def layout_of_all(source: str) -> str:
    """The version after that."""
    written = f"local LAYOUT = {records.LAYOUT}"
    assert written in source
    return source.replace(written, f"local LAYOUT = {LATER}")


@asynccontextmanager
async def nodes(
    alone: Standalone, change: Callable[[str], str]
) -> AsyncIterator[tuple[Node, Node]]:
    """A node of this version, and one with changed scripts. Their scripts have names of their own
    on the server."""
    await alone.server.ask("FLUSHALL")
    this = Node(alone.url)
    sources = {name: change(source.decode()).encode() for name, source in SOURCES.items()}
    prefixes = {
        name: calls.prefix_of(sha1(source, usedforsecurity=False).hexdigest().encode())
        for name, source in sources.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line, "SOURCES", sources)
        later = Node(alone.url)
        later.store._calls.prefixes = prefixes
        assert await later.store.head(ROOM) is None  # its scripts are loaded
    assert await this.store.head(ROOM) is None
    yield this, later
    for node in (this, later):
        await node.close()


async def test_a_push_of_another_layout_is_a_ring(alone: Standalone) -> None:
    async with nodes(alone, layout_of_pushes) as (this, later):
        await this.open()
        await later.publish(id_of(1))
        await this.told(1)
        assert this.heard.told == [ROOM]  # and no blob that it would read wrongly
        assert [blob.id for blob in (await this.read()).blobs] == [id_of(1)]
        await this.publish(id_of(2))
        await later.told(2)
        assert [blob.id for blob in (await later.read()).blobs] == [id_of(1), id_of(2)]
        assert (ROOM, GENERATION, id_of(2)) in later.heard.told


async def test_connections_of_another_layout_are_a_ring(alone: Standalone) -> None:
    async with nodes(alone, layout_of_pushes) as (this, later):
        await this.open()
        later.store.connected(ROOM, ANN, lambda: None)
        await this.told(1)
        assert this.heard.told == [ROOM]


async def test_a_room_of_another_layout_is_left_as_it_is(alone: Standalone) -> None:
    async with nodes(alone, layout_of_all) as (this, later):
        await later.open()
        await later.publish(id_of(1))
        assert await this.refusal() == "unavailable"
        await this.store.expire(10)
        await later.publish(id_of(2))
        assert [blob.id for blob in (await later.read()).blobs] == [id_of(1), id_of(2)]
