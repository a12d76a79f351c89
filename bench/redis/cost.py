"""The CPU of nodes and of Redis for each publish, with the real relay on its real wire.

The members of each room are spread over the nodes. A relay with its rooms in memory runs beside,
and all take turns, so that a busy machine is fair to all. The load is a closed loop, as in
`bench.fanout`.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.fanout.alcove_wire import AlcoveWire, SeatedRoom
from bench.fanout.load import WINDOW, Crowd
from bench.fanout.servers import Running, Server, alcove_command, running
from bench.fanout.wires import Template
from tests.redis_store.groups import Group, Standalone, until_replicas
from tests.redis_store.server import RedisServer, free_ports

CONNECTIONS: Final = 400
MEMORY: Final = "memory"
STORE_BYTES: Final = 1 << 30
OPTIONS: Final = (
    "--rates=1000000",
    "--connections=16000",
    f"--room-bytes={STORE_BYTES}",
    f"--store-bytes={STORE_BYTES}",
    "--log-level=error",
    "--ping-seconds=300",
)
MAXMEMORY: Final = "2gb"


@dataclass(frozen=True)
class Setting:
    """Some nodes on one primary, whose replicas they wait for."""

    name: str
    nodes: int
    replicas: int = 0


SETTINGS: Final = (
    Setting(MEMORY, 1),
    Setting("one node", 1),
    Setting("two nodes", 2),
    Setting("three nodes", 3),
    Setting("one node, two replicas", 1, 2),
    Setting("three nodes, two replicas", 3, 2),
)


@dataclass(frozen=True)
class Cost:
    """Microseconds of CPU for each publish. `nodes` are all of them together."""

    setting: str
    members: int
    nodes: float
    redis: float
    publishes: int
    calls: float
    """Calls of a script for each publish: one is the publish itself."""
    waits: float
    """`WAIT`s for each publish: below one, publishes share round trips."""

    @property
    def per_delivery(self) -> float:
        return self.nodes / self.members


class SpreadWire(AlcoveWire):
    """Rooms whose members connect to one node after the other."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__(ports[0])
        self._ports = ports

    def room(self, members: int, connected: int) -> tuple[Template, list[int]]:
        seated = SeatedRoom(self._port, members)
        people = [
            seated.member(number, self._ports[number % len(self._ports)])
            for number in range(connected)
        ]
        descriptors = [person.stream.handed_over() for person in people]
        self._held.append((descriptors[0], seated.base))
        return seated.template(), descriptors


class Replicated(Group):
    """A primary with so many replicas, without Sentinels: nothing fails here."""

    def __init__(self, folder: Path, replicas: int) -> None:
        first, *others = free_ports(1 + replicas)
        self.primary = RedisServer.database(folder / "primary", first, maxmemory=MAXMEMORY)
        copying = f"127.0.0.1 {first}"
        super().__init__(
            [
                self.primary,
                *(
                    RedisServer.database(
                        folder / f"replica-{port}", port, replicaof=copying, maxmemory=MAXMEMORY
                    )
                    for port in others
                ),
            ]
        )

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.primary.port}"

    async def _join(self) -> None:
        await until_replicas(self.primary, len(self.servers) - 1)


def cpu_of(process: int) -> float:
    """The seconds of CPU that a process used: its own clock, as Linux numbers it."""
    return time.clock_gettime((~process << 3) | 2)


