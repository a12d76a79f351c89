"""Every rule has a mutant, every mutant fits the source, and a sample of them is killed.

`make mutate` runs all of them. Here a sample is run, another for each `ALCOVE_SEED`.
"""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from alcove.group.rights import ACTS, Act

from tests.mutation.mls_table import TESTS
from tests.mutation.mutant import (
    ROOT,
    DoesNotFit,
    Edit,
    Mutant,
    apply,
    edited_lines,
    mutate,
)
from tests.mutation.rules import MUTANTS, REASONS, WATCHED
from tests.mutation.runner import run, sample
from tests.mutation.sites import Site, sites_of
from tests.mutation.worker import BROKEN, KILLED, SURVIVED
from tests.randomness import SEED

_TEST = re.compile(r"def (test_\w+)\(")
SAMPLE = 96
"""Mutants in a sample: about half a second each."""

SITES = [site for where in WATCHED for site in sites_of(where)]
TOUCHED = frozenset().union(*map(edited_lines, MUTANTS))


def test_every_rule_of_the_table_has_a_mutant() -> None:
    mutated = {mutant.rule for mutant in MUTANTS}
    assert [rule for rule in TESTS if rule not in mutated] == []


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_every_condition_of_rights_roster_and_order_has_a_mutant_or_a_reason(site: Site) -> None:
    touched = any((site.path, line) in TOUCHED for line in site.lines)
    assert touched is not (site.name in REASONS)


def test_every_act_has_a_mutant() -> None:
    edited = [edit.old for mutant in MUTANTS for edit in mutant.edits]
    assert set(ACTS) == set(Act)
    for act in Act:
        assert any(f"Act.{act.name}: " in old for old in edited)


def test_every_reason_is_of_a_condition_that_is_there_and_says_something() -> None:
    assert set(REASONS) <= {site.name for site in SITES}
    equivalent = [mutant.equivalent for mutant in MUTANTS if mutant.equivalent]
    for reason in (*REASONS.values(), *equivalent):
        assert len(reason) > 40
        assert reason.endswith(".")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_fits_the_source(mutant: Mutant) -> None:
    for path, text in mutate(mutant).items():
        assert text != (ROOT / path).read_text()


def test_every_mutant_names_only_what_is_there(tmp_path: Path) -> None:
    """A mutant that fails for a slip of its own shows nothing, and a sample meets it rarely."""
    for number, mutant in enumerate(MUTANTS):
        for path, text in mutate(mutant).items():
            (tmp_path / f"{number}_{Path(path).name}").write_text(text)
    rules = ("--select", "F821,F823", "--output-format", "concise")  # undefined names
    ruff = (
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        *rules,
        str(tmp_path),
    )
    slips = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert (slips.returncode, slips.stdout) == (0, "All checks passed!\n"), slips.stdout


def test_no_mutant_is_there_twice() -> None:
    assert len({(mutant.rule, mutant.edits) for mutant in MUTANTS}) == len(MUTANTS)


@cache
def _written(folder: Path) -> frozenset[str]:
    """Every test of a folder, those of classes that others inherit included."""
    texts = (path.read_text() for path in folder.glob("*.py"))
    return frozenset(name for text in texts for name in _TEST.findall(text))


def test_every_named_test_is_written() -> None:
    for mutant in MUTANTS:
        file, _, name = mutant.test.partition("::")
        assert (ROOT / file).is_file()
        bare = name.rpartition("::")[2].partition("[")[0]
        assert bare in _written((ROOT / file).parent), mutant.test


def test_an_edit_that_does_not_fit_is_refused() -> None:
    source = "def f(x):\n    return x + 1\n\n\ndef g(x):\n    return x + 1 + 1\n"
    assert apply(source, Edit("m:f", "x + 1", "x")) == source.replace("x + 1\n", "x\n", 1)
    for edit in (
        Edit("m:f", "x + 2", "x"),  # not there
        Edit("m:g", " + 1", ""),  # twice
        Edit("m:h", "x", "y"),  # no such function
        Edit("m:f", "x + 1", "("),  # no Python
    ):
        with pytest.raises(DoesNotFit):
            apply(source, edit)


# --- the judge itself -------------------------------------------------------------------------

_CHANGES = "tests/protocol/test_roster.py::test_changes_come_back"


def _trial(old: str, new: str, test: str = _CHANGES) -> Mutant:
    return Mutant("trial", (Edit("alcove_protocol.roster_changes:Change.encode", old, new),), test)


@pytest.mark.timeout(300)
def test_the_judge_tells_killed_survived_and_broken_apart() -> None:
    trials = {
        _trial("seat.paused", "False"): KILLED,
        _trial("seat.paused", "seat.paused"): SURVIVED,
        _trial("seat.paused", "nobody_defined_this"): BROKEN,
        _trial("this is not there", ""): BROKEN,
    }
    results = run(list(trials))
    assert {result.mutant: result.verdict for result in results} == trials
    assert [result.right for result in results] == [True, False, False, False]
    working = (ROOT / "protocol/alcove_protocol/roster_changes.py").read_text()
    assert "nobody_defined_this" not in working


@pytest.mark.timeout(600)
def test_a_named_test_that_fails_by_itself_is_no_witness() -> None:
    absent = _trial("seat.paused", "False", "tests/protocol/test_roster.py::test_nothing")
    with pytest.raises(AssertionError, match="fails on the source as it stands"):
        run([absent])


@pytest.mark.timeout(600)
def test_a_sample_of_mutants_is_killed() -> None:
    wrong = [str(result) for result in run(sample(MUTANTS, str(SEED), SAMPLE)) if not result.right]
    assert wrong == []
