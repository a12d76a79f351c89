"""A relay in this process without sockets, for tests and for relays that misbehave on purpose.

    clock = ManualClock()
    relay = embedded(clock, os.urandom)
    link = relay.connect(host="relay.test", offered="alcove.v1")
    link.outgoing()                  # -> [challenge]
    link.receive(frame.to_bytes())   # runs to its end before it returns
    link.outgoing()                  # -> the answers, and what other clients caused meanwhile
    clock.advance(90); relay.tick()  # deadlines and expiry
    link.closed                      # the close code, once the relay closed it
    link.close()                     # the client goes away

There is no event loop, no sleeping and no thread. When a call returns, everything that it causes
has happened, in every link's `outgoing`. `on_output` is called when a link has something to fetch.
It is called in the middle of a step, so it may take note and must not call the relay. This is the
real relay: the same objects that `process` puts behind a port. Tests may look at `relay.relay` and
`relay.store`. A harness that lies fetches frames from `outgoing` and gives the client others.
"""

from collections.abc import Callable
from time import time

from alcove_server.ports.runner import Immediate, Runner
from alcove_server.relay import Relay
from alcove_server.session.session import Session
from alcove_server.settings import Settings
from alcove_server.store.interface import Store
from alcove_server.store.opening import open_store


class ManualClock:
    """Seconds that pass when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class EmbeddedLink:
    """One client's end. `closed` is the WebSocket close code that the relay gave."""

    def __init__(self, on_output: Callable[[], None] | None = None) -> None:
        self.closed: int | None = None
        self.session: Session | None = None
        self.blocked = False
        self.dead = False
        """Whether the client answers no ping, though its connection was never closed."""
        self._on_output = on_output
        self._frames: list[bytes] = []

    # --- the client's side ------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """The relay receives one binary message from this client."""
        assert self.session is not None  # `connect` sets it before it returns the link
        self.session.receive(data)

    def outgoing(self) -> list[bytes]:
        """What the relay sent since the last call, in order."""
        frames, self._frames = self._frames, []
        return frames

    def close(self) -> None:
        """The client goes away."""
        assert self.session is not None  # as above
        self.session.lost()

    # --- the relay's side: `Outlet` ---------------------------------------------------------

    @property
    def backlog(self) -> int:
        """The bytes that were not fetched while `blocked`, else 0."""
        return sum(len(frame) for frame in self._frames) if self.blocked else 0

    def deliver(self, frames: bytes) -> None:
        """As `Outlet.write`."""
        self._frames += _payloads(frames)
        if self._on_output is not None:
            self._on_output()

    def shut(self, code: int) -> None:
        """As `Outlet.close`."""
        self.closed = code
        if self._on_output is not None:
            self._on_output()


class _LinkOutlet:
    """The link as the relay sees it, because `close` differs at the two ends."""

    def __init__(self, link: EmbeddedLink) -> None:
        self._link = link

    @property
    def backlog(self) -> int:
        return self._link.backlog

    def write(self, frames: bytes) -> None:
        self._link.deliver(frames)

    def probe(self) -> None:
        """A client in this process answers at once, or is `dead`."""

    @property
    def silent(self) -> bool:
        return self._link.dead

    def close(self, code: int) -> None:
        self._link.shut(code)


def _payloads(frames: bytes) -> list[bytes]:
    """The payloads of the relay's frames: final, unmasked and whole, RFC 6455 section 5.2."""
    payloads = []
    while frames:
        start, size = 2, frames[1]
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(frames[2:start], "big")
        payloads.append(frames[start : start + size])
        frames = frames[start + size :]
    return payloads


class EmbeddedRelay:
    """A `Relay` of which every call is done when it returns."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.store = relay.services.store

    def connect(
        self,
        *,
        host: str = "relay.test",
        offered: str = "alcove.v1",
        on_output: Callable[[], None] | None = None,
    ) -> EmbeddedLink:
        """A new connection, which has been sent its challenge."""
        link = EmbeddedLink(on_output)
        link.session = self.relay.connect(host=host, offered=offered, outlet=_LinkOutlet(link))
        return link

    def tick(self) -> None:
        """Do what the relay does about once a second."""
        self.relay.services.runner.start(self.relay.tick())

    def drain(self) -> None:
        """Do what it does on SIGTERM."""
        self.relay.drain()


def embedded(
    clock: Callable[[], float],
    random: Callable[[int], bytes],
    *,
    settings: Settings | None = None,
    store: Store | None = None,
    wall: Callable[[], float] = time,
    runner: Runner | None = None,
) -> EmbeddedRelay:
    """A relay on the memory store, or on a given store that never suspends. Without settings it has
    no rate limits, because a clock that stands still would never refill them."""
    settings = settings if settings is not None else Settings(rates=0)
    store = store if store is not None else open_store(settings, clock)
    return EmbeddedRelay(Relay(store, clock, random, runner or Immediate(), settings, wall))
