"""Workers as processes that can be killed, held and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Final, Self

from scripts.fetch_redis import ROOT
from tests.redis_store.server import until

MARK: Final = b'"kind": "taken"'


class NodeProcess:
    """One worker. Its journal outlives it."""

    def __init__(self, nodes: Nodes, name: str) -> None:
        self.name = name
        self.journal = nodes.folder / name
        self._nodes = nodes
        self._process: asyncio.subprocess.Process | None = None
        self._read = 0
        self._taken = 0

    async def start(self) -> None:
        nodes = self._nodes
        more = ["--reseats"] if self is nodes.all[0] else []
        with (nodes.folder / f"{self.name}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.redis_store.faults.worker"),
                *(nodes.url, str(nodes.replicas), self.name, str(self.journal), str(nodes.stop)),
                *(str(nodes.rate), *more),
                cwd=ROOT,
                stderr=log,
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    async def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def ended(self) -> None:
        """Wait until it came to its end in order. Raises `AssertionError` with what it said."""
        assert self._process is not None
        status = await self._process.wait()
        log = (self._nodes.folder / f"{self.name}.log").read_text(errors="replace")
        assert status == 0, log[-3000:]

    def taken(self) -> int:
        """How many of its publications were acknowledged so far."""
        if self.journal.exists():
            with self.journal.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            self._taken += whole.count(MARK)
        return self._taken


class Nodes:
    """The workers of one run, by `async with`."""

    def __init__(self, folder: Path, url: str, replicas: int, count: int, rate: int) -> None:
        """`rate` are publications a second of each."""
        folder.mkdir()
        self.folder = folder
        self.url = url
        self.replicas = replicas
        self.rate = rate
        self.stop = folder / "stop"
        self.all = [NodeProcess(self, f"node-{number}") for number in range(count)]

    @property
    def journals(self) -> list[Path]:
        return [node.journal for node in self.all]

    async def __aenter__(self) -> Self:
        await asyncio.gather(*(node.start() for node in self.all))
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(node.kill() for node in self.all))

    @property
    def acknowledged(self) -> int:
        return sum(node.taken() for node in self.all)

    async def until_acknowledged(self, count: int) -> None:
        """Wait until each node was acknowledged so many more."""
        most = {node.name: node.taken() + count for node in self.all}

        async def enough() -> bool:
            return all(node.taken() >= most[node.name] for node in self.all)

        await until(enough)

    async def end(self) -> None:
        """Publish no more, and wait until each reader is where its room is."""
        self.stop.touch()
        await asyncio.wait_for(asyncio.gather(*(node.ended() for node in self.all)), 120)
