"""What a planted defect is."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

Monkey = pytest.MonkeyPatch


@dataclass(frozen=True)
class Planted:
    """One defect. `sign` is in the sentence of the failure that it has to cause."""

    name: str
    plant: Callable[[Monkey], None]
    sign: str
    kinds: tuple[str, ...] = ()
    """The kinds of worlds in which it can show; empty for all."""
    first: int = 0
    """The first seed, so that the test is quick."""
