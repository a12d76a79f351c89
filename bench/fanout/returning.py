"""A member's device that loses its connection and comes back, as lean as Python allows.

It keeps the rules of the SDK (`alcove.relay.transport`): it waits as long as a goodbye asks, then a
random time that grows with failures, and 10 seconds for a handshake. Beyond them it waits for
`Retry-After`.
Frames are read with the protocol's own records but for blobs, whose place in the bytes is known.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from alcove.relay.dialing import DIRECT_TIMEOUT
from alcove.relay.transport import delay_after
from alcove_protocol.frames import (
    Authenticate,
    Authenticated,
    BlobClass,
    Bye,
    Challenge,
    Published,
    RequestRefused,
    Resume,
    Resumed,
    from_relay,
)
from alcove_protocol.labels import SUBPROTOCOL, Label
from nacl.signing import SigningKey

from bench.fanout.wires import BLOB, masked
from tests.server.keys import answer, sign

BLOB_HEAD: Final = b"\x86\xa1t\xa4blob\xa8position\xc4\x10"
"""How a blob without a roster entry begins. Its position, its class and its age follow."""
CLASS_AT: Final = len(BLOB_HEAD) + 16 + len(b"\xaablob_class")
KEY_BYTES: Final = len(b"\xa3key\xc4\x20") + 32
"""Behind the blob: its author's key."""
IP_BIND_ADDRESS_NO_PORT: Final = 24
"""Linux: choose the port when connecting, so that few ports serve many addresses."""
TURNED_AWAY: Final = 3
"""As the SDK: failures that being turned away counts for at most."""


class Stage(Enum):
    OFF = auto()
    CONNECTING = auto()
    UPGRADING = auto()
    PROVING = auto()
    LIVE = auto()


