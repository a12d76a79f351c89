"""One time for many processes: the real clock, and what the test has added to it.

What takes a minute in a room takes a minute here too, but the test need not wait for it. It adds
seconds in small steps. Each process says what time it has seen, so a step begins only when every
process is through with the one before: no device of this evening ever stood still.
"""

import asyncio
import mmap
import os
import struct
import tempfile
from collections.abc import Callable
from typing import Final, Self

STEP: Final = 5
"""Seconds. A client that sees 10 s pass at once takes it for a device that slept."""
WITHIN: Final = 120.0
"""Seconds for every process to look at the clock, on a busy machine."""
_ADDED: Final = struct.Struct("q")


class SharedClock:
    """The test's side, by `async with`. `fds` are for the processes to inherit."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed on leaving
        self._file.write(bytes(_ADDED.size))
        self._file.flush()
        self._map = mmap.mmap(self._file.fileno(), _ADDED.size)
        self._reads, self._writes = os.pipe()
        self.fds = (self._file.fileno(), self._writes)
        self.added = 0
        self.moves: list[Callable[[int], None]] = []
        """What else goes by this time: called with the seconds that were added in all."""
        self._seen: dict[str, int] = {}
        self._news = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None

    def forget(self, name: str) -> None:
        """This process has ended, or its clock is not waited for any more."""
        self._seen.pop(name, None)

    async def advance(self, seconds: int) -> None:
        """Let so much time pass for everybody, and for the relay."""
        end = self.added + seconds
        while self.added < end:
            self.added = min(end, self.added + STEP)
            _ADDED.pack_into(self._map, 0, self.added)
            for move in self.moves:
                move(self.added)
            async with asyncio.timeout(WITHIN), self._news:
                await self._news.wait_for(lambda: min(self._seen.values()) >= self.added)

    async def advance_until(self, condition: Callable[[], bool], most: int) -> None:
        """Let time pass until `condition` is true, at most so many seconds."""
        end = self.added + most
        while not condition() and self.added < end:
            await self.advance(STEP)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := (await reader.readline()).decode().split():
            name, seen = line
            async with self._news:
                self._seen[name] = int(seen)
                self._news.notify_all()

    async def __aenter__(self) -> Self:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._reads, "rb", 0)
        )
        self._reading = asyncio.create_task(self._read(reader))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._reading is not None
        self._reading.cancel()
        os.close(self._writes)
        self._map.close()
        self._file.close()


class ProcessClock:
    """A process's side. `given` is what `given_to` wrote for it, and `clock` its real clock."""

    def __init__(self, given: str, clock: Callable[[], float]) -> None:
        name, file, tells = given.split(":")
        self._name = name
        self._map = mmap.mmap(int(file), _ADDED.size, access=mmap.ACCESS_READ)
        self._tells = int(tells)
        self._clock = clock
        self._told = -1

    def __call__(self) -> float:
        return self._clock() + self._added()

    def _added(self) -> int:
        added: int = _ADDED.unpack_from(self._map, 0)[0]
        return added

    def tell(self) -> None:
        """Say what time this process has seen, if it is another than before."""
        if (added := self._added()) != self._told:
            self._told = added
            os.write(self._tells, f"{self._name} {added}\n".encode())


def given_to(name: str, clock: SharedClock) -> str:
    """What a process of this name is told of the clock."""
    file, tells = clock.fds
    return f"{name}:{file}:{tells}"
