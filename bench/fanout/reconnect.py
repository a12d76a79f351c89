"""5,000 members lose their connections in one moment and all come back in another.

    python -m bench.fanout.reconnect [--members N] [--rounds N] [--shared] [--silent]

The relay runs with its limits as delivered. None is raised, because the ten members of a room come
from a network of their own (127.x.y.0/24), as people do. With `--shared` all come from the one
address that a proxy or an onion service has. With `--silent` their old connections stay half-open,
as when a phone changes its network. Each room also has a facilitator, which stays and publishes all
the time. Afterwards every member must have heard what their facilitator said, once and in order. At
the end the relay is told to stop under all of them, and another one takes its port.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, Publish

from bench.fanout.alcove_wire import AlcoveWire, SeatedRoom, beat
from bench.fanout.report import Line
from bench.fanout.returning import Crowd, Device
from bench.fanout.servers import Running, Server, alcove_command, running
from bench.fanout.wires import BLOB, masked

MEMBERS: Final = 5000
ROOM: Final = 10
EVERY: Final = 2.0
"""Seconds between two blobs of a room."""
GONE: Final = 2.0
"""Seconds between the cut and the return."""
AFTER: Final = 2.0
"""Seconds that talk goes on after all members are back."""
PATIENCE: Final = 60.0
"""Seconds after which an experiment gives up."""
SHARED: Final = "127.0.0.1"
"""What the relay's default settings know as an address that many share."""
AT_ONCE: Final = 100
"""Connections that are under way when the crowd is first made."""


@dataclass(frozen=True)
class Spread:
    """Seconds from the moment of the return."""

    p50: float
    p99: float
    slowest: float


@dataclass(frozen=True)
class Faults:
    """Blobs that a member did not hear or heard twice, and members who heard them in disorder."""

    lost: int
    doubled: int
    disordered: int


@dataclass(frozen=True)
class Return:
    """One storm."""

    members: int
    resumed: Spread
    caught_up: Spread
    """Until the last blob that was missed."""
    happened: dict[str, int]
    """What was in the way: statuses, resets, timeouts, goodbyes."""
    missed: int
    """Blobs that were sent while their members were away, counted for each."""
    faults: Faults
    overflows: int
    """Connections that found the listener's queue full, and knocked again a second later."""
    relay_cpu_seconds: float
    relay_peak_mib: float
    client_busy: float
    """Part of one core that the clients used: near 1 means that they, not the relay, were slow."""


@dataclass(frozen=True)
class Restart:
    """A relay that is told to stop under all members, and another one at its port when it ended.
    Seconds are from the signal."""

    members: int
    told: int
    """How many got `draining` before the end."""
    delays: dict[int, int]
    """How many were asked to wait how many seconds."""
    last_told_seconds: float
    ended_seconds: float
    answered: Spread
    """Until the new relay, which has no rooms, told them so."""
    happened: dict[str, int]


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def _source(room: int, seat: int, shared: bool) -> str:
    """An address for each device, those of one room in a network of their own."""
    return SHARED if shared else f"127.{20 + room // 250}.{room % 250}.{1 + seat}"


