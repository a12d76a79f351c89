"""One connection to a Redis server: commands of one turn of the event loop in one batch.

Replies come in the order of the commands. A push of a script comes before the reply to that script,
so what a node hears of its own change comes before its answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from ssl import SSLContext
from typing import Final, cast

import hiredis

from alcove_server.store.redis.gate import Gate, OnPush, OnReply, Reply

MARKER_MS: Final = b"60000"
"""A marker ends by itself, as everything does."""
WAIT_MS: Final = b"1000"
"""Milliseconds of one `WAIT`. It is repeated while too few replicas confirm."""
PATIENCE: Final = 10.0
"""Seconds for which replicas may confirm nothing before the connection is given up."""
PENDING: Final = 8 * 1024 * 1024
"""Bytes of commands without a reply. Beyond them a call fails at once, so memory is bounded."""


def encode(*words: bytes) -> bytes:
    """Return a command as Redis reads it (RESP, an array of bulk strings)."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


class Wire(asyncio.Protocol):
    """A connection that is there. `lost` is called once, when it is gone.

    `replicas` of the server must have confirmed what is told (`Gate`); `marker` is the key of this
    node's marker. Replicas that confirm nothing for `PATIENCE` seconds end the connection: then
    each command without an answer fails, and may still have happened."""

    def __init__(
        self, on_push: OnPush, on_lost: Callable[[], None], replicas: int = 0, marker: bytes = b"m"
    ) -> None:
        self._on_push = on_push
        self._on_lost = on_lost
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[OnReply, int]] = deque()
        self._batch: list[bytes] = []
        self._pending = 0
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._gate = Gate(replicas, self._mark)
        self._short: float | None = None
        self._mark_commands = (
            encode(b"SET", marker, b"", b"PX", MARKER_MS),
            encode(b"WAIT", b"%d" % replicas, WAIT_MS),
        )
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio gives a TCP or TLS protocol a `Transport`; its type says only the base class.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.closed:
            return
        self.closed = True
        waiting, self._waiting = self._waiting, deque()
        lost = ConnectionError("the connection to Redis was lost")
        for on_reply, _ in waiting:
            on_reply(lost)
        self._gate.drop(lost)
        self._on_lost()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while not self.closed:
            try:
                reply = self._reader.gets()
            except hiredis.HiredisError:
                self.close()
                return
            if reply is False:
                return
            if isinstance(reply, hiredis.PushNotification):
                if len(reply) == 3 and reply[0] == b"smessage":
                    self._gate.push(self._on_push, reply[1], reply[2])
                continue
            on_reply, size = self._waiting.popleft()
            self._pending -= size
            on_reply(reply)

    def send(self, command: bytes, on_reply: OnReply) -> None:
        """Send a command at the end of this turn. `on_reply` is called once, perhaps at once: when
        the reply is safe to tell, or with why there is none."""
        if self.closed or self._pending + len(command) > PENDING:
            on_reply(ConnectionError("the connection to Redis takes no more"))
            return
        self._put(command, partial(self._gate.reply, on_reply))

    def _put(self, command: bytes, on_reply: OnReply) -> None:
        self.tell(command)
        self._pending += len(command)
        self._waiting.append((on_reply, len(command)))

    def tell(self, command: bytes) -> None:
        """Send a command that is answered by a push (SSUBSCRIBE), for which nothing waits."""
        if not self._batch:
            self._loop.call_soon(self._flush)
        self._batch.append(command)

    def _flush(self) -> None:
        self._gate.sending()
        batch, self._batch = self._batch, []
        if self._transport is not None and not self.closed:
            self._transport.write(b"".join(batch))

    def _mark(self) -> None:
        set_marker, wait = self._mark_commands
        self._put(set_marker, lambda _: self._gate.marked())
        self._put(wait, self._on_wait)

    def _on_wait(self, reply: Reply) -> None:
        if isinstance(reply, ConnectionError):
            return
        if self._gate.confirmed(reply if isinstance(reply, int) else -1):
            self._short = None
            return
        now = self._loop.time()
        if self._short is None:
            self._short = now
        elif now - self._short > PATIENCE:
            self.close()

    @property
    def is_short(self) -> bool:
        """Whether fewer replicas than needed confirmed the last marker."""
        return self._short is not None

    def close(self) -> None:
        """Close it. Commands without an answer fail."""
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)


async def connect(make: Callable[[], Wire], host: str, port: int, tls: SSLContext | None) -> Wire:
    """Open a connection. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(make, host, port, ssl=tls)
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
