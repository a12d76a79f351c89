"""The first bytes of every TCP connection: whether it may come in, and where it goes.

    bytes ─▶ head, in 10 s and 16 KiB ─▶ /v1/connect ─▶ `WebSocket`, for good
                     │                └─▶ anything else ─▶ uvicorn's HTTP, one request, 30 s
                     └─▶ 400, 403, 414, 421, 429, 431, 503 and the end

The relay makes one `FrontDoor` for each connection that it accepts, so it owns its connections.
This file and `websocket` do what an ASGI server would do for a WebSocket: timeouts, limits,
keepalive. A connection without a place is heard all the same while few are: if it asks for health,
it is answered, because a full relay is a healthy one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, cast
from uuid import UUID

from alcove_protocol import limits
from alcove_protocol.labels import SUBPROTOCOL
from websockets.http11 import Request
from websockets.protocol import OPEN, SERVER, Protocol
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from alcove_server.net.admission import Admitted
from alcove_server.net.entrance import Entrance
from alcove_server.net.inbox import EVERYONE
from alcove_server.net.request_head import BadRequest, RequestHead, RequestHeadReader
from alcove_server.net.terms import Terms, Timer
from alcove_server.net.websocket import WebSocket
from alcove_server.networks import Address, parse_address
from alcove_server.ports.place import NetworkPart
from alcove_server.relay import Relay

PATH: Final = "/v1/connect"
HEALTH: Final = frozenset({"/healthz", "/readyz", "/capacity"})
"""Paths that are answered when all places are taken, too."""
HTTP_SECONDS: Final = 30.0
"""Seconds for one request over plain HTTP, from its head to the last byte of the answer."""
TURNED_AWAY_SECONDS: Final = 2.0
"""Seconds in which a client can read that it was turned away."""
RETRY_SECONDS: Final = 5
"""Seconds that a client that was turned away is told to wait."""
_COME_BACK: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""Statuses after which a client may try again."""
_READ_STEPS: Final = 0.5
_UPGRADE_STEPS: Final = 20.0
_HTTP_STEPS: Final = 40.0
"""Steps (`ports.turn`) of a part of a head, of an upgrade, and of a request to uvicorn."""
_DRAINED: Final = 64 * limits.KIB
"""Bytes that a client that was turned away may still send."""

_QUIET: Final = logging.getLogger("alcove_server.quiet")
_QUIET.disabled = True
"""Given to the WebSocket library, whose messages quote headers and frames."""
_NO_ID: Final = UUID(int=0)
"""The library's identifier of a connection, which is for its log alone: all share one."""


