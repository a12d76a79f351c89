"""One connection to a Redis server: commands of one turn of the event loop in one batch.

Replies come in the order of the commands. What a node hears of its own change comes before its
answer: until Redis 7.2 a push comes before the reply to its script. Later versions and Valkey turn
that around. There a reply is kept until whatever comes next that is no push, and each batch ends
with a `PING`, so that something does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from ssl import SSLContext
from typing import Final, cast

import hiredis

from alcove_server.store.redis.errors import OTHER, SlotMoved, TooFewReplicas, moved_of
from alcove_server.store.redis.gate import Gate, OnPush, OnReply, Reply
from alcove_server.store.redis.health import QUESTION, Health, ServerTime, health_of
from alcove_server.store.redis.reasons import reason_of

MARKER_MS: Final = b"60000"
"""A marker ends by itself, as everything does."""
WAIT_MS: Final = b"1000"
"""Milliseconds of one `WAIT`. It is repeated while too few replicas confirm."""
PATIENCE: Final = 10.0
"""Seconds for which replicas may confirm nothing before the connection is given up."""
PENDING: Final = 8 * 1024 * 1024
"""Bytes of commands without a reply. Beyond them a call fails at once, so memory is bounded."""
HELD: Final = 32 * 1024 * 1024
"""Bytes that wait for replicas. Beyond them the connection is given up, and rooms are read again
when it is back."""
SILENCE: Final = 5.0
"""Seconds in which a server that was asked says nothing, not even that replicas are away, until the
connection is given up."""
BEAT: Final = 1.0
"""Seconds between two looks at the server."""
FILLER: Final = bytes(4096)
"""Written every second where there are replicas. It pushes ciphertext out of the replication
backlog: 1 MiB in about four minutes."""


def encode(*words: bytes) -> bytes:
    """Return a command as Redis reads it (RESP, an array of bulk strings)."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


_SUBSCRIBED: Final = b"ssubscribe"


