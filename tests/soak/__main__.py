"""The command: `python -m tests.soak [--minutes M]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.soak.soak import Look, faults, soak

TOLD_EVERY = 5.0


class _Teller:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, look: Look) -> None:
        if time.monotonic() - self._last < TOLD_EVERY:
            return
        self._last = time.monotonic()
        held = {name: count for name, count in look.counts.items() if count}
        print(f"{look.lives:7} lives  {look.rss / 1024 / 1024:7.2f} MiB  {held}", flush=True)


def main() -> int:
    """Soak, and say what did not go back. The exit status is 1 when something did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    end = time.monotonic() + parser.parse_args().minutes * 60
    found = faults(asyncio.run(soak(lambda _: time.monotonic() >= end, _Teller())))
    for fault in found:
        print(f"FAILED  {fault}")
    if not found:
        print("everything is as it was")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
