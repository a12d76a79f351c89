"""One WebSocket after its upgrade: the transport on one side, a `Session` on the other.

RFC 6455 is the `websockets` library's sans-I/O `Protocol`. This file feeds it and bounds it, and
does what an ASGI server would do otherwise:

    receiving   a whole message in one frame is read by `single_frame`. Other bytes go into the
                parser in slices, so that a flood is noticed after one slice. A message is put
                together under limits on its bytes, its fragments and its time (`unfinished`)
    sending     whole frames, prebuilt and shared between members, go to the transport. While it is
                full they are queued here, bounded in bytes and in time (slow consumers)
    keepalive   a ping each period. A client that sends nothing until the next one is dropped. Any
                byte will do: it belongs to a message that has a deadline
    closing     the close handshake with a deadline, after which the transport is aborted
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from alcove_protocol import limits
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, State

from alcove_server.net import single_frame
from alcove_server.net.terms import Terms, Timer
from alcove_server.ports.outlet import Close
from alcove_server.ports.token_bucket import TokenBucket
from alcove_server.session.session import Session

SLICE: Final = limits.KIB
"""Bytes parsed at a time: at most 170 frames, about 1 ms, before their events are handled."""
FREE_FRAGMENTS: Final = 128
FRAGMENT_BYTES: Final = 64
"""A message may have 128 fragments, and one more for each 64 bytes that it carries."""
WRITE_BUFFER: Final = 64 * limits.KIB
"""Bytes that the transport holds before it is full. The rest is kept here, by reference."""
CLOSE_SECONDS: Final = 5.0
"""Seconds for a client to answer a close frame, and to read what it was sent before."""
AFTER_CLOSE: Final = 256
"""Frames that a client may still send after the relay's close frame: those under way."""
CONTROL_RATE: Final = 1.0
CONTROL_BURST: Final = 20.0
"""Control frames a second, and at once. A client answers one ping in 20 seconds."""
_DEAF: Final = frozenset({Close.REFUSED, Close.TOO_LARGE, Close.TRY_AGAIN, Close.SLOW_CONSUMER})
"""After these nothing is parsed any more: a flood must not cost anything once it is refused."""
_LOOK_AGAIN: Final = 0.005
"""Seconds between looks at whether a congested session takes messages again."""
_PING: Final = b"\x89\x00"


def _nowhere(frames: bytes) -> None:
    """`write` of a closing connection: nothing stands behind a close frame."""


