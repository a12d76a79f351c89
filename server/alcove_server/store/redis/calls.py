"""Calls of scripts, each at the server of its room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from alcove_protocol.errors import Refusal

from alcove_server.store.budget import UNCOUNTED, Holding, Lease, StoreBounds, room_share
from alcove_server.store.interface import Publication
from alcove_server.store.redis import records
from alcove_server.store.redis.cluster import Cluster
from alcove_server.store.redis.gate import Reply
from alcove_server.store.redis.health import NO_REIGN
from alcove_server.store.redis.lent import Given, part_of, published
from alcove_server.store.redis.line import Line, LineOwner
from alcove_server.store.redis.lines import OneLine, ServerLines
from alcove_server.store.redis.refusals import failure_of
from alcove_server.store.redis.scripts import DIGESTS
from alcove_server.store_address import Address

READY_SECONDS: Final = 3.0
"""Seconds that a node's question whether its store is ready may take."""


def prefix_of(digest: bytes) -> bytes:
    """How a call of a script begins, behind the number of its words."""
    return b"$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n1\r\n" % digest


def _word(word: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(word), word)


_NOW: Final = _word(b"")


class Calls:
    """The scripts of `DIGESTS`. `clock` is for tests: without it the server's time counts."""

    def __init__(
        self,
        address: Address,
        replicas: int,
        owner: LineOwner,
        bounds: StoreBounds,
        clock: Callable[[], float] | None,
    ) -> None:
        self.lines: ServerLines = (Cluster if address.cluster else OneLine)(
            address, replicas, owner
        )
        self.prefixes = {name: prefix_of(digest) for name, digest in DIGESTS.items()}
        self._bounds = bounds
        self._clock = clock

    def command(self, channel: bytes, script: str, *arguments: bytes) -> bytes:
        """Return the command that runs a script for the room of a channel."""
        clock = self._clock
        now = _NOW if clock is None else _word(repr(clock()).encode())
        key = _word(channel + records.META)
        parts = [b"*%d\r\n" % (5 + len(arguments)), self.prefixes[script], key, now]
        parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in arguments]
        return b"".join(parts)

    async def run(self, script: str, room: bytes, *arguments: bytes) -> Any:  # what it returns
        """Run a script and return what it returns. Raises `Refusal`, `RosterMoved`."""
        return await self.run_at(records.tag_of(room), script, *arguments)

    async def run_at(self, channel: bytes, script: str, *arguments: bytes) -> Any:  # as above
        """As `run`, for the room of a channel."""
        answered = asyncio.get_running_loop().create_future()

        def on_reply(reply: Reply) -> None:
            if not answered.done():
                answered.set_result(reply)

        self.lines.send(channel, partial(self.command, channel, script, *arguments), on_reply)
        reply = await answered
        failure = failure_of(reply)
        if failure is not None:
            raise failure
        return reply

    def time_at(self, line: Line) -> float:
        """The time of a server now, or a little earlier."""
        return self._clock() if self._clock is not None else line.server_time

    def reign(self, channel: bytes) -> bytes:
        """The reign of a room's server, or `NO_REIGN` without a connection."""
        line = self.lines.line_of(channel)
        return line.reign if line is not None else NO_REIGN

    def most(self, room: bytes, part: float = 1, lease: Lease | None = None) -> bytes:
        """As `most_at`, as a word."""
        return b"%d" % self.most_at(records.tag_of(room), part, lease)

    def most_at(self, channel: bytes, part: float, lease: Lease | None) -> int:
        """The bytes that a room may take now, with what may use no more than this part of all:
        `Budget` with the memory of its server. `lease` is of what is about to be put."""
        used, bounds = self._used(channel), self._bounds
        most = bounds.room_bytes
        if used is not None:
            most = room_share(most, bounds.store_bytes - used)
            if used >= bounds.store_bytes * part:
                most = 0
        most = int(most * part)
        if lease is not None and not lease.fits:
            most = min(most, UNCOUNTED)
        return most

    def _used(self, channel: bytes) -> int | None:
        """The memory of a room's server, as far as it is known."""
        line = self.lines.line_of(channel)
        health = line.health if line is not None else None
        return health.used if health is not None else None

    def lease(
        self, room: bytes, holding: Holding | None, part: float, given: Given
    ) -> Lease | None:
        """Count what is about to be put for this part of the network. None: it has no limits."""
        return self._lease(records.tag_of(room), holding, part, given) if holding else None

    def _lease(self, channel: bytes, holding: Holding, part: float, given: Given) -> Lease:
        left = self._bounds.store_bytes - (self._used(channel) or 0)
        return Lease(holding, left, part, given)

    def lease_of(self, channel: bytes, publication: Publication) -> Lease | None:
        """The same for a blob."""
        payer = publication.payer
        if payer is None or payer.holding is None:
            return None
        given, part = published(publication, payer), part_of(publication.blob_class)
        return self._lease(channel, payer.holding, part, given)

    def enter(self, room: bytes) -> None:
        """Refuse without a question while replicas confirm nothing: no answer could be told. Raises
        `Refusal` (`unavailable`)."""
        line = self.lines.line_of(records.tag_of(room))
        if line is not None and line.is_short:
            raise Refusal("unavailable")

    async def ready(self) -> bool:
        """Whether a server answers, and what it takes is safe. One of several is enough: each relay
        sees the same servers."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                channels = await self.lines.channels()
                return any(await asyncio.gather(*map(self._is_ready, channels)))
        except TimeoutError:
            return False

    async def settled(self) -> None:
        """Wait until each server has answered: the answers before are safe sooner."""
        with suppress(Refusal, ConnectionError):
            channels = await self.lines.channels()
            await asyncio.gather(*map(self._answers, channels))

    async def _answers(self, channel: bytes) -> None:
        with suppress(Refusal):
            await self.run_at(channel, "head")

    async def _is_ready(self, channel: bytes) -> bool:
        line = self.lines.line_of(channel)
        if line is not None and line.is_short:
            return False
        try:
            await self.run_at(channel, "head")
        except Refusal:
            return False
        line = self.lines.line_of(channel)
        return line is not None and line.is_safe
