"""Nodes of two versions on one server: what one does not know is a ring, or is left alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha1

import pytest
import redis
from alcove_server.store.redis import calls, line, records
from alcove_server.store.redis.scripts import SOURCES
from alcove_server.store.redis.store import RedisStore
from alcove_server.store_address import parse
from alcove_server.testing.embedded import ManualClock

from tests.redis_store.groups import Standalone
from tests.redis_store.node import Node, id_of
from tests.redis_store.test_held import a_room_with_everything
from tests.server.held import SCRIPTS
from tests.server.store.bench import ANN, GENERATION, ROOM, Bench

LATER = records.LAYOUT + 1
PUSHED = "kind .. string.char(LAYOUT)"

TYPES = {
    **dict.fromkeys(("m", "b", "i", "r"), "string"),
    **dict.fromkeys(("c", "l"), "list"),
    "s": "set",
    **dict.fromkeys(("d", "dc", "f", "h", "p", "pk", "u", "v", "w"), "hash"),
    **dict.fromkeys(("q", "qb", "qi", "qk", "qt"), "hash"),
    **dict.fromkeys(("fe", "he", "hi", "pe"), "zset"),
    **dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8"), "zset"),
}
"""The keys of a room, by what stands before a number or a relay key."""
FORMATS = {
    ">Bc8I8I8I8c32c32I8dI8I8I8dI8dc20c20I8ddd",
    *(">I8", ">I8I8", ">I8d", ">I8dd", ">dI8", ">dc8"),
}
"""Of what the scripts put into these keys."""


def types(alone: Standalone) -> dict[str, str]:
    """The keys of a room with everything, and the types that the server says."""
    clock = ManualClock()
    bench = Bench(RedisStore(parse(alone.url), clock=clock), clock)
    try:
        a_room_with_everything(bench)
        with redis.Redis(port=alone.server.port, decode_responses=True) as asked:
            tag = records.tag_of(ROOM).decode()
            return {
                re.sub(r"^([bir]).+", r"\1", key.removeprefix(tag)): asked.type(key)
                for key in asked.scan_iter(count=1000)
            }
    finally:
        bench.close()


def test_another_layout_has_another_number(alone: Standalone) -> None:
    """What changes here counts `LAYOUT` up, or the version before reads rooms wrongly."""
    parts = [(SCRIPTS / f"{name}.lua").read_text() for name in ("meta", "append", "records")]
    formats = set(re.findall("'(>[^']+)'", "".join(parts)))
    assert (records.LAYOUT, types(alone), formats) == (2, TYPES, FORMATS)


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
