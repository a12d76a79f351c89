"""Run worlds: `make simulate SEEDS=0-9999`, or one of them with all that happens in it.

python -m tests.simulator --seeds 0-9999      prints how far it is; shrinks what fails
python -m tests.simulator --world 17          replays one world, every step and sentence
"""

import argparse
import os
import sys

from tests.simulator.play import play
from tests.simulator.run import Run, world_of
from tests.simulator.shrink import pasted


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=range(200), metavar="A-B")
    parser.add_argument("--world", type=int, metavar="SEED", help="replay one world, told in full")
    parser.add_argument("--facilitators", type=int, default=0, help="in each world; 0: as drawn")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--no-shrink", action="store_true", help="only name what fails")
    given = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets of keys is part of a world's course.
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        module = [sys.executable, "-m", "tests.simulator", *sys.argv[1:]]
        os.execve(sys.executable, module, environment)
    if given.world is not None:
        schedule = world_of(given.world, given.facilitators)
        print(pasted(schedule))
        return 1 if play(schedule, print) else 0
    run = Run(given.seeds, shrinks=not given.no_shrink, facilitators=given.facilitators)
    return 1 if run.all(given.workers) else 0


if __name__ == "__main__":
    sys.exit(main())