class FrontDoor(asyncio.Protocol):
    """A connection before its kind is known. `enter` is `Admission.enter`, or gives the answer from
    before a TLS handshake. `make_http` makes uvicorn's protocol."""

    def __init__(
        self,
        relay: Relay,
        entrance: Entrance,
        enter: Callable[[str], Admitted],
        terms: Terms,
        make_http: Callable[[], asyncio.Protocol],
        connections: set[Any],
    ) -> None:
        # `connections` is uvicorn's, of protocols that share no class: hence `Any`.
        self._relay = relay
        self._entrance = entrance
        self._enter = enter
        self._terms = terms
        self._make_http = make_http
        self._connections = connections
        self._reader = RequestHeadReader()
        self._place: Admitted | None = None
        self._peer: Address | None = None
        self._refused = 0  # the status that this connection is told, unless it asks for health
        self._transport: asyncio.Transport
        self._inner: asyncio.Protocol | None = None
        self._deadline: Timer | None = None
        self._found: tuple[RequestHead, bytes] | None = None  # a whole head that waits for its turn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio gives a TCP or TLS protocol a `Transport`; its type says only the base class.
        self._transport = cast(asyncio.Transport, transport)
        if not self._relay.draining:  # those that come later hold up no end
            self._connections.add(self)
        late = self._relay.services.settings.auth_seconds
        self._deadline = self._terms.loop.call_later(late, self._transport.abort)
        peer = transport.get_extra_info("peername")
        address = peer[0] if peer else ""
        self._peer = parse_address(address)
        try:
            self._take_place(self._enter(address))
        except BadRequest as bad:
            self._hear_out(bad.status)

    def _take_place(self, place: Admitted) -> None:
        self._place = place
        place.give_way = self._transport.abort

    def _hear_out(self, status: int) -> None:
        """Wait a moment for the request of a connection without a place."""
        if not self._entrance.reserve.add(self):
            self._turn_away(status)
            return
        self._refused = status
        self._expect_in(TURNED_AWAY_SECONDS, lambda: self._turn_away(status))

    def _expect_in(self, seconds: float, late: Callable[[], object]) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._terms.loop.call_later(seconds, late)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)
            return
        if self._transport.is_closing():
            return
        inbox = self._terms.inbox
        if self._found is not None:  # TLS had more in hand than was read
            self._found = (self._found[0], self._found[1] + data)
            return
        try:
            self._found = self._reader.feed(data)
        except BadRequest as bad:
            self._turn_away(bad.status)
            return
        if self._found is None:
            inbox.turn.spend(_READ_STEPS)
        elif inbox.turn.left > 0:
            self.read_on()
        else:
            self._transport.pause_reading()
            inbox.wait(self, self._group)

    def read_on(self) -> bool:
        """As `inbox.WaitingReader`: the head has come, and what it asks for is begun."""
        found, self._found = self._found, None
        if found is None or self._transport.is_closing():
            return False
        head, rest = found
        self._terms.inbox.turn.spend(_UPGRADE_STEPS if head.path == PATH else _HTTP_STEPS)
        self._transport.resume_reading()
        try:
            self._dispatch(head, rest)
        except BadRequest as bad:
            self._turn_away(bad.status)
        return False

    @property
    def _group(self) -> NetworkPart:
        return self._place.allowance if self._place is not None else EVERYONE

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._inner is not None:
            self._inner.connection_lost(exc)
        self._gone()

    def shutdown(self) -> None:
        """The server stops. An HTTP request under way may be finished. One that has not come yet
        will be told 503 or its answer, but holds up no end."""
        if self._inner is None:
            self._connections.discard(self)
        else:
            # uvicorn's protocol and `_Drain` have `shutdown`, which `asyncio.Protocol` has not.
            cast(Any, self._inner).shutdown()

    def _gone(self) -> None:
        self._terms.inbox.discard(self, self._group)
        self._connections.discard(self)
        self._entrance.reserve.discard(self)
        self._entrance.lingering.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()
        if self._place is not None:
            self._place.free()
            self._place = None

    def _turn_away(self, status: int) -> None:
        """Answer and close. The answer gives no reason but the status."""
        self._entrance.tally.count(f"http {status}")
        self._entrance.reserve.discard(self)
        self._transport.write(_answer(status))
        if not self._entrance.lingering.add(self):
            self._transport.close()  # each that stays has a descriptor, and they are for members
            return
        # Half-closed, because a client that is still sending could otherwise lose the answer to a
        # reset. TLS has no half-close: there `close` says that nothing more comes, and drops what
        # it reads until the client closes too. The deadline holds for both.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()
        self._reader = RequestHeadReader()
        self._inner = _Drain(self._transport)
        self._expect_in(TURNED_AWAY_SECONDS, self._transport.abort)

    # --- where to ---------------------------------------------------------------------------

    def _dispatch(self, head: RequestHead, rest: bytes) -> None:
        if self._refused and head.path not in HEALTH:
            raise BadRequest(self._refused)
        self._believe(head)
        if head.path != PATH:
            self._to_http(head, rest)
            return
        status = self._refusal(head)
        if status:
            raise BadRequest(status)
        self._to_websocket(head, rest)

    def _to_http(self, head: RequestHead, rest: bytes) -> None:
        self._expect_in(HTTP_SECONDS, self._transport.abort)
        self._connections.discard(self)  # uvicorn's protocol counts itself
        self._inner = self._make_http()
        self._inner.connection_made(self._transport)
        # One request, as the deadline is for one: what follows it is not served.
        self._inner.data_received(head.raw[:-2] + b"Connection: close\r\n\r\n" + rest)

    def _believe(self, head: RequestHead) -> None:
        """Take the place of the client whose address a trusted proxy names."""
        address = self._entrance.address_told(self._peer, head)
        if address is None or self._place is None:
            return
        self._place.free()
        self._place = None
        self._take_place(self._entrance.enter(str(address)))

    def _refusal(self, head: RequestHead) -> int:
        """The status with which an upgrade is refused, or 0."""
        if head.has_body or self._entrance.lacks_address(self._peer, head):
            return HTTPStatus.BAD_REQUEST
        if head.host not in self._entrance.authorities:
            return HTTPStatus.MISDIRECTED_REQUEST
        if self._relay.draining:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if not self._entrance.may_connect(head.one("origin")):
            return HTTPStatus.FORBIDDEN
        if self._place is not None and not self._place.allowance.handshake():
            return HTTPStatus.TOO_MANY_REQUESTS
        if head.one("sec-websocket-version") not in (None, "13"):
            return HTTPStatus.UPGRADE_REQUIRED  # RFC 6455 section 4.4
        return 0

    def _to_websocket(self, head: RequestHead, rest: bytes) -> None:
        handshake = ServerProtocol(subprotocols=[Subprotocol(SUBPROTOCOL)], logger=_QUIET)
        handshake.receive_data(head.raw)
        requests = handshake.events_received()
        if not requests or not isinstance(requests[0], Request):
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        response = handshake.accept(requests[0])
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            raise BadRequest(response.status_code)
        if handshake.subprotocol is None:
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        handshake.send_response(response)
        self._transport.writelines(handshake.data_to_send())
        self._hand_over(head, rest)

    def _hand_over(self, head: RequestHead, rest: bytes) -> None:
        """The handshake is done: a protocol that holds nothing of it takes the transport."""
        assert self._deadline is not None  # `connection_made` set it
        self._deadline.cancel()
        protocol = Protocol(SERVER, state=OPEN, max_size=limits.FRAME_BEFORE_AUTH, logger=_QUIET)
        protocol.id = _NO_ID
        group, place, self._place = self._group, self._place, None
        connections = self._connections
        done = _Done(connections, place)
        socket = WebSocket(self._transport, protocol, self._terms, done, group)
        connections.discard(self)
        connections.add(socket)
        self._transport.set_protocol(socket)
        offered = ",".join(head.all("sec-websocket-protocol"))
        session = self._relay.connect(host=head.host, offered=offered, outlet=socket, place=place)
        socket.attach(session)
        if place is not None:
            place.give_way = socket.give_way
        if rest:
            socket.data_received(rest)


