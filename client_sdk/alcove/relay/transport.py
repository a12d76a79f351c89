"""The socket: one WebSocket after another, until the room is over.

Only this file knows the `websockets` library. It sends what the engine has to send, in order, and
gives the engine what comes. When the connection drops, it connects again after a random delay, so
that the clients of one relay do not all come back at once.
"""

import asyncio
import logging
import random
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from alcove_protocol import limits
from alcove_protocol.labels import SUBPROTOCOL

from alcove import log
from alcove.errors import ConnectionFailed, InvalidInput
from alcove.relay.link import PONG_TIMEOUT, Link

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

PATH: Final = "/v1/connect"
PING_EVERY: Final = 10.0
"""Seconds between pings. A network that is gone is known by what is not answered."""
ENTRY_ATTEMPTS: Final = 3
"""Connections that the relay may drop before the room is entered. Then the caller is told."""
TURNED_AWAY: Final = 3
"""The most failures that refusals of the relay count for: at most 4 s between attempts."""
BACKOFF_STEPS: Final = 10
"""Doublings of the delay after which more failures change nothing."""
_DIGITS: Final = re.compile("[0-9]{1,9}")
CLOSE_TIMEOUT: Final = 2.0
"""Seconds that the closing handshake of a WebSocket may take."""
VERSION_STATUS: Final = frozenset({400, 426})
"""HTTP statuses by which a relay refuses the subprotocol of another version."""
BUSY_STATUS: Final = frozenset({429, 503})
OTHER_NAME_STATUS: Final = 421
"""A relay answers only to the addresses that its operator named."""
BACKOFF_FIRST: Final = 0.5
BACKOFF_MOST: Final = 15.0
"""Seconds. The first delay doubles with each failure up to the second."""

_NO_SOCKS: Final = (
    "A SOCKS proxy needs the package python-socks; install it by: pip install 'alcove[proxy]'"
)
_SILENT: Final = logging.getLogger("alcove.socket")
"""For `websockets`, which logs addresses and frames. `alcove.log` says what may be known."""
_SILENT.disabled = True


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """How to reach the relay: SOCKS proxy (`socks5://…`), file of trusted CAs, seconds to wait. The
    seconds are 10, or 60 through a proxy, unless they are given.

    The proxy resolves names, and this device never does. A query would tell the network which relay
    this is, and only the proxy knows an onion service. Its address may hold a password, so `repr`
    does not show it.
    """

    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    timeout: float | None = None

    def proxy_url(self) -> str | None:
        """The proxy's address, with names resolved there. Raises `InvalidInput` (`bad_proxy`)."""
        if self.proxy is None:
            return None
        scheme, separator, rest = self.proxy.partition("://")
        if scheme not in ("socks5", "socks5h") or not separator or not rest:
            raise InvalidInput("bad_proxy", "A proxy is given as socks5://host:port.")
        try:
            port = urlsplit(self.proxy).port
        except ValueError:
            port = 0
        if port == 0:
            raise InvalidInput("bad_proxy", "A proxy is given as socks5://host:port.")
        return f"socks5h://{rest}"

    def tls(self) -> ssl.SSLContext:
        """Raises `InvalidInput` (`bad_ca_file`)."""
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError):
            text = f"The CA file {self.ca_file} cannot be read."
            raise InvalidInput("bad_ca_file", text) from None


class Connectable(Protocol):
    """What a transport keeps connected: the engine, seen from the socket."""

    come_back_after: float
    """Seconds that the relay asked to be left alone."""

    @property
    def entered(self) -> bool: ...
    @property
    def wants_connection(self) -> bool: ...
    @property
    def link(self) -> Link: ...

    def connected(self, host: str) -> None: ...
    def received(self, data: bytes) -> None: ...
    def disconnected(self) -> None: ...


