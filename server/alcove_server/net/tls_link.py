"""The TLS of one connection, by OpenSSL without its sockets, a share in each turn of the loop.

    socket ─▶ `_held` ─▶ whole records, as many as the turn has steps for ─▶ OpenSSL ─▶ protocol
    socket ◀─ the socket's transport, while it takes more ◀─ OpenSSL ◀─ `_unsent` ◀─ protocol

Theory of operation. A link is a protocol to the socket's transport, and a transport to the relay's
protocol, which it makes when the handshake is done. The event loops have TLS of their own, but it
decrypts all that was read in one call: 16 KiB of records of one byte cost as much as 4 MB of whole
ones. Here records are counted before OpenSSL has them, because their length is in clear (RFC 8446
section 5.1). They are charged to the turn, and those beyond the connection's share wait in `inbox`
as other messages do. The socket is not read meanwhile, so no more than one read waits.

    shaking hands ──▶ open ──▶ closing: nothing more is sent, and what comes is dropped
          └─ too late, or no TLS ─▶ the end         └─ the client closes too, or is late ─▶ the end

There is no half-close: a client that says that it sends no more is said goodbye to, after what was
sent to it (`close_notify`, RFC 8446 section 6.1).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

from alcove_protocol import limits

from alcove_server.net.inbox import SHARE
from alcove_server.net.incoming import IGNORED
from alcove_server.net.terms import Terms, Timer
from alcove_server.net.websocket import CLOSE_SECONDS
from alcove_server.ports.place import NetworkPart
from alcove_server.ports.turn import BYTES

READ_SIZE: Final = 16 * limits.KIB
"""Bytes read from a socket at a time, and the most that waits of it here."""
HEADER: Final = 5
"""Bytes of a record's header. The last two are the length of what follows."""
_LARGEST: Final = 1 << 14
"""Bytes that a record carries at most."""
_RECORD_STEPS: Final = 0.25
_HANDSHAKE_STEPS: Final = 20.0
"""Steps (`ports.turn`) of any record, and of a call for a handshake. A handshake takes two."""
_SILENT_STEPS: Final = 4.0
"""Steps more of a record that brought nothing to the protocol, such as a change of keys (RFC 8446
section 4.6.3): OpenSSL derives keys for it and answers with its own, of 27 bytes that came."""
AT_A_TIME: Final = int(SHARE / _RECORD_STEPS)
"""Records that are a connection's share of a turn."""


