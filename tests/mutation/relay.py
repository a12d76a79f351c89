"""Mutants of the relay's rules of fairness, and of what an operator relies on.

The rules: a client waits for others' work no longer than a part of a turn (`ports.turn`). What the
relay holds and sends counts for the part of the network that causes it. Of too many, the largest
part of the network gives way. Each file here has some of them, and every named test takes less than
a second.
"""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

SERVER: Final = "alcove_server"
DOORSTEP: Final = "tests/server/test_doorstep.py"
FAIRNESS: Final = "tests/server/test_fairness.py"
FAIR: Final = "tests/server/test_fair_rules.py"
LONG: Final = "tests/server/test_long_work.py"
TOLD_TESTS: Final = "tests/server/test_told.py"
ADMISSION: Final = "tests/server/test_admission.py"


def relay(
    rule: str, where: str, old: str, new: str, test: str, *more: Edit, equivalent: str = ""
) -> Mutant:
    """A mutant of one rule. `where` is below the relay's package."""
    return Mutant(f"relay {rule}", (Edit(f"{SERVER}.{where}", old, new), *more), test, equivalent)
