"""Defects that are known and not mended yet: worlds that meet one are counted, and do not fail.

An entry goes with the commit that mends its defect.
"""

from typing import Final

from tests.simulator.shrink import signature

KNOWN: Final[tuple[tuple[str, str], ...]] = (
    (
        "code='closed', text='The room was closed",
        "with a message that only its author calls failed",
    ),
)
"""A part of the failure's signature, and why it is known."""


def reason(failure: str) -> str:
    """Why this failure is known, or nothing."""
    kind = signature(failure)
    return next((why for part, why in KNOWN if part in kind), "")