class TlsLink(asyncio.BufferedProtocol, asyncio.Transport):
    """One accepted connection. `buffer` is what all links of one loop read into, of `READ_SIZE`
    bytes. `seconds` is the time of the handshake, after which `make` makes the protocol. `over` is
    called once the handshake is done or failed, perhaps more than once. `group` is the client's
    part of the network."""

    __slots__ = (
        "_buffer",
        "_closing",
        "_dropped",
        "_ended",
        "_full",
        "_group",
        "_held",
        "_incoming",
        "_inner",
        "_make",
        "_outgoing",
        "_over",
        "_paused",
        "_raw",
        "_secure",
        "_silent",
        "_stopped",
        "_terms",
        "_timer",
        "_to_come",
        "_unsent",
        "_unsent_size",
    )

    def __init__(
        self,
        context: ssl.SSLContext,
        buffer: bytearray,
        terms: Terms,
        group: NetworkPart,
        make: Callable[[], asyncio.Protocol],
        seconds: float,
        over: Callable[[TlsLink], None],
    ) -> None:
        super().__init__()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._secure = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._buffer = buffer
        self._terms = terms
        self._group = group
        self._make = make
        self._over = over
        self._raw: asyncio.Transport | None = None
        self._inner: asyncio.Protocol | None = None
        self._held = b""  # what came and OpenSSL does not have yet
        self._to_come = 0  # bytes of the record that OpenSSL has in part
        self._silent = 0  # records since the handshake of which nothing has come out yet
        self._paused = False  # by the protocol
        self._unsent: deque[memoryview] = deque()
        self._unsent_size = 0
        self._full = False  # the socket's transport takes no more
        self._stopped = False  # and the protocol knows it
        self._ended = False  # the client sends no more
        self._closing = False
        self._dropped = 0
        self._timer: Timer = terms.loop.call_later(seconds, self.abort)

    # --- what the client sends --------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio gives a TCP protocol a `Transport`; its type says only the base class.
        self._raw = cast(asyncio.Transport, transport)
        if self._closing:
            self._raw.abort()

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._closing:
            self._dropped += nbytes
            if self._dropped > IGNORED:
                self.abort()
            return
        self._held += self._buffer[:nbytes]
        inbox = self._terms.inbox
        if inbox.turn.left <= 0 or self.read_on():
            self._transport.pause_reading()
            inbox.wait(self, self._group)

    def read_on(self) -> bool:
        """As `inbox.WaitingReader`."""
        if not self._hears:
            return False
        try:
            self._take(self._next_records())
        except ssl.SSLError:
            self._fail()
        if not self._hears:
            return False
        if len(self._held) >= HEADER:
            return True
        self._transport.resume_reading()
        return False

    @property
    def _hears(self) -> bool:
        """Whether what comes is read now."""
        return not self._paused and not self._closing

    def _next_records(self) -> bytes:
        """Take one share of what is held, and charge it. A header that is cut off stays."""
        held, at, count = self._held, self._to_come, 0
        while count < AT_A_TIME and at + HEADER <= len(held):
            at += HEADER + int.from_bytes(held[at + HEADER - 2 : at + HEADER])
            count += 1
        taken, self._held = held[:at], held[at:]
        self._to_come = at - len(taken)
        self._silent += count
        self._terms.inbox.turn.spend(count * _RECORD_STEPS + len(taken) / BYTES)
        return taken

    def _take(self, records: bytes) -> None:
        """Raises `ssl.SSLError` for what is not TLS."""
        self._incoming.write(records)
        if self._inner is None and not self._shake_hands():
            return
        parts, ended = [], False
        # Not until OpenSSL asks for more, because its exception would cost as much as two records.
        while self._incoming.pending and not ended:
            try:
                parts.append(self._secure.read(_LARGEST))
            except ssl.SSLWantReadError:
                break
            ended = not parts[-1]
        self._flush()  # answers of TLS itself, such as to a change of keys
        self._charge_silent(len(parts))
        if parts and self._inner is not None:
            self._inner.data_received(b"".join(parts))
        if ended:
            self._end()

    def _charge_silent(self, came: int) -> None:
        """Charge the records that brought nothing, now that so many did. One may be under way."""
        silent = max(0, self._silent - came)
        if silent > 1:
            self._terms.inbox.turn.spend((silent - 1) * _SILENT_STEPS)
        self._silent = min(silent, 1)

    def _shake_hands(self) -> bool:
        """Whether the handshake is done. Raises `ssl.SSLError`."""
        self._terms.inbox.turn.spend(_HANDSHAKE_STEPS)
        try:
            self._secure.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._flush()
        self._timer.cancel()
        self._silent = 0
        self._inner = self._make()
        self._inner.connection_made(self)
        self._over(self)
        return True

    def eof_received(self) -> bool:
        self._end()
        return bool(self._unsent)  # then `_say_goodbye` closes

    def _end(self) -> None:
        self._ended = True
        if not self._closing and self._inner is not None:
            self._inner.eof_received()
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_held()
        self._closing = True
        self._timer.cancel()
        self._unsent.clear()
        self._over(self)
        inner, self._inner = self._inner, None  # which refers to this
        if inner is not None:
            inner.connection_lost(exc)

    # --- what the protocol sends ------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or not data:
            return
        sent = 0
        if not self._full and not self._unsent and len(data) <= _LARGEST:
            sent = self._secure.write(data)  # as nearly always: nothing is queued, and no view made
            self._flush()
        if sent < len(data):
            self._unsent.append(memoryview(data)[sent:])
            self._unsent_size += len(data) - sent
            self._send()

    def writelines(self, list_of_data: Any) -> None:  # as asyncio's own, of what `write` takes
        self.write(b"".join(list_of_data))

    def _send(self) -> None:
        """Encrypt while the socket's transport takes more: what is encrypted cannot be shared
        between clients, and encrypting all of a long queue would hold the loop."""
        while self._unsent and not self._full:
            piece = self._unsent[0]
            written = self._secure.write(piece[:_LARGEST])
            self._unsent_size -= written
            if written < len(piece):
                self._unsent[0] = piece[written:]
            else:
                self._unsent.popleft()
            self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._transport.write(self._outgoing.read())

    def pause_writing(self) -> None:
        self._full = True
        if self._inner is not None and not self._stopped:
            self._stopped = True
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._full = False
        self._send()
        if self._full:
            return
        if self._closing:
            self._say_goodbye()
        if self._inner is not None and self._stopped:
            self._stopped = False
            self._inner.resume_writing()

    # --- the end ----------------------------------------------------------------------------

    def close(self) -> None:
        """Say goodbye behind what was written, and wait for the client to close: it could lose what
        it was sent otherwise. It has `CLOSE_SECONDS`."""
        if self._closing:
            return
        self._forget_held()
        self._closing = True
        self._timer.cancel()
        self._timer = self._terms.loop.call_later(CLOSE_SECONDS, self.abort)
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if not self._unsent:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        with contextlib.suppress(ssl.SSLError):  # the client has not said it yet
            self._secure.unwrap()
        self._flush()
        if self._ended:
            self._transport.close()

    def _fail(self) -> None:
        """What came is no TLS, or not this connection's. OpenSSL has written an alert that says so,
        which tells no more than that."""
        self._forget_held()
        self._closing = True
        self._unsent.clear()
        self._timer.cancel()
        self._timer = self._terms.loop.call_later(CLOSE_SECONDS, self.abort)
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._closing = True
        if self._raw is not None:
            self._raw.abort()

    def _forget_held(self) -> None:
        self._held = b""
        self._terms.inbox.discard(self, self._group)

    # --- the rest of a transport ------------------------------------------------------------

    @property
    def _transport(self) -> asyncio.Transport:
        """The socket's."""
        assert self._raw is not None  # nothing comes, and nothing is sent, before it is made
        return self._raw

    def pause_reading(self) -> None:
        self._paused = True
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._paused:
            return
        self._paused = False
        if self.is_closing():
            return
        if len(self._held) >= HEADER:
            self._terms.inbox.wait(self, self._group)
        else:
            self._transport.resume_reading()

    def is_reading(self) -> bool:
        return not self._paused

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def can_write_eof(self) -> bool:
        return False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._inner = cast(asyncio.Protocol, protocol)  # all of the relay's are

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._inner if self._inner is not None else self

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # as asyncio's own
        if name == "ssl_object":
            return self._secure
        return self._transport.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._unsent_size + self._transport.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._transport.get_write_buffer_limits()
