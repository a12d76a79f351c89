"""Many faults on demand: `python -m tests.redis_store.faults [--minutes M] [--seed S] [--rate R]`.

Runs of some 50 faults follow each other, each with servers of its own. The exit status is 1 when an
invariant was broken. The journals of a run that failed are kept.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.redis_store.faults.run import schedule, talk_through

FAULTS = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.redis_store.faults", allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first run")
    parser.add_argument("--rate", type=int, default=300, help="publications a second of each node")
    given = parser.parse_args()
    started = time.monotonic()
    end = started + given.minutes * 60
    counts: Counter[str] = Counter()
    acknowledged = told = 0
    seed = given.seed
    while time.monotonic() < end:
        folder = Path(tempfile.mkdtemp(prefix="alcove-faults-"))
        found = asyncio.run(
            talk_through(
                folder,
                seed,
                schedule(seed, FAULTS),
                given.rate,
                lambda _: time.monotonic() >= end,
                counts,
            )
        )
        acknowledged += found.acknowledged
        told += found.told
        seconds = time.monotonic() - started
        print(
            f"seed {seed}: {acknowledged} acknowledged ({acknowledged / seconds:.0f} a second), "
            f"{told} told, {counts.total()} faults in {seconds:.0f} s, "
            f"{len(found.faults)} invariants broken",
            flush=True,
        )
        if found.faults:
            print("\n".join(found.faults[:20]))
            print(f"the journals are in {folder}")
            return 1
        shutil.rmtree(folder)
        seed += 1
    print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