@dataclass
class Crowd:
    """What all devices share, and what happened to them."""

    loop: asyncio.AbstractEventLoop
    port: int
    members: list[Device] = field(default_factory=list)
    returning: bool = True
    """Whether a device that is cut off comes back."""
    happened: Counter[str] = field(default_factory=Counter)
    """Refusals, resets, timeouts and goodbyes by their name."""

    held: list[socket.socket] = field(default_factory=list)
    """Connections that are not read any more, and not closed."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def give_up_late(self) -> None:
        """To be called now and then: a device without a WebSocket in time starts again."""
        late = time.monotonic() - DIRECT_TIMEOUT
        for one in self.members:
            if one.stage in (Stage.CONNECTING, Stage.UPGRADING) and one.since < late:
                one.failed("timeout")


class Device:
    """One member's. `heard` are the numbers in the blobs it was given, in order."""

    def __init__(self, crowd: Crowd, room: bytes, key: SigningKey, base: bytes, source: str):
        self.crowd = crowd
        self.stage = Stage.OFF
        self.since = 0.0
        self.heard: list[int] = []
        self.acknowledged = 0
        self.resumed_at = self.caught_up_at = 0.0
        self.last_word = ""
        """What ended the last connection: a code of `bye` or of a refusal."""
        self.told_at: dict[str, float] = {}
        """When it first was told so. For `draining` also how long it was to wait."""
        self.delay = 0
        self.stays_away = False
        """Whether it does not come back."""
        self.asked = 0.0
        self._room = room
        self._key = key
        self._position = base
        self._head = b""
        self._source = source
        self._failures = 0
        self._reached = False
        self._again: asyncio.TimerHandle | None = None
        self._socket: socket.socket | None = None
        self._data = b""
        self._n = 0

    # --- the socket -------------------------------------------------------------------------

    def connect(self) -> None:
        """Begin. Everything else follows from what the socket says."""
        link = socket.socket()
        link.setblocking(False)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        link.bind((self._source, 0))
        self._socket, self._data, self._again = link, b"", None
        self.stage, self.since = Stage.CONNECTING, time.monotonic()
        self._reached, self.asked = False, 0.0
        if link.connect_ex(("127.0.0.1", self.crowd.port)) not in (0, errno.EINPROGRESS):
            self.failed("unreachable")
        else:
            self.crowd.loop.add_writer(link, self._connected)

    def adopt(self, descriptor: int) -> None:
        """Go on with a connection that is live already."""
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self.stage = Stage.LIVE
        self.crowd.loop.add_reader(self._socket, self._readable)

    def cut(self, silently: bool) -> None:
        """The network is gone: no close frame, and `silently` the relay's kernel does not learn
        of it either."""
        if silently and self._socket is not None:
            self.crowd.held.append(self._socket.dup())
        self._close()
        self.resumed_at = self.caught_up_at = 0.0

    def _close(self) -> None:
        if self._again is not None:
            self._again.cancel()
        if self._socket is not None:
            self.crowd.loop.remove_writer(self._socket)
            self.crowd.loop.remove_reader(self._socket)
            self._socket.close()
        self._socket, self.stage = None, Stage.OFF

    def send(self, data: bytes) -> None:
        """A few hundred bytes, which any socket takes whole."""
        if self._socket is not None:
            try:
                self._socket.send(data)
            except OSError:
                self.failed("reset")

    def _connected(self) -> None:
        link = self._socket
        assert link is not None  # without it there is no writer
        self.crowd.loop.remove_writer(link)
        if link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.failed("unreachable")
            return
        self.stage = Stage.UPGRADING
        self.crowd.loop.add_reader(link, self._readable)
        self.send(
            f"GET /v1/connect HTTP/1.1\r\nHost: {self.crowd.host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
        )

    def _readable(self) -> None:
        assert self._socket is not None  # without it there is no reader
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._ended()
            return
        self._data += data
        if self.stage is Stage.UPGRADING:
            self._upgrade()
        if self.stage in (Stage.PROVING, Stage.LIVE):
            self._frames()

    def _ended(self) -> None:
        if self.stage in (Stage.CONNECTING, Stage.UPGRADING):
            self.failed("reset")
            return
        self.crowd.happened[self.last_word or "cut off"] += 1
        self._failures = 0 if self._reached else min(self._failures + 1, TURNED_AWAY)
        self._come_back()

    def failed(self, why: str) -> None:
        """There was no WebSocket."""
        self.crowd.happened[why] += 1
        self._failures += 1
        self._come_back()

    def _come_back(self) -> None:
        self._close()
        if self.crowd.returning and not self.stays_away:
            wait = self.asked + delay_after(self._failures)
            self._again = self.crowd.loop.call_later(wait, self.connect)

    # --- what is said -----------------------------------------------------------------------

    def _upgrade(self) -> None:
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        status = head[9:12].decode()
        if status == "101":
            self._data, self.stage = rest, Stage.PROVING
            return
        _, _, retry = head.lower().partition(b"retry-after: ")
        self.asked = float(retry.partition(b"\r\n")[0] or 0)
        self.failed(status)

    def _frames(self) -> None:
        data, at = self._data, 0
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                size, start = int.from_bytes(data[start : start + wide], "big"), start + wide
            if len(data) < start + size:
                break
            payload, opcode, at = data[start : start + size], data[at] & 15, start + size
            if opcode == 2:
                self._frame(payload)
            elif opcode in (8, 9):  # a close is answered with its own code, a ping with a pong
                self.send(masked(payload, 0x88 if opcode == 8 else 0x8A))
            if self._socket is None:
                return
        self._data = data[at:]

    def _frame(self, payload: bytes) -> None:
        if payload.startswith(BLOB_HEAD):
            if payload[CLASS_AT] == BlobClass.APPLICATION:
                at = len(payload) - KEY_BYTES - BLOB
                self.heard.append(int.from_bytes(payload[at : at + 8], "big"))
            self._at(payload[len(BLOB_HEAD) : len(BLOB_HEAD) + 16])
            return
        frame = from_relay(payload)
        if isinstance(frame, Published):
            self.acknowledged += 1
        elif isinstance(frame, Challenge):
            said = answer(self._key, self._room, "member", frame.nonce, host=self.crowd.host)
            signed = sign(self._key, Label.CHALLENGE, said)
            self.send(masked(Authenticate(1, signed.body, signed.signature).to_bytes()))
        elif isinstance(frame, Authenticated):
            self._reached = True
            self.send(masked(Resume(2, self._position, 0).to_bytes()))
        elif isinstance(frame, Resumed):
            self.resumed_at, self._head, self.stage = time.monotonic(), frame.head, Stage.LIVE
            self.crowd.happened["a gap was announced"] += frame.lost
            self._at(self._position)
        elif isinstance(frame, RequestRefused | Bye):
            self.last_word = frame.code
            self.told_at.setdefault(frame.code, time.monotonic())
            if isinstance(frame, Bye):
                self.delay = frame.delay or 0
                self.asked = float(self.delay)

    def _at(self, position: bytes) -> None:
        """Everything up to here was heard."""
        self._position = position
        if not self.caught_up_at and self.resumed_at and position >= self._head:
            self.caught_up_at = time.monotonic()
