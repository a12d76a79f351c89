"""One relay behind its ports, with its signals and the tick that deadlines and expiry need."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from alcove_server.net.accept import PlainAccept
from alcove_server.net.admission import Admission, Rates
from alcove_server.net.authorities import Authorities, listened_at
from alcove_server.net.entrance import Entrance
from alcove_server.net.front_door import FrontDoor, ManagementDoor
from alcove_server.net.inbox import Inbox
from alcove_server.net.keepalive import Keepalive, Stalled
from alcove_server.net.shares import LEAST_UNSENT, Shares
from alcove_server.net.terms import Loop, Terms
from alcove_server.net.tls import Tls
from alcove_server.net.tls_accept import Enter, TlsAccept
from alcove_server.net.unfinished import LEAST_BYTES, MESSAGE_SECONDS, Unfinished
from alcove_server.networks import Networks
from alcove_server.ports import error_log
from alcove_server.ports.runner import OnLoop
from alcove_server.ports.turn import Turn
from alcove_server.process import signals
from alcove_server.process.garbage import Garbage
from alcove_server.process.pages import make_app
from alcove_server.process.refusal_log import RefusalLog
from alcove_server.process.server import Accepting, Server
from alcove_server.process.steady_clock import steady_clock
from alcove_server.relay import Relay
from alcove_server.settings import Settings
from alcove_server.store.opening import check_store, open_store

log = logging.getLogger(__name__)

_TICK = 1.0
"""Seconds between ticks, or less where the settings have shorter times."""
_TICKS = 4
"""Ticks at least in the shortest time of the settings."""
_UNFINISHED_SHARE: Final = 8
"""Unfinished messages may take this part of the store's memory."""
_UNSENT_SHARE: Final = 4
"""What waits to be sent to all clients may take this part of the store's memory."""
_TURNS = 10
"""Turns of the keepalive in a tick, so that 10,000 idle clients answer 50 pings at a time."""
_DRAIN_SECONDS = 10
_HEALTH_CONNECTIONS = 32
"""Connections to the port for health at the same time."""


class _StandardError(logging.Handler):
    """Writes to standard error, and does without when nothing takes it: a closed terminal or pipe
    must neither end the relay nor change its exit status."""

    def emit(self, record: logging.LogRecord) -> None:
        say(2, self.format(record))


def say(stream: int, line: str) -> None:
    """Write a line to a standard stream, if the stream takes it."""
    with contextlib.suppress(OSError):
        os.write(stream, f"{line}\n".encode(errors="replace"))


def configure_logging(settings: Settings, who: str = "") -> None:
    """The relay's own messages at the chosen level, to standard error. `who` says of which process,
    when there are several.

    The messages of the libraries are dropped at any level: uvicorn's name addresses, and those of
    the WebSocket library quote headers and frames.
    """
    level = getattr(logging, settings.log_level.upper())
    handler = _StandardError()
    handler.setFormatter(logging.Formatter(f"%(levelname)s {who}%(name)s: %(message)s"))
    logging.basicConfig(level=logging.CRITICAL, handlers=[handler])
    logging.getLogger("alcove_server").setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "websockets"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = False
        library.setLevel(logging.CRITICAL + 1)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)


def listen(settings: Settings) -> socket.socket:
    """A socket on the configured address. Raises `OSError`."""
    return listen_at(settings.host, settings.port, shared=settings.workers > 1)


def listen_for_health(settings: Settings) -> socket.socket | None:
    """A socket on the address for health, if there is one. Raises `OSError`."""
    host, _, port = settings.management.rpartition(":")
    return listen_at(host.strip("[]"), int(port)) if host else None


