"""What can be fuzzed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Target:
    """A parser: `run` reads the input or raises one of `refusals`."""

    name: str
    run: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    make_seeds: Callable[[], list[bytes]]

    @cached_property
    def seeds(self) -> list[bytes]:
        """Inputs that are right, and the empty one."""
        return [b"", *self.make_seeds()]
