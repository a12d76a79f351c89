"""One connection to a Redis server: commands of one turn of the event loop in one batch.

Replies come in the order of the commands. A push of a script comes before the reply to that script,
so what a node hears of its own change comes before its answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from ssl import SSLContext
from typing import Final

import hiredis

Reply = object
"""bytes, int, None, a list of replies, or `hiredis.ReplyError`."""
OnReply = Callable[[Reply], None]
"""Called once: with the reply, or with the `ConnectionError` that made it impossible."""
OnPush = Callable[[bytes, bytes], None]
"""Called with the channel and the message of each push."""

PENDING: Final = 8 * 1024 * 1024
"""Bytes of commands without a reply. Beyond them a call fails at once, so memory is bounded."""


def encode(*words: bytes) -> bytes:
    """Return a command as Redis reads it (RESP, an array of bulk strings)."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


class Wire(asyncio.Protocol):
    """A connection that is there. `lost` is called once, when it is gone."""

    def __init__(self, on_push: OnPush, on_lost: Callable[[], None]) -> None:
        self._on_push = on_push
        self._on_lost = on_lost
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[OnReply, int]] = deque()
        self._batch: list[bytes] = []
        self._pending = 0
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.closed:
            return
        self.closed = True
        waiting, self._waiting = self._waiting, deque()
        lost = ConnectionError("the connection to Redis was lost")
        for on_reply, _ in waiting:
            on_reply(lost)
        self._on_lost()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while True:
            try:
                reply = self._reader.gets()
            except hiredis.HiredisError:
                self.close()
                return
            if reply is False:
                return
            if isinstance(reply, hiredis.PushNotification):
                if len(reply) == 3 and reply[0] == b"smessage":
                    self._on_push(reply[1], reply[2])
                continue
            on_reply, size = self._waiting.popleft()
            self._pending -= size
            on_reply(reply)

    def send(self, command: bytes, on_reply: OnReply) -> None:
        """Send a command at the end of this turn. `on_reply` is called once, perhaps at once."""
        if self.closed or self._pending + len(command) > PENDING:
            on_reply(ConnectionError("the connection to Redis takes no more"))
            return
        if not self._batch:
            self._loop.call_soon(self._flush)
        self._batch.append(command)
        self._pending += len(command)
        self._waiting.append((on_reply, len(command)))

    def tell(self, command: bytes) -> None:
        """Send a command whose answer is a push (SSUBSCRIBE), which `send` must not wait for."""
        if self.closed:
            return
        if not self._batch:
            self._loop.call_soon(self._flush)
        self._batch.append(command)

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        if self._transport is not None and not self.closed:
            self._transport.write(b"".join(batch))

    def close(self) -> None:
        """Close it. Commands without a reply fail."""
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)


async def connect(
    host: str, port: int, tls: SSLContext | None, on_push: OnPush, on_lost: Callable[[], None]
) -> Wire:
    """Open a connection. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(lambda: Wire(on_push, on_lost), host, port, ssl=tls)
    return wire


async def ask(wire: Wire, *words: bytes) -> Reply:
    """Send a command and return its reply. Raises `ConnectionError`, `hiredis.ReplyError`."""
    answered = asyncio.get_running_loop().create_future()

    def on_reply(reply: Reply) -> None:
        if not answered.done():
            answered.set_result(reply)

    wire.send(encode(*words), on_reply)
    reply = await answered
    if isinstance(reply, Exception):
        raise reply
    return reply
