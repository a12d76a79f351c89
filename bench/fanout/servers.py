"""The servers, each as a process of its own on a free port of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from bench.fanout import native
from bench.fanout.alcove_wire import AlcoveWire
from bench.fanout.native import Missing
from bench.fanout.wires import MqttWire, NatsWire, PlainWire, Wire

HERE: Final = Path(__file__).resolve().parent
READY_SECONDS: Final = 20.0

GENEROUS: Final = (
    # Every limit works, and none of them stops a load that no room of people makes.
    "--rates=1000000",
    "--connections=16000",
    "--rooms=20000",
    f"--room-bytes={1 << 30}",
    f"--store-bytes={4 << 30}",
)


@dataclass(frozen=True)
class Server:
    """How a server is started, `command(port, folder)`, and spoken to."""

    name: str
    command: Callable[[int, Path], list[str]]
    wire: Callable[[int], Wire]
    tls: bool = False


class Running:
    """A server that runs."""

    def __init__(self, server: Server, pid: int, port: int) -> None:
        self.server = server
        self.pid = pid
        self.port = port
        self.wire = server.wire(port)

    @property
    def rss(self) -> int:
        """Bytes of memory."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def found(*names: str) -> str:
    """The first program of these names. Raises `Missing`."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    for name in names:
        program = shutil.which(name, path=path)
        if program is not None:
            return program
    raise Missing(f"{names[0]} is not installed: bench/fanout/setup.sh does it.")


def alcove_command(*options: str, compiled: bool = True) -> Callable[[int, Path], list[str]]:
    """The relay with these settings, its hot path compiled as on a host, or as in a working
    copy."""

    def command(port: int, folder: Path) -> list[str]:
        del folder
        relay = [sys.executable, "-m", "alcove_server", f"--port={port}", *options]
        return ["env", f"PYTHONPATH={compiled_relay()}", *relay] if compiled else relay

    return command


@cache
def compiled_relay() -> Path:
    """Where the compiled relay is, built if it must be. Raises `Missing`."""
    script = HERE.parents[1] / "scripts" / "compile_relay.py"
    if subprocess.run([sys.executable, str(script)], check=False).returncode:
        raise Missing("The relay cannot be compiled: bench/fanout/setup.sh installs gcc.")
    return HERE.parents[1] / ".compiled"


def _limit(*options: str) -> Callable[[int, Path], list[str]]:
    return lambda port, folder: [str(native.limit()), str(port), *options]


def mosquitto_command(*lines: str) -> Callable[[int, Path], list[str]]:
    """The broker with further lines in its file of settings."""
    return lambda port, folder: _mosquitto(port, folder, *lines)


def _mosquitto(port: int, folder: Path, *lines: str) -> list[str]:
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        "log_type none\nset_tcp_nodelay true\nmax_queued_messages 0\n"
        + "".join(f"{line}\n" for line in lines)
    )
    return [found("mosquitto"), "-c", str(settings)]


def _nats(port: int, folder: Path) -> list[str]:
    del folder
    return [found("nats-server"), "-a", "127.0.0.1", "-p", str(port)]


def _node(port: int, folder: Path) -> list[str]:
    del folder
    modules = HERE / "build" / "node_modules"
    if not (modules / "ws").is_dir():
        raise Missing("The npm package ws is not installed: bench/fanout/setup.sh does it.")
    return ["env", f"NODE_PATH={modules}", found("node"), str(HERE / "peers/node_ws.js"), str(port)]


def with_arguments(
    command: Callable[[int, Path], list[str]], *more: str
) -> Callable[[int, Path], list[str]]:
    """The same server with further arguments."""
    return lambda port, folder: [*command(port, folder), *more]


def _bare(port: int, folder: Path) -> list[str]:
    del folder
    return [sys.executable, "-m", "bench.fanout.peers.uvloop_bare", str(port)]


def _starlette(port: int, folder: Path) -> list[str]:
    del folder
    return [
        sys.executable, "-m", "uvicorn", "bench.fanout.peers.starlette_app:app",
        "--host=127.0.0.1", f"--port={port}", "--loop=uvloop", "--ws=websockets",
        "--backlog=4096", "--no-access-log", "--log-level=error",
    ]  # fmt: skip


SERVERS: Final = {
    server.name: server
    for server in (
        Server("alcove", alcove_command(*GENEROUS), AlcoveWire),
        Server("alcove-interpreted", alcove_command(*GENEROUS, compiled=False), AlcoveWire),
        Server("c-limit", _limit(), PlainWire),
        Server("c-limit-coalescing", _limit("join"), PlainWire),
        Server("uvloop-bare", _bare, PlainWire),
        Server("mosquitto", _mosquitto, MqttWire),
        Server("nats", _nats, NatsWire),
        Server("node-ws", _node, PlainWire),
        Server("starlette", _starlette, PlainWire),
    )
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Missing(f"{Path(process.args[0]).name} does not start.")  # type: ignore[index, arg-type]


@contextmanager
def running(server: Server, port: int | None = None) -> Iterator[Running]:
    """The server, until the block ends. Raises `Missing`."""
    port = _free_port() if port is None else port
    with tempfile.TemporaryDirectory(prefix="fanout-") as folder:
        Path(folder).chmod(0o755)  # mosquitto lets go of root before it reads
        process = subprocess.Popen(
            server.command(port, Path(folder)),
            cwd=HERE.parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_ready(process, port)
            yield Running(server, process.pid, port)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
