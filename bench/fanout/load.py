"""A crowd: prepared connections on one server, and measured runs of it."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench.fanout.native import Result, generator
from bench.fanout.servers import Running
from bench.fanout.wires import BLOB

WARM_SECONDS: Final = 0.3
WINDOW: Final = {10: 2, 100: 4, 1000: 8}
"""Publishes that a room of so many has under way in a closed loop."""


@dataclass(frozen=True)
class Run:
    """What one run found."""

    deliveries: int
    cpu_us: float
    """Of the server's user and system time, for each delivery."""
    per_second: float
    p50_ms: float
    p99_ms: float
    busy: float
    """Part of one core that the server used."""


class Failed(Exception):
    """A run that says nothing: the server refused, closed or lost. The message is one sentence."""


class Crowd:
    """Rooms and their connections on one server. Everything is closed by `close`."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.connections = 0
        self.rooms = 0
        self._library = generator(server.server.tls)
        self._generator = self._library.generator_new(server.wire.number, BLOB)
        self._prepared = 0

    def add(self, rooms: int, members: int, connected: int | None = None) -> Crowd:
        """More rooms, of whose members all are connected, or so many."""
        for _ in range(rooms):
            count = members if connected is None else connected
            template, descriptors = self.server.wire.room(members, count)
            self._library.generator_room(
                self._generator,
                template.frame,
                len(template.frame),
                template.n_at,
                template.id_at,
                template.blob_at,
            )
            for descriptor in descriptors:
                self._library.generator_add(self._generator, descriptor, self.rooms)
            self.rooms += 1
            self.connections += len(descriptors)
            self._prepared += len(descriptors)
            if self._prepared >= 200:
                self._prepared = 0
                self.pump()
        return self

    def pump(self, milliseconds: int = 1) -> None:
        """Answer pings."""
        self._library.generator_pump(self._generator, milliseconds)

    def closed_loop(
        self, seconds: float, members: int, rooms: int | None = None, warm: float = WARM_SECONDS
    ) -> Run:
        """As fast as it goes, with so many publishes under way as `WINDOW` says. The first `warm`
        seconds do not count. Raises `Failed`."""
        return self._run(rooms, WINDOW[members], 0.0, seconds, warm)

    def open_loop(self, seconds: float, rate: float, rooms: int | None = None) -> Run:
        """So many publishes a second in all, at random times. Raises `Failed`."""
        return self._run(rooms, 0, rate, seconds)

    def _run(
        self,
        rooms: int | None,
        window: int,
        rate: float,
        seconds: float,
        warm: float = WARM_SECONDS,
    ) -> Run:
        active = self.rooms if rooms is None else rooms
        self.server.wire.beats(active)
        self.pump(20)
        result = Result()
        gc.disable()
        self._library.generator_run(
            self._generator,
            active,
            window,
            rate,
            warm,
            seconds,
            self.server.pid,
            ctypes.byref(result),
        )
        gc.enable()
        return _run_of(result, self.server.server.name)

    def close(self) -> None:
        """All connections."""
        self._library.generator_free(self._generator)


def _run_of(result: Result, name: str) -> Run:
    if result.refused:
        raise Failed(f"{name} refused {result.refused} publishes: {result.said.decode()}")
    if result.closed or result.missing:
        raise Failed(f"{name} closed {result.closed} connections, lost {result.missing} deliveries")
    if not result.deliveries:
        raise Failed(f"{name} delivered nothing")
    return Run(
        result.deliveries,
        result.cpu / result.deliveries / 1e3,
        result.deliveries / result.wall * 1e9,
        result.p50 / 1e6,
        result.p99 / 1e6,
        result.cpu / result.wall,
    )


@contextmanager
def crowds(servers: Iterable[Running]) -> Iterator[list[Crowd]]:
    """An empty crowd on each server, until the block ends."""
    made = [Crowd(server) for server in servers]
    try:
        yield made
    finally:
        for crowd in made:
            crowd.close()
