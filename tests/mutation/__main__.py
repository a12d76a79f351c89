"""`python -m tests.mutation`: run every mutant and print the score. `make mutate` calls this."""

import argparse
import sys
import time

from tests.mutation.rules import MUTANTS, REASONS
from tests.mutation.runner import Result, run, sample


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("rules", nargs="*", help="only mutants of rules that begin so: 7.3, rights")
    parser.add_argument("--sample", type=int, help="only so many, drawn by --seed")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--jobs", type=int, default=2, help="how many run side by side")
    parser.add_argument("--all", action="store_true", help="name the killed too")
    options = parser.parse_args()
    mutants = [m for m in MUTANTS if not options.rules or m.rule.startswith(tuple(options.rules))]
    if options.sample is not None:
        mutants = sample(mutants, options.seed, options.sample)

    def tell(result: Result) -> None:
        if options.all or not result.right:
            print(result, flush=True)

    started = time.monotonic()
    results = run(mutants, options.jobs, tell)
    wrong = sum(not result.right for result in results)
    equivalent = [result.mutant for result in results if result.mutant.equivalent]
    killable = len(results) - len(equivalent)
    killed = sum(result.right for result in results if not result.mutant.equivalent)
    for mutant in equivalent:
        print(f"equivalent {mutant.name}: {mutant.equivalent}")
    if not options.rules and options.sample is None:
        for rule, reason in REASONS.items():
            print(f"no mutant  {rule}: {reason}")
    print(f"{killed} of {killable} mutants killed in {time.monotonic() - started:.0f} s")
    return 1 if wrong or not results else 0


if __name__ == "__main__":
    sys.exit(main())
