"""The keys of a living room and of an ended one, on a real server: no key is there that the table
of docs/threat-model.md does not name, and after the end only what it says stays."""

from __future__ import annotations

from typing import Final

import redis
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_protocol.statements import Signed
from alcove_server.store.redis.records import tag_of
from alcove_server.store.redis.store import RedisStore
from alcove_server.store.values import Parking, Vote
from alcove_server.store_address import parse
from alcove_server.testing.embedded import ManualClock

from tests.redis_store.groups import Standalone
from tests.server.held import REDIS
from tests.server.store.bench import ANN, BEN, GENERATION, HEAD, HOST, NEXT, ROOM, Bench, step
from tests.server.store.contract_votes import seated

NUMBERED: Final = (b"b", b"i", b"r")
"""Keys with something behind their letter."""
OF_LONG_LOGS: Final = {"t", "z"}
"""Times of each 256th number, and numbers that are left to sweep: nothing of anybody."""


def keys(alone: Standalone) -> set[str]:
    """What stands behind the tag of the room in each key of the server."""
    tag = tag_of(ROOM)
    with redis.Redis(port=alone.server.port) as asked:
        found = [key.removeprefix(tag) for key in asked.scan_iter(count=1000)]
        assert all(asked.pttl(tag + key) > 0 for key in found)
    return {
        key[:1].decode() if key[:1] in NUMBERED and len(key) > 1 else key.decode() for key in found
    }


def a_room_with_everything(bench: Bench) -> None:
    bench.do(bench.store.reseat(seated(), None))
    bench.do(bench.store.vote(ROOM, GENERATION, ANN, Vote(HEAD, 0, beyond=False)))
    bench.beat()
    bench.put(bench.door())
    for key, id in ((BEN, b"k" * 16), (ANN, b"a" * 16)):
        bench.knock(key, id=id)
    bench.do(bench.store.add_talk(ROOM, ANN, HOST, b"t" * 16, b"text"))
    bench.do(bench.store.settle(ROOM, b"k" * 16, b"a reason"))
    for number, kind in enumerate(LobbyKind):
        if kind not in (LobbyKind.KNOCK, LobbyKind.GONE):
            to = HOST if kind in (LobbyKind.VAULT, LobbyKind.ANSWER) else b""
            id = bytes([number]) * 16
            bench.do(bench.store.add_item(ROOM, kind, BEN, id, b"x" * 40, to))
    bench.do(bench.store.park(ROOM, ANN, Parking(b"s" * 16, bytes(32), b"sealed")))
    bench.publish(bench.publication(b"short"))
    bench.publish(bench.publication(b"long", ttl=limits.TTL_MAX))
    taken = step(welcomes={BEN: b"welcome"})
    bench.publish(bench.publication(blob_class=BlobClass.COMMIT, sender=HOST, step=taken))


def test_a_living_room_has_no_key_without_a_row_and_an_ended_one_keeps_its_end(
    alone: Standalone,
) -> None:
    clock = ManualClock()
    bench = Bench(RedisStore(parse(alone.url), clock=clock), clock)
    try:
        a_room_with_everything(bench)
        found = keys(alone)
        assert found <= REDIS.keys()
        assert REDIS.keys() - found == {"end", *OF_LONG_LOGS}
        bench.do(bench.store.end(ROOM, Signed(b"the end", bytes(64)), NEXT))
        assert keys(alone) == {"end"}
    finally:
        bench.close()
