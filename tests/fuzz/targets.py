"""Every parser of Alcove."""

from __future__ import annotations

from tests.fuzz import mls_targets, wire_targets
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (*wire_targets.targets(), *mls_targets.targets())


def by_name(name: str) -> list[Target]:
    """The targets whose name contains `name`."""
    return [target for target in TARGETS if name in target.name]
