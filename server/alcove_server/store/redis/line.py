"""The one line of a node to its Redis: it connects, subscribes, and comes back by itself.

What is sent while there is no connection waits for the next one, and fails when that attempt does.
While rooms are watched the line comes back by itself. What was pushed in between is lost, so the
owner is told that it is back and looks at its rooms again.

A command ends within 30 seconds: an attempt to connect takes at most `DEADLINE`, a silent server is
given up after `SILENCE`, replicas that confirm nothing after `PATIENCE`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection
from functools import partial
from math import inf
from typing import Final, Protocol

import hiredis

from alcove_server.store.redis import wire as wires
from alcove_server.store.redis.clients import context_of
from alcove_server.store.redis.errors import TooFewReplicas
from alcove_server.store.redis.gate import OnReply
from alcove_server.store.redis.health import NO_REIGN, Health
from alcove_server.store.redis.reasons import reason_of
from alcove_server.store.redis.scripts import SOURCES
from alcove_server.store.redis.sentinels import primary_of
from alcove_server.store.redis.wire import PENDING, Wire, connect
from alcove_server.store_address import Address

log = logging.getLogger(__name__)

_AGAIN: Final = [0.05, 0.1, 0.2, 0.5, 1.0]
"""Seconds between attempts to come back. The last is repeated. No tuple: mypyc takes one of
floats for unset."""
DEADLINE: Final = 3.0
"""Seconds to find and to reach a server."""
HOLD_EVERY: Final = 300.0
"""Seconds between two times that a node holds its rooms while replicas are away. A room lives half
an hour without."""


class LineOwner(Protocol):
    """The store, as its lines know it."""

    def on_push(self, line: Line, channel: bytes, message: bytes) -> None:
        """A channel of the line was told something."""

    def on_back(self, line: Line, channels: Collection[bytes]) -> None:
        """Pushes to these channels may have been missed. The server may be another one."""

    def on_away(self, line: Line) -> None:
        """For `PATIENCE` seconds nothing on this server was safe to tell."""

    def to_hold(self, line: Line) -> list[bytes]:
        """Commands that keep what would end while replicas are away. They run the script `hold`,
        and while there are any the line comes back by itself."""


class LineCluster(Protocol):
    """The Cluster, as a line to one of its primaries knows it."""

    def tag_on(self, line: Line) -> bytes:
        """What a key of this line's server begins with. Raises `ConnectionError` when it has
        none."""

    def on_gone(self, channel: bytes) -> None:
        """A channel moved to another server."""

    def on_failed(self) -> None:
        """The server cannot be reached, or is not the primary any more."""


class Line:
    """Commands to the primary, and the pushes of the channels that are watched."""

    def __init__(
        self, address: Address, replicas: int, owner: LineOwner, member: LineCluster | None = None
    ) -> None:
        """`member` is given for a primary of a Cluster."""
        self._address = address
        self._replicas = replicas
        self._id = os.urandom(8).hex().encode()
        self._owner = owner
        self._member = member
        self._on_push = partial(owner.on_push, self)
        self._away: asyncio.TimerHandle | None = None
        self._refused = False
        self._held: float | None = None
        self.channels: set[bytes] = set()
        self._wire: Wire | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._early: list[tuple[bytes, OnReply]] = []
        self._early_bytes = 0
        self._failing: set[str] = set()
        self._was_there = False
        self._closed = False

    def send(self, command: bytes, on_reply: OnReply) -> None:
        """Send a command. `on_reply` is called once: `Wire.send`."""
        if self._wire is not None:
            self._wire.send(command, on_reply)
        elif self._closed:
            on_reply(ConnectionError("the store is closed"))
        elif self._early_bytes + len(command) > PENDING:
            on_reply(ConnectionError("too much waits for a connection to Redis"))
        else:
            self._early.append((command, on_reply))
            self._early_bytes += len(command)
            self._connect()

    def watch(self, channel: bytes) -> None:
        """Hear what is pushed to a channel. Commands after this call are heard."""
        self.channels.add(channel)
        if self._wire is not None:
            self._wire.subscribe(channel)

    def unwatch(self, channel: bytes) -> None:
        """Hear nothing more of a channel."""
        self.channels.discard(channel)
        if self._wire is not None:
            self._wire.unsubscribe(channel)

    def adopt(self, channels: Collection[bytes]) -> None:
        """Hear these channels, which were on another server. Their rooms are on this one now."""
        self.channels.update(channels)
        if self._wire is None:
            self._was_there = True  # so that the owner is told as soon as it is there
            self._connect()
            return
        for channel in channels:
            self._wire.subscribe(channel)
        self._owner.on_back(self, channels)

    @property
    def host(self) -> str:
        """The host of the server, or of the first Sentinel."""
        return self._address.hosts[0][0]

    @property
    def health(self) -> Health | None:
        """The server as it was at most two seconds ago, or None without a connection."""
        return self._wire.health if self._wire is not None else None

    @property
    def server_time(self) -> float:
        """The server's seconds since 1970, or a little less. Without a connection, minus
        infinity."""
        return self._wire.server_time if self._wire is not None else -inf

    @property
    def reign(self) -> bytes:
        """The reign of the primary at the other end."""
        health = self.health
        return health.reign if health is not None else NO_REIGN

    @property
    def is_short(self) -> bool:
        """Whether replicas confirm nothing at the moment, or did not when the primary was asked
        last."""
        return self._wire.is_short if self._wire is not None else self._refused

    @property
    def is_safe(self) -> bool:
        """Whether there is a connection whose replicas confirm what is written."""
        return self._wire is not None and not self._wire.is_short

    async def close(self) -> None:
        """Close the line. Commands without an answer fail."""
        self._closed = True
        self._stop_away()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._wire is not None:
            self._wire.close()
        self._fail(ConnectionError("the store is closed"))

    def _connect(self) -> None:
        if self._connecting is None and not self._closed:
            self._connecting = asyncio.get_running_loop().create_task(self._come_back())

    async def _come_back(self) -> None:
        """Connect, again and again while rooms are watched."""
        try:
            for attempt in range(1_000_000):
                try:
                    async with asyncio.timeout(DEADLINE):
                        await self._open()
                    self._note(None)
                    return
                # uvloop says RuntimeError of a connection over TLS that goes while it is used.
                except (OSError, hiredis.HiredisError, RuntimeError) as error:
                    self._refused = isinstance(error, TooFewReplicas)
                    self._note(error)
                    self._fail(ConnectionError("Redis cannot be reached"))
                    if self._member is not None:
                        self._member.on_failed()
                if not self._wanted:
                    self._refused = False  # the next command asks again
                    return
                await asyncio.sleep(_AGAIN[min(attempt, len(_AGAIN) - 1)])
        finally:
            self._connecting = None

    async def _open(self) -> None:
        address = self._address
        host, port = await primary_of(address)
        wire = await connect(self._maker(), host, port, context_of(address))
        try:
            await self._greet(wire)
        except BaseException:
            wire.close()
            raise
        if wire.closed:
            raise ConnectionError("the connection to Redis was lost")
        for channel in self.channels:
            wire.subscribe(channel)
        self._wire, self._refused = wire, False
        self._stop_away()
        if self._was_there:
            # First, so that what was told is compared before anything is read.
            self._owner.on_back(self, tuple(self.channels))
        self._was_there = True
        early, self._early, self._early_bytes = self._early, [], 0
        for command, on_reply in early:
            wire.send(command, on_reply)

    def _note(self, error: Exception | None) -> None:
        """Log when Redis is lost, each reason once, and when it is back. Nothing of the address."""
        if error is not None:
            what = "is not safe" if isinstance(error, TooFewReplicas) else "cannot be reached"
            why = f"{what}: {reason_of(error)}"
            if why not in self._failing:
                log.warning("Redis %s", why)
            self._failing.add(why)
        elif self._failing:
            log.info("Redis is reached again")
            self._failing.clear()

    def _maker(self) -> Callable[[], Wire]:
        member = self._member
        return partial(
            Wire,
            self._on_push,
            self._on_lost,
            self._replicas,
            b"alcove:marker:" + (member.tag_on(self) if member is not None else self._id),
            member.on_gone if member is not None else None,
        )

    async def _greet(self, wire: Wire) -> None:
        """Introduce this node. Raises `ConnectionError` when the server takes no writes, or too few
        replicas confirm, and `hiredis.ReplyError`."""
        address = self._address
        login = []
        if address.password:
            user = address.username or "default"
            login = [b"AUTH", user.encode(), address.password.encode()]
        await wire.ask(b"HELLO", b"3", *login)
        if address.database:
            await wire.ask(b"SELECT", b"%d" % address.database)
        try:
            await wire.greet()
        except TooFewReplicas:
            await self._hold(wire)
            raise
        await asyncio.gather(*(wire.ask(b"SCRIPT", b"LOAD", source) for source in SOURCES.values()))

    async def _hold(self, wire: Wire) -> None:
        """Keep the rooms of this node, once in a while, on a primary that is not safe to use."""
        now = asyncio.get_running_loop().time()
        if self._held is None or now - self._held > HOLD_EVERY:
            self._held = now
            await wire.ask(b"SCRIPT", b"LOAD", SOURCES["hold"])
            for command in self._owner.to_hold(self):
                wire.tell_and_forget(command)
            await wire.ask(b"PING")

    def _on_lost(self) -> None:
        if self._wire is not None:
            self._expect_away(self._wire.short_since)
            self._wire = None
            if self._wanted:
                self._connect()

    @property
    def _wanted(self) -> bool:
        """Whether rooms are watched, or held."""
        return bool(self.channels) or bool(self._owner.to_hold(self))

    def _expect_away(self, since: float | None) -> None:
        """Tell the owner when nothing was safe for `PATIENCE` seconds. They count from when the
        replicas were away, not from when the connection was given up for it."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        self._stop_away()
        due = (loop.time() if since is None else since) + wires.PATIENCE
        self._away = loop.call_at(due, self._owner.on_away, self)

    def _stop_away(self) -> None:
        if self._away is not None:
            self._away.cancel()
            self._away = None

    def _fail(self, why: ConnectionError) -> None:
        early, self._early, self._early_bytes = self._early, [], 0
        for _, on_reply in early:
            on_reply(why)
