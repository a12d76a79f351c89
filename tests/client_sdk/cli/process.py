"""The command line as a process, every line of it held against docs/cli.schema.json."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self

from jsonschema import Draft202012Validator

ROOT: Final = Path(__file__).resolve().parents[3]
SCHEMA: Final[dict[str, Any]] = json.loads((ROOT / "docs" / "cli.schema.json").read_text())
WITHIN: Final = 60.0
"""Seconds that anything may take on a busy machine."""
FAKE: Final = ("-m", "tests.client_sdk.cli.fake_room")
REAL: Final = ("-c", "from alcove.cli import main; main()")


def validator(name: str) -> Draft202012Validator:
    """Return the validator of `event` or of `command`."""
    return Draft202012Validator(SCHEMA | {"anyOf": [{"$ref": f"#/$defs/{name}"}]})


_EVENT: Final = validator("event")
_COMMAND: Final = validator("command")


class Process:
    """One `alcove … --json`. Events that were read stay in `seen`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.seen: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        """The next event."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), WITHIN)
        assert line.endswith(b"\n"), f"no whole line: {line!r}; seen: {self.seen}"
        event: dict[str, Any] = json.loads(line.decode("utf-8"))
        _EVENT.validate(event)
        self.seen.append(event)
        return event

    async def until(self, kind: str, **keys: object) -> dict[str, Any]:
        """The next event of this kind with these values, past all others."""
        while True:
            event = await self.next()
            if event["event"] == kind and keys.items() <= event.items():
                return event

    async def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def do(self, do: str, **keys: object) -> None:
        """Write a command."""
        command = {"do": do} | keys
        _COMMAND.validate(command)
        await self.write(json.dumps(command, ensure_ascii=False).encode() + b"\n")

    async def end(self) -> tuple[int, str]:
        """Read the rest. Return the exit status and standard error."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        while not self.seen or self.seen[-1]["event"] != "closed":
            await self.next()
        rest = await asyncio.wait_for(self.process.stdout.read(), WITHIN)
        assert rest == b"", "closed is the last line"
        errors = await asyncio.wait_for(self.process.stderr.read(), WITHIN)
        return await asyncio.wait_for(self.process.wait(), WITHIN), errors.decode()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


async def start(
    *arguments: str, run: Sequence[str] = FAKE, environment: dict[str, str] | None = None
) -> Process:
    """Start the command line as a process of its own."""
    settings = {key: value for key, value in os.environ.items() if key.lower() != "all_proxy"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *run,
        *arguments,
        cwd=ROOT,
        env=settings | (environment or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Process(process)


@asynccontextmanager
async def opened(scene: str, *arguments: str) -> AsyncIterator[Process]:
    """`alcove open --json` in a scene of the fake room."""
    agreement = str(ROOT / "tests" / "client_sdk" / "cli" / "agreement.txt")
    options = ("--relay", "http://127.0.0.1:1", "--title", "T", "--agreement-file", agreement)
    process = await start(scene, "open", *options, "--name", "Mara", "--json", *arguments)
    async with process:
        yield process


@asynccontextmanager
async def joined(
    scene: str, *arguments: str, environment: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """`alcove join --json` in a scene of the fake room."""
    line = (scene, "join", "--name", "Robin", "--json", *arguments)
    async with await start(*line, environment=environment) as process:
        yield process
