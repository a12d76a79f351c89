"""What one WebSocket receives: bytes in, messages to its `Session`, a share in each turn.

A whole message in one frame is read by `single_frame`. Other bytes go into the parser in slices, so
that a flood is noticed after one slice. What comes beyond the client's share of a turn waits here,
and the connection is not read meanwhile (`inbox`). A message is put together under limits on its
bytes, its fragments and its time (`unfinished`).
"""

from __future__ import annotations

import asyncio
import codecs
from abc import ABC, abstractmethod
from typing import Final

from alcove_protocol import limits
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, Protocol, State

from alcove_server.net import single_frame
from alcove_server.net.inbox import SHARE
from alcove_server.net.terms import Terms
from alcove_server.ports.outlet import Close
from alcove_server.ports.place import NetworkPart
from alcove_server.ports.token_bucket import TokenBucket
from alcove_server.session.session import Session

SLICE: Final = limits.KIB
"""Bytes parsed at a time in the middle of a large frame: at most 170 frames, about 3 ms, before
their events are handled."""
_FIRST_SLICE: Final = 256
"""Bytes parsed at a time where frames begin: a few requests."""
_SLICE_STEPS: Final = 0.3
_FRAME_STEPS: Final = 1.5
"""Steps (`ports.turn`) of a slice and of a frame in the library's parser."""
IGNORED: Final = limits.FRAME
"""Bytes that a client may still send after a close frame behind which nothing is parsed."""
FREE_FRAGMENTS: Final = 128
FRAGMENT_BYTES: Final = 64
"""A message may have 128 fragments, and one more for each 64 bytes that it carries."""
AFTER_CLOSE: Final = 256
"""Frames that a client may still send after the relay's close frame: those under way."""
CONTROL_RATE: Final = 1.0
CONTROL_BURST: Final = 20.0
"""Control frames a second, and at once. A client answers one ping in 20 seconds."""
_TEXT_SLICE: Final = 16 * limits.KIB
"""Bytes of a text message that are decoded at a time."""
_LOOK_AGAIN: Final = 0.005
"""Seconds between looks at whether a congested session takes messages again."""


