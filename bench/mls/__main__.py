"""`python -m bench.mls [--quick]`: the table of group key agreement, and bench/results/mls.json."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.mls.report import machine, save, tables
from bench.mls.run import FULL, QUICK, measure

_RESULTS = Path(__file__).parents[1] / "results" / "mls.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.mls", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: N = 2, 10, 100")
    arguments = parser.parse_args()
    result = measure(QUICK if arguments.quick else FULL)
    print(", ".join(f"{name} {value}" for name, value in machine().items() if value) + "\n")
    print(tables(result))
    save(result, _RESULTS)


if __name__ == "__main__":
    main()