def listen_at(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that is to listen, on a port of its own or on one that workers share. Raises
    `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def address_of(listener: socket.socket, scheme: str = "http") -> str:
    """`http://host:port` of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Service:
    """Everything of one node. To be made inside a running event loop."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        clock: Callable[[], float] = steady_clock,
        tls: Tls | None = None,
        loop: Loop | None = None,
        management: socket.socket | None = None,
    ) -> None:
        """`clock` gives seconds and `loop` makes the calls that wait; a test steers both. With a
        socket for `management`, health is asked there and not at the clients' port."""
        self.store = open_store(settings, clock)
        self.relay = Relay(self.store, clock, os.urandom, OnLoop(), settings)
        self.admission = Admission(
            clock,
            os.urandom,
            connections=settings.connections,
            per_prefix=settings.connections_per_prefix,
            shared=frozenset((*settings.shared_address, *settings.trusted_proxy)),
            factor=settings.rates,
            rates=Rates().divided(settings.workers),
            nodes=settings.workers,
        )
        self.refusal_log = RefusalLog(self.relay.services.tally, clock)
        self.garbage = Garbage()
        self._settings = settings
        self._period = min(_TICK, settings.ping_seconds / _TICKS, settings.auth_seconds / _TICKS)
        self._turn = self._period / _TURNS
        self._loop = loop if loop is not None else asyncio.get_running_loop()
        slots = max(1, round(settings.ping_seconds / self._turn))
        self._terms = _terms(settings, clock, self._loop, slots, self.relay.services.turn)
        self._listener = listener
        self._management = management
        self._tls = tls
        app = make_app(self.relay, self.admission, clients=True, health=management is None)
        self._server = Server(_config(app), self.relay, self._accept)

    async def run(self) -> None:
        """Serve until a signal, or `stop`."""
        asyncio.get_running_loop().set_exception_handler(error_log.report_from_loop)
        ticking = [
            asyncio.create_task(_every(self._loop, self._turn, self._terms.keepalive.tick)),
            asyncio.create_task(
                _every(
                    self._loop,
                    self._period,
                    self._terms.stalled.tick,
                    self._terms.unfinished.tick,
                    self.admission.sweep,
                    self.refusal_log.tick,
                    self.garbage.tick,
                    self.relay.tick,
                )
            ),
        ]
        try:
            await self._server.serve()
        finally:
            for task in ticking:
                task.cancel()
            await self.store.close()

    async def ready(self) -> None:
        """Wait until connections are taken."""
        await self._server.ready.wait()

    def stop(self) -> None:
        """As SIGTERM."""
        self._server.should_exit = True

    def reload_certificate(self) -> None:
        """Read the certificate again, for the handshakes to come. A bad one changes nothing."""
        if self._tls is None:
            log.info("there is no certificate to read again, and all settings stay as they are")
            return
        try:
            self._tls.reload()
        except ValueError as error:
            log.error("the certificate stays as it was: %s", error)
        else:
            log.info("the certificate is read again")

    # --- the ports --------------------------------------------------------------------------

    def _accept(self, server: uvicorn.Server) -> list[Accepting]:
        """Begin to accept on every port."""
        accepting = [self._accept_clients(server)]
        if self._management is not None:
            accepting.append(self._accept_health(server, self._management))
        return accepting

    def _accept_clients(self, server: uvicorn.Server) -> Accepting:
        entrance = self._entrance(self.admission)

        def make(enter: Enter) -> FrontDoor:
            make_http = partial(_http, server, server.config)
            connections = server.server_state.connections
            return FrontDoor(self.relay, entrance, enter, self._terms, make_http, connections)

        # All clients may come at one moment, as after a restart of a proxy in front. A client that
        # finds the queue full is not refused, but waits for TCP to try again: 1 s, then 2, then 4.
        # The kernel cuts this to net.core.somaxconn. An empty queue costs nothing.
        backlog = self._settings.connections
        if self._tls is None:
            return PlainAccept(self._listener, partial(make, self.admission.enter), backlog)
        seconds = self._settings.auth_seconds
        return TlsAccept(
            self._listener,
            entrance,
            self.admission,
            self._tls,
            self._terms,
            make,
            seconds,
            backlog,
        )

    def _accept_health(self, server: uvicorn.Server, listener: socket.socket) -> Accepting:
        app = make_app(self.relay, self.admission, clients=False, health=True)
        config = _config(app)
        config.load()
        few = Admission(
            self._terms.clock,
            os.urandom,
            connections=_HEALTH_CONNECTIONS,
            per_prefix=_HEALTH_CONNECTIONS,
            shared=frozenset(),
            factor=0,
        )
        entrance = self._entrance(few)

        def make() -> ManagementDoor:
            make_http = partial(_http, server, config)
            # A monitor that stays connected must not hold up the end, so these are no connections
            # for which uvicorn waits.
            return ManagementDoor(self.relay, entrance, few.enter, self._terms, make_http, set())

        return PlainAccept(listener, make, _HEALTH_CONNECTIONS)

    def _entrance(self, admission: Admission) -> Entrance:
        host, port = self._listener.getsockname()[:2]
        own = listened_at(host, port, "http" if self._tls is None else "https")
        return Entrance(
            admission.enter,
            Authorities((*own, *self._settings.origin)),
            frozenset(self._settings.web_origin),
            Networks(self._settings.trusted_proxy),
            self.relay.services.tally,
        )


def _http(server: uvicorn.Server, config: uvicorn.Config) -> H11Protocol:
    return H11Protocol(config, server.server_state, server.lifespan.state)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )


async def _every(loop: Loop, seconds: float, *acts: Callable[[], object]) -> None:
    """Do these again and again. One that fails stops neither the others nor its next time. One that
    says that it has more to do goes on in the next turn."""
    while True:
        due = asyncio.Event()
        loop.call_later(seconds, due.set)
        await due.wait()
        for act in acts:
            try:
                await _all_of(act)
            except Exception as error:
                error_log.report(error)


async def _all_of(act: Callable[[], object]) -> None:
    more = act()
    while more is True:
        await asyncio.sleep(0)
        more = act()
    if isinstance(more, Coroutine):
        await more


def _terms(
    settings: Settings,
    clock: Callable[[], float],
    loop: Loop,
    slots: int,
    turn: Turn,
) -> Terms:
    """`slots` are the turns of the keepalive in one period."""
    memory = settings.store_bytes // settings.workers  # of this process
    return Terms(
        clock,
        loop,
        Keepalive(slots),
        Stalled(clock, settings.queue_seconds),
        # All messages under way may take a share of the memory that rooms may take.
        Unfinished(clock, MESSAGE_SECONDS, max(LEAST_BYTES, memory // _UNFINISHED_SHARE)),
        Inbox(turn),
        Shares(max(LEAST_UNSENT, memory // _UNSENT_SHARE)),
        settings.queue_bytes,
        settings.rates,
    )


async def serve(
    settings: Settings,
    listener: socket.socket,
    tls: Tls | None = None,
    management: socket.socket | None = None,
    on_start: Callable[[Callable[[], None]], None] | None = None,
) -> None:
    """Serve until a signal says stop, and say when the relay is ready. `on_start` is given what
    stops it too. Raises `UnfitStore`."""
    await check_store(settings)
    service = Service(settings, listener, tls=tls, management=management)
    if on_start is not None:
        on_start(service.stop)
    add = asyncio.get_running_loop().add_signal_handler
    signals.handle(add, service.reload_certificate, service.refusal_log.write)
    service.garbage.begin()
    address = address_of(listener, "https" if tls is not None else "http")
    announcing = asyncio.create_task(_announce(service, address))
    await service.run()
    announcing.cancel()


async def _announce(service: Service, address: str) -> None:
    await service.ready()
    say(1, f"alcove-server is ready at {address}")
