"""Several processes that serve one port, and the parent that keeps them running.

The parent holds the port and serves nobody. Each worker is a whole relay with its part of the
limits. The kernel gives each connection to one of them (SO_REUSEPORT). They share rooms as relays
on several machines do: by the store.

A worker is given its settings on its standard input, and says on its standard output that it is
ready. When its standard input ends, its parent is gone, and it stops in order.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from functools import partial
from typing import Final

from alcove_server.process import signals
from alcove_server.process.parts import part_of
from alcove_server.process.serving import address_of, listen_at, say
from alcove_server.settings import Settings

log = logging.getLogger(__name__)

STEADY: Final = 60.0
"""Seconds after which the end of a worker is no sign that the next one ends soon."""
FIRST: Final = 0.5
MOST: Final = 30.0
"""Seconds before a worker that ended soon is started again: at first, and doubled up to this."""


class Pauses:
    """How long to wait until a worker is started again."""

    def __init__(self) -> None:
        self._next = 0.0

    def after(self, lived: float) -> float:
        """Seconds to wait for a worker that lived so long."""
        if lived >= STEADY:
            self._next = 0.0
        pause = self._next
        self._next = min(MOST, max(FIRST, 2 * pause))
        return pause


class Worker:
    """A process. `since` is the time of its start."""

    def __init__(self, number: int, process: asyncio.subprocess.Process, since: float) -> None:
        self.number = number
        self.since = since
        self._process = process

    @classmethod
    async def start(cls, number: int, settings: Settings) -> Worker:
        """Start one. It is ready later."""
        # What it is given is all that it takes: no setting comes from the environment twice.
        environment = {
            name: at for name, at in os.environ.items() if not name.startswith("ALCOVE_")
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "alcove_server.process.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,  # the parent alone hears of Ctrl-C, and passes it on once
        )
        assert process.stdin is not None  # as asked
        given = settings.model_dump(mode="json", exclude_unset=True)
        process.stdin.write(json.dumps({"number": number, "settings": given}).encode() + b"\n")
        return cls(number, process, asyncio.get_running_loop().time())

    async def ready(self) -> bool:
        """Wait until it takes connections. False when it ended before."""
        assert self._process.stdout is not None  # as asked
        return bool(await self._process.stdout.readline())

    async def ended(self) -> int:
        """Wait for its end. Return its status."""
        return await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self._process.returncode is None:
            self._process.send_signal(number)


class Workers:
    """The parent of all."""

    def __init__(self, settings: Settings, port: int) -> None:
        """`port` is the one that the parent holds."""
        self._settings = settings.model_copy(update={"port": port})
        self._here: dict[int, Worker] = {}
        self._stopping = asyncio.Event()

    async def run(self, address: str) -> int:
        """Serve until a signal says stop. Return the exit status: that of a worker which could not
        start, else 0."""
        # The first one alone, so that what is wrong with settings or store is said once.
        numbers = range(1, self._settings.workers + 1)
        for some in (numbers[:1], numbers[1:]):
            workers = await asyncio.gather(*map(self._start, some))
            for worker in workers:
                if not await worker.ready():
                    return await self._give_up(worker)
        say(1, f"alcove-server is ready at {address}")
        await asyncio.gather(*map(self._keep, list(self._here.values())))
        return 0

    async def _start(self, number: int) -> Worker:
        worker = await Worker.start(number, part_of(self._settings, number))
        self._here[number] = worker
        if self._stopping.is_set():
            worker.send(signal.SIGTERM)
        return worker

    async def _give_up(self, worker: Worker) -> int:
        status = await worker.ended()
        stopping = self._stopping.is_set()
        self.stop(signal.SIGTERM)
        await asyncio.gather(*(one.ended() for one in self._here.values()))
        return 0 if stopping else max(1, status)

    async def _keep(self, worker: Worker) -> None:
        """Start a worker again as often as it ends, and not too often."""
        pauses, loop = Pauses(), asyncio.get_running_loop()
        while True:
            status = await worker.ended()
            if self._stopping.is_set():
                return
            pause = pauses.after(loop.time() - worker.since)
            log.error(
                "worker %d ended with status %d; another one starts in %.1f s",
                worker.number,
                status,
                pause,
            )
            try:
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                worker = await self._start(worker.number)
            else:
                return

    def stop(self, number: signal.Signals) -> None:
        """Have all workers stop in order. A second SIGINT makes them hurry."""
        again = self._stopping.is_set() and number == signal.SIGINT
        self._stopping.set()
        self.send(signal.SIGINT if again else signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all."""
        for worker in self._here.values():
            worker.send(number)


async def serve(settings: Settings) -> int:
    """Serve with several workers until a signal says stop. Return the exit status. Raises `OSError`
    when the port is taken."""
    # Bound and never listening, it holds the port, also while no worker is there.
    with listen_at(settings.host, settings.port, shared=True) as holder:
        workers = Workers(settings, holder.getsockname()[1])
        add = asyncio.get_running_loop().add_signal_handler
        for number in signals.STOPPING:
            add(number, partial(workers.stop, number))
        signals.handle(
            add,
            partial(workers.send, signals.RELOADING),
            partial(workers.send, signals.REPORTING),
        )
        scheme = "https" if settings.tls_certificate else "http"
        return await workers.run(address_of(holder, scheme))
