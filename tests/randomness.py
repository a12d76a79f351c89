"""What fails once fails again: every world draws from one seed.

`ALCOVE_SEED=7 make test` tries another world, and other examples of the properties.
"""

import os
from collections.abc import Callable
from random import Random
from typing import Final

SEED: Final = int(os.environ.get("ALCOVE_SEED", "0"))


def seeded() -> Callable[[int], bytes]:
    """Bytes for one world: the same in every run with one seed."""
    return Random(SEED).randbytes
