"""`docs/attacks.md` names tests that are there, and every file of this folder is in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
_NUMBER = re.compile(r"^(GHSA-[0-9a-z]{4}|CVE-\d{4}-\d{4,6})(, (GHSA-[0-9a-z]{4}))*$")


def _rows() -> list[list[str]]:
    lines = (ROOT / "docs" / "attacks.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ") and "`" in line.split("|")[-2]]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


ROWS = _rows()


def _tests(path: Path) -> set[str]:
    return {n.name for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)}


def _path(named: str) -> Path:
    file = named.partition("::")[0]
    return ROOT / file if "/" in file else HERE / file


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_says_what_why_and_names_a_test_that_is_there(row: list[str]) -> None:
    _kind, number, what, why, test = row
    assert number == "" or _NUMBER.match(number)
    assert len(what) > 10
    assert len(why) > 8
    named = test.strip("`")
    name = named.partition("::")[2]
    assert _path(named).is_file()
    assert not name or name in _tests(_path(named))


def test_every_file_of_this_folder_is_in_the_table() -> None:
    named = {_path(row[-1].strip("`")) for row in ROWS}
    files = {path for path in HERE.glob("test_*.py") if path != Path(__file__).resolve()}
    assert files <= named


def test_no_class_is_there_twice() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 20
