"""I5: a node that stood still tells nothing that ended meanwhile.

Its connection is held and not its process: what was pushed waits for it all the same, and a test
can look into it. `make faults` stops whole nodes.
"""

from __future__ import annotations

import pytest
from alcove_server.store.redis import wire
from alcove_server.store.redis.records import tag_of

from tests.redis_store.groups import Standalone
from tests.redis_store.node import Node, id_of
from tests.redis_store.proxy import link
from tests.redis_store.server import until
from tests.server.store.bench import ROOM


async def test_a_node_that_stood_still_tells_nothing_that_ended(alone: Standalone) -> None:
    await alone.server.ask("FLUSHALL")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "SILENCE", 60.0)
        async with link(alone.server.port) as between:
            still, other = Node(f"redis://127.0.0.1:{between.port}"), Node(alone.url)
            await still.open()
            await other.back()
            between.silence()
            for number, life in enumerate((1, 2, 600), 1):
                await other.publish(id_of(number), ttl=life)

            async def ended() -> bool:
                """The second is gone, so the first ended a second ago."""
                key = tag_of(ROOM).decode() + "b2"
                return await alone.server.ask("EXISTS", key) == b":0\r\n"

            await until(ended)
            between.open()

            async def heard() -> bool:
                return bool(still.heard.blobs) and still.heard.blobs[-1].id == id_of(3)

            await until(heard)
            ids = [blob.id for blob in still.heard.blobs]
            assert id_of(1) not in ids
            assert ROOM in still.heard.told  # it is read instead
            for node in (still, other):
                await node.close()
