"""One person of the evening: a real `alcove … --json`, read as it writes.

A test waits for what happened since the last *step* of the evening, in whatever order the people
heard it. Every line is held against docs/cli.schema.json.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Final, Self

from tests.client_sdk.cli.process import ROOT, validator
from tests.evening.line import WITHIN, Line
from tests.evening.shared_clock import SharedClock, given_to

_SHOWN: Final = 15
"""Last events that a failure shows."""
_RUN: Final = ("-m", "tests.evening.alcove_process")
_EVENT: Final = validator("event")
_COMMAND: Final = validator("command")

Event = dict[str, Any]


class Person:
    """`seen` has every event since the start, and `mark` is where the present step begins."""

    def __init__(self, name: str, line: Line, clock: SharedClock, language: str = "en") -> None:
        self.name = name
        self.language = language
        self.line = line
        self.seen: list[Event] = []
        self.mark = 0
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        self._over = False
        self._at: dict[int, float] = {}
        self._refs = count(1)

    # --- the process ---------------------------------------------------------------------------

    async def open(self, relay: str, *arguments: str) -> None:
        await self._start("open", "--relay", relay, *arguments)

    async def join(self, invite: str, *arguments: str) -> None:
        """Knock by this invite, which comes on standard input."""
        await self._start("join", "-", *arguments)
        await self._write(invite.encode() + b"\n")

    async def _start(self, *arguments: str) -> None:
        settings = {key: value for key, value in os.environ.items() if key.lower() != "all_proxy"}
        own = ("--name", self.name, "--language", self.language, "--proxy", self.line.proxy)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(*_RUN, given_to(self.name, self._clock)),
            *(*arguments, *own, "--json"),
            cwd=ROOT,
            env=settings,
            pass_fds=self._clock.fds,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            event: Event = json.loads(line.decode("utf-8"))
            assert _EVENT.is_valid(event), f"the schema has no such event: {event}"
            async with self._news:
                self.seen.append(event)
                self._at[id(event)] = time.monotonic()
                self._news.notify_all()
        async with self._news:
            self._over = True
            self._news.notify_all()
        self._clock.forget(self.name)

    async def _write(self, data: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def kill(self) -> None:
        """As `kill -9`. Nothing is said to anybody."""
        assert self._process is not None
        assert self._reading is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    def signal(self, number: signal.Signals) -> None:
        """Stop the program, or let it go on. What is stopped sees no clock."""
        assert self._process is not None
        if number is signal.SIGSTOP:
            self._clock.forget(self.name)
        self._process.send_signal(number)

    async def ended(self) -> tuple[str, int]:
        """Wait for the end. Return the reason that `closed` gave, and the exit status."""
        closed = await self.until("closed")
        assert self._process is not None
        return closed["reason"], await asyncio.wait_for(self._process.wait(), WITHIN)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self.kill()

    # --- what it says --------------------------------------------------------------------------

    @property
    def new(self) -> list[Event]:
        """What this person was told in this step."""
        return self.seen[self.mark :]

    def at(self, event: Event) -> float:
        """When this person was told, on the clock of the test."""
        return self._at[id(event)]

    def heard(self, kind: str, **keys: object) -> list[Event]:
        """The events of this step of this kind with these values."""
        return [e for e in self.new if e["event"] == kind and keys.items() <= e.items()]

    def ever(self, kind: str, **keys: object) -> list[Event]:
        """As `heard`, since the start."""
        return [e for e in self.seen if e["event"] == kind and keys.items() <= e.items()]

    async def until(self, kind: str, **keys: object) -> Event:
        """The first such event of this step, that has come or comes."""
        await self.sees(lambda: bool(self.heard(kind, **keys)), f"{kind} {keys}")
        return self.heard(kind, **keys)[0]

    async def sees(self, condition: Callable[[], object], what: str) -> None:
        """Wait until what this person was told makes `condition` true."""
        try:
            async with asyncio.timeout(WITHIN), self._news:
                await self._news.wait_for(lambda: self._over or bool(condition()))
        except TimeoutError:
            pass
        if not condition():
            last = "\n".join(map(str, self.new[-_SHOWN:]))
            raise AssertionError(f"{self.name} was not told: {what}; but:\n{last}")

    @property
    def is_connected(self) -> bool:
        """Whether its client has the relay, as far as it told."""
        states = [e["state"] for e in self.seen if e["event"] == "connection"]
        return bool(states) and states[-1] != "reconnecting"

    # --- what it does --------------------------------------------------------------------------

    async def do(self, do: str, **keys: object) -> str:
        """Write a command. Return its ref."""
        ref = str(next(self._refs))
        command = {"do": do, "ref": ref} | keys
        assert _COMMAND.is_valid(command), f"the schema has no such command: {command}"
        await self._write(json.dumps(command, ensure_ascii=False).encode() + b"\n")
        return ref

    async def asks(self, do: str, **keys: object) -> Event:
        """Write a command that an event of the same name answers."""
        return await self.asked(do, do, **keys)

    async def asked(self, answer: str, do: str, **keys: object) -> Event:
        """Write a command that this event answers."""
        return await self.until(answer, ref=await self.do(do, **keys))

    async def refused(self, do: str, **keys: object) -> str:
        """Write a command that cannot be done. Return the code."""
        code: str = (await self.until("error", ref=await self.do(do, **keys)))["code"]
        return code
