"""`docs/mls-validation.md` says what the code does: every function and test that it names exists,
and every test of a rule is in it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from alcove.mls import errors

ROOT = Path(__file__).resolve().parents[3]
CODE = ROOT / "client_sdk" / "alcove" / "mls"
TESTS = Path(__file__).resolve().parent / "validation"
APPLICATION = "the application"
_ID = re.compile(r"\d[\d.]*-\d+")


@dataclass(frozen=True)
class Rule:
    id: str
    section: str
    text: str
    where: str
    error: str
    test: str


def _rules() -> list[Rule]:
    lines = (ROOT / "docs" / "mls-validation.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("| ") and _ID.match(line[2:])]
    return [Rule(*(cell.strip() for cell in line.strip("|").split("|"))) for line in table]


RULES = _rules()
ENFORCED = [rule for rule in RULES if rule.where != APPLICATION]
SECTIONS = [
    "7.3",
    "7.9",
    "10.1",
    "11",
    "11.1",
    "11.2",
    "11.3",
    "12.1",
    "12.1.1",
    "12.1.2",
    "12.1.3",
    "12.1.4",
    "12.1.5",
    "12.1.6",
    "12.1.7",
    "12.1.8",
    "12.2",
    "12.3",
    "12.4",
    "12.4.1",
    "12.4.2",
    "12.4.3",
    "12.4.3.1",
    "12.4.3.2",
    "12.4.3.3",
]


@cache
def _functions(path: Path) -> dict[str, ast.FunctionDef]:
    """The functions of a file, methods as `Class.method`."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = (item for item in node.body if isinstance(item, ast.FunctionDef))
            found.update({f"{node.name}.{item.name}": item for item in methods})
    return found


def test_every_id_is_unique_and_begins_with_its_section() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.id.rpartition("-")[0] == rule.section
    assert list(dict.fromkeys(rule.section for rule in RULES)) == SECTIONS


@pytest.mark.parametrize("rule", ENFORCED, ids=lambda rule: rule.id)
def test_where_a_rule_is_enforced_and_the_test_of_its_refusal_exist(rule: Rule) -> None:
    file, _, function = rule.where.strip("`").partition(":")
    assert function in _functions(CODE / file)
    file, _, name = rule.test.strip("`").partition("::")
    doc = ast.get_docstring(_functions(TESTS / file)[name])
    assert rule.id in _ID.findall(doc or "")


@pytest.mark.parametrize("rule", ENFORCED, ids=lambda rule: rule.id)
def test_the_named_errors_exist(rule: Rule) -> None:
    named = re.findall(r"`(\w+)`", rule.error)
    assert named or rule.error in ("none", "what is wrong with it")
    for name in named:
        assert issubclass(getattr(errors, name), errors.MLSError)


def test_what_is_left_to_the_application_has_a_reason_and_no_test() -> None:
    left = [rule for rule in RULES if rule.where == APPLICATION]
    assert left
    for rule in left:
        assert len(rule.error) > 40
        assert rule.test == ""


def test_every_test_of_a_rule_is_in_the_table() -> None:
    tabled = {rule.test.strip("`") for rule in ENFORCED}
    written = {
        f"{path.name}::{name}"
        for path in TESTS.glob("test_*.py")
        for name in _functions(path)
        if name.startswith("test_")
    }
    assert tabled == written


def test_the_counts_in_the_text_are_those_of_the_table() -> None:
    text = (ROOT / "docs" / "mls-validation.md").read_text()
    left = len(RULES) - len(ENFORCED)
    assert f"{len(RULES)} rules: {len(ENFORCED)} enforced here, {left} left to the" in text
