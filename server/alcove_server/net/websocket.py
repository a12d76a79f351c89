"""One WebSocket after its upgrade: the transport on one side, a `Session` on the other.

RFC 6455 is the `websockets` library's sans-I/O `Protocol`. This file feeds it and bounds it, and
does what an ASGI server would do otherwise:

    receiving   `incoming`: parsing, the limits of a message, a share of each turn of the loop
    sending     whole frames, prebuilt and shared between members, go to the transport. While it is
                full they are queued here, bounded in bytes and in time (slow consumers), and for
                all clients together in bytes (`unsent`)
    keepalive   a ping each period. A client that sends nothing until the next one is dropped. Any
                byte will do: it belongs to a message that has a deadline
    closing     the close handshake with a deadline, after which the transport is aborted
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from alcove_protocol import limits
from websockets.protocol import Protocol, State

from alcove_server.net import single_frame
from alcove_server.net.inbox import EVERYONE
from alcove_server.net.incoming import Incoming
from alcove_server.net.shares import Shares
from alcove_server.net.terms import Terms, Timer, Unsent
from alcove_server.ports.outlet import Close
from alcove_server.ports.place import NetworkPart
from alcove_server.session.session import Session

WRITE_BUFFER: Final = 64 * limits.KIB
"""Bytes that the transport holds before it is full. The rest is kept here, by reference."""
CLOSE_SECONDS: Final = 5.0
"""Seconds for a client to answer a close frame, and to read what it was sent before."""
_DEAF: Final = frozenset({Close.REFUSED, Close.TOO_LARGE, Close.TRY_AGAIN, Close.SLOW_CONSUMER})
"""After these nothing is parsed any more: a flood must not cost anything once it is refused."""
_PING: Final = b"\x89\x00"


def _nowhere(frames: bytes) -> None:
    """`write` of a closing connection: nothing stands behind a close frame."""


def relieve(unsent: Shares[Unsent]) -> None:
    """Have the largest connections give way until what waits for all is within its bound."""
    while unsent.too_many:
        unsent.largest()[0].relieve()


class WebSocket(Incoming):
    """An `Outlet`, and the asyncio protocol of a transport whose handshake is done."""

    __slots__ = (
        "_backlog",
        "_deadline",
        "_done",
        "_paused",
        "_pending",
        "_slot",
        "write",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        protocol: Protocol,
        terms: Terms,
        done: Callable[[WebSocket], None],
        group: NetworkPart = EVERYONE,
    ) -> None:
        """`group` is the client's part of the network."""
        super().__init__(transport, protocol, terms, group)
        self._done = done
        self._pending: list[bytes] = []
        self._backlog = 0
        self._paused = False
        self.write: Callable[[bytes], object] = transport.write
        self._deadline: Timer | None = None
        self._slot = terms.keepalive.add(self)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def attach(self, session: Session) -> None:
        """From here on messages go to this session."""
        self._session = session

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        self._finish()  # the transport takes nothing after its end
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._terms.keepalive.discard(self._slot, self)
        self._terms.stalled.discard(self)
        self._terms.unfinished.discard(self)
        self._terms.unsent.discard(self, self._group)
        self._terms.inbox.discard(self, self._group)
        self._waiting = b""
        self._shut()
        self._pending.clear()
        if self._session is not None:
            self._session.lost()
        self._session = None  # which refers to this: neither waits for the collector of cycles
        single_frame.release(self._protocol)
        self._done(self)

    # --- sending ----------------------------------------------------------------------------

    @property
    def backlog(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._backlog + self._transport.get_write_buffer_size()

    def _queue(self, frames: bytes) -> None:
        """`write` while the transport is full."""
        self._pending.append(frames)
        before = self._backlog
        self._backlog += len(frames)
        if before <= self._terms.queue_bytes < self._backlog:
            # Later, because the caller of `write` is in the middle of telling others.
            self._terms.loop.call_soon(self._overflow)
        self._count_unsent()

    def _count_unsent(self) -> None:
        unsent = self._terms.unsent
        unsent.set(self, self._group, self.backlog)
        if unsent.too_many:
            self._terms.loop.call_soon(partial(relieve, unsent))  # later, as above

    def _overflow(self) -> None:
        if self._paused and not self._closing and self._backlog > self._terms.queue_bytes:
            self._evict(Close.SLOW_CONSUMER, "slow_consumer")

    def _ask_for_more(self) -> None:
        if self._session is not None and not self._paused:
            self._session.drained()

    def _write_pending(self) -> None:
        """Give all that waits to the transport, which takes as much as it is given."""
        pending = self._pending
        if pending:
            self._pending, self._backlog = [], 0
            self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def pause_writing(self) -> None:
        self._paused = True
        self._terms.stalled.add(self)
        self._count_unsent()
        if not self._closing:
            self.write = self._queue

    def resume_writing(self) -> None:
        self._paused = False
        self._terms.stalled.discard(self)
        self._terms.unsent.discard(self, self._group)
        if self._closing:
            return
        self.write = self._transport.write
        self._write_pending()  # which may be too much again
        self._ask_for_more()

    # --- keepalive --------------------------------------------------------------------------

    def turn(self) -> None:
        """Once in a period: drop a client that was silent since the last ping, else ping."""
        if self._closing:
            return
        if not self._heard and not self._waiting:
            self._shut()
            self._transport.abort()
        elif not self._paused:  # a full transport is `Stalled`'s to watch
            self._heard = False
            self._transport.write(_PING)

    def probe(self) -> None:
        """As `Outlet.probe`: a ping behind what waits to be sent."""
        self._probed = True
        self.write(_PING)

    @property
    def silent(self) -> bool:
        """As `Outlet.silent`. Any byte is a sign of life, as in `turn`."""
        return self._probed and not self._waiting

    def too_late(self) -> None:
        """The client has taken nothing for too long."""
        if not self._closing:
            self._evict(Close.SLOW_CONSUMER, "slow_consumer")

    def relieve(self) -> None:
        """As `Unsent`. A client that was told already, and still takes nothing, is cut off."""
        if self._closing:
            self._terms.unsent.discard(self, self._group)
            self._transport.abort()
        else:
            self._evict(Close.SLOW_CONSUMER, "slow_consumer")

    def give_up(self, code: int, reason: str) -> None:
        """The relay waits no longer for the end of the client's message."""
        if self._closing:  # the client was told, and sends on
            self._transport.abort()
        else:
            self._evict(code, reason)

    # --- closing ----------------------------------------------------------------------------

    def give_way(self) -> None:
        """Close at once: another client needs the place."""
        if self._session is not None:
            self._session.give_way()
        if self._paused:
            self._transport.abort()  # else the place would be taken for as long as nothing is read
        else:
            self._transport.close()

    def close(self, code: int) -> None:
        """Say goodbye after what was sent so far."""
        if self._closing:
            return
        self._write_pending()
        if code in _DEAF:
            self._deaf = 0
            self._protocol.fail(code)
        elif self._protocol.state is State.OPEN:
            self._protocol.send_close(code)
        self._finish()

    def shutdown(self) -> None:
        """The server stops. `Relay.drain` has told the client, and the deadline runs."""

    def _evict(self, code: int, reason: str) -> None:
        """Close a client that is too slow, or sends too much. What it was not sent is dropped: the
        client resumes, and the log has it."""
        self._pending.clear()
        self._backlog = 0
        if self._paused:
            self._terms.unsent.set(self, self._group, self.backlog)
        if self._session is not None:
            self._session.evict(code, reason)

    def _fail(self, code: int) -> None:
        """The client broke a rule of RFC 6455."""
        self._deaf = 0
        self._protocol.fail(code)
        self._finish()

    def _finish(self) -> None:
        """A close frame is to be sent, or came: nothing more is sent, and the deadline runs. `lost`
        first gives the client the answers that wait for the end of the turn."""
        if self._closing:
            self._write_protocol()
            return
        if self._session is not None:
            self._session.lost()
        self._write_protocol()
        self._shut()
        self._note_part()
        self._deadline = self._terms.loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def _shut(self) -> None:
        self._closing = True
        if self._waiting:
            self._forget_waiting()
        self.write = _nowhere
        self._fragments, self._carried = [], 0

    def _write_protocol(self) -> None:
        """Write pongs, close frames and the end of the stream. A close frame and the end stand
        behind what is queued. A pong does not wait, and none goes to a client that takes nothing,
        because it would only add to what waits."""
        for data in self._protocol.data_to_send():
            if not data:
                if not self._closing:
                    self._write_pending()
                if self._transport.can_write_eof():
                    self._transport.write_eof()
                else:
                    self._transport.close()
            elif self._protocol.state is not State.OPEN:
                if not self._closing:  # nothing stands behind a close frame
                    self._write_pending()
                    self._transport.write(data)
            elif not self._paused:
                self._transport.write(data)