class Incoming(asyncio.Protocol, ABC):
    """The receiving half of a `WebSocket`, which is the other half."""

    __slots__ = (
        "_after_close",
        "_carried",
        "_closing",
        "_controls",
        "_deaf",
        "_fragments",
        "_group",
        "_heard",
        "_idle",
        "_is_text",
        "_probed",
        "_protocol",
        "_session",
        "_terms",
        "_transport",
        "_waiting",
    )

    def __init__(
        self, transport: asyncio.Transport, protocol: Protocol, terms: Terms, group: NetworkPart
    ) -> None:
        """`group` is the client's part of the network."""
        self._transport = transport
        self._protocol = protocol
        self._terms = terms
        self._group = group
        self._session: Session | None = None
        self._closing = False
        self._after_close = 0
        self._deaf: int | None = None  # bytes that came since nothing is parsed any more
        self._waiting = b""  # what came and is not parsed: the connection is not read meanwhile
        self._fragments: list[bytes] = []
        self._carried = 0  # bytes of `_fragments`, counted because adding them up is quadratic
        self._is_text = False
        self._heard = True
        self._probed = False
        self._idle = True
        self._controls: TokenBucket | None = None

    # --- the other half ---------------------------------------------------------------------

    @abstractmethod
    def _fail(self, code: int) -> None:
        """The client broke a rule of RFC 6455."""

    @abstractmethod
    def give_up(self, code: int, reason: str) -> None:
        """As `unfinished.UnfinishedSender`."""

    @abstractmethod
    def _finish(self) -> None:
        """A close frame is to be sent, or came."""

    @abstractmethod
    def _evict(self, code: int, reason: str) -> None:
        """Close a client that is too slow, or sends too much."""

    @abstractmethod
    def _write_protocol(self) -> None:
        """Write pongs, close frames and the end of the stream."""

    # --- receiving --------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard, self._probed = True, False
        if self._deaf is not None:
            self._ignore(len(data))
        elif self._waiting:  # TLS had more in hand than was read
            self._waiting += data
            self._note_part()
        elif self._terms.inbox.turn.left <= 0:
            self._waiting = data
            self._stop_reading()
        elif not self._take(data):
            self._stop_reading()

    def read_on(self) -> bool:
        """As `inbox.WaitingReader`."""
        data, self._waiting = self._waiting, b""
        if self._take(data):
            self._note_part()
            if not self._transport.is_closing():
                self._transport.resume_reading()
            return False
        self._note_part()
        if self._is_congested:
            self._terms.loop.call_soon(self._read_again)
            return False
        return True

    def _take(self, data: bytes) -> bool:
        """Handle one share of these bytes. Return whether that is all, and more may come."""
        if self._idle and not self._closing:
            message = single_frame.message(data, self._protocol.max_message_size or 0)
            if message is not None:
                self._is_text = False
                self._deliver(message, 1)
                return not self._is_congested
            if single_frame.is_pong(data):
                self._count_control()
                return True
        self._waiting = self._parse(data)
        self._idle = single_frame.expected(self._protocol)
        if self._idle:
            single_frame.forget_last(self._protocol)
        self._note_part()
        return not self._waiting and not self._is_congested

    def _parse(self, data: bytes) -> bytes:
        """Return what is left when the share is used up."""
        turn = self._terms.inbox.turn
        end = max(0.0, turn.left - SHARE)
        at, size = 0, _FIRST_SLICE
        while at < len(data) and self._protocol.state is not State.CLOSED:
            if self._protocol.max_message_size != limits.FRAME:
                self._raise_limit()
            self._protocol.receive_data(data[at : at + size])
            at += size
            if self._protocol.state is State.OPEN:
                self._write_protocol()  # pongs: their pings came before what is answered now
            events = self._protocol.events_received()
            turn.spend(_SLICE_STEPS + _FRAME_STEPS * len(events))
            if not self._handle(events):
                return b""
            size = _FIRST_SLICE if events else min(2 * size, SLICE)
            if turn.left <= end or self._is_congested:
                return data[at:]
        return b""

    def _handle(self, events: list[Event]) -> bool:
        """Return whether more of this client is parsed."""
        for event in events:
            if not isinstance(event, Frame):
                continue
            if not self._closing:
                self._receive(event)
            elif not self._may_still_send():
                return False
        if self._protocol.state is not State.OPEN:
            self._finish()
        return self._deaf is None

    def _ignore(self, size: int) -> None:
        """Nothing is parsed any more. The bytes are read all the same: were they left, the kernel
        would reset the connection, and the client could lose the close frame."""
        assert self._deaf is not None  # the caller asked
        self._deaf += size
        if self._deaf > IGNORED:
            self._transport.abort()

    # --- waiting for a turn -----------------------------------------------------------------

    @property
    def _is_congested(self) -> bool:
        """Whether what came before keeps the client's next messages waiting."""
        return not self._closing and self._session is not None and self._session.congested

    def _stop_reading(self) -> None:
        if self._deaf is not None or self._transport.is_closing():
            return
        self._transport.pause_reading()
        self._note_part()
        if self._is_congested:
            self._terms.loop.call_soon(self._read_again)
        else:
            self._terms.inbox.wait(self, self._group)

    def _read_again(self) -> None:
        """While the store, or a room that is behind, makes a client wait, its next messages wait
        here and in its own socket."""
        if self._session is None or self._closing:
            return
        if self._session.congested:
            self._terms.loop.call_later(_LOOK_AGAIN, self._read_again)
        else:
            self._terms.inbox.wait(self, self._group)

    def _forget_waiting(self) -> None:
        """The connection closes: what waits is not handled, and what comes is read."""
        self._waiting = b""
        self._terms.inbox.discard(self, self._group)
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _raise_limit(self) -> None:
        if self._session is not None and self._session.takes_large:
            self._protocol.max_message_size = limits.FRAME

    def _note_part(self) -> None:
        """Report how many bytes are held of an unfinished message."""
        held = len(self._protocol.reader.buffer) + self._carried + len(self._waiting)
        if (self._idle and not self._waiting) or (self._closing and not held):
            self._terms.unfinished.discard(self)
        else:
            self._terms.unfinished.hold(self, held, self._group)

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

    def _receive_text(self, session: Session, message: bytes) -> None:
        try:
            check_utf8(message)
        except UnicodeDecodeError:
            self._fail(Close.NOT_UTF8)
        else:
            session.receive_text()


def check_utf8(message: bytes) -> None:
    """Raise `UnicodeDecodeError` for what is not UTF-8. In slices, because one wide character makes
    Python hold a whole text at four bytes a character."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(0, len(message), _TEXT_SLICE):
        decoder.decode(message[at : at + _TEXT_SLICE])
    decoder.decode(b"", final=True)
