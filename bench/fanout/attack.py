"""Hostile clients, from other addresses of this machine than the good ones.

    python -m bench.fanout.attack PORT SECONDS RATE

They send `RATE` messages a second in all. Some are members and talk without end, some ask for more
than they read, some never finish a handshake, some send pings. Each comes back when it is closed.
Time and connections are bounded.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, Publish

from bench.fanout.alcove_wire import Member, SeatedRoom, beat
from bench.fanout.wires import SECONDS, Stream, masked, upgrade

MEMBERS: Final = 5
HALF_OPEN: Final = 400
SLOW_BLOB: Final = limits.APPLICATION_BUCKET


class Pace:
    """So many steps a second, until the end."""

    def __init__(self, rate: float, end: float) -> None:
        self._step = 1 / rate
        self._next = time.monotonic()
        self._end = end

    def __call__(self) -> bool:
        """Wait for the next step. Return whether there is one."""
        now = time.monotonic()
        self._next = max(self._next + self._step, now - 1)
        if self._next > now:
            time.sleep(min(self._next, self._end) - now if self._end > now else 0)
        return time.monotonic() < self._end


def _drain(member: Member) -> None:
    """Read what is there. Raises `OSError` when the relay closed."""
    link = member.stream.socket
    link.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while link.recv(1 << 16):
            pass
        raise ConnectionError("the relay closed")
    link.settimeout(SECONDS)


def _room(port: int, source: str) -> tuple[SeatedRoom, list[Member]]:
    room = SeatedRoom(port, MEMBERS, source)
    people = [room.member(number) for number in range(MEMBERS)]
    people[0].send(beat(room.base))
    return room, people


def talk(port: int, rate: float, end: float, source: str) -> None:
    """Members who publish without end: all of the rate, spread over them."""
    room, people = _room(port, source)
    pace, turns = Pace(rate, end), itertools.cycle(people)
    while pace():
        one = next(turns)
        blob = os.urandom(512)
        one.send(Publish(9, os.urandom(16), room.base, BlobClass.APPLICATION, 10, blob))
        _drain(one)


def hoard(port: int, rate: float, end: float, source: str) -> None:
    """A room that is sent the largest blobs and does not read them."""
    room, people = _room(port, source)
    pace = Pace(rate, end)
    while pace():
        blob = os.urandom(SLOW_BLOB)
        people[0].send(Publish(9, os.urandom(16), room.base, BlobClass.APPLICATION, 60, blob))
        _drain(people[0])


def ping(port: int, rate: float, end: float, source: str) -> None:
    """Connections that never authenticate and send pings."""
    pace = Pace(rate, end)
    stream = Stream(port, source)
    upgrade(stream, "/v1/connect", "a", "Sec-WebSocket-Protocol: alcove.v1")
    while pace():
        stream.send(masked(b"", 0x89))


def half_open(port: int, rate: float, end: float, source: str) -> None:
    """Half a request each, held as long as the relay lets them."""
    pace, held = Pace(rate, end), list[socket.socket]()
    while pace():
        with contextlib.suppress(OSError):
            one = socket.create_connection(("127.0.0.1", port), 5, (source, 0))
            one.sendall(b"GET /v1/connect HTTP/1.1\r\nHost:")
            held.append(one)
        if len(held) > HALF_OPEN:
            held.pop(0).close()


KINDS: Final[tuple[tuple[Callable[[int, float, float, str], None], float], ...]] = (
    (talk, 0.6),
    (ping, 0.25),
    (half_open, 0.1),
    (hoard, 0.05),
)
"""Each with its part of the rate."""


def _until_the_end(
    kind: Callable[[int, float, float, str], None], port: int, rate: float, end: float, net: int
) -> None:
    for turn in range(250):
        if time.monotonic() >= end:
            return
        # Closed or turned away: come again, from the next part of the network.
        with contextlib.suppress(OSError):
            kind(port, rate, end, f"127.{net}.{turn}.1")
        time.sleep(0.05)


def main(port: int, seconds: float, rate: float) -> None:
    """All kinds at once, until the time is over."""
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(
            target=_until_the_end,
            args=(kind, port, rate * part, end, 9 + number),
            daemon=True,
        )
        for number, (kind, part) in enumerate(KINDS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end + 2 - time.monotonic()))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