class Measured:
    """The nodes of one setting, with their crowd."""

    def __init__(self, setting: Setting, nodes: list[Running], primary: RedisServer | None) -> None:
        self.setting = setting
        self._nodes = nodes
        self._primary = primary
        ports = [node.port for node in nodes]
        server = Server(setting.name, lambda port, folder: [], lambda port: SpreadWire(ports))
        self.crowd = Crowd(Running(server, nodes[0].pid, ports[0]))
        self.costs: list[Cost] = []

    def measure(self, seconds: float, members: int) -> None:
        """One run more."""
        before, redis = self._nodes_cpu(), self._redis_cpu()
        calls, waits = self._count("evalsha"), self._count("wait")
        run = self.crowd.closed_loop(seconds, members, warm=0.0)
        # What is under way at the end is delivered too, and costs.
        publishes = run.deliveries // members + self.crowd.rooms * WINDOW[members]
        self.costs.append(
            Cost(
                self.setting.name,
                members,
                (self._nodes_cpu() - before) / publishes * 1e6,
                (self._redis_cpu() - redis) / publishes * 1e6,
                publishes,
                (self._count("evalsha") - calls) / publishes,
                (self._count("wait") - waits) / publishes,
            )
        )

    def _nodes_cpu(self) -> float:
        return sum(cpu_of(node.pid) for node in self._nodes)

    def _redis_cpu(self) -> float:
        return cpu_of(self._primary.pid) if self._primary is not None else 0.0

    def _count(self, command: str) -> int:
        """How often the primary did a command."""
        if self._primary is None:
            return 0
        said = asyncio.run(self._primary.ask("INFO", "commandstats"))
        return int(
            said.partition(b"cmdstat_%b:calls=" % command.encode())[2].partition(b",")[0] or 0
        )

    def median(self) -> Cost:
        """Of each figure."""
        return Cost(
            self.setting.name,
            self.costs[0].members,
            *(
                median(getattr(cost, name) for cost in self.costs)
                for name in ("nodes", "redis", "publishes", "calls", "waits")
            ),
        )


@contextmanager
def up(setting: Setting, folder: Path, compiled: bool) -> Iterator[Measured]:
    """The servers of a setting, until the block ends. Raises `Missing`."""
    with ExitStack() as stack:
        primary, options = None, list(OPTIONS)
        if setting.name != MEMORY:
            group = (
                Replicated(folder, setting.replicas)
                if setting.replicas
                else Standalone(folder, maxmemory=MAXMEMORY)
            )
            loop = asyncio.new_event_loop()
            stack.callback(loop.close)
            loop.run_until_complete(group.__aenter__())
            stack.callback(lambda: loop.run_until_complete(group.__aexit__()))
            primary = group.servers[0]
            options += [f"--store={group.url}", f"--store-replicas={setting.replicas}"]
        server = Server(setting.name, alcove_command(*options, compiled=compiled), AlcoveWire)
        nodes = [stack.enter_context(running(server)) for _ in range(setting.nodes)]
        measured = Measured(setting, nodes, primary)
        stack.callback(measured.crowd.close)
        yield measured


def costs(members: int, rounds: int, seconds: float, compiled: bool) -> list[Cost]:
    """The medians of all settings, in rooms of so many members."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        all_of_them = [
            stack.enter_context(up(setting, folder / str(at), compiled))
            for at, setting in enumerate(SETTINGS)
        ]
        for measured in all_of_them:
            measured.crowd.add(CONNECTIONS // members, members)
            for other in all_of_them:
                other.crowd.pump()
        for number in range(rounds + 1):
            for measured in all_of_them:
                measured.measure(seconds, members)
                if number == 0:
                    measured.costs.clear()  # caches were cold
                for other in all_of_them:
                    other.crowd.pump()
        return [measured.median() for measured in all_of_them]


def table(found: list[Cost]) -> str:
    """The figures, beside those of the memory store."""
    (memory,) = [cost for cost in found if cost.setting == MEMORY]
    head = f"rooms of {memory.members}: µs a publish"
    text = [
        f"{head:32}{'nodes':>8}{'ratio':>8}{'more a delivery':>17}{'Redis':>8}{'scripts':>9}"
        f"{'WAITs':>8}"
    ]
    for cost in found:
        more = cost.per_delivery - memory.per_delivery
        text.append(
            f"{cost.setting:32}{cost.nodes:8.1f}{cost.nodes / memory.nodes:8.2f}{more:17.2f}"
            f"{cost.redis:8.1f}{cost.calls:9.2f}{cost.waits:8.2f}"
        )
    return "\n".join(text)
