"""The command: `python -m bench.fairness [--quick] [--only NAME…] [--interpreted | --compiled]`."""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import IO, Final

from alcove_protocol.frames import Answer, Bye, RequestRefused, Settle

from bench.fairness.attacks import ATTACKS, DRAINED, OVER_TLS
from bench.fairness.stage import SecureStream
from bench.fanout.alcove_wire import Member, SeatedRoom
from bench.fanout.native import Missing
from bench.fanout.servers import HERE, compiled_relay
from bench.fanout.wires import Stream
from tests.certificates import make

ROOT: Final = HERE.parents[1]
RESULTS: Final = ROOT / "bench" / "results"
STALL_GOAL: Final = 50.0
P99_GOAL: Final = 200.0
GOOD: Final = 5
"""Good clients, each of a network and a room of its own, that ask in turns."""
PAUSE: Final = 0.01
"""Seconds between two requests of them: each asks 20 times a second, which is its rate."""

BEFORE_DRAIN: Final = 1.0
"""Seconds of an attack before the relay is told to stop."""


@dataclass(frozen=True)
class Row:
    """One attack on one kind of relay: medians over the repetitions, in milliseconds."""

    attack: str
    relay: str
    stall_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Up:
    """A relay that runs under watch."""

    process: subprocess.Popen[bytes]
    port: int
    file: Path

    def worst(self) -> float:
        """The worst stall since the last call, in milliseconds."""
        self.file.unlink(missing_ok=True)
        os.kill(self.process.pid, signal.SIGUSR1)
        return self._told()

    def worst_to_the_end(self) -> float:
        """The same, of a relay that was told to stop. Raises `RuntimeError` when that failed."""
        if self.process.wait(20):
            raise RuntimeError("the relay did not stop in order")
        return self._told()

    def _told(self) -> float:
        end = time.monotonic() + 30
        while not self.file.exists():
            if time.monotonic() > end:
                raise TimeoutError("the relay does not answer")
            time.sleep(0.01)
        return float(json.loads(self.file.read_text())["worst_ms"])


@contextmanager
def watched(compiled: bool, *flags: str) -> Iterator[Up]:
    """A relay, its hot path compiled or not. Raises `Missing`."""
    path = {"PYTHONPATH": str(compiled_relay())} if compiled else {}
    with tempfile.TemporaryDirectory(prefix="fairness-") as folder:
        file = Path(folder) / "seen"
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.fairness.watched", str(file), "--port=0", *flags],
            cwd=ROOT,
            env={**os.environ, **path},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Up(process, _port(process.stdout), file)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(output: IO[bytes] | None) -> int:
    line = output.readline().decode() if output is not None else ""
    found = re.search(r":(\d+)$", line.strip())
    if found is None:
        raise Missing("The relay does not start.")
    return int(found[1])


def _round_trips(good: Sequence[Member], attack: subprocess.Popen[bytes]) -> list[float]:
    """Seconds of each of the good clients' requests, until the attack is over."""
    took: list[float] = []
    while attack.poll() is None:
        began = time.perf_counter()
        _asked(good[len(took) % len(good)])
        took.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    return took


def _until_drained(good: Sequence[Member], relay: subprocess.Popen[bytes]) -> list[float]:
    """The same of a relay that is told to stop after a while, until each client has heard that it
    has to come back."""
    took, there, told = list[float](), deque(good), time.perf_counter() + BEFORE_DRAIN
    while there:
        if told and time.perf_counter() > told:
            relay.terminate()
            told = 0.0
        began = time.perf_counter()
        if not _answered(there[0]):
            there.popleft()
        took.append(time.perf_counter() - began)
        there.rotate(-1)
        time.sleep(PAUSE)
    return took


def _asked(good: Member) -> None:
    """One request, and its answer, which is that nothing is waiting."""
    good.ask(Settle(good.number(), bytes(16)), RequestRefused)


