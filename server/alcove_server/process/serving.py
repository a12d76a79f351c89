"""One relay behind one port: uvicorn, its signals, and the tick that deadlines and expiry need."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from alcove_server.net.admission import Admission
from alcove_server.net.front_door import FrontDoor
from alcove_server.net.keepalive import Keepalive, Stalled
from alcove_server.net.terms import Loop, Terms
from alcove_server.net.tls import Tls
from alcove_server.net.tls_accept import Enter, TlsAccept
from alcove_server.net.unfinished import LEAST_BYTES, MESSAGE_SECONDS, Unfinished
from alcove_server.ports import error_log
from alcove_server.ports.runner import OnLoop
from alcove_server.process.pages import make_app
from alcove_server.relay import Relay
from alcove_server.settings import Settings
from alcove_server.store.opening import check_store, open_store

log = logging.getLogger(__name__)

_TICK = 1.0
"""Seconds between ticks, or less where the settings have shorter times."""
_TICKS = 4
"""Ticks at least in the shortest time of the settings."""
_UNFINISHED_SHARE = 8
"""Unfinished messages may take this part of the store's memory."""
_TURNS = 10
"""Turns of the keepalive in a tick, so that 10,000 idle clients answer 50 pings at a time."""
_DRAIN_SECONDS = 10
_GARBAGE = (10_000, 20, 50)
"""Thresholds of the collector of cycles. This process holds blobs, which make no cycles, and
connections, which make a few. With Python's own thresholds the collector takes 4% of the time."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)


def configure_logging(settings: Settings) -> None:
    """The relay's own messages at the chosen level, to standard error.

    The messages of the libraries are dropped at any level: uvicorn's name addresses, and those of
    the WebSocket library quote headers and frames.
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


def address_of(listener: socket.socket, scheme: str = "http") -> str:
    """`http://host:port` of a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn, which reports when it is ready and drains the relay when it is told to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        relay: Relay,
        shake_hands: Callable[[uvicorn.Server], TlsAccept] | None,
    ) -> None:
        """With TLS `shake_hands` makes what accepts, in place of uvicorn."""
        super().__init__(config)
        self.ready = asyncio.Event()
        self._relay = relay
        self._shake_hands = shake_hands

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop the server in order, and that is a success. uvicorn alone would
        die of the signal after it stopped."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in _STOPPING}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._shake_hands is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            # uvicorn only closes its servers and waits for them, as `TlsAccept` can be.
            self.servers.append(cast(Any, self._shake_hands(self)))
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()  # no client comes in while all are told to come back
        self._relay.drain()
        await super().shutdown(sockets)


class Service:
    """Everything of one node. To be made inside a running event loop."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        clock: Callable[[], float] = time.monotonic,
        tls: Tls | None = None,
        loop: Loop | None = None,
    ) -> None:
        """`clock` gives seconds and `loop` makes the calls that wait; a test steers both."""
        self.store = open_store(settings, clock)
        self.relay = Relay(self.store, clock, os.urandom, OnLoop(), settings)
        self.admission = Admission(
            clock,
            os.urandom,
            connections=settings.connections,
            per_prefix=settings.connections_per_prefix,
            shared=frozenset(settings.shared_address),
            factor=settings.rates,
        )
        self._period = min(_TICK, settings.ping_seconds / _TICKS, settings.auth_seconds / _TICKS)
        self._turn = self._period / _TURNS
        self._keepalive = Keepalive(max(1, round(settings.ping_seconds / self._turn)))
        self._stalled = Stalled(clock, settings.queue_seconds)
        self._loop = loop if loop is not None else asyncio.get_running_loop()
        self._terms = _terms(settings, clock, self._loop, self._keepalive, self._stalled)
        self._listener = listener
        self._tls = tls
        self._server = _Server(self._config(), self.relay, self._shake_hands if tls else None)

    async def run(self) -> None:
        """Serve until a signal, or `stop`."""
        asyncio.get_running_loop().set_exception_handler(error_log.report_from_loop)
        ticking = [
            asyncio.create_task(_every(self._loop, self._turn, self._keepalive.tick)),
            asyncio.create_task(
                _every(
                    self._loop,
                    self._period,
                    self._stalled.tick,
                    self._terms.unfinished.tick,
                    self.admission.sweep,
                    self.relay.tick,
                )
            ),
        ]
        try:
            await self._server.serve([self._listener])
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
            return
        try:
            self._tls.reload()
        except ValueError as error:
            log.error("the certificate stays as it was: %s", error)
        else:
            log.info("the certificate is read again")

    def _front_door(self, enter: Enter | None = None, **given: Any) -> FrontDoor:
        # `given` is what uvicorn gives a protocol class, whose types it does not state.
        connections = given["server_state"].connections
        enter = enter if enter is not None else self.admission.enter
        return FrontDoor(self.relay, enter, self._terms, lambda: H11Protocol(**given), connections)

    def _shake_hands(self, server: uvicorn.Server) -> TlsAccept:
        assert self._tls is not None  # only a service with TLS calls this

        def make(enter: Enter) -> FrontDoor:
            return self._front_door(
                enter,
                config=server.config,
                server_state=server.server_state,
                app_state=server.lifespan.state,
            )

        seconds, backlog = self.relay.services.settings.auth_seconds, server.config.backlog
        return TlsAccept(self._listener, self.admission, self._tls, make, seconds, backlog)

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            make_app(self.relay),
            # uvicorn takes any maker of protocols here, though its type says a class.
            http=cast(Any, self._front_door),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            # All clients may come at one moment, as after a restart of a proxy in front. A client
            # that finds the queue full is not refused, but waits for TCP to try again: 1 s, then 2,
            # then 4. The kernel cuts this to net.core.somaxconn. An empty queue costs nothing.
            backlog=self.relay.services.settings.connections,
        )


async def _every(loop: Loop, seconds: float, *acts: Callable[[], object]) -> None:
    """Do these again and again. One that fails stops neither the others nor its next time."""
    while True:
        due = asyncio.Event()
        loop.call_later(seconds, due.set)
        await due.wait()
        for act in acts:
            try:
                if isinstance(more := act(), Coroutine):
                    await more
            except Exception as error:
                error_log.report(error)


def _terms(
    settings: Settings,
    clock: Callable[[], float],
    loop: Loop,
    keepalive: Keepalive,
    stalled: Stalled,
) -> Terms:
    return Terms(
        clock,
        loop,
        keepalive,
        stalled,
        # All messages under way may take a share of the memory that rooms may take.
        Unfinished(
            clock, MESSAGE_SECONDS, max(LEAST_BYTES, settings.store_bytes // _UNFINISHED_SHARE)
        ),
        settings.queue_bytes,
        settings.rates,
    )


async def serve(settings: Settings, listener: socket.socket, tls: Tls | None = None) -> None:
    """Serve until a signal, and print when the relay is ready. With TLS, SIGHUP reads the
    certificate again. Raises `UnfitStore`."""
    await check_store(settings)
    service = Service(settings, listener, tls=tls)
    if tls is not None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, service.reload_certificate)
    gc.freeze()  # the program itself is never garbage
    gc.set_threshold(*_GARBAGE)
    address = address_of(listener, "https" if tls is not None else "http")
    announcing = asyncio.create_task(_announce(service, address))
    await service.run()
    announcing.cancel()


async def _announce(service: Service, address: str) -> None:
    await service.ready()
    print(f"alcove-server is ready at {address}", flush=True)
