"""The HTTP side: Starlette, for the few requests that are no WebSocket.

Nothing here logs, and no request leaves a trace. The invite's secret is in no request, because it
is in the link's fragment. Addresses are not kept. Each connection answers one request and is
closed, so that a client cannot hold it open.
"""

from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from alcove_server.net.admission import Admission
from alcove_server.relay import Relay

_JOIN_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Alcove</title>
<p>This is an invite to a confidential conversation. Opening this page used nothing up.
<p>Copy the whole link from the address bar, keep it to yourself, and open it with the Alcove
client: <code>alcove join</code>.
</html>
"""

_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"connection", b"close"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
)


class _Headers:
    """Headers of every response: keep it nowhere, name its page to no other site, run no script."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)


async def _join(request: Request) -> Response:
    """The link of an invite, opened by a browser or by a robot that previews links. It uses nothing
    up, because nothing of the invite is in the request."""
    return HTMLResponse(_JOIN_PAGE)


async def _healthz(request: Request) -> Response:
    """Live: the process does its work. If not, start it again."""
    return PlainTextResponse("ok")


async def _readyz(request: Request) -> Response:
    """Ready: it serves its clients. If not, send new ones elsewhere."""
    relay: Relay = request.app.state.relay
    if relay.draining:
        return _not_now("draining")
    if not await relay.services.store.ready():
        return _not_now("not ready")
    return PlainTextResponse("ok")


async def _capacity(request: Request) -> Response:
    """Not full: there is a place for one more. A full relay is live and ready."""
    admission: Admission = request.app.state.admission
    return _not_now("full") if admission.full else PlainTextResponse("ok")


def _not_now(why: str) -> Response:
    return PlainTextResponse(why, HTTPStatus.SERVICE_UNAVAILABLE)


_FOR_CLIENTS: Final = (Route("/join", _join),)
_FOR_HEALTH: Final = (
    Route("/healthz", _healthz),
    Route("/readyz", _readyz),
    Route("/capacity", _capacity),
)


def make_app(relay: Relay, admission: Admission, *, clients: bool, health: bool) -> ASGIApp:
    """The ASGI application of one port of a relay, for its clients or for health or for both."""
    routes = (*(_FOR_CLIENTS if clients else ()), *(_FOR_HEALTH if health else ()))
    app = Starlette(routes=routes)
    app.state.relay = relay
    app.state.admission = admission
    return _Headers(app)
