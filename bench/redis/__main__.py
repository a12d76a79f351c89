"""The command: `python -m bench.redis [--quick]`."""

from __future__ import annotations

import argparse
import sys

from bench.fanout.native import Missing, generator
from bench.redis import cost, failing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.redis", allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--compiled", action="store_true", help="with the hot path compiled")
    parser.add_argument("--only", choices=["cost", "failing"], help="a part")
    asked = parser.parse_args()
    rounds, seconds = (2, 1.0) if asked.quick else (5, 2.0)
    try:
        if asked.only != "failing":
            generator()
            for members in (10, 100):
                found = cost.costs(members, rounds, seconds, asked.compiled)
                print(cost.table(found), end="\n\n", flush=True)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    if asked.only != "cost":
        for noticed in failing.measure():
            print(failing.line(noticed), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
