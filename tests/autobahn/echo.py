"""The relay's real `WebSocket` behind a handshake of its own, with an echo where a `Connection` is.

Binary messages come back. A text message closes with 1003, as docs/protocol.md section 12 says, or,
with `text=True`, comes back too: then the rules for text can be tried on the relay's own check.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from alcove_protocol import limits
from alcove_server.net.inbox import Inbox
from alcove_server.net.keepalive import Keepalive, Stalled
from alcove_server.net.shares import Shares
from alcove_server.net.terms import Terms, Unsent
from alcove_server.net.unfinished import MESSAGE_SECONDS, Unfinished
from alcove_server.net.websocket import WebSocket
from alcove_server.ports.outlet import Close
from alcove_server.ports.turn import Turn
from alcove_server.wire.fast_out import framed
from websockets.http11 import Request
from websockets.protocol import OPEN, SERVER, Protocol
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from alcove_server.session.session import Session

QUEUE: Final = 64 * limits.MIB
"""Bytes that may wait for a client that reads late: more than the suites send at once."""
PARTS: Final = 64 * limits.MIB
"""What parts of messages may take: as at the relay by default."""


class Echo:
    """What `WebSocket` asks of a session, and nothing behind it."""

    takes_large = False
    congested = False

    def __init__(self, socket: EchoSocket) -> None:
        self._socket = socket

    def receive(self, data: bytes, fragments: int) -> None:
        del fragments
        self._socket.write(framed(data))

    def receive_text(self) -> None:
        if self._socket.text is None:
            self._socket.close(Close.TEXT_FRAME)
        else:
            self._socket.write(bytes([0x81]) + framed(self._socket.text)[1:])

    def drained(self) -> None:
        """No replay."""

    def lost(self) -> None:
        """Nothing to forget."""

    def evict(self, close: int, code: str) -> None:
        del code
        self._socket.close(close)


class EchoSocket(WebSocket):
    """The relay's socket, which remembers the text that it is about to judge."""

    text: bytes | None = None

    def __init__(self, *given: Any, echo_text: bool) -> None:
        super().__init__(*given)
        self._echo_text = echo_text

    def _receive_text(self, session: Session, message: bytes) -> None:
        if self._echo_text:
            self.text = message
        super()._receive_text(session, message)


class Handshake(asyncio.Protocol):
    """Upgrades without a subprotocol, which no suite offers, and then hands over."""

    _transport: asyncio.Transport

    def __init__(self, terms: Terms, most: int, text: bool) -> None:
        self._terms = terms
        self._most = most
        self._text = text
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        server = ServerProtocol()
        server.receive_data(head + end)
        (request,) = server.events_received()
        assert isinstance(request, Request)
        server.send_response(server.accept(request))
        self._transport.writelines(server.data_to_send())
        echo = take_over(self._transport, self._terms, self._most, self._text)
        if rest:
            echo.data_received(rest)


def take_over(
    transport: asyncio.Transport,
    terms: Terms,
    most: int,
    text: bool,
    kind: type[EchoSocket] = EchoSocket,
) -> EchoSocket:
    """Put the relay's socket on a transport whose handshake is done, as `FrontDoor` does."""
    protocol = Protocol(SERVER, state=OPEN, max_size=most)
    echo = kind(transport, protocol, terms, lambda socket: None, echo_text=text)
    transport.set_protocol(echo)
    echo.attach(cast(Any, Echo(echo)))
    return echo


async def echo_on(
    link: socket.socket, most: int, *, text: bool, kind: type[EchoSocket] = EchoSocket
) -> EchoSocket:
    """The same on a socket that needs no handshake. It owns the socket from here on."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=link)
    return take_over(transport, terms_of(loop), most, text, kind)


def terms_of(loop: asyncio.AbstractEventLoop) -> Terms:
    """The relay's terms, with its default rates and without periodic work."""
    stalled = Stalled(loop.time, 20.0)
    unfinished = Unfinished(loop.time, MESSAGE_SECONDS, PARTS)

    def later(act: Callable[[], None]) -> None:
        loop.call_soon(act)

    inbox, unsent = Inbox(Turn(later)), Shares[Unsent](QUEUE)
    return Terms(loop.time, loop, Keepalive(1), stalled, unfinished, inbox, unsent, QUEUE, 1.0)


@asynccontextmanager
async def echoing(most: int, *, text: bool) -> AsyncIterator[int]:
    """The port of an echo that takes messages of at most so many bytes."""
    loop = asyncio.get_running_loop()
    terms = terms_of(loop)
    server = await loop.create_server(lambda: Handshake(terms, most, text), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
