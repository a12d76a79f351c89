"""Each part of the acknowledgement rule, taken away: a named test notices.

`test_without_the_fence_one_number_would_be_two_blobs` is the mutant of the fence. What `WAIT` waits
for differs: Redis 7.0 counts also what its connection read, later versions and Valkey only what it
wrote. So a marker that is no write is noticed on those alone, by `make valkey`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
from alcove_server.store.redis import records, watching, wire
from alcove_server.store.redis.gate import Gate
from alcove_server.store.redis.watching import Watching
from alcove_server.store.redis.wire import Wire, encode

from scripts.fetch_redis import server, version_of
from tests.redis_store import test_gate as tests
from tests.redis_store import test_late, test_replication
from tests.redis_store.groups import Standalone
from tests.redis_store.node import Node
from tests.redis_store.test_replication import Trio, trio  # noqa: F401  # a fixture

pytestmark = pytest.mark.interpreted
Patch = Callable[[pytest.MonkeyPatch], None]


def no_wait(patch: pytest.MonkeyPatch) -> None:
    """Everything is told at once."""
    made = Gate.__init__
    patch.setattr(Gate, "__init__", lambda self, _, ask: made(self, 0, ask))


def one_replica_less(patch: pytest.MonkeyPatch) -> None:
    confirmed = Gate.confirmed
    patch.setattr(Gate, "confirmed", lambda self, replicas: confirmed(self, replicas + 1))


def wait_covers_all(patch: pytest.MonkeyPatch) -> None:
    """What came while `WAIT` blocked is told with the rest."""
    confirmed = Gate.confirmed

    def confirm(self: Gate, replicas: int) -> bool:
        self.marked()
        return confirmed(self, replicas)

    patch.setattr(Gate, "confirmed", confirm)


def wait_first(patch: pytest.MonkeyPatch) -> None:
    flush = Wire._flush

    def flush_first(self: Wire) -> None:
        before, self._batch = self._batch, []
        self._mark()
        self._batch, self._unmarked = self._batch + before, False
        flush(self)

    patch.setattr(Wire, "_flush", flush_first)


def wait_elsewhere(patch: pytest.MonkeyPatch) -> None:
    """Marker and `WAIT` go over a connection of their own."""
    patch.setattr(Wire, "_mark", lambda self: None)


def marked_by(*marker: bytes) -> Patch:
    """Another marker, or none."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        made = Wire.__init__

        def make(self: Wire, *given: object) -> None:
            made(self, *given)  # type: ignore[arg-type]  # the same arguments
            command = encode(*marker) if marker else b""
            self._mark_commands = (command, self._mark_commands[1])

        patch.setattr(Wire, "__init__", make)

    return apply


def ping(patch: pytest.MonkeyPatch) -> None:
    """A marker that is no write, and whatever it answers."""
    marked_by(b"PING")(patch)
    patch.setattr(Wire, "_on_marked", lambda self, _: self._gate.marked())


def told_after_the_end(patch: pytest.MonkeyPatch) -> None:
    """A push is told whenever it comes."""
    patch.setattr(Watching, "on_push", _tell_all)


def _tell_all(self: Watching, line: object, channel: bytes, message: bytes) -> None:
    assert self.listener is not None
    if message[:2] == watching._BLOB:
        room, blob = self._watched[channel], records.blob_of(message[10:])
        self.listener.on_blob(room, message[2:10], blob)


Named = Callable[[], Awaitable[None] | None]

MUTANTS: dict[str, tuple[Patch, Named]] = {
    "no WAIT": (no_wait, tests.test_nothing_is_told_before_all_replicas_confirm),
    "R - 1": (one_replica_less, tests.test_nothing_is_told_before_all_replicas_confirm),
    "WAIT covers all": (
        wait_covers_all,
        tests.test_what_comes_behind_the_marker_needs_the_next_wait,
    ),
    "WAIT first": (wait_first, tests.test_a_batch_is_commands_then_a_write_then_wait),
    "another connection": (wait_elsewhere, tests.test_a_batch_is_commands_then_a_write_then_wait),
    "no marker": (marked_by(), tests.test_a_batch_is_commands_then_a_write_then_wait),
    "PING": (ping, tests.test_a_batch_is_commands_then_a_write_then_wait),
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_mutant_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate, test = MUTANTS[name]
    await run(test)
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        await run(test)


async def run(test: Named) -> None:
    running = test()
    if inspect.isawaitable(running):
        await asyncio.wait_for(running, 10)


@asynccontextmanager
async def nodes_closed() -> AsyncIterator[None]:
    """Close the nodes that a test leaves open when it fails."""
    made: list[Node] = []
    make = Node.__init__

    def noted(self: Node, *given: Any, **named: Any) -> None:
        made.append(self)
        make(self, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Node, "__init__", noted)
        yield
        for node in made:
            await node.close()


WAITS_FOR_READS = (version_of(server()) or (0, 0)) < (7, 2)
ON_SERVERS: dict[str, tuple[Patch, bool]] = {
    "no WAIT": (no_wait, True),
    "R - 1": (one_replica_less, True),
    "PING": (ping, not WAITS_FOR_READS),
}


@pytest.mark.parametrize("name", ON_SERVERS)
async def test_a_mutant_tells_what_a_replica_lacks(
    name: str,
    trio: Trio,  # noqa: F811  # the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mutate, noticed = ON_SERVERS[name]
    monkeypatch.setattr(wire, "BEAT", 3600.0)  # else the filler is a write of each connection
    mutate(monkeypatch)
    async with nodes_closed():
        with pytest.raises(AssertionError) if noticed else nullcontext():
            await test_replication.test_behind_a_silent_link_nobody_hears_and_then_all_do(trio)


async def test_telling_after_the_end_is_noticed(
    alone: Standalone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await test_late.test_a_node_that_stood_still_tells_nothing_that_ended(alone)
    told_after_the_end(monkeypatch)
    async with nodes_closed():
        with pytest.raises(AssertionError):
            await test_late.test_a_node_that_stood_still_tells_nothing_that_ended(alone)
