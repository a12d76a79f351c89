"""Many connections of one attacker: what is to be sent goes out as the relay takes it, and all that
comes is dropped."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterable

from alcove_protocol.frames import BlobClass, Publish

from bench.fanout.wires import Stream, masked

CHUNK = 1 << 18

Go = Callable[[float], None]
"""Attacks for so many seconds."""


class Crowd:
    """Sockets that are prepared, without blocking from here on. Closed ones are forgotten."""

    def __init__(self, links: Iterable[socket.socket | Stream], *, reads: bool = True) -> None:
        self._selector = selectors.DefaultSelector()
        self._reads = reads
        self._pending: dict[socket.socket, bytearray] = {}
        for link in links:
            self.add(link.socket if isinstance(link, Stream) else link)

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def all(self) -> list[socket.socket]:
        """Those that are still open."""
        return list(self._pending)

    def add(self, link: socket.socket) -> None:
        """One more."""
        link.setblocking(False)
        self._pending[link] = bytearray()
        self._selector.register(link, self._mask(False))

    def _mask(self, writes: bool) -> int:
        reads = selectors.EVENT_READ if self._reads else 0
        return reads | selectors.EVENT_WRITE if writes or not self._reads else reads

    def send(self, link: socket.socket, data: bytes) -> None:
        """Send as soon as the relay takes it."""
        if link in self._pending:
            self._pending[link] += data
            self._write(link)

    def waiting(self, link: socket.socket) -> int:
        """Bytes that the relay did not take yet."""
        return len(self._pending.get(link, b""))

    def _write(self, link: socket.socket) -> None:
        pending = self._pending[link]
        try:
            while pending:
                del pending[: link.send(pending[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(link)
            return
        if self._reads:
            self._selector.modify(link, self._mask(bool(pending)))

    def _drop(self, link: socket.socket) -> None:
        del self._pending[link]
        self._selector.unregister(link)
        link.close()

    def pump(self, seconds: float) -> None:
        """Send and read for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._pending:
            for key, events in self._selector.select(min(left, 0.05)):
                link = key.fileobj
                assert isinstance(link, socket.socket)
                if events & selectors.EVENT_READ:
                    self._read(link)
                if events & selectors.EVENT_WRITE and link in self._pending:
                    self._write(link)
            if not self._reads:
                time.sleep(min(0.005, left))

    def _read(self, link: socket.socket) -> None:
        try:
            if not link.recv(CHUNK):
                self._drop(link)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(link)

    def close(self) -> None:
        """All of them, at once."""
        for link in self.all:
            with contextlib.suppress(OSError):
                self._drop(link)


def posts(
    base: bytes,
    count: int,
    size: int = 16,
    blob_class: BlobClass = BlobClass.APPLICATION,
    ttl: int = 60,
) -> bytes:
    """So many publishes, as bytes on the wire."""
    return b"".join(
        masked(Publish(n, os.urandom(16), base, blob_class, ttl, os.urandom(size)).to_bytes())
        for n in range(10, 10 + count)
    )


def once(crowd: Crowd, *messages: bytes) -> Go:
    """Each connection sends all of its messages at once; what comes is read."""

    def go(seconds: float) -> None:
        for number, link in enumerate(crowd.all):
            crowd.send(link, messages[number % len(messages)])
        crowd.pump(seconds)

    return go


def again(crowd: Crowd, make: Callable[[], bytes], pause: float) -> Go:
    """Each connection sends more and more, as fast as the relay takes it."""

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(crowd):
            for link in crowd.all:
                if not crowd.waiting(link):
                    crowd.send(link, make())
            crowd.pump(pause)

    return go


def to_first(crowd: Crowd, frame: bytes) -> Go:
    def go(seconds: float) -> None:
        crowd.send(crowd.all[0], frame)
        crowd.pump(seconds)

    return go