def _answered(good: Member) -> bool:
    """The same, or false when the relay says that the client has to come back."""
    asked = Settle(good.number(), bytes(16))
    good.send(asked)
    while True:
        heard = good._heard()
        if isinstance(heard, Bye):
            return False
        if isinstance(heard, Answer) and heard.n == asked.n:
            return True


def _good(port: int, number: int, stream: type[Stream]) -> Member:
    return SeatedRoom(port, 2, f"127.9.{number}.9", stream).facilitator


def run(name: str, compiled: bool, seconds: float, folder: Path) -> tuple[float, float]:
    """The worst stall and the good clients' p99, in milliseconds. Raises `Missing`, and
    `RuntimeError` when the attack fails."""
    flags, stream = ["--rates=1"], Stream
    if name in OVER_TLS:
        stream = SecureStream
        made = make(folder)
        flags += [f"--tls-certificate={made.certificate}", f"--tls-key={made.key}"]
    with watched(compiled, *flags) as up:
        attack = subprocess.Popen(
            [sys.executable, "-m", "bench.fairness.attacks", name, str(up.port), str(seconds)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert attack.stdin is not None
        assert attack.stdout is not None
        if attack.stdout.readline() != b"READY\n":
            raise RuntimeError(f"{name} could not be prepared")
        # Now, because preparing may take longer than a client may leave pings unanswered.
        good = [_good(up.port, number, stream) for number in range(GOOD)]
        time.sleep(0.3)
        up.worst()
        attack.stdin.write(b"go\n")
        attack.stdin.flush()
        if name in DRAINED:
            took = sorted(_until_drained(good, up.process))
            attack.wait()
        else:
            took = sorted(_round_trips(good, attack))
        if attack.returncode:
            raise RuntimeError("the attack failed")
        worst = up.worst_to_the_end() if name in DRAINED else up.worst()
        return worst, took[int(len(took) * 0.99)] * 1e3


def measure(name: str, compiled: bool, repetitions: int, seconds: float) -> Row:
    """One row. Raises `Missing`."""
    with tempfile.TemporaryDirectory() as folder:
        found = [run(name, compiled, seconds, Path(folder)) for _ in range(repetitions)]
    stall, p99 = (round(median(values), 1) for values in zip(*found, strict=True))
    return Row(name, "compiled" if compiled else "interpreted", stall, p99)


def _line(row: Row) -> str:
    verdict = "ok" if row.stall_ms <= STALL_GOAL and row.p99_ms <= P99_GOAL else "MISSED"
    return (
        f"  {row.attack:16} {row.relay:12} stall {row.stall_ms:7.1f} ms"
        f"   p99 {row.p99_ms:7.1f} ms   {verdict}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fairness", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="once each, and shorter")
    parser.add_argument(
        "--only", nargs="+", choices=list(ATTACKS), metavar="NAME", help="only these attacks"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--interpreted", action="store_true", help="only the interpreted relay")
    kind.add_argument("--compiled", action="store_true", help="only the compiled relay")
    return parser.parse_args()


def main() -> int:
    """Measure, print, write."""
    asked = _arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    repetitions, seconds = (1, 2.5) if asked.quick else (3, 4.0)
    kinds = [kind for kind in (True, False) if not (asked.interpreted and kind)]
    kinds = [kind for kind in kinds if kind or not asked.compiled]
    print(f"fairness: goals are a stall ≤ {STALL_GOAL:g} ms of CPU and p99 ≤ {P99_GOAL:g} ms")
    rows = []
    for name in asked.only or ATTACKS:
        for compiled in kinds:
            try:
                rows.append(measure(name, compiled, repetitions, seconds))
            except (Missing, RuntimeError, OSError) as failed:
                print(f"  {name}: {type(failed).__name__}: {failed}", flush=True)
                continue
            print(_line(rows[-1]), flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    found = [asdict(row) for row in rows]
    (RESULTS / "fairness.json").write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