def _cpu(pid: int) -> float:
    """User and system seconds of a process."""
    spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(int(ticks) for ticks in spent) / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _overflows() -> int:
    """Of all listeners of this machine, since it started."""
    names, values = Path("/proc/net/netstat").read_text().splitlines()[:2]
    return int(dict(zip(names.split(), values.split(), strict=True))["ListenOverflows"])


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def _until(holds: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether it held in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True


class Town:
    """Rooms on one relay: facilitators that stay, and members that come and go."""

    def __init__(self, relay: Running, members: int, shared: bool) -> None:
        self.relay = relay
        self._shared = shared
        self.crowd = Crowd(asyncio.get_running_loop(), relay.port)
        self.hosts: list[Device] = []
        self.bases: list[bytes] = []
        self.said = [0] * (members // ROOM)
        """What each facilitator published: the numbers 0 to here, without here."""
        for number in range(len(self.said)):
            self._found(number)

    def _found(self, number: int) -> None:
        home = _source(number, ROOM, self._shared)
        seated = SeatedRoom(self.relay.port, ROOM + 1, home)
        seated.facilitator.send(beat(seated.base))
        host = Device(self.crowd, seated.room.id, seated.keys[0], seated.base, home)
        host.adopt(seated.facilitator.stream.handed_over())
        self.hosts.append(host)
        self.bases.append(seated.base)
        for seat, key in enumerate(seated.keys[1:]):
            source = _source(number, seat, self._shared)
            device = Device(self.crowd, seated.room.id, key, seated.base, source)
            self.crowd.members.append(device)

    async def arrive(self) -> None:
        """All members come for the first time, a few at a time. Raises `TimeoutError`."""
        members = self.crowd.members
        for at in range(0, len(members), AT_ONCE):
            some = members[at : at + AT_ONCE]
            for one in some:
                one.connect()
            # Mypy infers no lambda with defaults.
            if not await _until(lambda some=some: all(one.caught_up_at for one in some)):  # type: ignore[misc]
                raise TimeoutError(f"the crowd does not come in: {dict(self.crowd.happened)}")

    async def talk(self) -> None:
        """Publish in all rooms in turn, until cancelled."""
        step, turn, next_at = EVERY / len(self.hosts), 0, time.monotonic()
        while True:
            while next_at <= time.monotonic():
                self._publish(turn % len(self.hosts))
                turn, next_at = turn + 1, next_at + step
            await asyncio.sleep(step)

    def _publish(self, room: int) -> None:
        content = self.said[room].to_bytes(8, "big") + os.urandom(BLOB - 8)
        self.said[room] += 1
        frame = Publish(
            10 + self.said[room],
            os.urandom(16),
            self.bases[room],
            BlobClass.APPLICATION,
            limits.TTL_DEFAULT,
            content,
        )
        self.hosts[room].send(masked(frame.to_bytes()))

    def whole(self) -> bool:
        """Whether all members heard everything, and every facilitator was answered."""
        return all(
            len(member.heard) >= self.said[number // ROOM]
            for number, member in enumerate(self.crowd.members)
        ) and all(  # the beat is answered too
            host.acknowledged == 1 + said for host, said in zip(self.hosts, self.said, strict=True)
        )

    def faults(self) -> Faults:
        """What must not be."""
        lost = doubled = disordered = 0
        for number, member in enumerate(self.crowd.members):
            heard = Counter(member.heard)
            lost += self.said[number // ROOM] - len(heard)
            doubled += heard.total() - len(heard)
            disordered += member.heard != sorted(member.heard)
        return Faults(lost, doubled, disordered)

    async def storm(self, silently: bool) -> Return:
        """Cut, wait, and let all come back at once."""
        crowd, members = self.crowd, self.crowd.members
        talking = asyncio.create_task(self.talk())
        await asyncio.sleep(EVERY)
        for one in members:
            one.cut(silently)
        before = sum(self.said)
        await asyncio.sleep(GONE)
        missed = sum(self.said) - before
        crowd.happened.clear()
        overflows, cpu = _overflows(), _cpu(self.relay.pid)
        busy, start = time.process_time(), time.monotonic()
        for one in members:
            one.connect()
        await self._all_back()
        wall = time.monotonic() - start
        cpu, busy = _cpu(self.relay.pid) - cpu, (time.process_time() - busy) / wall
        await asyncio.sleep(AFTER)
        talking.cancel()
        await _until(self.whole, 20.0)
        return Return(
            len(members),
            _spread([one.resumed_at for one in members], start),
            _spread([one.caught_up_at for one in members], start),
            {name: count for name, count in crowd.happened.items() if count},
            missed * ROOM,
            self.faults(),
            _overflows() - overflows,
            round(cpu, 2),
            round(_peak_mib(self.relay.pid), 1),
            round(busy, 2),
        )

    async def _all_back(self) -> None:
        end = time.monotonic() + PATIENCE
        while not all(one.caught_up_at for one in self.crowd.members):
            if time.monotonic() > end:
                return
            self.crowd.give_up_late()
            await asyncio.sleep(0.05)

    async def restart(self, server: Server) -> Restart:
        """SIGTERM under all of them, and a new process as soon as the old one is gone."""
        crowd, members = self.crowd, self.crowd.members
        crowd.happened.clear()
        for host in self.hosts:
            host.stays_away = True
        start = time.monotonic()
        os.kill(self.relay.pid, signal.SIGTERM)
        await _until(lambda: _ended(self.relay.pid), 20.0)
        ended = time.monotonic() - start
        told = [one.told_at["draining"] - start for one in members if "draining" in one.told_at]
        delays = Counter(one.delay for one in members if "draining" in one.told_at)
        with running(server, self.relay.port):
            await _until(lambda: all("unknown_room" in one.told_at for one in members))
            crowd.returning = False
        return Restart(
            len(members),
            len(told),
            dict(sorted(delays.items())),
            round(max(told, default=0.0), 2),
            round(ended, 2),
            _spread([one.told_at.get("unknown_room", 0.0) for one in members], start),
            dict(crowd.happened),
        )


def _spread(ends: list[float], start: float) -> Spread:
    """A member that never came has 0, and counts as having needed all the patience there is."""
    took = sorted(end - start if end else PATIENCE for end in ends)
    p99 = took[-(len(took) // 100) - 1]
    return Spread(round(took[len(took) // 2], 3), round(p99, 3), round(took[-1], 3))


def lines(storm: Return, stop: Restart) -> list[Line]:
    """The goals."""
    faults = storm.faults
    return [
        Line(f"{storm.members} come back: s until 99% resumed", storm.resumed.p99, 10.0),
        Line("  s until all have what they missed", storm.caught_up.slowest, 15.0),
        Line(
            "  blobs lost, doubled or in disorder",
            faults.lost + faults.doubled + faults.disordered,
            0.0,
        ),
        Line("the relay stops: who is not told to come again", stop.members - stop.told, 0.0),
        Line("  s until it has ended", stop.ended_seconds, 15.0),
        Line("  s until 99% are answered by the next one", stop.answered.p99, 10.0),
    ]


async def _experiment(
    members: int, rounds: int, shared: bool, silently: bool
) -> tuple[list[Return], Restart]:
    server = Server("alcove", alcove_command(), AlcoveWire)
    with running(server) as relay:
        town = Town(relay, members, shared)
        await town.arrive()
        gc.collect()
        gc.freeze()
        say(f"{members} members in {len(town.hosts)} rooms are live")
        returns = []
        for _ in range(rounds):
            returns.append(await town.storm(silently))
            say(f"  {returns[-1]}")
        stop = await town.restart(server)
        say(f"  {stop}")
        return returns, stop


def reconnect(
    members: int = MEMBERS, rounds: int = 1, shared: bool = False, silently: bool = False
) -> tuple[list[Return], Restart]:
    """The storms, then the relay's restart. Raises `TimeoutError` when the crowd never came in."""
    return uvloop.run(_experiment(members, rounds, shared, silently))


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.fanout.reconnect", allow_abbrev=False)
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--shared", action="store_true", help="all from one address")
    parser.add_argument("--silent", action="store_true", help="old connections stay half-open")
    asked = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    returns, stop = reconnect(asked.members, asked.rounds, asked.shared, asked.silent)
    for storm in returns:
        for line in lines(storm, stop):
            print(line)


if __name__ == "__main__":
    main()