class Wire(asyncio.Protocol):
    """A connection that is there. `lost` is called once, when it is gone.

    `replicas` of the server must have confirmed what is told (`Gate`); `marker` is the key of this
    node's marker. Replicas that confirm nothing for `PATIENCE` seconds end the connection: then
    each command without an answer fails, and may still have happened. `on_gone` is told a channel
    that moved to another server of a Cluster. Without it there is none, and the connection ends."""

    def __init__(
        self,
        on_push: OnPush,
        on_lost: Callable[[], None],
        replicas: int = 0,
        marker: bytes = b"m",
        on_gone: Callable[[bytes], None] | None = None,
    ) -> None:
        self._on_push = on_push
        self._on_lost = on_lost
        self._on_gone = on_gone
        self._reader = hiredis.Reader()
        # None stands for a command that is answered by a push (`subscribe`).
        self._waiting: deque[tuple[OnReply | None, int]] = deque()
        self._awaited: deque[tuple[bytes, bytes]] = deque()  # what those pushes say: kind, channel
        self._batch: list[bytes] = []
        self._pending = 0
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._gate = Gate(replicas, self._mark)
        self._replicas = replicas
        self._unmarked = False
        self._kept: Callable[[], None] | None = None
        self._short: float | None = None
        # PEXPIRE of a key that is there is replicated, and works when the memory is full.
        self._mark_commands = (
            encode(b"PEXPIRE", marker, MARKER_MS),
            encode(b"WAIT", b"%d" % replicas, WAIT_MS),
        )
        self._refresh = encode(b"SET", marker, FILLER, b"PX", MARKER_MS)
        self._heard = self._loop.time()
        self._next_beat: asyncio.TimerHandle | None = None
        self.health: Health | None = None
        self._server_time = ServerTime()
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio gives a TCP or TLS protocol a `Transport`; its type says only the base class.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.closed:
            return
        self.closed = True
        self._release()
        if self._next_beat is not None:
            self._next_beat.cancel()
        waiting, self._waiting = self._waiting, deque()
        lost = ConnectionError(reason_of(exc) if exc else "the connection to Redis was lost")
        for on_reply, _ in waiting:
            if on_reply is not None:
                on_reply(lost)
        self._gate.drop(lost)
        self._on_lost()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        self._heard = self._loop.time()
        gets, gate = self._reader.gets, self._gate
        while not self.closed:
            try:
                reply = gets()
            except hiredis.HiredisError:
                self.close()
                return
            if reply is False:
                return
            if isinstance(reply, hiredis.PushNotification):
                self._pushed(reply)
            else:
                self._release()
                self._replied(reply)
            if gate.bytes > HELD:
                self.close()

    def _pushed(self, push: list[bytes]) -> None:
        if push[0] == b"smessage":
            self._gate.push(self._on_push, push[1], push[2])
        elif self._waiting and self._waiting[0][0] is None and self._awaited[0] == tuple(push[:2]):
            self._awaited.popleft()
            self._pending -= self._waiting.popleft()[1]
        else:  # the server ended a subscription by itself: what follows would be missed
            self._gone(push[1])

    def _gone(self, channel: bytes) -> None:
        if self._on_gone is None:
            self.close()
        else:
            self._on_gone(channel)

    def _replied(self, reply: Reply) -> None:
        if not self._waiting:  # a server that answers what was not asked
            self.close()
            return
        on_reply, size = self._waiting.popleft()
        self._pending -= size
        if on_reply is not None and not isinstance(reply, hiredis.ReplyError):
            on_reply(reply)
            return
        moved = self._moved(reply)
        if on_reply is None:  # a subscription was refused
            kind, channel = self._awaited.popleft()
            if moved is None:
                self.close()
            elif kind == _SUBSCRIBED:
                self._gone(channel)
        elif moved is not None:
            on_reply(moved)
        elif str(reply).partition(" ")[0] in OTHER:
            on_reply(ConnectionError("this server is not the primary that it was"))
            self.close()
        else:
            on_reply(reply)

    def _moved(self, reply: Reply) -> SlotMoved | None:
        if self._on_gone is None or not isinstance(reply, hiredis.ReplyError):
            return None
        return moved_of(reply)

    def send(self, command: bytes, on_reply: OnReply) -> None:
        """Send a command at the end of this turn. `on_reply` is called once, perhaps at once: when
        the reply is safe to tell, or with why there is none."""
        if self.closed or self._pending + len(command) > PENDING:
            on_reply(ConnectionError("the connection to Redis takes no more"))
            return
        self._unmarked = True
        if self._turns_around:
            self._put(command, partial(self._keep, on_reply))
        else:
            self._put(command, self._gate.telling(on_reply))

    @property
    def _turns_around(self) -> bool:
        return self.health is not None and self.health.late_pushes

    def _keep(self, on_reply: OnReply, reply: Reply) -> None:
        """Keep a reply until the pushes of its script are there."""
        self._kept = partial(self._gate.telling(on_reply), reply)
        if isinstance(reply, ConnectionError):
            self._release()

    def _release(self) -> None:
        if self._kept is not None:
            kept, self._kept = self._kept, None
            kept()

    def subscribe(self, channel: bytes) -> None:
        """Hear what is pushed to a channel."""
        self._tell(_SUBSCRIBED, channel)

    def unsubscribe(self, channel: bytes) -> None:
        """Hear nothing more of a channel."""
        self._tell(b"sunsubscribe", channel)

    def _tell(self, kind: bytes, channel: bytes) -> None:
        if not self.closed:
            self._awaited.append((kind, channel))
            self._put(encode(kind.upper(), channel), None)

    def _put(self, command: bytes, on_reply: OnReply | None) -> None:
        self._pending += len(command)
        self._waiting.append((on_reply, len(command)))
        if not self._batch:
            self._loop.call_soon(self._flush)
        self._batch.append(command)

    def _flush(self) -> None:
        if self._unmarked:
            self._unmarked = False
            if self._turns_around:
                self._put(encode(b"PING"), lambda _: None)
            self._gate.sending()  # last, so that the marker stands behind all commands of the turn
        batch, self._batch = self._batch, []
        if self._transport is not None and not self.closed:
            self._transport.write(b"".join(batch))

    def _mark(self) -> None:
        mark, wait = self._mark_commands
        self._put(mark, self._on_marked)
        self._put(wait, self._on_wait)

    def _on_marked(self, reply: Reply) -> None:
        if reply == 1:
            self._gate.marked()
        elif isinstance(reply, SlotMoved) or not isinstance(reply, ConnectionError):
            self.close()  # the marker is gone, so nothing was replicated behind the commands

    # --- the server itself ------------------------------------------------------------------

    async def greet(self) -> None:
        """See that the server is a primary whose replicas confirm, and look at it every second from
        now on. Raises `TooFewReplicas`, `ConnectionError`, `hiredis.ReplyError`."""
        health = self._check(await self.ask(*QUESTION))
        if self._replicas:
            await self._answer(self._refresh)
            confirmed = await self._answer(self._mark_commands[1])
            if not isinstance(confirmed, int) or confirmed < self._replicas:
                some = confirmed if isinstance(confirmed, int) else "not all"
                raise TooFewReplicas(
                    f"{some} of {self._replicas} replicas confirm, and nothing is told until all do"
                )
        self.health = health
        self._next_beat = self._loop.call_later(BEAT, self._beat)

    async def ask(self, *words: bytes) -> Reply:
        """Send a command that tells a client nothing, and return its reply past the gate. Raises
        `ConnectionError`, `hiredis.ReplyError`."""
        return await self._answer(encode(*words))

    async def _answer(self, command: bytes) -> Reply:
        answered = self._loop.create_future()
        self._put(command, partial(_settle, answered))
        reply = await answered
        if isinstance(reply, Exception):
            raise reply
        return reply

    def tell_and_forget(self, command: bytes) -> None:
        """Send a command whose reply does not matter."""
        self._put(command, lambda _: None)

    def _beat(self) -> None:
        if self._waiting and self._loop.time() - self._heard > SILENCE:
            self.close()
            return
        self._put(encode(*QUESTION), self._on_info)
        if self._replicas:
            self._put(self._refresh, lambda _: None)
        self._next_beat = self._loop.call_later(BEAT, self._beat)

    def _on_info(self, reply: Reply) -> None:
        if isinstance(reply, ConnectionError):
            return
        try:
            health = self._check(reply)
        except ConnectionError:
            self.close()
            return
        if self.health is not None and health.reign != self.health.reign:
            self.close()  # another reign: the next connection compares what was told
        self.health = health

    def _check(self, reply: Reply) -> Health:
        try:
            health = health_of(reply if isinstance(reply, bytes) else b"")
        except ValueError as error:
            raise ConnectionError(str(error)) from None
        if not health.is_primary:
            raise ConnectionError("the server is a replica")
        self._server_time.heard(health.time, self._loop.time())
        return health

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
    def server_time(self) -> float:
        """The server's time now, or a little earlier."""
        return self._server_time.at(self._loop.time())

    @property
    def short_since(self) -> float | None:
        """The time of the loop from which on fewer replicas than needed confirm, or None."""
        return self._short

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


def _settle(answered: asyncio.Future[Reply], reply: Reply) -> None:
    if not answered.done():
        answered.set_result(reply)
