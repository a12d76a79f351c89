"""One Redis process on a port of its own, with the settings that the relay asks for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from scripts.fetch_redis import environment, server

STARTED_WITHIN: Final = 60.0
"""Seconds. A cap on a hang, not a promise of speed."""

SETTINGS: Final[Mapping[str, str]] = {
    "save": "",
    "appendonly": "no",
    "maxmemory": "1gb",
    "maxmemory-policy": "noeviction",
    "slowlog-log-slower-than": "-1",
    "repl-diskless-sync": "yes",
    "repl-diskless-sync-delay": "0",
    "repl-diskless-load": "swapdb",
    "rdb-del-sync-files": "yes",
    "repl-backlog-size": "1mb",
    "protected-mode": "no",
    "bind": "127.0.0.1",
    "loglevel": "notice",
}
"""What deploy/redis gives an operator too, but for the address: nothing is written to a disk, and
nothing is evicted."""


def free_ports(count: int, highest: int = 65_535) -> list[int]:
    """Ports that nothing listens on. All are held until the last is found, so that they differ."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            if port <= highest:
                found.append(port)
    return found


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it holds: servers tell nobody when they are ready. Raises
    `TimeoutError`."""
    async with asyncio.timeout(STARTED_WITHIN):
        while not await holds():  # noqa: ASYNC110  # another process decides
            await asyncio.sleep(0.02)


class RedisServer:
    """A server process. `folder` holds its settings and its log, and what it must never write."""

    def __init__(
        self, folder: Path, port: int, settings: Mapping[str, str], *, sentinel: bool
    ) -> None:
        self.folder = folder
        self.port = port
        self._sentinel = sentinel
        self._process: asyncio.subprocess.Process | None = None
        self.options: Sequence[str] = ()
        """What a test adds to the command: it counts at each start, whatever the server wrote into
        its settings."""
        self.environment: dict[str, str] = {}
        """What a test adds to the environment of the process."""
        folder.mkdir(parents=True)
        self.configuration.write_text(
            "".join(f"{name} {value or chr(34) * 2}\n" for name, value in settings.items())
        )

    @classmethod
    def database(cls, folder: Path, port: int, **settings: str) -> RedisServer:
        """A server that keeps data. Underscores in the names of settings stand for hyphens."""
        own = {name.replace("_", "-"): value for name, value in settings.items()}
        return cls(
            folder,
            port,
            dict(SETTINGS) | {"port": str(port), "dir": str(folder)} | own,
            sentinel=False,
        )

    @classmethod
    def sentinel(cls, folder: Path, port: int, lines: Sequence[tuple[str, str]]) -> RedisServer:
        """A Sentinel. Sentinels rewrite their settings, so each has a file of its own."""
        made = cls(
            folder,
            port,
            {"port": str(port), "dir": str(folder), "bind": "127.0.0.1", "protected-mode": "no"},
            sentinel=True,
        )
        with made.configuration.open("a") as file:
            file.writelines(f"{name} {value}\n" for name, value in lines)
        return made

    @property
    def configuration(self) -> Path:
        return self.folder / "redis.conf"

    @property
    def log(self) -> Path:
        return self.folder / "redis.log"

    @property
    def pid(self) -> int:
        """The process that runs. Raises `RuntimeError` when none does."""
        if self._process is None or self._process.returncode is not None:
            raise RuntimeError(f"the server on port {self.port} does not run")
        return self._process.pid

    async def start(self) -> None:
        """Start the process and wait until it answers. Raises `RuntimeError` with its log."""
        mode = ["--sentinel"] if self._sentinel else []
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                server(),
                str(self.configuration),
                *mode,
                *self.options,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environment(), **self.environment},
                start_new_session=True,
            )
        try:
            await until(self._answers)
        except TimeoutError:
            raise RuntimeError(self.log.read_text(errors="replace")[-2000:]) from None

    async def _answers(self) -> bool:
        """Whether the server answers PING, with data or with why it has none yet."""
        assert self._process is not None
        if self._process.returncode is not None:
            raise RuntimeError(self.log.read_text(errors="replace")[-2000:])
        try:
            return (await self.ask("PING")).startswith(b"+PONG")
        except OSError:
            return False

    async def ask(self, *words: str) -> bytes:
        """Send one inline command, and return what comes first: enough for tests and for starting.
        Raises `OSError` when the server cannot be reached."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(b"*%d\r\n" % len(words))
            for word in words:
                raw = word.encode()
                writer.write(b"$%d\r\n%b\r\n" % (len(raw), raw))
            await writer.drain()
            return await reader.read(1 << 16)
        finally:
            writer.close()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGSTOP and SIGCONT hold the server and let it go on."""
        os.kill(self.pid, number)

    async def kill(self) -> None:
        """End the process at once, as a power cut would."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def restart(self) -> None:
        """Start a killed server again. It comes back empty."""
        await self.kill()
        await self.start()

    def written(self) -> frozenset[str]:
        """The files in its folder beside settings and log: ciphertext must be in none."""
        own = {self.configuration.name, self.log.name}
        return frozenset(path.name for path in self.folder.rglob("*") if path.is_file()) - own
