"""The HTTP side: Starlette in front, and the WebSocket handed to the relay's connections.

Nothing here logs, and no request leaves a trace: the invite's secret is in no request (it is in the
link's fragment), and addresses are nobody's business.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final
from urllib.parse import urlsplit

from alcove_protocol.labels import SUBPROTOCOL
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage
from starlette.websockets import WebSocket, WebSocketDisconnect

from alcove_server.outlet import Close, Message
from alcove_server.relay import Relay

PATH: Final = "/v1/connect"

_JOIN_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Alcove</title>
<p>This is an invite to a confidential conversation. Opening this page used nothing up.
<p>Copy the whole link from the address bar, keep it to yourself, and open it with the Alcove
client: <code>alcove join</code>.
</html>
"""

_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
)


class _Headers:
    """Every response: kept nowhere, tells no other site where it came from, runs nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: AsgiMessage) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)


def origin_allowed(origin: str | None, host: str, allowed: tuple[str, ...]) -> bool:
    """Whether a page of this origin may connect. A native client sends none; a browser always
    does, and `null` for a page that hides its own."""
    if origin is None or origin in allowed:
        return True
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc == host


class _SocketOutlet:
    """An `Outlet` that a single writer task of the connection empties."""

    def __init__(self, most: int) -> None:
        self.backlog = 0
        self.code: int | None = None
        self.overflowed = False
        self.ready = asyncio.Event()
        self._most = most
        self._queue: deque[Message] = deque()

    def send(self, message: Message) -> None:
        if self.code is not None or self.overflowed:
            return
        self._queue.append(message)
        self.backlog += len(message)
        self.overflowed = self.backlog > self._most
        self.ready.set()

    def close(self, code: int) -> None:
        self.code = code
        self.ready.set()

    def take(self) -> Message | None:
        """The next message to send."""
        if not self._queue:
            return None
        message = self._queue.popleft()
        self.backlog -= len(message)
        return message


async def _connect(socket: WebSocket) -> None:
    relay: Relay = socket.app.state.relay
    refusal = _refusal(socket, relay)
    if refusal is not None:
        await socket.send_denial_response(refusal)
        return
    host = socket.headers.get("host", "")
    offered = ",".join(socket.headers.getlist("sec-websocket-protocol"))
    await socket.accept(SUBPROTOCOL)
    outlet = _SocketOutlet(relay.settings.queue_bytes)
    connection = relay.connect(host=host, offered=offered, outlet=outlet)
    writer = asyncio.create_task(_write(socket, outlet, connection.drained))
    try:
        while outlet.code is None:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                break
            data = message.get("bytes")
            if data is None:
                connection.receive_text()
            else:
                connection.receive(data)
        await writer
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        connection.lost()
        outlet.close(Close.DONE)
        writer.cancel()


def _refusal(socket: WebSocket, relay: Relay) -> Response | None:
    if relay.draining or len(relay) >= relay.settings.connections:
        return PlainTextResponse("busy", 503, {"retry-after": "5"})
    host = socket.headers.get("host", "")
    if not origin_allowed(socket.headers.get("origin"), host, relay.settings.origin):
        return PlainTextResponse("foreign origin", 403)
    if SUBPROTOCOL not in socket.scope["subprotocols"]:
        return PlainTextResponse(f"this is for the subprotocol {SUBPROTOCOL}", 400)
    return None


async def _write(socket: WebSocket, outlet: _SocketOutlet, drained: object) -> None:
    while True:
        message = outlet.take()
        if message is not None:
            await socket.send_bytes(message.payload)
        elif outlet.code is not None:
            await socket.close(outlet.code)
            return
        else:
            outlet.ready.clear()
            assert callable(drained)
            drained()
            await outlet.ready.wait()


async def _join(request: Request) -> Response:
    """The link of an invite, opened by a browser or by a robot that previews links: it consumes
    nothing, because nothing of the invite is in the request."""
    return HTMLResponse(_JOIN_PAGE)


async def _healthz(request: Request) -> Response:
    return PlainTextResponse("ok")


async def _readyz(request: Request) -> Response:
    relay: Relay = request.app.state.relay
    if relay.draining or not await relay.store.ready():
        return PlainTextResponse("not ready", 503)
    return PlainTextResponse("ok")


def make_app(relay: Relay) -> ASGIApp:
    """The ASGI application for one relay."""
    app = Starlette(
        routes=[
            WebSocketRoute(PATH, _connect),
            Route("/join", _join),
            Route("/healthz", _healthz),
            Route("/readyz", _readyz),
        ]
    )
    app.state.relay = relay
    return _Headers(app)
