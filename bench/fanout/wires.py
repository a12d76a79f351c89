"""How a connection of each protocol is made ready, and what it publishes.

Preparing is done with blocking sockets, one step after the other. What is prepared goes to the
generator, which knows the same protocols by number.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from typing import Final, Protocol

PLAIN, ALCOVE, MQTT, NATS = range(4)
"""As in generator.c."""

BLOB: Final = 512
"""Bytes of a payload, or of Alcove's ciphertext."""
SECONDS: Final = 20.0
"""Within which every step of the preparation is done."""
PING: Final = b"\x89\x00"


@dataclass(frozen=True)
class Template:
    """What is published in a room. The generator writes a number, an id and the blob's first 16
    bytes into it, at these places. A place is -1 where there is none."""

    frame: bytes
    blob_at: int
    n_at: int = -1
    id_at: int = -1


class Wire(Protocol):
    """Prepares connections to one server."""

    number: int

    def room(self, members: int, connected: int) -> tuple[Template, list[int]]:
        """One more room, for so many members, and the descriptors of the connected ones."""

    def beats(self, rooms: int) -> None:
        """Do what keeps the first rooms going, before a run."""


class Stream:
    """A blocking socket that is read piece by piece."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        # Bound to an address, a port could serve one connection alone, wherever it leads, and those
        # of a run before would be used up.
        bound = None if source == "127.0.0.1" else (source, 0)
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS, bound)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._had = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    @staticmethod
    def write(descriptor: int, data: bytes) -> None:
        """Send through a stream that was handed over."""
        os.write(descriptor, data)

    def handed_over(self) -> int:
        """The descriptor, which the caller owns from here on."""
        if self._had == PING:
            self.send(masked(b"", 0x8A))
        return self.socket.detach()

    def _more(self) -> None:
        got = self._receive()
        if not got:
            raise ConnectionError("the server closed a connection that was being prepared")
        self._had += got

    def _receive(self) -> bytes:
        return self.socket.recv(1 << 16)

    def exactly(self, size: int) -> bytes:
        while len(self._had) < size:
            self._more()
        data, self._had = self._had[:size], self._had[size:]
        return data

    def until(self, end: bytes) -> bytes:
        while end not in self._had:
            self._more()
        return self.exactly(self._had.index(end) + len(end))


def upgrade(stream: Stream, path: str, host: str, *more: str) -> None:
    """The handshake of RFC 6455. Raises `ConnectionError`."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *more,
    )
    stream.send("\r\n".join(lines).encode() + b"\r\n\r\n")
    answer = stream.until(b"\r\n\r\n")
    if b" 101 " not in answer[:16]:
        raise ConnectionError(f"no upgrade: {answer[:60].decode('latin-1')!r}")


def masked(payload: bytes, first: int = 0x82) -> bytes:
    """A client's frame."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((first, 0xFE)) + struct.pack("!H", size)
    else:
        head = bytes((first, 0xFF)) + struct.pack("!Q", size)
    return head + bytes(4) + payload  # a mask of zeros is a mask


class PlainWire:
    """WebSockets whose path names the room, and whose messages go to all in it."""

    number = PLAIN

    def __init__(self, port: int, stream: type[Stream] = Stream) -> None:
        self._port = port
        self._stream = stream
        self._rooms = 0

    def _join(self, room: int) -> int:
        stream = self._stream(self._port)
        upgrade(stream, f"/{room}", f"127.0.0.1:{self._port}")
        return stream.handed_over()

    def template(self, room: int) -> Template:
        return Template(os.urandom(BLOB), 0)

    def room(self, members: int, connected: int) -> tuple[Template, list[int]]:
        room, self._rooms = self._rooms, self._rooms + 1
        return self.template(room), [self._join(room) for _ in range(connected)]

    def beats(self, rooms: int) -> None:
        pass


class MqttWire(PlainWire):
    """MQTT 3.1.1: a topic is a room, QoS 0."""

    number = MQTT

    def _join(self, room: int) -> int:
        stream = self._stream(self._port)
        name = os.urandom(8).hex().encode()
        connect = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack("!H", len(name)) + name
        stream.send(b"\x10" + bytes((len(connect),)) + connect)
        if stream.exactly(4)[3]:
            raise ConnectionError("the broker refused a connection")
        topic = f"r/{room}".encode()
        subscribe = b"\x00\x01" + struct.pack("!H", len(topic)) + topic + b"\x00"
        stream.send(b"\x82" + bytes((len(subscribe),)) + subscribe)
        stream.exactly(5)
        return stream.handed_over()

    def template(self, room: int) -> Template:
        topic = f"r/{room}".encode()
        size = 2 + len(topic) + BLOB
        head = bytes((0x30, 0x80 | size & 0x7F, size >> 7)) + struct.pack("!H", len(topic)) + topic
        return Template(head + os.urandom(BLOB), len(head))


class NatsWire(PlainWire):
    """NATS: a subject is a room."""

    number = NATS

    def _join(self, room: int) -> int:
        stream = Stream(self._port)
        stream.until(b"\r\n")
        stream.send(b'CONNECT {"verbose":false,"pedantic":false,"lang":"c","version":"1"}\r\n')
        stream.send(b"SUB r.%d 1\r\nPING\r\n" % room)
        stream.until(b"PONG\r\n")
        return stream.handed_over()

    def template(self, room: int) -> Template:
        head = b"PUB r.%d %d\r\n" % (room, BLOB)
        return Template(head + os.urandom(BLOB) + b"\r\n", len(head))
