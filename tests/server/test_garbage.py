"""Full passes of the collector of cycles are rare, because connections leave no cycles behind."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from alcove_server.process.garbage import OLD, SMALL, YOUNG, Garbage

from tests.server.sockets import Running, masked, serving

Ending = Callable[[Running], Awaitable[None]]


async def _aborted(running: Running) -> None:
    raw = await running.raw()
    raw.writer.transport.abort()


async def _aborted_after_its_upgrade(running: Running) -> None:
    raw = await running.upgraded()
    raw.writer.transport.abort()


async def _aborted_in_a_message(running: Running) -> None:
    raw = await running.upgraded()
    raw.send(masked(0x82, bytes(1000))[:500])
    await raw.writer.drain()
    raw.writer.transport.abort()


async def _closed(running: Running) -> None:
    raw = await running.upgraded()
    raw.send(masked(0x88, b"\x03\xe8"))
    assert await raw.close_code() == 1000
    await raw.close()


async def _malformed(running: Running) -> None:
    raw = await running.upgraded()
    raw.send(masked(0x82, b"x"))
    await raw.close_code()
    await raw.close()


async def _against_rfc_6455(running: Running) -> None:
    raw = await running.upgraded()
    raw.send(masked(0x87, b"x"))
    await raw.close_code()
    await raw.close()


async def _turned_away(running: Running) -> None:
    raw = await running.raw()
    await raw.ask("GET /v1/connect HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    await raw.ended()
    await raw.close()


ENDINGS = (
    _aborted,
    _aborted_after_its_upgrade,
    _aborted_in_a_message,
    _closed,
    _malformed,
    _against_rfc_6455,
    _turned_away,
)


@contextmanager
def _without_the_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda one: one.__name__.strip("_"))
async def test_a_connection_leaves_no_cycle_however_it_ends(ending: Ending) -> None:
    async with serving(rates=0) as running:
        service = running.service
        await ending(running)
        with _without_the_collector():
            for _ in range(5):
                await ending(running)
            await running.until(lambda: service.admission.connections <= 1)
            await asyncio.sleep(0)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = Counter(f"{type(one).__module__}.{type(one).__name__}" for one in gc.garbage)
    relays = [name for name in left if name.startswith(("alcove_server", "websockets", "uvloop"))]
    assert not relays, left


@contextmanager
def _thresholds_put_back() -> Iterator[None]:
    before = gc.get_threshold()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_however_much_is_made_no_full_pass_comes_by_itself() -> None:
    with _thresholds_put_back():
        Garbage().begin()
        before = [one["collections"] for one in gc.get_stats()]
        held = [[one] for one in range(50 * YOUNG)]
        after = [one["collections"] for one in gc.get_stats()]
    assert len(held) == 50 * YOUNG
    assert after[0] - before[0] >= 40
    assert after[1:] == before[1:]


@pytest.mark.parametrize(
    ("passes", "blocks", "full"),
    [(OLD, SMALL, True), (OLD - 1, SMALL, False), (OLD, SMALL + 1, False)],
)
def test_a_full_pass_is_made_when_it_is_due_and_short(
    passes: int, blocks: int, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = 5_000
    counts = iter([own, own + blocks])
    made: list[bool] = []
    monkeypatch.setattr(gc, "get_count", lambda: (0, passes, 0))
    monkeypatch.setattr(gc, "collect", lambda: made.append(True))
    with _thresholds_put_back():
        garbage = Garbage(lambda: next(counts))
        garbage.begin()
        garbage.tick()
    assert made == [True] * full