class _Done:
    """Counts a WebSocket that is gone no more, and frees its place. No closure, which would cost
    each idle connection five times as much memory."""

    __slots__ = ("_connections", "_place")

    def __init__(self, connections: set[Any], place: Admitted | None) -> None:
        self._connections = connections
        self._place = place

    def __call__(self, socket: WebSocket) -> None:
        self._connections.discard(socket)
        if self._place is not None:
            self._place.free()


class ManagementDoor(FrontDoor):
    """A connection to the port for health, where no client comes in."""

    def _dispatch(self, head: RequestHead, rest: bytes) -> None:
        self._to_http(head, rest)


class _Drain(asyncio.Protocol):
    """Drops what a client that was turned away still sends, until the client closes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._left = _DRAINED
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._transport.abort()

    def shutdown(self) -> None:
        self._transport.abort()


def _answer(status: int) -> bytes:
    phrase = HTTPStatus(status).phrase
    retry = f"Retry-After: {RETRY_SECONDS}\r\n" if status in _COME_BACK else ""
    versions = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade = versions if status == HTTPStatus.UPGRADE_REQUIRED else ""
    return (
        f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Length: {len(phrase)}\r\n"
        f"Content-Type: text/plain\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
        f"{retry}{upgrade}\r\n{phrase}"
    ).encode()
