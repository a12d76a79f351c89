"""The three distributions carry the licence, and say the same of themselves."""

import tomllib
from pathlib import Path
from typing import Any, Final

import alcove
import alcove_protocol
import alcove_server
import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDERS: Final = ("protocol", "server", "client_sdk")
SAME: Final = (
    "version",
    "license",
    "license-files",
    "authors",
    "readme",
    "requires-python",
    "urls",
)
"""Fields that do not differ between distributions of one release."""


def project(folder: str) -> dict[str, Any]:  # Any: a TOML file has no types
    found: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return found


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("name", ["LICENSE", "NOTICE"])
def test_a_distribution_carries_the_licence(folder: str, name: str) -> None:
    assert (ROOT / folder / name).read_bytes() == (ROOT / name).read_bytes()
    assert name in project(folder)["license-files"]


def test_the_licence_is_apache_2_in_the_name_of_the_authors() -> None:
    assert (
        "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
    )
    assert "The Alcove authors" in (ROOT / "NOTICE").read_text()
    assert project("server")["license"] == "Apache-2.0"


@pytest.mark.parametrize("field", SAME)
def test_the_distributions_agree(field: str) -> None:
    first, *others = [project(folder)[field] for folder in FOLDERS]
    assert first
    assert all(other == first for other in others)


def test_each_says_its_version_and_needs_the_others_of_the_same_one() -> None:
    version = project("protocol")["version"]
    assert {alcove.__version__, alcove_protocol.__version__, alcove_server.__version__} == {version}
    for folder in FOLDERS:
        extras = project(folder).get("optional-dependencies", {}).values()
        needed = [*project(folder)["dependencies"], *(one for extra in extras for one in extra)]
        ours = [one for one in needed if one.startswith("alcove-")]
        assert all(one.endswith(f"=={version}") for one in ours), ours
    assert f"alcove-protocol=={version}" in project("client_sdk")["dependencies"]
    assert f"alcove-protocol=={version}" in project("server")["dependencies"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_distribution_describes_itself(folder: str) -> None:
    about = project(folder)
    assert about["keywords"]
    assert "Typing :: Typed" in about["classifiers"]
    assert (ROOT / folder / about["readme"]).read_text().startswith(f"# {about['name']}\n")
