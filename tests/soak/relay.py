"""A real relay process that can be asked what it holds.

    python -m tests.soak.relay

It is `Service` on a free port, as `alcove-server` runs it. Its first line on standard output is
its address. After that each line `settle SECONDS` on standard input is answered by one line of
JSON: what it holds after so many seconds have passed for it and its ticks have swept.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from typing import Final

import uvloop
from alcove_server.process.serving import Service, address_of, configure_logging, listen
from alcove_server.settings import Settings
from alcove_server.store.memory.store import MemoryStore

TICKS: Final = 500
"""More than are needed to sweep what a batch leaves."""


class PassingClock:
    """The monotonic clock, and what was added to it."""

    def __init__(self) -> None:
        self.added = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.added


def memory_of(service: Service) -> MemoryStore:
    assert isinstance(service.store, MemoryStore)
    return service.store


def holdings(service: Service) -> dict[str, int]:
    """Counts of everything that a room, a connection or a deadline leaves in memory."""
    store, relay, admission = memory_of(service), service.relay, service.admission
    return {
        "tasks": len(asyncio.all_tasks()),
        "connections": len(relay),
        "places": admission.connections,
        "prefixes": len(admission._known),
        "loaded": len(relay.rooms.loaded),
        "challenged": len(relay._challenged),
        "keepalive": sum(len(slot) for slot in service._terms.keepalive._slots),
        "rooms": len(store._rooms),
        "tombstones": len(store._ended),
        "schedule": len(store._due._queue) + len(store._due._times),
        "bytes": store.used,
        "objects": len(gc.get_objects()),
    }


async def settle(service: Service, clock: PassingClock, seconds: float) -> None:
    """Let time pass, and sweep until a tick changes nothing."""
    clock.added += seconds
    before, store = -1, memory_of(service)
    for _ in range(TICKS):
        await service.relay.tick()
        service.admission.sweep()
        now = len(store._rooms) + len(store._due._queue)
        if now == before:
            return
        before = now


async def _answer(service: Service, clock: PassingClock, line: str) -> dict[str, int]:
    await settle(service, clock, float(line.removeprefix("settle")))
    gc.collect()
    return holdings(service)


async def main() -> None:
    """Serve until standard input ends."""
    settings = Settings(port=0, rates=1000, ping_seconds=1000, log_level="error")
    configure_logging(settings)
    clock, listener = PassingClock(), listen(settings)
    service = Service(settings, listener, clock)
    serving = asyncio.create_task(service.run())
    await service.ready()
    print(address_of(listener), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := (await reader.readline()).decode():
        print(json.dumps(await _answer(service, clock, line)), flush=True)
    service.stop()
    await serving


if __name__ == "__main__":
    uvloop.run(main())
