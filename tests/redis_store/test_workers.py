"""`alcove-server --workers`: real processes on one port, and one Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.test_together import knocking, let_in, mara, say
from tests.redis_store.groups import Standalone
from tests.redis_store.server import free_ports, until


def workers_of(relay: RelayProcess) -> list[int]:
    """The workers that run, the oldest first."""
    said = Path(f"/proc/{relay.pid}/task/{relay.pid}/children").read_text()
    return [int(one) for one in said.split()]


def is_there(process: int) -> bool:
    """Whether a process runs: one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def ready_at(port: int) -> bool:
    """Whether a port for health answers with 200."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        said = await reader.read(12)
        writer.close()
    except OSError:  # it dies in this moment
        return False
    return said == b"HTTP/1.1 200"


@asynccontextmanager
async def two_workers(alone: Standalone, *more: str) -> AsyncIterator[RelayProcess]:
    async with RelayProcess("--store", alone.url, "--workers", "2", *more) as relay:
        yield relay


async def test_a_worker_that_dies_in_a_conversation_loses_nothing(alone: Standalone) -> None:
    (health, other) = await two_in_a_row()
    async with (
        two_workers(alone, "--management", f"127.0.0.1:{health}") as relay,
        mara(relay) as (facilitator, invite),
        knocking(invite, "Robin") as robin,
    ):
        await robin.until("waiting")
        await let_in(facilitator, robin, "Robin")
        await say(facilitator, "Before.", robin)
        first, second = workers_of(relay)
        for number, dying in enumerate((first, second)):
            await facilitator.do("send", text=f"During {number}.", ref=f"during {number}")
            os.kill(dying, signal.SIGKILL)

            async def is_whole(dying: int = dying) -> bool:
                now = workers_of(relay)
                ready = [await ready_at(port) for port in (health, other)]
                return len(now) == 2 and dying not in now and all(ready)

            await until(is_whole)
            await robin.until("message", text=f"During {number}.")
            await facilitator.until("sent", ref=f"during {number}")
            await say(robin, f"After {number}.", facilitator)
        seen = [*facilitator.seen, *robin.seen]
        assert not [event for event in seen if event["event"] in ("gap", "problem")]
        states = [event["state"] for event in seen if event["event"] == "connection"]
        assert states.count("resumed") >= 2  # each was with one of the two


async def two_in_a_row() -> tuple[int, int]:
    """Two ports, one after the other, that nothing listens on."""
    while True:
        (port,) = free_ports(1, highest=65_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return port, port + 1


async def test_workers_stop_in_order_with_their_parent(alone: Standalone) -> None:
    async with two_workers(alone) as relay:
        workers = workers_of(relay)
        os.kill(relay.pid, signal.SIGTERM)
        assert await relay.ended() == 0
        assert not any(map(is_there, workers))


async def test_workers_do_not_outlive_a_parent_that_is_killed(alone: Standalone) -> None:
    async with two_workers(alone) as relay:
        workers = workers_of(relay)
        os.kill(relay.pid, signal.SIGKILL)

        async def none_is_there() -> bool:
            return not any(map(is_there, workers))

        await until(none_is_there)


async def test_a_signal_reaches_each_worker_once(alone: Standalone, tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with RelayProcess("--store", alone.url, "--workers", "2", log=log) as relay:
        os.kill(relay.pid, signal.SIGHUP)
        os.kill(relay.pid, signal.SIGTERM)
        await relay.ended()
    said = log.read_text()
    for number in (1, 2):
        assert said.count(f"INFO worker {number} ") == 1


async def test_what_is_wrong_with_the_store_is_said_once(tmp_path: Path) -> None:
    async with Standalone(tmp_path / "redis", appendonly="yes") as alone:
        process = await asyncio.create_subprocess_exec(
            *RelayProcess.command("--port", "0", "--store", alone.url, "--workers", "3"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        assert said.count(b"set appendonly no") == 1
        assert process.returncode == 1


async def test_a_port_that_is_taken_is_one_sentence(alone: Standalone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            *RelayProcess.command("--port", port, "--store", alone.url, "--workers", "2"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
    assert said.startswith(f"alcove-server: cannot listen on 127.0.0.1 port {port}: ".encode())
    assert said.count(b"\n") == 1
    assert process.returncode == 1


async def test_places_are_divided_among_the_workers(alone: Standalone) -> None:
    """Each of the two has two places, wherever the kernel puts a connection."""
    given = ("--connections", "4", "--shared-address", "192.0.2.1")
    async with two_workers(alone, *given) as relay:
        answers = [await upgrade(relay.port) for _ in range(40)]
        taken = [writer for line, writer in answers if line.startswith(b"HTTP/1.1 101")]
        assert len(taken) == 4
        for _, writer in answers:
            writer.close()


async def upgrade(port: int) -> tuple[bytes, asyncio.StreamWriter]:
    """Ask for a WebSocket. Return the first line of the answer, and the connection, which stays."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        (
            f"GET /v1/connect HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: alcove.v1"
            "\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        ).encode()
    )
    return await reader.readline(), writer
