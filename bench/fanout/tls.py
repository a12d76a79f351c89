"""What TLS costs: the relay and two peers with and without it, in one alternating run.

Of nats-server there is no such row: it begins in plain text and turns to TLS later.
"""

from __future__ import annotations

import ctypes
import functools
import socket
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bench.fanout.alcove_wire import AlcoveWire
from bench.fanout.experiments import SIZES, Row, Scale, available, fanout, say
from bench.fanout.native import Missing, generator
from bench.fanout.servers import GENEROUS, SERVERS, Server, alcove_command, mosquitto_command
from bench.fanout.servers import with_arguments as also
from bench.fanout.wires import SECONDS, MqttWire, PlainWire, Stream
from tests.certificates import Certificates, make

SUFFIX: Final = "-tls"


class TlsStream(Stream):
    """A stream whose TLS session is the generator's from the beginning, and stays with the
    descriptor when that is handed over."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        super().__init__(port, source)
        # A timeout of Python's would make the descriptor one that does not block.
        self.socket.setblocking(True)
        limit = struct.pack("ll", int(SECONDS), 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        if not _library().tls_connect(self.socket.fileno(), str(_files().ca).encode()):
            raise ConnectionError("the server shook no hands")

    def send(self, data: bytes) -> None:
        self.write(self.socket.fileno(), data)

    @staticmethod
    def write(descriptor: int, data: bytes) -> None:
        if _library().tls_write(descriptor, data, len(data)) != len(data):
            raise ConnectionError("the server closed a connection that was being prepared")

    def _receive(self) -> bytes:
        buffer = ctypes.create_string_buffer(1 << 16)
        got = _library().tls_read(self.socket.fileno(), buffer, len(buffer))
        return buffer.raw[: max(got, 0)]


@functools.cache
def _library() -> ctypes.CDLL:
    return generator(tls=True)


_FOLDER: Final = tempfile.TemporaryDirectory(prefix="fanout-tls-")


@functools.cache
def _files() -> Certificates:
    Path(_FOLDER.name).chmod(0o755)  # as `running` does for mosquitto
    return make(Path(_FOLDER.name))


def _servers() -> dict[str, Server]:
    """Each without TLS and then with it."""
    certificate, key = str(_files().certificate), str(_files().key)
    of_relay = (f"--tls-certificate={certificate}", f"--tls-key={key}")
    of_broker = (f"certfile {certificate}", f"keyfile {key}", "tls_version tlsv1.3")
    node = SERVERS["node-ws"].command
    secured = (
        Server("alcove-tls", alcove_command(*GENEROUS, *of_relay), _alcove, tls=True),
        Server("mosquitto-tls", mosquitto_command(*of_broker), _mqtt, tls=True),
        Server("node-ws-tls", also(node, certificate, key), _plain, tls=True),
    )
    found: dict[str, Server] = {}
    for server in secured:
        name = server.name.removesuffix(SUFFIX)
        found |= {name: SERVERS[name], server.name: server}
    return found


def _alcove(port: int) -> AlcoveWire:
    return AlcoveWire(port, TlsStream)


def _mqtt(port: int) -> MqttWire:
    return MqttWire(port, TlsStream)


def _plain(port: int) -> PlainWire:
    return PlainWire(port, TlsStream)


def measure(names: Iterable[str], scale: Scale) -> list[Row]:
    """Those of the named servers that have a row with TLS. None without OpenSSL, which is said."""
    say("cost of TLS")
    try:
        _library()
    except Missing as missing:
        say(f"without TLS: {missing}")
        return []
    both = _servers()
    wanted = [one for one in both if one.removesuffix(SUFFIX) in names]
    return fanout(available(wanted, both), scale, {})


def line(rows: list[Row]) -> str:
    """What TLS costs the relay, as times what it costs without."""
    by = {(row.server, row.members): row for row in rows}
    found = []
    for members in SIZES:
        plain, tls = by.get(("alcove", members)), by.get((f"alcove{SUFFIX}", members))
        if plain and tls:
            cpu = tls.cpu_us_per_delivery / plain.cpu_us_per_delivery
            found.append(
                f"r{members} CPU × {cpu:.2f}, p99 {plain.p99_ms:.2f} → {tls.p99_ms:.2f} ms"
            )
    return "  TLS 1.3 at the relay: " + ("; ".join(found) or "not measured")