class WebSocket(asyncio.Protocol):
    """An `Outlet`, and the asyncio protocol of a transport whose handshake is done."""

    __slots__ = (
        "_after_close",
        "_backlog",
        "_carried",
        "_closing",
        "_controls",
        "_deadline",
        "_done",
        "_fragments",
        "_heard",
        "_idle",
        "_is_text",
        "_paused",
        "_pending",
        "_protocol",
        "_session",
        "_slot",
        "_terms",
        "_transport",
        "write",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        protocol: Protocol,
        terms: Terms,
        done: Callable[[WebSocket], None],
    ) -> None:
        self._transport = transport
        self._protocol = protocol
        self._terms = terms
        self._done = done
        self._session: Session | None = None
        self._pending: list[bytes] = []
        self._backlog = 0
        self._paused = False
        self._after_close = 0
        self.write: Callable[[bytes], object] = transport.write
        self._closing = False
        self._deadline: Timer | None = None
        self._fragments: list[bytes] = []
        self._carried = 0  # bytes of `_fragments`, counted because adding them up is quadratic
        self._is_text = False
        self._heard = True
        self._idle = True
        self._controls: TokenBucket | None = None
        self._slot = terms.keepalive.add(self)
        transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def attach(self, session: Session) -> None:
        """From here on messages go to this session."""
        self._session = session

    # --- receiving --------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard = True
        if self._idle and not self._closing:
            message = single_frame.message(data, self._protocol.max_message_size or 0)
            if message is not None:
                self._is_text = False
                self._deliver(message, 1)
                return
            if single_frame.is_pong(data):
                self._count_control()
                return
        self._parse(data)
        self._idle = single_frame.expected(self._protocol)
        if self._idle:
            single_frame.forget_last(self._protocol)
        self._note_part()

    def _parse(self, data: bytes) -> None:
        for at in range(0, len(data), SLICE):
            if self._protocol.state is State.CLOSED:
                return
            if self._protocol.max_message_size != limits.FRAME:
                self._raise_limit()
            self._protocol.receive_data(data[at : at + SLICE])
            if self._protocol.state is State.OPEN:
                self._write_protocol()  # pongs: their pings came before what is answered now
            for event in self._protocol.events_received():
                if not isinstance(event, Frame):
                    continue
                if not self._closing:
                    self._receive(event)
                elif not self._may_still_send():
                    return
            if self._protocol.state is not State.OPEN:
                self._finish()

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
        self._shut()
        self._pending.clear()
        if self._session is not None:
            self._session.lost()
        self._session = None  # which refers to this: neither waits for the collector of cycles
        single_frame.release(self._protocol)
        self._done(self)

    def _raise_limit(self) -> None:
        if self._session is not None and self._session.takes_large:
            self._protocol.max_message_size = limits.FRAME

    def _note_part(self) -> None:
        """Report how many bytes are held of an unfinished message."""
        held = len(self._protocol.reader.buffer) + self._carried
        if self._idle or (self._closing and not held):
            self._terms.unfinished.discard(self)
        else:
            self._terms.unfinished.hold(self, held)

    def _may_still_send(self) -> bool:
        """A client may still send what was under way at the close frame, but not for ever."""
        self._after_close += 1
        if self._after_close > AFTER_CLOSE:
            self._transport.abort()
        return self._after_close <= AFTER_CLOSE

    def _receive(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.PING, Opcode.PONG):
            self._count_control()
        elif frame.opcode is not Opcode.CLOSE:
            self._assemble(frame)
        if not self._fragments:  # what follows is another message, with a time of its own
            self._terms.unfinished.discard(self)

    def _count_control(self) -> None:
        now = self._terms.clock()
        if self._controls is None:
            rate = CONTROL_RATE * self._terms.rates
            self._controls = TokenBucket(rate, CONTROL_BURST, now)
        if not self._controls.take(now):
            self._evict(Close.REFUSED, "rate_limited")

    def _assemble(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        if frame.fin and not self._fragments:
            self._deliver(bytes(frame.data), 1)
            return
        self._fragments.append(bytes(frame.data))
        self._carried += len(frame.data)
        count = len(self._fragments)
        if count > FREE_FRAGMENTS + self._carried // FRAGMENT_BYTES:
            self._fail(Close.TOO_LARGE)
        elif frame.fin:
            message, self._fragments, self._carried = b"".join(self._fragments), [], 0
            self._deliver(message, count)

    def _deliver(self, message: bytes, fragments: int) -> None:
        session = self._session
        if session is None:
            return
        if self._is_text:
            self._receive_text(session, message)
            return
        session.receive(message, fragments)
        if session.congested:
            self._transport.pause_reading()
            self._terms.loop.call_soon(self._read_again)

    def _read_again(self) -> None:
        """When the store makes a client wait, its next messages wait in its own socket."""
        if self._session is not None and not self._closing:
            if self._session.congested:
                self._terms.loop.call_later(_LOOK_AGAIN, self._read_again)
            else:
                self._transport.resume_reading()

    def _receive_text(self, session: Session, message: bytes) -> None:
        try:
            message.decode()
        except UnicodeDecodeError:
            self._fail(Close.NOT_UTF8)
        else:
            session.receive_text()

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
        if not self._closing:
            self.write = self._queue

    def resume_writing(self) -> None:
        self._paused = False
        self._terms.stalled.discard(self)
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
        if not self._heard:
            self._shut()
            self._transport.abort()
        elif not self._paused:  # a full transport is `Stalled`'s to watch
            self._heard = False
            self._transport.write(_PING)

    def too_late(self) -> None:
        """The client has taken nothing for too long."""
        if not self._closing:
            self._evict(Close.SLOW_CONSUMER, "slow_consumer")

    def give_up(self, code: int, reason: str) -> None:
        """The relay waits no longer for the end of the client's message."""
        if self._closing:  # the client was told, and sends on
            self._transport.abort()
        else:
            self._evict(code, reason)

    # --- closing ----------------------------------------------------------------------------

    def close(self, code: int) -> None:
        """Say goodbye after what was sent so far."""
        if self._closing:
            return
        self._write_pending()
        if code in _DEAF:
            self._protocol.fail(code)
        elif self._protocol.state is State.OPEN:
            self._protocol.send_close(code)
        self._finish()
        if code == Close.TRY_AGAIN:  # others need the place, so no last answer is waited for
            self._transport.close()

    def shutdown(self) -> None:
        """The server stops. `Relay.drain` has told the client, and the deadline runs."""

    def _evict(self, code: int, reason: str) -> None:
        """Close a client that is too slow, or sends too much. What it was not sent is dropped: the
        client resumes, and the log has it."""
        self._pending.clear()
        self._backlog = 0
        if self._session is not None:
            self._session.evict(code, reason)

    def _fail(self, code: int) -> None:
        """The client broke a rule of RFC 6455."""
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
