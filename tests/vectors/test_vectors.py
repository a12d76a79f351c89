"""The vectors are what the code makes, and the code takes and refuses what the vectors say."""

import json

import pytest

from tests.vectors.files import FILES
from tests.vectors.parts import FOLDER


def test_every_file_has_its_maker() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_code_makes_what_the_file_says(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text() == FILES[name].text()


@pytest.mark.parametrize("name", FILES)
def test_the_code_judges_as_the_file_says(name: str) -> None:
    cases = json.loads((FOLDER / f"{name}.json").read_text())["cases"]
    assert len(cases) > 4
    names = [(case.get("reader"), case["name"]) for case in cases]
    assert len(set(names)) == len(names)
    for case in cases:
        FILES[name].check(case)


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_what_is_taken_and_what_is_refused(name: str) -> None:
    cases = json.loads((FOLDER / f"{name}.json").read_text())["cases"]
    verdicts = {
        case[key] is None or case[key] is True
        for case in cases
        for key in ("code", "opened", "holds", "may")
        if key in case and case.get("kind") not in ("log", "agreement", "short code")
    }
    assert verdicts == {True, False}
