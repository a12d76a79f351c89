"""The one line of a node to its Redis: it connects, subscribes, and comes back by itself.

What is sent while there is no connection waits for the next one, and fails when that attempt does.
While rooms are watched the line comes back by itself. What was pushed in between is lost, so the
owner is told that it is back and looks at its rooms again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from ssl import create_default_context
from typing import Final

import hiredis
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from alcove_server.store.redis.gate import OnPush, OnReply
from alcove_server.store.redis.scripts import SOURCES
from alcove_server.store.redis.wire import Wire, ask, connect, encode
from alcove_server.store_address import Address

_AGAIN: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between attempts to come back. The last is repeated."""
DEADLINE: Final = 3.0
"""Seconds to find and to reach a server."""


async def primary_of(address: Address) -> tuple[str, int]:
    """Return the server that takes writes. Raises `OSError` when no Sentinel names one."""
    if not address.service:
        return address.hosts[0]
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py types it in part
        list(address.hosts), socket_timeout=DEADLINE, ssl=address.tls
    )
    try:
        host, port = await sentinel.discover_master(address.service)
    except RedisError as error:
        raise ConnectionError("no Sentinel names a primary") from error
    finally:
        for one in sentinel.sentinels:
            await one.aclose()
    return str(host), int(port)


class Line:
    """Commands to the primary, and the pushes of the channels that are watched."""

    def __init__(
        self, address: Address, replicas: int, on_push: OnPush, on_back: Callable[[], None]
    ) -> None:
        self._address = address
        self._replicas = replicas
        self._tls = create_default_context() if address.tls else None
        self._on_push = on_push
        self._on_back = on_back
        self._marker = b"alcove:marker:" + os.urandom(8).hex().encode()
        self._channels: set[bytes] = set()
        self._wire: Wire | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._early: list[tuple[bytes, OnReply]] = []
        self._was_there = False
        self._closed = False

    def send(self, command: bytes, on_reply: OnReply) -> None:
        """Send a command. `on_reply` is called once: `Wire.send`."""
        if self._wire is not None:
            self._wire.send(command, on_reply)
        elif self._closed:
            on_reply(ConnectionError("the store is closed"))
        else:
            self._early.append((command, on_reply))
            self._connect()

    def watch(self, channel: bytes) -> None:
        """Hear what is pushed to a channel. Commands after this call are heard."""
        self._channels.add(channel)
        if self._wire is not None:
            self._wire.tell(encode(b"SSUBSCRIBE", channel))

    def unwatch(self, channel: bytes) -> None:
        """Hear nothing more of a channel."""
        self._channels.discard(channel)
        if self._wire is not None:
            self._wire.tell(encode(b"SUNSUBSCRIBE", channel))

    @property
    def is_safe(self) -> bool:
        """Whether there is a connection whose replicas confirm what is written."""
        return self._wire is not None and not self._wire.is_short

    async def close(self) -> None:
        """Close the line. Commands without an answer fail."""
        self._closed = True
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
                    return
                except (OSError, hiredis.HiredisError) as error:
                    self._fail(ConnectionError(f"Redis cannot be reached: {type(error).__name__}"))
                if not self._channels:
                    return
                await asyncio.sleep(_AGAIN[min(attempt, len(_AGAIN) - 1)])
        finally:
            self._connecting = None

    async def _open(self) -> None:
        address = self._address
        host, port = await primary_of(address)
        wire = await connect(self._make, host, port, self._tls)
        try:
            await self._greet(wire)
        except BaseException:
            wire.close()
            raise
        for channel in self._channels:
            wire.tell(encode(b"SSUBSCRIBE", channel))
        self._wire = wire
        early, self._early = self._early, []
        for command, on_reply in early:
            wire.send(command, on_reply)
        if self._was_there:
            self._on_back()
        self._was_there = True

    def _make(self) -> Wire:
        return Wire(self._on_push, self._on_lost, self._replicas, self._marker)

    async def _greet(self, wire: Wire) -> None:
        """Introduce this node. Raises `ConnectionError` when the server takes no writes."""
        address = self._address
        login = []
        if address.password:
            user = address.username or "default"
            login = [b"AUTH", user.encode(), address.password.encode()]
        await ask(wire, b"HELLO", b"3", *login)
        if address.database:
            await ask(wire, b"SELECT", b"%d" % address.database)
        role = await ask(wire, b"ROLE")
        if not isinstance(role, list) or role[0] != b"master":
            raise ConnectionError("the server is a replica")
        for source in SOURCES.values():
            await ask(wire, b"SCRIPT", b"LOAD", source)

    def _on_lost(self) -> None:
        if self._wire is not None:
            self._wire = None
            if self._channels:
                self._connect()

    def _fail(self, why: ConnectionError) -> None:
        early, self._early = self._early, []
        for _, on_reply in early:
            on_reply(why)
