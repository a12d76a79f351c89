"""The network between a client and the relay, without sockets: delays, cuts, traps.

    client ──Lane──▶ EmbeddedLink      what the client sent, in order, each frame a little later
    client ◀──Lane── EmbeddedLink      what the relay sent

A connection ends at both ends, each in its own time: a cut that nobody notices is half open. A trap
acts on one frame as it arrives, so that a fault strikes between any two steps of the protocol.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import BlobClass, BlobIs
from alcove_protocol.labels import SUBPROTOCOL
from alcove_server.testing.embedded import EmbeddedLink
from websockets.exceptions import ConnectionClosedError

HOST: Final = "relay.test"
ORIGIN: Final = f"https://{HOST}"
CLASSES: Final[dict[int, str]] = {
    BlobClass.COMMIT: "commit",
    BlobClass.APPLICATION: "message",
    BlobClass.BEAT: "beat",
    BlobClass.EXTERNAL: "commit",
}


Pong = asyncio.Future[float]
"""A ping on its way, and its answer on the way back."""


class Lane:
    """One direction of a connection: first in, first out, each item after its delay."""

    def __init__(
        self, delay: Callable[[], float], arrived: Callable[[bytes | Pong | None], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._delay = delay
        self._arrived = arrived
        self._items: deque[tuple[float, bytes | Pong | None]] = deque()
        self._last = 0.0
        self._still_until = 0.0
        self.open = True

    def push(self, item: bytes | Pong | None) -> None:
        """Send a frame, a ping right behind what is under way, or None for the end."""
        if not self.open:
            return
        # A ping takes no delay from the schedule's: it must not change what happens to frames.
        delay = 0.0 if isinstance(item, asyncio.Future) else self._delay()
        self._last = max(self._last, self._loop.time() + delay)
        self._items.append((self._last, item))
        if len(self._items) == 1:
            self._loop.call_at(self._last, self._go_on)

    def hold(self, seconds: float) -> None:
        """Let nothing through for so long."""
        self._still_until = self._loop.time() + seconds

    def stop(self) -> None:
        """What is under way never arrives."""
        self.open = False
        self._items.clear()

    def _go_on(self) -> None:
        now = self._loop.time()
        while self._items and self._items[0][0] <= now:
            if now < self._still_until:
                self._loop.call_at(self._still_until, self._go_on)
                return
            _, item = self._items.popleft()
            self._arrived(item)
        if self._items:
            self._loop.call_at(self._items[0][0], self._go_on)


@dataclass(slots=True)
class Trap:
    """Acts on one frame: the `left`-th of this kind (any kind, when empty) in this direction."""

    up: bool
    kind: str
    left: int
    act: str
    """`cut-before`, `cut-after`, `lose` or `twice`."""

    def springs(self, up: bool, data: bytes) -> bool:
        if self.up is not up:
            return False
        if self.kind and kind_of(data, up) != self.kind:
            return False
        self.left -= 1
        return self.left < 1


def kind_of(data: bytes, up: bool) -> str:
    """The kind of a frame. Blobs are told apart by their class."""
    frame = frames.from_client(data) if up else frames.from_relay(data)
    return CLASSES[frame.blob_class] if isinstance(frame, BlobIs) else frame.KIND


class _Headers:
    headers: Final = {"Host": HOST}


class Wire:
    """One connection. The SDK's transport takes it for a WebSocket of the `websockets` library."""

    subprotocol: Final = SUBPROTOCOL
    request: Final = _Headers()

    def __init__(
        self,
        delay: Callable[[], float],
        traps: list[Trap],
        sending: Callable[[bytes], None],
        reaching: Callable[[bytes], None],
        hearing: Callable[[bytes], None],
        keeping: Callable[[bytes], None],
    ) -> None:
        """`sending` hears what the client sends, `reaching` what of it comes to the relay, and
        `hearing` what the client takes. `keeping` hears what the relay kept back."""
        self._loop = asyncio.get_running_loop()
        self._traps = traps
        self._sending = sending
        self._reaching = reaching
        self._hearing = hearing
        self._keeping = keeping
        self._link: EmbeddedLink | None = None
        self._fetching = False
        self._inbox: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._awake = asyncio.Event()
        self._awake.set()
        self._pongs: list[Pong] = []
        self.transport = self
        self.closed = False
        """Whether the client knows that the connection is over."""
        self.up = Lane(delay, self._at_relay)
        self.down = Lane(delay, self._at_client)

    def attach(self, link: EmbeddedLink) -> None:
        """The relay's end. What it sends comes by `fetch_soon`."""
        self._link = link
        self.fetch_soon()

    # --- the relay's end -----------------------------------------------------------------------

    def fetch_soon(self) -> None:
        """The relay has something to say. It says so in the middle of a step, so this waits."""
        if not self._fetching:
            self._fetching = True
            self._loop.call_soon(self._fetch)

    def _fetch(self) -> None:
        self._fetching = False
        if self._link is None:
            return
        for data in self._link.outgoing():
            self.down.push(data)
        if self._link.closed is not None:
            self.down.push(None)

    def _at_relay(self, data: bytes | Pong | None) -> None:
        if self._link is None:
            return
        if isinstance(data, asyncio.Future):
            self.down.push(data)
            return
        if data is None:
            self.lost_at_relay()
            return
        link = self._link

        def reaches(data: bytes) -> None:
            self._reaching(data)
            link.receive(data)

        self._pass(True, data, reaches)

    def lost_at_relay(self) -> None:
        """The relay learns that the connection is over."""
        self.up.stop()
        link, self._link = self._link, None
        if link is not None:
            link.close()

    # --- faults --------------------------------------------------------------------------------

    def _pass(self, up: bool, data: bytes, give: Callable[[bytes], None]) -> None:
        """Give a frame to its receiver, unless a trap springs."""
        trap = next((trap for trap in self._traps if trap.springs(up, data)), None)
        if trap is not None:
            self._traps.remove(trap)
        act = trap.act if trap is not None else ""
        if act == "lose":
            self._keeping(data)
        elif act != "cut-before":
            give(data)
        if act == "twice":
            give(data)
        if act.startswith("cut"):
            self.cut()

    def cut(self, *, client_after: float = 0.0, relay_after: float = 0.0) -> None:
        """Nothing arrives any more. Each end notices after so many seconds."""
        self.up.stop()
        self.down.stop()
        self._after(relay_after, self.lost_at_relay)
        self._after(client_after, self._lost_at_client)

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        if seconds:
            self._loop.call_later(seconds, act)
        else:
            self._loop.call_soon(act)

    def freeze(self) -> None:
        """The client's process stands still."""
        self._awake.clear()

    def thaw(self) -> None:
        self._awake.set()
        self._read_pongs()

    # --- the client's end ----------------------------------------------------------------------

    def _at_client(self, data: bytes | Pong | None) -> None:
        if isinstance(data, asyncio.Future):
            self._pongs.append(data)
            self._read_pongs()
        elif data is None:
            self._lost_at_client()
        else:
            self._pass(False, data, self._inbox.append)
            self._news.set()

    def _read_pongs(self) -> None:
        """Give the answers to pings to a program that runs."""
        if self._awake.is_set():
            for pong in self._pongs:
                if not pong.done():
                    pong.set_result(0.0)
            self._pongs.clear()

    def _lost_at_client(self) -> None:
        self.closed = True
        self._news.set()

    async def ping(self) -> Pong:
        """As of `websockets`. Raises `ConnectionClosed`."""
        await self._awake.wait()
        if self.closed:
            raise ConnectionClosedError(None, None)
        pong: Pong = self._loop.create_future()
        self.up.push(pong)
        return pong

    def abort(self) -> None:
        """As of the transport below: the client gives the connection up, and asks nobody."""
        self.up.push(None)
        self.down.stop()
        self._lost_at_client()

    async def send(self, data: bytes) -> None:
        """As of `websockets`. Raises `ConnectionClosed`."""
        await self._awake.wait()
        if self.closed:
            raise ConnectionClosedError(None, None)
        self._sending(data)
        self.up.push(data)

    async def close(self) -> None:
        """The client ends the connection. The relay learns it after what was sent before."""
        self.abort()

    def __aiter__(self) -> "Wire":
        return self

    async def __anext__(self) -> bytes:
        while True:
            await self._awake.wait()
            if self._inbox:
                data = self._inbox.popleft()
                self._hearing(data)
                return data
            if self.closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
