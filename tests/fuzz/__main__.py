"""A long run: `python -m tests.fuzz [--minutes M] [--target NAME] [--inputs N] [--folder F]`,
or `python -m tests.fuzz --insiders N`: messages of members (insiders.py).

With atheris installed (`uv sync --group fuzz`), inputs are guided by the branches they reach.
Without it they are mutations of real ones. Progress is printed. An input that makes a finding is
saved in the folder, and the run ends with status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz import insiders
from tests.fuzz.judge import Finding, judge
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS, by_name

_MEMORY_EVERY = 50
_GUIDED = importlib.util.find_spec("atheris") is not None


def _save(folder: Path, target: Target, data: bytes, finding: Finding) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target.name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    print(f"FOUND {finding}\n      the input is in {path}", flush=True)


def mutate(target: Target, seconds: float, inputs: int, folder: Path) -> int | None:
    """Run mutations of the seeds. Return how many, or None after a finding."""
    rng = random.Random()
    pool, count, until = list(target.seeds), 0, time.monotonic() + seconds
    while time.monotonic() < until and count < inputs:
        data = mutated(pool, rng)
        try:
            judge(target, data, memory=count % _MEMORY_EVERY == 0)
        except Finding as finding:
            _save(folder, target, data, finding)
            return None
        count += 1
    return count


def guided(target: Target, seconds: float, inputs: int, folder: Path) -> int | None:
    """Run atheris in a process of its own, since it never returns."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / f"seed{number}").write_bytes(seed)
        folder.mkdir(parents=True, exist_ok=True)
        runs = ["-runs=" + str(inputs)] if inputs < sys.maxsize else []
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.fuzz.guided",
                target.name,
                corpus,
                f"-max_total_time={max(1, int(seconds))}",
                f"-artifact_prefix={folder / target.name}-",
                "-timeout=10",
                *runs,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        print(done.stdout[-1000:] + done.stderr[-4000:], flush=True)
        print(f"FOUND {target.name}: the input is in {folder}", flush=True)
        return None
    ran = re.search(r"Done (\d+) runs", done.stderr + done.stdout)
    return int(ran[1]) if ran else 0


def run_insiders(count: int) -> int:
    """Send so many messages of members, a thousand for each seed. A finding prints its seed."""
    outcomes: Counter[str] = Counter()
    for sent in range(0, count, 1000):
        seed = random.getrandbits(32)
        try:
            outcomes += insiders.run(min(1000, count - sent), seed)
        except Exception:
            print(f"FOUND with seed {seed}, after {sent} messages", flush=True)
            raise
        if sent % 10_000 == 0:
            print(f"{sent:9} messages", flush=True)
    for name, times in outcomes.most_common():
        print(f"{times:9}  {name}")
    print(f"{count} messages of insiders, to two members each: clean")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all targets together")
    parser.add_argument("--target", default="", help="only those whose name contains this")
    parser.add_argument("--inputs", type=int, default=sys.maxsize, help="at most, each target")
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"), help="where inputs are saved")
    parser.add_argument("--insiders", type=int, default=0, help="this many messages of members")
    parser.add_argument("--mutate", action="store_true", help="do not use atheris")
    arguments = parser.parse_args()
    if arguments.insiders:
        return run_insiders(arguments.insiders)
    chosen = by_name(arguments.target)
    if not chosen:
        names = ", ".join(target.name for target in TARGETS)
        parser.error(f"no such target; there are: {names}")
    use_guided = _GUIDED and not arguments.mutate
    seconds = arguments.minutes * 60 / len(chosen)
    way = "atheris" if use_guided else "mutations"
    print(f"{len(chosen)} targets, {seconds:.1f} s each, by {way} (process {os.getpid()})")
    total, found = 0, 0
    for number, target in enumerate(chosen, 1):
        run = guided if use_guided else mutate
        started = time.monotonic()
        count = run(target, seconds, arguments.inputs, arguments.folder)
        took = time.monotonic() - started
        if count is None:
            found += 1
            continue
        total += count
        place = f"{number:3}/{len(chosen)}"
        print(f"{place}  {target.name:32} {count:9} inputs  {took:6.1f} s  clean", flush=True)
    print(f"{total} inputs, {found} targets with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
