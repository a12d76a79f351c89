"""The command: `python -m bench.fanout [--quick] [--only NAME…]`."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import asdict

from bench.fanout import experiments, reconnect, report, tls
from bench.fanout.experiments import FULL, QUICK, REFERENCE, say
from bench.fanout.native import Missing, generator
from bench.fanout.servers import SERVERS

FILES = 25_000
"""Descriptors: 10,000 idle connections, those that talk, and some slack."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fanout", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="about two minutes, coarser")
    parser.add_argument(
        "--only", nargs="+", choices=list(SERVERS), metavar="NAME", help="only these servers"
    )
    parser.add_argument("--table", action="store_true", help="only the table, no sweeps, no attack")
    return parser.parse_args()


def _more_files() -> None:
    """As many descriptors as the process may have. Servers inherit the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def main() -> int:
    """Measure, print, write. 1 when a goal is missed is for people to judge, not for scripts."""
    asked = _arguments()
    scale = QUICK if asked.quick else FULL
    started = time.monotonic()
    _more_files()
    try:
        generator()
    except Missing as missing:
        say(str(missing))
        return 2
    servers = experiments.available(asked.only or SERVERS)
    swept = [server for server in servers if server.name in ("alcove", REFERENCE)]
    say("memory of idle connections")
    memory = experiments.memory(servers, scale)
    rows = experiments.fanout(servers, scale, memory)
    rooms, idle, attack, back = [], [], None, None
    if not asked.table:
        say(f"cost against the number of rooms: {experiments.DELIVERIES} deliveries a second")
        rooms = experiments.by_rooms(swept, scale)
        say("cost against the number of idle connections, at the same load")
        idle = experiments.by_idle(swept, scale)
        if any(server.name == "alcove" for server in servers):
            say("good clients under attack")
            attack = experiments.attack(scale)
            say(f"{reconnect.MEMBERS} members come back at once")
            back = reconnect.reconnect()
    secured = [] if asked.table else tls.measure([server.name for server in servers], scale)
    more = {
        "tls": [asdict(row) for row in secured],
        "rooms": [asdict(point) for point in rooms],
        "idle": [asdict(point) for point in idle],
        "attack": asdict(attack) if attack else None,
        "reconnect": [asdict(storm) for storm in back[0]] + [asdict(back[1])] if back else None,
    }
    report.write(rows, more)
    print(report.table(rows), end="\n\n")
    for line in report.lines(rows, rooms, idle, attack):
        print(line)
    for line in reconnect.lines(back[0][-1], back[1]) if back else []:
        print(line)
    print(tls.line(secured))
    drawn = "and fanout.png " if report.plot(rows) else "(no plot: uv sync --group bench) "
    print(f"\n{report.RESULTS}: fanout.json {drawn}in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
