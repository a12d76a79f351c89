"""What is measured. Each experiment prints how far it is, and returns plain rows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from bench.fanout.alcove_wire import AlcoveWire
from bench.fanout.load import Crowd, Failed, Run, crowds
from bench.fanout.native import Missing
from bench.fanout.servers import HERE, SERVERS, Running, Server, alcove_command, running

CONNECTIONS: Final = 1000
DELIVERIES: Final = 20_000
"""A second, of all servers, where latency is measured."""
SIZES: Final = (10, 100, 1000)
REFERENCE: Final = "c-limit-coalescing"
GOOD_RATE: Final = 50.0
"""Publishes a second of the good clients under attack."""


@dataclass(frozen=True)
class Scale:
    """How long and how often."""

    repetitions: int
    seconds: float
    memory_connections: int
    room_counts: tuple[int, ...]
    """Of 10 members. Rooms beyond 1,000 are kept by the relay, without connections."""
    idle_counts: tuple[int, ...]
    attack_seconds: float


FULL: Final = Scale(5, 2.0, 5000, (10, 100, 1000, 10_000), (0, 1000, 5000, 10_000), 10.0)
QUICK: Final = Scale(1, 0.8, 1000, (10, 100), (0, 1000), 4.0)


@dataclass(frozen=True)
class Row:
    """One server with rooms of one size."""

    server: str
    rooms: int
    members: int
    cpu_us_per_delivery: float
    p50_ms: float
    p99_ms: float
    kb_per_connection: float | None = None


@dataclass(frozen=True)
class Point:
    """One server in a sweep, all else equal."""

    server: str
    value: int
    cpu_us_per_delivery: float
    p99_ms: float


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def available(names: Iterable[str], among: Mapping[str, Server] = SERVERS) -> list[Server]:
    """The servers that can be started here. It prints which cannot."""
    found = []
    for name in names:
        try:
            with running(among[name]):
                found.append(among[name])
        except Missing as missing:
            say(f"without {name}: {missing}")
    return found


def _try(name: str, run: Callable[[], Run]) -> Run | None:
    try:
        return run()
    except Failed as failed:
        say(f"  {name}: {failed}")
        return None


def _row(crowd: Crowd, members: int, closed: list[Run], opened: list[Run]) -> Row | None:
    if not closed or not opened:
        return None
    return Row(
        crowd.server.server.name,
        crowd.rooms,
        members,
        round(median(run.cpu_us for run in closed), 3),
        round(median(run.p50_ms for run in opened), 3),
        round(median(run.p99_ms for run in opened), 3),
    )


def fanout(servers: list[Server], scale: Scale, memory: dict[str, float]) -> list[Row]:
    """The table: CPU in a closed loop, latency in an open one at equal load, servers in turn."""
    rows: list[Row] = []
    for members in SIZES:
        say(f"rooms of {members}: {CONNECTIONS} connections to each server")
        with ExitStack() as stack:
            up = [stack.enter_context(running(server)) for server in servers]
            made = stack.enter_context(crowds(up))
            for crowd in made:
                crowd.add(CONNECTIONS // members, members)
                _pump(made)
            found = [_row(c, members, *runs) for c, runs in _alternate(made, members, scale)]
        rows += [row for row in found if row is not None]
    return [Row(**{**asdict(row), "kb_per_connection": memory.get(row.server)}) for row in rows]


def _pump(made: list[Crowd]) -> None:
    for crowd in made:
        crowd.pump()


def _alternate(
    made: list[Crowd], members: int, scale: Scale
) -> list[tuple[Crowd, tuple[list[Run], list[Run]]]]:
    runs: list[tuple[Crowd, tuple[list[Run], list[Run]]]] = [(c, ([], [])) for c in made]
    for repetition in range(scale.repetitions):
        for crowd, (closed, opened) in runs:
            name = crowd.server.server.name
            # Mypy infers no lambda with defaults.
            one = _try(name, lambda c=crowd: c.closed_loop(scale.seconds, members))  # type: ignore[misc]
            rate = DELIVERIES / members
            # Mypy infers no lambda with defaults.
            two = _try(name, lambda c=crowd, r=rate: c.open_loop(scale.seconds, r))  # type: ignore[misc]
            closed += [one] if one else []
            opened += [two] if two else []
            _pump(made)
            if one and two:
                say(
                    f"  {repetition + 1}/{scale.repetitions} {name:20}"
                    f" {one.cpu_us:6.2f} µs  p99 {two.p99_ms:7.2f} ms"
                )
    return runs


def memory(servers: list[Server], scale: Scale) -> dict[str, float]:
    """KB for each idle connection, in rooms of 10, everything counted."""
    found = {}
    for server in servers:
        with running(server) as up, crowds([up]) as (crowd,):
            crowd.add(5, 10)  # what is loaded with the first connections is not theirs
            before = up.rss
            crowd.add(scale.memory_connections // 10, 10)
            found[server.name] = round((up.rss - before) / 1024 / scale.memory_connections, 2)
            say(f"  {server.name:20} {found[server.name]:6.2f} KB for each idle connection")
    return found


def by_rooms(servers: list[Server], scale: Scale) -> list[Point]:
    """Equal load over more and more rooms."""
    return _sweep(servers, scale, scale.room_counts, _more_rooms)


def _more_rooms(crowd: Crowd, count: int) -> int:
    """Rooms of 10, as many as connections allow. The relay keeps the rest. Return the former."""
    talked = min(count, 1000)
    crowd.add(talked - crowd.rooms if crowd.rooms < talked else 0, 10)
    if count > talked and isinstance(crowd.server.wire, AlcoveWire):
        for number in range(count - talked):
            crowd.server.wire.keep_room(10)
            if number % 200 == 0:
                crowd.pump()
    return talked


def by_idle(servers: list[Server], scale: Scale) -> list[Point]:
    """Equal load in 100 rooms beside more and more idle connections."""
    return _sweep(servers, scale, scale.idle_counts, _more_idle)


def _more_idle(crowd: Crowd, count: int) -> int:
    wanted = 100 + count // 10
    crowd.add(wanted - crowd.rooms, 10)
    return 100


def _sweep(
    servers: list[Server],
    scale: Scale,
    values: tuple[int, ...],
    more: Callable[[Crowd, int], int],
) -> list[Point]:
    points = []
    for server in servers:
        with running(server) as up, crowds([up]) as (crowd,):
            for value in values:
                active = more(crowd, value)
                runs = [
                    run
                    for _ in range(max(scale.repetitions, 3))
                    # Mypy infers no lambda with defaults.
                    if (run := _try(server.name, lambda c=crowd, a=active: _equal(c, a, scale)))  # type: ignore[misc]
                ]
                if not runs:
                    continue
                cpu = round(median(run.cpu_us for run in runs), 3)
                p99 = round(median(run.p99_ms for run in runs), 3)
                points.append(Point(server.name, value, cpu, p99))
                say(f"  {server.name:20} {value:6} {cpu:6.2f} µs  p99 {p99:7.2f} ms")
    return points


def _equal(crowd: Crowd, active: int, scale: Scale) -> Run:
    return crowd.open_loop(scale.seconds, DELIVERIES / 10, active)


@dataclass(frozen=True)
class Attack:
    """Good clients in peace and under attack, with the limits as they are delivered."""

    p99_ms_in_peace: float
    p99_ms_attacked: float
    attackers_per_second: float


def attack(scale: Scale) -> Attack | None:
    """Good clients' p99 while others send ten times as much."""
    server = Server("alcove", alcove_command(), AlcoveWire)
    with running(server) as up, crowds([up]) as (crowd,):
        crowd.add(10, 10)
        peace = _try("alcove", lambda: crowd.open_loop(scale.attack_seconds, GOOD_RATE))
        attacker = _attacker(up, scale.attack_seconds + 3)
        try:
            war = _try("alcove", lambda: crowd.open_loop(scale.attack_seconds, GOOD_RATE))
        finally:
            attacker.terminate()
            attacker.wait(10)
    if peace is None or war is None:
        return None
    say(f"  p99 {peace.p99_ms:.2f} ms in peace, {war.p99_ms:.2f} ms under attack")
    return Attack(round(peace.p99_ms, 3), round(war.p99_ms, 3), 10 * GOOD_RATE)


def _attacker(up: Running, seconds: float) -> subprocess.Popen[bytes]:
    module = [sys.executable, "-m", "bench.fanout.attack"]
    return subprocess.Popen(
        [*module, str(up.port), str(seconds), str(10 * GOOD_RATE)],
        cwd=HERE.parents[1],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
