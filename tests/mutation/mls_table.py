"""The rules of `docs/mls-validation.md`, and the test that the table names for each."""

import re
from types import MappingProxyType

from tests.mutation.mutant import ROOT, Edit, Mutant

_APPLICATION = "the application"
_ROW = re.compile(r"\| (\d[\d.]*-\d+) \|")


def _enforced() -> dict[str, str]:
    tests = {}
    for line in (ROOT / "docs" / "mls-validation.md").read_text().splitlines():
        if _ROW.match(line):
            rule, _section, _text, where, _error, test = (
                cell.strip() for cell in line.strip("|").split("|")
            )
            if where != _APPLICATION:
                tests[rule] = "tests/client_sdk/mls/validation/" + test.strip("`")
    return tests


TESTS = MappingProxyType(_enforced())
"""The node id of the test that the table names, by rule; rules left to the application excepted."""

Part = tuple[str, str, str]
"""(place below `alcove.mls`, old text, new text)."""


def mls(rule: str, *parts: Part, equivalent: str = "") -> Mutant:
    """A mutant of a rule of the table; the table names its test."""
    edits = tuple(Edit(f"alcove.mls.{where}", old, new) for where, old, new in parts)
    return Mutant(rule, edits, TESTS[rule], equivalent)


def never(where: str, condition: str) -> Part:
    """An `if` whose body is never entered."""
    return (where, f"if {condition}:", "if False:")
