"""One relay behind one port: uvicorn, its signals, and the tick that deadlines and expiry need."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time

import uvicorn
from alcove_protocol import limits

from alcove_server.app import make_app
from alcove_server.embedded import bounds
from alcove_server.relay import Relay
from alcove_server.runner import OnLoop
from alcove_server.settings import Settings
from alcove_server.store.memory import MemoryStore

log = logging.getLogger(__name__)

_TICK = 1.0
_DRAIN_SECONDS = 10


def configure_logging(settings: Settings) -> None:
    """The relay's own messages at the chosen level, to standard error.

    What the libraries say is not let through at any level: uvicorn's connection messages name
    addresses, and the WebSocket library's debug messages quote headers and frames.
    """
    level = getattr(logging, settings.log_level.upper())
    logging.basicConfig(level=logging.CRITICAL, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alcove_server").setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "websockets"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = False
        library.setLevel(logging.CRITICAL + 1)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)


def listen(settings: Settings) -> socket.socket:
    """A socket on the configured address. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def address_of(listener: socket.socket) -> str:
    """`http://host:port` of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn, which says when it is ready and says goodbye when it is told to stop."""

    def __init__(self, config: uvicorn.Config, relay: Relay, address: str) -> None:
        super().__init__(config)
        self._relay = relay
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(f"alcove-server is ready at {self._address}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()  # nobody comes in while everybody is told to come again
        self._relay.drain()
        await asyncio.sleep(0)
        await super().shutdown(sockets)


async def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve until a signal says stop."""
    store = MemoryStore(time.monotonic, bounds(settings))
    relay = Relay(store, time.monotonic, os.urandom, OnLoop(), settings)
    config = uvicorn.Config(
        make_app(relay),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=limits.FRAME + 1,
        ws_per_message_deflate=False,
        ws_ping_interval=settings.ping_seconds,
        ws_ping_timeout=settings.ping_seconds,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        h11_max_incomplete_event_size=16 * limits.KIB,
    )
    server = _Server(config, relay, address_of(listener))
    ticking = asyncio.create_task(_tick(relay))
    try:
        await server.serve([listener])
    finally:
        ticking.cancel()
        await store.close()


async def _tick(relay: Relay) -> None:
    while True:
        await asyncio.sleep(_TICK)
        try:
            await relay.tick()
        except Exception as error:
            log.error("%s in the tick", type(error).__name__)