def delay_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row. Full jitter spreads the clients out."""
    most = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(failures, BACKOFF_STEPS))
    return random.uniform(most / 4, most)  # noqa: S311  # spreads load; it is no secret


class Transport:
    """Keeps an engine connected. Calls `changed` after everything that it gives to the engine."""

    def __init__(
        self,
        engine: Connectable,
        origin: str,
        options: TransportOptions,
        changed: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._url = origin.replace("http", "ws", 1) + PATH
        self._options = options
        self._changed = changed
        self._wake = asyncio.Event()
        self._failures = 0

    def wake(self) -> None:
        """There may be something to send, or a reason to hang up."""
        self._wake.set()

    async def run(self) -> None:
        """Connect until the engine is closed. Raises `ConnectionFailed` if it was never entered."""
        dropped = 0
        while self._engine.wants_connection:
            try:
                reached = await self._one_connection()
                # After an entry the delays start over. After a refusal (the room is not back yet)
                # they stay short, so that the client returns soon after the room does.
                self._failures = 0 if reached else min(self._failures + 1, TURNED_AWAY)
            except ConnectionFailed as failed:
                log.connection_failed(failed.code)
                if not self._engine.entered and not self._tries_again(failed):
                    raise
                self._failures += 1
                self._engine.come_back_after = failed.retry_after
            dropped += 1
            if dropped >= ENTRY_ATTEMPTS and self._engine.wants_connection:
                self._give_up_entering()
            if self._engine.wants_connection:
                asked, self._engine.come_back_after = self._engine.come_back_after, 0.0
                await asyncio.sleep(asked + delay_after(self._failures))

    def _tries_again(self, failed: ConnectionFailed) -> bool:
        """Whether to ask once more before the room was ever entered: only through a proxy."""
        from alcove.relay.dialing import PROXY_TRIES

        slow = self._options.proxy is not None and failed.code in ("unreachable", "proxy_failed")
        return slow and self._failures + 1 < PROXY_TRIES

    def _give_up_entering(self) -> None:
        if not self._engine.entered:
            text = "The relay closes the connection before the room is reached; try again later."
            raise ConnectionFailed("dropped", text)

    async def _one_connection(self) -> bool:
        """Whether the relay let this client in before the connection ended."""
        connection = await self._connect()
        reached = False
        try:
            self._engine.connected(connection.request.headers["Host"] if connection.request else "")
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._read(connection)),
                    group.create_task(self._write(connection)),
                    group.create_task(self._keep_alive(connection)),
                ]
                for task in tasks:
                    task.add_done_callback(lambda done: [one.cancel() for one in tasks])
        finally:
            reached = self._engine.link.authenticated
            self._engine.disconnected()
            self._changed()
        return reached

    async def _connect(self) -> "ClientConnection":
        # Imported late: `import alcove` stays quick, and a sans-I/O user needs no sockets.
        from websockets.exceptions import (
            InvalidHandshake,
            InvalidStatus,
            ProxyError,
            WebSocketException,
        )
        from websockets.typing import Subprotocol

        from alcove.relay import dialing

        options = self._options
        patience = dialing.DIRECT_TIMEOUT if options.proxy is None else dialing.PROXY_TIMEOUT
        try:
            connection = await dialing.Dial(
                self._url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                max_size=limits.FRAME,
                ping_interval=None,  # `_keep_alive` does it: the link is told what is unanswered
                open_timeout=patience if options.timeout is None else options.timeout,
                close_timeout=CLOSE_TIMEOUT,
                user_agent_header=None,
                proxy=options.proxy_url(),
                ssl=options.tls() if self._url.startswith("wss:") else None,
                logger=_SILENT,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            redirects = status in dialing.REDIRECTS
            failed = dialing.redirected() if redirects else _refused_status(status)
            failed.retry_after = _seconds(error.response.headers.get_all("Retry-After"))
            raise failed from error
        except ProxyError as error:
            text = "The proxy cannot be reached, or does not reach the relay; check both addresses."
            raise ConnectionFailed("proxy_failed", text) from error
        except (InvalidHandshake, WebSocketException) as error:
            text = "What answers at this address is not a relay of this version of Alcove."
            raise ConnectionFailed("not_a_relay", text) from error
        except ssl.SSLError as error:
            text = "The relay's certificate is not trusted; check its address and your clock."
            raise ConnectionFailed("bad_certificate", text) from error
        except ImportError as error:
            if options.proxy is None:
                raise
            raise ConnectionFailed("no_socks", _NO_SOCKS) from error
        except (OSError, TimeoutError, EOFError, ValueError) as error:
            raise dialing.unreachable(error) from error
        if connection.subprotocol != SUBPROTOCOL:
            await connection.close()
            text = "This relay speaks another version of Alcove; update the older of the two."
            raise ConnectionFailed("version", text)
        return connection

    async def _read(self, connection: "ClientConnection") -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            async for data in connection:
                if isinstance(data, bytes):
                    self._engine.received(data)
                else:
                    self._engine.link.hang_up = True  # the relay never sends text
                self._changed()
                self.wake()
        except ConnectionClosed:
            pass

    async def _keep_alive(self, connection: "ClientConnection") -> None:
        """Ask for a sign of life now and then. A network that is gone says nothing, and what is
        sent into it may wait for ever, so this ends the connection without asking anybody."""
        from websockets.exceptions import ConnectionClosed

        link = self._engine.link
        try:
            while True:
                await asyncio.sleep(PING_EVERY)
                link.pinged()
                async with asyncio.timeout(PONG_TIMEOUT):
                    await (await connection.ping())
                link.ponged()
        except TimeoutError:
            connection.transport.abort()
        except ConnectionClosed:
            pass

    async def _write(self, connection: "ClientConnection") -> None:
        from websockets.exceptions import ConnectionClosed

        outgoing = self._engine.link.outgoing
        try:
            while True:
                while outgoing:
                    await connection.send(outgoing.popleft())
                if self._engine.link.hang_up or not self._engine.wants_connection:
                    await connection.close()
                    return
                await self._wake.wait()
                self._wake.clear()
        except ConnectionClosed:
            pass


def _seconds(retry_after: list[str]) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110 section 10.2.3). A date counts as 0.

    At most `limits.RETURN_DELAY`: no relay or proxy can send a client away for a day.
    """
    asked = retry_after[0] if len(retry_after) == 1 else ""
    return float(min(int(asked), limits.RETURN_DELAY)) if _DIGITS.fullmatch(asked) else 0.0


def _refused_status(status: int) -> ConnectionFailed:
    if status in VERSION_STATUS:
        text = "This relay speaks another version of Alcove; update the older of the two."
        return ConnectionFailed("version", text)
    if status in BUSY_STATUS:
        # A proxy answers so too while no relay behind it is ready.
        return ConnectionFailed("busy", "The relay takes nobody at the moment; try again later.")
    if status == OTHER_NAME_STATUS:
        text = "The relay does not go by this address; its operator names its addresses (--origin)."
        return ConnectionFailed("wrong_host", text)
    text = "What answers at this address is not a relay of this version of Alcove."
    return ConnectionFailed("not_a_relay", text)
